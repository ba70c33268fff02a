//! Plans that are kept for the requests to come: of one operation, one for each way in which requests decide it.

use std::sync::{Arc, PoisonError, RwLock};

/// Plans, the oldest first.
pub(super) struct Kept<P>(RwLock<Vec<Arc<P>>>);

/// More ways to decide one operation than clients have in practice; one that exceeds them is planned more often.
const MOST_PLANS: usize = 32;

impl<P> Default for Kept<P> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<P> Kept<P> {
    /// The first plan that serves a request, and what the request fills it with.
    pub(super) fn find<F>(&self, serve: impl Fn(&P) -> Option<F>) -> Option<(Arc<P>, F)> {
        let plans = self.0.read().unwrap_or_else(PoisonError::into_inner);
        plans.iter().find_map(|plan| Some((Arc::clone(plan), serve(plan)?)))
    }

    /// Keeps a plan, unless another request has made the same meanwhile. The oldest one goes for it.
    pub(super) fn keep<F>(&self, plan: &Arc<P>, serve: impl Fn(&P) -> Option<F>) {
        let mut plans = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if plans.iter().any(|known| serve(known).is_some()) {
            return;
        }
        if plans.len() == MOST_PLANS {
            plans.remove(0);
        }
        plans.push(Arc::clone(plan));
    }
}
