//! The connections to the one database that the process serves, and the SQL in which the two kinds differ.
//!
//! **Invariants:** a read never goes through the writer of an SQLite file; what differs in the SQL of reads stands in
//! [`dialect`]; a [`sea_orm::DbErr`] is sorted in `error` and nowhere else.

mod address;
pub mod bulk;
mod connect;
pub mod dialect;
mod error;
mod read_pool;
mod row;
mod schema;
mod sqlite_failure;
mod sqlite_reader;
mod turn;

pub use address::DatabaseAddress;
pub use connect::{ConnectError, PoolOptions};
pub use error::DatabaseError;
use read_pool::ReadPool;
pub use row::{CopiedRow, Row};
pub use schema::MigrationState;
use sea_orm::{DatabaseConnection, DbBackend, Statement, Values, metric};

use std::sync::Arc;
use std::time::Instant;

/// The pools of one database.
///
/// Cloning is cheap and shares the pools.
#[derive(Clone)]
pub struct Database {
    reads: ReadPool,
    reader: DatabaseConnection,
    writer: DatabaseConnection,
    observer: Option<Observer>,
}

/// Is told of each statement.
type Observer = Arc<dyn Fn(&metric::Info<'_>) + Send + Sync>;

impl Database {
    /// Runs a statement that reads, which stays prepared: give it a text that comes again. `values` are its parameters, made again
    /// should the statement have to run once more.
    ///
    /// # Errors
    /// When the statement fails, or no connection is to be had in time.
    pub async fn read(&self, sql: &Arc<str>, values: &(dyn Fn() -> Values + Sync)) -> Result<Vec<Row>, DatabaseError> {
        let Some(observer) = &self.observer else { return self.reads.query(sql, values).await };
        let statement = Statement { sql: sql.to_string(), values: Some(values()), db_backend: self.backend() };
        let began = Instant::now();
        let result = self.reads.query(sql, values).await;
        observer(&metric::Info { elapsed: began.elapsed(), statement: &statement, failed: result.is_err() });
        result
    }

    /// Where whatever reads through SeaORM does: entities, tools, tests.
    #[must_use]
    pub fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// Where transactions begin; only [`crate::write_transaction`] and the migrations use it.
    #[must_use]
    pub fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// Which database it is.
    #[must_use]
    pub fn backend(&self) -> DbBackend {
        self.reader.get_database_backend()
    }

    /// Calls `observer` after each statement (`BEGIN` and `COMMIT` aside). What clones the value later
    /// is observed as well, what was cloned before is not.
    pub fn observe_statements<F>(&mut self, observer: F)
    where
        F: Fn(&sea_orm::metric::Info<'_>) + Send + Sync + Clone + 'static,
    {
        self.reader.set_metric_callback(observer.clone());
        self.writer.set_metric_callback(observer.clone());
        self.observer = Some(Arc::new(observer));
    }

    /// Closes the pools. For SQLite this folds the write-ahead log into the file.
    ///
    /// # Errors
    /// When a connection cannot be closed in order.
    pub async fn close(self) -> Result<(), DatabaseError> {
        self.reads.close().await;
        self.reader.close_by_ref().await?;
        self.writer.close_by_ref().await?;
        Ok(())
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("backend", &self.backend()).finish_non_exhaustive()
    }
}
