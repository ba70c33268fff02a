//! What a receiver gets: an event as the API shows it, in the frame of Standard Webhooks.

use chrono::SecondsFormat;
use entity::event;
use serde_json::{Value as Json, json};

use crate::batch::id;
use crate::encryption::token;
use crate::events::{KINDS, Position, place_of};

/// The body: `type`, `timestamp`, and in `data` what the object type `Event` has. Of secrets it tells that there are some. The same event
/// has the same body for ever.
pub(super) fn body_of(event: &event::Model) -> String {
    let changes: serde_json::Map<String, Json> = serde_json::from_str(&event.payload).unwrap_or_default();
    let changes = changes.into_iter().map(|(name, value)| json!({ "name": name, "value": token::hide(value) }));
    let known = KINDS.iter().find(|kind| **kind == event.aggregate_type);
    let body = json!({
        "type": event.event_type,
        "timestamp": event.created_at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        "data": {
            "id": event_id(event),
            "cursor": place_of(Position::of(event)),
            "aggregateId": known.map(|kind| id::format(kind, event.aggregate_id)),
            "version": event.version,
            "projectId": event.project_id.map(|project| id::format("project", project)),
            "changes": changes.collect::<Vec<_>>(),
            "actorId": event.actor_id,
            "actorKind": event.actor_kind.to_uppercase(),
            "requestId": event.request_id,
        }
    });
    body.to_string()
}

/// The event's id as clients know it, by which a receiver knows what it has got already.
pub(super) fn event_id(event: &event::Model) -> String {
    id::format("event", event.id)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::clock::EPOCH;

    #[test]
    fn an_event_is_told_without_its_secrets() {
        let payload = json!({ "status": "BLOCKED", "confidentialNotes": token::to_json("gAAAAAtoken") });
        let event = event::Model {
            id: Uuid::from_u128(1),
            position: 7,
            transaction_id: 3,
            aggregate_type: "feature".to_owned(),
            aggregate_id: Uuid::from_u128(2),
            version: 4,
            event_type: "feature.update".to_owned(),
            payload: payload.to_string(),
            actor_id: "ada".to_owned(),
            actor_kind: "person".to_owned(),
            request_id: "r".to_owned(),
            created_at: EPOCH,
            project_id: Some(Uuid::from_u128(3)),
            hash: Vec::new(),
        };
        let body: Json = serde_json::from_str(&body_of(&event)).unwrap();
        assert_eq!((&body["type"], &body["timestamp"]), (&json!("feature.update"), &json!("1970-01-01T00:00:00Z")));
        let data = &body["data"];
        assert_eq!(data["aggregateId"], id::format("feature", Uuid::from_u128(2)));
        assert_eq!(data["cursor"], place_of(Position { transaction_id: 3, position: 7 }));
        let changes =
            json!([{ "name": "confidentialNotes", "value": "[secret]" }, { "name": "status", "value": "BLOCKED" }]);
        assert_eq!((&data["changes"], &data["actorKind"]), (&changes, &json!("PERSON")));
    }
}
