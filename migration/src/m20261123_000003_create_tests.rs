//! Test cases: the checks of a feature, each with its latest result.

use crate::sql::{Sql, SqlMigration};

pub(crate) const MIGRATION: SqlMigration = SqlMigration { name: "m20261123_000003_create_tests", up: UP, down: DOWN };

const UP: &[Sql] = &[
    // A name is in an index, whose entries PostgreSQL limits to 2,704 bytes: 650 characters of four bytes fit.
    Sql::Both(
        r"CREATE TABLE tests (
            id {uuid} PRIMARY KEY NOT NULL,
            feature_id {uuid} NOT NULL,
            name {text} NOT NULL,
            status {text} NOT NULL DEFAULT 'pending',
            duration_ms integer,
            duration_order integer GENERATED ALWAYS AS (coalesce(duration_ms, -1)) {generated},
            message {text},
            row_version integer NOT NULL DEFAULT 1,
            created_at {timestamp:created_at} NOT NULL,
            updated_at {timestamp:updated_at} NOT NULL,
            CONSTRAINT tests_feature_fk FOREIGN KEY (feature_id) REFERENCES features (id) ON DELETE CASCADE,
            CONSTRAINT tests_feature_name_unique UNIQUE (feature_id, name),
            CONSTRAINT tests_name_length CHECK (length(name) BETWEEN 1 AND 650),
            CONSTRAINT tests_status_known CHECK (status IN ('pending', 'passed', 'failed', 'skipped')),
            CONSTRAINT tests_duration_range CHECK (duration_ms BETWEEN 0 AND 2147483647),
            CONSTRAINT tests_row_version_positive CHECK (row_version >= 1)
        ){strict}",
    ),
    // The keyset orders of `feature { tests(orderBy:) }`, and the foreign key; by name there is the unique index.
    Sql::Both("CREATE INDEX tests_of_feature ON tests (feature_id, id)"),
    Sql::Both("CREATE INDEX tests_of_feature_by_status ON tests (feature_id, status, id)"),
    Sql::Both("CREATE INDEX tests_of_feature_by_created_at ON tests (feature_id, created_at, id)"),
    // `duration_order` is -1, before every duration, where there is none, so that a page after a row without one is one
    // seek as well. It is a column, since SQLite does not seek by a row value over an expression.
    Sql::Both("CREATE INDEX tests_of_feature_by_duration_ms ON tests (feature_id, duration_order, id)"),
];

const DOWN: &[Sql] = &[Sql::Both("DROP TABLE tests")];
