//! Table `projects`: what features belong to.

use sea_orm::entity::prelude::*;

/// One project.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "projects")]
pub struct Model {
    /// UUID v7, so that ids sort by creation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Unique, 1 to 255 characters.
    #[sea_orm(unique)]
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// Counts the changes to this row, from 1.
    pub row_version: i32,
    /// When the row was made.
    pub created_at: DateTimeUtc,
    /// When the row was last changed.
    pub updated_at: DateTimeUtc,
    #[sea_orm(has_many)]
    pub features: HasMany<super::feature::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
