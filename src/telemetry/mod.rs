//! What an operator sees: metrics, slow operations, the log, spans.
//!
//! **Invariants:** what is counted is kept in the [`Telemetry`] of one [`Api`](crate::graphql::Api), never in the process, so that an
//! embedding application has its own metrics beside it; no label holds what a client sent; a request that meets nothing
//! unusual only adds to numbers, and writes no line.
//!
//! `graphql` tells of operations, `database` of statements, `http` and `app` of the rest.

mod log;
mod metrics;
mod observed;
#[cfg(feature = "otlp")]
mod otlp;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use self::log::{LogFormat, LogGuard, start_log};
use self::metrics::Metrics;
pub use self::metrics::{Kind, Outcome, WebhookOutcome};
pub use self::observed::{Observed, Statement};
#[cfg(feature = "otlp")]
pub(crate) use self::otlp::{continue_trace, describe_request};
use crate::code::Code;
use crate::database::Database;

/// What is observed of one [`Api`](crate::graphql::Api) and of the server around it. Cloning is cheap and shares it.
#[derive(Clone)]
pub struct Telemetry(Arc<Shared>);

struct Shared {
    metrics: Metrics,
    /// An operation that takes longer is logged; none is where there is no such time.
    slow_operation: Option<Duration>,
    /// How many operations have ended.
    ended: AtomicU64,
}

/// After so many operations their samples are put into the histograms' buckets, whether anybody looks at the metrics or not:
/// until then each takes some bytes. It takes about as long as one statement.
const UPKEEP_EVERY: u64 = 1024;

impl Telemetry {
    /// Nothing was observed yet. Operations that take longer than `slow_operation` will be logged.
    #[must_use]
    pub fn new(slow_operation: Option<Duration>) -> Self {
        Self(Arc::new(Shared { metrics: Metrics::new(), slow_operation, ended: AtomicU64::new(0) }))
    }

    /// An operation begins.
    #[must_use]
    pub fn begin(&self) -> Arc<Observed> {
        Arc::new(Observed::new(self.clone()))
    }

    /// Something is read for no operation of its own: its statements are counted, and nothing else.
    #[must_use]
    pub fn observe_only(&self) -> Arc<Observed> {
        Arc::new(Observed::of_no_operation(self.clone()))
    }

    /// A subscription begins; it counts as open until the value is dropped.
    #[must_use]
    pub fn open_subscription(&self) -> OpenSubscription {
        self.0.metrics.subscriptions.increment(1);
        OpenSubscription(self.clone())
    }

    /// A request was refused before it reached the schema.
    pub fn count_refusal(&self, code: Code) {
        self.0.metrics.error(code).increment(1);
    }

    /// An event was sent to a webhook.
    pub fn webhook_attempt(&self, outcome: WebhookOutcome) {
        self.0.metrics.webhook_attempts(outcome).increment(1);
    }

    /// A connection from a client was taken; it counts as open until the value is dropped.
    #[must_use]
    pub fn open_connection(&self) -> OpenConnection {
        self.0.metrics.connections.increment(1);
        OpenConnection(self.clone())
    }

    /// All metrics in Prometheus's text format, with the pools of `database` as they are now.
    #[must_use]
    pub fn render(&self, database: &Database) -> String {
        self.0.metrics.set_pools(&database.pool_statuses());
        self.0.metrics.set_servers(&database.server_statuses(), database.moved_reads());
        self.0.metrics.render()
    }

    fn count_end(&self) {
        if self.0.ended.fetch_add(1, Ordering::Relaxed) % UPKEEP_EVERY == UPKEEP_EVERY - 1 {
            self.0.metrics.run_upkeep();
        }
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self::new(Some(Duration::from_secs(1)))
    }
}

/// A connection from a client.
pub struct OpenConnection(Telemetry);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.0.metrics.connections.decrement(1);
    }
}

/// A subscription that is followed.
pub struct OpenSubscription(Telemetry);

impl Drop for OpenSubscription {
    fn drop(&mut self) {
        self.0.0.metrics.subscriptions.decrement(1);
    }
}
