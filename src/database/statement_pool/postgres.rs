//! Connections to a PostgreSQL server, each for one statement at a time that is a transaction by itself; for [`super`] alone.
//!
//! **Invariants:** a connection whose statement did not run to its end is never used again; a statement whose future was dropped
//! is cancelled; a read that finds its connection dead is run again on another one, a write is sent once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool::Status;
use deadpool::managed::{Manager, Metrics, Object, Pool, RecycleError, RecycleResult};
use scopeguard::ScopeGuard;
use sea_orm::sqlx;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::{DbErr, Values};
use serde_json::Value;

use super::cancel::Canceller;
use super::upkeep::{GOODBYE, Lifetimes};
use super::{Row, acquire_error, build, driver_error, is_full, no_answer};
use crate::database::PoolOptions;
use crate::database::error::{is_farewell, is_unready, no_answer_of_driver};
use crate::database::postgres_connection::{PostgresConnection, PostgresServer};
use crate::database::reachable::tell_of_connection;

/// Idle for longer than this, a connection is asked whether it still stands before it is used.
pub(in crate::database) const PING_AFTER_IDLE: Duration = Duration::from_secs(30);

/// The connections, and what cancels their statements.
#[derive(Clone)]
pub(in crate::database) struct Lanes {
    pool: Pool<Opener>,
    canceller: Arc<Canceller>,
    /// How long an answer may take before the server counts as gone.
    answer_timeout: Option<Duration>,
    acquire_timeout: Duration,
}

/// What became of a statement that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Here,
    /// It was not sent, since it belongs elsewhere.
    Nowhere,
}

/// Before a server that is not ready is asked for a connection again.
const PAUSE: Duration = Duration::from_millis(50);

/// Opens connections, and tells which can be used again.
pub(in crate::database) struct Opener {
    server: PostgresServer,
    lifetimes: Lifetimes,
}

/// A connection in the pool.
pub(in crate::database) struct Lane {
    /// Apart: with its TLS it is large, and the pool moves what it holds.
    pub(super) connection: Box<PostgresConnection>,
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
        let connection = Box::new(Box::pin(PostgresConnection::open(&self.server)).await?);
        Ok(Lane { connection, state: State::Idle, proven: false })
    }

    async fn recycle(&self, lane: &mut Lane, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if lane.state != State::Idle || lane.connection.has_ended() {
            return Err(RecycleError::message("a statement was left in the middle"));
        }
        if !self.lifetimes.lets_live(metrics) {
            return Err(RecycleError::message("it has served for long enough"));
        }
        if metrics.last_used() > PING_AFTER_IDLE {
            lane.connection.settle().await?;
        }
        Ok(())
    }
}

impl Lanes {
    pub(super) fn new(options: &PgConnectOptions, pool: &PoolOptions) -> Result<Self, DbErr> {
        let lifetimes = Lifetimes::of(pool);
        let lanes = build(Opener { server: PostgresServer::new(options), lifetimes }, pool)?;
        lifetimes.look_after(&lanes);
        Ok(Self {
            pool: lanes,
            canceller: Arc::default(),
            answer_timeout: pool.answer_timeout(),
            acquire_timeout: pool.acquire_timeout,
        })
    }

    /// Runs a statement that reads, and gives its rows. Where the server went away while the connection was idle, it runs again.
    pub(super) async fn read(&self, sql: &Arc<str>, values: &(dyn Fn() -> Values + Sync)) -> Result<Vec<Row>, DbErr> {
        loop {
            let mut lane = self.take().await?;
            let was_proven = lane.proven;
            match self.run(&mut lane, sql, &values()).await {
                // Another one may do, at last a new one.
                Err(error) if was_proven && lane.state == State::Broken && is_gone(&error) => {}
                answer => return answer.map_err(driver_error),
            }
        }
    }

    /// Runs a statement that writes, once: where its connection is lost meanwhile, nobody knows whether it was carried out. Until it has a
    /// connection it waits for a server that begins, or has as many as it takes, and is not sent where it `belongs` elsewhere by then.
    pub(super) async fn write(
        &self,
        sql: &Arc<str>,
        values: &Values,
        belongs: impl Fn() -> bool,
    ) -> Result<Written, DbErr> {
        let began = Instant::now();
        while belongs() {
            let mut lane = match self.take().await {
                Ok(lane) => lane,
                Err(error) if is_unready(&error) && began.elapsed() < self.acquire_timeout => {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            // What has ended before carries nothing out.
            if belongs() && lane.connection.is_standing() {
                tell_of_connection();
                self.run(&mut lane, sql, values).await.map_err(driver_error)?;
                return Ok(Written::Here);
            }
        }
        Ok(Written::Nowhere)
    }

    /// Takes a connection out of the pool, which has it again when the value is dropped.
    async fn take(&self) -> Result<ScopeGuard<Object<Opener>, impl FnOnce(Object<Opener>) + use<'_>>, DbErr> {
        let lane = self.pool.get().await.map_err(|error| acquire_error(&self.pool, error))?;
        Ok(scopeguard::guard(lane, |lane| self.take_back(lane)))
    }

    async fn run(&self, lane: &mut Lane, sql: &Arc<str>, values: &Values) -> Result<Vec<Row>, sqlx::Error> {
        lane.state = State::Running;
        let answer = lane.connection.run(sql, values);
        let answer = match self.answer_timeout {
            Some(timeout) => tokio::time::timeout(timeout, answer).await.map_err(|_| no_answer_of_driver())?,
            None => answer.await,
        };
        lane.state = match &answer {
            Ok(_) => State::Idle,
            Err(error @ sqlx::Error::Database(_)) if !is_gone(error) => State::Idle,
            Err(_) => State::Broken,
        };
        lane.proven |= answer.is_ok();
        answer
    }

    /// What PostgreSQL tells of a statement that it is asked to explain in these words.
    pub(in crate::database) async fn explain(&self, words: &str, sql: &str, values: Values) -> Result<Value, DbErr> {
        let mut lane = self.take().await?;
        lane.state = State::Running;
        let text = format!("{words} {sql}");
        let answer = lane.connection.read_json(&text, &values);
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

    /// Whether who waits for a connection waits for others that have one.
    pub(super) fn are_full(&self) -> bool {
        is_full(&self.pool)
    }

    pub(super) async fn close(&self) {
        let idle = self.pool.retain(|_, _| false).removed;
        self.pool.close();
        for lane in idle {
            // What cannot be closed in order is closed all the same.
            let _ = tokio::time::timeout(GOODBYE, lane.connection.close()).await;
        }
        self.canceller.wait().await;
    }
}

/// Whether there is nobody at the other end any more.
fn is_gone(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(_)) || is_farewell(error)
}
