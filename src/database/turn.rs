//! A turn at changing the tables: processes that start at once on one database take theirs one after the other.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::{self, Connection as _, PgConnection};
use sea_orm::{DbBackend, DbErr, RuntimeErr};

use super::{Database, DatabaseError};

/// Held by the process whose turn it is; the turn ends with the value, or with the process.
pub(super) enum Turn {
    /// A session of its own, since the migrations use the pool, that holds an advisory lock.
    Session(PgConnection),
    /// A lock on the folder of the SQLite file. On the file itself it would be none: SQLite's own locks go when any handle
    /// to the file is closed.
    Folder(#[expect(dead_code, reason = "it is held to be dropped")] Option<File>),
}

/// The advisory lock under which tables are changed. The number is arbitrary and ours.
const LOCK: i64 = 0x7468_726f_7567_686c;
/// How long to wait before asking again. Nobody waits inside of a lock, so that whoever is told to stop can.
const PAUSE: Duration = Duration::from_millis(50);

impl Turn {
    /// Waits for this process's turn.
    pub(super) async fn wait(database: &Database) -> Result<Self, DatabaseError> {
        match database.backend() {
            DbBackend::Postgres => {
                let session = wait_for_session(database).await;
                let session = session.map_err(|error| DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error))))?;
                Ok(Self::Session(session))
            }
            _ => Ok(Self::Folder(wait_for_folder(database).await)),
        }
    }

    /// Lets the next one have its turn.
    pub(super) async fn end(self) {
        if let Self::Session(session) = self {
            // The lock goes with the session, whether it can say goodbye or not.
            let _ = session.close().await;
        }
    }
}

async fn wait_for_session(database: &Database) -> Result<PgConnection, sqlx::Error> {
    let mut session = database.writer().get_postgres_connection_pool().acquire().await?.detach();
    let mut waiting = Waiting::default();
    while !sqlx::query_scalar::<_, bool>("SELECT pg_try_advisory_lock($1)").bind(LOCK).fetch_one(&mut session).await? {
        waiting.pause().await;
    }
    Ok(session)
}

/// A folder that cannot be locked, as on some network file systems, is no reason not to start.
async fn wait_for_folder(database: &Database) -> Option<File> {
    let options = database.writer().get_sqlite_connection_pool().connect_options();
    let folder = options.get_filename().parent().filter(|folder| *folder != Path::new(""));
    let folder = File::open(folder.unwrap_or(Path::new("."))).ok()?;
    let mut waiting = Waiting::default();
    loop {
        match folder.try_lock() {
            Ok(()) => return Some(folder),
            Err(TryLockError::WouldBlock) => waiting.pause().await,
            Err(TryLockError::Error(error)) => {
                tracing::debug!(%error, "the database's folder cannot be locked");
                return None;
            }
        }
    }
}

/// Says once that it waits.
#[derive(Default)]
struct Waiting {
    said: bool,
}

impl Waiting {
    async fn pause(&mut self) {
        if !std::mem::replace(&mut self.said, true) {
            tracing::info!("waiting for another process that changes the tables");
        }
        tokio::time::sleep(PAUSE).await;
    }
}
