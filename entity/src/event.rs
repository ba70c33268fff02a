//! Table `events`: what happened, one row an event, numbered without gaps in each aggregate.

use sea_orm::entity::prelude::*;

/// One event.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "events")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What kind of thing changed: `feature`.
    pub aggregate_type: String,
    /// The id of what changed.
    pub aggregate_id: Uuid,
    /// The aggregate's version after this event; unique in the aggregate.
    pub version: i32,
    /// What happened: `feature.create`.
    pub event_type: String,
    /// The event's content.
    pub payload: Json,
    /// When it happened.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
