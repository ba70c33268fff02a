//! The rows of one statement on an SQLite file: all cells in one list, all text and bytes in one buffer.
//!
//! **Invariant:** a cell's text lies within the buffer. Whether it is UTF-8 is asked when it is read, since SQLite does not
//! promise it.

use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, Utc};
use rusqlite::types::ValueRef;
use uuid::Uuid;

use super::Row;

/// Rows while they are copied.
pub(in crate::database) struct Copied {
    rows: Rows,
    width: usize,
}

struct Rows {
    cells: Vec<Cell>,
    bytes: Vec<u8>,
}

enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(Range<u32>),
    Blob(Range<u32>),
}

/// One row.
pub struct CopiedRow {
    rows: Arc<Rows>,
    /// The place of its first cell.
    first: usize,
    width: usize,
}

/// What is no value of the kind that was asked for.
pub(super) type Mismatch = Box<dyn std::error::Error + Send + Sync>;

/// A value that a cell is read as.
pub(super) trait FromCell<'r>: Sized {
    fn from_cell(value: ValueRef<'r>) -> Result<Self, Mismatch>;
}

impl Copied {
    pub(in crate::database) fn new(width: usize) -> Self {
        Self { rows: Rows { cells: Vec::with_capacity(width), bytes: Vec::new() }, width }
    }

    /// How many cells a row has.
    pub(in crate::database) fn width(&self) -> usize {
        self.width
    }

    /// Copies the next cell.
    ///
    /// # Errors
    /// Where the rows are longer than 4 GiB.
    pub(in crate::database) fn push(&mut self, value: ValueRef<'_>) -> Result<(), rusqlite::Error> {
        let cell = match value {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(number) => Cell::Integer(number),
            ValueRef::Real(number) => Cell::Real(number),
            ValueRef::Text(text) => Cell::Text(self.rows.append(text)?),
            ValueRef::Blob(bytes) => Cell::Blob(self.rows.append(bytes)?),
        };
        self.rows.cells.push(cell);
        Ok(())
    }

    pub(in crate::database) fn into_rows(self) -> Vec<Row> {
        let Self { rows, width } = self;
        let count = rows.cells.len() / width.max(1);
        let rows = Arc::new(rows);
        let row = |place| Row::Copied(CopiedRow { rows: Arc::clone(&rows), first: place * width, width });
        (0..count).map(row).collect()
    }
}

impl Rows {
    fn append(&mut self, bytes: &[u8]) -> Result<Range<u32>, rusqlite::Error> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        let place =
            |place: usize| u32::try_from(place).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()));
        Ok(place(start)?..place(self.bytes.len())?)
    }

    fn at(&self, range: &Range<u32>) -> &[u8] {
        // On a machine whose places are of 16 bits no such row was made.
        let place = |place: u32| usize::try_from(place).unwrap_or(usize::MAX);
        self.bytes.get(place(range.start)..place(range.end)).unwrap_or_default()
    }
}

impl CopiedRow {
    fn value(&self, index: usize) -> Option<ValueRef<'_>> {
        let cell = if index < self.width { self.rows.cells.get(self.first + index)? } else { return None };
        Some(match cell {
            Cell::Null => ValueRef::Null,
            Cell::Integer(number) => ValueRef::Integer(*number),
            Cell::Real(number) => ValueRef::Real(*number),
            Cell::Text(range) => ValueRef::Text(self.rows.at(range)),
            Cell::Blob(range) => ValueRef::Blob(self.rows.at(range)),
        })
    }

    pub(super) fn get<'r, T: FromCell<'r>>(&'r self, index: usize) -> Result<Option<T>, Mismatch> {
        match self.value(index) {
            None => Err("there is no such cell".into()),
            Some(ValueRef::Null) => Ok(None),
            Some(value) => T::from_cell(value).map(Some),
        }
    }

    pub(super) fn is_null(&self, index: usize) -> bool {
        matches!(self.value(index), None | Some(ValueRef::Null))
    }
}

impl<'r> FromCell<'r> for &'r str {
    fn from_cell(value: ValueRef<'r>) -> Result<Self, Mismatch> {
        Ok(std::str::from_utf8(text(value)?)?)
    }
}

impl FromCell<'_> for Uuid {
    fn from_cell(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        match value {
            ValueRef::Blob(bytes) => Ok(Self::from_slice(bytes)?),
            other => mismatch("key", other),
        }
    }
}

impl FromCell<'_> for i64 {
    fn from_cell(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        match value {
            ValueRef::Integer(number) => Ok(number),
            other => mismatch("integer", other),
        }
    }
}

impl FromCell<'_> for f64 {
    #[expect(clippy::cast_precision_loss, reason = "SQLite keeps a float as an integer only where it is the same")]
    fn from_cell(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        match value {
            ValueRef::Real(number) => Ok(number),
            ValueRef::Integer(number) => Ok(number as Self),
            other => mismatch("float", other),
        }
    }
}

impl FromCell<'_> for bool {
    fn from_cell(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        i64::from_cell(value).map(|number| number != 0)
    }
}

impl FromCell<'_> for DateTime<Utc> {
    /// As the tables keep times, or as SQLite's own functions write them, which is in UTC.
    fn from_cell(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        let text = std::str::from_utf8(text(value)?)?;
        match DateTime::parse_from_rfc3339(text) {
            Ok(time) => Ok(time.to_utc()),
            Err(error) => match NaiveDateTime::parse_from_str(text, "%F %T%.f") {
                Ok(time) => Ok(time.and_utc()),
                Err(_) => Err(error.into()),
            },
        }
    }
}

fn text(value: ValueRef<'_>) -> Result<&[u8], Mismatch> {
    match value {
        ValueRef::Text(text) => Ok(text),
        other => mismatch("text", other),
    }
}

fn mismatch<T>(wanted: &str, found: ValueRef<'_>) -> Result<T, Mismatch> {
    Err(format!("it is no {wanted} but {}", found.data_type()).into())
}
