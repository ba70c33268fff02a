//! Deliveries as clients see them.

use std::sync::LazyLock;

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use entity::webhook_delivery::{Column, Entity};

use super::reads;
use crate::batch::{Declared, Fields, Kind, LeafType, Object};
use crate::{events, webhooks};

/// How far a delivery has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::webhook_delivery::DeliveryStatus")]
pub enum WebhookDeliveryStatus {
    /// It is still to be taken: it waits, or is tried again.
    Pending,
    /// The receiver has taken it: it answered with a status of 200 to 299.
    Delivered,
    /// It was given up, since the receiver did not take it for too long while it took others.
    Failed,
}

impl LeafType for WebhookDeliveryStatus {
    const KIND: Kind = Kind::Enum;
}

/// Stands for the object type `WebhookDelivery` in payloads.
pub struct WebhookDelivery;

impl Declared for WebhookDelivery {
    fn object() -> &'static Object {
        object()
    }
}

/// The object type `WebhookDelivery`.
pub fn object() -> &'static Object {
    static OBJECT: LazyLock<Object> = LazyLock::new(declare);
    &OBJECT
}

fn declare() -> Object {
    let column = reads::column;
    Fields::of("WebhookDelivery", "An event on its way to a webhook.")
        .leaf::<WebhookDeliveryStatus>("status", "How far it has come.", column(Column::Status))
        .one("webhook", "Where it is sent.", (Entity, Column::WebhookId), webhooks::graphql::object)
        .one_or_null("event", "What is sent.", (Entity, Column::EventId), events::graphql::object)
        .leaf::<i32>("attempts", "How often it was sent, since it was last asked for.", column(Column::Attempts))
        .leaf::<Option<DateTime<Utc>>>(
            "nextAttemptAt",
            "When it is sent next, at the earliest; null where it is not.",
            column(Column::NextAttemptAt),
        )
        .leaf::<Option<DateTime<Utc>>>("lastAttemptAt", "When it was last sent.", column(Column::LastAttemptAt))
        .leaf::<Option<i32>>(
            "lastStatusCode",
            "The HTTP status that the receiver last answered with; null where it did not answer.",
            column(Column::LastStatusCode),
        )
        .leaf::<Option<String>>(
            "lastError",
            "Why it was not taken when it was last sent, in words for people; null where it was.",
            column(Column::LastError),
        )
        .leaf::<Option<i32>>(
            "lastDurationMs",
            "How many milliseconds it took when it was last sent.",
            column(Column::LastDurationMs),
        )
        .leaf::<Option<DateTime<Utc>>>("deliveredAt", "When the receiver took it.", column(Column::DeliveredAt))
        .leaf::<DateTime<Utc>>("createdAt", "When it was found that it is to be sent.", column(Column::CreatedAt))
        .order_by_id("CREATED_AT", "When it was found that it is to be sent.")
        .stored_in(reads::table())
}
