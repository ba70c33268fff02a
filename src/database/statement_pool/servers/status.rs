//! What an operator is told of the servers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Servers;
use crate::database::PoolStatus;

/// A database server at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerStatus {
    /// Its place in the settings, from 1 on: the one that is named as the database is the first.
    pub number: usize,
    /// Whether it is the one that writes go to.
    pub is_primary: bool,
    /// Whether it has answered when it was last asked.
    pub answers: bool,
    /// How far it is behind the primary.
    pub lag: Duration,
}

/// How often statements went elsewhere than they should.
#[derive(Default)]
pub(super) struct Moved {
    from_failed: AtomicU64,
    to_primary: AtomicU64,
}

impl Moved {
    /// A server has failed a statement, which is run again somewhere else.
    pub(super) fn count_failed(&self) {
        self.from_failed.fetch_add(1, Ordering::Relaxed);
    }

    /// No replica could serve a query.
    pub(super) fn count_unserved(&self) {
        self.to_primary.fetch_add(1, Ordering::Relaxed);
    }
}

impl Servers {
    /// The servers as they are known now. Nobody waits for that.
    pub(in crate::database) fn statuses(&self) -> Vec<ServerStatus> {
        let primary = self.all.primary();
        let status = |server: &super::Server| {
            let known = server.known();
            ServerStatus {
                number: server.number(),
                is_primary: std::ptr::eq(server, primary),
                answers: known.role.is_some(),
                lag: known.lag,
            }
        };
        self.all.servers.iter().map(status).collect()
    }

    /// How many connections for queries there are to each server, and for single writes where there are any, by its number where there are
    /// several, and who waits for one.
    pub(in crate::database) fn pool_statuses(&self) -> Vec<PoolStatus> {
        let pools = |server: &super::Server| {
            let number = self.are_several().then(|| server.number());
            let writes = server.writes.status();
            let has_writes = std::ptr::eq(server, self.all.primary()) || writes.size > 0;
            let writes = has_writes.then(|| PoolStatus::of("single_write", number, &writes));
            [Some(PoolStatus::of("read", number, &server.reads.status())), writes]
        };
        self.all.servers.iter().flat_map(pools).flatten().collect()
    }

    /// How many statements were run again since a server failed them, and how many queries went to the primary since no replica could
    /// serve them.
    pub(in crate::database) fn moved(&self) -> (u64, u64) {
        let Moved { from_failed, to_primary } = &self.all.moved;
        (from_failed.load(Ordering::Relaxed), to_primary.load(Ordering::Relaxed))
    }
}
