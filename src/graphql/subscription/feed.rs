//! A feed: what is followed, answered once for all that ask for the same.
//!
//! **Invariants:** a feed runs as long as somebody follows it; who joins it gets every answer to what was not told before, in
//! order, or is told to have missed some. What is the same has one feed, but where two begin at the very same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::broadcast::{self, Receiver, Sender, WeakSender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::task::AbortHandle;
use uuid::Uuid;

use super::{Followed, FollowedKey, Payload, retry};
use crate::batch::BatchError;
use crate::events::Position;
use crate::events::bus::{Bus, Heard, Listener};

/// What is told at once.
pub(super) type Told = Arc<[Payload]>;

/// How many times something may be told before a follower who takes nothing has missed it.
const BACKLOG: usize = 32;
/// How many followers read the past at once.
const READERS: usize = 4;
/// How many feeds answer at once.
const TELLERS: usize = 4;

/// The feeds of one database. Cloning is cheap, and clones share them.
#[derive(Clone)]
pub(in crate::graphql) struct Feeds(Arc<Shared>);

struct Shared {
    bus: Bus,
    running: Mutex<HashMap<FollowedKey, Weak<Feed>>>,
    /// Lets queries have connections, too, while many subscriptions come back at once.
    readers: Semaphore,
    /// Lets them have connections while many feeds answer at once.
    tellers: Semaphore,
    /// How many subscriptions there may still be.
    free: Arc<Semaphore>,
}

/// Answers that all followers share.
pub(super) struct Feed {
    followed: Arc<Followed>,
    /// Held by the task alone, so that followers notice when it has ended.
    sender: WeakSender<Told>,
    task: AbortHandle,
    feeds: Weak<Shared>,
}

impl Feeds {
    /// For at most so many subscriptions.
    pub(in crate::graphql) fn new(bus: Bus, most: usize) -> Self {
        let (readers, tellers) = (Semaphore::new(READERS), Semaphore::new(TELLERS));
        let free = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Self(Arc::new(Shared { bus, running: Mutex::default(), readers, tellers, free }))
    }

    /// What tells of events.
    pub(in crate::graphql) fn bus(&self) -> &Bus {
        &self.0.bus
    }

    /// A place for one more subscription, if there is one.
    pub(super) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.free).try_acquire_owned().ok()
    }

    /// Joins the feed of what is followed, or begins it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn join(&self, followed: Arc<Followed>) -> Result<(Arc<Feed>, Receiver<Told>), BatchError> {
        if let Some(joined) = self.0.join_running(&followed.key) {
            return Ok(joined);
        }
        let listener = self.0.bus.listen().await?;
        // Somebody else may have been faster.
        if let Some(joined) = self.0.join_running(&followed.key) {
            return Ok(joined);
        }
        let (sender, receiver) = broadcast::channel(BACKLOG);
        let (weak, feeds) = (sender.downgrade(), Arc::downgrade(&self.0));
        let task = tokio::spawn(tell(Arc::clone(&followed), self.clone(), listener, sender)).abort_handle();
        let feed = Arc::new(Feed { followed, sender: weak, task, feeds });
        let mut running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.insert(feed.followed.key.clone(), Arc::downgrade(&feed));
        Ok((feed, receiver))
    }

    /// Waits for the turn to read the past.
    pub(super) async fn permit_to_read(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed.
        self.0.readers.acquire().await.ok()
    }
}

impl Shared {
    fn join_running(&self, key: &FollowedKey) -> Option<(Arc<Feed>, Receiver<Told>)> {
        // Not held any longer: a feed that goes here as the last of its kind takes it.
        let feed = self.running.lock().unwrap_or_else(PoisonError::into_inner).get(key)?.upgrade();
        let feed = feed?;
        let receiver = feed.sender.upgrade()?.subscribe();
        Some((feed, receiver))
    }
}

impl Feed {
    pub(super) fn followed(&self) -> &Arc<Followed> {
        &self.followed
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.task.abort();
        let Some(feeds) = self.feeds.upgrade() else { return };
        let mut running = feeds.running.lock().unwrap_or_else(PoisonError::into_inner);
        // Another one may have taken its place.
        if running.get(&self.followed.key).is_some_and(|feed| feed.strong_count() == 0) {
            running.remove(&self.followed.key);
        }
    }
}

/// Answers what is heard. What cannot be heard or answered is read from the table, once for all followers; where that cannot be
/// read either, for long, the feed ends, and each of them tries for itself.
async fn tell(followed: Arc<Followed>, feeds: Feeds, mut listener: Listener, sender: Sender<Told>) {
    let request_id = Uuid::now_v7().to_string();
    let mut position = listener.position();
    loop {
        if let Heard::Events(events) = listener.hear().await {
            let wanted = events.iter().filter(|event| followed.topic.wants(event));
            let _turn = feeds.0.tellers.acquire().await;
            match followed.answer(wanted, &request_id).await {
                Ok(payloads) => {
                    send(&sender, payloads);
                    position = listener.position();
                    continue;
                }
                Err(error) => tracing::debug!(request_id, %error, "a feed of subscriptions reads again"),
            }
        }
        let (followed, feeds, sender, request_id) = (&*followed, &feeds, &sender, &*request_id);
        match retry(move || catch_up(followed, feeds, sender, position, request_id)).await {
            Ok(caught_up) => (listener, position) = caught_up,
            Err(error) => {
                tracing::warn!(request_id, error = &error as &dyn std::error::Error, "a feed of subscriptions ends");
                return;
            }
        }
    }
}

/// Listens anew, and tells what happened meanwhile.
async fn catch_up(
    followed: &Followed,
    feeds: &Feeds,
    sender: &Sender<Told>,
    mut position: Position,
    request_id: &str,
) -> Result<(Listener, Position), BatchError> {
    let listener = feeds.0.bus.listen().await?;
    let _permit = feeds.permit_to_read().await;
    loop {
        let page = followed.page_after(position, request_id).await?;
        position = page.reached;
        send(sender, page.payloads);
        if page.is_last {
            return Ok((listener, position));
        }
    }
}

fn send(sender: &Sender<Told>, payloads: Vec<Payload>) {
    if !payloads.is_empty() {
        // Nobody may be left.
        let _ = sender.send(payloads.into());
    }
}
