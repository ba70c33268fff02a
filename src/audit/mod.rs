//! The audit: who changed what, and when, field by field.
//!
//! **Invariant:** each aggregate that a transaction changes gets one row in that transaction, and what was refused gets none;
//! the database refuses to change or delete a row.

pub mod graphql;
pub mod reads;

use chrono::{DateTime, Utc};
use entity::audit_log::Model;
use serde_json::Value as Json;
use uuid::Uuid;

use crate::access::Caller;

/// The row of one changed aggregate; `changes` is a list of `{field, before, after}`.
#[must_use]
pub fn row(
    caller: &Caller,
    request_id: &str,
    action: &str,
    (entity_type, entity_id): (&str, Uuid),
    changes: Json,
    now: DateTime<Utc>,
) -> Model {
    Model {
        id: Uuid::now_v7(),
        actor_id: caller.id().to_owned(),
        actor_kind: caller.kind().as_str().to_owned(),
        on_behalf_of: caller.on_behalf_of().map(str::to_owned),
        run_id: caller.run_id().map(str::to_owned),
        action: action.to_owned(),
        entity_type: entity_type.to_owned(),
        entity_id,
        request_id: request_id.to_owned(),
        changes,
        created_at: now,
    }
}
