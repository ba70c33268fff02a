//! Explaining runs statements again: those that read, where nothing can be written, and no longer than the request may take.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use throughline::access::Caller;
use throughline::database::PoolOptions;
use throughline::graphql::{Api, Request, Settings};

use super::explained;
use crate::support::{Backend, Client, Rows, Tables, TestDatabase, leaves_postgres_out};

on_both!(
    a_mutation_is_carried_out_once,
    a_dry_run_leaves_nothing,
    what_took_too_long_is_planned_alone,
    explaining_ends_with_the_time_of_the_request,
    nothing_is_recorded_unless_it_is_asked_for,
);

const CREATE: &str = "mutation($project: ID!, $dry: Boolean!) {
    createFeature(input: { projectId: $project, name: \"new\" }, dryRun: $dry) {
        made: feature { name project { name } tests(first: 3) { totalCount nodes { name } } } userErrors { code } } }";

async fn a_mutation_is_carried_out_once(backend: Backend) {
    let client = Client::new(TestDatabase::new(backend).await);
    let rows = Rows::of(&client.test.database);
    let variables = json!({ "project": project(&client).await, "dry": false });
    let answer = explained(&client, CREATE, variables).await;
    assert_eq!(answer["data"]["createFeature"]["made"]["name"], "new", "{answer}");
    // The project has an event and an audit row, too.
    for (table, rows_of_it) in [("features", 1), ("features_view", 1), ("events", 2), ("audit_logs", 2)] {
        assert_eq!(rows.count(&format!("SELECT count(*) FROM {table}")).await, rows_of_it, "{table}");
    }
    // Its payload was read, and that is told.
    let report = &answer["extensions"]["explain"];
    let paths: Vec<_> = statements(report).iter().map(|statement| statement["paths"][0].clone()).collect();
    for path in ["createFeature.made", "createFeature.made.tests", "createFeature.made.tests.totalCount"] {
        assert!(paths.contains(&json!(path)), "{path} is not among {paths:?}");
    }
    for statement in statements(report) {
        assert!(statement["sql"].as_str().unwrap().starts_with("SELECT"), "{statement}");
        assert!(statement["measured"].is_object(), "{statement}");
    }
}

async fn a_dry_run_leaves_nothing(backend: Backend) {
    let client = Client::new(TestDatabase::new(backend).await);
    let project = project(&client).await;
    let before = Tables::read(&client.test.database).await;
    let answer = explained(&client, CREATE, json!({ "project": project, "dry": true })).await;
    assert_eq!(answer["data"]["createFeature"]["made"]["name"], "new", "{answer}");
    assert!(!statements(&answer["extensions"]["explain"]).is_empty(), "{answer}");
    assert_eq!(Tables::read(&client.test.database).await, before);
}

/// A statement that was stopped is not run again, but its plan may tell why.
async fn what_took_too_long_is_planned_alone(backend: Backend) {
    let test = TestDatabase::with_demo(backend).await;
    let rows = Rows::of(&test.database);
    let slow = match backend {
        Backend::Postgres => "(SELECT pg_sleep(60))",
        Backend::Sqlite => {
            "(SELECT count(*) FROM (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n))"
        }
    };
    rows.run("ALTER TABLE projects RENAME TO kept_projects").await.unwrap();
    rows.run(&format!("CREATE VIEW projects AS SELECT kept_projects.* FROM kept_projects CROSS JOIN {slow} AS slow"))
        .await
        .unwrap();
    let pool = PoolOptions { statement_timeout: Some(Duration::from_millis(600)), ..PoolOptions::default() };
    let test = test.reopened(&pool).await;
    let answer = run(&Api::new(test.database.clone(), Settings::default())).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "STATEMENT_TIMEOUT", "{answer}");
    let statement = &answer["extensions"]["explain"]["statements"][0];
    assert_eq!(
        (&statement["rows"], &statement["problem"]),
        (&Value::Null, &json!("it failed in the request, and is planned alone"))
    );
    let measured = statement["measured"].as_object().unwrap();
    assert!(measured.len() == 1 && measured["plan"].to_string().contains("kept_projects"), "{statement}");
}

/// What is not explained by the time at which the request has to be answered is left out, and told to be.
async fn explaining_ends_with_the_time_of_the_request(backend: Backend) {
    let mut test = TestDatabase::with_demo(backend).await;
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let timeout = Duration::from_secs(3);
    // Two statements are those of the request, the third one explains the first of them.
    test.database.inject_faults(move || {
        if counted.fetch_add(1, Ordering::Relaxed) == 2 {
            std::thread::sleep(timeout);
        }
        None
    });
    let api = Api::new(test.database.clone(), Settings { timeout: Some(timeout), ..Settings::default() });
    let answer = run(&api).await;
    assert!(answer["data"]["projects"]["nodes"][0]["name"].is_string(), "{answer}");
    let statement = &answer["extensions"]["explain"]["statements"][1];
    assert_eq!(statement["problem"], "the time of the request was over", "{statement}");
    assert!(statement["measured"].is_null() && statement["rows"].is_number(), "{statement}");
    assert_eq!(calls.load(Ordering::Relaxed), 3, "it is not even begun");
}

/// A statement may take as long when it is explained as when it is run, and no longer; and it is explained where nothing can be written.
/// (On SQLite a test beside the code sees to both.)
#[tokio::test]
async fn a_statement_that_is_explained_has_its_time() {
    if leaves_postgres_out() {
        return;
    }
    let test = TestDatabase::with_demo(Backend::Postgres).await;
    let rows = Rows::of(&test.database);
    rows.run("ALTER TABLE projects RENAME TO kept_projects").await.unwrap();
    let sleep = "pg_sleep(CASE WHEN current_setting('transaction_read_only') = 'on' THEN 60 ELSE 0 END)";
    rows.run(&format!("CREATE VIEW projects AS SELECT kept_projects.* FROM kept_projects CROSS JOIN {sleep}"))
        .await
        .unwrap();
    let pool = PoolOptions { statement_timeout: Some(Duration::from_secs(1)), ..PoolOptions::default() };
    let test = test.reopened(&pool).await;
    let api = Api::new(test.database.clone(), Settings::default());
    let began = Instant::now();
    let answer = run(&api).await;
    let statement = &answer["extensions"]["explain"]["statements"][0];
    assert_eq!(statement["problem"], "the statement took too long and was stopped", "{answer}");
    assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
    // The connection, whose transaction could not write, is not used again: there it would sleep.
    let again = Request::new("{ projects { nodes { name } } }");
    assert!(api.execute(again, Caller::local_owner(), String::new()).await.is_whole());
}

async fn run(api: &Api) -> Value {
    let request =
        Request::new("{ projects(first: 5) { nodes { name features(first: 1) { nodes { name } } } } }").explained();
    let answer = api.execute(request, Caller::local_owner(), "request-1".to_owned()).await;
    serde_json::from_slice(&answer.body).unwrap()
}

/// Without being asked for, there is nothing told, and no statement more is run.
async fn nothing_is_recorded_unless_it_is_asked_for(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    client.statements.take();
    let answer =
        client.run("{ projects(first: 3) { nodes { name features(first: 2) { nodes { name } } } } }", json!({})).await;
    assert_eq!(answer.get("extensions"), None, "{answer}");
    assert_eq!(client.statements.count(), 2);
}

/// A new project's id.
async fn project(client: &Client) -> Value {
    let mut data = client.data("mutation { createProject(input: { name: \"x\" }) { project { id } } }").await;
    data["createProject"]["project"]["id"].take()
}

fn statements(report: &Value) -> &[Value] {
    report["statements"].as_array().unwrap()
}
