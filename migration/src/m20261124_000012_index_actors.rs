//! What an actor did, in order.

use crate::sql::{Sql, SqlMigration};

pub(crate) const MIGRATION: SqlMigration = SqlMigration { name: "m20261124_000012_index_actors", up: UP, down: DOWN };

const UP: &[Sql] = &[
    // `auditLogs(filter: {actorId: {eq: …}})`.
    Sql::Both("CREATE INDEX audit_logs_of_actor ON audit_logs (actor_id, id)"),
];

const DOWN: &[Sql] = &[Sql::Both("DROP INDEX audit_logs_of_actor")];
