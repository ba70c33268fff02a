//! Brings the tables up to date.

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DbBackend};

use super::{Database, DatabaseError};

impl Database {
    /// Runs the migrations that have not run yet. Processes that start at once on one PostgreSQL take turns.
    ///
    /// # Errors
    /// When a migration fails; what ran before it stays.
    pub async fn migrate(&self) -> Result<(), DatabaseError> {
        if self.backend() == DbBackend::Postgres {
            // The lock lives in its own session, since the migrations use the pool; it ends with the session at the
            // latest. The number is arbitrary and ours.
            let lock = crate::write_transaction::lock_session(self, MIGRATION_LOCK).await?;
            Migrator::up(&self.writer, None).await?;
            return lock.release().await;
        }
        Ok(Migrator::up(&self.writer, None).await?)
    }

    /// How many migrations have not run yet.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn pending_migrations(&self) -> Result<usize, DatabaseError> {
        Ok(Migrator::get_pending_migrations(&self.writer).await?.len())
    }

    /// Asks the database for one constant.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ping(&self) -> Result<(), DatabaseError> {
        self.reader.execute_unprepared("SELECT 1").await?;
        Ok(())
    }
}

/// The advisory lock under which migrations run.
const MIGRATION_LOCK: i64 = 0x7468_726f_7567_686c;
