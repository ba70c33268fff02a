//! What clients can let happen to webhooks.

use async_graphql::{ID, InputObject, MaybeUndefined};
use entity::webhook::WebhookStatus;
use uuid::Uuid;

use super::graphql::Webhook;
use super::rules::{EventTypes, WebhookSecret, WebhookUrl};
use super::writes::{ChangeWebhookStatus, CreateWebhook, DeleteWebhook, UpdateWebhook};
use crate::graphql::mutation::{Checks, ParseChange, mutations, payload};
use crate::write_transaction::UserErrorCode;
use crate::write_transaction::items::Place;

mutations! {
    WebhookMutations {
        /// Makes a webhook: what happens in the project from now on is sent to it. The server must have a key to encrypt the address with.
        create_webhook(CreateWebhookInput) -> WebhookPayload;

        /// Changes where events are sent, which, and what signs them. Another key signs all that is sent from now on.
        update_webhook(UpdateWebhookInput) -> WebhookPayload;

        /// Stops a webhook. What happens meanwhile is sent when it is resumed.
        pause_webhook(PauseWebhookInput) -> WebhookPayload;

        /// Lets a webhook go on that was paused or has failed: what waits is tried at once.
        resume_webhook(ResumeWebhookInput) -> WebhookPayload;

        /// Deletes a webhook, for good. What waits is not sent any more.
        delete_webhook(DeleteWebhookInput) -> WebhookPayload;
    }
}

payload! {
    /// What became of a mutation of one webhook.
    WebhookPayload {
        /// The webhook as it is now: null where it was deleted, or nothing was written. Where another version was expected, the webhook
        /// as it is.
        webhook: Webhook
    }
}

/// A webhook to be made.
#[derive(InputObject)]
pub(crate) struct CreateWebhookInput {
    /// The project whose events are sent.
    project_id: ID,
    /// Where they are sent: an absolute address of https or http, without a user name. One that leads into a private network is not asked,
    /// unless the server is set to.
    url: String,
    /// The types of the events that are sent: `feature.change_status`, or `feature` for all that happens to features. All, if it is left
    /// out.
    types: Option<Vec<String>>,
    /// The key that signs: `whsec_` and 24 to 64 bytes in base 64. The server makes one, if it is left out.
    secret: Option<String>,
}

impl ParseChange for CreateWebhookInput {
    type Change = CreateWebhook;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<CreateWebhook> {
        let project = checks.id(&place.at("projectId"), "project", &self.project_id);
        let url = checks.value(&place.at("url"), WebhookUrl::try_from(self.url));
        let types = checks.optional(&place.at("types"), self.types, EventTypes::try_from);
        let secret = match self.secret {
            Some(text) => checks.value(&place.at("secret"), WebhookSecret::try_from(text)),
            None => WebhookSecret::random()
                .map_err(|error| {
                    checks.refuse(place.at("secret").error(UserErrorCode::InvalidValue, error.to_string()));
                })
                .ok(),
        };
        Some(CreateWebhook { id: Uuid::now_v7(), project: project?, url: url?, secret: secret?, types: types? })
    }
}

/// A webhook to be changed.
#[derive(InputObject)]
pub(crate) struct UpdateWebhookInput {
    /// The webhook.
    id: ID,
    /// The version that the webhook must have; any, if it is left out.
    expected_version: Option<i32>,
    /// Another address.
    url: MaybeUndefined<String>,
    /// Other types; null for all.
    types: MaybeUndefined<Vec<String>>,
    /// Another key that signs.
    secret: MaybeUndefined<String>,
}

impl ParseChange for UpdateWebhookInput {
    type Change = UpdateWebhook;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<UpdateWebhook> {
        let id = checks.id(&place.at("id"), "webhook", &self.id);
        let (at_url, at_secret) = (place.at("url"), place.at("secret"));
        let url = checks.kept(&at_url, self.url);
        let url = url.and_then(|url| checks.value(&at_url, WebhookUrl::try_from(url)));
        let secret = checks.kept(&at_secret, self.secret);
        let secret = secret.and_then(|secret| checks.value(&at_secret, WebhookSecret::try_from(secret)));
        let types = checks.patched(&place.at("types"), self.types, EventTypes::try_from);
        Some(UpdateWebhook { id: id?, expected_version: self.expected_version, url, secret, types })
    }
}

/// A webhook to be stopped.
#[derive(InputObject)]
pub(crate) struct PauseWebhookInput {
    /// The webhook.
    id: ID,
    /// The version that the webhook must have; any, if it is left out.
    expected_version: Option<i32>,
}

impl ParseChange for PauseWebhookInput {
    type Change = ChangeWebhookStatus;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<ChangeWebhookStatus> {
        let id = checks.id(&place.at("id"), "webhook", &self.id)?;
        Some(ChangeWebhookStatus { id, expected_version: self.expected_version, status: WebhookStatus::Paused })
    }
}

/// A webhook to go on.
#[derive(InputObject)]
pub(crate) struct ResumeWebhookInput {
    /// The webhook.
    id: ID,
    /// The version that the webhook must have; any, if it is left out.
    expected_version: Option<i32>,
}

impl ParseChange for ResumeWebhookInput {
    type Change = ChangeWebhookStatus;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<ChangeWebhookStatus> {
        let id = checks.id(&place.at("id"), "webhook", &self.id)?;
        Some(ChangeWebhookStatus { id, expected_version: self.expected_version, status: WebhookStatus::Active })
    }
}

/// A webhook to be deleted.
#[derive(InputObject)]
pub(crate) struct DeleteWebhookInput {
    /// The webhook.
    id: ID,
    /// The version that the webhook must have; any, if it is left out.
    expected_version: Option<i32>,
}

impl ParseChange for DeleteWebhookInput {
    type Change = DeleteWebhook;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<DeleteWebhook> {
        let id = checks.id(&place.at("id"), "webhook", &self.id)?;
        Some(DeleteWebhook { id, expected_version: self.expected_version })
    }
}
