//! Table `webhooks`: where a project's events are sent.

use sea_orm::entity::prelude::*;

/// One webhook.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhooks")]
pub struct Model {
    /// UUID v7, so that ids sort by creation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The project whose events are sent; the webhook goes when the project goes.
    pub project_id: Uuid,
    /// The address, as a Fernet token under the project's data key.
    #[sea_orm(column_type = "Text")]
    pub url: String,
    /// The key that signs, as a Fernet token under the project's data key.
    #[sea_orm(column_type = "Text")]
    pub secret: String,
    /// The types of the events that are sent, separated by spaces; all where there are none.
    #[sea_orm(column_type = "Text", nullable)]
    pub types: Option<String>,
    /// Whether anything is sent.
    pub status: WebhookStatus,
    /// Counts the changes to this row, from 1.
    pub row_version: i32,
    /// When the row was made.
    pub created_at: DateTimeUtc,
    /// When the row was last changed.
    pub updated_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "project_id", to = "id", on_delete = "Cascade")]
    pub project: HasOne<super::project::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

/// Whether anything is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum WebhookStatus {
    /// Events are sent as they happen.
    Active,
    /// Somebody has stopped it; what happens meanwhile is sent when it is resumed.
    Paused,
    /// The receiver has taken nothing for too long, or is gone; it is as if it were paused.
    Failed,
}
