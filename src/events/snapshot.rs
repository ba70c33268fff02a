//! The state of an aggregate after one of its events, kept so that nobody must read its stream from the beginning.

use chrono::{DateTime, Utc};
use sea_orm::ModelTrait as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::aggregate::{Aggregate, ApplyError, Stamp, values};
use super::field::FieldError;

/// A state, as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    values: Map<String, Json>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    deleted_at: Option<DateTime<Utc>>,
}

impl Snapshot {
    /// The state of a row.
    #[must_use]
    pub fn of<A: Aggregate>(row: &A::Model) -> Self {
        let Stamp { created_at, updated_at, deleted_at, .. } = A::stamp(row);
        Self { values: values::<A>(row), created_at, updated_at, deleted_at }
    }

    /// The text that is stored.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The row that had this state in this version.
    ///
    /// # Errors
    /// When a field holds what it cannot.
    pub fn into_row<A: Aggregate>(self, id: Uuid, version: i32) -> Result<A::Model, ApplyError> {
        let Self { values, created_at, updated_at, deleted_at } = self;
        let mut row = A::blank();
        A::set_stamp(&mut row, Stamp { id, version, created_at, updated_at, deleted_at });
        for field in A::fields() {
            let value = field.from_json(values.get(field.name).unwrap_or(&Json::Null))?;
            row.try_set(field.column, value).map_err(|_| FieldError::of_other_type(field.name))?;
        }
        Ok(row)
    }
}
