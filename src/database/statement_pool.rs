//! The connections for statements that are a transaction each: those of queries, and writes of one statement.
//!
//! SeaORM's pools cost a small read more than the statement itself: on PostgreSQL a round trip, since sqlx asks a connection
//! whether it still stands whenever it is given back; on SQLite two threads that wait for each other. These connections
//! stand in pools of their own: [`postgres`] asks only one that has been idle for long, [`sqlite`] reads where the statement
//! is asked for. [`servers`] are the primary and the replicas of one database; a write to it that is one statement costs as little.
//!
//! **Invariant:** a connection whose statement did not run to its end is never used again in the middle of it: [`postgres`]
//! has it cancelled and closed ([`cancel`]), [`sqlite`] stops and resets the statement.

mod cancel;
mod postgres;
mod servers;
mod sqlite;
mod upkeep;

use std::sync::Arc;

use deadpool::Runtime;
use deadpool::managed::{Manager, Pool, PoolError, QueueMode, TimeoutType};
use sea_orm::{ConnAcquireErr, DbErr, Values, sqlx};

use super::error::no_answer;
use super::row::{Row, driver_error};
use super::sqlite_reader::SqliteFile;
use super::{DatabaseError, PoolOptions, PoolStatus};

pub(super) use self::postgres::PING_AFTER_IDLE;
pub use self::servers::ServerStatus;
pub(super) use self::servers::{Route, Servers, find_primary};

/// Connections for reading.
#[derive(Clone)]
pub(super) enum StatementPool {
    Postgres(Servers),
    Sqlite(sqlite::Readers),
}

impl StatementPool {
    pub(super) fn sqlite(file: SqliteFile, pool: &PoolOptions) -> Result<Self, DbErr> {
        Ok(Self::Sqlite(sqlite::Readers::new(file, pool)?))
    }

    /// Runs one statement and gives its rows. The connection keeps the statement prepared. `values` are made anew should the
    /// statement have to run again. It runs on the primary, where no route leads elsewhere.
    pub(super) async fn query(
        &self,
        route: Option<&Route>,
        sql: &Arc<str>,
        values: &(dyn Fn() -> Values + Sync),
    ) -> Result<Vec<Row>, DatabaseError> {
        Ok(match self {
            Self::Postgres(servers) => servers.run(route, sql, values).await?,
            Self::Sqlite(readers) => readers.run(sql, values).await?,
        })
    }

    /// The servers, where there are several.
    pub(super) fn servers(&self) -> Option<&Servers> {
        match self {
            Self::Postgres(servers) if servers.are_several() => Some(servers),
            Self::Postgres(_) | Self::Sqlite(_) => None,
        }
    }

    /// How many connections there are, and who waits for one.
    pub(super) fn statuses(&self) -> Vec<PoolStatus> {
        match self {
            Self::Postgres(servers) => servers.pool_statuses(),
            Self::Sqlite(readers) => vec![PoolStatus::of("read", None, &readers.status())],
        }
    }

    /// Closes the connections that nobody uses, and lets none be opened any more.
    pub(super) async fn close(&self) {
        match self {
            Self::Postgres(servers) => servers.close().await,
            Self::Sqlite(readers) => readers.close(),
        }
    }
}

impl std::fmt::Debug for StatementPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StatementPool")
    }
}

/// A pool whose connection that was used last is used next: its pages are warm, and no more are opened than are needed.
fn build<M: Manager>(manager: M, pool: &PoolOptions) -> Result<Pool<M>, DbErr> {
    Pool::builder(manager)
        .max_size(pool.max_connections as usize)
        .queue_mode(QueueMode::Lifo)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(pool.acquire_timeout))
        .create_timeout(Some(pool.acquire_timeout))
        .recycle_timeout(Some(pool.acquire_timeout))
        .build()
        .map_err(|error| DbErr::Custom(error.to_string()))
}

fn acquire_error<M: Manager<Error = sqlx::Error>>(pool: &Pool<M>, error: PoolError<sqlx::Error>) -> DbErr {
    match error {
        PoolError::Timeout(TimeoutType::Wait) if is_full(pool) => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        // A connection could not be opened in time, or those before could not.
        PoolError::Timeout(_) => no_answer(),
        PoolError::Closed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        PoolError::Backend(error) => driver_error(error),
        PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => DbErr::Custom(error.to_string()),
    }
}

/// Whether every connection that there may be is open, so that who waits for one waits for others, and not for the database.
fn is_full<M: Manager>(pool: &Pool<M>) -> bool {
    let status = pool.status();
    status.size == status.max_size
}
