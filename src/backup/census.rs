//! What is in a database: its migrations, its last events, and how many rows each table has.
//!
//! **Invariant:** every table is counted that there is, whether this program knows it or not; but for those that the database derives
//! from others by itself, of which each database has its own.

use std::collections::BTreeMap;

use sea_orm::DbBackend;

use crate::database::DatabaseError;
use crate::events::Position;
use crate::write_transaction::Inspection;

/// What is in a database as of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Census {
    /// The names of the migrations that have run, in order.
    pub migrations: Vec<String>,
    /// The last position that can be followed.
    pub settled: Option<Position>,
    /// The last position that there is.
    pub last_event: Option<Position>,
    /// How many rows each table has.
    pub rows: BTreeMap<String, u64>,
}

/// The migrator's own table.
pub(crate) const MIGRATIONS: &str = "seaql_migrations";

impl Census {
    /// Takes it within a transaction.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn take(inspection: &Inspection) -> Result<Self, DatabaseError> {
        let tables = tables(inspection).await?;
        let has = |table: &str| tables.iter().any(|known| known == table);
        let mut census = Self { migrations: Vec::new(), settled: None, last_event: None, rows: BTreeMap::new() };
        if has_table(inspection, MIGRATIONS).await? {
            let rows = inspection.query(|_| format!("SELECT version FROM {MIGRATIONS} ORDER BY version")).await?;
            census.migrations = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?;
        }
        if has("events") {
            census.last_event = last_position(inspection, "events").await?;
        }
        if has_table(inspection, "settled_events").await? {
            census.settled = last_position(inspection, "settled_events").await?;
        }
        for table in tables {
            let rows = inspection.query(|_| format!("SELECT count(*) FROM {}", quote(&table))).await?;
            let count: i64 = rows.first().map_or(Ok(0), |row| row.try_get_by_index(0))?;
            census.rows.insert(table, u64::try_from(count).unwrap_or_default());
        }
        Ok(census)
    }
}

/// A name within a statement.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The tables of the record: all that there are, but for the migrator's and those that each database keeps for itself, which are SQLite's
/// own words and numbers, and PostgreSQL's words.
pub(crate) async fn tables(inspection: &Inspection) -> Result<Vec<String>, DatabaseError> {
    let sql = match inspection.backend() {
        // `shadow` tables are those of FTS5.
        DbBackend::Sqlite => format!(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
             AND name NOT IN ('{MIGRATIONS}', 'event_epoch', 'features_text_rows', 'projects_text_rows') ORDER BY name"
        ),
        _ => format!(
            "SELECT tablename::text COLLATE \"C\" FROM pg_tables WHERE schemaname = 'public' \
             AND tablename NOT IN ('{MIGRATIONS}', 'features_words', 'projects_words') ORDER BY 1"
        ),
    };
    let rows = inspection.query(|_| sql).await?;
    Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
}

/// Whether there is a table or view of this name.
pub(super) async fn has_table(inspection: &Inspection, name: &str) -> Result<bool, DatabaseError> {
    let rows = inspection.query(|parameters| match inspection.backend() {
        DbBackend::Sqlite => format!("SELECT 1 FROM sqlite_schema WHERE name = {}", parameters.add(name)),
        _ => format!("SELECT 1 WHERE to_regclass('public.' || {}) IS NOT NULL", parameters.add(name)),
    });
    Ok(!rows.await?.is_empty())
}

async fn last_position(inspection: &Inspection, table: &str) -> Result<Option<Position>, DatabaseError> {
    let rows = inspection.query(|_| {
        format!("SELECT transaction_id, position FROM {table} ORDER BY transaction_id DESC, position DESC LIMIT 1")
    });
    let rows = rows.await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Position { transaction_id: row.try_get_by_index(0)?, position: row.try_get_by_index(1)? }))
}
