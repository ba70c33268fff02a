//! Cancels the statements that nobody waits for any more; for [`super::postgres`] alone.
//!
//! A request to cancel is a connection of its own in PostgreSQL's protocol, which names the process that runs the statement.
//!
//! **Invariants:** there are at most [`AT_ONCE`] such connections, however many clients hang up at once. Until its statement has
//! ended, a connection keeps its place in the pool, so that the server never runs more statements than there are places; and is
//! held open, so that its process cannot be another's.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool::managed::Object;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use tokio::runtime::Handle;

use super::postgres::Opener;

/// Cancels statements.
#[derive(Default)]
pub(super) struct Canceller {
    queue: Mutex<Queue>,
}

/// The connections whose statements are to be cancelled.
#[derive(Default)]
struct Queue {
    lanes: Vec<Object<Opener>>,
    /// Whether somebody takes them out.
    is_worked_on: bool,
}

/// Takes connections out of the queue until there are none.
struct Shift {
    canceller: Arc<Canceller>,
    has_ended: bool,
}

/// How long it may take to cancel what is in the queue. What still runs then ends with its statement timeout.
const CANCEL_WITHIN: Duration = Duration::from_secs(2);
/// How many connections ask for it at once.
const AT_ONCE: usize = 4;
/// How long a statement may take to end. A request that overtakes its statement cancels nothing and is sent again.
const ENDS_WITHIN: Duration = Duration::from_millis(200);

impl Canceller {
    /// Cancels the statement of a connection, and closes the connection. Does not wait for it.
    pub(super) fn cancel(self: &Arc<Self>, lane: Object<Opener>) {
        let Ok(runtime) = Handle::try_current() else {
            // The program ends. The server notices when the statement does.
            drop(Object::take(lane));
            return;
        };
        let mut queue = self.queue();
        queue.lanes.push(lane);
        let begins = !mem::replace(&mut queue.is_worked_on, true);
        // A runtime that ends drops what is spawned at once, which asks for the queue.
        drop(queue);
        if begins {
            runtime.spawn(Shift { canceller: Arc::clone(self), has_ended: false }.work());
        }
    }

    /// Waits until all that was left to it is done, when the program ends.
    pub(super) async fn wait(&self) {
        while self.queue().is_worked_on {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shift {
    async fn work(mut self) {
        while let Some(mut lanes) = self.next() {
            let cancelled = stream::iter(lanes.iter_mut()).for_each_concurrent(AT_ONCE, cancel_one);
            if tokio::time::timeout(CANCEL_WITHIN, cancelled).await.is_err() {
                tracing::debug!("statements could not be cancelled in time");
            }
            let goodbyes = lanes.into_iter().map(|lane| Object::take(lane).connection.close());
            // What cannot be closed in order is closed all the same.
            let _ = tokio::time::timeout(ENDS_WITHIN, join_all(goodbyes)).await;
        }
    }

    /// All that is in the queue; where there is nothing, the shift ends.
    fn next(&mut self) -> Option<Vec<Object<Opener>>> {
        let mut queue = self.canceller.queue();
        let lanes = mem::take(&mut queue.lanes);
        queue.is_worked_on = !lanes.is_empty();
        self.has_ended = lanes.is_empty();
        (!lanes.is_empty()).then_some(lanes)
    }
}

impl Drop for Shift {
    /// Dropped in the middle, since the runtime ends, it leaves the queue empty.
    fn drop(&mut self) {
        if !self.has_ended {
            let mut queue = self.canceller.queue();
            queue.is_worked_on = false;
            let left = mem::take(&mut queue.lanes);
            drop(queue);
            drop(left);
        }
    }
}

/// Cancels a statement until it has ended.
async fn cancel_one(lane: &mut Object<Opener>) {
    loop {
        let requested = lane.connection.cancel();
        if let Err(error) = requested.await {
            tracing::debug!(%error, "a statement could not be cancelled");
            return;
        }
        // Whether it has ended well or not, it has ended.
        if tokio::time::timeout(ENDS_WITHIN, lane.connection.settle()).await.is_ok() {
            return;
        }
    }
}
