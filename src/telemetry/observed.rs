//! One operation, as it is observed from its beginning to its end.
//!
//! **Invariants:** it is counted once: with what it came to, or as cancelled where its last reference goes without an end;
//! what a client calls its operation is put into no line but cut to [`LONGEST_NAME`] characters of a GraphQL name.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_graphql::Name;
use async_graphql::parser::types::OperationType;

use super::Telemetry;
use super::metrics::{Kind, Loader, Outcome};
use crate::code::Code;

/// An operation while it runs; shared by whatever works on it.
pub struct Observed {
    telemetry: Telemetry,
    began: Instant,
    kind: AtomicU8,
    name: OnceLock<Name>,
    /// [`UNKNOWN`] until it is told.
    cost: AtomicU64,
    statements: AtomicU64,
    has_ended: AtomicBool,
}

const UNKNOWN: u64 = u64::MAX;
/// Longer names are cut in the log.
const LONGEST_NAME: usize = 64;

impl Observed {
    pub(super) fn new(telemetry: Telemetry) -> Self {
        Self {
            telemetry,
            began: Instant::now(),
            kind: AtomicU8::new(Kind::Unknown as u8),
            name: OnceLock::new(),
            cost: AtomicU64::new(UNKNOWN),
            statements: AtomicU64::new(0),
            has_ended: AtomicBool::new(false),
        }
    }

    pub(super) fn of_no_operation(telemetry: Telemetry) -> Self {
        let observed = Self::new(telemetry);
        observed.has_ended.store(true, Ordering::Relaxed);
        observed
    }

    /// Tells what the document turned out to ask for.
    pub fn asks_for(&self, kind: OperationType, name: Option<&Name>) {
        let kind = match kind {
            OperationType::Query => Kind::Query,
            OperationType::Mutation => Kind::Mutation,
            OperationType::Subscription => Kind::Subscription,
        };
        self.kind.store(kind as u8, Ordering::Relaxed);
        if let Some(name) = name {
            let _ = self.name.set(name.clone());
        }
    }

    /// Tells how many objects it asks for, whether it may or not.
    pub fn costs(&self, objects: u64) {
        self.cost.store(objects, Ordering::Relaxed);
        self.telemetry.0.metrics.cost.record(to_double(objects));
    }

    /// A statement begins, which loads the field `loader` for so many keys. It has ended when the value is dropped.
    pub fn statement(&self, loader: &'static str, keys: usize) -> Statement {
        self.statements.fetch_add(1, Ordering::Relaxed);
        Statement { loader: self.telemetry.0.metrics.loader(loader), keys, began: Instant::now() }
    }

    /// How many statements have begun.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// The answer is made. `codes` are those of its errors.
    pub fn end(&self, outcome: Outcome, codes: impl IntoIterator<Item = Code>) {
        for code in codes {
            self.telemetry.count_refusal(code);
        }
        self.count(outcome);
    }

    fn count(&self, outcome: Outcome) {
        if self.has_ended.swap(true, Ordering::Relaxed) {
            return;
        }
        let (metrics, took) = (&self.telemetry.0.metrics, self.began.elapsed());
        let kind = Kind::at(self.kind.load(Ordering::Relaxed));
        metrics.requests(kind, outcome).increment(1);
        metrics.duration(kind).record(took);
        self.telemetry.count_end();
        if self.telemetry.0.slow_operation.is_some_and(|slow| took >= slow) {
            self.log_slow(kind, outcome, took);
        }
    }

    fn log_slow(&self, kind: Kind, outcome: Outcome, took: Duration) {
        let cost = Some(self.cost.load(Ordering::Relaxed)).filter(|cost| *cost != UNKNOWN);
        tracing::warn!(
            operation = self.name.get().map_or_else(String::new, |name| printable(name)),
            r#type = kind.as_str(),
            outcome = outcome.as_str(),
            cost,
            statements = self.statements(),
            duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "a slow operation"
        );
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        // A panic is answered as an error, by whoever catches it.
        let outcome = if std::thread::panicking() { Outcome::Error } else { Outcome::Cancelled };
        self.count(outcome);
    }
}

/// A statement while it runs.
pub struct Statement {
    loader: Arc<Loader>,
    keys: usize,
    began: Instant,
}

impl Drop for Statement {
    fn drop(&mut self) {
        self.loader.duration.record(self.began.elapsed());
        self.loader.keys.record(to_double(self.keys as u64));
    }
}

/// What a client called its operation, as it may stand in a line.
fn printable(name: &str) -> String {
    name.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_').take(LONGEST_NAME).collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts that large are bounds, not counts")]
fn to_double(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(telemetry: &Telemetry, labels: &str) -> Option<String> {
        let text = telemetry.0.metrics.render();
        let name = format!("throughline_requests_total{{{labels}}} ");
        text.lines().find_map(|line| line.strip_prefix(&name).map(str::to_owned))
    }

    #[test]
    fn an_operation_is_counted_once() {
        let telemetry = Telemetry::new(None);
        let observed = telemetry.begin();
        observed.asks_for(OperationType::Query, None);
        observed.end(Outcome::Ok, []);
        drop(observed);
        assert_eq!(requests(&telemetry, r#"type="query",outcome="ok""#).as_deref(), Some("1"));
        assert_eq!(requests(&telemetry, r#"type="query",outcome="cancelled""#).as_deref(), Some("0"));
        drop(telemetry.begin());
        assert_eq!(requests(&telemetry, r#"type="unknown",outcome="cancelled""#).as_deref(), Some("1"));
    }

    #[test]
    fn a_name_is_cut_to_what_may_stand_in_a_line() {
        assert_eq!(printable("Find_1"), "Find_1");
        assert_eq!(printable("a\"\n\u{1b}[31mü b"), "a31mb");
        assert_eq!(printable(&"x".repeat(1000)).len(), 64);
    }
}
