//! What files say of deployments, brought to the rows that are there.

use chrono::{DateTime, Utc};
use entity::deployment::{Entity, Model};
use sea_orm::Value;
use uuid::Uuid;

use super::rules::{DeployedAt, DeploymentValues};
use crate::database::DatabaseError;
use crate::database::row_set::CellType;
use crate::events::Aggregate as _;
use crate::write_transaction::Session;
use crate::write_transaction::upsert::{self, Draft, Owner, Upserted};

/// A deployment to be made or brought up to date, known by its feature, environment, version and time.
#[derive(Clone, Debug)]
pub struct DeploymentDraft {
    /// The feature.
    pub feature: Owner,
    /// What the deployment says of itself.
    pub values: DeploymentValues,
}

/// Makes the deployments that are not there and brings the status of the others up to date. No constraint keeps two
/// equal ones apart, since the same version may be brought to the same environment again; of two equal rows the older is
/// taken.
///
/// # Errors
/// When the database does not answer.
pub async fn upsert(session: &mut Session<'_>, drafts: &[DeploymentDraft]) -> Result<Vec<Upserted>, DatabaseError> {
    upsert::upsert(session, drafts, "update").await
}

impl Draft for DeploymentDraft {
    type Table = Entity;
    type Key<'a> = (Uuid, &'a str, &'a str, Option<DateTime<Utc>>);

    /// The feature alone: a time may be missing, and nothing equals a missing time.
    const LOOKUP: &'static [(&'static str, CellType)] = &[("feature_id", CellType::Id)];

    fn lookup_values(&self) -> Vec<Value> {
        vec![self.feature.id.into()]
    }

    fn may_exist(&self) -> bool {
        !self.feature.is_new
    }

    fn key(&self) -> Self::Key<'_> {
        let values = &self.values;
        let deployed_at = values.deployed_at.map(DeployedAt::get);
        (self.feature.id, values.environment.as_str(), values.version.as_str(), deployed_at)
    }

    fn key_of(row: &Model) -> Self::Key<'_> {
        (row.feature_id, &row.environment, &row.version, row.deployed_at)
    }

    fn new_row(&self) -> Model {
        self.values.put_into(&Model { feature_id: self.feature.id, ..Entity::blank() })
    }

    fn changed(&self, row: &Model) -> Model {
        self.values.put_into(row)
    }
}
