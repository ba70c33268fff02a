//! Every metric: its name, its meaning, its labels. docs/OPERATIONS.md has the table.
//!
//! **Invariant:** a label's values come from this program's own text: types, outcomes, codes, field names of the schema.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use metrics::{Counter, Gauge, Histogram, Label, Unit, counter, gauge, histogram, with_local_recorder};
use metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use crate::code::Code;
use crate::database::{PoolStatus, ServerStatus};

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Its document does not tell.
    Unknown,
    /// It reads.
    Query,
    /// It writes.
    Mutation,
    /// It wants to be told of what happens.
    Subscription,
}

/// What a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of it was answered.
    Ok,
    /// It ran, and something failed.
    Error,
    /// It was not run, since it asked for what it may not.
    Refused,
    /// Whoever asked went away, or it was dropped at the end of the server.
    Cancelled,
}

/// What became of an attempt to send an event to a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookOutcome {
    /// The receiver has taken it.
    Taken,
    /// It has not.
    NotTaken,
}

/// The metrics of one [`Telemetry`](super::Telemetry). Their handles are made once: who counts looks nothing up.
pub(super) struct Metrics {
    recorder: Arc<PrometheusRecorder>,
    handle: PrometheusHandle,
    requests: [[Counter; 4]; 4],
    durations: [Histogram; 4],
    pub(super) cost: Histogram,
    pub(super) connections: Gauge,
    pub(super) subscriptions: Gauge,
    webhook_attempts: [Counter; 2],
    errors: Vec<Counter>,
    loaders: RwLock<HashMap<&'static str, Arc<Loader>>>,
}

/// What is counted for one field that is loaded.
pub(super) struct Loader {
    pub(super) duration: Histogram,
    pub(super) keys: Histogram,
}

const REQUESTS: &str = "throughline_requests_total";
const REQUEST_DURATION: &str = "throughline_request_duration_seconds";
const REQUEST_COST: &str = "throughline_request_cost";
const ERRORS: &str = "throughline_errors_total";
const STATEMENT_DURATION: &str = "throughline_statement_duration_seconds";
const STATEMENT_KEYS: &str = "throughline_statement_keys";
const POOL_SIZE: &str = "throughline_pool_size";
const POOL_IDLE: &str = "throughline_pool_idle";
const POOL_WAITERS: &str = "throughline_pool_waiters";
const SERVER_ANSWERS: &str = "throughline_database_server_answers";
const SERVER_IS_PRIMARY: &str = "throughline_database_server_is_primary";
const SERVER_LAG: &str = "throughline_database_server_lag_seconds";
const MOVED_READS: &str = "throughline_moved_reads_total";
const CONNECTIONS: &str = "throughline_open_connections";
const SUBSCRIPTIONS: &str = "throughline_open_subscriptions";
const WEBHOOK_ATTEMPTS: &str = "throughline_webhook_attempts_total";

/// From a point query on a warm file to the longest that a request may take.
const SECONDS: [f64; 16] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Up to the largest batch.
const KEYS: [f64; 9] = [1.0, 2.0, 5.0, 20.0, 50.0, 200.0, 1000.0, 5000.0, 10_000.0];
/// Up to ten times the budget that is set where nobody sets one.
const COST: [f64; 10] = [1.0, 5.0, 20.0, 100.0, 500.0, 1000.0, 2500.0, 5000.0, 10_000.0, 100_000.0];

impl Kind {
    const ALL: [Self; 4] = [Self::Unknown, Self::Query, Self::Mutation, Self::Subscription];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Query => "query",
            Self::Mutation => "mutation",
            Self::Subscription => "subscription",
        }
    }

    /// The kind that has this place among all.
    pub(super) fn at(place: u8) -> Self {
        Self::ALL.get(usize::from(place)).copied().unwrap_or(Self::Unknown)
    }
}

impl Outcome {
    const ALL: [Self; 4] = [Self::Ok, Self::Error, Self::Refused, Self::Cancelled];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Metrics {
    pub(super) fn new() -> Self {
        let recorder = Arc::new(buckets().build_recorder());
        let handle = recorder.handle();
        let requests = |kind: Kind| {
            Outcome::ALL.map(|outcome| counter!(REQUESTS, "type" => kind.as_str(), "outcome" => outcome.as_str()))
        };
        with_local_recorder(&*recorder, || {
            describe();
            Self {
                handle,
                requests: Kind::ALL.map(requests),
                durations: Kind::ALL.map(|kind| histogram!(REQUEST_DURATION, "type" => kind.as_str())),
                cost: histogram!(REQUEST_COST),
                connections: gauge!(CONNECTIONS),
                subscriptions: gauge!(SUBSCRIPTIONS),
                webhook_attempts: ["taken", "not_taken"]
                    .map(|outcome| counter!(WEBHOOK_ATTEMPTS, "outcome" => outcome)),
                errors: Code::ALL.iter().map(|code| counter!(ERRORS, "code" => code.as_str())).collect(),
                loaders: RwLock::default(),
                recorder: Arc::clone(&recorder),
            }
        })
    }

    pub(super) fn requests(&self, kind: Kind, outcome: Outcome) -> &Counter {
        &self.requests[kind as usize][outcome as usize]
    }

    pub(super) fn duration(&self, kind: Kind) -> &Histogram {
        &self.durations[kind as usize]
    }

    pub(super) fn webhook_attempts(&self, outcome: WebhookOutcome) -> &Counter {
        &self.webhook_attempts[outcome as usize]
    }

    pub(super) fn error(&self, code: Code) -> Counter {
        let place = Code::ALL.iter().position(|known| *known == code);
        place.and_then(|place| self.errors.get(place)).cloned().unwrap_or_else(Counter::noop)
    }

    /// What is counted for a field of this name, which is one of the schema's.
    pub(super) fn loader(&self, name: &'static str) -> Arc<Loader> {
        if let Some(known) = self.loaders.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Arc::clone(known);
        }
        let loader = with_local_recorder(&*self.recorder, || Loader {
            duration: histogram!(STATEMENT_DURATION, "loader" => name),
            keys: histogram!(STATEMENT_KEYS, "loader" => name),
        });
        let loader = Arc::new(loader);
        self.loaders.write().unwrap_or_else(PoisonError::into_inner).insert(name, Arc::clone(&loader));
        loader
    }

    pub(super) fn set_pools(&self, pools: &[PoolStatus]) {
        #[expect(clippy::cast_precision_loss, reason = "no pool has as many connections as a double cannot tell apart")]
        let number = |count: usize| count as f64;
        with_local_recorder(&*self.recorder, || {
            for PoolStatus { name, server, size, idle, waiters } in pools {
                let mut labels = vec![Label::from_static_parts("pool", name)];
                labels.extend(server.map(|server| Label::new("server", server.to_string())));
                gauge!(POOL_SIZE, labels.clone()).set(number(*size));
                gauge!(POOL_IDLE, labels.clone()).set(number(*idle));
                if let Some(waiters) = waiters {
                    gauge!(POOL_WAITERS, labels).set(number(*waiters));
                }
            }
        });
    }

    /// What is known of the database's servers, where there are several, and how many reads went elsewhere than they should.
    pub(super) fn set_servers(&self, servers: &[ServerStatus], (failed, unserved): (u64, u64)) {
        let truth = |is: bool| if is { 1.0 } else { 0.0 };
        with_local_recorder(&*self.recorder, || {
            for ServerStatus { number, is_primary, answers, lag } in servers {
                let server = number.to_string();
                gauge!(SERVER_ANSWERS, "server" => server.clone()).set(truth(*answers));
                gauge!(SERVER_IS_PRIMARY, "server" => server.clone()).set(truth(*is_primary));
                gauge!(SERVER_LAG, "server" => server).set(lag.as_secs_f64());
            }
            if !servers.is_empty() {
                counter!(MOVED_READS, "reason" => "server_failed").absolute(failed);
                counter!(MOVED_READS, "reason" => "no_replica").absolute(unserved);
            }
        });
    }

    pub(super) fn render(&self) -> String {
        self.handle.render()
    }

    pub(super) fn run_upkeep(&self) {
        self.handle.run_upkeep();
    }
}

/// Without buckets the exporter would make summaries, which cannot be added up over servers.
fn buckets() -> PrometheusBuilder {
    let buckets: [(&str, &[f64]); 4] =
        [(REQUEST_DURATION, &SECONDS), (STATEMENT_DURATION, &SECONDS), (STATEMENT_KEYS, &KEYS), (REQUEST_COST, &COST)];
    buckets.into_iter().fold(PrometheusBuilder::new(), |builder, (name, values)| {
        // Refused only where there are none.
        builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), values).unwrap_or_default()
    })
}

fn describe() {
    describe_counter!(REQUESTS, Unit::Count, "GraphQL requests by operation type and outcome.");
    describe_histogram!(
        REQUEST_DURATION,
        Unit::Seconds,
        "Seconds from a request's arrival at the schema to its answer, by operation type."
    );
    describe_histogram!(REQUEST_COST, Unit::Count, "Objects that an operation asks for, as limits count them.");
    describe_counter!(ERRORS, Unit::Count, "Errors in answers, by code.");
    describe_histogram!(
        STATEMENT_DURATION,
        Unit::Seconds,
        "Seconds that an SQL statement took, with the wait for a connection, by the field that it loads."
    );
    describe_histogram!(
        STATEMENT_KEYS,
        Unit::Count,
        "Parents or ids that an SQL statement loads for, by the field that it loads."
    );
    describe_gauge!(POOL_SIZE, Unit::Count, "Connections to the database that are open, by pool and server.");
    describe_gauge!(POOL_IDLE, Unit::Count, "Connections to the database that nobody uses, by pool and server.");
    describe_gauge!(
        POOL_WAITERS,
        Unit::Count,
        "Requests that wait for a connection to the database, by pool and server."
    );
    describe_gauge!(SERVER_ANSWERS, Unit::Count, "Whether a database server answers, by its place in the settings.");
    describe_gauge!(SERVER_IS_PRIMARY, Unit::Count, "Whether a database server is the one that writes go to.");
    describe_gauge!(SERVER_LAG, Unit::Seconds, "Seconds that a replica is behind the primary.");
    describe_counter!(MOVED_READS, Unit::Count, "Reads that went to another database server, by why.");
    describe_gauge!(CONNECTIONS, Unit::Count, "Connections from clients that are open.");
    describe_gauge!(SUBSCRIPTIONS, Unit::Count, "Subscriptions that are followed.");
    describe_counter!(
        WEBHOOK_ATTEMPTS,
        Unit::Count,
        "Attempts to send an event to a webhook, by whether it was taken."
    );
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_metric_is_there_and_described() {
        let metrics = Metrics::new();
        metrics.requests(Kind::Query, Outcome::Refused).increment(2);
        metrics.error(Code::InvalidId).increment(1);
        metrics.duration(Kind::Mutation).record(0.003);
        metrics.cost.record(7.0);
        metrics.webhook_attempts(WebhookOutcome::NotTaken).increment(3);
        metrics.loader("features").keys.record(20.0);
        metrics.loader("features").duration.record(0.2);
        let pool = PoolStatus { name: "read", server: None, size: 3, idle: 2, waiters: Some(1) };
        metrics.set_pools(&[pool.clone(), PoolStatus { server: Some(2), size: 5, ..pool }]);
        let lag = Duration::from_millis(1500);
        metrics.set_servers(&[ServerStatus { number: 2, is_primary: false, answers: true, lag }], (4, 5));
        let text = metrics.render();
        for line in [
            r#"throughline_requests_total{type="query",outcome="refused"} 2"#,
            r#"throughline_requests_total{type="mutation",outcome="ok"} 0"#,
            r#"throughline_errors_total{code="INVALID_ID"} 1"#,
            r#"throughline_request_duration_seconds_bucket{type="mutation",le="0.005"} 1"#,
            r#"throughline_request_duration_seconds_bucket{type="mutation",le="0.0025"} 0"#,
            "throughline_request_cost_sum 7",
            r#"throughline_statement_keys_sum{loader="features"} 20"#,
            r#"throughline_statement_duration_seconds_count{loader="features"} 1"#,
            r#"throughline_pool_idle{pool="read"} 2"#,
            r#"throughline_pool_waiters{pool="read"} 1"#,
            r#"throughline_pool_size{pool="read",server="2"} 5"#,
            r#"throughline_database_server_answers{server="2"} 1"#,
            r#"throughline_database_server_is_primary{server="2"} 0"#,
            r#"throughline_database_server_lag_seconds{server="2"} 1.5"#,
            r#"throughline_moved_reads_total{reason="server_failed"} 4"#,
            r#"throughline_moved_reads_total{reason="no_replica"} 5"#,
            "throughline_open_connections 0",
            "throughline_open_subscriptions 0",
            r#"throughline_webhook_attempts_total{outcome="taken"} 0"#,
            r#"throughline_webhook_attempts_total{outcome="not_taken"} 3"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        let names: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
        for name in names {
            assert!(text.contains(&format!("# HELP {name} ")), "{name} is not described");
        }
    }

    #[test]
    fn places_are_those_of_the_lists() {
        assert!(Kind::ALL.iter().enumerate().all(|(place, kind)| *kind as usize == place));
        assert!(Outcome::ALL.iter().enumerate().all(|(place, outcome)| *outcome as usize == place));
    }
}
