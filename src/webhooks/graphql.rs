//! Webhooks as clients see them.

use std::sync::LazyLock;

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use entity::webhook::Column;
use entity::{webhook, webhook_delivery};

use super::reads;
use crate::audit::graphql::with_audit_logs;
use crate::batch::{Declared, Fields, Kind, LeafType, Object, RootField};
use crate::events::graphql::with_history;
use crate::{projects, webhook_deliveries};

/// Whether a webhook sends anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "webhook::WebhookStatus")]
pub enum WebhookStatus {
    /// Events are sent as they happen.
    Active,
    /// Somebody has stopped it. What happens meanwhile is sent when it is resumed.
    Paused,
    /// The server has stopped it, since the receiver took nothing for too long, or said that it is gone. What happens meanwhile is sent
    /// when it is resumed.
    Failed,
}

impl LeafType for WebhookStatus {
    const KIND: Kind = Kind::Enum;
}

/// Stands for the object type `Webhook` in payloads.
pub struct Webhook;

impl Declared for Webhook {
    fn object() -> &'static Object {
        object()
    }
}

/// The object type `Webhook`.
pub fn object() -> &'static Object {
    static OBJECT: LazyLock<Object> = LazyLock::new(declare);
    &OBJECT
}

/// What the query root says of webhooks.
pub fn root_fields() -> Vec<RootField> {
    vec![
        RootField::object("webhook", "One webhook; null where there is none, or the caller may not see it.", object),
        RootField::connection("webhooks", "The webhooks of all projects that the caller maintains or owns.", object),
    ]
}

fn declare() -> Object {
    let column = reads::column;
    let fields = Fields::of(
        "Webhook",
        "Where a project's events are sent, as Standard Webhooks has it (https://www.standardwebhooks.com): each event at least once, and \
         those of one object in their order. For who maintains or owns the project.",
    )
    .secret("url", "Where the events are sent.", reads::secret(Column::Url))
    .secret(
        "secret",
        "The key by which a receiver knows that the server has sent an event: `whsec_` and base 64.",
        reads::secret(Column::Secret),
    )
    .words(
        "types",
        "The types of the events that are sent: `feature.change_status`, or `feature` for all that happens to features; null for all.",
        column(Column::Types),
    )
    .leaf::<WebhookStatus>("status", "Whether anything is sent.", column(Column::Status))
    .one("project", "Whose events are sent.", (webhook::Entity, Column::ProjectId), projects::graphql::object)
    .connection(
        "deliveries",
        "The events that are or were sent, and what came of it; those that were taken are forgotten after some time.",
        (webhook_delivery::Entity, webhook_delivery::Column::WebhookId),
        webhook_deliveries::graphql::object,
    )
    .leaf::<i32>("rowVersion", "Counts the changes to the webhook, from 1.", column(Column::RowVersion))
    .leaf::<DateTime<Utc>>("createdAt", "When the webhook was made.", column(Column::CreatedAt))
    .leaf::<DateTime<Utc>>("updatedAt", "When the webhook was last changed.", column(Column::UpdatedAt))
    .order_by_id("CREATED_AT", "When the webhook was made.");
    with_history(with_audit_logs(fields)).stored_in(reads::table())
}
