//! Whether the server of who writes can be reached, while somebody waits for a connection to it: the pool tries until its time is over.
//!
//! **Invariant:** however many wait, one looks at a time, and all are told what it has seen.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::{DatabaseConnection, DbBackend, DbErr};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use super::error::no_answer;

/// Looks for all that wait. Cloning is cheap and shares it.
#[derive(Clone, Default)]
pub(super) struct Reachable(Arc<Mutex<Option<Seen>>>);

#[derive(Clone, Copy)]
struct Seen {
    at: Instant,
    is_there: bool,
}

/// How long one waits before one looks.
const LOOKS_AFTER: Duration = Duration::from_millis(400);
/// How long a look may take. Two looks and the waits before them are less than the second within which a failure is to be told.
const LOOKS_FOR: Duration = Duration::from_millis(400);

impl Reachable {
    /// Waits until a connection is missing that the server does not give.
    pub(super) async fn lost(&self, writer: &DatabaseConnection) -> DbErr {
        loop {
            sleep(LOOKS_AFTER).await;
            // Apart, since it is seldom needed, and whoever begins a transaction would carry it along.
            if !is_full(writer) && !Box::pin(self.look(writer)).await {
                return no_answer();
            }
        }
    }

    async fn look(&self, writer: &DatabaseConnection) -> bool {
        let mut seen = self.0.lock().await;
        if let Some(Seen { at, is_there }) = *seen
            && at.elapsed() < LOOKS_AFTER
        {
            return is_there;
        }
        let options = writer.get_postgres_connection_pool().connect_options();
        let is_there = match timeout(LOOKS_FOR, options.connect()).await {
            // It is closed as it goes: there is nothing to say on it.
            Ok(Ok(_)) => true,
            Ok(Err(error)) => {
                tracing::debug!(%error, "the server of who writes does not answer");
                false
            }
            Err(_) => false,
        };
        *seen = Some(Seen { at: Instant::now(), is_there });
        is_there
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
