//! Events: what happened, numbered without gaps in each aggregate.

use crate::sql::{Sql, SqlMigration};

pub(crate) const MIGRATION: SqlMigration = SqlMigration { name: "m20261123_000005_create_events", up: UP, down: DOWN };

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
