//! Every statement that changes the table `deployments`.

use chrono::{DateTime, Utc};
use entity::deployment::{Column, Entity, Model};
use sea_orm::{DatabaseTransaction, Value};
use uuid::Uuid;

use super::rules::{DeployedAt, DeploymentValues};
use crate::database::DatabaseError;
use crate::database::bulk::{self, Draft, Owner, Upserted};

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
/// taken. The read model is not touched: see [`crate::read_model`].
///
/// # Errors
/// When a statement fails; the transaction must be rolled back then.
pub async fn upsert(
    connection: &DatabaseTransaction,
    drafts: &[DeploymentDraft],
    now: DateTime<Utc>,
) -> Result<Vec<Upserted>, DatabaseError> {
    bulk::upsert(connection, drafts, now).await
}

impl Draft for DeploymentDraft {
    type Entity = Entity;
    type Key<'a> = (Uuid, &'a str, &'a str, Option<DateTime<Utc>>);

    /// The feature alone: a time may be missing, and nothing equals a missing time.
    fn lookup_columns() -> Vec<Column> {
        vec![Column::FeatureId]
    }

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

    fn id_of(row: &Model) -> Uuid {
        row.id
    }

    fn changing_columns() -> Vec<Column> {
        vec![Column::Status]
    }

    fn new_row(&self, id: Uuid, now: DateTime<Utc>) -> Model {
        Model {
            id,
            feature_id: self.feature.id,
            environment: self.values.environment.as_str().to_owned(),
            version: self.values.version.as_str().to_owned(),
            status: self.values.status,
            deployed_at: self.values.deployed_at.map(DeployedAt::get),
            row_version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    fn changed(&self, row: &Model) -> Option<Model> {
        (row.status != self.values.status).then(|| Model { status: self.values.status, ..row.clone() })
    }
}
