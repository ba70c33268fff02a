//! A turn at changing the tables: processes that start at once on one database take theirs one after the other.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

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

impl Turn {
    /// Waits for this process's turn.
    pub(super) async fn wait(database: &Database) -> Result<Self, DatabaseError> {
        let writer = database.writer();
        if database.backend() == DbBackend::Postgres {
            let session = async {
                let mut session = writer.get_postgres_connection_pool().acquire().await?.detach();
                sqlx::query("SELECT pg_advisory_lock($1)").bind(LOCK).execute(&mut session).await?;
                Ok::<_, sqlx::Error>(session)
            };
            let session = session.await.map_err(|error| DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error))))?;
            return Ok(Self::Session(session));
        }
        let options = writer.get_sqlite_connection_pool().connect_options();
        let folder = options.get_filename().parent().filter(|folder| *folder != Path::new(""));
        let folder = folder.unwrap_or(Path::new(".")).to_owned();
        // A folder that cannot be locked, as on some network file systems, is no reason not to start.
        let lock = move || File::open(folder).and_then(|folder| folder.lock().map(|()| folder)).ok();
        Ok(Self::Folder(tokio::task::spawn_blocking(lock).await.ok().flatten()))
    }

    /// Lets the next one have its turn.
    pub(super) async fn end(self) {
        if let Self::Session(session) = self {
            // The lock goes with the session, whether it can say goodbye or not.
            let _ = session.close().await;
        }
    }
}
