//! Gathers the loads that are asked for at once and runs them as one: a DataLoader without a timer.
//!
//! The resolvers of a request are polled in one task. The first one that asks opens a batch, wakes itself once and waits;
//! before it is polled again, every sibling that is ready has asked as well. Then it closes the batch and runs it inline.
//! There is no timer and no other task, so a load costs no more than its statement.
//!
//! **Invariants:** a key is loaded once for each time it was asked for; loads with other arguments are other batches; a
//! batch that has begun takes no more keys; if the first one is dropped, another one takes over; an error or a panic
//! reaches everybody who waits. A value lives as long as a request: nothing is kept for another one.

use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use futures_util::FutureExt as _;
use futures_util::future::Shared;

use super::BatchError;

/// Loads values by key, many at once.
///
/// This is not async-graphql's `Loader`: that one answers with a map from key to value, which costs a hash for every row,
/// and has no place for the arguments that decide which keys may share a statement.
pub trait Loader: Send + Sync + 'static {
    /// What two loads must agree on to be one.
    type Arguments: Clone + PartialEq + Send + Sync + 'static;
    /// Names a value.
    type Key: Clone + Send + Sync + 'static;
    /// What is loaded for one key.
    type Value: Send + 'static;

    /// Loads one value for each key, in the order of the keys.
    fn load(
        &self,
        arguments: Self::Arguments,
        keys: Vec<Self::Key>,
    ) -> impl Future<Output = Result<Vec<Self::Value>, BatchError>> + Send;
}

const TOO_FEW: BatchError = BatchError::Broken("a loader answered for fewer keys than it was given");

/// The batches of one request over one loader.
pub struct Dispatcher<L: Loader> {
    loader: Arc<L>,
    open: Mutex<Vec<Arc<Batch<L>>>>,
}

struct Batch<L: Loader> {
    arguments: L::Arguments,
    state: Mutex<State<L>>,
}

enum State<L: Loader> {
    /// Keys still come in.
    Gathering { keys: Vec<L::Key>, waiting: HashMap<usize, Waker>, abandoned: bool },
    /// The load runs, or has run.
    Running(Running<L::Value>),
}

type Running<V> = Shared<Pin<Box<dyn Future<Output = Result<Loaded<V>, BatchError>> + Send>>>;
/// The values of all who asked; each takes its own.
type Loaded<V> = Arc<Mutex<Vec<Option<V>>>>;

impl<L: Loader> Dispatcher<L> {
    /// A dispatcher for one request.
    pub fn new(loader: L) -> Self {
        Self { loader: Arc::new(loader), open: Mutex::new(Vec::new()) }
    }

    /// Loads one value for each key, in the order of the keys, together with whatever else asks with equal arguments.
    ///
    /// # Errors
    /// The loader's error, or [`BatchError::Panicked`] where it panicked.
    pub async fn load(&self, arguments: &L::Arguments, keys: Vec<L::Key>) -> Result<Vec<L::Value>, BatchError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let count = keys.len();
        let (batch, start) = self.join(arguments, keys);
        if start == 0 {
            let turn = FirstTurn { dispatcher: self, batch: &batch };
            yield_once().await;
            std::mem::forget(turn);
        } else {
            batch.begun(start).await;
        }
        let loaded = self.run(&batch).await?;
        let mut values = lock(&loaded);
        let own = values.get_mut(start..start + count).into_iter().flatten();
        let own: Vec<_> = own.filter_map(Option::take).collect();
        // A loader that answers with fewer values than it was given keys is broken.
        if own.len() == count { Ok(own) } else { Err(TOO_FEW) }
    }

    /// Loads one value for each key, in the order of the keys, at once: for whoever knows that nobody else asks with equal
    /// arguments, so that there is nothing to gather.
    ///
    /// # Errors
    /// As [`Dispatcher::load`].
    pub async fn load_alone(&self, arguments: L::Arguments, keys: Vec<L::Key>) -> Result<Vec<L::Value>, BatchError> {
        let count = keys.len();
        if count == 0 {
            return Ok(Vec::new());
        }
        let load = pin!(self.loader.load(arguments, keys));
        let values = AssertUnwindSafe(load).catch_unwind().await.unwrap_or(Err(BatchError::Panicked))?;
        if values.len() == count { Ok(values) } else { Err(TOO_FEW) }
    }

    /// Puts the keys into the open batch with these arguments, and says where they begin in it.
    fn join(&self, arguments: &L::Arguments, keys: Vec<L::Key>) -> (Arc<Batch<L>>, usize) {
        let mut open = lock(&self.open);
        for batch in open.iter() {
            if batch.arguments == *arguments
                && let State::Gathering { keys: gathered, .. } = &mut *lock(&batch.state)
            {
                let start = gathered.len();
                gathered.extend(keys);
                return (Arc::clone(batch), start);
            }
        }
        let state = State::Gathering { keys, waiting: HashMap::new(), abandoned: false };
        let batch = Arc::new(Batch { arguments: arguments.clone(), state: Mutex::new(state) });
        open.push(Arc::clone(&batch));
        (batch, 0)
    }

    /// Closes the batch, if nobody has, and gives the running load.
    fn run(&self, batch: &Arc<Batch<L>>) -> Running<L::Value> {
        lock(&self.open).retain(|open| !Arc::ptr_eq(open, batch));
        let mut state = lock(&batch.state);
        let (keys, waiting) = match &mut *state {
            State::Running(running) => return running.clone(),
            State::Gathering { keys, waiting, .. } => (std::mem::take(keys), std::mem::take(waiting)),
        };
        let (loader, arguments) = (Arc::clone(&self.loader), batch.arguments.clone());
        let load = async move {
            match AssertUnwindSafe(loader.load(arguments, keys)).catch_unwind().await {
                Ok(values) => values.map(|values| Arc::new(Mutex::new(values.into_iter().map(Some).collect()))),
                Err(_) => Err(BatchError::Panicked),
            }
        };
        let running = load.boxed().shared();
        *state = State::Running(running.clone());
        drop(state);
        waiting.into_values().for_each(Waker::wake);
        running
    }
}

impl<L: Loader> Batch<L> {
    /// Waits until the batch runs, or until it has lost the one who would run it.
    async fn begun(&self, place: usize) {
        std::future::poll_fn(|context| match &mut *lock(&self.state) {
            State::Gathering { waiting, abandoned: false, .. } => {
                waiting.insert(place, context.waker().clone());
                Poll::Pending
            }
            State::Gathering { .. } | State::Running(_) => Poll::Ready(()),
        })
        .await;
    }
}

/// Held by the first one while it waits for its siblings; dropped, it wakes them to take over.
struct FirstTurn<'b, L: Loader> {
    dispatcher: &'b Dispatcher<L>,
    batch: &'b Arc<Batch<L>>,
}

impl<L: Loader> Drop for FirstTurn<'_, L> {
    fn drop(&mut self) {
        if let State::Gathering { waiting, abandoned, .. } = &mut *lock(&self.batch.state) {
            *abandoned = true;
            for (_, waker) in waiting.drain() {
                waker.wake();
            }
        }
        // Nobody who comes later should load the keys of those who left.
        lock(&self.dispatcher.open).retain(|open| !Arc::ptr_eq(open, self.batch));
    }
}

/// Is pending once, and wakes itself.
async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// No code panics while it holds one of these locks; if one did, the value would still be whole.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
