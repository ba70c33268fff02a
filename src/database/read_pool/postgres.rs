//! The connections to PostgreSQL that queries are read through; for [`super`] alone.
//!
//! **Invariants:** a connection whose statement did not run to its end is never used again; a statement whose future was dropped
//! is cancelled; a statement that finds its connection dead is run again on another one, since a read can be.

use std::sync::Arc;
use std::time::Duration;

use deadpool::Status;
use deadpool::managed::{Manager, Metrics, Object, Pool, RecycleError, RecycleResult};
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::{self, AssertSqlSafe, Connection as _, PgConnection};
use sea_orm::{DbErr, Values};
use sea_query_sqlx::SqlxValues;
use tracing::Dispatch;
use tracing::instrument::WithSubscriber as _;

use super::cancel::Canceller;
use super::upkeep::Lifetimes;
use super::{Row, acquire_error, build, driver_error, no_answer};
use crate::database::PoolOptions;

/// Idle for longer than this, a connection is asked whether it still stands before it is used.
pub(in crate::database) const PING_AFTER_IDLE: Duration = Duration::from_secs(30);

/// The connections, and what cancels their statements.
#[derive(Clone)]
pub(in crate::database) struct Lanes {
    pool: Pool<Opener>,
    canceller: Arc<Canceller>,
    /// How long an answer may take before the server counts as gone.
    answer_timeout: Option<Duration>,
}

/// Opens connections, and tells which can be used again.
pub(in crate::database) struct Opener {
    options: PgConnectOptions,
    lifetimes: Lifetimes,
}

/// A connection in the pool.
pub(in crate::database) struct Lane {
    pub(super) connection: PgConnection,
    /// The number of the server's process for it, by which its statements can be cancelled.
    pub(super) process: i32,
    state: State,
    /// Whether a statement has run to its end on it.
    proven: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// No statement runs.
    Idle,
    /// A statement has begun. Where its future was dropped, it runs still.
    Running,
    /// The connection failed.
    Broken,
}

impl Manager for Opener {
    type Type = Lane;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<Lane, sqlx::Error> {
        // Apart: it is seldom needed, and each statement that waits for a connection would carry it along.
        Box::pin(open(&self.options)).await
    }

    async fn recycle(&self, lane: &mut Lane, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if lane.state != State::Idle {
            return Err(RecycleError::message("a statement was left in the middle"));
        }
        if !self.lifetimes.lets_live(metrics) {
            return Err(RecycleError::message("it has served for long enough"));
        }
        if metrics.last_used() > PING_AFTER_IDLE {
            lane.connection.ping().await?;
        }
        Ok(())
    }
}

async fn open(options: &PgConnectOptions) -> Result<Lane, sqlx::Error> {
    let mut connection = PgConnection::connect_with(options).await?;
    let process = sqlx::query_scalar("SELECT pg_backend_pid()").persistent(false).fetch_one(&mut connection).await?;
    Ok(Lane { connection, process, state: State::Idle, proven: false })
}

impl Lanes {
    pub(super) fn new(options: PgConnectOptions, pool: &PoolOptions) -> Result<Self, DbErr> {
        let canceller = Arc::new(Canceller::new(options.clone()));
        let lifetimes = Lifetimes::of(pool);
        let lanes = build(Opener { options, lifetimes }, pool)?;
        lifetimes.look_after(&lanes);
        Ok(Self { pool: lanes, canceller, answer_timeout: pool.answer_timeout() })
    }

    pub(super) async fn run(&self, sql: &Arc<str>, values: &(dyn Fn() -> Values + Sync)) -> Result<Vec<Row>, DbErr> {
        loop {
            let lane = self.pool.get().await.map_err(|error| acquire_error(&self.pool, error))?;
            let mut lane = scopeguard::guard(lane, |lane| self.take_back(lane));
            let lane = &mut **lane;
            lane.state = State::Running;
            // Every text that comes here was written by SeaQuery, and what clients send are its parameters.
            let query = sqlx::query_with(AssertSqlSafe(Arc::clone(sql)), SqlxValues(values()));
            // sqlx enters the current span for each row. A read logs nothing by itself, so it needs none.
            let answer = query.fetch_all(&mut lane.connection).with_subscriber(Dispatch::none());
            let answer = match self.answer_timeout {
                Some(timeout) => tokio::time::timeout(timeout, answer).await.map_err(|_| no_answer())?,
                None => answer.await,
            };
            match answer {
                Ok(rows) => {
                    (lane.state, lane.proven) = (State::Idle, true);
                    return Ok(rows.into_iter().map(Row::Postgres).collect());
                }
                Err(error @ sqlx::Error::Database(_)) if !is_farewell(&error) => {
                    lane.state = State::Idle;
                    return Err(driver_error(error));
                }
                // The server went away while the connection was idle: another one may do, at last a new one.
                Err(error) if lane.proven && (is_farewell(&error) || is_cut_off(&error)) => lane.state = State::Broken,
                Err(error) => {
                    lane.state = State::Broken;
                    return Err(driver_error(error));
                }
            }
        }
    }

    /// Gives a connection back to the pool, or to who cancels its statement first.
    fn take_back(&self, lane: Object<Opener>) {
        if lane.state == State::Running {
            self.canceller.cancel(lane);
        }
    }

    pub(super) fn status(&self) -> Status {
        self.pool.status()
    }

    pub(super) async fn close(&self) {
        let idle = self.pool.retain(|_, _| false).removed;
        self.pool.close();
        for lane in idle {
            // What cannot be closed in order is gone already.
            let _ = lane.connection.close().await;
        }
        self.canceller.wait().await;
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
