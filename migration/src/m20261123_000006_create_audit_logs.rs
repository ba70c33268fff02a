//! Audit: who changed what, and when.

use crate::sql::{Sql, SqlMigration};

pub(crate) const MIGRATION: SqlMigration =
    SqlMigration { name: "m20261123_000006_create_audit_logs", up: UP, down: DOWN };

const UP: &[Sql] = &[
    Sql::Both(
        r"CREATE TABLE audit_logs (
            id {uuid} PRIMARY KEY NOT NULL,
            actor_id {text} NOT NULL,
            actor_kind {text} NOT NULL,
            on_behalf_of {text},
            run_id {text},
            action {text} NOT NULL,
            entity_type {text} NOT NULL,
            entity_id {uuid} NOT NULL,
            request_id {text} NOT NULL,
            changes {json} NOT NULL,
            created_at {timestamp:created_at} NOT NULL,
            CONSTRAINT audit_logs_actor_kind_known CHECK (actor_kind IN ('person', 'agent', 'service'))
        ){strict}",
    ),
    // What was done to one thing, in order.
    Sql::Both(r"CREATE INDEX audit_logs_of_entity ON audit_logs (entity_id, id)"),
];

const DOWN: &[Sql] = &[Sql::Both("DROP TABLE audit_logs")];
