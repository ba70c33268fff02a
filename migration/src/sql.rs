//! What a step is, the words in which the two databases differ, and the one way to run a step's statements.

use std::time::Duration;

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// One step.
pub(crate) struct SqlMigration {
    /// What the database remembers the step by: its file's name.
    pub(crate) name: &'static str,
    pub(crate) up: &'static [Sql],
    /// What undoes `up`.
    pub(crate) down: &'static [Sql],
}

impl MigrationName for SqlMigration {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for SqlMigration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        wait_briefly(manager).await?;
        run(manager, self.up).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        wait_briefly(manager).await?;
        run(manager, self.down).await
    }

    /// On SQLite, too, where it is not so by itself: a process that is killed in a step must not leave half of it.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// One statement of a step.
pub(crate) enum Sql {
    /// Runs on both; `{uuid}`, `{text}`, `{timestamp:column}`, `{json}`, `{bytes}`, `{long}`, `{generated}` and `{strict}` become the database's own words.
    Both(&'static str),
    /// Runs on PostgreSQL only.
    Postgres(&'static str),
    /// Runs on SQLite only.
    Sqlite(&'static str),
}

/// How long a statement of a step waits for a lock. Whoever comes after it waits behind it, servers too.
const LOCK_TIMEOUT: Duration = Duration::from_millis(500);

/// Lets no statement of this transaction wait for a lock for long: the step fails then, and is run again when whoever holds it may be
/// done. An SQLite file has one writer at a time in any case.
async fn wait_briefly(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::Postgres {
        let statement = format!("SET LOCAL lock_timeout = '{}ms'", LOCK_TIMEOUT.as_millis());
        manager.get_connection().execute_unprepared(&statement).await?;
    }
    Ok(())
}

/// Runs the statements one after the other, leaving out those of the other database.
pub(crate) async fn run(manager: &SchemaManager<'_>, statements: &[Sql]) -> Result<(), DbErr> {
    let sqlite = manager.get_database_backend() == DbBackend::Sqlite;
    let connection = manager.get_connection();
    for statement in statements {
        let text = match statement {
            Sql::Both(text) => spell(text, sqlite),
            Sql::Sqlite(text) if sqlite => (*text).to_owned(),
            Sql::Postgres(text) if !sqlite => (*text).to_owned(),
            Sql::Sqlite(_) | Sql::Postgres(_) => continue,
        };
        connection.execute_unprepared(&text).await?;
    }
    Ok(())
}

/// Text sorts by code point on both, so that pages come in the same order: PostgreSQL's collation `C` and SQLite's
/// `BINARY`. SQLite's tables are `STRICT`, or it would take a string for a number; its ids are 16-byte blobs, and its
/// timestamps RFC 3339 text in UTC, which sorts by time.
fn spell(text: &str, sqlite: bool) -> String {
    let words = if sqlite {
        [
            ("{uuid}", "BLOB"),
            ("{text}", "TEXT"),
            ("{json}", "TEXT"),
            ("{bytes}", "BLOB"),
            ("{long}", "INTEGER"),
            ("{generated}", "VIRTUAL"),
            ("{strict}", " STRICT"),
        ]
        .as_slice()
    } else {
        [
            ("{uuid}", "uuid"),
            ("{text}", r#"text COLLATE "C""#),
            ("{json}", "jsonb"),
            ("{bytes}", "bytea"),
            ("{long}", "bigint"),
            ("{generated}", "STORED"),
            ("{strict}", ""),
        ]
        .as_slice()
    };
    let text = words.iter().fold(text.to_owned(), |text, (placeholder, word)| text.replace(placeholder, word));
    spell_timestamps(&text, sqlite)
}

/// `{timestamp:column}` is a timestamp. In SQLite it is text, which sorts by time only where one time has one spelling: in
/// UTC, as an offset, and without zeros that say nothing at the end of the fraction. So are those that sqlx writes.
fn spell_timestamps(text: &str, sqlite: bool) -> String {
    let mut parts = text.split("{timestamp:");
    let mut spelled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (column, rest) = part.split_once('}').unwrap_or((part, ""));
        if sqlite {
            spelled.push_str("TEXT CHECK (");
            spelled.push_str(column);
            spelled.push_str(
                " GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]*+00:00' AND ",
            );
            spelled.push_str(column);
            spelled.push_str(" NOT GLOB '*.*000+00:00')");
        } else {
            spelled.push_str("timestamptz");
        }
        spelled.push_str(rest);
    }
    spelled
}
