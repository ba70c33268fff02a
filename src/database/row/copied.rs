//! The rows of one statement, copied out of what a driver gives: all cells in one list, all text and bytes in one buffer.
//!
//! A driver's own rows are each some allocations, which a large answer has thousands of, and hold on to the buffers that they
//! came in.
//!
//! **Invariant:** a cell's text lies within the buffer. Whether it is UTF-8 is asked when it is read, since SQLite does not
//! promise it.

use std::ops::Range;
use std::sync::Arc;

use bytes::BytesMut;
use chrono::{DateTime, NaiveDateTime, Utc};
use rusqlite::types::ValueRef;
use sea_orm::Value;
use tokio_postgres::types::{FromSql, IsNull, ToSql as _, Type};
use uuid::Uuid;

use super::Row;
use crate::database::parameter::Parameter;

/// Rows while they are copied.
pub(in crate::database) struct Copied {
    rows: Rows,
    width: usize,
    /// Whether there was no room for all of them.
    is_too_large: bool,
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
    /// In PostgreSQL's binary format, of whatever type.
    Binary(Range<u32>),
}

/// One row.
pub struct CopiedRow {
    rows: Arc<Rows>,
    /// The place of its first cell.
    first: usize,
    width: usize,
}

/// The rows of a statement are longer than 4 GiB.
#[derive(Debug, thiserror::Error)]
#[error("the rows are too long")]
pub(in crate::database) struct TooLarge;

/// What is no value of the kind that was asked for.
pub(super) type Mismatch = Box<dyn std::error::Error + Send + Sync>;

/// A value that a cell of SQLite is read as.
pub(super) trait FromCell<'r>: Sized {
    fn from_cell(value: ValueRef<'r>) -> Result<Self, Mismatch>;
}

impl Copied {
    pub(in crate::database) fn new(width: usize) -> Self {
        let rows = Rows { cells: Vec::with_capacity(width), bytes: Vec::new() };
        Self { rows, width, is_too_large: false }
    }

    /// How many cells a row has.
    pub(in crate::database) fn width(&self) -> usize {
        self.width
    }

    /// Copies the next cell, which is SQLite's.
    pub(in crate::database) fn push(&mut self, value: ValueRef<'_>) {
        let cell = match value {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(number) => Cell::Integer(number),
            ValueRef::Real(number) => Cell::Real(number),
            ValueRef::Text(text) => Cell::Text(self.append(text)),
            ValueRef::Blob(bytes) => Cell::Blob(self.append(bytes)),
        };
        self.rows.cells.push(cell);
    }

    /// Copies the next cell, which is PostgreSQL's, in its binary format.
    pub(in crate::database) fn push_binary(&mut self, value: Option<&[u8]>) {
        let cell = value.map_or(Cell::Null, |bytes| Cell::Binary(self.append(bytes)));
        self.rows.cells.push(cell);
    }

    /// Copies the next cell, which is in neither: as PostgreSQL would give it. Nothing where it is JSON, or of no kind that a table has.
    pub(super) fn push_value(&mut self, value: &Value) -> Option<()> {
        let parameter = Parameter(value);
        let kind = parameter.kind();
        if matches!(kind, Type::JSONB | Type::UNKNOWN) {
            return None;
        }
        let mut bytes = BytesMut::new();
        match parameter.to_sql(&kind, &mut bytes).ok()? {
            IsNull::Yes => self.push_binary(None),
            IsNull::No => self.push_binary(Some(&bytes)),
        }
        Some(())
    }

    fn append(&mut self, bytes: &[u8]) -> Range<u32> {
        let start = self.rows.bytes.len();
        if let (Ok(first), Ok(end)) = (u32::try_from(start), u32::try_from(start + bytes.len())) {
            self.rows.bytes.extend_from_slice(bytes);
            first..end
        } else {
            self.is_too_large = true;
            0..0
        }
    }

    /// The rows, if they could be copied.
    pub(in crate::database) fn into_rows(self) -> Result<Vec<Row>, TooLarge> {
        let Self { rows, width, is_too_large } = self;
        if is_too_large {
            return Err(TooLarge);
        }
        let count = rows.cells.len() / width.max(1);
        let rows = Arc::new(rows);
        let row = |place| Row::Copied(CopiedRow { rows: Arc::clone(&rows), first: place * width, width });
        Ok((0..count).map(row).collect())
    }
}

impl Rows {
    fn at(&self, range: &Range<u32>) -> &[u8] {
        // On a machine whose places are of 16 bits no such row was made.
        let place = |place: u32| usize::try_from(place).unwrap_or(usize::MAX);
        self.bytes.get(place(range.start)..place(range.end)).unwrap_or_default()
    }
}

impl CopiedRow {
    fn cell(&self, index: usize) -> Option<&Cell> {
        if index < self.width { self.rows.cells.get(self.first + index) } else { None }
    }

    pub(super) fn get<'r, T: FromCell<'r> + FromSql<'r>>(&'r self, index: usize) -> Result<Option<T>, Mismatch> {
        let value = match self.cell(index).ok_or("there is no such cell")? {
            Cell::Null => return Ok(None),
            // The type was settled when the statement was written.
            Cell::Binary(range) => return T::from_sql(&Type::UNKNOWN, self.rows.at(range)).map(Some),
            Cell::Integer(number) => ValueRef::Integer(*number),
            Cell::Real(number) => ValueRef::Real(*number),
            Cell::Text(range) => ValueRef::Text(self.rows.at(range)),
            Cell::Blob(range) => ValueRef::Blob(self.rows.at(range)),
        };
        T::from_cell(value).map(Some)
    }

    /// The cell's bytes, if it is in PostgreSQL's binary format.
    pub(super) fn binary(&self, index: usize) -> Option<&[u8]> {
        match self.cell(index)? {
            Cell::Binary(range) => Some(self.rows.at(range)),
            _ => None,
        }
    }

    pub(super) fn is_null(&self, index: usize) -> bool {
        matches!(self.cell(index), None | Some(Cell::Null))
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
