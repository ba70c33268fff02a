//! Every SELECT of deliveries that is made for a client.

use entity::webhook_delivery;
use sea_orm::sea_query::{Query, SelectStatement};

use crate::access::Sight;
use crate::batch::{Column, Table};
use crate::webhooks;

/// Where deliveries are read from.
pub fn table() -> Table {
    let own = |column| (webhook_delivery::Entity, column);
    Table::new("webhook_delivery", webhook_delivery::Entity, own(webhook_delivery::Column::Id), visible).vouched_for(
        |sight| webhooks::reads::is_visible(sight, (webhook_delivery::Entity, webhook_delivery::Column::WebhookId)),
    )
}

/// The start of every statement that reads deliveries. They are as visible as their webhook: a delivery that is not reached through its
/// webhook asks for it.
fn visible(_: &Sight) -> SelectStatement {
    Query::select().from(webhook_delivery::Entity).take()
}

/// A column of the delivery's own row.
pub fn column(column: webhook_delivery::Column) -> Column {
    Column::of((webhook_delivery::Entity, column))
}
