//! Table `features_view`: the read model of a feature, one row for each that is not deleted, kept in the transaction
//! that changes the feature.

use sea_orm::entity::prelude::*;

use super::deployment::DeploymentStatus;

/// What lists of features show without counting their children.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "features_view")]
pub struct Model {
    /// The feature's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The feature's name.
    pub name: String,
    /// The feature's priority.
    pub priority: i32,
    /// The feature's project.
    pub project_id: Uuid,
    /// All of its tests.
    pub test_count: i32,
    /// Its tests whose latest result is `passed`.
    pub passed_count: i32,
    /// Its tests whose latest result is `failed`.
    pub failed_count: i32,
    /// Its tests that have not run.
    pub pending_count: i32,
    /// Its tests that were left out of the latest run.
    pub skipped_count: i32,
    /// The status of its latest deployment; nothing where there is none.
    pub deployment_status: Option<DeploymentStatus>,
    /// When its latest deployment was in place; nothing where none is.
    pub latest_deployed_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
