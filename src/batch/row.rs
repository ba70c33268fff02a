//! Cells of rows: read by position, by the kind that the declaration names, and written as JSON.

use chrono::{DateTime, Datelike, SecondsFormat, Timelike, Utc};
use sea_orm::Value;
use uuid::Uuid;

use super::id;
use crate::database::{DatabaseError, Row};

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

impl Kind {
    /// Reads the cell at `index` of a row.
    pub(crate) fn read(self, row: &Row, index: usize) -> Result<Cell, DatabaseError> {
        let cell = match self {
            Self::Id(_) | Self::Key => row.uuid(index)?.map(Cell::Uuid),
            Self::Text | Self::Enum => row.text(index)?.map(|text| Cell::Text(text.to_owned())),
            Self::Int => row.int(index)?.map(Cell::Int),
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
            Self::Key => row.uuid(index)?.map(|uuid| write_json(&uuid, out)),
            Self::Text => row.text(index)?.map(|text| write_json(text, out)),
            Self::Enum => row.text(index)?.map(|text| {
                out.push(b'"');
                out.extend(text.bytes().map(|byte| byte.to_ascii_uppercase()));
                out.push(b'"');
            }),
            Self::Int => row.int(index)?.map(|number| write_json(&number, out)),
            Self::Float => row.float(index)?.map(|number| write_json(&number, out)),
            Self::Time => write_time(row, index, out)?,
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
}

/// RFC 3339 in UTC, with as many digits of the fraction as say something, by threes. SQLite keeps times as just this text,
/// but for how it spells UTC.
fn write_time(row: &Row, index: usize, out: &mut Vec<u8>) -> Result<Option<()>, DatabaseError> {
    if let Row::Sqlite(_) = row
        && let Some(text) = row.text(index)?
        && let Some(local) = text.strip_suffix("+00:00")
    {
        out.push(b'"');
        out.extend_from_slice(local.as_bytes());
        out.extend_from_slice(b"Z\"");
        return Ok(Some(()));
    }
    Ok(row.time(index)?.map(|time| {
        out.push(b'"');
        push_time(time, out);
        out.push(b'"');
    }))
}

/// As [`DateTime::to_rfc3339_opts`] with [`SecondsFormat::AutoSi`], which goes through a formatter and takes several times as
/// long.
fn push_time(time: DateTime<Utc>, out: &mut Vec<u8>) {
    let Ok(year @ 0..=9999) = u32::try_from(time.year()) else {
        return out.extend_from_slice(time.to_rfc3339_opts(SecondsFormat::AutoSi, true).as_bytes());
    };
    push_digits(year, 4, out);
    for (mark, number) in
        [(b'-', time.month()), (b'-', time.day()), (b'T', time.hour()), (b':', time.minute()), (b':', time.second())]
    {
        out.push(mark);
        push_digits(number, 2, out);
    }
    let fraction = match time.nanosecond() {
        0 => None,
        nanos if nanos % 1_000_000 == 0 => Some((nanos / 1_000_000, 3)),
        nanos if nanos % 1_000 == 0 => Some((nanos / 1_000, 6)),
        nanos => Some((nanos, 9)),
    };
    if let Some((number, digits)) = fraction {
        out.push(b'.');
        push_digits(number, digits, out);
    }
    out.push(b'Z');
}

/// Appends a number with leading zeros.
fn push_digits(number: u32, digits: usize, out: &mut Vec<u8>) {
    let end = out.len() + digits;
    out.resize(end, b'0');
    let mut rest = number;
    for digit in out[end - digits..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

/// Appends a value as JSON. Writing to memory a value whose keys are strings cannot fail.
pub(crate) fn write_json<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    let written = serde_json::to_writer(&mut *out, value);
    debug_assert!(written.is_ok(), "JSON is written to memory");
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_time_is_written_as_chrono_writes_it(seconds in -62_135_596_800_i64..253_402_300_800, nanos in 0_u32..1_000_000_000, cut in 0_u32..4) {
            let nanos = nanos / 1000_u32.pow(cut) * 1000_u32.pow(cut);
            let time = DateTime::from_timestamp(seconds, nanos % 1_000_000_000).unwrap();
            let mut text = Vec::new();
            push_time(time, &mut text);
            assert_eq!(String::from_utf8(text).unwrap(), time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
        }
    }
}
