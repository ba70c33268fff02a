//! Serves one webhook: queues what happens, and sends what is due.
//!
//! **Invariant:** of each object one event is on its way at a time, and it is the first of those that wait: what was noted of it is read before
//! the next one is sent.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use entity::webhook::WebhookStatus;
use entity::webhook_delivery;
use tokio::sync::{Notify, watch};
use tokio::task::{self, JoinSet};
use tokio::time::Instant;
use uuid::Uuid;

use super::attempt::{Attempts, Target};
use super::dispatcher::told;
use super::queue::{self, Served};
use crate::clock;
use crate::database::DatabaseError;
use crate::encryption::{SecretError, Secrets};
use crate::events::{Topic, types_named};
use crate::webhooks::rules::{WebhookSecret, WebhookUrl};

/// Serves one webhook.
pub(super) struct Worker {
    webhook: Uuid,
    attempts: Arc<Attempts>,
    /// Told when something has happened.
    wake: Arc<Notify>,
    stopped: watch::Receiver<bool>,
    /// Whether there may be events that are not queued: something has happened, or there was no room.
    may_fill: bool,
    /// Attempts, each in a task of its own: one that waits for a connection that the worker waits for as well must go on meanwhile.
    running: JoinSet<()>,
    /// The objects of which an event is on its way, by their attempts.
    on_their_way: HashMap<task::Id, Uuid>,
}

/// What a worker does after it has looked.
enum Wait {
    /// It ends: there is nothing to serve.
    Ended,
    /// It looks again then, if nothing happens before.
    Until(Option<Instant>),
}

/// How long to wait before the database is asked again that did not answer, or a lease that is about to end.
const RETRY: Duration = Duration::from_secs(1);

impl Worker {
    pub(super) fn new(
        webhook: Uuid,
        attempts: Arc<Attempts>,
        wake: Arc<Notify>,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        let (running, on_their_way) = (JoinSet::new(), HashMap::new());
        Self { webhook, attempts, wake, stopped, may_fill: true, running, on_their_way }
    }

    /// Serves the webhook until it is not active any more, or the process stops. Gives its id.
    pub(super) async fn run(mut self) -> Uuid {
        let mut stopped = self.stopped.clone();
        loop {
            let wait = match self.look().await {
                Ok(wait) => wait,
                Err(error) => {
                    let webhook = self.webhook;
                    tracing::warn!(%webhook, error = &error as &dyn std::error::Error, "a webhook waits for the database");
                    Wait::Until(Some(Instant::now() + RETRY))
                }
            };
            let Wait::Until(next) = wait else { break };
            tokio::select! {
                () = told(&mut stopped) => break,
                Some(ended) = self.running.join_next_with_id() => {
                    let attempt = ended.map_or_else(|error| error.id(), |(attempt, ())| attempt);
                    self.on_their_way.remove(&attempt);
                }
                () = self.wake.notified() => self.may_fill = true,
                () = until(next) => {}
            }
        }
        while self.running.join_next().await.is_some() {}
        self.webhook
    }

    /// Queues what has happened, and begins to send what is due.
    async fn look(&mut self) -> Result<Wait, DatabaseError> {
        let database = &self.attempts.database;
        let Some(served) = queue::read(database, self.webhook).await? else { return Ok(Wait::Ended) };
        if served.status != WebhookStatus::Active {
            return Ok(Wait::Ended);
        }
        if self.may_fill {
            self.may_fill = queue::fill(database, self.webhook, &topic_of(&served), served.queued).await?;
        }
        let settings = &self.attempts.settings;
        // Those that are on their way are among them.
        let heads = queue::heads(database, self.webhook, settings.at_once * 2).await?;
        let (now, room) = (clock::now(), settings.at_once - self.running.len());
        let is_on_its_way = |object: Uuid| self.on_their_way.values().any(|known| *known == object);
        let waiting = || heads.iter().filter(|head| !is_on_its_way(head.aggregate_id));
        let is_due = |head: &&webhook_delivery::Model| head.next_attempt_at.is_some_and(|at| at <= now);
        let due: Vec<webhook_delivery::Model> = waiting().filter(is_due).take(room).cloned().collect();
        if due.is_empty() {
            let next = waiting().filter_map(|head| head.next_attempt_at).find(|at| *at > now);
            return Ok(Wait::Until(next.map(|at| Instant::now() + (at - now).to_std().unwrap_or_default())));
        }
        if !self.attempts.lease.lasts(settings.timeout) {
            return Ok(Wait::Until(Some(Instant::now() + RETRY)));
        }
        self.send(&served, due).await?;
        // What ends makes it look again.
        Ok(Wait::Until(None))
    }

    async fn send(&mut self, served: &Served, due: Vec<webhook_delivery::Model>) -> Result<(), DatabaseError> {
        let target = Arc::new(self.open(served));
        let events = queue::events(&self.attempts.database, due.iter().map(|head| head.event_id).collect()).await?;
        let mut events: HashMap<Uuid, _> = events.into_iter().map(|event| (event.id, event)).collect();
        for delivery in due {
            let (attempts, target) = (Arc::clone(&self.attempts), Arc::clone(&target));
            let (object, event) = (delivery.aggregate_id, events.remove(&delivery.event_id));
            let attempt = self.running.spawn(async move {
                if let Err(error) = attempts.attempt(&target, &delivery, event.as_ref()).await {
                    let delivery = delivery.id;
                    tracing::warn!(%delivery, error = &error as &dyn std::error::Error, "an attempt is not noted: the event is sent again");
                    tokio::time::sleep(RETRY).await;
                }
            });
            self.on_their_way.insert(attempt.id(), object);
        }
        Ok(())
    }

    /// The address and the key. Keys are opened anew each time: what was erased is not opened any more.
    fn open(&self, served: &Served) -> Result<Target, SecretError> {
        let secrets = Secrets::new(Arc::clone(&self.attempts.key_ring));
        let url = WebhookUrl::try_from(secrets.open(&served.url)?).map_err(|_| SecretError::Unreadable)?;
        let secret = WebhookSecret::try_from(secrets.open(&served.secret)?).map_err(|_| SecretError::Unreadable)?;
        Ok(Target { url: url.url().clone(), secret })
    }
}

/// The events that are sent. A type that a later version has made up is none of them.
fn topic_of(served: &Served) -> Topic {
    let named = |types: &String| types.split(' ').filter_map(|name| types_named(&[name]).ok()).flatten().collect();
    Topic { project_id: Some(served.project), types: served.types.as_ref().map(named), rights: None }
}

async fn until(next: Option<Instant>) {
    match next {
        Some(next) => tokio::time::sleep_until(next).await,
        None => std::future::pending().await,
    }
}
