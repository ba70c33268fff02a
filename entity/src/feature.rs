//! Table `features`: a unit of work that a project delivers.

use sea_orm::entity::prelude::*;

/// One feature. A feature is deleted softly: `deleted_at` is set and reads hide it.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "features")]
pub struct Model {
    /// UUID v7, so that ids sort by creation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The project that the feature belongs to; it goes when the project goes.
    pub project_id: Uuid,
    /// Unique in its project, 1 to 255 characters.
    pub name: String,
    /// Free text, read only where it is asked for.
    #[sea_orm(column_type = "Text", nullable)]
    pub description: Option<String>,
    /// 1 (least) to 13 (most).
    pub priority: i32,
    /// How far the work has come.
    pub status: FeatureStatus,
    /// Set when the feature was deleted.
    pub deleted_at: Option<DateTimeUtc>,
    /// Counts the changes to this row, from 1.
    pub row_version: i32,
    /// When the row was made.
    pub created_at: DateTimeUtc,
    /// When the row was last changed.
    pub updated_at: DateTimeUtc,
    /// A Fernet token under the project's data key.
    #[sea_orm(column_type = "Text", nullable)]
    pub confidential_notes: Option<String>,
    #[sea_orm(belongs_to, from = "project_id", to = "id", on_delete = "Cascade")]
    pub project: HasOne<super::project::Entity>,
    #[sea_orm(has_many)]
    pub tests: HasMany<super::test_case::Entity>,
    #[sea_orm(has_many)]
    pub deployments: HasMany<super::deployment::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

/// How far the work on a feature has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum FeatureStatus {
    /// Nobody has begun.
    NotStarted,
    /// Work is under way.
    InProgress,
    /// Work waits for something else.
    Blocked,
    /// The work is done.
    Completed,
    /// The work was given up.
    Cancelled,
}
