//! What an operator sees of a server: health, metrics, the log.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use sea_orm::sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use serde_json::{Value, json};
use throughline::access::Unidentified;
use throughline::graphql::{Api, PageLimits};
use throughline::http::{Health, HttpSettings, Streams, router_with_operations};
use tower::ServiceExt as _;

use crate::support::{Backend, RunningServer, Statements, TestDatabase, program};

on_both!(
    it_is_ready_however_busy_the_pools_are,
    it_is_not_ready_before_its_migrations,
    requests_and_statements_are_counted
);

const READY: &str = r#"{"status":"ready"}"#;

fn served(test: &TestDatabase) -> Router {
    let api = Api::new(test.database.clone(), PageLimits::default());
    let settings = HttpSettings { unidentified: Unidentified::LocalOwner, ..HttpSettings::default() };
    router_with_operations(api, settings, Health::new(&test.database), Streams::default())
}

async fn get(router: &Router, path: &str) -> (StatusCode, String) {
    let response = router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn post(router: &Router, query: &str, variables: Value) -> Value {
    let body = json!({ "query": query, "variables": variables }).to_string();
    let request = Request::post("/graphql").header("content-type", "application/json").body(Body::from(body)).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    serde_json::from_slice(&to_bytes(response.into_body(), usize::MAX).await.unwrap()).unwrap()
}

async fn it_is_ready_however_busy_the_pools_are(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let router = served(&test);
    let mut held = Vec::new();
    if backend == Backend::Postgres {
        let pool = test.database.writer().get_postgres_connection_pool();
        for _ in 0..pool.options().get_max_connections() {
            held.push(pool.acquire().await.unwrap());
        }
    }
    let began = Instant::now();
    assert_eq!(get(&router, "/health/ready").await, (StatusCode::OK, READY.to_owned()));
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(get(&router, "/health/live").await, (StatusCode::OK, r#"{"status":"live"}"#.to_owned()));
}

async fn it_is_not_ready_before_its_migrations(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let router = served(&test);
    // The last one is not needed: it takes what an older server would miss.
    test.database.migrate_down(1).await.unwrap();
    assert_eq!(get(&router, "/health/ready").await.0, StatusCode::OK);
    test.database.migrate_down(1).await.unwrap();
    let failed = r#"{"failed":"migrations","status":"not ready"}"#;
    assert_eq!(get(&router, "/health/ready").await, (StatusCode::SERVICE_UNAVAILABLE, failed.to_owned()));
    assert_eq!(get(&router, "/health/live").await.0, StatusCode::OK);
    test.database.migrate().await.unwrap();
    assert_eq!(get(&router, "/health/ready").await.0, StatusCode::OK);
}

/// The value of the one line that begins with this.
fn value(metrics: &str, series: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{series} is not in\n{metrics}")).parse().unwrap()
}

/// The sum of the values of all series with this name.
fn sum(metrics: &str, name: &str) -> f64 {
    let lines = metrics.lines().filter(|line| line.starts_with(&format!("{name}{{")));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

async fn requests_and_statements_are_counted(backend: Backend) {
    let mut test = TestDatabase::with_demo(backend).await;
    let statements = Statements::observe(&mut test.database);
    let router = served(&test);
    let read = "query Secret($n: Int!) { features(first: $n) { nodes { name tests(first: 1) { nodes { name } } } } }";
    for _ in 0..3 {
        assert!(post(&router, read, json!({ "n": 7 })).await.get("errors").is_none());
    }
    let create = "mutation { createProject(input: {name: \"P\"}) { project { id } } }";
    assert!(post(&router, create, json!({})).await.get("errors").is_none());
    post(&router, "{ noSuchField }", json!({})).await;
    post(&router, "{ node(id: \"x\") { id } }", json!({})).await;
    post(&router, "{", json!({})).await;
    get(&router, "/nothing").await;

    let (status, metrics) = get(&router, "/metrics").await;
    assert_eq!(status, StatusCode::OK);
    for (series, expected) in [
        (r#"throughline_requests_total{type="query",outcome="ok"}"#, 3.0),
        (r#"throughline_requests_total{type="query",outcome="refused"}"#, 1.0),
        (r#"throughline_requests_total{type="query",outcome="error"}"#, 1.0),
        (r#"throughline_requests_total{type="mutation",outcome="ok"}"#, 1.0),
        (r#"throughline_requests_total{type="unknown",outcome="refused"}"#, 1.0),
        (r#"throughline_requests_total{type="query",outcome="cancelled"}"#, 0.0),
        (r#"throughline_request_duration_seconds_count{type="query"}"#, 5.0),
        (r#"throughline_errors_total{code="GRAPHQL_VALIDATION_FAILED"}"#, 1.0),
        (r#"throughline_errors_total{code="GRAPHQL_PARSE_FAILED"}"#, 1.0),
        (r#"throughline_errors_total{code="INVALID_ID"}"#, 1.0),
        (r#"throughline_errors_total{code="NOT_FOUND"}"#, 1.0),
        (r#"throughline_statement_duration_seconds_count{loader="features"}"#, 3.0),
        (r#"throughline_statement_duration_seconds_count{loader="tests"}"#, 3.0),
        // One list that belongs to nothing; then all seven parents at once.
        (r#"throughline_statement_keys_sum{loader="features"}"#, 3.0),
        (r#"throughline_statement_keys_sum{loader="tests"}"#, 21.0),
        (r#"throughline_pool_waiters{pool="read"}"#, 0.0),
        // Those whose documents are right.
        ("throughline_request_cost_count", 5.0),
    ] {
        #[expect(clippy::float_cmp, reason = "they are whole numbers")]
        let is_expected = value(&metrics, series) == expected;
        assert!(is_expected, "{series} should be {expected} in\n{metrics}");
    }
    let counted = sum(&metrics, "throughline_statement_duration_seconds_count");
    assert!((counted - f64::from(u32::try_from(statements.count()).unwrap())).abs() < 0.5, "{counted} statements");
    assert!(value(&metrics, r#"throughline_pool_size{pool="read"}"#) >= 1.0);
    assert!(!metrics.contains("Secret") && !metrics.contains("noSuchField"), "{metrics}");
}

#[tokio::test]
async fn readiness_follows_the_database() {
    if crate::support::leaves_postgres_out() {
        return;
    }
    let test = TestDatabase::new(Backend::Postgres).await;
    let server = RunningServer::start(&test.url);
    let ready = async || {
        let response = server.client.get(format!("{}/health/ready", server.address)).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    assert_eq!(ready().await, (200, READY.to_owned()));
    let mut url = reqwest::Url::parse(&test.url).unwrap();
    let name = url.path().trim_start_matches('/').to_owned();
    url.set_path("/postgres");
    let mut admin = PgConnection::connect(url.as_str()).await.unwrap();
    // What a server that is stopped looks like from here: connections end, and no new ones are taken.
    admin.execute(AssertSqlSafe(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"))).await.unwrap();
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    admin.execute(AssertSqlSafe(end)).await.unwrap();
    let began = Instant::now();
    assert_eq!(ready().await, (503, r#"{"failed":"database","status":"not ready"}"#.to_owned()));
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    admin.execute(AssertSqlSafe(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"))).await.unwrap();
    let began = Instant::now();
    while ready().await.0 != 200 {
        assert!(began.elapsed() < Duration::from_secs(10), "it does not become ready again");
    }
    // The log is read by a thread of its own.
    while !server.log().contains("ready again") && began.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let log = server.log();
    assert_eq!(log.matches("not ready").count(), 1, "{log}");
    assert_eq!(log.matches("ready again").count(), 1, "{log}");
}

/// A server with these settings, and the lines of its log that name a request.
async fn lines_of_a_request(arguments: &[&str], query: &str, operation: Option<&str>) -> Vec<Value> {
    let test = TestDatabase::with_demo(Backend::Sqlite).await;
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--database", &test.url]).args(arguments);
    let mut server = RunningServer::start_with(&mut command);
    let body = json!({ "query": query, "operationName": operation });
    let request = server.client.post(format!("{}/graphql", server.address)).header("x-request-id", "my-request");
    request.json(&body).send().await.unwrap();
    server.terminate();
    server.wait(Duration::from_secs(5)).unwrap();
    let log = server.log();
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line} is not JSON")));
    let lines: Vec<Value> = lines.collect();
    assert!(lines.iter().all(|line| line["level"].is_string() && line["message"].is_string()), "{log}");
    lines.into_iter().filter(|line| line["spans"][0]["request_id"] == "my-request").collect()
}

#[tokio::test]
async fn a_log_that_is_no_terminal_is_json_and_names_the_request() {
    let lines = lines_of_a_request(&["--log", "throughline=debug"], "{ __typename }", None).await;
    let answered = lines.iter().find(|line| line["message"] == "answered").expect("no line tells of the request");
    assert_eq!((&answered["status"], &answered["path"]), (&json!(200), &json!("/graphql")));
}

#[tokio::test]
async fn a_log_can_be_text() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--log-format", "text", "--database", &test.url]);
    let mut server = RunningServer::start_with(&mut command);
    server.terminate();
    server.wait(Duration::from_secs(5)).unwrap();
    assert!(server.log().contains(" INFO GraphQL at http"), "{}", server.log());
}

#[tokio::test]
async fn a_slow_operation_is_logged() {
    let query =
        "query A { __typename } query TheSlow { features(first: 2) { nodes { tests(first: 1) { totalCount } } } }";
    let lines = lines_of_a_request(&["--slow-operation-ms", "0"], query, Some("TheSlow")).await;
    let [line] = &lines[..] else { panic!("not one line: {lines:?}") };
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["operation"], "TheSlow");
    assert_eq!((&line["type"], &line["outcome"], &line["statements"]), (&json!("query"), &json!("ok"), &json!(2)));
    assert!(line["duration_ms"].is_u64() && line["cost"].as_u64().is_some_and(|cost| cost > 2), "{line}");
    assert_eq!(lines_of_a_request(&[], query, Some("TheSlow")).await, [] as [Value; 0], "it is not slow");
}
