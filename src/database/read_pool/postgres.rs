//! The connections to PostgreSQL that queries are read through; for [`super`] alone.
//!
//! **Invariants:** a connection whose statement did not run to its end is never used again, and closed when its turn comes; a
//! statement that finds its connection dead is run again on another one, since a read can be.

use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, Pool, RecycleError, RecycleResult};
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::{self, AssertSqlSafe, Connection as _, PgConnection};
use sea_orm::{DbErr, Values};
use sea_query_sqlx::SqlxValues;
use tracing::Dispatch;
use tracing::instrument::WithSubscriber as _;

use super::{Row, acquire_error, driver_error};

/// Idle for longer than this, a connection is asked whether it still stands before it is used.
pub(in crate::database) const PING_AFTER_IDLE: Duration = Duration::from_secs(30);

/// Opens connections, and tells which can be used again.
pub(in crate::database) struct Opener {
    options: PgConnectOptions,
}

/// A connection in the pool.
pub(in crate::database) struct Lane {
    connection: PgConnection,
    /// Whether a statement has begun and has not ended: its future was dropped, or the connection failed.
    busy: bool,
    /// Whether a statement has run to its end on it.
    proven: bool,
}

impl Opener {
    pub(super) fn new(options: PgConnectOptions) -> Self {
        Self { options }
    }
}

impl Manager for Opener {
    type Type = Lane;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<Lane, sqlx::Error> {
        Ok(Lane { connection: PgConnection::connect_with(&self.options).await?, busy: false, proven: false })
    }

    async fn recycle(&self, lane: &mut Lane, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if lane.busy {
            return Err(RecycleError::message("a statement was left in the middle"));
        }
        if metrics.last_used() > PING_AFTER_IDLE {
            lane.connection.ping().await?;
        }
        Ok(())
    }
}

pub(super) async fn run(
    pool: &Pool<Opener>,
    sql: &Arc<str>,
    values: &(dyn Fn() -> Values + Sync),
) -> Result<Vec<Row>, DbErr> {
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
                return Ok(rows.into_iter().map(Row::Postgres).collect());
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

pub(super) async fn close(pool: &Pool<Opener>) {
    let idle = pool.retain(|_, _| false).removed;
    pool.close();
    for lane in idle {
        // What cannot be closed in order is gone already.
        let _ = lane.connection.close().await;
    }
}
