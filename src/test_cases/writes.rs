//! Every statement that changes the table `tests`.

use chrono::{DateTime, Utc};
use entity::test_case::{Column, Entity, Model};
use sea_orm::{DatabaseTransaction, Value};
use uuid::Uuid;

use super::rules::{DurationMs, TestValues};
use crate::database::DatabaseError;
use crate::database::bulk::{self, Draft, Owner, Upserted};

/// A test case to be made or brought up to date, known by its feature and name.
#[derive(Clone, Debug)]
pub struct TestDraft {
    /// The feature.
    pub feature: Owner,
    /// What the test case and its latest run say.
    pub values: TestValues,
}

/// Makes the test cases that are not there and brings the others up to date. The latest run is replaced as a whole: a
/// duration or a message that the new run does not have goes. The read model is not touched: see [`crate::read_model`].
///
/// # Errors
/// When a statement fails; the transaction must be rolled back then.
pub async fn upsert(
    connection: &DatabaseTransaction,
    drafts: &[TestDraft],
    now: DateTime<Utc>,
) -> Result<Vec<Upserted>, DatabaseError> {
    bulk::upsert(connection, drafts, now).await
}

impl Draft for TestDraft {
    type Entity = Entity;
    type Key<'a> = (Uuid, &'a str);

    fn lookup_columns() -> Vec<Column> {
        vec![Column::FeatureId, Column::Name]
    }

    fn lookup_values(&self) -> Vec<Value> {
        vec![self.feature.id.into(), self.values.name.as_str().into()]
    }

    fn may_exist(&self) -> bool {
        !self.feature.is_new
    }

    fn key(&self) -> (Uuid, &str) {
        (self.feature.id, self.values.name.as_str())
    }

    fn key_of(row: &Model) -> (Uuid, &str) {
        (row.feature_id, &row.name)
    }

    fn id_of(row: &Model) -> Uuid {
        row.id
    }

    fn changing_columns() -> Vec<Column> {
        vec![Column::Status, Column::DurationMs, Column::Message]
    }

    fn new_row(&self, id: Uuid, now: DateTime<Utc>) -> Model {
        Model {
            id,
            feature_id: self.feature.id,
            name: self.values.name.as_str().to_owned(),
            status: self.values.status,
            duration_ms: self.values.duration_ms.map(DurationMs::get),
            message: self.values.message.as_ref().map(|text| text.as_str().to_owned()),
            row_version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    fn changed(&self, row: &Model) -> Option<Model> {
        let values = &self.values;
        let same = row.status == values.status
            && row.duration_ms == values.duration_ms.map(DurationMs::get)
            && row.message.as_deref() == values.message.as_ref().map(AsRef::as_ref);
        (!same).then(|| Model {
            created_at: row.created_at,
            row_version: row.row_version,
            ..self.new_row(row.id, row.updated_at)
        })
    }
}
