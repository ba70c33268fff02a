//! Makes all rows anew from events alone, beside those that are there, and compares the two row for row.
//!
//! **Invariant:** what is there is left alone unless it is to be swapped; then all of it is put in place in one transaction,
//! or nothing is.

use entity::{event, feature_view};
use sea_orm::{DbBackend, EntityName as _, IdenStatic as _, Iterable as _};
use uuid::Uuid;

use super::any_row::{AnyRow, Table, describe};
use super::walk::{Walk, Walked};
use crate::database::{Database, DatabaseError};
use crate::read_model;
use crate::write_transaction::{Inspection, Others};

/// What was replayed, and how it compares with what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// How many events were replayed.
    pub events: u64,
    /// For each table.
    pub tables: Vec<Comparison>,
    /// Whether what was made is in place now.
    pub is_swapped: bool,
}

/// How a table compares with what its events make of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The table.
    pub table: &'static str,
    /// The rows that the events make.
    pub rows: u64,
    /// Rows that are there, but that the events do not make.
    pub unexplained: Found,
    /// Rows that the events make, but that are not there.
    pub missing: Found,
}

/// How many rows, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// How many there are.
    pub count: u64,
    /// What the first of them are called.
    pub first: Vec<String>,
}

/// Why events could not be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// An event does not fit those before it.
    #[error("event {version} of {aggregate} (position {position}) cannot be replayed: {reason}")]
    Misfit {
        /// Whose event it is.
        aggregate: String,
        /// Its version.
        version: i32,
        /// Its place among all events.
        position: i64,
        /// Why it does not fit.
        reason: String,
    },
}

/// What the tables are called that are made anew: `replay_features`.
const BESIDE: &str = "replay_";
/// How many rows of a difference are named.
const MOST_NAMED: usize = 5;

impl Replayed {
    /// Whether what is there is what the events make.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.tables.iter().all(|table| table.unexplained.count == 0 && table.missing.count == 0)
    }
}

/// Replays all events. With `swap`, what they make is put in place of what is there, and nobody else can write meanwhile.
/// `progress` is told after each page of events.
///
/// # Errors
/// When the database does not answer, or an event does not fit; nothing was changed then.
pub async fn replay(database: &Database, swap: bool, progress: impl Fn(Walked)) -> Result<Replayed, ReplayError> {
    let others = if swap { Others::MustWait } else { Others::MayWrite };
    let inspection = Inspection::begin(database, others).await?;
    let tables = tables();
    make_tables(&inspection, &tables).await?;
    let events = fill(&inspection, progress).await?;
    let mut compared = Vec::with_capacity(tables.len());
    for table in &tables {
        compared.push(compare(&inspection, table).await?);
    }
    if swap {
        put_in_place(&inspection, &tables).await?;
    }
    for table in tables.iter().rev() {
        inspection.execute(format!("DROP TABLE {BESIDE}{}", table.name)).await?;
    }
    if swap {
        inspection.commit().await?;
    } else {
        inspection.roll_back().await?;
    }
    Ok(Replayed { events, tables: compared, is_swapped: swap })
}

/// The tables that are made anew; parents come before children.
fn tables() -> Vec<Table> {
    let mut tables = AnyRow::tables();
    let columns = feature_view::Column::iter().map(|column| column.as_str()).collect();
    tables.push(Table { kind: "feature", name: feature_view::Entity.table_name(), columns });
    tables
}

/// Makes the tables as those are that stand; they are this connection's own, and go with it.
async fn make_tables(inspection: &Inspection, tables: &[Table]) -> Result<(), DatabaseError> {
    if inspection.backend() == DbBackend::Postgres {
        for Table { name, .. } in tables {
            // What triggers fill in the real table is not filled here, so that a constraint could not hold.
            let like = format!("LIKE {name} INCLUDING ALL EXCLUDING CONSTRAINTS");
            inspection.execute(format!("CREATE TEMP TABLE {BESIDE}{name} ({like})")).await?;
        }
        return Ok(());
    }
    // A child may come before its parent.
    inspection.execute("PRAGMA defer_foreign_keys = ON").await?;
    for Table { name, .. } in tables {
        let rows = inspection.query(|parameters| {
            format!("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = {}", parameters.add(*name))
        });
        let text: Option<String> = rows.await?.first().map(|row| row.try_get_by_index(0)).transpose()?;
        let text = text.unwrap_or_default();
        let body = text.find('(').map_or("", |start| &text[start..]);
        let body = tables.iter().fold(body.to_owned(), |body, other| {
            body.replace(&format!("REFERENCES {}", other.name), &format!("REFERENCES {BESIDE}{}", other.name))
        });
        inspection.execute(format!("CREATE TEMP TABLE {BESIDE}{name} {body}")).await?;
    }
    // By these the read model counts.
    inspection.execute(format!("CREATE INDEX {BESIDE}of_feature ON {BESIDE}tests (feature_id)")).await?;
    inspection
        .execute(format!("CREATE INDEX {BESIDE}latest ON {BESIDE}deployments (feature_id, deployed_order, id)"))
        .await
}

/// Replays the events, one stream after the other, and counts what features show of their children.
async fn fill(inspection: &Inspection, progress: impl Fn(Walked)) -> Result<u64, ReplayError> {
    let mut walk = Walk::begin(inspection).await?;
    let mut open: Option<(Uuid, Option<AnyRow>)> = None;
    loop {
        let page = walk.next_page().await?;
        let (is_last, mut made) = (page.is_empty(), Vec::new());
        for event in &page {
            if let Some((_, row)) = open.take_if(|(id, _)| *id != event.aggregate_id) {
                made.extend(row);
            }
            let (_, row) = open.get_or_insert((event.aggregate_id, None));
            *row = AnyRow::apply(row.as_ref(), event).map_err(|error| misfit(event, &error))?;
        }
        if is_last {
            made.extend(open.take().and_then(|(_, row)| row));
        }
        for (table, rows) in AnyRow::sets(&made) {
            inspection.insert(&format!("{BESIDE}{table}"), rows).await?;
        }
        progress(walk.walked);
        if is_last {
            break;
        }
    }
    if inspection.backend() == DbBackend::Postgres {
        for table in tables() {
            inspection.execute(format!("ANALYZE {BESIDE}{}", table.name)).await?;
        }
    }
    inspection.execute(read_model::count_all(BESIDE)).await?;
    Ok(walk.walked.events)
}

fn misfit(event: &event::Model, reason: &super::ApplyError) -> ReplayError {
    let aggregate = describe(&event.aggregate_type, event.aggregate_id);
    ReplayError::Misfit { aggregate, version: event.version, position: event.position, reason: reason.to_string() }
}

/// What is in one of the two and not in the other.
async fn compare(inspection: &Inspection, table: &Table) -> Result<Comparison, DatabaseError> {
    let Table { name, .. } = table;
    let rows = inspection.query(|_| format!("SELECT count(*) FROM {BESIDE}{name}")).await?;
    let rows: i64 = rows.first().map_or(Ok(0), |row| row.try_get_by_index(0))?;
    let beside = format!("{BESIDE}{name}");
    Ok(Comparison {
        table: name,
        rows: u64::try_from(rows).unwrap_or_default(),
        unexplained: only_in(inspection, table, name, &beside).await?,
        missing: only_in(inspection, table, &beside, name).await?,
    })
}

async fn only_in(inspection: &Inspection, table: &Table, one: &str, other: &str) -> Result<Found, DatabaseError> {
    let columns = table.columns.join(", ");
    let only = format!("(SELECT {columns} FROM {one} EXCEPT SELECT {columns} FROM {other}) AS only_there");
    let rows = inspection.query(|_| format!("SELECT count(*) FROM {only}")).await?;
    let count: i64 = rows.first().map_or(Ok(0), |row| row.try_get_by_index(0))?;
    if count == 0 {
        return Ok(Found::default());
    }
    let rows = inspection.query(|_| format!("SELECT id FROM {only} ORDER BY id LIMIT {MOST_NAMED}")).await?;
    let first = rows.iter().map(|row| Ok(describe(table.kind, row.try_get_by_index(0)?)));
    Ok(Found { count: u64::try_from(count).unwrap_or_default(), first: first.collect::<Result<_, DatabaseError>>()? })
}

/// Puts what was made in the place of what is there.
async fn put_in_place(inspection: &Inspection, tables: &[Table]) -> Result<(), DatabaseError> {
    for table in tables.iter().rev() {
        inspection.execute(format!("DELETE FROM {}", table.name)).await?;
    }
    for Table { name, columns, .. } in tables {
        let columns = columns.join(", ");
        inspection.execute(format!("INSERT INTO {name} ({columns}) SELECT {columns} FROM {BESIDE}{name}")).await?;
    }
    Ok(())
}
