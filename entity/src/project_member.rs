//! Table `project_members`: who may do what in a project.

use sea_orm::entity::prelude::*;

/// One membership.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "project_members")]
pub struct Model {
    /// UUID v7, so that ids sort by creation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The project; the membership goes when the project goes.
    pub project_id: Uuid,
    /// The member.
    pub user_id: Uuid,
    /// What the member may do there.
    pub role: Role,
    /// Counts the changes to this row, from 1.
    pub row_version: i32,
    /// When the row was made.
    pub created_at: DateTimeUtc,
    /// When the row was last changed.
    pub updated_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "project_id", to = "id", on_delete = "Cascade")]
    pub project: HasOne<super::project::Entity>,
    #[sea_orm(belongs_to, from = "user_id", to = "id")]
    pub user: HasOne<super::user::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

/// What someone may do in a project. Each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Role {
    /// See the project and all that belongs to it.
    Viewer,
    /// Plan and report: make and change features, tests and deployments.
    Contributor,
    /// Change the project, delete and restore, read confidential notes, and say who else is a viewer or contributor.
    Maintainer,
    /// Delete the project, and say who else maintains or owns it.
    Owner,
}
