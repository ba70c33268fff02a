//! What can happen to a deployment.

use entity::{deployment, feature};
use uuid::Uuid;

use super::rules::{DeployedAt, DeploymentValues, Environment, Version};
use crate::access::{Needs, Role};
use crate::database::DatabaseError;
use crate::events::Aggregate as _;
use crate::write_transaction::children::{self, Child};
use crate::write_transaction::items::{Change, Place, Target, check_parent};
use crate::write_transaction::{Refusal, Session};

impl Child for deployment::Entity {
    fn feature(row: &deployment::Model) -> Uuid {
        row.feature_id
    }
}

/// Makes a deployment.
#[derive(Clone, Debug)]
pub struct CreateDeployment {
    /// The id that it will have.
    pub id: Uuid,
    /// The feature that is deployed.
    pub feature: Uuid,
    /// What it says of itself.
    pub values: DeploymentValues,
}

impl Change for CreateDeployment {
    const NAME: &'static str = "deployment.create";
    const NEEDS: Needs = Needs::Role(Role::Contributor);

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        if session.relies_on_parents::<feature::Entity>() {
            return Ok(());
        }
        session.load::<feature::Entity>(items.iter().map(|item| item.feature).collect()).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        let missing = check_parent::<feature::Entity>(session, self.feature, &place.at("featureId"));
        Refusal::of_any(missing.into_iter().collect())?;
        let row = self.values.put_into(&deployment::Model {
            id: self.id,
            feature_id: self.feature,
            ..deployment::Entity::blank()
        });
        Ok(session.create::<deployment::Entity>(&row)?)
    }
}

/// Changes what a deployment says of itself. What is nothing is left alone.
#[derive(Clone, Debug)]
pub struct UpdateDeployment {
    /// The deployment.
    pub id: Uuid,
    /// The version that its record must have.
    pub expected_version: Option<i32>,
    /// Another environment.
    pub environment: Option<Environment>,
    /// Another version that was deployed.
    pub version: Option<Version>,
    /// Another status.
    pub status: Option<deployment::DeploymentStatus>,
    /// Another time, or none.
    pub deployed_at: Option<Option<DeployedAt>>,
}

impl Change for UpdateDeployment {
    const NAME: &'static str = "deployment.update";
    const NEEDS: Needs = Needs::Role(Role::Contributor);

    fn target(&self) -> Option<Target<'_>> {
        Some(Target::Id(self.id))
    }

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        children::load::<deployment::Entity>(session, items.iter().map(|item| item.id).collect()).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        let mut row = children::find::<deployment::Entity>(session, self.id, self.expected_version, place)?;
        if let Some(environment) = &self.environment {
            environment.as_str().clone_into(&mut row.environment);
        }
        if let Some(version) = &self.version {
            version.as_str().clone_into(&mut row.version);
        }
        if let Some(status) = self.status {
            row.status = status;
        }
        if let Some(deployed_at) = self.deployed_at {
            row.deployed_at = deployed_at.map(DeployedAt::get);
        }
        session.update::<deployment::Entity>("update", &row)?;
        Ok(self.id)
    }
}

/// Ends a deployment. Its events stay.
#[derive(Clone, Debug)]
pub struct DeleteDeployment {
    /// The deployment.
    pub id: Uuid,
    /// The version that its record must have.
    pub expected_version: Option<i32>,
}

impl Change for DeleteDeployment {
    const NAME: &'static str = "deployment.delete";
    const NEEDS: Needs = Needs::Role(Role::Maintainer);

    fn target(&self) -> Option<Target<'_>> {
        Some(Target::Id(self.id))
    }

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        children::load::<deployment::Entity>(session, items.iter().map(|item| item.id).collect()).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        children::find::<deployment::Entity>(session, self.id, self.expected_version, place)?;
        session.mark::<deployment::Entity>("delete", self.id)?;
        Ok(self.id)
    }
}
