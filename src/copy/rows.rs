//! All rows of a table, a page at a time, whatever its columns are.

use chrono::{DateTime, Utc};
use sea_orm::{DbBackend, DbErr, QueryResult, Value};
use uuid::Uuid;

use super::columns::Table;
use crate::database::DatabaseError;
use crate::database::row_set::{CellType, RowSet};
use crate::write_transaction::Inspection;

/// The rows of a table that are still to be read.
pub(super) struct Rows<'t> {
    table: &'t Table,
    from: From,
}

/// Where the next page begins.
enum From {
    /// After this row of an SQLite file.
    Row(i64),
    /// Where PostgreSQL's cursor of this name is.
    Cursor(String),
}

/// Few enough that their text is held at once, many enough that the statements cost nothing beside them.
const PAGE: usize = 1000;

impl<'t> Rows<'t> {
    /// Begins with a table, which is the `number`-th: a cursor's name is not used twice, since its `FETCH` stays prepared.
    pub(super) async fn begin(reading: &Inspection, table: &'t Table, number: usize) -> Result<Self, DatabaseError> {
        if reading.backend() == DbBackend::Sqlite {
            return Ok(Self { table, from: From::Row(i64::MIN) });
        }
        let cursor = format!("copied_{number}");
        let columns = names(table);
        reading.execute(format!("DECLARE {cursor} NO SCROLL CURSOR FOR SELECT {columns} FROM {}", table.name)).await?;
        Ok(Self { table, from: From::Cursor(cursor) })
    }

    /// The next rows; none at the end.
    pub(super) async fn next_page(&mut self, reading: &Inspection) -> Result<Option<RowSet>, DatabaseError> {
        let (columns, table) = (names(self.table), &self.table.name);
        let rows = reading.query(|parameters| match &self.from {
            From::Row(after) => format!(
                "SELECT {columns}, rowid FROM {table} WHERE rowid > {} ORDER BY rowid LIMIT {PAGE}",
                parameters.add(*after)
            ),
            From::Cursor(cursor) => format!("FETCH {PAGE} FROM {cursor}"),
        });
        let rows = rows.await?;
        let Some(last) = rows.last() else { return Ok(None) };
        if let From::Row(after) = &mut self.from {
            *after = last.try_get_by_index(self.table.columns.len())?;
        }
        let mut page = RowSet::new(self.table.columns.clone());
        for row in &rows {
            let cells = self.table.columns.iter().enumerate();
            let cells: Result<Vec<Value>, DbErr> = cells.map(|(place, (_, cell))| value(row, place, *cell)).collect();
            page.push(cells?);
        }
        Ok(Some(page))
    }
}

fn names(table: &Table) -> String {
    table.columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
}

fn value(row: &QueryResult, place: usize, cell: CellType) -> Result<Value, DbErr> {
    Ok(match cell {
        CellType::Id => row.try_get_by_index::<Option<Uuid>>(place)?.into(),
        CellType::Text => row.try_get_by_index::<Option<String>>(place)?.into(),
        CellType::Integer => row.try_get_by_index::<Option<i32>>(place)?.into(),
        CellType::Long => row.try_get_by_index::<Option<i64>>(place)?.into(),
        CellType::Time => row.try_get_by_index::<Option<DateTime<Utc>>>(place)?.into(),
        CellType::Bytes => row.try_get_by_index::<Option<Vec<u8>>>(place)?.into(),
        CellType::Json => row.try_get_by_index::<Option<serde_json::Value>>(place)?.into(),
    })
}
