//! Features: the units of work that a project delivers.

use crate::sql::{Sql, SqlMigration};

pub(crate) const MIGRATION: SqlMigration =
    SqlMigration { name: "m20261123_000002_create_features", up: UP, down: DOWN };

const UP: &[Sql] = &[
    Sql::Both(
        r"CREATE TABLE features (
            id {uuid} PRIMARY KEY NOT NULL,
            project_id {uuid} NOT NULL,
            name {text} NOT NULL,
            description {text},
            priority integer NOT NULL,
            status {text} NOT NULL DEFAULT 'not_started',
            deleted_at {timestamp:deleted_at},
            row_version integer NOT NULL DEFAULT 1,
            created_at {timestamp:created_at} NOT NULL,
            updated_at {timestamp:updated_at} NOT NULL,
            CONSTRAINT features_project_fk FOREIGN KEY (project_id) REFERENCES projects (id) ON DELETE CASCADE,
            CONSTRAINT features_project_name_unique UNIQUE (project_id, name),
            CONSTRAINT features_name_length CHECK (length(name) BETWEEN 1 AND 255),
            CONSTRAINT features_priority_range CHECK (priority BETWEEN 1 AND 13),
            CONSTRAINT features_status_known
                CHECK (status IN ('not_started', 'in_progress', 'blocked', 'completed', 'cancelled')),
            CONSTRAINT features_row_version_positive CHECK (row_version >= 1)
        ){strict}",
    ),
    // Features in one status over all projects, deleted ones too (an operator's count).
    Sql::Both(r"CREATE INDEX features_status ON features (status)"),
    // `features { totalCount }`, and the page in creation order: what is not deleted.
    Sql::Both(r"CREATE INDEX features_live ON features (id) WHERE deleted_at IS NULL"),
    // Search of a name whatever its case.
    Sql::Both(r"CREATE INDEX features_lower_name ON features (LOWER(name))"),
    // The keyset orders of `features(orderBy:)`: a page seeks to its cursor and reads its own rows only.
    Sql::Both("CREATE INDEX features_by_name ON features (name, id) WHERE deleted_at IS NULL"),
    Sql::Both("CREATE INDEX features_by_priority ON features (priority, id) WHERE deleted_at IS NULL"),
    Sql::Both("CREATE INDEX features_by_status ON features (status, id) WHERE deleted_at IS NULL"),
    Sql::Both("CREATE INDEX features_by_created_at ON features (created_at, id) WHERE deleted_at IS NULL"),
    Sql::Both("CREATE INDEX features_by_updated_at ON features (updated_at, id) WHERE deleted_at IS NULL"),
    // The same orders inside one project, `project { features(orderBy:) }`, and the foreign key; by name there is the
    // unique index.
    Sql::Both("CREATE INDEX features_of_project ON features (project_id, id) WHERE deleted_at IS NULL"),
    Sql::Both(
        "CREATE INDEX features_of_project_by_priority ON features (project_id, priority, id) WHERE deleted_at IS NULL",
    ),
    // Also `project { progress }`: how many of a project's features are in which status, from the index alone. SQLite asks
    // the index for `deleted_at` too, though the index has no row in which it is set.
    Sql::Both(
        r"CREATE INDEX features_of_project_by_status
            ON features (project_id, status, id, deleted_at) WHERE deleted_at IS NULL",
    ),
    Sql::Both(
        "CREATE INDEX features_of_project_by_created_at ON features (project_id, created_at, id) WHERE deleted_at IS NULL",
    ),
    Sql::Both(
        "CREATE INDEX features_of_project_by_updated_at ON features (project_id, updated_at, id) WHERE deleted_at IS NULL",
    ),
];

const DOWN: &[Sql] = &[Sql::Both("DROP TABLE features")];
