//! Requests that the schema makes up: whatever is sent, the answer is one of GraphQL, of the types that the schema says, and
//! no fault of ours.
//!
//! `THROUGHLINE_FUZZ_CASES` says how many requests there are on each database (5,000), `THROUGHLINE_FUZZ_SEED` the seed of the
//! first one; a failure names its own.

mod check;
mod generate;
mod types;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use fastrand::Rng;
use serde_json::{Value, json};
use throughline::Throughline;
use throughline::access::Caller;
use tower::ServiceExt as _;

use self::check::Checker;
use self::generate::Generator;
use self::types::Types;
use crate::support::{Backend, TestDatabase};

on_both! {
    every_answer_is_one_that_the_schema_allows,
}

fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

async fn every_answer_is_one_that_the_schema_allows(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let throughline = Throughline::builder().database(&test.url).build().await.unwrap();
    let router = throughline.router().layer(axum::Extension(Caller::local_owner()));
    let types = Types::read();
    let mut ids = make_rows(&router).await;
    let cases = number("THROUGHLINE_FUZZ_CASES").unwrap_or(5_000);
    let first = number("THROUGHLINE_FUZZ_SEED").unwrap_or(1);
    let mut tally = Tally::default();
    for seed in first..first + cases {
        let mut generator = Generator::new(&types, &ids, Rng::with_seed(seed));
        let document = generator.document();
        let request =
            json!({ "query": document.text, "variables": document.variables, "extensions": { "cost": true } });
        let (status, body) = send(&router, &request, seed % 2 == 0).await;
        let fail = |reason: &str| panic!("THROUGHLINE_FUZZ_SEED={seed}: {reason}\n{request}\n{status}: {body}");
        let answer: Value = serde_json::from_str(&body).unwrap_or_else(|_| fail("no JSON"));
        if status.is_server_error() {
            fail("a fault of ours");
        }
        if let Err(reason) = Checker::new(&types).answer(&document, &answer) {
            fail(&reason);
        }
        tally.count(&answer);
        generate::collect_ids(&answer, &mut ids);
    }
    println!("{tally:?}");
    // A generator that is refused everything would find nothing.
    let enough = |count: u64, percent: u64| assert!(count * 100 >= cases * percent, "{tally:?} of {cases}");
    if cases >= 1_000 {
        enough(tally.whole, 25);
        enough(tally.partial, 3);
        enough(tally.refused, 10);
    }
}

/// How the requests were answered.
#[derive(Debug, Default)]
struct Tally {
    whole: u64,
    partial: u64,
    refused: u64,
}

impl Tally {
    fn count(&mut self, answer: &Value) {
        match (answer.get("data"), answer.get("errors")) {
            (Some(_), None) => self.whole += 1,
            (Some(_), Some(_)) => self.partial += 1,
            _ => self.refused += 1,
        }
    }
}

async fn send(router: &axum::Router, request: &Value, newer: bool) -> (StatusCode, String) {
    let accept = if newer { "application/graphql-response+json" } else { "application/json" };
    let sent = Request::post("/graphql").header("content-type", "application/json").header("accept", accept);
    let sent = sent.body(Body::from(request.to_string())).unwrap();
    let response = router.clone().oneshot(sent).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// Rows to begin with, and their ids.
async fn make_rows(router: &axum::Router) -> Vec<String> {
    let document = r#"mutation {
        applyChanges(input: { steps: [
            { name: "p", change: { createProject: { name: "p" } } }
            { name: "a", change: { createFeature: { projectId: "$ref:p", name: "a" } } }
            { name: "b", change: { createFeature: { projectId: "$ref:p", name: "b" } } }
            { name: "t", change: { createTestCase: { featureId: "$ref:a", name: "t" } } }
        ] }) { results { node { id } } auditLogs { id } events { id } userErrors { message } }
    }"#;
    let (_, body) = send(router, &json!({ "query": document }), false).await;
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answer["data"]["applyChanges"]["userErrors"], json!([]), "{answer}");
    let mut ids = Vec::new();
    generate::collect_ids(&answer, &mut ids);
    assert!(ids.len() > 8, "{ids:?}");
    ids
}
