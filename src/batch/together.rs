//! Requests that look up single rows in the same way at the same time are answered by one statement: what a loader does within a
//! request, among requests.
//!
//! Whoever finds that nobody asks asks at once. Whoever comes while a statement of the same plan runs waits for its end, and the first one of
//! those then asks for all of them: so the more there is to do, the more is done by each statement.
//!
//! **Invariants:** a statement is shared by those alone who would send it word for word, values included, but for the keys: so each gets
//! what it would have read by itself, whoever it is. It is sent after everybody who shares it has come, so that each sees what was
//! committed before it came. Whatever becomes of another one's request, or of its statement, nobody waits for it for long, and nobody fails
//! by it: who was not answered asks again, at last alone.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sea_orm::Values;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

use super::BatchError;
use super::dispatch::lock;

/// Who asks by one statement now.
pub(crate) struct Together<K, V>(Mutex<State<K, V>>);

struct State<K, V> {
    /// How many statements run.
    running: usize,
    /// What the last of them was sent with, but for the keys.
    values: Values,
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
    others: Vec<(usize, oneshot::Sender<Vec<V>>)>,
}

type Answer<V> = Result<Vec<V>, BatchError>;

/// What somebody is to do who has come to ask.
enum Part<'t, K, V> {
    /// Ask at once.
    Alone(Running<'t, K, V>),
    /// Wait for the turn, and ask for all who have come by then.
    First(First<'t, K, V>),
    /// Wait for what was found.
    Other(oneshot::Receiver<Vec<V>>),
}

/// The longest that anybody waits for the end of a statement before its own.
const SHORT: Duration = Duration::from_millis(2);
/// The longest that anybody waits for another one to ask and to be answered.
const PATIENCE: Duration = Duration::from_millis(50);
/// The most keys that one asks for who may share: with more, there is little to save.
pub(crate) const FEW: usize = 4;
/// The most keys that are asked for together.
const MOST: usize = 256;
/// How often somebody tries to share who was not answered.
const TRIES: usize = 2;

impl<K: Copy, V> Together<K, V> {
    /// Lets `ask` find what these keys name, or shares another's finding. `values` are what it asks with, but for the keys.
    pub(crate) async fn ask<F>(&self, values: Values, keys: &[K], ask: impl Fn(Vec<K>) -> F) -> Answer<V>
    where
        F: Future<Output = Answer<V>>,
    {
        for _ in 0..TRIES {
            match self.join(&values, keys) {
                Part::Alone(_running) => return ask(keys.to_vec()).await,
                Part::First(first) => {
                    let (_running, Members { keys: all, others }) = first.turn().await;
                    return Ok(share(ask(all).await?, keys.len(), others));
                }
                Part::Other(found) => {
                    // Who would have asked may have gone, fail, or wait for something of its own.
                    if let Ok(Ok(found)) = timeout(PATIENCE, found).await {
                        return Ok(found);
                    }
                }
            }
        }
        let _running = lock(&self.0).begin(self, &values);
        ask(keys.to_vec()).await
    }

    fn join(&self, values: &Values, keys: &[K]) -> Part<'_, K, V> {
        let mut state = lock(&self.0);
        match &state.waiting {
            Some(group) => {
                if let Some(found) = group.add(values, keys) {
                    return Part::Other(found);
                }
            }
            None if state.running > 0 && state.values == *values => {
                let members = Members { keys: keys.to_vec(), others: Vec::new() };
                let group = Group { values: values.clone(), turn: Notify::new(), members: Mutex::new(members) };
                let group = Arc::new(group);
                state.waiting = Some(Arc::clone(&group));
                return Part::First(First { together: self, group });
            }
            None => {}
        }
        Part::Alone(state.begin(self, values))
    }
}

impl<K, V> Default for Together<K, V> {
    fn default() -> Self {
        Self(Mutex::new(State { running: 0, values: Values(Vec::new()), waiting: None }))
    }
}

impl<K, V> State<K, V> {
    fn begin<'t>(&mut self, together: &'t Together<K, V>, values: &Values) -> Running<'t, K, V> {
        self.running += 1;
        self.values = values.clone();
        Running(together)
    }

    fn leave(&mut self, group: &Arc<Group<K, V>>) {
        self.waiting.take_if(|waiting| Arc::ptr_eq(waiting, group));
    }
}

impl<K: Copy, V> Group<K, V> {
    /// Takes somebody in who asks the same, as long as there is room.
    fn add(&self, values: &Values, keys: &[K]) -> Option<oneshot::Receiver<Vec<V>>> {
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

/// Gives each its part of what was found, and the first one its own.
fn share<V>(found: Vec<V>, own: usize, others: Vec<(usize, oneshot::Sender<Vec<V>>)>) -> Vec<V> {
    let mut found = found.into_iter();
    let own = found.by_ref().take(own).collect();
    for (count, sender) in others {
        // Who does not wait any more needs nothing.
        let _ = sender.send(found.by_ref().take(count).collect());
    }
    own
}

/// Held by the first one of those who wait. Dropped, it lets the others ask again.
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
        let running = state.begin(self.together, &self.group.values);
        drop(state);
        let mut members = lock(&self.group.members);
        (running, Members { keys: std::mem::take(&mut members.keys), others: std::mem::take(&mut members.others) })
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

impl<K, V> Drop for Running<'_, K, V> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.0);
        state.running -= 1;
        if let Some(waiting) = &state.waiting {
            waiting.turn.notify_one();
        }
    }
}

#[cfg(test)]
mod tests;
