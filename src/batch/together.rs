//! Requests that ask the same thing at the same time are answered by one statement: what a loader does within a request, among requests.
//!
//! Whoever finds that nobody asks asks at once. Whoever comes while that statement runs waits for its end, and the first one of those
//! then asks for all of them: so the more there is to do, the more is done by each statement, and nobody waits who is alone.
//!
//! **Invariants:** a statement is shared by those alone who would send it word for word, values included, but for the keys: so each gets
//! what it would have read by itself, whoever it is. It is sent after everybody who shares it has come, so that each sees what was
//! committed before it came. Nobody depends on another one's request: whoever waits for one that ends asks by itself. What takes long is not waited for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::Values;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

use super::BatchError;

/// Who asks one statement now.
pub(crate) struct Together<K, V>(Mutex<State<K, V>>);

struct State<K, V> {
    /// How many statements run.
    running: usize,
    /// How long the last took that has ended.
    took: Duration,
    /// Those who wait to be asked for by one statement.
    waiting: Option<Arc<Group<K, V>>>,
}

/// Several requests, and what one of them is to ask for all.
struct Group<K, V> {
    /// All of the statement's values but for the keys.
    values: Values,
    turn: Notify,
    members: Mutex<Members<K, V>>,
}

struct Members<K, V> {
    keys: Vec<K>,
    /// For how many of the keys each waits who does not ask, and where it waits.
    others: Vec<(usize, oneshot::Sender<Answer<V>>)>,
}

type Answer<V> = Result<Vec<V>, BatchError>;

/// What somebody is to do who has come to ask.
enum Part<'t, K, V> {
    /// Ask at once.
    Alone(Running<'t, K, V>),
    /// Wait for the turn, and ask for all who have come by then.
    First(First<'t, K, V>),
    /// Wait for the answer.
    Other(oneshot::Receiver<Answer<V>>),
}

/// The longest that anybody waits for the end of another one's statement.
const SHORT: Duration = Duration::from_millis(2);
/// A statement that takes as long as this once it has a connection is not waited for at all.
const LONG: Duration = Duration::from_millis(5);
/// The most keys that one asks for who may share: with more, there is little to save.
pub(crate) const FEW: usize = 4;
/// The most keys that are asked for together.
const MOST: usize = 256;

impl<K: Copy, V> Together<K, V> {
    /// Lets `ask` find what these keys name, and how long its statement took, or shares another's finding. `values` are what it asks with, but
    /// for the keys.
    pub(crate) async fn ask<F>(&self, values: Values, keys: &[K], ask: impl Fn(Vec<K>) -> F) -> Answer<V>
    where
        F: Future<Output = Result<(Vec<V>, Duration), BatchError>>,
    {
        match self.join(values, keys) {
            Part::Alone(running) => running.end(ask(keys.to_vec()).await),
            Part::First(first) => {
                let (running, Members { keys: all, others }) = first.turn().await;
                share(running.end(ask(all).await), keys.len(), others)
            }
            Part::Other(answer) => match answer.await {
                Ok(answer) => answer,
                // Who would have asked has gone.
                Err(_) => Ok(ask(keys.to_vec()).await?.0),
            },
        }
    }

    fn join(&self, values: Values, keys: &[K]) -> Part<'_, K, V> {
        let mut state = self.lock();
        match &state.waiting {
            Some(group) => {
                if let Some(answer) = group.add(&values, keys) {
                    return Part::Other(answer);
                }
            }
            None if state.took < LONG && state.running > 0 => {
                let members = Members { keys: keys.to_vec(), others: Vec::new() };
                let group = Arc::new(Group { values, turn: Notify::new(), members: Mutex::new(members) });
                state.waiting = Some(Arc::clone(&group));
                return Part::First(First { together: self, group });
            }
            None => {}
        }
        Part::Alone(state.begin(self))
    }

    fn lock(&self) -> MutexGuard<'_, State<K, V>> {
        lock(&self.0)
    }
}

/// What runs is no part of what a statement is.
impl<K, V> PartialEq for Together<K, V> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<K, V> Default for Together<K, V> {
    fn default() -> Self {
        Self(Mutex::new(State { running: 0, took: Duration::MAX, waiting: None }))
    }
}

impl<K, V> State<K, V> {
    fn begin<'t>(&mut self, together: &'t Together<K, V>) -> Running<'t, K, V> {
        self.running += 1;
        Running(together)
    }
}

impl<K: Copy, V> Group<K, V> {
    /// Takes somebody in who asks the same, as long as there is room.
    fn add(&self, values: &Values, keys: &[K]) -> Option<oneshot::Receiver<Answer<V>>> {
        let mut members = lock(&self.members);
        if self.values != *values || members.keys.len() + keys.len() > MOST {
            return None;
        }
        members.keys.extend_from_slice(keys);
        let (sender, receiver) = oneshot::channel();
        members.others.push((keys.len(), sender));
        Some(receiver)
    }
}

/// Gives each its part of an answer, and the first one its own.
fn share<V>(answer: Answer<V>, own: usize, others: Vec<(usize, oneshot::Sender<Answer<V>>)>) -> Answer<V> {
    let mut found = match answer {
        Ok(found) => found.into_iter(),
        Err(error) => {
            for (_, sender) in others {
                let _ = sender.send(Err(error.clone()));
            }
            return Err(error);
        }
    };
    let own = found.by_ref().take(own).collect();
    for (count, sender) in others {
        // Who does not wait any more needs nothing.
        let _ = sender.send(Ok(found.by_ref().take(count).collect()));
    }
    Ok(own)
}

/// Held by the first one of those who wait. Dropped, it lets the others ask by themselves.
struct First<'t, K, V> {
    together: &'t Together<K, V>,
    group: Arc<Group<K, V>>,
}

impl<'t, K, V> First<'t, K, V> {
    /// Waits until the statement before has ended; who comes later waits for another one.
    async fn turn(self) -> (Running<'t, K, V>, Members<K, V>) {
        // Who has waited for long enough does not wait any more.
        let _ = timeout(SHORT, self.group.turn.notified()).await;
        let mut state = lock(&self.together.0);
        state.leave(&self.group);
        let running = state.begin(self.together);
        drop(state);
        let mut members = lock(&self.group.members);
        (running, Members { keys: std::mem::take(&mut members.keys), others: std::mem::take(&mut members.others) })
    }
}

impl<K, V> State<K, V> {
    fn leave(&mut self, group: &Arc<Group<K, V>>) {
        self.waiting.take_if(|waiting| Arc::ptr_eq(waiting, group));
    }
}

impl<K, V> Drop for First<'_, K, V> {
    fn drop(&mut self) {
        lock(&self.together.0).leave(&self.group);
        lock(&self.group.members).others.clear();
    }
}

/// Held while a statement runs. At its end, well or not, those who wait have their turn.
struct Running<'t, K, V>(&'t Together<K, V>);

impl<K, V> Running<'_, K, V> {
    fn end(self, answer: Result<(Vec<V>, Duration), BatchError>) -> Answer<V> {
        let (found, took) = answer?;
        lock(&self.0.0).took = took;
        Ok(found)
    }
}

impl<K, V> Drop for Running<'_, K, V> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.0);
        state.running -= 1;
        if let Some(waiting) = &state.waiting {
            waiting.turn.notify_one();
        }
    }
}

/// No code panics while it holds one of these locks; if one did, the value would still be whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
