//! A transaction that looks at all that there is, as of one moment, however long that takes: to verify the record, or to make
//! its rows anew beside those that are there.
//!
//! **Invariant:** what it makes is seen by nobody else and goes with it, but for what [`Inspection::commit`] puts in place.

use sea_orm::{
    DbBackend, IsolationLevel, QueryResult, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait as _,
};

use super::connection::Connection;
use crate::database::row_set::RowSet;
use crate::database::{Database, DatabaseError, Parameters};

/// A transaction that looks at all that there is. Dropped without [`Inspection::commit`], it leaves nothing behind.
pub struct Inspection(Connection);

/// What others may do meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// They may write, which is not seen.
    MayWrite,
    /// They must wait, since rows are to be put in place of those that are there.
    MustWait,
}

/// What is put in place, and what it is made from.
const LOCK: &str =
    "LOCK TABLE projects, features, tests, deployments, features_view, events IN SHARE ROW EXCLUSIVE MODE";

impl Inspection {
    /// Begins.
    ///
    /// # Errors
    /// When the database does not answer, or another process holds SQLite's write lock for too long.
    pub async fn begin(database: &Database, others: Others) -> Result<Self, DatabaseError> {
        let must_wait = others == Others::MustWait;
        let is_sqlite = database.backend() == DbBackend::Sqlite;
        let mode = if must_wait { SqliteTransactionMode::Immediate } else { SqliteTransactionMode::Deferred };
        let options = TransactionOptions {
            sqlite_transaction_mode: is_sqlite.then_some(mode),
            isolation_level: (!is_sqlite).then_some(IsolationLevel::RepeatableRead),
            ..TransactionOptions::default()
        };
        #[expect(clippy::disallowed_methods, reason = "this is the one door")]
        let transaction = database.begin(|| database.writer().begin_with_options(options)).await?;
        let inspection = Self(Connection::within(database, transaction));
        if must_wait && !is_sqlite {
            // Before anything is read, or it would be read as of a moment before the lock.
            inspection.execute(LOCK).await?;
        }
        Ok(inspection)
    }

    /// Which database it is.
    #[must_use]
    pub fn backend(&self) -> DbBackend {
        self.0.backend()
    }

    /// Reads.
    ///
    /// # Errors
    /// When the statement fails.
    pub async fn query(
        &self,
        write: impl FnOnce(&mut Parameters) -> String,
    ) -> Result<Vec<QueryResult>, DatabaseError> {
        self.0.query_all(Parameters::statement(self.backend(), write)).await
    }

    /// Runs a statement without parameters.
    ///
    /// # Errors
    /// When it fails.
    pub async fn execute(&self, sql: impl Into<String>) -> Result<(), DatabaseError> {
        self.0.execute(Statement::from_string(self.backend(), sql)).await
    }

    /// Inserts rows, as the door does.
    ///
    /// # Errors
    /// When the statement fails.
    pub async fn insert(&self, table: &str, rows: RowSet) -> Result<(), DatabaseError> {
        let mut batch = crate::database::Batch::new(self.backend());
        super::commit::insert(&mut batch, table, rows);
        self.0.write(batch).await
    }

    /// Inserts rows that were another database's, with the numbers that the database gives to others.
    ///
    /// # Errors
    /// When the statement fails.
    pub async fn copy_in(&self, table: &str, rows: RowSet) -> Result<(), DatabaseError> {
        if rows.is_empty() {
            return Ok(());
        }
        let columns = rows.column_names();
        let overriding = if self.backend() == DbBackend::Postgres { "OVERRIDING SYSTEM VALUE" } else { "" };
        let statement = Parameters::statement(self.backend(), |parameters| {
            let rows = parameters.add_rows(rows);
            format!("INSERT INTO {table} ({columns}) {overriding} SELECT {columns} FROM {rows}")
        });
        self.0.execute(statement).await
    }

    /// Runs a statement.
    ///
    /// # Errors
    /// When it fails.
    pub async fn run(&self, statement: Statement) -> Result<(), DatabaseError> {
        self.0.execute(statement).await
    }

    /// Makes what it did last.
    ///
    /// # Errors
    /// When the database refuses; nothing was changed then.
    pub async fn commit(self) -> Result<(), DatabaseError> {
        self.0.commit().await
    }

    /// Forgets what it did.
    ///
    /// # Errors
    /// When the database does not answer; it is forgotten all the same.
    pub async fn roll_back(self) -> Result<(), DatabaseError> {
        self.0.roll_back().await
    }
}
