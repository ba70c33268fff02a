//! How busy the pools are, for whoever operates the server.

use deadpool::Status;
use sea_orm::DbBackend;

use super::{Database, ServerStatus};

/// A pool of connections at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolStatus {
    /// `read` for queries, `single_write` for writes that are one statement, on PostgreSQL, `write` for what goes through SeaORM.
    pub name: &'static str,
    /// Which server its connections lead to, as [`ServerStatus::number`] has it, where there are several. Those of `write` lead to the
    /// primary, whichever that is.
    pub server: Option<usize>,
    /// How many connections are open.
    pub size: usize,
    /// How many of them nobody uses.
    pub idle: usize,
    /// How many wait for one, where that is known.
    pub waiters: Option<usize>,
}

impl PoolStatus {
    pub(super) fn of(name: &'static str, server: Option<usize>, status: &Status) -> Self {
        Self { name, server, size: status.size, idle: status.available, waiters: Some(status.waiting) }
    }
}

impl Database {
    /// The servers as they are known now, where there are replicas; nothing else.
    pub fn server_statuses(&self) -> Vec<ServerStatus> {
        self.pools.statements.servers().map(super::statement_pool::Servers::statuses).unwrap_or_default()
    }

    /// How many statements were run again since a server had failed them, and how many queries went to the primary since no replica
    /// could serve them.
    pub fn moved_reads(&self) -> (u64, u64) {
        self.pools.statements.servers().map(super::statement_pool::Servers::moved).unwrap_or_default()
    }

    /// Its pools as they are now, those for queries first. Nobody waits for that.
    pub fn pool_statuses(&self) -> Vec<PoolStatus> {
        let (size, idle) = if self.backend() == DbBackend::Postgres {
            let pool = self.pools.writer.get_postgres_connection_pool();
            (pool.size(), pool.num_idle())
        } else {
            let pool = self.pools.writer.get_sqlite_connection_pool();
            (pool.size(), pool.num_idle())
        };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let write = PoolStatus { name: "write", server: None, size, idle, waiters: None };
        self.pools.statements.statuses().into_iter().chain([write]).collect()
    }
}
