//! The values of an aggregate's fields, as events and the audit write them: in the words of the API, so that whoever reads
//! them needs no table of ours.

use chrono::{DateTime, SecondsFormat, Utc};
use sea_orm::Value;
use serde_json::Value as Json;

use crate::batch::id;
use crate::encryption::token;

/// A field of an aggregate.
#[derive(Clone, Copy, Debug)]
pub struct Field<C> {
    /// The name that clients know.
    pub name: &'static str,
    /// Where the row has it.
    pub column: C,
    /// What it holds.
    pub kind: FieldKind,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Text.
    Text,
    /// A text that is stored encrypted: events hold the token.
    Secret,
    /// A word of a closed set, which the API writes in capitals.
    Word,
    /// An integer of 32 bits.
    Int,
    /// A point in time.
    Time,
    /// The id of another aggregate, of this kind.
    Id(&'static str),
}

/// A value that is not what the field holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event's field {field:?} {reason}")]
pub struct FieldError {
    field: String,
    reason: &'static str,
}

impl FieldError {
    pub(super) fn unknown(field: &str) -> Self {
        Self { field: field.to_owned(), reason: "is unknown" }
    }

    pub(super) fn of_other_type(field: &str) -> Self {
        Self { field: field.to_owned(), reason: "has a value of another type" }
    }
}

impl<C> Field<C> {
    /// The field `name`, which the row has in `column`.
    pub const fn new(name: &'static str, column: C, kind: FieldKind) -> Self {
        Self { name, column, kind }
    }

    /// The row's value as JSON.
    pub fn to_json(&self, value: &Value) -> Json {
        match (self.kind, value) {
            (FieldKind::Word, Value::String(Some(word))) => word.to_uppercase().into(),
            (FieldKind::Text, Value::String(Some(text))) => text.as_str().into(),
            (FieldKind::Secret, Value::String(Some(text))) => token::to_json(text),
            (FieldKind::Int, Value::Int(Some(number))) => (*number).into(),
            (FieldKind::Time, Value::ChronoDateTimeUtc(Some(time))) => {
                time.to_rfc3339_opts(SecondsFormat::AutoSi, true).into()
            }
            (FieldKind::Id(prefix), Value::Uuid(Some(key))) => id::format(prefix, *key).into(),
            _ => Json::Null,
        }
    }

    /// The row's value of what [`Field::to_json`] wrote.
    ///
    /// # Errors
    /// When it is of another type.
    pub fn from_json(&self, json: &Json) -> Result<Value, FieldError> {
        let wrong = || FieldError::of_other_type(self.name);
        Ok(match (self.kind, json) {
            (FieldKind::Text | FieldKind::Word | FieldKind::Secret, Json::Null) => Value::String(None),
            (FieldKind::Int, Json::Null) => Value::Int(None),
            (FieldKind::Time, Json::Null) => Value::ChronoDateTimeUtc(None),
            (FieldKind::Text, Json::String(text)) => text.as_str().into(),
            (FieldKind::Secret, json) => token::from_json(json).ok_or_else(wrong)?.into(),
            (FieldKind::Word, Json::String(word)) => word.to_lowercase().into(),
            (FieldKind::Int, Json::Number(number)) => {
                let number = number.as_i64().and_then(|number| i32::try_from(number).ok());
                number.ok_or_else(wrong)?.into()
            }
            (FieldKind::Time, Json::String(text)) => text.parse::<DateTime<Utc>>().map_err(|_| wrong())?.into(),
            (FieldKind::Id(prefix), Json::String(text)) => {
                id::parse(self.name, text, &[prefix]).map_err(|_| wrong())?.1.into()
            }
            _ => return Err(wrong()),
        })
    }
}
