//! One attempt: sends an event, and notes what came of it.

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use entity::webhook::WebhookStatus;
use entity::{event, webhook_delivery};
use tokio::sync::Semaphore;
use url::Url;
use uuid::Uuid;

use super::body::{body_of, event_id};
use super::lease::Lease;
use super::queue::{self, Next, Noted};
use super::sender::{Answered, Message, SendError, Sender};
use super::settings::WebhookSettings;
use crate::access::Caller;
use crate::clock;
use crate::database::{Database, DatabaseError};
use crate::encryption::{KeyRing, SecretError};
use crate::telemetry::{Telemetry, WebhookOutcome};
use crate::webhooks::rules::WebhookSecret;
use crate::webhooks::writes::ChangeWebhookStatus;
use crate::write_transaction::items::Changes;
use crate::write_transaction::{Sent, carry_out};

/// What all attempts of a process have in common.
pub(super) struct Attempts {
    pub(super) database: Database,
    pub(super) key_ring: Arc<KeyRing>,
    pub(super) telemetry: Telemetry,
    pub(super) settings: WebhookSettings,
    pub(super) sender: Sender,
    pub(super) lease: Lease,
    /// How many may run at once, to all webhooks.
    pub(super) turns: Semaphore,
}

/// Where events are sent, and what signs them.
pub(super) struct Target {
    pub(super) url: Url,
    pub(super) secret: WebhookSecret,
}

/// Why an event was not sent, or not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AttemptError {
    #[error("the webhook's address or key cannot be read: {0}")]
    Target(SecretError),
    #[error("the event is not there")]
    NoEvent,
    #[error(transparent)]
    Send(#[from] SendError),
}

/// What an attempt means for its delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// The receiver has taken it.
    Taken,
    /// It is to be tried again, after so long.
    Again(TimeDelta),
    /// It was tried for too long.
    TooLong,
    /// The receiver says that it is gone.
    Gone,
}

impl Attempts {
    /// Sends an event once, if the lease lasts for as long as that may take, and notes what came of it.
    ///
    /// # Errors
    /// When the database does not answer: it is sent again.
    pub(super) async fn attempt(
        &self,
        target: &Result<Target, SecretError>,
        delivery: &webhook_delivery::Model,
        event: Option<&event::Model>,
    ) -> Result<(), DatabaseError> {
        // The semaphore is never closed.
        let _turn = self.turns.acquire().await;
        if !self.lease.lasts(self.settings.timeout) {
            return Ok(());
        }
        let began = Instant::now();
        let result = match (target, event) {
            (Err(error), _) => Err(AttemptError::Target(*error)),
            (_, None) => Err(AttemptError::NoEvent),
            (Ok(Target { url, secret }), Some(event)) => {
                let message = Message { id: event_id(event), body: body_of(event) };
                self.sender.send(url, secret.key(), &message).await.map_err(AttemptError::Send)
            }
        };
        let at = clock::now();
        let noted = |next, error| Noted {
            at,
            duration_ms: i32::try_from(began.elapsed().as_millis()).unwrap_or(i32::MAX),
            status_code: result.ok().map(|answered: Answered| answered.status.into()),
            error,
            next,
        };
        let verdict = judge(&result, delivery, at, &self.settings);
        self.telemetry.webhook_attempt(if verdict == Verdict::Taken {
            WebhookOutcome::Taken
        } else {
            WebhookOutcome::NotTaken
        });
        let reason = || Some(why_not(&result));
        let later = at + TimeDelta::from_std(self.settings.longest_pause).unwrap_or_default();
        let (noted, is_over) = match verdict {
            Verdict::Taken => (noted(Next::Delivered, None), false),
            Verdict::Again(after) => (noted(Next::Again(at + after), reason()), false),
            Verdict::TooLong if self.takes_others(delivery, at).await? => (noted(Next::GivenUp, reason()), false),
            Verdict::TooLong | Verdict::Gone => (noted(Next::Again(later), reason()), true),
        };
        queue::note(&self.database, delivery.id, &noted).await?;
        if is_over { self.fail(delivery.webhook_id, &why_not(&result)).await } else { Ok(()) }
    }

    /// Whether the receiver has taken others since it was first sent this one.
    async fn takes_others(&self, delivery: &webhook_delivery::Model, at: DateTime<Utc>) -> Result<bool, DatabaseError> {
        let since = delivery.first_attempt_at.unwrap_or(at);
        queue::has_taken_since(&self.database, delivery.webhook_id, since).await
    }

    /// Stops a webhook whose receiver takes nothing any more. What waits, waits until it is resumed.
    async fn fail(&self, webhook: Uuid, reason: &str) -> Result<(), DatabaseError> {
        let change = ChangeWebhookStatus { id: webhook, expected_version: None, status: WebhookStatus::Failed };
        let caller = Caller::program();
        let sent = Sent { caller: &caller, request_id: "webhook delivery", key: None, key_ring: &self.key_ring };
        carry_out(&self.database, sent, &Changes::one(Ok(change))).await?;
        tracing::warn!(%webhook, reason, "a webhook has failed: its receiver takes nothing any more");
        Ok(())
    }
}

fn judge(
    result: &Result<Answered, AttemptError>,
    delivery: &webhook_delivery::Model,
    at: DateTime<Utc>,
    settings: &WebhookSettings,
) -> Verdict {
    let retry_after = match result {
        Ok(Answered { status: 200..300, .. }) => return Verdict::Taken,
        Ok(Answered { status: 410, .. }) => return Verdict::Gone,
        Ok(Answered { retry_after, .. }) => *retry_after,
        Err(_) => None,
    };
    let tried_for = (at - delivery.first_attempt_at.unwrap_or(at)).to_std().unwrap_or_default();
    if tried_for >= settings.give_up_after {
        return Verdict::TooLong;
    }
    let attempts = u32::try_from(delivery.attempts).unwrap_or_default().saturating_add(1);
    let pause = settings.pause_after(attempts).max(retry_after.unwrap_or_default());
    Verdict::Again(TimeDelta::from_std(pause).unwrap_or_default())
}

/// Why an event was not taken, in words for people.
fn why_not(result: &Result<Answered, AttemptError>) -> String {
    match result {
        Ok(Answered { status, .. }) => format!("the receiver answered with HTTP status {status}"),
        Err(error) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use entity::webhook_delivery::DeliveryStatus;

    use super::*;
    use crate::clock::EPOCH;

    fn delivery(attempts: i32, first_attempt_at: Option<DateTime<Utc>>) -> webhook_delivery::Model {
        webhook_delivery::Model {
            id: Uuid::nil(),
            webhook_id: Uuid::nil(),
            event_id: Uuid::nil(),
            aggregate_id: Uuid::nil(),
            transaction_id: 0,
            position: 0,
            status: DeliveryStatus::Pending,
            attempts,
            next_attempt_at: Some(EPOCH),
            first_attempt_at,
            last_attempt_at: None,
            last_status_code: None,
            last_error: None,
            last_duration_ms: None,
            delivered_at: None,
            created_at: EPOCH,
        }
    }

    #[test]
    fn what_is_not_taken_is_tried_again_until_it_was_too_long() {
        let settings = WebhookSettings::default();
        let answered =
            |status, seconds: Option<u64>| Ok(Answered { status, retry_after: seconds.map(Duration::from_secs) });
        let judge = |result, delivery: &webhook_delivery::Model| judge(&result, delivery, EPOCH, &settings);
        let fresh = delivery(0, None);
        assert_eq!(judge(answered(200, None), &fresh), Verdict::Taken);
        assert_eq!(judge(answered(204, Some(9)), &fresh), Verdict::Taken);
        assert_eq!(judge(answered(410, None), &fresh), Verdict::Gone);
        for failed in [answered(500, None), answered(302, None), answered(404, None), Err(SendError::Timeout.into())] {
            let Verdict::Again(after) = judge(failed, &fresh) else { panic!("{failed:?}") };
            assert!((800..=1200).contains(&after.num_milliseconds()), "{after}");
        }
        assert_eq!(judge(answered(503, Some(60)), &fresh), Verdict::Again(TimeDelta::seconds(60)));
        let (old, nearly) = (EPOCH - TimeDelta::hours(72), EPOCH - TimeDelta::hours(71));
        assert_eq!(judge(answered(500, None), &delivery(30, Some(old))), Verdict::TooLong);
        assert!(matches!(judge(answered(500, None), &delivery(30, Some(nearly))), Verdict::Again(_)));
        assert_eq!(judge(answered(200, None), &delivery(30, Some(old))), Verdict::Taken);
    }
}
