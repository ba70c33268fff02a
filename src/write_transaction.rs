//! The one door to a transaction: the only module that may begin one.
//!
//! **Invariants:** a transaction has a name, which its log line carries; on SQLite it takes the write lock when it
//! begins, so that it never fails on its first write after a read; dropped without [`WriteTransaction::commit`], it
//! leaves nothing behind. clippy's `disallowed-methods` keeps every other module from calling `begin`.

use std::time::Instant;

use sea_orm::{DatabaseTransaction, DbBackend, SqliteTransactionMode, TransactionOptions, TransactionTrait};

use crate::access::Caller;
use crate::database::{Database, DatabaseError};

/// A transaction that has begun.
#[derive(Debug)]
pub struct WriteTransaction {
    inner: DatabaseTransaction,
    label: &'static str,
    caller: String,
    began: Instant,
}

impl WriteTransaction {
    /// Begins a transaction named `label`: `feature.create`, `import.ndjson`.
    ///
    /// # Errors
    /// When the database does not answer, or another process holds SQLite's write lock for too long.
    pub async fn begin(database: &Database, caller: &Caller, label: &'static str) -> Result<Self, DatabaseError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: (database.backend() == DbBackend::Sqlite)
                .then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        #[expect(clippy::disallowed_methods, reason = "this is the one door")]
        let inner = database.writer().begin_with_options(options).await?;
        Ok(Self { inner, label, caller: caller.id().to_owned(), began: Instant::now() })
    }

    /// Where the transaction's statements run.
    #[must_use]
    pub fn connection(&self) -> &DatabaseTransaction {
        &self.inner
    }

    /// Makes the changes last.
    ///
    /// # Errors
    /// When the database refuses; nothing was changed then.
    pub async fn commit(self) -> Result<(), DatabaseError> {
        self.inner.commit().await?;
        tracing::debug!(
            transaction = self.label,
            caller = self.caller,
            duration_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "committed"
        );
        Ok(())
    }

    /// Forgets the changes.
    ///
    /// # Errors
    /// When the database does not answer; the changes are forgotten all the same.
    pub async fn rollback(self) -> Result<(), DatabaseError> {
        Ok(self.inner.rollback().await?)
    }
}
