//! Looks after the connections to PostgreSQL that nobody uses: closes those that nobody needs any more, and opens as many as are to be
//! kept; for [`super::postgres`] alone.

use std::time::Duration;

use deadpool::managed::{Metrics, Pool, WeakPool};
use futures_util::future::join_all;
use tokio::time::timeout;

use super::PoolOptions;
use super::postgres::Opener;

/// How long the connections of a pool live.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lifetimes {
    /// How long one stays that nobody uses.
    idle: Duration,
    /// How long one is used.
    most: Duration,
    /// How many are kept, however long nobody has used them.
    kept: usize,
}

/// How often one looks, at the least.
const SELDOM: Duration = Duration::from_secs(30);
/// How long a connection may take to say goodbye.
pub(super) const GOODBYE: Duration = Duration::from_millis(200);
/// How often one looks, at the most.
const OFTEN: Duration = Duration::from_millis(50);

impl Lifetimes {
    pub(super) fn of(pool: &PoolOptions) -> Self {
        let kept = pool.min_connections.min(pool.max_connections) as usize;
        Self { idle: pool.idle_timeout, most: pool.max_lifetime, kept }
    }

    /// Whether a connection may be used again.
    pub(super) fn lets_live(self, metrics: &Metrics) -> bool {
        metrics.age() < self.most
    }

    /// Looks after the pool until its last clone is dropped, or it is closed.
    pub(super) fn look_after(self, pool: &Pool<Opener>) {
        let pool = pool.weak();
        let every = (self.idle.min(self.most) / 4).clamp(OFTEN, SELDOM);
        tokio::spawn(async move {
            while self.tidy(&pool).await {
                tokio::time::sleep(every).await;
            }
        });
    }

    /// Whether there is a pool to look after.
    async fn tidy(self, pool: &WeakPool<Opener>) -> bool {
        let Some(pool) = pool.upgrade().filter(|pool| !pool.is_closed()) else { return false };
        let mut spare = pool.status().size.saturating_sub(self.kept);
        let idle = pool.retain(|_, metrics| {
            let goes = !self.lets_live(&metrics) || (metrics.last_used() >= self.idle && spare > 0);
            if goes {
                spare = spare.saturating_sub(1);
            }
            !goes
        });
        for lane in idle.removed {
            // What cannot be closed in order is closed all the same.
            let _ = timeout(GOODBYE, lane.connection.close()).await;
        }
        if pool.status().size < self.kept {
            // Those that are there are given first, so all that are to be kept are taken at once. Where the server is away it is
            // tried again the next time.
            let _ = join_all((0..self.kept).map(|_| pool.get())).await;
        }
        true
    }
}
