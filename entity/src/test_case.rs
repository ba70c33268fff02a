//! Table `tests`: a check of a feature and its latest result.

use sea_orm::entity::prelude::*;

/// One test case.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tests")]
pub struct Model {
    /// UUID v7, so that ids sort by creation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The feature that the test checks; it goes when the feature's row goes.
    pub feature_id: Uuid,
    /// Unique in its feature, 1 to 650 characters.
    pub name: String,
    /// The latest result.
    pub status: TestStatus,
    /// How long the latest run took, in milliseconds.
    pub duration_ms: Option<i32>,
    /// What the latest run said: a failure's or a skip's message.
    #[sea_orm(column_type = "Text", nullable)]
    pub message: Option<String>,
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

/// The latest result of a test case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum TestStatus {
    /// It has not run yet.
    Pending,
    /// It ran and held.
    Passed,
    /// It ran and did not hold.
    Failed,
    /// It was left out of the run.
    Skipped,
}
