//! What a command left behind, for its payload: its audit rows, its events, and its place in the order of all events.

use std::sync::Arc;

use async_graphql::Result;
use uuid::Uuid;

use super::run::fail;
use super::write_result::WriteResult;
use crate::audit::graphql::AuditLog;
use crate::batch::{BatchError, Declared, One, Reads};
use crate::database::{Parameters, Row};
use crate::events::graphql::Event;
use crate::events::{Position, place_of};

impl WriteResult {
    /// The audit rows that the command wrote, at most so many.
    pub(crate) async fn audit_logs(&self, first: i32) -> Result<Vec<One<AuditLog>>> {
        let caller = &self.reads.scope.caller;
        if caller.reads_audit() || caller.rights().own_deeds {
            return self.written("audit_logs", self.receipt.audit_logs, first, &self.reads).await;
        }
        // A limited credential reads the audit of its own commands alone; and the first one to use a key was maybe another one's.
        if self.is_replay && !self.sees_its_projects().await? {
            return Ok(Vec::new());
        }
        let caller = Arc::new(caller.as_ref().clone().knowing_own_deeds());
        let reads = Arc::new(Reads::new(self.reads.database().clone(), caller, self.reads.scope.limits));
        self.written("audit_logs", self.receipt.audit_logs, first, &reads).await
    }

    /// The events that the command wrote, at most so many.
    pub(crate) async fn events(&self, first: i32) -> Result<Vec<One<Event>>> {
        self.written("events", self.receipt.events, first, &self.reads).await
    }

    /// The place of the last event that the command wrote.
    pub(crate) async fn cursor(&self) -> Result<Option<String>> {
        let Some((_, last)) = self.receipt.events.filter(|_| !self.is_dry_run) else { return Ok(None) };
        let rows = self.read(|parameters| {
            let last = parameters.add(last);
            format!("SELECT transaction_id, position FROM events WHERE id = {last}")
        });
        let rows = rows.await.map_err(fail)?;
        let Some(row) = rows.first() else { return Ok(None) };
        let place = |cell| row.long(cell).map(Option::unwrap_or_default).map_err(fail);
        Ok(Some(place_of(Position { transaction_id: place(0)?, position: place(1)? })))
    }

    /// Whether the caller sees all projects in which something happened.
    async fn sees_its_projects(&self) -> Result<bool> {
        let Some((first, last)) = self.receipt.events else { return Ok(true) };
        let rows = self.read(|parameters| {
            let (from, to, event) = (parameters.add(first), parameters.add(last), parameters.add(first));
            format!(
                "SELECT DISTINCT project_id FROM events WHERE id BETWEEN {from} AND {to} AND (actor_id, request_id) = \
                 (SELECT e.actor_id, e.request_id FROM events e WHERE e.id = {event})"
            )
        });
        let rows = rows.await.map_err(fail)?;
        let projects = rows.iter().map(|row| row.uuid(0)).collect::<std::result::Result<Vec<_>, _>>().map_err(fail)?;
        Ok(projects.into_iter().all(|project| self.reads.scope.caller.rights().see(project)))
    }

    /// The rows of a table that the command wrote. Others may have written between its first and its last one, for other
    /// requests; and the command may have come with an earlier request, of which only its events know.
    async fn written<D: Declared>(
        &self,
        table: &str,
        ends: Option<(Uuid, Uuid)>,
        first: i32,
        reads: &Arc<Reads>,
    ) -> Result<Vec<One<D>>> {
        let most = self.reads.scope.limits.max_size;
        let limit = u32::try_from(first).ok().filter(|limit| *limit <= most).ok_or_else(|| {
            let reason = format!("must be 0 to {most}, is {first}");
            fail(BatchError::InvalidArgument { argument: "first".to_owned(), reason })
        })?;
        let (Some((from, to)), Some((event, _))) = (ends, self.receipt.events) else { return Ok(Vec::new()) };
        let rows = self.read(|parameters| {
            let (from, to, event) = (parameters.add(from), parameters.add(to), parameters.add(event));
            format!(
                "SELECT id FROM {table} WHERE id BETWEEN {from} AND {to} AND (actor_id, request_id) = \
                 (SELECT e.actor_id, e.request_id FROM events e WHERE e.id = {event}) ORDER BY id LIMIT {limit}"
            )
        });
        let rows = rows.await.map_err(fail)?;
        let keys = rows.iter().map(|row| row.uuid(0)).collect::<std::result::Result<Vec<_>, _>>().map_err(fail)?;
        Ok(keys.into_iter().flatten().map(|key| One::read_by(key, Arc::clone(reads))).collect())
    }

    async fn read(
        &self,
        write: impl FnOnce(&mut Parameters) -> String,
    ) -> std::result::Result<Vec<Row>, crate::database::DatabaseError> {
        let database = self.reads.database();
        let statement = Parameters::statement(database.backend(), write);
        let values = || statement.values.clone().unwrap_or_else(|| sea_orm::Values(Vec::new()));
        database.read(&statement.sql.as_str().into(), &values).await
    }
}
