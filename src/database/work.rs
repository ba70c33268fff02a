//! What one operation does with the database: how many of its statements run at once, and where it reads.

use tokio::sync::{Semaphore, SemaphorePermit};

use super::statement_pool::Route;
use super::{Database, WalPosition};

/// What an operation does.
pub(super) struct Work {
    turns: Semaphore,
    route: Route,
}

/// Where the position is that other servers must have reached to show what was committed. What is committed without waiting for the
/// disk is written, but not yet flushed.
const WRITTEN: &str = "SELECT pg_wal_lsn_diff(CASE current_setting('synchronous_commit') \
    WHEN 'off' THEN pg_current_wal_insert_lsn() ELSE pg_current_wal_flush_lsn() END, '0/0')::int8";

impl Work {
    pub(super) fn new(at_once: usize) -> Self {
        Self { turns: Semaphore::new(at_once), route: Route::default() }
    }

    /// Waits until fewer statements of the operation run than may.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.turns.acquire().await.ok()
    }

    pub(super) fn route(&self) -> &Route {
        &self.route
    }
}

impl Database {
    /// Reads from now on from a replica that has reached a position, where there are any: for an operation that changes nothing.
    pub(crate) fn read_from_replicas(&self, at_least: Option<WalPosition>) {
        if let (Some(work), Some(_)) = (&self.work, self.pools.statements.servers()) {
            work.route.lead_to_replicas(at_least.unwrap_or_default());
        }
    }

    /// The database for what must be read whatever server is there, and is best read from the primary.
    pub(crate) fn on_any_server(&self) -> Self {
        if self.pools.statements.servers().is_none() {
            return self.clone();
        }
        let work = Work::new(Semaphore::MAX_PERMITS);
        work.route.lead_to_primary();
        Self { work: Some(work.into()), ..self.clone() }
    }

    /// Whether any server answers that there are, where there are several.
    pub(crate) fn any_server_answers(&self) -> bool {
        self.pools.statements.servers().is_some_and(super::statement_pool::Servers::any_answers)
    }

    /// The number of the server that the operation's last statement was read from, and whether that is the primary.
    pub(crate) fn read_from(&self) -> (usize, bool) {
        let servers = self.work.as_ref().zip(self.pools.statements.servers());
        servers.and_then(|(work, servers)| work.route.led_to(servers)).unwrap_or((1, true))
    }

    /// The position that a replica must have reached to show all that was committed up to now, where there are any and it is known.
    pub(crate) async fn position(&self) -> Option<WalPosition> {
        self.pools.statements.servers()?;
        match self.primary_position().await {
            Ok(position) => Some(position),
            // What was committed is committed; who reads it from a replica may see it a little later.
            Err(error) => {
                tracing::warn!(%error, "the position of what was written is not known");
                None
            }
        }
    }

    /// Lets no replica serve that has not seen what the primary has now: its tables may be older than this program.
    ///
    /// # Errors
    /// When the primary does not answer.
    pub async fn require_present(&self) -> Result<(), super::DatabaseError> {
        if let Some(servers) = self.pools.statements.servers() {
            servers.require(self.primary_position().await?);
        }
        Ok(())
    }

    async fn primary_position(&self) -> Result<WalPosition, super::DatabaseError> {
        let _observed = self.observe("position", 1);
        let rows = self.pools.statements.query(None, &WRITTEN.into(), &|| sea_orm::Values(Vec::new())).await?;
        let position = rows.first().map(|row| row.long(0)).transpose()?.flatten().unwrap_or_default();
        Ok(WalPosition(u64::try_from(position).unwrap_or_default()))
    }
}
