//! How processes over one PostgreSQL wake each other when something was committed: `NOTIFY` and `LISTEN`.
//!
//! **Invariants:** nobody relies on it: what was committed stands in the table, where whoever was not woken finds it by itself. No
//! transaction notifies, since such transactions commit one after the other; a process announces after its commits, at
//! most once in [`PAUSE`], however many there were.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use sea_orm::sqlx::postgres::{PgListener, PgPool, PgPoolOptions};
use sea_orm::sqlx::{self, query};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use uuid::Uuid;

/// The channel.
const CHANNEL: &str = "throughline_commits";
/// How long commits are gathered before they are announced together.
const PAUSE: Duration = Duration::from_millis(5);
/// How long to wait before listening again, where that has failed.
const RETRY: Duration = Duration::from_secs(1);

/// Announces the commits of this process, and hears of those of others.
#[derive(Debug)]
pub(super) struct Announcer {
    pool: PgPool,
    /// Changes when another server takes the writes.
    promoted: watch::Receiver<Option<Instant>>,
    /// What this process is called: its own announcements do not wake it.
    process: String,
    state: AtomicU8,
}

/// Nothing is to be announced.
const IDLE: u8 = 0;
/// An announcement is on its way.
const ANNOUNCING: u8 = 1;
/// There were commits since it went.
const AGAIN: u8 = 2;

/// Changes whenever another process has announced a commit, or may have.
pub struct Wakes {
    count: watch::Receiver<u64>,
    listening: AbortHandle,
}

impl Announcer {
    pub(super) fn new(pool: PgPool, promoted: watch::Receiver<Option<Instant>>) -> Self {
        Self { pool, promoted, process: Uuid::now_v7().simple().to_string(), state: AtomicU8::new(IDLE) }
    }

    /// Announces that something was committed, soon.
    pub(super) fn announce(self: &Arc<Self>) {
        if self.state.swap(AGAIN, Ordering::AcqRel) != IDLE {
            return;
        }
        let announcer = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                announcer.state.store(ANNOUNCING, Ordering::Release);
                let notify = query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(&announcer.process);
                if let Err(error) = notify.execute(&announcer.pool).await {
                    tracing::debug!(%error, "a commit is not announced; other processes find it by themselves");
                }
                tokio::time::sleep(PAUSE).await;
                let waits = announcer.state.compare_exchange(ANNOUNCING, IDLE, Ordering::AcqRel, Ordering::Acquire);
                if waits.is_ok() {
                    return;
                }
            }
        });
    }

    /// Listens to other processes, until the value is dropped.
    pub(super) fn listen(&self) -> Wakes {
        let (sender, count) = watch::channel(0);
        let (writers, own, mut promoted) = (self.pool.clone(), self.process.clone(), self.promoted.clone());
        let listening = tokio::spawn(async move {
            loop {
                promoted.mark_unchanged();
                // A connection of its own: it is never given back.
                let pool =
                    PgPoolOptions::new().max_connections(1).connect_lazy_with((*writers.connect_options()).clone());
                tokio::select! {
                    heard = hear(&pool, &own, &sender) => if let Err(error) = heard {
                        tracing::debug!(%error, "other processes are not heard; what they commit is found a little later");
                    },
                    // What is committed is announced elsewhere now. The sender may be gone, where there is one server.
                    Ok(()) = promoted.changed() => continue,
                }
                tokio::time::sleep(RETRY).await;
            }
        });
        Wakes { count, listening: listening.abort_handle() }
    }
}

async fn hear(pool: &PgPool, own: &str, sender: &watch::Sender<u64>) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        // What came before there was an ear, or while the line was cut, is not told any more.
        sender.send_modify(|count| *count = count.wrapping_add(1));
        while listener.try_recv().await?.is_some_and(|heard| heard.payload() == own) {}
    }
}

impl Wakes {
    /// Waits until there may be something new.
    pub async fn heard(&mut self) {
        if self.count.changed().await.is_err() {
            // Nobody listens any more, since the runtime stops.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        self.listening.abort();
    }
}
