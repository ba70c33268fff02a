//! The read model of a feature: its counts, so that a list of features counts nothing.

use crate::sql::{Sql, SqlMigration};

pub(crate) const MIGRATION: SqlMigration =
    SqlMigration { name: "m20261123_000007_create_features_view", up: UP, down: DOWN };

const UP: &[Sql] = &[
    Sql::Both(
        r"CREATE TABLE features_view (
            id {uuid} PRIMARY KEY NOT NULL,
            name {text} NOT NULL,
            priority integer NOT NULL,
            project_id {uuid} NOT NULL,
            test_count integer NOT NULL DEFAULT 0,
            passed_count integer NOT NULL DEFAULT 0,
            failed_count integer NOT NULL DEFAULT 0,
            pending_count integer NOT NULL DEFAULT 0,
            skipped_count integer NOT NULL DEFAULT 0,
            deployment_status {text},
            CONSTRAINT features_view_feature_fk FOREIGN KEY (id) REFERENCES features (id) ON DELETE CASCADE,
            CONSTRAINT features_view_counts_add_up
                CHECK (test_count = passed_count + failed_count + pending_count + skipped_count),
            CONSTRAINT features_view_deployment_status_known
                CHECK (deployment_status IN ('pending', 'in_progress', 'succeeded', 'failed', 'rolled_back'))
        ){strict}",
    ),
    // The read model of one project.
    Sql::Both(r"CREATE INDEX features_view_of_project ON features_view (project_id, id)"),
];

const DOWN: &[Sql] = &[Sql::Both("DROP TABLE features_view")];
