//! How busy the pools are, for whoever operates the server.

use sea_orm::DbBackend;

use super::{Database, ServerStatus};

/// A pool of connections at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolStatus {
    /// `read` for queries, `write` for what goes through SeaORM.
    pub name: &'static str,
    /// How many connections are open.
    pub size: usize,
    /// How many of them nobody uses.
    pub idle: usize,
    /// How many wait for one, where that is known.
    pub waiters: Option<usize>,
}

impl Database {
    /// The servers as they are known now, where there are replicas; nothing else.
    pub fn server_statuses(&self) -> Vec<ServerStatus> {
        self.reads.servers().map(super::read_pool::Servers::statuses).unwrap_or_default()
    }

    /// How many statements were run again since a server had failed them, and how many queries went to the primary since no replica
    /// could serve them.
    pub fn moved_reads(&self) -> (u64, u64) {
        self.reads.servers().map(super::read_pool::Servers::moved).unwrap_or_default()
    }

    /// Its pools as they are now. Nobody waits for that.
    pub fn pool_statuses(&self) -> [PoolStatus; 2] {
        let read = self.reads.status();
        let (size, idle) = if self.backend() == DbBackend::Postgres {
            let pool = self.writer.get_postgres_connection_pool();
            (pool.size(), pool.num_idle())
        } else {
            let pool = self.writer.get_sqlite_connection_pool();
            (pool.size(), pool.num_idle())
        };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        [
            PoolStatus { name: "read", size: read.size, idle: read.available, waiters: Some(read.waiting) },
            PoolStatus { name: "write", size, idle, waiters: None },
        ]
    }
}
