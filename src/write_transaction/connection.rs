//! Where a transaction's statements run: all within one `BEGIN` and `COMMIT`, or each by itself.

use sea_orm::{
    ConnectionTrait as _, DatabaseTransaction, DbBackend, DbErr, QueryResult, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait as _,
};
use tokio::sync::OnceCell;

use crate::database::{Batch, Database, DatabaseError};

/// Where statements run.
pub(super) struct Connection {
    database: Database,
    /// Within what they run, once it has begun. It is forgotten with the value, if it is not committed.
    transaction: OnceCell<DatabaseTransaction>,
}

impl Connection {
    /// Statements that are a transaction each. On SQLite what is read must not change before something is written: there a transaction
    /// begins with the first read, and only what reads nothing is written by one statement.
    pub(super) fn single(database: &Database) -> Self {
        Self { database: database.clone(), transaction: OnceCell::new() }
    }

    /// Statements of a transaction that has begun.
    pub(super) fn within(database: &Database, transaction: DatabaseTransaction) -> Self {
        Self { database: database.clone(), transaction: OnceCell::new_with(Some(transaction)) }
    }

    /// Begins a transaction.
    pub(super) async fn begin(database: &Database) -> Result<Self, DatabaseError> {
        Ok(Self::within(database, begin(database).await?))
    }

    pub(super) fn backend(&self) -> DbBackend {
        self.database.backend()
    }

    /// The transaction.
    pub(super) fn transaction(&self) -> Result<&DatabaseTransaction, DatabaseError> {
        self.transaction.get().ok_or_else(none_has_begun)
    }

    /// The transaction, for whoever ends it.
    pub(super) fn into_transaction(self) -> Result<DatabaseTransaction, DatabaseError> {
        self.transaction.into_inner().ok_or_else(none_has_begun)
    }

    /// Whether what is read is locked: not where each statement is by itself, nor where there is one writer anyway.
    pub(super) fn locks(&self) -> bool {
        self.is_transaction() && self.backend() == DbBackend::Postgres
    }

    /// Whether several statements are one transaction.
    pub(super) fn is_transaction(&self) -> bool {
        self.transaction.initialized()
    }

    pub(super) async fn query_all(&self, statement: Statement) -> Result<Vec<QueryResult>, DatabaseError> {
        let transaction = match self.backend() {
            // Apart, since it is seldom needed, and whatever is read would carry it along.
            DbBackend::Sqlite => Some(self.transaction.get_or_try_init(|| Box::pin(begin(&self.database))).await?),
            _ => self.transaction.get(),
        };
        let _observed = self.database.observe("write", 1);
        match transaction {
            Some(transaction) => self.database.write(transaction.query_all_raw(statement)).await,
            None => self.database.read_outside(statement).await,
        }
    }

    /// Runs all of a batch.
    pub(super) async fn write(&self, batch: Batch) -> Result<(), DatabaseError> {
        match batch.into_statement() {
            Some(statement) => self.execute(statement).await,
            None => Ok(()),
        }
    }

    pub(super) async fn execute(&self, statement: Statement) -> Result<(), DatabaseError> {
        let _observed = self.database.observe("write", 1);
        match self.transaction.get() {
            Some(transaction) => self.database.write(transaction.execute_raw(statement)).await.map(drop),
            None => self.database.write_alone(statement).await,
        }
    }

    /// Waits, at most as long as for any lock, until no other transaction holds the lock.
    pub(super) async fn lock_exclusively(&self, lock: i64) -> Result<(), DatabaseError> {
        if self.locks() {
            let backend = self.backend();
            let take = "SELECT pg_advisory_xact_lock($1)";
            self.execute(Statement::from_sql_and_values(backend, take, [lock.into()])).await?;
        }
        Ok(())
    }

    /// Makes the changes last, where they do not already.
    pub(super) async fn commit(self) -> Result<(), DatabaseError> {
        if let Some(transaction) = self.transaction.into_inner() {
            self.database.write(transaction.commit()).await?;
        }
        self.database.notify_commit();
        Ok(())
    }

    /// Forgets the changes.
    pub(super) async fn roll_back(self) -> Result<(), DatabaseError> {
        match self.transaction.into_inner() {
            Some(transaction) => Ok(transaction.rollback().await?),
            None => Ok(()),
        }
    }
}

/// On SQLite it takes the write lock now, so that it never fails on its first write after a read.
async fn begin(database: &Database) -> Result<DatabaseTransaction, DatabaseError> {
    let options = TransactionOptions {
        sqlite_transaction_mode: (database.backend() == DbBackend::Sqlite).then_some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    #[expect(clippy::disallowed_methods, reason = "this is the one door")]
    database.begin(|| database.writer().begin_with_options(options)).await
}

fn none_has_begun() -> DatabaseError {
    DbErr::Custom("no transaction has begun".to_owned()).into()
}
