//! Where a transaction's statements run: each by itself, or all within one `BEGIN` and `COMMIT`.

use sea_orm::{
    ConnectionTrait as _, DatabaseTransaction, DbBackend, DbErr, QueryResult, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait as _,
};

use crate::database::{Batch, Database, DatabaseError};

/// Where statements run.
pub(super) enum Connection {
    /// Each is a transaction of its own.
    Single(Database),
    /// All are one, which begins with the value and is forgotten with it, if it is not committed.
    Transaction(Database, DatabaseTransaction),
}

impl Connection {
    /// Statements that are a transaction each.
    pub(super) fn single(database: &Database) -> Self {
        Self::Single(database.clone())
    }

    /// Begins a transaction. On SQLite it takes the write lock now, so that it never fails on its first write after a read.
    pub(super) async fn begin(database: &Database) -> Result<Self, DatabaseError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: (database.backend() == DbBackend::Sqlite)
                .then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        #[expect(clippy::disallowed_methods, reason = "this is the one door")]
        let transaction = database.begin(|| database.writer().begin_with_options(options)).await?;
        Ok(Self::Transaction(database.clone(), transaction))
    }

    pub(super) fn backend(&self) -> DbBackend {
        self.database().backend()
    }

    fn database(&self) -> &Database {
        match self {
            Self::Single(database) | Self::Transaction(database, _) => database,
        }
    }

    /// The transaction.
    pub(super) fn transaction(&self) -> Result<&DatabaseTransaction, DatabaseError> {
        match self {
            Self::Transaction(_, transaction) => Ok(transaction),
            Self::Single(_) => Err(DbErr::Custom("no transaction has begun".to_owned()).into()),
        }
    }

    /// Whether what is read is locked: not where each statement is by itself, nor where there is one writer anyway.
    pub(super) fn locks(&self) -> bool {
        matches!(self, Self::Transaction(..)) && self.backend() == DbBackend::Postgres
    }

    /// Whether several statements are one transaction.
    pub(super) fn is_transaction(&self) -> bool {
        matches!(self, Self::Transaction(..))
    }

    pub(super) async fn query_all(&self, statement: Statement) -> Result<Vec<QueryResult>, DatabaseError> {
        let _observed = self.database().observe("write", 1);
        match self {
            Self::Single(database) => database.read_to_write(statement).await,
            Self::Transaction(database, transaction) => database.write(transaction.query_all_raw(statement)).await,
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
        let _observed = self.database().observe("write", 1);
        match self {
            Self::Single(database) => database.write_alone(statement).await,
            Self::Transaction(database, transaction) => {
                database.write(transaction.execute_raw(statement)).await.map(drop)
            }
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
        match self {
            Self::Single(database) => database.notify_commit(),
            Self::Transaction(database, transaction) => {
                database.write(transaction.commit()).await?;
                database.notify_commit();
            }
        }
        Ok(())
    }

    /// Forgets the changes.
    pub(super) async fn roll_back(self) -> Result<(), DatabaseError> {
        match self {
            Self::Single(_) => Ok(()),
            Self::Transaction(_, transaction) => Ok(transaction.rollback().await?),
        }
    }
}
