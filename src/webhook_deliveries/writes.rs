//! What can happen to a delivery.

use entity::webhook;
use uuid::Uuid;

use crate::access::Needs;
use crate::database::DatabaseError;
use crate::encryption::SEEN_BY;
use crate::write_transaction::items::{Change, Place, Target, check_rights};
use crate::write_transaction::{Refusal, Session, UserErrorCode};

/// Sends an event to a webhook again, whatever came of it before.
#[derive(Clone, Debug)]
pub struct RedeliverWebhookDelivery {
    /// The delivery.
    pub id: Uuid,
}

impl Change for RedeliverWebhookDelivery {
    const NAME: &'static str = "webhook.redeliver";
    const NEEDS: Needs = Needs::Role(SEEN_BY);

    fn target(&self) -> Option<Target<'_>> {
        Some(Target::Id(self.id))
    }

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        session.load_deliveries(items.iter().map(|item| item.id)).await?;
        let webhooks = items.iter().filter_map(|item| session.webhook_of(item.id)).collect();
        session.load::<webhook::Entity>(webhooks).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        let webhook = session.webhook_of(self.id).and_then(|webhook| session.get::<webhook::Entity>(webhook));
        let Some(webhook) = webhook else {
            return Err(place.at("id").error(UserErrorCode::NotFound, "there is no such webhook delivery").into());
        };
        check_rights::<webhook::Entity>(session, webhook, &place.at("id"))?;
        let webhook = webhook.id;
        session.mark::<webhook::Entity>("redeliver", webhook)?;
        session.send_again(self.id);
        Ok(self.id)
    }
}
