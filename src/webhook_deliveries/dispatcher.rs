//! Sends events to webhooks for as long as the server runs, if this is the process that does.
//!
//! **Invariants:** without a webhook nothing is written, and nothing but that is asked for; who does not hold the lease sends nothing. It hears
//! of what happens from the bus, which misses nothing, and wakes the workers whose projects it is about.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use entity::{event, webhook};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};
use uuid::Uuid;

use super::attempt::Attempts;
use super::lease::Lease;
use super::queue;
use super::sender::{Sender, SenderError};
use super::settings::WebhookSettings;
use super::worker::Worker;
use crate::clock;
use crate::database::DatabaseError;
use crate::events::Aggregate as _;
use crate::events::bus::{Bus, Heard};
use crate::graphql::Api;

/// Sends events to webhooks, in a task of its own, until it is [stopped](Dispatcher::stop). Dropped, it ends at once, as a process does that
/// is killed.
pub struct Dispatcher {
    stopping: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// What is leased.
pub(super) const LEASE: &str = "webhooks";
/// How often it is asked whether there is something to do, by who has nothing to do.
const POLL: Duration = Duration::from_secs(1);
/// How many attempts run at once, to all webhooks.
const ATTEMPTS_AT_ONCE: usize = 128;
/// How often what came to its end long ago is swept away.
const SWEEP_EVERY: Duration = Duration::from_hours(1);

/// What the task works with.
struct Dispatching {
    attempts: Arc<Attempts>,
    bus: Bus,
    stopping: watch::Receiver<bool>,
}

/// Who serves a webhook.
struct Serving {
    project: Uuid,
    wake: Arc<Notify>,
}

impl Dispatcher {
    /// Begins to send what happens in the API's database.
    ///
    /// # Errors
    /// When there is no TLS to be had.
    pub fn start(api: &Api, settings: WebhookSettings) -> Result<Self, SenderError> {
        let database = api.database().clone();
        let attempts = Attempts {
            key_ring: Arc::clone(api.key_ring()),
            telemetry: api.telemetry().clone(),
            sender: Sender::new(&settings)?,
            lease: Lease::new(database.clone(), LEASE, settings.timeout),
            turns: Semaphore::new(ATTEMPTS_AT_ONCE),
            database,
            settings,
        };
        let (stopping, stopped) = watch::channel(false);
        let dispatching = Dispatching { attempts: Arc::new(attempts), bus: api.bus().clone(), stopping: stopped };
        Ok(Self { stopping, task: tokio::spawn(dispatching.run()) })
    }

    /// Lets the attempts that run end, begins no other, and lets another process go on.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        // It panics nowhere; if it did, there would be nothing left to wait for.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Dispatcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Dispatching {
    async fn run(mut self) {
        let mut stopping = self.stopping.clone();
        loop {
            match self.turn().await {
                Ok(()) => {}
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "nothing can be sent to webhooks for now");
                }
            }
            tokio::select! {
                () = told(&mut stopping) => break,
                () = tokio::time::sleep(POLL) => {}
            }
        }
        if let Err(error) = self.attempts.lease.release().await {
            tracing::debug!(%error, "another process sends to webhooks once the lease has ended");
        }
    }

    /// Sends, if there is anybody to send to, and nobody else does.
    async fn turn(&mut self) -> Result<(), DatabaseError> {
        if queue::active(&self.attempts.database).await?.is_empty() || !self.attempts.lease.take().await? {
            return Ok(());
        }
        tracing::debug!("this process sends to webhooks");
        let mut workers = JoinSet::new();
        let (stop, stopped) = watch::channel(false);
        let led = self.lead(&mut workers, &stopped).await;
        // What runs may end.
        stop.send_replace(true);
        while workers.join_next().await.is_some() {}
        led
    }

    /// Sends until there is nobody to send to, the lease is lost, or the server stops.
    async fn lead(
        &mut self,
        workers: &mut JoinSet<Uuid>,
        stopped: &watch::Receiver<bool>,
    ) -> Result<(), DatabaseError> {
        let mut stopping = self.stopping.clone();
        let mut listener = self.bus.listen().await?;
        let mut serving = HashMap::new();
        self.serve(&mut serving, workers, stopped).await?;
        let mut renewal = tokio::time::interval(self.attempts.lease.renew_after());
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut next_sweep = Instant::now();
        loop {
            tokio::select! {
                () = told(&mut stopping) => return Ok(()),
                _ = renewal.tick() => {
                    if !self.attempts.lease.take().await? {
                        tracing::debug!("another process sends to webhooks");
                        return Ok(());
                    }
                    if Instant::now() >= next_sweep {
                        next_sweep = Instant::now() + SWEEP_EVERY;
                        self.sweep().await?;
                    }
                }
                Some(ended) = workers.join_next(), if !workers.is_empty() => {
                    // A panic is a fault of ours, and does not tell whose: all begin anew.
                    let Ok(webhook) = ended else { return Ok(()) };
                    serving.remove(&webhook);
                    // It may have become active again while it ended.
                    self.serve(&mut serving, workers, stopped).await?;
                    if serving.is_empty() {
                        return Ok(());
                    }
                }
                heard = listener.hear() => match heard {
                    Heard::Events(news) => {
                        if news.iter().any(|event| event.aggregate_type == webhook::Entity::KIND) {
                            self.serve(&mut serving, workers, stopped).await?;
                        }
                        wake(&serving, &news);
                    }
                    Heard::Gap(_) => {
                        listener = self.bus.listen().await?;
                        self.serve(&mut serving, workers, stopped).await?;
                        for serving in serving.values() {
                            serving.wake.notify_one();
                        }
                    }
                }
            }
        }
    }

    /// Gives each webhook that is active and has none a worker. One that is not active any more ends by itself.
    async fn serve(
        &self,
        serving: &mut HashMap<Uuid, Serving>,
        workers: &mut JoinSet<Uuid>,
        stopped: &watch::Receiver<bool>,
    ) -> Result<(), DatabaseError> {
        for (webhook, project) in queue::active(&self.attempts.database).await? {
            if serving.contains_key(&webhook) {
                continue;
            }
            queue::begin(&self.attempts.database, webhook).await?;
            let wake = Arc::new(Notify::new());
            let worker = Worker::new(webhook, Arc::clone(&self.attempts), Arc::clone(&wake), stopped.clone());
            workers.spawn(worker.run());
            serving.insert(webhook, Serving { project, wake });
        }
        Ok(())
    }

    async fn sweep(&self) -> Result<(), DatabaseError> {
        let kept = TimeDelta::from_std(self.attempts.settings.keep_log_for).unwrap_or(TimeDelta::MAX);
        let before = clock::now().checked_sub_signed(kept).unwrap_or(clock::EPOCH);
        queue::sweep(&self.attempts.database, before).await
    }
}

/// Wakes the workers of the projects in which something has happened.
fn wake(serving: &HashMap<Uuid, Serving>, news: &[event::Model]) {
    for Serving { project, wake } in serving.values() {
        if news.iter().any(|event| event.project_id == Some(*project)) {
            wake.notify_one();
        }
    }
}

/// Waits until something is told to stop, or nobody is left to tell it.
pub(super) async fn told(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
