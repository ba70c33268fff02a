//! The whole record from one database into another: from an SQLite file to PostgreSQL, and back.
//!
//! Everything goes along that cannot be made anew: ids, versions, events with their hashes and places, the history, the audit, who there
//! is and their tokens' hashes, data keys, webhooks and how far they are, idempotency keys. What each database derives for itself, such as
//! the words of a search, its triggers make again.
//!
//! **Invariants:** what is read is as of one moment, and others may write meanwhile; all of it is in the target, and its record is whole,
//! or nothing is. No table is named here: a table that comes later goes along, or the copy is refused; so is a column, but that one which
//! only SQLite generates is named in `columns`.

mod columns;
mod error;
mod rows;

use std::collections::BTreeMap;

use migration::CONTRACTIONS;
use sea_orm::{ConnectionTrait as _, DbBackend};

use self::columns::Table;
pub use self::error::CopyError;
use crate::backup::census::{Census, tables};
use crate::backup::{Webhooks, restored};
use crate::database::Database;
use crate::events::{Verified, verify_in};
use crate::write_transaction::{Inspection, Others};

/// What was copied.
#[derive(Debug)]
pub struct Copied {
    /// How many rows of each table.
    pub rows: BTreeMap<String, u64>,
    /// What was gone through of the record in the target.
    pub verified: Verified,
}

/// Copies the record. Both databases have the tables of this program, and those of the target are empty. `progress` is told of the rows.
///
/// # Errors
/// When they have not, or one of the databases fails, or what is there would not be what was read; the target is empty then.
pub async fn copy(
    source: &Database,
    target: &Database,
    webhooks: Webhooks,
    progress: impl Fn(u64, u64),
) -> Result<Copied, CopyError> {
    if source.backend() == target.backend() {
        return Err(CopyError::SameKind);
    }
    if source.pending_migrations().await? > 0 {
        return Err(CopyError::OtherMigrations);
    }
    let reading = Inspection::begin(source, Others::MayWrite).await?;
    let writing = Inspection::begin(target, Others::MustWait).await?;
    let census = Census::take(&reading).await?;
    check(&census, &Census::take(&writing).await?)?;
    let on_postgres = if reading.backend() == DbBackend::Postgres { &reading } else { &writing };
    let tables = columns::in_order(on_postgres, tables(&reading).await?).await?;
    let (mut done, total) = (0, census.rows.values().sum());
    for (number, table) in tables.iter().enumerate() {
        check_columns(&reading, &writing, table).await?;
        let mut rows = rows::Rows::begin(&reading, table, number).await?;
        while let Some(page) = rows.next_page(&reading).await? {
            done += page.len() as u64;
            writing.copy_in(&table.name, page).await?;
            progress(done, total);
        }
    }
    reading.roll_back().await?;
    if writing.backend() == DbBackend::Postgres {
        go_on_counting(&writing).await?;
    }
    restored::mark(&writing, webhooks).await?;
    let copied = confirm(&writing, census, webhooks).await?;
    writing.commit().await?;
    if target.backend() == DbBackend::Postgres {
        // Or the first queries would be planned as if the tables were empty.
        target.writer().execute_unprepared("ANALYZE").await?;
    }
    Ok(copied)
}

/// Both have the tables of this program, and the target has nothing in them.
fn check(read: &Census, there: &Census) -> Result<(), CopyError> {
    // What an upgrade holds takes something away that no row needs.
    let needed = |census: &Census| {
        census.migrations.iter().filter(|name| !CONTRACTIONS.contains(&name.as_str())).cloned().collect::<Vec<_>>()
    };
    if needed(read) != needed(there) {
        return Err(CopyError::OtherMigrations);
    }
    if let Some((table, rows)) = there.rows.iter().find(|(_, rows)| **rows > 0) {
        return Err(CopyError::NotEmpty { table: table.clone(), rows: *rows });
    }
    if !read.rows.keys().eq(there.rows.keys()) {
        return Err(CopyError::OtherTables("the tables of the two are not the same".to_owned()));
    }
    Ok(())
}

async fn check_columns(reading: &Inspection, writing: &Inspection, table: &Table) -> Result<(), CopyError> {
    for inspection in [reading, writing] {
        let mut there = columns::names(inspection, &table.name).await?;
        let mut known: Vec<_> = table.columns.iter().map(|(name, _)| name.clone()).collect();
        there.sort_unstable();
        known.sort_unstable();
        if there != known {
            return Err(CopyError::OtherTables(format!("the columns of {} are not the same", table.name)));
        }
    }
    Ok(())
}

/// PostgreSQL gives the next event the position after the last one. SQLite does so by itself.
async fn go_on_counting(writing: &Inspection) -> Result<(), CopyError> {
    let rows = writing.query(|_| "SELECT coalesce(max(position), 0) + 1 FROM events".to_owned()).await?;
    let next: i64 = rows.first().map_or(Ok(1), |row| row.try_get_by_index(0))?;
    Ok(writing.execute(format!("ALTER TABLE events ALTER COLUMN position RESTART WITH {next}")).await?)
}

/// What is in the target is what was read, and its record is whole.
async fn confirm(writing: &Inspection, read: Census, webhooks: Webhooks) -> Result<Copied, CopyError> {
    let there = Census::take(writing).await?;
    for (table, rows) in &read.rows {
        // The lease that nobody holds is the target's own.
        let is_own = table == "leases" && webhooks == Webhooks::Held;
        let found = there.rows.get(table).copied().unwrap_or_default();
        if found != *rows && !is_own {
            return Err(CopyError::NotWhole(format!("{table} has {found} rows of {rows}")));
        }
    }
    let verified = verify_in(writing, |_| {}).await?;
    match verified.fault {
        Some(fault) => Err(CopyError::NotWhole(fault.to_string())),
        None => Ok(Copied { rows: read.rows, verified }),
    }
}
