//! Table `deployments`: a version of a feature brought to an environment.

use sea_orm::entity::prelude::*;

/// One deployment.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "deployments")]
pub struct Model {
    /// UUID v7, so that ids sort by creation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The feature that was deployed; the deployment goes when the feature's row goes.
    pub feature_id: Uuid,
    /// Where to, 1 to 255 characters: `production`, `chrome`.
    pub environment: String,
    /// What was deployed, 1 to 255 characters: `1.4.2`.
    pub version: String,
    /// How far the deployment has come.
    pub status: DeploymentStatus,
    /// When it was in place; nothing while it is not.
    pub deployed_at: Option<DateTimeUtc>,
    /// Counts the changes to this row, from 1.
    pub row_version: i32,
    /// When the row was made.
    pub created_at: DateTimeUtc,
    /// When the row was last changed.
    pub updated_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "feature_id", to = "id", on_delete = "Cascade")]
    pub feature: HasOne<super::feature::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

/// How far a deployment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum DeploymentStatus {
    /// It is planned.
    Pending,
    /// It is being rolled out.
    InProgress,
    /// It is in place.
    Succeeded,
    /// It did not get in place.
    Failed,
    /// It was in place and was taken back.
    RolledBack,
}
