//! Measures writes: one feature at a time beside a handler written by hand that writes the same rows, and what many at once take.

use std::fmt::Write as _;
use std::time::Instant;

use anyhow::{Context, ensure};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::load::{self, Request};
use crate::questions::Answerer;
use crate::reads::{Effort, Round, measure_once, median};
use crate::server::{FilledDatabase, Programs, Server, count_statements};

/// What was measured of one database.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    database: &'static str,
    create_feature: Vec<Beside>,
    /// Statements for one feature, those of the payload too.
    statements: Option<u64>,
    /// In milliseconds, as one client sees it.
    one_feature_ms: f64,
    thousand_features_ms: f64,
    ten_thousand_runs_ms: Vec<f64>,
}

/// Ours beside the handler written by hand, with some clients.
#[derive(Debug, Serialize)]
struct Beside {
    clients: usize,
    ours_per_second: f64,
    ours_cpu_ms: f64,
    ours_p99_ms: f64,
    limit_per_second: f64,
    limit_cpu_ms: f64,
    /// Ours by the limit's: 1 is as good, less is better.
    cpu_ratio: f64,
}

/// More than anybody makes in a measurement.
const REQUESTS_PER_SECOND: f64 = 12_000.0;

pub(crate) fn measure(
    programs: &Programs,
    database: &FilledDatabase,
    clients: &[usize],
    effort: Effort,
) -> anyhow::Result<Measured> {
    let ours = Server::start(programs, Answerer::Ours, database)?;
    let project = ask(&ours, "mutation { createProject(input: {name: \"written\"}) { project { id } } }", &json!({}))?;
    let project = project["data"]["createProject"]["project"]["id"].as_str().context("no project was made")?.to_owned();
    let make = |name: &str| graphql(CREATE, &json!({ "p": project, "n": name }));
    let key = uuid_of(&project)?;
    let mut names = Names::default();
    let limit = Server::start(programs, Answerer::Limit, database)?;
    let make_by_hand = |name: &str| {
        let head = format!("POST /create/{key}/{name} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
        head.into_bytes()
    };

    let mut create_feature = Vec::new();
    for &clients in clients {
        let (mut of_ours, mut of_limit) = (Vec::new(), Vec::new());
        // The first round warms up.
        for round in 0..=effort.rounds {
            let requests = names.requests(effort, &make);
            let seen = measure_once(&ours.address, &requests, clients, effort.duration(), &ours.processes(database))?;
            let requests = names.requests(effort, &make_by_hand);
            let by_hand =
                measure_once(&limit.address, &requests, clients, effort.duration(), &limit.processes(database))?;
            if round > 0 {
                of_ours.push(seen);
                of_limit.push(by_hand);
            }
        }
        create_feature.push(Beside::of(clients, &of_ours, &of_limit));
    }
    drop(limit);
    let one = names.next();
    let statements = count_statements(database, Answerer::Ours, || load::ask(&ours.address, &make(&one)).map(drop))?;
    let mut one_feature = Vec::new();
    for _ in 0..50 {
        let request = make(&names.next());
        one_feature.push(timed(|| load::ask(&ours.address, &request).map(drop))?);
    }
    let mut thousand_features = Vec::new();
    for _ in 0..5 {
        let items: Vec<Value> = (0..1000).map(|_| json!({ "projectId": project, "name": names.next() })).collect();
        thousand_features.push(timed(|| {
            let body = ask(&ours, CREATE_MANY, &json!({ "items": items }))?;
            ensure!(body["data"]["createFeatures"]["userErrors"] == json!([]), "{body}");
            Ok(())
        })?);
    }
    let feature = ask(&ours, CREATE, &json!({ "p": project, "n": names.next() }))?;
    let feature = feature["data"]["createFeature"]["feature"]["id"].clone();
    let mut runs = Vec::new();
    for status in ["PASSED", "FAILED"] {
        let results: Vec<Value> = (0..10_000)
            .map(|number| json!({ "featureId": feature, "name": format!("t{number}"), "status": status }))
            .collect();
        runs.push(timed(|| {
            let body = ask(&ours, RECORD, &json!({ "results": results }))?;
            ensure!(body["data"]["recordTestRuns"]["userErrors"] == json!([]), "{body}");
            Ok(())
        })?);
    }
    Ok(Measured {
        database: database.name,
        create_feature,
        statements,
        one_feature_ms: median(one_feature.into_iter()),
        thousand_features_ms: median(thousand_features.into_iter()),
        ten_thousand_runs_ms: runs,
    })
}

const CREATE: &str = "mutation($p: ID!, $n: String!) {
    createFeature(input: {projectId: $p, name: $n}) { feature { id name } userErrors { code } } }";
const CREATE_MANY: &str = "mutation($items: [CreateFeatureInput!]!) {
    createFeatures(input: {features: $items}) { userErrors { code } } }";
const RECORD: &str = "mutation($results: [TestRunInput!]!) {
    recordTestRuns(input: {results: $results}) { userErrors { code } } }";

/// Names that nobody has.
#[derive(Default)]
struct Names(u64);

impl Names {
    fn next(&mut self) -> String {
        self.0 += 1;
        format!("made-{}", self.0)
    }

    fn requests(&mut self, effort: Effort, make: &impl Fn(&str) -> Vec<u8>) -> Vec<Request> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some ten thousands")]
        let count = (effort.seconds * REQUESTS_PER_SECOND) as usize;
        (0..count).map(|_| Request { bytes: make(&self.next()), answer_length: None }).collect()
    }
}

impl Beside {
    fn of(clients: usize, ours: &[Round], limit: &[Round]) -> Self {
        let of = |rounds: &[Round], value: fn(&Round) -> f64| median(rounds.iter().map(value));
        Self {
            clients,
            ours_per_second: of(ours, |round| round.requests_per_second),
            ours_cpu_ms: of(ours, |round| round.cpu_ms),
            ours_p99_ms: of(ours, |round| round.p99_ms),
            limit_per_second: of(limit, |round| round.requests_per_second),
            limit_cpu_ms: of(limit, |round| round.cpu_ms),
            cpu_ratio: median(ours.iter().zip(limit).map(|(ours, limit)| ours.cpu_ms / limit.cpu_ms)),
        }
    }
}

fn graphql(document: &str, variables: &Value) -> Vec<u8> {
    let body = json!({ "query": document, "variables": variables }).to_string();
    let head = "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn ask(server: &Server, document: &str, variables: &Value) -> anyhow::Result<Value> {
    Ok(serde_json::from_slice(&load::ask(&server.address, &graphql(document, variables))?)?)
}

/// How many milliseconds something takes.
fn timed(action: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let began = Instant::now();
    action()?;
    Ok(began.elapsed().as_secs_f64() * 1e3)
}

/// The UUID that an id of a client stands for: 26 digits of base 32.
fn uuid_of(id: &str) -> anyhow::Result<Uuid> {
    let digits = id.rsplit_once('_').context("no id")?.1;
    let mut number = 0_u128;
    for digit in digits.bytes() {
        let value = b"0123456789abcdefghjkmnpqrstvwxyz".iter().position(|known| *known == digit);
        number = number << 5 | value.context("no digit")? as u128;
    }
    Ok(Uuid::from_u128(number))
}

/// The measurements as a table.
pub(crate) fn table(measured: &[Measured]) -> String {
    let mut text = String::from(
        "| database | clients | ours/s | p99 ms | CPU ms | by hand/s | CPU ms | CPU ours / by hand |\n|---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for Measured { database, create_feature, .. } in measured {
        for line in create_feature {
            let _ = writeln!(
                text,
                "| {database} | {} | {:.0} | {:.2} | {:.3} | {:.0} | {:.3} | **{:.2}** |",
                line.clients,
                line.ours_per_second,
                line.ours_p99_ms,
                line.ours_cpu_ms,
                line.limit_per_second,
                line.limit_cpu_ms,
                line.cpu_ratio
            );
        }
    }
    for line in measured {
        let _ = writeln!(
            text,
            "{}: one feature {:.1} ms ({} statements), 1,000 features {:.1} ms ({:.1} x), 10,000 test runs {:?} ms",
            line.database,
            line.one_feature_ms,
            line.statements.map_or_else(|| "?".to_owned(), |count| count.to_string()),
            line.thousand_features_ms,
            line.thousand_features_ms / line.one_feature_ms,
            line.ten_thousand_runs_ms.iter().map(|ms| ms.round()).collect::<Vec<_>>(),
        );
    }
    text
}
