//! The connections to an SQLite file that queries are read through; for [`super`] alone.
//!
//! A statement of a hot read takes some microseconds, a thread that is woken for it takes more. So a statement begins where
//! it is asked for, and may hold the thread for [`AT_MOST_INLINE`]; one that would take longer is stopped, and runs again on
//! a thread where it may block. Which ones those were is remembered.
//!
//! **Invariants:** nobody waits inline for a lock of the file, nor while a connection is opened; a statement whose future was
//! dropped is stopped; a connection that met a fault of the file is not used again.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use deadpool::Status;
use deadpool::managed::{Manager, Metrics, Object, Pool, RecycleError, RecycleResult};
use sea_orm::{DbErr, Values, sqlx};

use super::{Row, acquire_error, build, driver_error};
use crate::database::PoolOptions;
use crate::database::sqlite_reader::{ReadError, SqliteFile, SqliteReader, Until};
use crate::explain::{Step, Work};

/// How long a statement may hold a thread of the runtime: about as long as it takes to write a large answer.
const AT_MOST_INLINE: Duration = Duration::from_millis(3);
/// A task whose statement took as long lets others have the thread before it goes on.
const YIELD_AFTER: Duration = Duration::from_micros(500);
/// How many statements are known to take long.
const MOST_KNOWN: usize = 1024;

/// Connections for reading an SQLite file.
#[derive(Clone)]
pub(in crate::database) struct Readers {
    pool: Pool<Opener>,
    /// The statements that took too long when they last ran.
    long: Arc<RwLock<HashSet<Arc<str>>>>,
    /// How long a statement may run.
    statement_timeout: Option<Duration>,
}

/// Opens connections, and tells which can be used again.
pub(in crate::database) struct Opener {
    file: Arc<SqliteFile>,
}

impl Manager for Opener {
    type Type = SqliteReader;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<SqliteReader, sqlx::Error> {
        let file = Arc::clone(&self.file);
        blocking(move || SqliteReader::open(&file)).await?
    }

    async fn recycle(&self, reader: &mut SqliteReader, _: &Metrics) -> RecycleResult<sqlx::Error> {
        if reader.is_faulty() { Err(RecycleError::message("it met a fault of the file")) } else { Ok(()) }
    }
}

impl Readers {
    pub(super) fn new(file: SqliteFile, pool: &PoolOptions) -> Result<Self, DbErr> {
        let statement_timeout = pool.statement_timeout;
        Ok(Self { pool: build(Opener { file: Arc::new(file) }, pool)?, long: Arc::default(), statement_timeout })
    }

    pub(super) async fn run(&self, sql: &Arc<str>, values: &(dyn Fn() -> Values + Sync)) -> Result<Vec<Row>, DbErr> {
        let mut reader = self.pool.get().await.map_err(|error| acquire_error(&self.pool, error))?;
        if self.takes_long(sql) {
            return Box::pin(self.run_apart(reader, sql, values())).await;
        }
        let began = Instant::now();
        match reader.read(sql, &values(), Until::Time(began + AT_MOST_INLINE)) {
            Err(ReadError::Stopped(_)) => {
                self.remember(sql);
                Box::pin(self.run_apart(reader, sql, values())).await
            }
            // Another process has the file to itself: a thread that may block waits for it.
            Err(ReadError::Busy(_)) => Box::pin(self.run_apart(reader, sql, values())).await,
            Err(ReadError::Failed(error)) => Err(driver_error(error)),
            Ok(rows) => {
                drop(reader);
                if began.elapsed() > YIELD_AFTER {
                    tokio::task::yield_now().await;
                }
                Ok(rows)
            }
        }
    }

    /// Runs a statement on a thread where it may block, for as long as a statement may run; until its future is dropped.
    async fn run_apart(&self, reader: Object<Opener>, sql: &Arc<str>, values: Values) -> Result<Vec<Row>, DbErr> {
        let text = Arc::clone(sql);
        let run = move |reader: &mut SqliteReader, until| {
            let began = Instant::now();
            reader.read(&text, &values, until).map(|rows| (rows, began.elapsed()))
        };
        let (rows, took) = self.apart(reader, run).await?;
        if took < AT_MOST_INLINE / 2 {
            self.long.write().unwrap_or_else(PoisonError::into_inner).remove(sql);
        }
        Ok(rows)
    }

    /// Runs a statement again, and tells what SQLite did for it.
    pub(in crate::database) async fn analyze(&self, sql: &Arc<str>, values: Values) -> Result<Work, DbErr> {
        let reader = self.pool.get().await.map_err(|error| acquire_error(&self.pool, error))?;
        let text = Arc::clone(sql);
        self.apart(reader, move |reader, until| reader.analyze(&text, &values, until)).await
    }

    /// Tells how SQLite would run a statement.
    pub(in crate::database) async fn plan(&self, sql: &Arc<str>, values: Values) -> Result<Vec<Step>, DbErr> {
        let reader = self.pool.get().await.map_err(|error| acquire_error(&self.pool, error))?;
        let text = Arc::clone(sql);
        self.apart(reader, move |reader, until| reader.plan(&text, &values, until)).await
    }

    /// Reads on a thread where that may block, for as long as a statement may run; until the future is dropped.
    async fn apart<T: Send + 'static>(
        &self,
        mut reader: Object<Opener>,
        read: impl FnOnce(&mut SqliteReader, Until) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, DbErr> {
        let dropped = StopWhenDropped(Arc::default());
        let end = self.statement_timeout.map(|timeout| Instant::now() + timeout);
        let until = Until::Told(Arc::clone(&dropped.0), end);
        match blocking(move || read(&mut reader, until)).await.map_err(driver_error)? {
            Ok(read) => Ok(read),
            Err(ReadError::Busy(error) | ReadError::Failed(error) | ReadError::Stopped(error)) => {
                Err(driver_error(error))
            }
        }
    }

    fn takes_long(&self, sql: &Arc<str>) -> bool {
        let long = self.long.read().unwrap_or_else(PoisonError::into_inner);
        !long.is_empty() && long.contains(sql)
    }

    fn remember(&self, sql: &Arc<str>) {
        let mut long = self.long.write().unwrap_or_else(PoisonError::into_inner);
        // Which of so many are still asked for is found out again.
        if long.len() == MOST_KNOWN {
            long.clear();
        }
        long.insert(Arc::clone(sql));
    }

    pub(super) fn status(&self) -> Status {
        self.pool.status()
    }

    pub(super) fn close(&self) {
        self.pool.retain(|_, _| false);
        self.pool.close();
    }
}

/// Stops the statement of a future that was dropped.
struct StopWhenDropped(Arc<AtomicBool>);

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs what may block. A panic goes on where it is waited for, as it would have inline.
async fn blocking<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> Result<T, sqlx::Error> {
    match tokio::task::spawn_blocking(run).await {
        Ok(done) => Ok(done),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends.
            Err(_) => Err(sqlx::Error::WorkerCrashed),
        },
    }
}
