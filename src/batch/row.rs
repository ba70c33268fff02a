//! Rows as they come from a statement: cells by position, decoded by the kind that the declaration names.

use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use sea_orm::sea_query::Value;
use sea_orm::{DbErr, QueryResult};
use uuid::Uuid;

use super::id;

/// What a cell holds, and how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A UUID, written as a TypeID with this prefix.
    Id(&'static str),
    /// The UUID of another row.
    Key,
    /// Text.
    Text,
    /// A 32-bit integer.
    Int,
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
    /// A float.
    Float(f64),
    /// A point in time.
    Time(DateTime<Utc>),
}

/// The cells of one row, in the order of the level's columns.
pub(super) type Row = Box<[Cell]>;

impl Kind {
    /// Reads the cell at `index` of a result row.
    pub(crate) fn read(self, row: &QueryResult, index: usize) -> Result<Cell, DbErr> {
        Ok(match self {
            Self::Id(_) | Self::Key => row.try_get_by_index::<Option<Uuid>>(index)?.map_or(Cell::Null, Cell::Uuid),
            Self::Text | Self::Enum => row.try_get_by_index::<Option<String>>(index)?.map_or(Cell::Null, Cell::Text),
            Self::Int => row.try_get_by_index::<Option<i32>>(index)?.map_or(Cell::Null, Cell::Int),
            Self::Float => row.try_get_by_index::<Option<f64>>(index)?.map_or(Cell::Null, Cell::Float),
            Self::Time => row.try_get_by_index::<Option<DateTime<Utc>>>(index)?.map_or(Cell::Null, Cell::Time),
        })
    }

    /// Writes a cell of this kind as JSON.
    pub(crate) fn write(self, cell: &Cell, out: &mut Vec<u8>) {
        match cell {
            Cell::Null => out.extend_from_slice(b"null"),
            Cell::Uuid(uuid) => {
                out.push(b'"');
                match self {
                    Self::Id(prefix) => id::write(prefix, *uuid, out),
                    _ => out.extend_from_slice(uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes()),
                }
                out.push(b'"');
            }
            Cell::Text(text) if self == Self::Enum => {
                out.push(b'"');
                out.extend(text.bytes().map(|byte| byte.to_ascii_uppercase()));
                out.push(b'"');
            }
            Cell::Text(text) => write_json(text.as_str(), out),
            Cell::Int(number) => write_json(number, out),
            Cell::Float(number) => write_json(number, out),
            Cell::Time(time) => {
                out.push(b'"');
                out.extend_from_slice(time.to_rfc3339_opts(SecondsFormat::AutoSi, true).as_bytes());
                out.push(b'"');
            }
        }
    }

    /// Reads a cell from a cursor's JSON; nothing where the value is not of this kind, or no database could hold it.
    pub(crate) fn parse(self, json: &serde_json::Value) -> Option<Cell> {
        use serde_json::Value as Json;
        match (self, json) {
            (_, Json::Null) => Some(Cell::Null),
            (Self::Id(_) | Self::Key, Json::String(text)) => Uuid::parse_str(text).ok().map(Cell::Uuid),
            // PostgreSQL's text cannot hold the NUL character.
            (Self::Text | Self::Enum, Json::String(text)) if !text.contains('\0') => Some(Cell::Text(text.clone())),
            (Self::Int, Json::Number(number)) => {
                number.as_i64().and_then(|number| i32::try_from(number).ok()).map(Cell::Int)
            }
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
            Self::Float(number) => (*number).into(),
            Self::Time(time) => time.to_rfc3339_opts(SecondsFormat::AutoSi, true).into(),
        }
    }

    /// The key in the cell, where there is one.
    pub(crate) fn as_uuid(&self) -> Option<Uuid> {
        match self {
            Self::Uuid(uuid) => Some(*uuid),
            _ => None,
        }
    }
}

/// Appends a value as JSON. Writing to memory a value whose keys are strings cannot fail.
pub(crate) fn write_json<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    let written = serde_json::to_writer(&mut *out, value);
    debug_assert!(written.is_ok(), "JSON is written to memory");
}
