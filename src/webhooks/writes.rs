//! What can happen to a webhook.

use entity::webhook::WebhookStatus;
use entity::{project, webhook};
use uuid::Uuid;

use super::rules::{EventTypes, WebhookSecret, WebhookUrl};
use crate::access::Needs;
use crate::database::DatabaseError;
use crate::encryption::SEEN_BY;
use crate::events::Aggregate as _;
use crate::write_transaction::items::{Change, Place, Target, check_parent, find, seal};
use crate::write_transaction::{Refusal, Session};

/// Makes a webhook.
#[derive(Clone, Debug)]
pub struct CreateWebhook {
    /// The id that it will have.
    pub id: Uuid,
    /// The project whose events are sent.
    pub project: Uuid,
    /// Where they are sent.
    pub url: WebhookUrl,
    /// The key that signs them.
    pub secret: WebhookSecret,
    /// Which of them; all, where none are named.
    pub types: Option<EventTypes>,
}

impl Change for CreateWebhook {
    const NAME: &'static str = "webhook.create";
    const NEEDS: Needs = Needs::Role(SEEN_BY);

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        session.load_data_keys(items.iter().map(|item| item.project)).await?;
        session.load::<project::Entity>(items.iter().map(|item| item.project).collect()).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        Refusal::of_any(
            check_parent::<project::Entity>(session, self.project, &place.at("projectId")).into_iter().collect(),
        )?;
        let row = webhook::Model {
            id: self.id,
            project_id: self.project,
            url: seal(session, self.project, None, &self.url.secret(), &place.at("url"))?,
            secret: seal(session, self.project, None, &self.secret.secret(), &place.at("secret"))?,
            types: self.types.as_ref().map(|types| types.as_str().to_owned()),
            ..webhook::Entity::blank()
        };
        Ok(session.create::<webhook::Entity>(&row)?)
    }
}

/// Changes where events are sent, which, and what signs them. What is nothing is left alone.
#[derive(Clone, Debug)]
pub struct UpdateWebhook {
    /// The webhook.
    pub id: Uuid,
    /// The version that it must have.
    pub expected_version: Option<i32>,
    /// Another address.
    pub url: Option<WebhookUrl>,
    /// Another key.
    pub secret: Option<WebhookSecret>,
    /// Other types, or all.
    pub types: Option<Option<EventTypes>>,
}

impl Change for UpdateWebhook {
    const NAME: &'static str = "webhook.update";
    const NEEDS: Needs = Needs::Role(SEEN_BY);

    fn target(&self) -> Option<Target<'_>> {
        Some(Target::Id(self.id))
    }

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        session.load::<webhook::Entity>(items.iter().map(|item| item.id).collect()).await?;
        let projects = items.iter().filter_map(|item| Some(session.get::<webhook::Entity>(item.id)?.project_id));
        let projects: Vec<Uuid> = projects.collect();
        session.load_data_keys(projects).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        let mut row = find::<webhook::Entity>(session, self.id, self.expected_version, place)?;
        if let Some(url) = &self.url {
            row.url = seal(session, row.project_id, Some(&row.url), &url.secret(), &place.at("url"))?;
        }
        if let Some(secret) = &self.secret {
            row.secret = seal(session, row.project_id, Some(&row.secret), &secret.secret(), &place.at("secret"))?;
        }
        if let Some(types) = &self.types {
            row.types = types.as_ref().map(|types| types.as_str().to_owned());
        }
        session.update::<webhook::Entity>("update", &row)?;
        Ok(self.id)
    }
}

/// Stops a webhook, or lets it go on. Nothing happens to one that is so already.
#[derive(Clone, Debug)]
pub struct ChangeWebhookStatus {
    /// The webhook.
    pub id: Uuid,
    /// The version that it must have.
    pub expected_version: Option<i32>,
    /// Whether anything is sent from now on. What waits is tried at once.
    pub status: WebhookStatus,
}

impl Change for ChangeWebhookStatus {
    const NAME: &'static str = "webhook.change_status";
    const NEEDS: Needs = Needs::Role(SEEN_BY);

    fn target(&self) -> Option<Target<'_>> {
        Some(Target::Id(self.id))
    }

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        session.load::<webhook::Entity>(items.iter().map(|item| item.id).collect()).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        let row = find::<webhook::Entity>(session, self.id, self.expected_version, place)?;
        let is_other =
            session.update::<webhook::Entity>("change_status", &webhook::Model { status: self.status, ..row })?;
        if is_other && self.status == WebhookStatus::Active {
            session.retry_deliveries(self.id);
        }
        Ok(self.id)
    }
}

/// Ends a webhook. What waits is not sent any more.
#[derive(Clone, Debug)]
pub struct DeleteWebhook {
    /// The webhook.
    pub id: Uuid,
    /// The version that it must have.
    pub expected_version: Option<i32>,
}

impl Change for DeleteWebhook {
    const NAME: &'static str = "webhook.delete";
    const NEEDS: Needs = Needs::Role(SEEN_BY);

    fn target(&self) -> Option<Target<'_>> {
        Some(Target::Id(self.id))
    }

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        session.load::<webhook::Entity>(items.iter().map(|item| item.id).collect()).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        find::<webhook::Entity>(session, self.id, self.expected_version, place)?;
        session.mark::<webhook::Entity>("delete", self.id)?;
        Ok(self.id)
    }
}
