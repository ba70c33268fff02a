//! Whether the server of who writes can be reached, while somebody waits for a connection to it: the pool tries until its time is over.
//!
//! **Invariants:** however many wait, one looks at a time, and all are told what it has seen; a statement that has a connection is left
//! to it, since it may have begun.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sea_orm::sqlx::{self, ConnectOptions as _};
use sea_orm::{DatabaseConnection, DbBackend, DbErr};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use super::error::{is_farewell, no_answer};

/// Looks for all that wait. Cloning is cheap and shares it.
#[derive(Clone, Default)]
pub(super) struct Reachable(Arc<Mutex<Option<Seen>>>);

#[derive(Clone, Copy)]
struct Seen {
    at: Instant,
    what: Look,
}

/// What a look at the server has seen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// It gives connections.
    There,
    /// It gives none: it is silent, or has as many as it takes.
    Unwilling,
    /// There is nobody, or somebody who only begins or ends.
    Gone,
}

tokio::task_local! {
    /// Whether a statement has the connection that it was sent to.
    static HAS_CONNECTION: Arc<AtomicBool>;
}

/// How long one waits before one looks.
const LOOKS_AFTER: Duration = Duration::from_millis(400);
/// How long a look may take. Two looks and the waits before them are less than the second within which a failure is to be told.
const LOOKS_FOR: Duration = Duration::from_millis(400);

impl Reachable {
    /// Waits for a statement that is sent to a pool by itself; while it has no connection, until the server is lost.
    pub(super) async fn or_lost<T>(
        &self,
        writer: &DatabaseConnection,
        is_full: impl Fn() -> bool,
        statement: impl Future<Output = Result<T, DbErr>>,
    ) -> Result<T, DbErr> {
        let has_connection = Arc::new(AtomicBool::new(false));
        tokio::select! {
            biased;
            done = HAS_CONNECTION.scope(Arc::clone(&has_connection), statement) => done,
            error = self.lost(writer, is_full, &has_connection) => Err(error),
        }
    }

    /// Waits for a call that begins a transaction, until the server is lost. Whatever it has done by then is forgotten.
    pub(super) async fn or_lost_at_any_time<T>(
        &self,
        writer: &DatabaseConnection,
        call: impl Future<Output = Result<T, DbErr>>,
    ) -> Result<T, DbErr> {
        let has_connection = AtomicBool::new(false);
        tokio::select! {
            biased;
            begun = call => begun,
            error = self.lost(writer, || is_full(writer), &has_connection) => Err(error),
        }
    }

    /// Waits until a connection is missing that the server does not give.
    async fn lost(
        &self,
        writer: &DatabaseConnection,
        is_full: impl Fn() -> bool,
        has_connection: &AtomicBool,
    ) -> DbErr {
        loop {
            sleep(LOOKS_AFTER).await;
            // A file is not lost.
            if has_connection.load(Ordering::Relaxed) || writer.get_database_backend() != DbBackend::Postgres {
                return std::future::pending().await;
            }
            // Apart, since it is seldom needed, and whoever begins a transaction would carry it along.
            let seen = Box::pin(self.look(writer)).await;
            // A pool counts those that it only tries to open. Where it has all, the server may have other things to do than to give one.
            let is_lost = seen == Look::Gone || (seen == Look::Unwilling && !is_full());
            if is_lost && !has_connection.load(Ordering::Relaxed) {
                return no_answer();
            }
        }
    }

    async fn look(&self, writer: &DatabaseConnection) -> Look {
        let mut seen = self.0.lock().await;
        if let Some(Seen { at, what }) = *seen
            && at.elapsed() < LOOKS_AFTER
        {
            return what;
        }
        let options = writer.get_postgres_connection_pool().connect_options();
        let what = match timeout(LOOKS_FOR, options.connect()).await {
            // It is closed as it goes: there is nothing to say on it.
            Ok(Ok(_)) => Look::There,
            Ok(Err(error)) => {
                tracing::debug!(%error, "the server of who writes does not answer");
                if is_gone(&error) { Look::Gone } else { Look::Unwilling }
            }
            Err(_) => Look::Unwilling,
        };
        *seen = Some(Seen { at: Instant::now(), what });
        what
    }
}

/// Tells the statement that waits for a connection that this is the one.
pub(super) fn tell_of_connection() {
    // Whoever begins a transaction does not ask, nor does the pool, which keeps some open.
    let _ = HAS_CONNECTION.try_with(|has| has.store(true, Ordering::Relaxed));
}

fn is_gone(error: &sqlx::Error) -> bool {
    match error {
        // Of this machine's own faults, such as too many open files, the server knows nothing.
        sqlx::Error::Io(cause) => matches!(
            cause.kind(),
            ErrorKind::ConnectionRefused
                | ErrorKind::ConnectionReset
                | ErrorKind::NotFound
                | ErrorKind::UnexpectedEof
                | ErrorKind::BrokenPipe
                | ErrorKind::HostUnreachable
                | ErrorKind::NetworkUnreachable
        ),
        error => is_farewell(error),
    }
}

/// Whether whoever waits for a connection of the writer waits for others that have one, and not for the server.
pub(super) fn is_full(writer: &DatabaseConnection) -> bool {
    match writer.get_database_backend() {
        DbBackend::Postgres => {
            let pool = writer.get_postgres_connection_pool();
            pool.size() >= pool.options().get_max_connections()
        }
        _ => true,
    }
}
