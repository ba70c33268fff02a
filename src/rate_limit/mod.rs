//! How much a caller may ask for in a minute, in points: what an operation costs is what the limit of costs counts it as.
//!
//! A budget is a bucket that holds the points of a minute, and fills evenly. Whoever sends an operation pays one point before anything of it
//! is read, and the rest of its cost once that is known and before anything is done; see docs/decisions/0016.
//!
//! **Invariants:** an operation is paid for before it is work, and one that cannot be paid for is not work; what is kept of callers is
//! bounded, however many there are.

mod budget;
pub mod graphql;
mod payer;

use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use self::budget::Budget;
pub use self::payer::Payer;

/// How many points a minute has. Without a number there is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateSettings {
    /// For each identity.
    pub identity: Option<NonZeroU32>,
    /// For each address from which somebody asks without one.
    pub address: Option<NonZeroU32>,
}

/// The budgets of all callers. Cloning is cheap, and clones share them.
#[derive(Clone, Default)]
pub struct RateLimits(Arc<Budgets>);

#[derive(Default)]
struct Budgets {
    identity: Option<Budget>,
    address: Option<Budget>,
}

/// What one operation is paid with. Cloning is cheap, and clones pay together.
#[derive(Clone)]
pub struct Meter(Arc<Metered>);

struct Metered {
    limits: RateLimits,
    payer: Payer,
    standing: Mutex<Standing>,
}

/// What a caller has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whose budget it is: `identity` or `address`.
    pub of: &'static str,
    /// The points of a minute.
    pub limit: u32,
    /// Those that are left.
    pub remaining: u32,
    /// How long it takes until all are there again, if no more are spent.
    pub full_after: Duration,
    /// What the operation has cost so far.
    pub cost: u64,
}

/// That an operation could not be paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limited {
    /// What there is.
    pub standing: Standing,
    /// How long it takes until there is enough for all of the operation.
    pub retry_after: Duration,
}

impl RateLimits {
    /// As many points as the settings say.
    #[must_use]
    pub fn new(settings: RateSettings) -> Self {
        let RateSettings { identity, address } = settings;
        let identity = identity.map(|points| Budget::new("identity", points));
        Self(Arc::new(Budgets { identity, address: address.map(|points| Budget::new("address", points)) }))
    }

    /// Pays for the beginning of an operation, whatever it turns out to be. There is no meter where there is no limit.
    ///
    /// # Errors
    /// Where nothing is left.
    pub fn begin(&self, payer: Payer) -> Result<Option<Meter>, Limited> {
        let Some(budget) = self.budget(&payer) else { return Ok(None) };
        let standing = Standing { cost: 1, ..budget.pay(&payer, 1, 1)? };
        Ok(Some(Meter(Arc::new(Metered { limits: self.clone(), payer, standing: Mutex::new(standing) }))))
    }

    fn budget(&self, payer: &Payer) -> Option<&Budget> {
        match payer {
            Payer::Identity(_) => self.0.identity.as_ref(),
            Payer::Address(_) => self.0.address.as_ref(),
        }
    }
}

impl Meter {
    /// The most that one operation can cost.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.standing().limit.into()
    }

    /// Pays the rest of an operation that costs so much in all.
    ///
    /// # Errors
    /// Where too little is left.
    pub fn pay(&self, cost: u64) -> Result<Standing, Limited> {
        let rest = cost.saturating_sub(self.standing().cost);
        if rest == 0 {
            return Ok(self.standing());
        }
        // Who comes again pays the beginning again.
        let (standing, paid) = match self.take(rest, cost) {
            Ok(standing) => (Standing { cost, ..standing }, Ok(())),
            Err(limited) => (Standing { cost: self.standing().cost, ..limited.standing }, Err(limited)),
        };
        self.keep(standing);
        paid.map(|()| standing)
    }

    /// Waits until so much can be paid, and pays it: what a subscription does for each of its answers. Nothing is paid where the future is
    /// dropped before it is done.
    pub async fn pay_in_time(&self, cost: u64) {
        while let Err(limited) = self.take(cost.max(1), cost.max(1)) {
            tokio::time::sleep(limited.retry_after).await;
        }
    }

    /// What the payer had left when something was paid with it last.
    #[must_use]
    pub fn standing(&self) -> Standing {
        *self.0.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, standing: Standing) {
        *self.0.standing.lock().unwrap_or_else(PoisonError::into_inner) = standing;
    }

    fn take(&self, points: u64, to_have: u64) -> Result<Standing, Limited> {
        match self.0.limits.budget(&self.0.payer) {
            Some(budget) => budget.pay(&self.0.payer, points, to_have),
            None => Ok(self.standing()),
        }
    }
}

impl Limited {
    /// In whole seconds, as clients are told; then there is enough.
    #[must_use]
    pub fn retry_after_s(&self) -> u64 {
        whole_seconds(self.retry_after).max(1)
    }
}

/// Seconds, rounded up.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Meter").field(&self.standing()).finish()
    }
}

tokio::task_local! {
    /// What the operation is paid with that runs in this task, all of whose fields are computed in it.
    static METER: Option<Meter>;
}

/// Runs an operation, whose fields can tell what it was paid with.
pub(crate) async fn metered<T>(meter: Option<Meter>, operation: impl Future<Output = T>) -> T {
    METER.scope(meter, operation).await
}
