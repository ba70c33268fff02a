//! Every statement that changes the table `features`.

use chrono::{DateTime, Utc};
use entity::feature::{Column, Entity, Model};
use sea_orm::{DatabaseTransaction, Value};
use uuid::Uuid;

use super::rules::FeatureValues;
use crate::database::DatabaseError;
use crate::database::bulk::{self, Draft, Owner, Upserted};

/// A feature to be made or brought up to date, known by its project and name.
#[derive(Clone, Debug)]
pub struct FeatureDraft {
    /// The project.
    pub project: Owner,
    /// What the feature says of itself.
    pub values: FeatureValues,
    /// What to do with a feature that is there.
    pub existing: Existing,
}

/// What to do with a row that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Make it say what the draft says.
    Update,
    /// Leave it as it is.
    Leave,
}

/// Makes the features that are not there and brings the others up to date. A feature that was deleted is brought up to
/// date as well and stays deleted ([`bulk::Outcome::UpdatedDeleted`]): an import is no undo. The read model is not
/// touched: see [`crate::read_model`].
///
/// # Errors
/// When a statement fails; the transaction must be rolled back then.
pub async fn upsert(
    connection: &DatabaseTransaction,
    drafts: &[FeatureDraft],
    now: DateTime<Utc>,
) -> Result<Vec<Upserted>, DatabaseError> {
    bulk::upsert(connection, drafts, now).await
}

impl Draft for FeatureDraft {
    type Entity = Entity;
    type Key<'a> = (Uuid, &'a str);

    fn lookup_columns() -> Vec<Column> {
        vec![Column::ProjectId, Column::Name]
    }

    fn lookup_values(&self) -> Vec<Value> {
        vec![self.project.id.into(), self.values.name.as_str().into()]
    }

    fn may_exist(&self) -> bool {
        !self.project.is_new
    }

    fn key(&self) -> (Uuid, &str) {
        (self.project.id, self.values.name.as_str())
    }

    fn key_of(row: &Model) -> (Uuid, &str) {
        (row.project_id, &row.name)
    }

    fn id_of(row: &Model) -> Uuid {
        row.id
    }

    fn is_deleted(row: &Model) -> bool {
        row.deleted_at.is_some()
    }

    fn changing_columns() -> Vec<Column> {
        vec![Column::Description, Column::Priority, Column::Status]
    }

    fn new_row(&self, id: Uuid, now: DateTime<Utc>) -> Model {
        Model {
            id,
            project_id: self.project.id,
            name: self.values.name.as_str().to_owned(),
            description: self.values.description.as_ref().map(|text| text.as_str().to_owned()),
            priority: self.values.priority.get(),
            status: self.values.status,
            deleted_at: None,
            row_version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    fn changed(&self, row: &Model) -> Option<Model> {
        let values = &self.values;
        let same = row.description.as_deref() == values.description.as_ref().map(AsRef::as_ref)
            && row.priority == values.priority.get()
            && row.status == values.status;
        (self.existing == Existing::Update && !same).then(|| Model {
            deleted_at: row.deleted_at,
            created_at: row.created_at,
            row_version: row.row_version,
            ..self.new_row(row.id, row.updated_at)
        })
    }
}
