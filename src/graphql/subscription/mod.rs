//! A subscription: the answers to what happens, one after the other, without end.
//!
//! It reads the past from the table at the pace of whoever takes the answers, then goes over to a [`feed::Feed`], which it shares
//! with all that ask for the same. One that falls behind the feed reads from the table again.
//!
//! Where its caller has a budget, each answer is paid for like a query before it is given; one that cannot be paid for yet waits, and
//! the subscription is as one that takes its answers slowly.
//!
//! **Invariants:** every event of the topic after the place to begin at is answered once, in order, or, where only the latest is
//! wanted, a later one of the same object is; the last answer's cursor is where to go on after a cut; one that takes
//! nothing holds no more than a page and slows nobody.

mod begin;
mod feed;
mod followed;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::ServerError;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

pub(super) use self::feed::Feeds;
use self::feed::{Feed, Told};
use self::followed::{Followed, FollowedKey};
use super::errors::finish_error;
use crate::batch::BatchError;
use crate::events::Position;
use crate::rate_limit::Meter;
use crate::telemetry::OpenSubscription;

/// One answer of a subscription.
#[derive(Clone, Debug)]
pub struct Payload {
    /// The whole answer as JSON.
    pub body: Arc<str>,
    /// Where to go on after it: the `after` of the next subscription.
    pub position: Position,
}

/// Answers what happens, as long as it is asked for the next answer.
pub struct Subscription {
    feeds: Feeds,
    feed: Arc<Feed>,
    live: Receiver<Told>,
    /// Where it has come to.
    position: Position,
    /// Whether the table may hold what it has not told yet.
    is_behind: bool,
    ready: VecDeque<Payload>,
    request_id: String,
    /// Where the past has been read to.
    reached: Position,
    /// What each answer costs, and what it is paid with.
    price: Option<(Meter, u64)>,
    _open: (OpenSubscription, OwnedSemaphorePermit),
}

/// How often a read is tried before the subscription ends with what is wrong.
const MOST_ATTEMPTS: u32 = 6;
/// How long to wait before the first of these attempts after the first; each wait is twice as long as the one before it.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

impl Subscription {
    /// Begins to follow: after a place, or what happens from now on.
    pub(super) async fn begin(
        feeds: Feeds,
        followed: Followed,
        after: Option<Position>,
        request_id: String,
        open: (OpenSubscription, OwnedSemaphorePermit),
    ) -> Result<Self, BatchError> {
        let (feed, live) = feeds.join(Arc::new(followed)).await?;
        let (position, is_behind) = match after {
            Some(position) => (position, true),
            None => (feed.followed().now().await?, false),
        };
        Ok(Self {
            feeds,
            feed,
            live,
            position,
            is_behind,
            ready: VecDeque::new(),
            request_id,
            reached: position,
            price: None,
            _open: open,
        })
    }

    /// Has each answer paid for, where there is a limit.
    pub(super) fn paid_with(self, meter: Option<Meter>, cost: u64) -> Self {
        Self { price: meter.map(|meter| (meter, cost)), ..self }
    }

    /// The next answer. Nothing is lost where the future is dropped before it is done.
    ///
    /// # Errors
    /// When the database cannot be read for longer than is waited for. The subscription has ended then, and can be begun anew
    /// from the last answer's position.
    pub async fn next(&mut self) -> Result<Payload, Vec<ServerError>> {
        loop {
            if let Some((meter, cost)) = self.price.as_ref().filter(|_| !self.ready.is_empty()) {
                meter.pay_in_time(*cost).await;
            }
            if let Some(payload) = self.ready.pop_front() {
                self.position = payload.position;
                return Ok(payload);
            }
            self.position = self.position.max(self.reached);
            if self.is_behind {
                // Boxed: thousands wait for what is live, and few are here.
                Box::pin(self.read_behind()).await.map_err(|error| self.describe(&error))?;
                continue;
            }
            match self.live.recv().await {
                Ok(told) => {
                    let new = told.iter().filter(|payload| payload.position > self.position);
                    self.ready.extend(new.cloned());
                }
                Err(RecvError::Lagged(_)) => self.is_behind = true,
                Err(RecvError::Closed) => {
                    Box::pin(self.rejoin()).await.map_err(|error| self.describe(&error))?;
                    self.is_behind = true;
                }
            }
        }
    }

    /// Reads a page from the table.
    async fn read_behind(&mut self) -> Result<(), BatchError> {
        let (followed, feeds) = (self.feed.followed(), &self.feeds);
        let (position, request_id) = (self.position, &*self.request_id);
        let page = retry(move || async move {
            let _permit = feeds.permit_to_read().await;
            followed.page_after(position, request_id).await
        });
        let page = page.await?;
        self.ready.extend(page.payloads);
        (self.reached, self.is_behind) = (page.reached, !page.is_last);
        Ok(())
    }

    /// Joins a feed again, after the one before has ended.
    async fn rejoin(&mut self) -> Result<(), BatchError> {
        let followed = self.feed.followed();
        (self.feed, self.live) = retry(|| self.feeds.join(Arc::clone(followed))).await?;
        Ok(())
    }

    /// What went wrong, as clients see it.
    fn describe(&self, error: &BatchError) -> Vec<ServerError> {
        let mut error = error.to_server_error(async_graphql::Pos::default());
        finish_error(&mut error, &self.request_id);
        vec![error]
    }
}

/// Tries what may fail for a while.
async fn retry<T, F: Future<Output = Result<T, BatchError>>>(mut attempt: impl FnMut() -> F) -> Result<T, BatchError> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..MOST_ATTEMPTS {
        match attempt().await {
            Ok(done) => return Ok(done),
            Err(error) => tracing::debug!(%error, "a subscription tries again"),
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    attempt().await
}
