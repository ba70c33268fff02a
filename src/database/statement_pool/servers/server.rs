//! One server: its connections, and what is known of it.

use sea_orm::DbErr;
use sea_orm::sqlx::postgres::PgConnectOptions;
use tokio::sync::{Notify, watch};

use super::super::postgres::Lanes;
use super::known::Known;
use crate::database::PoolOptions;

/// A server.
pub(super) struct Server {
    /// Its place in the settings: the one that is named as the database comes first.
    place: usize,
    pub(super) options: PgConnectOptions,
    /// The connections that queries are read through.
    pub(super) reads: Lanes,
    /// Those of writes that are one statement, which no query keeps waiting. While it is the primary.
    pub(super) writes: Lanes,
    known: watch::Sender<Known>,
    /// Asks for it to be asked at once.
    pub(super) hurry: Notify,
}

impl Server {
    pub(super) fn new(
        place: usize,
        options: PgConnectOptions,
        pool: &PoolOptions,
        is_primary: bool,
    ) -> Result<Self, DbErr> {
        let reads = Lanes::new(&options, pool)?;
        // A replica keeps none for what it does not take.
        let kept = if is_primary { pool.min_connections } else { 0 };
        let writes = Lanes::new(&options, &PoolOptions { min_connections: kept, ..pool.clone() })?;
        Ok(Self { place, options, reads, writes, known: watch::Sender::default(), hurry: Notify::new() })
    }

    /// What the log and the metrics call it: its host may tell strangers too much.
    pub(super) fn number(&self) -> usize {
        self.place + 1
    }

    pub(super) fn known(&self) -> Known {
        *self.known.borrow()
    }

    /// What it has said. Says whether that is another role than before.
    pub(super) fn learn(&self, now: Known) -> bool {
        self.known.send_replace(now).role != now.role
    }

    /// A statement has failed, as it does where the server is away: it is asked whether it is, and not used until it has answered.
    pub(super) fn suspect(&self) {
        if self.known.send_if_modified(|known| known.role.take().is_some()) {
            tracing::warn!(
                server = self.number(),
                "a database server has failed a statement, and is asked whether it is there"
            );
        }
        self.hurry.notify_one();
    }

    /// Waits until it is known not to answer.
    pub(super) async fn lost(&self) {
        // The sender is ours.
        let _ = self.known.subscribe().wait_for(|known| known.is_asked && known.role.is_none()).await;
    }

    /// Waits until something else is known of it.
    pub(super) fn changes(&self) -> watch::Receiver<Known> {
        self.known.subscribe()
    }
}
