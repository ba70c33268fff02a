//! What clients can let happen to deliveries.

use async_graphql::{ID, InputObject};

use super::graphql::WebhookDelivery;
use super::writes::RedeliverWebhookDelivery;
use crate::graphql::mutation::{Checks, ParseChange, mutations, payload};
use crate::write_transaction::items::Place;

mutations! {
    WebhookDeliveryMutations {
        /// Sends an event to a webhook again, whatever came of it before. It is sent before later events of the same object that still
        /// wait; a webhook that is paused sends it when it is resumed.
        redeliver_webhook_delivery(RedeliverWebhookDeliveryInput) -> WebhookDeliveryPayload;
    }
}

payload! {
    /// What became of a mutation of one delivery.
    WebhookDeliveryPayload {
        /// The delivery as it is now; null where nothing was written.
        webhook_delivery: WebhookDelivery
    }
}

/// A delivery to be sent again.
#[derive(InputObject)]
pub(crate) struct RedeliverWebhookDeliveryInput {
    /// The delivery.
    id: ID,
}

impl ParseChange for RedeliverWebhookDeliveryInput {
    type Change = RedeliverWebhookDelivery;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<RedeliverWebhookDelivery> {
        Some(RedeliverWebhookDelivery { id: checks.id(&place.at("id"), "webhook_delivery", &self.id)? })
    }
}
