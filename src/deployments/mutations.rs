//! What clients can let happen to deployments.

use async_graphql::{ID, InputObject, MaybeUndefined};
use uuid::Uuid;

use super::graphql::{Deployment, DeploymentStatus};
use super::rules::{DeployedAt, DeploymentValues};
use super::writes::{CreateDeployment, DeleteDeployment, UpdateDeployment};
use crate::graphql::mutation::{Checks, ParseChange, Time, mutations, payload};
use crate::write_transaction::items::Place;

mutations! {
    DeploymentMutations {
        /// Records a deployment of a feature. The same version may be brought to the same environment again.
        create_deployment(CreateDeploymentInput) -> DeploymentPayload;

        /// Changes what the record of a deployment says. What is left out is left alone, and null clears the time.
        update_deployment(UpdateDeploymentInput) -> DeploymentPayload;

        /// Deletes the record of a deployment, for good. Its events and audit stay.
        delete_deployment(DeleteDeploymentInput) -> DeploymentPayload;
    }
}

payload! {
    /// What became of a mutation of one deployment.
    DeploymentPayload {
        /// The deployment as it is now: null where it was deleted, or nothing was written. Where another version was expected, the
        /// deployment as it is.
        deployment: Deployment
    }
}

/// A deployment to be recorded.
#[derive(InputObject)]
pub(crate) struct CreateDeploymentInput {
    /// The feature that is deployed.
    feature_id: ID,
    /// Where to, 1 to 255 characters: `production`, `chrome`.
    environment: String,
    /// What is deployed, 1 to 255 characters: `1.4.2`.
    version: String,
    /// How far the deployment has come.
    #[graphql(default_with = "DeploymentStatus::Pending")]
    status: DeploymentStatus,
    /// When it was in place, in the years 1 to 9999; a date alone means midnight in UTC. To be left out as long as it is not.
    deployed_at: Option<Time>,
}

impl ParseChange for CreateDeploymentInput {
    type Change = CreateDeployment;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<CreateDeployment> {
        let feature = checks.id(&place.at("featureId"), "feature", &self.feature_id);
        let environment = checks.text(&place.at("environment"), self.environment);
        let version = checks.text(&place.at("version"), self.version);
        let deployed_at =
            checks.optional(&place.at("deployedAt"), self.deployed_at, |time| time.as_str().parse::<DeployedAt>());
        let values = DeploymentValues {
            environment: environment?,
            version: version?,
            status: self.status.into(),
            deployed_at: deployed_at?,
        };
        Some(CreateDeployment { id: Uuid::now_v7(), feature: feature?, values })
    }
}

/// What is to be changed of a deployment.
#[derive(InputObject)]
pub(crate) struct UpdateDeploymentInput {
    /// The deployment.
    id: ID,
    /// The version that the record must have (its `rowVersion`); any, if it is left out.
    expected_version: Option<i32>,
    /// Another environment: 1 to 255 characters.
    environment: MaybeUndefined<String>,
    /// Another version that is deployed: 1 to 255 characters.
    version: MaybeUndefined<String>,
    /// How far the deployment has come.
    status: MaybeUndefined<DeploymentStatus>,
    /// When it was in place, in the years 1 to 9999; a date alone means midnight in UTC. Null where it is not.
    deployed_at: MaybeUndefined<Time>,
}

impl ParseChange for UpdateDeploymentInput {
    type Change = UpdateDeployment;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<UpdateDeployment> {
        let id = checks.id(&place.at("id"), "deployment", &self.id);
        let environment = checks.kept_text(&place.at("environment"), self.environment);
        let version = checks.kept_text(&place.at("version"), self.version);
        let status = checks.kept(&place.at("status"), self.status).map(Into::into);
        let deployed_at =
            checks.patched(&place.at("deployedAt"), self.deployed_at, |time| time.as_str().parse::<DeployedAt>());
        let expected_version = self.expected_version;
        Some(UpdateDeployment { id: id?, expected_version, environment, version, status, deployed_at })
    }
}

/// A deployment to be deleted.
#[derive(InputObject)]
pub(crate) struct DeleteDeploymentInput {
    /// The deployment.
    id: ID,
    /// The version that the record must have (its `rowVersion`); any, if it is left out.
    expected_version: Option<i32>,
}

impl ParseChange for DeleteDeploymentInput {
    type Change = DeleteDeployment;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<DeleteDeployment> {
        let id = checks.id(&place.at("id"), "deployment", &self.id)?;
        Some(DeleteDeployment { id, expected_version: self.expected_version })
    }
}
