//! Brings the tables up to date.

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DbErr};

use super::turn::Turn;
use super::{Database, DatabaseError};

impl Database {
    /// Runs the migrations that have not run yet. Processes that start at once on one database take turns.
    ///
    /// # Errors
    /// When a migration fails; what ran before it stays.
    pub async fn migrate(&self) -> Result<(), DatabaseError> {
        self.alone(Migrator::up(&self.writer, None)).await
    }

    /// Undoes the latest `steps` migrations, with the rows in their tables.
    ///
    /// # Errors
    /// When a migration cannot be undone; those after it stay undone.
    pub async fn migrate_down(&self, steps: u32) -> Result<(), DatabaseError> {
        self.alone(Migrator::down(&self.writer, Some(steps))).await
    }

    /// Undoes all migrations and runs them again: every row is gone.
    ///
    /// # Errors
    /// When a migration fails either way.
    pub async fn migrate_fresh(&self) -> Result<(), DatabaseError> {
        // Migrator::fresh drops the tables alone and stumbles over the views that it leaves.
        self.alone(Migrator::refresh(&self.writer)).await
    }

    /// Every migration, in order, without changing anything.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn migrations(&self) -> Result<Vec<MigrationState>, DatabaseError> {
        let migrations = Migrator::get_migration_with_status_read_only(&self.reader).await?;
        let state = |migration: migration::Migration| MigrationState {
            name: migration.name().to_owned(),
            applied: migration.status() == migration::MigrationStatus::Applied,
        };
        Ok(migrations.into_iter().map(state).collect())
    }

    /// Changes the tables while no other process does.
    async fn alone(&self, change: impl Future<Output = Result<(), DbErr>>) -> Result<(), DatabaseError> {
        let turn = Turn::wait(self).await?;
        let changed = change.await;
        turn.end().await;
        Ok(changed?)
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

/// A migration and whether it has run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationState {
    /// Its file's name.
    pub name: String,
    /// Whether it has run.
    pub applied: bool,
}
