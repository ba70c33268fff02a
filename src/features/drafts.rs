//! What files say of features, brought to the rows that are there.

use entity::feature::{Entity, Model};
use sea_orm::Value;
use uuid::Uuid;

use super::rules::FeatureValues;
use crate::database::DatabaseError;
use crate::database::row_set::CellType;
use crate::events::Aggregate as _;
use crate::write_transaction::Session;
use crate::write_transaction::upsert::{self, Draft, Owner, Upserted};

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
/// date as well and stays deleted ([`upsert::Upsert::UpdatedHidden`]): an import is no undo.
///
/// # Errors
/// When the database does not answer.
pub async fn upsert(session: &mut Session<'_>, drafts: &[FeatureDraft]) -> Result<Vec<Upserted>, DatabaseError> {
    upsert::upsert(session, drafts, "update").await
}

impl Draft for FeatureDraft {
    type Table = Entity;
    type Key<'a> = (Uuid, &'a str);

    const LOOKUP: &'static [(&'static str, CellType)] = &[("project_id", CellType::Id), ("name", CellType::Text)];

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

    fn new_row(&self) -> Model {
        self.values.put_into(&Model { project_id: self.project.id, ..Entity::blank() })
    }

    fn changed(&self, row: &Model) -> Model {
        match self.existing {
            Existing::Update => self.values.put_into(row),
            Existing::Leave => row.clone(),
        }
    }
}
