//! Users, what they may do in which project, and the tokens that let them in.

use crate::sql::{Sql, SqlMigration};

pub(crate) const MIGRATION: SqlMigration =
    SqlMigration { name: "m20261129_000014_create_identities", up: UP, down: DOWN };

const UP: &[Sql] = &[
    Sql::Both(
        r"CREATE TABLE users (
            id {uuid} PRIMARY KEY NOT NULL,
            name {text} NOT NULL,
            kind {text} NOT NULL,
            instance_role {text} NOT NULL DEFAULT 'member',
            deleted_at {timestamp:deleted_at},
            row_version integer NOT NULL DEFAULT 1,
            created_at {timestamp:created_at} NOT NULL,
            updated_at {timestamp:updated_at} NOT NULL,
            CONSTRAINT users_name_unique UNIQUE (name),
            CONSTRAINT users_name_length CHECK (length(name) BETWEEN 1 AND 255),
            CONSTRAINT users_kind_known CHECK (kind IN ('person', 'agent', 'service')),
            CONSTRAINT users_instance_role_known CHECK (instance_role IN ('member', 'auditor', 'admin')),
            CONSTRAINT users_row_version_positive CHECK (row_version >= 1)
        ){strict}",
    ),
    // `users(orderBy: {field: CREATED_AT})`; the order by name reads the unique index.
    Sql::Both("CREATE INDEX users_by_created_at ON users (created_at, id) WHERE deleted_at IS NULL"),
    Sql::Both(
        r"CREATE TABLE project_members (
            id {uuid} PRIMARY KEY NOT NULL,
            project_id {uuid} NOT NULL,
            user_id {uuid} NOT NULL,
            role {text} NOT NULL,
            row_version integer NOT NULL DEFAULT 1,
            created_at {timestamp:created_at} NOT NULL,
            updated_at {timestamp:updated_at} NOT NULL,
            CONSTRAINT project_members_project_fk FOREIGN KEY (project_id) REFERENCES projects (id) ON DELETE CASCADE,
            CONSTRAINT project_members_user_fk FOREIGN KEY (user_id) REFERENCES users (id),
            CONSTRAINT project_members_user_project_unique UNIQUE (user_id, project_id),
            CONSTRAINT project_members_role_known CHECK (role IN ('viewer', 'contributor', 'maintainer', 'owner')),
            CONSTRAINT project_members_row_version_positive CHECK (row_version >= 1)
        ){strict}",
    ),
    // `project { members }`; what a user may do is found by the unique index.
    Sql::Both("CREATE INDEX project_members_of_project ON project_members (project_id, id)"),
    // `project { members(orderBy: {field: ROLE}) }`, also the look for another owner.
    Sql::Both("CREATE INDEX project_members_of_project_by_role ON project_members (project_id, role, id)"),
    // `replay --swap` takes users and projects away and puts them back within a transaction: tokens outlive that. One that is limited to
    // a project that is gone is good for nothing.
    Sql::Both(
        r"CREATE TABLE access_tokens (
            id {uuid} PRIMARY KEY NOT NULL,
            user_id {uuid} NOT NULL,
            name {text} NOT NULL,
            secret_hash {bytes} NOT NULL,
            project_id {uuid},
            role {text},
            created_at {timestamp:created_at} NOT NULL,
            expires_at {timestamp:expires_at},
            revoked_at {timestamp:revoked_at},
            last_used_at {timestamp:last_used_at},
            CONSTRAINT access_tokens_user_fk FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
            CONSTRAINT access_tokens_secret_unique UNIQUE (secret_hash),
            CONSTRAINT access_tokens_secret_length CHECK (length(secret_hash) = 32),
            CONSTRAINT access_tokens_name_length CHECK (length(name) BETWEEN 1 AND 255),
            CONSTRAINT access_tokens_role_known CHECK (role IN ('viewer', 'contributor', 'maintainer', 'owner'))
        ){strict}",
    ),
    // The foreign key, and a user's tokens.
    Sql::Both("CREATE INDEX access_tokens_of_user ON access_tokens (user_id, id)"),
];

const DOWN: &[Sql] =
    &[Sql::Both("DROP TABLE access_tokens"), Sql::Both("DROP TABLE project_members"), Sql::Both("DROP TABLE users")];
