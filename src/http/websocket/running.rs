//! What runs on a connection, by the client's names for it.
//!
//! **Invariant:** what is not among it any more is aborted, or has ended by itself.

use std::collections::HashMap;

use tokio::task::AbortHandle;

/// The operations that run.
#[derive(Default)]
pub(super) struct Running {
    operations: HashMap<String, One>,
    /// How many there have been.
    begun: u64,
}

struct One {
    number: u64,
    /// Whether it is a subscription that has begun.
    follows: bool,
    task: AbortHandle,
}

impl Running {
    pub(super) fn len(&self) -> usize {
        self.operations.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Whether the client's name is in use.
    pub(super) fn has(&self, id: &str) -> bool {
        self.operations.contains_key(id)
    }

    /// Whether it is this operation that the name stands for: the client may have given it to another one meanwhile.
    pub(super) fn is_current(&self, id: &str, number: u64) -> bool {
        self.operations.get(id).is_some_and(|one| one.number == number)
    }

    /// Begins an operation, which is told its number.
    pub(super) fn begin(&mut self, id: String, spawn: impl FnOnce(u64) -> AbortHandle) {
        self.begun += 1;
        let one = One { number: self.begun, follows: false, task: spawn(self.begun) };
        self.operations.insert(id, one);
    }

    /// Notes that an operation is a subscription.
    pub(super) fn follows(&mut self, id: &str) {
        if let Some(one) = self.operations.get_mut(id) {
            one.follows = true;
        }
    }

    /// Ends an operation, if it has not ended by itself.
    pub(super) fn end(&mut self, id: &str) {
        if let Some(one) = self.operations.remove(id) {
            one.task.abort();
        }
    }

    /// Ends subscriptions, which their clients begin anew elsewhere.
    pub(super) fn end_subscriptions(&mut self) {
        self.operations.retain(|_, one| {
            if one.follows {
                one.task.abort();
            }
            !one.follows
        });
    }

    /// Ends all.
    pub(super) fn end_all(&mut self) {
        for (_, one) in self.operations.drain() {
            one.task.abort();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end_all();
    }
}
