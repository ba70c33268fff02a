//! The connections that queries are read through, and the one way to run a plan's statement. (A search's own statements go
//! through SeaORM's reader.)
//!
//! SeaORM's pool costs two round trips for each statement: sqlx asks a connection whether it still stands whenever it is
//! given back. These connections stand in a pool of their own, which asks only one that has been idle for long.
//!
//! **Invariants:** a connection whose statement did not run to its end is never used again, and closed when its turn comes; a
//! statement that finds its connection dead is run again on another one, since a read can be.

use std::sync::Arc;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Manager, Metrics, Pool, PoolError, RecycleError, RecycleResult};
use futures_util::TryFutureExt as _;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::sqlx::{
    self, AssertSqlSafe, Connection, Database, Executor, IntoArguments, PgConnection, SqliteConnection,
};
use sea_orm::{ConnAcquireErr, DbErr, Values};
use sea_query_sqlx::SqlxValues;
use tracing::Dispatch;
use tracing::instrument::WithSubscriber as _;

use super::row::{Row, driver_error};
use super::{DatabaseError, PoolOptions};

/// Connections for reading.
#[derive(Clone)]
pub(super) enum ReadPool {
    Postgres(Pool<Opener<PgConnection>>),
    Sqlite(Pool<Opener<SqliteConnection>>),
}

/// Idle for longer than this, a connection is asked whether it still stands before it is used.
pub(super) const PING_AFTER_IDLE: Duration = Duration::from_secs(30);

impl ReadPool {
    pub(super) fn postgres(options: PgConnectOptions, pool: &PoolOptions) -> Result<Self, DbErr> {
        Ok(Self::Postgres(build(options, pool)?))
    }

    pub(super) fn sqlite(options: SqliteConnectOptions, pool: &PoolOptions) -> Result<Self, DbErr> {
        Ok(Self::Sqlite(build(options, pool)?))
    }

    /// Runs one statement and gives its rows. The connection keeps the statement prepared. `values` are made anew should the
    /// statement have to run again.
    pub(super) async fn query(
        &self,
        sql: &Arc<str>,
        values: &(dyn Fn() -> Values + Sync),
    ) -> Result<Vec<Row>, DatabaseError> {
        let rows = match self {
            Self::Postgres(pool) => {
                run(pool, sql, values).map_ok(|rows| rows.into_iter().map(Row::Postgres).collect()).await
            }
            Self::Sqlite(pool) => {
                run(pool, sql, values).map_ok(|rows| rows.into_iter().map(Row::Sqlite).collect()).await
            }
        };
        Ok(rows?)
    }

    /// Closes the connections that nobody uses, and lets none be opened any more.
    pub(super) async fn close(&self) {
        match self {
            Self::Postgres(pool) => close(pool).await,
            Self::Sqlite(pool) => close(pool).await,
        }
    }
}

impl std::fmt::Debug for ReadPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReadPool")
    }
}

/// Opens connections, and tells which can be used again.
pub(super) struct Opener<C: Connection> {
    options: C::Options,
}

/// A connection in the pool.
pub(super) struct Lane<C> {
    connection: C,
    /// Whether a statement has begun and has not ended: its future was dropped, or the connection failed.
    busy: bool,
    /// Whether a statement has run to its end on it.
    proven: bool,
}

impl<C: Connection + Send> Manager for Opener<C>
where
    C::Options: Sync,
{
    type Type = Lane<C>;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<Lane<C>, sqlx::Error> {
        Ok(Lane { connection: C::connect_with(&self.options).await?, busy: false, proven: false })
    }

    async fn recycle(&self, lane: &mut Lane<C>, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if lane.busy {
            return Err(RecycleError::message("a statement was left in the middle"));
        }
        if metrics.last_used() > PING_AFTER_IDLE {
            lane.connection.ping().await?;
        }
        Ok(())
    }
}

fn build<C: Connection + Send>(options: C::Options, pool: &PoolOptions) -> Result<Pool<Opener<C>>, DbErr>
where
    C::Options: Sync,
{
    Pool::builder(Opener { options })
        .max_size(pool.max_connections as usize)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(pool.acquire_timeout))
        .create_timeout(Some(pool.acquire_timeout))
        .recycle_timeout(Some(pool.acquire_timeout))
        .build()
        .map_err(|error| DbErr::Custom(error.to_string()))
}

async fn run<C, D>(
    pool: &Pool<Opener<C>>,
    sql: &Arc<str>,
    values: &(dyn Fn() -> Values + Sync),
) -> Result<Vec<D::Row>, DbErr>
where
    C: Connection<Database = D> + Send,
    C::Options: Sync,
    D: Database,
    for<'c> &'c mut C: Executor<'c, Database = D>,
    SqlxValues: IntoArguments<D>,
{
    loop {
        let mut lane = pool.get().await.map_err(acquire_error)?;
        let lane = &mut *lane;
        lane.busy = true;
        // Every text that comes here was written by SeaQuery, and what clients send are its parameters.
        let query = sqlx::query_with(AssertSqlSafe(Arc::clone(sql)), SqlxValues(values()));
        // sqlx enters the current span for each row. A read logs nothing by itself, so it needs none.
        match query.fetch_all(&mut lane.connection).with_subscriber(Dispatch::none()).await {
            Ok(rows) => {
                (lane.busy, lane.proven) = (false, true);
                return Ok(rows);
            }
            Err(error @ sqlx::Error::Database(_)) if !is_farewell(&error) => {
                lane.busy = false;
                return Err(driver_error(error));
            }
            // The server went away while the connection was idle: another one may do, at last a new one.
            Err(error) if lane.proven && (is_farewell(&error) || is_cut_off(&error)) => {}
            Err(error) => return Err(driver_error(error)),
        }
    }
}

/// Whether there is nobody at the other end any more.
fn is_cut_off(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::WorkerCrashed)
}

/// Whether the server ended the connection with these words: PostgreSQL's class 57P, administrator shutdown and its like.
fn is_farewell(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code.starts_with("57P"))
}

fn acquire_error(error: PoolError<sqlx::Error>) -> DbErr {
    match error {
        PoolError::Timeout(_) => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        PoolError::Closed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        PoolError::Backend(error) => driver_error(error),
        PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => DbErr::Custom(error.to_string()),
    }
}

async fn close<C: Connection + Send>(pool: &Pool<Opener<C>>)
where
    C::Options: Sync,
{
    let idle = pool.retain(|_, _| false).removed;
    pool.close();
    for lane in idle {
        // What cannot be closed in order is gone already.
        let _ = lane.connection.close().await;
    }
}
