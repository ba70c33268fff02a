//! Table `events`: what happened, one row an event, numbered without gaps in each aggregate.

use sea_orm::entity::prelude::*;

/// One event. The database refuses to change or to delete it.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "events")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Its place among all events; given by the database, rising, with gaps.
    pub position: i64,
    /// The transaction that wrote it on PostgreSQL; on SQLite the same for all since the record was last restored. Followers read in the order of this and the position.
    pub transaction_id: i64,
    /// What kind of thing changed: `feature`.
    pub aggregate_type: String,
    /// The id of what changed.
    pub aggregate_id: Uuid,
    /// The aggregate's version after this event; unique in the aggregate.
    pub version: i32,
    /// What happened: `feature.create`.
    pub event_type: String,
    /// The fields that were given a value, as a JSON object; its very text is what was hashed.
    #[sea_orm(column_type = "Text")]
    pub payload: String,
    /// Who did it.
    pub actor_id: String,
    /// `person`, `agent` or `service`.
    pub actor_kind: String,
    /// The request that did it.
    pub request_id: String,
    /// When it happened; never before the event before it in the same aggregate.
    pub created_at: DateTimeUtc,
    /// The project that what changed belongs to, or is; nothing where a server that did not know it wrote the event.
    pub project_id: Option<Uuid>,
    /// SHA-256 over the event and the hash of the event before it in the same aggregate.
    pub hash: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
