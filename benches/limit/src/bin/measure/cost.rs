//! What a returned row costs while the database grows.

use std::collections::HashMap;
use std::fmt::Write;

use serde::Serialize;

use crate::data::Size;
use crate::load;
use crate::questions::{self, Answerer, Question};
use crate::reads::{Effort, measure_once, median};
use crate::server::{FilledDatabase, Programs, Server};

/// What was measured of one question on one database of one size, with one client.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Cost {
    pub(crate) database: &'static str,
    pub(crate) question: &'static str,
    /// Tests in the database.
    pub(crate) tests: u64,
    /// Rows that an answer returns, of all levels.
    pub(crate) rows: u64,
    /// The median request's time, shared out among its rows.
    pub(crate) microseconds_per_row: f64,
    /// The same of the time of processors, of the server and the database.
    pub(crate) cpu_microseconds_per_row: f64,
}

/// Measures the questions with one client.
pub(crate) fn measure(
    programs: &Programs,
    database: &FilledDatabase,
    size: Size,
    questions: &[Question],
    effort: Effort,
) -> anyhow::Result<Vec<Cost>> {
    let mut costs = Vec::new();
    for &question in questions {
        let mut addresses = HashMap::new();
        let mut servers = HashMap::new();
        for answerer in question.answerers() {
            let server = Server::start(programs, *answerer, database)?;
            addresses.insert(*answerer, server.address.clone());
            servers.insert(*answerer, server);
        }
        let requests = questions::prepare(question, size, &addresses)?;
        let (server, requests) = (&servers[&Answerer::Ours], &requests[&Answerer::Ours]);
        load::run(&server.address, requests, 1, effort.duration())?;
        let mut rounds = Vec::new();
        for _ in 0..effort.rounds {
            let processes = server.processes(database);
            rounds.push(measure_once(&server.address, requests, 1, effort.duration(), &processes)?);
        }
        #[expect(clippy::cast_precision_loss, reason = "a page has at most some thousand rows")]
        let per_row = |milliseconds: f64| milliseconds * 1e3 / question.rows() as f64;
        costs.push(Cost {
            database: database.name,
            question: question.name(),
            tests: size.all_tests(),
            rows: question.rows(),
            microseconds_per_row: per_row(median(rounds.iter().map(|round| round.p50_ms))),
            cpu_microseconds_per_row: per_row(median(rounds.iter().map(|round| round.cpu_ms))),
        });
    }
    Ok(costs)
}

/// The costs as a table in Markdown.
pub(crate) fn table(costs: &[Cost]) -> String {
    let mut text = String::from(
        "| database | query | tests in it | rows of an answer | µs a row | CPU µs a row |\n|---|---|--:|--:|--:|--:|\n",
    );
    for cost in costs {
        let Cost { database, question, tests, rows, microseconds_per_row, cpu_microseconds_per_row } = cost;
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "| {database} | {question} | {tests} | {rows} | {microseconds_per_row:.2} | {cpu_microseconds_per_row:.2} |"
        );
    }
    text
}
