//! Cells of rows: read by position, by the kind that the declaration names, and written as JSON.

use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use sea_orm::Value;
use uuid::Uuid;

use super::{id, json};
use crate::database::{DatabaseError, Row};

/// What a cell holds, and how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A UUID, written as a TypeID with this prefix.
    Id(&'static str),
    /// The UUID of a row of one of the types whose ids have these prefixes; another column tells which.
    AnyId(&'static [&'static str]),
    /// The UUID of another row.
    Key,
    /// Text.
    Text,
    /// A 32-bit integer.
    Int,
    /// A 64-bit integer, which JavaScript's numbers could not hold: it is part of cursors, and no leaf.
    Long,
    /// A 64-bit float.
    Float,
    /// A point in time, in UTC.
    Time,
    /// Snake-case text of a closed set, written as the enum value in capitals.
    Enum,
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// SQL `NULL`.
    Null,
    /// A key.
    Uuid(Uuid),
    /// Text, or the text of an enum value.
    Text(String),
    /// An integer.
    Int(i32),
    /// A longer integer.
    Long(i64),
    /// A float.
    Float(f64),
    /// A point in time.
    Time(DateTime<Utc>),
}

impl Kind {
    /// Reads the cell at `index` of a row.
    pub(crate) fn read(self, row: &Row, index: usize) -> Result<Cell, DatabaseError> {
        let cell = match self {
            Self::Id(_) | Self::AnyId(_) | Self::Key => row.uuid(index)?.map(Cell::Uuid),
            Self::Text | Self::Enum => row.text(index)?.map(|text| Cell::Text(text.to_owned())),
            Self::Int => row.int(index)?.map(Cell::Int),
            Self::Long => row.long(index)?.map(Cell::Long),
            Self::Float => row.float(index)?.map(Cell::Float),
            Self::Time => row.time(index)?.map(Cell::Time),
        };
        Ok(cell.unwrap_or(Cell::Null))
    }

    /// Writes the cell at `index` of a row as JSON, without a copy in between.
    pub(crate) fn write(self, row: &Row, index: usize, out: &mut Vec<u8>) -> Result<(), DatabaseError> {
        let written = match self {
            Self::Id(prefix) => row.uuid(index)?.map(|uuid| {
                out.push(b'"');
                id::write(prefix, uuid, out);
                out.push(b'"');
            }),
            Self::AnyId(_) | Self::Key => row.uuid(index)?.map(|uuid| write_json(&uuid, out)),
            Self::Text => row.utf8(index)?.map(|text| json::push_text(text, out)),
            Self::Enum => row.utf8(index)?.map(|text| {
                out.push(b'"');
                out.extend(text.iter().map(u8::to_ascii_uppercase));
                out.push(b'"');
            }),
            Self::Int => row.int(index)?.map(|number| write_json(&number, out)),
            Self::Long => row.long(index)?.map(|number| write_json(&number, out)),
            Self::Float => row.float(index)?.map(|number| write_json(&number, out)),
            Self::Time => json::write_time(row, index, out)?,
        };
        if written.is_none() {
            out.extend_from_slice(b"null");
        }
        Ok(())
    }

    /// Reads a cell from a cursor's JSON; nothing where the value is not of this kind, or no database could hold it.
    pub(crate) fn parse(self, json: &serde_json::Value) -> Option<Cell> {
        use serde_json::Value as Json;
        match (self, json) {
            (_, Json::Null) => Some(Cell::Null),
            (Self::Id(_) | Self::AnyId(_) | Self::Key, Json::String(text)) => {
                Uuid::parse_str(text).ok().map(Cell::Uuid)
            }
            // PostgreSQL's text cannot hold the NUL character.
            (Self::Text | Self::Enum, Json::String(text)) if !text.contains('\0') => Some(Cell::Text(text.clone())),
            (Self::Int, Json::Number(number)) => {
                number.as_i64().and_then(|number| i32::try_from(number).ok()).map(Cell::Int)
            }
            (Self::Long, Json::Number(number)) => number.as_i64().map(Cell::Long),
            (Self::Float, Json::Number(number)) => number.as_f64().map(Cell::Float),
            (Self::Time, Json::String(text)) => DateTime::parse_from_rfc3339(text)
                .ok()
                .map(|time| time.with_timezone(&Utc))
                .filter(|time| (1..=9999).contains(&time.year()))
                .map(Cell::Time),
            _ => None,
        }
    }
}

impl Cell {
    /// The cell as a statement's parameter; nothing for `NULL`, which is compared in another way.
    pub(crate) fn to_parameter(&self) -> Option<Value> {
        Some(match self {
            Self::Null => return None,
            Self::Uuid(uuid) => (*uuid).into(),
            Self::Text(text) => text.clone().into(),
            Self::Int(number) => (*number).into(),
            Self::Long(number) => (*number).into(),
            Self::Float(number) => (*number).into(),
            Self::Time(time) => (*time).into(),
        })
    }

    /// The cell as a part of a cursor.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Uuid(uuid) => uuid.to_string().into(),
            Self::Text(text) => text.as_str().into(),
            Self::Int(number) => (*number).into(),
            Self::Long(number) => (*number).into(),
            Self::Float(number) => (*number).into(),
            Self::Time(time) => time.to_rfc3339_opts(SecondsFormat::AutoSi, true).into(),
        }
    }
}

/// Appends a value as JSON. Writing to memory a value whose keys are strings cannot fail.
pub(crate) fn write_json<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    let written = serde_json::to_writer(&mut *out, value);
    debug_assert!(written.is_ok(), "JSON is written to memory");
}
