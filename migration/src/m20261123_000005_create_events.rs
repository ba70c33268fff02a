//! Events: what happened, numbered without gaps in each aggregate.

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

const UP: &[Sql] = &[Sql::Both(
    r"CREATE TABLE events (
            id {uuid} PRIMARY KEY NOT NULL,
            aggregate_type {text} NOT NULL,
            aggregate_id {uuid} NOT NULL,
            version integer NOT NULL,
            event_type {text} NOT NULL,
            payload {json} NOT NULL,
            created_at {timestamp:created_at} NOT NULL,
            CONSTRAINT events_aggregate_version_unique UNIQUE (aggregate_id, version),
            CONSTRAINT events_version_positive CHECK (version >= 1)
        ){strict}",
)];

const DOWN: &[Sql] = &[Sql::Both("DROP TABLE events")];
