//! The connections to PostgreSQL that queries are read through; for [`super`] alone.
//!
//! **Invariants:** a connection whose statement did not run to its end is never used again; a statement whose future was dropped
//! is cancelled; a statement that finds its connection dead is run again on another one, since a read can be.

use std::sync::Arc;
use std::time::Duration;

use deadpool::Status;
use deadpool::managed::{Manager, Metrics, Object, Pool, RecycleError, RecycleResult};
use sea_orm::sqlx;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::{DbErr, Values};
use serde_json::Value;

use super::cancel::Canceller;
use super::upkeep::{GOODBYE, Lifetimes};
use super::{Row, acquire_error, build, driver_error, no_answer};
use crate::database::PoolOptions;
use crate::database::postgres_reader::{PostgresReader, PostgresServer};

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
    server: PostgresServer,
    lifetimes: Lifetimes,
}

/// A connection in the pool.
pub(in crate::database) struct Lane {
    /// Apart: with its TLS it is large, and the pool moves what it holds.
    pub(super) reader: Box<PostgresReader>,
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
        let reader = Box::new(Box::pin(PostgresReader::open(&self.server)).await?);
        Ok(Lane { reader, state: State::Idle, proven: false })
    }

    async fn recycle(&self, lane: &mut Lane, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if lane.state != State::Idle || lane.reader.has_ended() {
            return Err(RecycleError::message("a statement was left in the middle"));
        }
        if !self.lifetimes.lets_live(metrics) {
            return Err(RecycleError::message("it has served for long enough"));
        }
        if metrics.last_used() > PING_AFTER_IDLE {
            lane.reader.settle().await?;
        }
        Ok(())
    }
}

impl Lanes {
    pub(super) fn new(options: &PgConnectOptions, pool: &PoolOptions) -> Result<Self, DbErr> {
        let lifetimes = Lifetimes::of(pool);
        let lanes = build(Opener { server: PostgresServer::new(options), lifetimes }, pool)?;
        lifetimes.look_after(&lanes);
        Ok(Self { pool: lanes, canceller: Arc::default(), answer_timeout: pool.answer_timeout() })
    }

    pub(super) async fn run(&self, sql: &Arc<str>, values: &(dyn Fn() -> Values + Sync)) -> Result<Vec<Row>, DbErr> {
        loop {
            let lane = self.pool.get().await.map_err(|error| acquire_error(&self.pool, error))?;
            let mut lane = scopeguard::guard(lane, |lane| self.take_back(lane));
            let lane = &mut **lane;
            lane.state = State::Running;
            let values = values();
            let answer = lane.reader.read(sql, &values);
            let answer = match self.answer_timeout {
                Some(timeout) => tokio::time::timeout(timeout, answer).await.map_err(|_| no_answer())?,
                None => answer.await,
            };
            match answer {
                Ok(rows) => {
                    (lane.state, lane.proven) = (State::Idle, true);
                    return Ok(rows);
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

    /// What PostgreSQL tells of a statement that it is asked to explain in these words.
    pub(in crate::database) async fn explain(&self, words: &str, sql: &str, values: Values) -> Result<Value, DbErr> {
        let lane = self.pool.get().await.map_err(|error| acquire_error(&self.pool, error))?;
        let mut lane = scopeguard::guard(lane, |lane| self.take_back(lane));
        let lane = &mut **lane;
        lane.state = State::Running;
        let text = format!("{words} {sql}");
        let answer = lane.reader.read_json(&text, &values);
        let answer = match self.answer_timeout {
            Some(timeout) => tokio::time::timeout(timeout, answer).await.map_err(|_| no_answer())?,
            None => answer.await,
        };
        // After a failure its transaction may be open still.
        lane.state = if answer.is_ok() { State::Idle } else { State::Broken };
        answer.map_err(driver_error)
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
            // What cannot be closed in order is closed all the same.
            let _ = tokio::time::timeout(GOODBYE, lane.reader.close()).await;
        }
        self.canceller.wait().await;
    }
}

/// Whether there is nobody at the other end any more.
fn is_cut_off(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(_))
}

/// Whether the server ended the connection with these words: PostgreSQL's class 57P, administrator shutdown and its like.
fn is_farewell(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code.starts_with("57P"))
}
