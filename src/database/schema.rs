//! Brings the tables up to date, while servers of the version before use them.
//!
//! **Invariant:** what those could not stand waits for [`Database::complete`]: a server that starts never takes anything from
//! those that run.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use migration::{CONTRACTIONS, Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DbBackend, DbErr};

use super::turn::Turn;
use super::{Database, DatabaseError};

/// A migration and whether it has run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its file's name.
    pub name: String,
    /// Whether it has run.
    pub state: MigrationState,
}

/// Whether a migration has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigrationState {
    /// It has.
    Applied,
    /// It runs when a server starts.
    Pending,
    /// Servers of the version before could not stand it, or would be slow: it waits for [`Database::complete`].
    Held,
}

/// What somebody who runs migrations is told meanwhile.
#[derive(Clone, Copy, Debug)]
pub enum MigrationProgress<'n> {
    /// This one begins.
    Begins(&'n str),
    /// So many rows of so many have what it gives them.
    Filled {
        /// Rows that have it.
        done: u64,
        /// Rows that are to have it.
        total: u64,
    },
}

/// Is told how far migrations have come.
pub type ShowMigration = Arc<dyn Fn(MigrationProgress<'_>) + Send + Sync>;

/// How long others may hold what a migration needs before it is given up.
const PATIENCE: Duration = Duration::from_mins(5);
/// The pauses between two tries; meanwhile those go on who had queued behind it.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// Between two lines of the log on how far a migration has come.
const LOG_PAUSE: Duration = Duration::from_secs(10);

impl Database {
    /// Runs the migrations that have not run yet and that servers of the version before go on through; all of them where nothing
    /// has run yet, and on an SQLite file. Processes that start at once on one database take turns.
    ///
    /// # Errors
    /// When a migration fails, or others hold a lock that it needs for more than five minutes; what ran before it stays. When the
    /// version before the last one was never completed.
    pub async fn migrate(&self) -> Result<(), DatabaseError> {
        self.migrate_and_show(logged()).await
    }

    /// The same, and tells how far it has come.
    ///
    /// # Errors
    /// As [`Database::migrate`].
    pub async fn migrate_and_show(&self, show: ShowMigration) -> Result<(), DatabaseError> {
        self.alone(async {
            let migrations = self.migrations().await?;
            let held = migrations.iter().position(|migration| migration.state == MigrationState::Held);
            let (before, after) = migrations.split_at(held.unwrap_or(migrations.len()));
            if let Some(behind) = after.iter().find(|migration| migration.state == MigrationState::Pending) {
                let reason =
                    "the last upgrade is not complete: `throughline migrate complete` when no older server runs";
                return Err(DbErr::Migration(format!("{} cannot run yet: {reason}", behind.name)).into());
            }
            self.apply(before, &show).await
        })
        .await
    }

    /// Runs all migrations that have not run yet: no server of the version before runs any more.
    ///
    /// # Errors
    /// When a migration fails, or others hold a lock that it needs for more than five minutes; what ran before it stays.
    pub async fn complete(&self, show: ShowMigration) -> Result<(), DatabaseError> {
        self.alone(async { self.apply(&self.migrations().await?, &show).await }).await
    }

    async fn apply(&self, migrations: &[Migration], show: &ShowMigration) -> Result<(), DatabaseError> {
        for migration in migrations.iter().filter(|migration| migration.state != MigrationState::Applied) {
            show(MigrationProgress::Begins(&migration.name));
            let filled = Arc::clone(show);
            let filled: migration::Progress =
                Arc::new(move |done, total| filled(MigrationProgress::Filled { done, total }));
            let run = self.patiently(|| Migrator::up(&self.pools.writer, Some(1)));
            migration::with_progress(filled, run).await?;
        }
        Ok(())
    }

    /// Undoes the latest `steps` migrations, with the rows in their tables.
    ///
    /// # Errors
    /// When a migration cannot be undone; those after it stay undone. When a newer program has run migrations that this one does
    /// not know.
    pub async fn migrate_down(&self, steps: u32) -> Result<(), DatabaseError> {
        self.alone(async {
            self.refuse_newer().await?;
            for _ in 0..steps {
                self.patiently(|| Migrator::down(&self.pools.writer, Some(1))).await?;
            }
            Ok(())
        })
        .await
    }

    /// Undoes all migrations and runs them again: every row is gone.
    ///
    /// # Errors
    /// When a migration fails either way, or a newer program has run some that this one does not know.
    pub async fn migrate_fresh(&self) -> Result<(), DatabaseError> {
        // Migrator::fresh drops the tables alone and stumbles over the views that it leaves.
        self.alone(async {
            self.refuse_newer().await?;
            self.patiently(|| Migrator::down(&self.pools.writer, None)).await?;
            self.patiently(|| Migrator::up(&self.pools.writer, None)).await
        })
        .await
    }

    /// Every migration that this program knows, in order, without changing anything.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn migrations(&self) -> Result<Vec<Migration>, DatabaseError> {
        let applied = Migrator::applied(&self.pools.reader).await?;
        // Nobody is served by tables that are not there, and an SQLite file has one program.
        let may_have_servers = self.backend() == DbBackend::Postgres && !applied.is_empty();
        let state = |name: &str| match () {
            () if applied.iter().any(|applied| applied == name) => MigrationState::Applied,
            () if may_have_servers && CONTRACTIONS.contains(&name) => MigrationState::Held,
            () => MigrationState::Pending,
        };
        let known = Migrator::migrations();
        let known = known.iter().map(|migration| migration.name().to_owned());
        Ok(known.map(|name| Migration { state: state(&name), name }).collect())
    }

    /// How many migrations have not run yet that this program needs.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn pending_migrations(&self) -> Result<usize, DatabaseError> {
        let migrations = self.migrations().await?;
        Ok(migrations.iter().filter(|migration| migration.state == MigrationState::Pending).count())
    }

    /// Asks the database for one constant.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ping(&self) -> Result<(), DatabaseError> {
        self.pools.reader.execute_unprepared("SELECT 1").await?;
        Ok(())
    }

    /// Undoing what is below a migration that is not known would leave neither version's tables.
    async fn refuse_newer(&self) -> Result<(), DatabaseError> {
        let known = Migrator::migrations();
        let mut applied = Migrator::applied(&self.pools.reader).await?;
        applied.retain(|name| known.iter().all(|migration| migration.name() != name));
        if applied.is_empty() {
            return Ok(());
        }
        let reason = format!("a newer program has run {}: let that one undo them first", applied.join(", "));
        Err(DbErr::Migration(reason).into())
    }

    /// Changes the tables while no other process does.
    async fn alone(&self, change: impl Future<Output = Result<(), DatabaseError>>) -> Result<(), DatabaseError> {
        let turn = Turn::wait(self).await?;
        let changed = change.await;
        turn.end().await;
        changed
    }

    /// Runs a change again while others are in its way. On PostgreSQL alone, where a step waits briefly, so that nobody waits behind
    /// it for long; whoever opens an SQLite file has said how long it waits for others.
    async fn patiently<C>(&self, change: impl Fn() -> C) -> Result<(), DatabaseError>
    where
        C: Future<Output = Result<(), DbErr>>,
    {
        let (mut first_failure, (mut pause, longest)) = (None, PAUSES);
        loop {
            let error = match change().await.map_err(DatabaseError::from) {
                Err(error @ (DatabaseError::LockTimeout(_) | DatabaseError::Conflict(_))) => error,
                changed => return changed,
            };
            let since = *first_failure.get_or_insert_with(Instant::now);
            if self.backend() != DbBackend::Postgres || since.elapsed() > PATIENCE {
                return Err(error);
            }
            tracing::info!(?pause, "a migration needs a table that others have locked, and tries again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }
}

/// Writes to the log, now and then, how far a migration has come that takes long.
fn logged() -> ShowMigration {
    let last = Mutex::new(Instant::now());
    Arc::new(move |progress| {
        let MigrationProgress::Filled { done, total } = progress else { return };
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() >= LOG_PAUSE {
            *last = Instant::now();
            tracing::info!(done, total, "a migration fills rows");
        }
    })
}
