//! Measures the four questions: who answers how many of them, how fast, and at what cost.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;

use crate::data::Size;
use crate::load::{self, Request};
use crate::process::{Processes, peak_memory};
use crate::questions::{self, Answerer, Question};
use crate::server::{FilledDatabase, Programs, Server, count_statements};

/// How long and how often it is measured.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Effort {
    /// Each round measures everybody once; what is reported is the median.
    pub(crate) rounds: usize,
    /// Of each measurement.
    pub(crate) seconds: f64,
}

impl Effort {
    /// Of each measurement.
    pub(crate) fn duration(self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

/// What was measured of one question, one database and one number of clients.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    pub(crate) database: &'static str,
    pub(crate) question: &'static str,
    pub(crate) clients: usize,
    pub(crate) ours: Figures,
    /// The handler of one statement.
    pub(crate) limit: Figures,
    /// The handler of several.
    pub(crate) split: Option<Figures>,
    /// The median of the rounds' ratios; 1 is as good as by hand, more is better.
    pub(crate) throughput_to_limit: f64,
    pub(crate) cpu_to_limit: f64,
    pub(crate) throughput_to_split: Option<f64>,
    pub(crate) cpu_to_split: Option<f64>,
}

/// Medians of the rounds.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Figures {
    pub(crate) requests_per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Of the server and the database together.
    pub(crate) cpu_ms_per_request: f64,
    /// Of the clients, that they do not take much of the machine.
    pub(crate) client_cpu_ms_per_request: f64,
    pub(crate) statements_per_request: Option<f64>,
    pub(crate) answer_bytes: f64,
    /// The most that the server has held until then, with those clients and with fewer.
    pub(crate) peak_memory_mb: f64,
    /// The rounds' throughputs, to tell how much they differ.
    pub(crate) rounds: Vec<f64>,
}

/// One measurement.
#[derive(Clone, Copy)]
pub(crate) struct Round {
    pub(crate) requests_per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) cpu_ms: f64,
    client_cpu_ms: f64,
    answer_bytes: f64,
}

/// Requests of which the statements are counted.
const COUNTED: usize = 10;
/// How long everybody is asked before the first round, so that caches and plans are warm.
const WARM_UP: Duration = Duration::from_millis(500);

/// Measures one question on one database, with each number of clients.
pub(crate) fn measure(
    programs: &Programs,
    database: &FilledDatabase,
    size: Size,
    question: Question,
    clients: &[usize],
    effort: Effort,
) -> anyhow::Result<Vec<Measured>> {
    let mut servers = HashMap::new();
    for answerer in question.answerers() {
        servers.insert(*answerer, Server::start(programs, *answerer, database)?);
    }
    let addresses = servers.iter().map(|(answerer, server)| (*answerer, server.address.clone())).collect();
    let requests = questions::prepare(question, size, &addresses)?;
    let mut statements = HashMap::new();
    for answerer in question.answerers() {
        let counted = count_statements(database, *answerer, || {
            for request in requests[answerer].iter().cycle().take(COUNTED) {
                load::ask(&addresses[answerer], &request.bytes)?;
            }
            Ok(())
        })?;
        #[expect(clippy::cast_precision_loss, reason = "these are small numbers")]
        statements.insert(*answerer, counted.map(|count| count as f64 / COUNTED as f64));
    }
    let mut measured = Vec::new();
    for &clients in clients {
        let mut rounds: HashMap<Answerer, Vec<Round>> = HashMap::new();
        for answerer in question.answerers() {
            load::run(&addresses[answerer], &requests[answerer], clients, WARM_UP)?;
        }
        for _ in 0..effort.rounds {
            for answerer in question.answerers() {
                let server = &servers[answerer];
                let processes = server.processes(database);
                let round = measure_once(&server.address, &requests[answerer], clients, effort.duration(), &processes)?;
                rounds.entry(*answerer).or_default().push(round);
            }
        }
        let figures = |answerer: Answerer| {
            Some(Figures {
                statements_per_request: *statements.get(&answerer)?,
                #[expect(clippy::cast_precision_loss, reason = "it is told in megabytes")]
                peak_memory_mb: peak_memory(servers.get(&answerer)?.process) as f64 / 1e6,
                ..Figures::of(rounds.get(&answerer)?)
            })
        };
        let ratio = |to: Answerer, of: fn(&Round) -> f64, more_is_better: bool| {
            let pairs = rounds[&Answerer::Ours].iter().zip(rounds.get(&to)?);
            let ratios = pairs.map(|(ours, to)| if more_is_better { of(ours) / of(to) } else { of(to) / of(ours) });
            Some(median(ratios))
        };
        measured.push(Measured {
            database: database.name,
            question: question.name(),
            clients,
            ours: figures(Answerer::Ours).unwrap_or_default(),
            limit: figures(Answerer::Limit).unwrap_or_default(),
            split: figures(Answerer::Split),
            throughput_to_limit: ratio(Answerer::Limit, |round| round.requests_per_second, true).unwrap_or(f64::NAN),
            cpu_to_limit: ratio(Answerer::Limit, |round| round.cpu_ms, false).unwrap_or(f64::NAN),
            throughput_to_split: ratio(Answerer::Split, |round| round.requests_per_second, true),
            cpu_to_split: ratio(Answerer::Split, |round| round.cpu_ms, false),
        });
    }
    Ok(measured)
}

#[expect(clippy::cast_precision_loss, reason = "counts of some seconds are far from where it would matter")]
pub(crate) fn measure_once(
    address: &str,
    requests: &[Request],
    clients: usize,
    duration: Duration,
    processes: &[Processes],
) -> anyhow::Result<Round> {
    let cpu = || processes.iter().map(|processes| processes.cpu_seconds()).sum::<f64>();
    let own = Processes::One(std::process::id());
    let (cpu_before, own_before) = (cpu(), own.cpu_seconds());
    let seen = load::run(address, requests, clients, duration)?;
    let (cpu_after, own_after) = (cpu(), own.cpu_seconds());
    let requests = seen.requests as f64;
    Ok(Round {
        requests_per_second: requests / seen.seconds,
        p50_ms: seen.latencies.value_at_quantile(0.5) as f64 / 1e3,
        p99_ms: seen.latencies.value_at_quantile(0.99) as f64 / 1e3,
        cpu_ms: (cpu_after - cpu_before) * 1e3 / requests,
        client_cpu_ms: (own_after - own_before) * 1e3 / requests,
        answer_bytes: seen.answer_bytes as f64 / requests,
    })
}

impl Figures {
    fn of(rounds: &[Round]) -> Self {
        let of = |value: fn(&Round) -> f64| median(rounds.iter().map(value));
        Self {
            requests_per_second: of(|round| round.requests_per_second),
            p50_ms: of(|round| round.p50_ms),
            p99_ms: of(|round| round.p99_ms),
            cpu_ms_per_request: of(|round| round.cpu_ms),
            client_cpu_ms_per_request: of(|round| round.client_cpu_ms),
            answer_bytes: of(|round| round.answer_bytes),
            rounds: rounds.iter().map(|round| round.requests_per_second).collect(),
            ..Self::default()
        }
    }
}

/// The middle value; of an even number of them the mean of both.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[count / 2],
        count => f64::midpoint(values[count / 2 - 1], values[count / 2]),
    }
}
