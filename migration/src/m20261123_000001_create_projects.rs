//! Projects: what features belong to.

use crate::sql::{Sql, SqlMigration};

pub(crate) const MIGRATION: SqlMigration =
    SqlMigration { name: "m20261123_000001_create_projects", up: UP, down: DOWN };

const UP: &[Sql] = &[
    Sql::Both(
        r"CREATE TABLE projects (
            id {uuid} PRIMARY KEY NOT NULL,
            name {text} NOT NULL,
            description {text},
            row_version integer NOT NULL DEFAULT 1,
            created_at {timestamp:created_at} NOT NULL,
            updated_at {timestamp:updated_at} NOT NULL,
            CONSTRAINT projects_name_unique UNIQUE (name),
            CONSTRAINT projects_name_length CHECK (length(name) BETWEEN 1 AND 255),
            CONSTRAINT projects_row_version_positive CHECK (row_version >= 1)
        ){strict}",
    ),
    // `projects(orderBy: {field: CREATED_AT})`; the order by name reads the unique index.
    Sql::Both(r"CREATE INDEX projects_created_at ON projects (created_at, id)"),
];

const DOWN: &[Sql] = &[Sql::Both("DROP TABLE projects")];
