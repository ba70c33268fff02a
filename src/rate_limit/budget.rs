//! Budgets of one kind, by payer: governor's, with a bound on how many it keeps.
//!
//! **Invariant:** at most [`MOST_KEPT`] budgets are kept. Those that are full are forgotten, which makes no difference; where that is not
//! enough, payers who come new pay from one budget together, so that no number of addresses buys more, and nobody who was there before
//! notices.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock, Reference as _};
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::{DashMapStateStore, ShrinkableKeyedStateStore};
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};

use super::{Limited, Payer, Standing};

/// How many budgets are kept, of about 100 bytes each.
const MOST_KEPT: usize = 100_000;
/// How often those that are full are forgotten, at most.
const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// The budgets of all payers of one kind.
pub(super) struct Budget<C: Clock = DefaultClock> {
    of: &'static str,
    quota: Quota,
    limiter: RateLimiter<Payer, Bounded, C, StateInformationMiddleware>,
    clock: C,
    began: C::Instant,
    /// When they were last gone through, in seconds since the beginning.
    swept_at: AtomicU64,
}

impl Budget {
    pub(super) fn new(of: &'static str, per_minute: NonZeroU32) -> Self {
        Self::with_clock(of, per_minute, MOST_KEPT, DefaultClock::default())
    }
}

impl<C: Clock + Clone> Budget<C> {
    fn with_clock(of: &'static str, per_minute: NonZeroU32, most: usize, clock: C) -> Self {
        let quota = Quota::per_minute(per_minute);
        let limiter = RateLimiter::new(quota, Bounded::new(most), clock.clone());
        Self { of, quota, limiter, began: clock.now(), clock, swept_at: AtomicU64::new(0) }
    }

    /// Takes points from a payer's budget; where that is too little, tells when `to_have` will be there.
    pub(super) fn pay(&self, payer: &Payer, points: u64, to_have: u64) -> Result<Standing, Limited> {
        self.sweep();
        let points = NonZeroU32::new(u32::try_from(points).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN);
        match self.limiter.check_key_n(payer, points) {
            Ok(Ok(state)) => Ok(self.standing(state.remaining_burst_capacity())),
            Ok(Err(until)) => {
                let (wait, each) = (until.wait_time_from(self.clock.now()), self.quota.replenish_interval());
                let missing = wait.as_nanos().div_ceil(each.as_nanos().max(1));
                let remaining = points.get().saturating_sub(u32::try_from(missing).unwrap_or(u32::MAX));
                let more = u32::try_from(to_have).unwrap_or(u32::MAX).saturating_sub(points.get());
                Err(Limited {
                    standing: self.standing(remaining),
                    retry_after: wait.saturating_add(each.saturating_mul(more)),
                })
            }
            // Whoever knows the limit asks for no more than that.
            Err(_) => Err(Limited { standing: self.standing(0), retry_after: Duration::from_mins(1) }),
        }
    }

    fn standing(&self, remaining: u32) -> Standing {
        let limit = self.quota.burst_size().get();
        let full_after = self.quota.replenish_interval().saturating_mul(limit.saturating_sub(remaining));
        Standing { of: self.of, limit, remaining, full_after, cost: 0 }
    }

    /// Forgets the budgets that are full, now and then.
    fn sweep(&self) {
        let elapsed: Duration = self.clock.now().duration_since(self.began).into();
        let (now, last) = (elapsed.as_secs(), self.swept_at.load(Ordering::Relaxed));
        let is_time = now >= last + SWEEP_EVERY.as_secs();
        if is_time && self.swept_at.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.limiter.retain_recent();
        }
    }
}

/// What governor knows of each payer, for so many of them.
struct Bounded {
    known: DashMapStateStore<Payer>,
    /// Of all who came when there was no room for more.
    others: InMemoryState,
    most: usize,
}

impl Bounded {
    fn new(most: usize) -> Self {
        Self { known: DashMapStateStore::default(), others: InMemoryState::default(), most }
    }
}

impl StateStore for Bounded {
    type Key = Payer;

    fn measure_and_replace<T, F, E>(&self, payer: &Payer, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        // Several may come at once where there is room for one: the bound is not exact, and need not be.
        if self.known.len() >= self.most && !self.known.contains_key(payer) {
            return self.others.measure_and_replace(&NotKeyed::NonKey, measure);
        }
        self.known.measure_and_replace(payer, measure)
    }
}

impl ShrinkableKeyedStateStore<Payer> for Bounded {
    fn retain_recent(&self, drop_below: Nanos) {
        self.known.retain_recent(drop_below);
    }

    fn shrink_to_fit(&self) {
        self.known.shrink_to_fit();
    }

    fn len(&self) -> usize {
        self.known.len()
    }

    fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    const PER_MINUTE: NonZeroU32 = NonZeroU32::new(60).unwrap();

    fn budget(most: usize) -> (Budget<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (Budget::with_clock("identity", PER_MINUTE, most, clock.clone()), clock)
    }

    fn payer(number: usize) -> Payer {
        Payer::Identity(number.to_string())
    }

    #[test]
    fn a_budget_is_spent_and_fills_again() {
        let (budget, clock) = budget(10);
        let (ada, bob) = (payer(1), payer(2));
        let paid = budget.pay(&ada, 50, 50).unwrap();
        assert_eq!((paid.limit, paid.remaining, paid.full_after.as_secs()), (60, 10, 50));
        // Eleven points are one too many; nothing of them is taken.
        let limited = budget.pay(&ada, 11, 11).unwrap_err();
        assert_eq!((limited.standing.remaining, limited.retry_after_s()), (10, 1));
        // Who has paid one point of thirty will pay it again.
        assert_eq!(budget.pay(&ada, 29, 30).unwrap_err().retry_after_s(), 20);
        assert_eq!(budget.pay(&bob, 60, 60).unwrap().remaining, 0);
        clock.advance(Duration::from_secs(20));
        assert_eq!(budget.pay(&ada, 30, 30).unwrap().remaining, 0);
        assert_eq!(budget.pay(&ada, 1, 1).unwrap_err().standing.remaining, 0);
        clock.advance(Duration::from_mins(10));
        assert_eq!(budget.pay(&ada, 1, 1).unwrap().remaining, 59);
        assert!(budget.pay(&ada, 61, 61).is_err());
    }

    #[test]
    fn no_number_of_payers_buys_more_or_takes_more_room() {
        let (budget, clock) = budget(10);
        for number in 0..10 {
            assert_eq!(budget.pay(&payer(number), 1, 1).unwrap().remaining, 59);
        }
        // Those who come now pay together.
        let paid = (100..1000).filter(|number| budget.pay(&payer(*number), 1, 1).is_ok()).count();
        assert_eq!((paid, budget.limiter.len()), (60, 10));
        assert_eq!(budget.pay(&payer(3), 1, 1).unwrap().remaining, 58);
        // Full budgets are forgotten, and there is room again.
        clock.advance(Duration::from_mins(2));
        assert_eq!(budget.pay(&payer(500), 1, 1).unwrap().remaining, 59);
        assert_eq!(budget.pay(&payer(501), 1, 1).unwrap().remaining, 59);
        assert_eq!(budget.limiter.len(), 2);
    }
}
