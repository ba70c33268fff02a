//! How long a call of the writer may take; for [`super::Database::write`] and its like alone.
//!
//! PostgreSQL ends a statement by itself; here it is only seen whether it answers at all. SQLite asks, every so many steps of a
//! statement, whether it is to go on: the end of the call that runs is where its connection looks.
//!
//! **Invariant:** an SQLite file has one writer, so that whoever has it sets an end for one call at a time. What does not
//! come through [`WriteLimit::bound`], such as a migration, has no end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sea_orm::DbErr;
use sea_orm::sqlx::pool::PoolOptions;
use sea_orm::sqlx::{Connection as _, Sqlite};

use super::error::no_answer;

/// How long a call of the writer may take.
#[derive(Clone)]
pub(super) enum WriteLimit {
    /// Nobody watches it.
    None,
    /// The server counts as gone when it has not answered then.
    Answer(Duration),
    /// The statement is stopped then.
    Statement(Duration, Arc<End>),
}

/// When the statement that runs is to be stopped, in microseconds from `base`.
pub(super) struct End {
    base: Instant,
    at: AtomicU64,
}

/// A call that runs.
struct Running<'e>(&'e End);

/// No statement is stopped.
const NEVER: u64 = u64::MAX;
/// Whatever runs is stopped.
const AT_ONCE: u64 = 0;
/// Steps of SQLite's virtual machine between two looks: some ten microseconds. `BEGIN`, `COMMIT` and `ROLLBACK` take fewer.
const STEPS: i32 = 1000;

impl WriteLimit {
    pub(super) fn postgres(answer_timeout: Option<Duration>) -> Self {
        answer_timeout.map_or(Self::None, Self::Answer)
    }

    pub(super) fn sqlite(statement_timeout: Option<Duration>) -> Self {
        let end = || Arc::new(End { base: Instant::now(), at: AtomicU64::new(NEVER) });
        statement_timeout.map_or(Self::None, |timeout| Self::Statement(timeout, end()))
    }

    /// Lets each connection of the writer's pool look when to stop.
    pub(super) fn watch(&self, pool: PoolOptions<Sqlite>) -> PoolOptions<Sqlite> {
        let end = match self {
            Self::Statement(_, end) => Some(Arc::clone(end)),
            Self::None | Self::Answer(_) => None,
        };
        let (acquired, connected) = (end.clone(), end);
        // A statement that was stopped in the middle has taken its transaction with it, as one does for which the disk is full;
        // sqlx still counts the transaction, and would begin no other.
        pool.before_acquire(move |connection, _| {
            let is_whole = !connection.is_in_transaction();
            if let Some(end) = &acquired {
                end.lift();
            }
            Box::pin(async move { Ok(is_whole) })
        })
        .after_connect(move |connection, _| {
            let end = connected.clone();
            Box::pin(async move {
                if let Some(end) = end {
                    end.lift();
                    connection.lock_handle().await?.set_progress_handler(STEPS, move || end.is_ahead());
                }
                Ok(())
            })
        })
    }

    /// Waits for the call that begins a transaction. Those that wait for the writer are many.
    pub(super) async fn bound_begin<T>(&self, call: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        match self {
            Self::Answer(timeout) => tokio::time::timeout(*timeout, call).await.unwrap_or_else(|_| Err(no_answer())),
            Self::None | Self::Statement(..) => call.await,
        }
    }

    /// Waits for a call by whoever has the writer.
    pub(super) async fn bound<T>(&self, call: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        let Self::Statement(timeout, end) = self else { return self.bound_begin(call).await };
        let running = end.begin(*timeout);
        let result = call.await;
        running.has_ended();
        result
    }
}

impl End {
    /// Whether a statement may go on.
    fn is_ahead(&self) -> bool {
        let at = self.at.load(Ordering::Relaxed);
        at == NEVER || micros(self.base.elapsed()) < at
    }

    /// Lets whatever runs go on. Whoever stopped the last statement has given the writer back.
    fn lift(&self) {
        self.at.store(NEVER, Ordering::Relaxed);
    }

    fn begin(&self, timeout: Duration) -> Running<'_> {
        self.at.store(micros(self.base.elapsed() + timeout), Ordering::Relaxed);
        Running(self)
    }
}

impl Running<'_> {
    fn has_ended(self) {
        self.0.lift();
        std::mem::forget(self);
    }
}

impl Drop for Running<'_> {
    /// Nobody waits for it any more.
    fn drop(&mut self) {
        self.0.at.store(AT_ONCE, Ordering::Relaxed);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(NEVER)
}
