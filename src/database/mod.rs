//! The connections to the one database that the process serves, and the SQL in which the two kinds differ.
//!
//! **Invariants:** a read never goes through the writer of an SQLite file; what differs in the SQL of reads stands in
//! [`dialect`]; a [`sea_orm::DbErr`] is sorted in `error` and nowhere else.

mod address;
mod batch;
mod connect;
pub mod dialect;
mod error;
mod parameter;
mod pool_status;
mod postgres_connection;
mod probe;
mod reachable;
mod recording;
mod row;
pub mod row_set;
mod schema;
mod sqlite_failure;
mod sqlite_reader;
mod sqlite_write;
mod statement_pool;
mod turn;
mod wake;
mod wal_position;
mod work;
mod write;
mod write_limit;

pub use address::DatabaseAddress;
pub use batch::{Batch, Parameters};
pub use connect::{ConnectError, PoolOptions};
pub use error::DatabaseError;
pub use pool_status::PoolStatus;
pub use probe::{Probe, ProbeError};
use reachable::Reachable;
use recording::Recording;
pub use row::{CopiedRow, Row};
pub use schema::{Migration, MigrationProgress, MigrationState, ShowMigration};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DatabaseTransaction, DbBackend, Statement, Values, metric};
pub use statement_pool::ServerStatus;
use statement_pool::StatementPool;
use wake::Announcer;
pub use wake::Wakes;
pub use wal_position::{NoPosition, WalPosition};
use work::Work;

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;
use tracing::Instrument as _;

use crate::telemetry::{self, Observed};

use write_limit::WriteLimit;

/// The pools of one database, as one operation sees them.
///
/// Cloning is cheap and shares the pools.
#[derive(Clone)]
pub struct Database {
    pools: Arc<Pools>,
    /// The transaction that is read from within.
    within: Option<Arc<DatabaseTransaction>>,
    /// The operation whose statements are run.
    observed: Option<Arc<Observed>>,
    /// What that operation does here.
    work: Option<Arc<Work>>,
    /// What is kept of the statements, where somebody wants them explained.
    recording: Option<Recording>,
}

/// What all operations share.
#[derive(Clone)]
struct Pools {
    statements: StatementPool,
    reader: DatabaseConnection,
    writer: DatabaseConnection,
    /// How long its statements may take.
    limit: WriteLimit,
    observer: Option<Observer>,
    faults: Option<Faults>,
    /// How many connections those who write may have.
    connections: usize,
    /// Counts what this process has committed.
    commits: watch::Sender<u64>,
    /// Tells other processes of them, where there may be others that can be told.
    announcer: Option<Arc<Announcer>>,
    /// Whether the writer's server can be reached.
    reachable: Reachable,
}

/// Tells whether a call fails, and how.
type Faults = Arc<dyn Fn() -> Option<DatabaseError> + Send + Sync>;

/// Is told of each statement.
type Observer = Arc<dyn Fn(&metric::Info<'_>) + Send + Sync>;

impl Database {
    /// The pools, which nobody uses yet.
    fn of(pools: Pools) -> Self {
        Self { pools: Arc::new(pools), within: None, observed: None, work: None, recording: None }
    }

    /// Runs a statement that reads, which stays prepared: give it a text that comes again. `values` are its parameters, made again
    /// should the statement have to run once more.
    ///
    /// # Errors
    /// When the statement fails, or no connection is to be had in time.
    pub async fn read(&self, sql: &Arc<str>, values: &(dyn Fn() -> Values + Sync)) -> Result<Vec<Row>, DatabaseError> {
        self.read_for("other", 1, sql, values).await
    }

    /// [`Database::read`] for whoever loads a field of the schema, which is counted under this name, for so many keys.
    ///
    /// # Errors
    /// When the statement fails, or no connection is to be had in time.
    pub async fn read_for(
        &self,
        loader: &'static str,
        keys: usize,
        sql: &Arc<str>,
        values: &(dyn Fn() -> Values + Sync),
    ) -> Result<Vec<Row>, DatabaseError> {
        let _observed = self.observe(loader, keys);
        let span = tracing::debug_span!("statement", loader, "otel.kind" = "client", "db.query.text" = &**sql);
        let began = self.recording.as_ref().map(|_| Instant::now());
        let result = pin!(self.run(sql, values)).instrument(span).await;
        if let (Some(recording), Some(began)) = (&self.recording, began) {
            recording.keep(&result, began.elapsed(), (loader, keys), (sql, values()));
        }
        result
    }

    async fn run(&self, sql: &Arc<str>, values: &(dyn Fn() -> Values + Sync)) -> Result<Vec<Row>, DatabaseError> {
        self.may_call()?;
        if let Some(within) = &self.within {
            let statement = Statement { sql: sql.to_string(), values: Some(values()), db_backend: self.backend() };
            let rows = within.query_all_raw(statement).await?;
            return Ok(rows.into_iter().map(|row| Row::Within(Box::new(row))).collect());
        }
        let _turn = match &self.work {
            Some(work) => work.turn().await,
            None => None,
        };
        let route = self.work.as_ref().map(|work| work.route());
        let Some(observer) = &self.pools.observer else { return self.pools.statements.query(route, sql, values).await };
        let statement = Statement { sql: sql.to_string(), values: Some(values()), db_backend: self.backend() };
        let began = Instant::now();
        let result = self.pools.statements.query(route, sql, values).await;
        observer(&metric::Info { elapsed: began.elapsed(), statement: &statement, failed: result.is_err() });
        result
    }

    /// Whether a statement that reads may be one with another request's: it goes to a server, the only one there is, and nobody wants to
    /// know of it alone.
    pub(crate) fn shares_statements(&self) -> bool {
        matches!(&self.pools.statements, StatementPool::Postgres(servers) if !servers.are_several())
            && self.within.is_none()
            && self.recording.is_none()
    }

    /// Where whatever reads through SeaORM does: entities, tools, tests.
    #[must_use]
    pub fn reader(&self) -> &DatabaseConnection {
        &self.pools.reader
    }

    /// Where transactions begin; only [`crate::write_transaction`] and the migrations use it.
    #[must_use]
    pub fn writer(&self) -> &DatabaseConnection {
        &self.pools.writer
    }

    /// Which database it is.
    #[must_use]
    pub fn backend(&self) -> DbBackend {
        self.pools.reader.get_database_backend()
    }

    /// Calls `observer` after each statement (`BEGIN` and `COMMIT` aside). What clones the value later
    /// is observed as well, what was cloned before is not.
    pub fn observe_statements<F>(&mut self, observer: F)
    where
        F: Fn(&sea_orm::metric::Info<'_>) + Send + Sync + Clone + 'static,
    {
        let pools = Arc::make_mut(&mut self.pools);
        pools.reader.set_metric_callback(observer.clone());
        pools.writer.set_metric_callback(observer.clone());
        pools.observer = Some(Arc::new(observer));
    }

    /// Lets calls fail, to see that nothing is half done: `fault` is asked before each statement of a write, its `BEGIN` and its
    /// `COMMIT`, a text that has them in it, and each statement of a query. What clones the value later is concerned, what was cloned
    /// before is not.
    pub fn inject_faults(&mut self, fault: impl Fn() -> Option<DatabaseError> + Send + Sync + 'static) {
        Arc::make_mut(&mut self.pools).faults = Some(Arc::new(fault));
    }

    /// Changes whenever this process has committed a write.
    #[must_use]
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.pools.commits.subscribe()
    }

    /// Tells that something was committed.
    pub(crate) fn notify_commit(&self) {
        self.pools.commits.send_modify(|count| *count = count.wrapping_add(1));
        if let Some(announcer) = &self.pools.announcer {
            announcer.announce();
        }
    }

    /// Listens to the commits of other processes, where they can be heard.
    pub(crate) fn listen_to_others(&self) -> Option<Wakes> {
        self.pools.announcer.as_ref().map(|announcer| announcer.listen())
    }

    /// The database as a transaction sees it, which is forgotten with the last clone of the value. Only reads go there.
    pub(crate) fn within(&self, transaction: DatabaseTransaction) -> Self {
        Self { within: Some(Arc::new(transaction)), ..self.clone() }
    }

    /// The database for one operation, which is told of each statement. Half as many of its statements run at once as there are
    /// connections, so that some are left to others.
    pub(crate) fn observed_by(&self, operation: Arc<Observed>) -> Self {
        Self {
            observed: Some(operation),
            work: Some(Arc::new(Work::new(self.pools.connections.div_ceil(2)))),
            ..self.clone()
        }
    }

    /// Tells the operation of a statement, until the value is dropped.
    pub(crate) fn observe(&self, loader: &'static str, keys: usize) -> Option<telemetry::Statement> {
        self.observed.as_ref().map(|operation| operation.statement(loader, keys))
    }

    /// Fails where a fault was injected.
    pub(crate) fn may_call(&self) -> Result<(), DatabaseError> {
        self.pools.faults.as_ref().and_then(|fault| fault()).map_or(Ok(()), Err)
    }

    /// Closes the pools. For SQLite this folds the write-ahead log into the file.
    ///
    /// # Errors
    /// When a connection cannot be closed in order.
    pub async fn close(self) -> Result<(), DatabaseError> {
        self.pools.statements.close().await;
        self.pools.reader.close_by_ref().await?;
        self.pools.writer.close_by_ref().await?;
        Ok(())
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("backend", &self.backend()).finish_non_exhaustive()
    }
}
