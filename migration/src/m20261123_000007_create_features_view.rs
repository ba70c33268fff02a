//! The read model of a feature: its counts, so that a list of features counts nothing.

use sea_orm_migration::prelude::*;

use crate::sql::{Sql, run};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, DOWN).await
    }
}

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
