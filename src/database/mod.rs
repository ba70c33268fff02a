//! The connections to the one database that the process serves, and the SQL in which the two kinds differ.
//!
//! **Invariants:** a read never goes through the writer of an SQLite file; what differs in the SQL of reads stands in
//! [`dialect`]; a [`sea_orm::DbErr`] is sorted in `error` and nowhere else.

mod address;
pub mod bulk;
mod connect;
pub mod dialect;
mod error;
mod schema;
mod turn;

pub use address::DatabaseAddress;
pub use connect::{ConnectError, PoolOptions};
pub use error::DatabaseError;
pub use schema::MigrationState;
use sea_orm::{DatabaseConnection, DbBackend};

/// The pools of one database.
///
/// Cloning is cheap and shares the pools.
#[derive(Clone, Debug)]
pub struct Database {
    reader: DatabaseConnection,
    writer: DatabaseConnection,
}

impl Database {
    /// Where queries are read from.
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

    /// Calls `observer` after each statement of both pools (`BEGIN` and `COMMIT` aside). What clones the value later
    /// is observed as well, what was cloned before is not.
    pub fn observe_statements<F>(&mut self, observer: F)
    where
        F: Fn(&sea_orm::metric::Info<'_>) + Send + Sync + Clone + 'static,
    {
        self.reader.set_metric_callback(observer.clone());
        self.writer.set_metric_callback(observer);
    }

    /// Closes both pools. For SQLite this folds the write-ahead log into the file.
    ///
    /// # Errors
    /// When a connection cannot be closed in order.
    pub async fn close(self) -> Result<(), DatabaseError> {
        self.reader.close_by_ref().await?;
        self.writer.close_by_ref().await?;
        Ok(())
    }
}
