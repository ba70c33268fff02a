//! Steps that servers go on through: nothing in them holds a lock that a request waits for.
//!
//! A step of this kind is no transaction: what takes long is cut into pieces that stay when the process ends in between.
//!
//! **Invariant:** each piece can be run again, whatever was done of it, so that the next run goes on where the last one ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm_migration::SchemaManagerConnection;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::prelude::Uuid;
use sea_orm_migration::sea_orm::sqlx::{self, Executor as _};
use sea_orm_migration::sea_orm::{DbBackend, RuntimeErr, Statement};

use crate::progress;
use crate::sql::{self, Sql};

/// One step, in pieces.
pub(crate) struct OnlineMigration {
    /// What the database remembers the step by: its file's name.
    pub(crate) name: &'static str,
    pub(crate) up: &'static [Piece],
    /// What undoes `up`.
    pub(crate) down: &'static [Piece],
}

/// What can be run again by itself.
pub(crate) enum Piece {
    /// A statement that changes nothing where it has been run.
    Run(Sql),
    /// Rows that get a value, a batch at a time, each a transaction; on PostgreSQL alone. An SQLite file has one writer and
    /// no servers side by side, and its columns are generated.
    Fill(Fill),
    /// An index. On PostgreSQL it is made while others write, `CONCURRENTLY`.
    CreateIndex { name: &'static str, on: &'static str },
    /// The end of an index, for which nobody waits either.
    DropIndex { name: &'static str },
}

/// Which rows get which value.
pub(crate) struct Fill {
    /// Its primary key is `id`, a UUID.
    pub(crate) table: &'static str,
    /// Holds for a row as long as it has no value.
    pub(crate) missing: &'static str,
    pub(crate) set: &'static str,
}

/// Rows of a batch: some ten milliseconds, during which whoever writes one of them waits.
const BATCH: u32 = 1000;
/// The longest pause after a batch.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// Before rows that others have locked are looked for again; the pauses become longer.
const LOCKED_PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// How long others may be in the way: rows that they have locked, transactions that began before an index did. No request waits
/// behind a piece that waits for them.
const PATIENCE: Duration = Duration::from_mins(5);

impl MigrationName for OnlineMigration {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for OnlineMigration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, self.up).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, self.down).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(false)
    }
}

async fn run(manager: &SchemaManager<'_>, pieces: &[Piece]) -> Result<(), DbErr> {
    let is_sqlite = manager.get_database_backend() == DbBackend::Sqlite;
    for piece in pieces {
        match piece {
            Piece::Run(statement) => sql::run(manager, std::slice::from_ref(statement)).await?,
            Piece::Fill(fill) if !is_sqlite => fill.run(manager).await?,
            Piece::Fill(_) => {}
            Piece::CreateIndex { name, on } if is_sqlite => {
                execute(manager, format!("CREATE INDEX IF NOT EXISTS {name} ON {on}")).await?;
            }
            Piece::CreateIndex { name, on } => create_index(manager, name, on).await?,
            Piece::DropIndex { name } if is_sqlite => execute(manager, format!("DROP INDEX IF EXISTS {name}")).await?,
            Piece::DropIndex { name } => drop_index(manager, name).await?,
        }
    }
    Ok(())
}

async fn execute(manager: &SchemaManager<'_>, statement: String) -> Result<(), DbErr> {
    manager.get_connection().execute_unprepared(&statement).await.map(drop)
}

/// Runs a statement that waits for transactions which are older, however long it may wait for a lock otherwise: an index that was all but made
/// would be made from the beginning. In a session of its own, which ends with it.
async fn execute_patiently(manager: &SchemaManager<'_>, statement: String) -> Result<(), DbErr> {
    let SchemaManagerConnection::Connection(connection) = manager.get_connection() else {
        return execute(manager, statement).await;
    };
    let failed = |error: sqlx::Error| DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)));
    let mut session = connection.get_postgres_connection_pool().acquire().await.map_err(failed)?.detach();
    let patience = format!("SET lock_timeout = '{}s'", PATIENCE.as_secs());
    session.execute(sqlx::AssertSqlSafe(patience)).await.map_err(failed)?;
    session.execute(sqlx::AssertSqlSafe(statement)).await.map_err(failed)?;
    Ok(())
}

/// What is left of an index whose making was broken off is no index: no statement uses it, and each write keeps it up.
async fn create_index(manager: &SchemaManager<'_>, name: &str, on: &str) -> Result<(), DbErr> {
    let asked = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)::oid";
    let asked = Statement::from_sql_and_values(DbBackend::Postgres, asked, [name.into()]);
    let found = manager.get_connection().query_one_raw(asked).await?;
    match found.map(|row| row.try_get_by_index(0)).transpose()? {
        Some(true) => return Ok(()),
        Some(false) => drop_index(manager, name).await?,
        None => {}
    }
    execute_patiently(manager, format!("CREATE INDEX CONCURRENTLY {name} ON {on}")).await
}

async fn drop_index(manager: &SchemaManager<'_>, name: &str) -> Result<(), DbErr> {
    execute_patiently(manager, format!("DROP INDEX CONCURRENTLY IF EXISTS {name}")).await
}

impl Fill {
    /// Goes through the table by its key, again and again until no row is without a value. A row that somebody has locked is
    /// left for the next time, so that a batch waits for nobody, and nobody for each other.
    async fn run(&self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        let total = self.count(manager).await?;
        let (mut missing, mut filled) = (total, 0);
        let (mut last_filled, mut pause) = (Instant::now(), LOCKED_PAUSES.0);
        while missing > 0 {
            let (before, mut after) = (filled, Uuid::nil());
            while let Some((rows, last)) = self.fill(manager, after).await? {
                (after, filled) = (last, filled + rows);
                // More can come to be filled than there were: those that a server writes that knows of nothing.
                progress::advance(filled, Ord::max(total, filled));
            }
            missing = self.count(manager).await?;
            if filled > before {
                (last_filled, pause) = (Instant::now(), LOCKED_PAUSES.0);
            } else if missing > 0 && last_filled.elapsed() > PATIENCE {
                let reason = format!("others have locked {missing} rows of {} for too long", self.table);
                return Err(DbErr::Migration(format!(
                    "{reason}; the rest is filled, and a next run goes on from here"
                )));
            }
            if missing > 0 {
                progress::advance(filled, Ord::max(total, filled + missing));
                tokio::time::sleep(pause).await;
                pause = Ord::min(pause * 2, LOCKED_PAUSES.1);
            }
        }
        Ok(())
    }

    async fn count(&self, manager: &SchemaManager<'_>) -> Result<u64, DbErr> {
        let sql = format!("SELECT count(*) FROM {} WHERE {}", self.table, self.missing);
        let row = manager.get_connection().query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
        let count: Option<i64> = row.map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(count.unwrap_or_default().try_into().unwrap_or_default())
    }

    /// A batch after this key: how many rows got a value, and the last of them; nothing where there is no more. Then a pause as
    /// long as the batch took, though not longer than half a second: it leaves time to the servers, and lets replicas follow.
    async fn fill(&self, manager: &SchemaManager<'_>, after: Uuid) -> Result<Option<(u64, Uuid)>, DbErr> {
        let Self { table, missing, set } = self;
        let sql = format!(
            "WITH batch AS MATERIALIZED (
                SELECT id FROM {table} WHERE {missing} AND id > $1 ORDER BY id LIMIT {BATCH} FOR NO KEY UPDATE SKIP LOCKED
            ), filled AS (
                UPDATE {table} SET {set} FROM batch WHERE {table}.id = batch.id
            )
            SELECT count(*), (SELECT id FROM batch ORDER BY id DESC LIMIT 1) FROM batch"
        );
        let begun = Instant::now();
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [after.into()]);
        let Some(row) = manager.get_connection().query_one_raw(statement).await? else { return Ok(None) };
        tokio::time::sleep(Ord::min(begun.elapsed(), LONGEST_PAUSE)).await;
        let (rows, last): (i64, Option<Uuid>) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        Ok(last.map(|last| (rows.try_into().unwrap_or_default(), last)))
    }
}
