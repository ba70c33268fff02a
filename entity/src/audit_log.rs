//! Table `audit_logs`: who changed what, and when.

use sea_orm::entity::prelude::*;

/// One change of one aggregate.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_logs")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Who did it.
    pub actor_id: String,
    /// `person`, `agent` or `service`.
    pub actor_kind: String,
    /// For whom an agent acted.
    pub on_behalf_of: Option<String>,
    /// The agent's run or the CI job.
    pub run_id: Option<String>,
    /// What was done: `feature.update`.
    pub action: String,
    /// What kind of thing was changed: `feature`.
    pub entity_type: String,
    /// The id of what was changed.
    pub entity_id: Uuid,
    /// The request that did it.
    pub request_id: String,
    /// Field by field: before and after.
    pub changes: Json,
    /// When it was done.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
