//! Times that run out: each is told by its own code and in time, and afterwards all is as if nothing had been asked.

mod callers;
mod cancelled;
mod migrated;
mod reads;
mod silence;
mod writes;

use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, ConnectionTrait as _, DatabaseConnection};
use serde_json::{Value, json};
use throughline::database::{Database, PoolOptions};

use crate::support::{Backend, Client, Tables, TestDatabase};

/// Long enough for what is quick, on a machine that does much else.
const SHORT: Duration = Duration::from_millis(600);
/// How long a time that has run out may take to be told.
const SOON: Duration = Duration::from_secs(5);

/// Times that are not waited for in vain.
fn patient() -> PoolOptions {
    let long = Duration::from_secs(30);
    PoolOptions {
        max_connections: 4,
        acquire_timeout: long,
        statement_timeout: Some(long),
        lock_timeout: long,
        ..PoolOptions::default()
    }
}

/// The API over the demo with these times.
async fn client(backend: Backend, pool: &PoolOptions) -> Client {
    Client::new(TestDatabase::with_demo(backend).await.reopened(pool).await)
}

/// All tables, read without haste.
async fn tables(test: &TestDatabase) -> Tables {
    let database = Database::connect(&test.url, &patient()).await.unwrap();
    let tables = Tables::read(&database).await;
    database.close().await.unwrap();
    tables
}

/// A connection of somebody else's, who keeps what a transaction holds.
async fn somebody_else(test: &TestDatabase) -> DatabaseConnection {
    sea_orm::Database::connect(ConnectOptions::new(&test.url).max_connections(1).to_owned()).await.unwrap()
}

/// Fails where the one error has another code or another text, or is told late.
async fn assert_told(client: &Client, document: &str, variables: Value, code: &str, message: &str) {
    let began = Instant::now();
    let error = client.error(document, variables).await;
    let took = began.elapsed();
    assert_eq!((&error["extensions"]["code"], &error["message"]), (&json!(code), &json!(message)), "{error}");
    assert_eq!(error["extensions"]["requestId"], "request-1");
    assert!(took < SOON, "it was told after {took:?}");
}

/// Makes whoever reads the projects wait for a minute, in a statement of the database's own.
async fn slow_down_projects(test: &TestDatabase) {
    let slow = match test.database.backend() {
        sea_orm::DbBackend::Postgres => "SELECT kept_projects.* FROM kept_projects, pg_sleep(60)".to_owned(),
        _ => format!("SELECT kept_projects.* FROM kept_projects, ({ENDLESS}) AS n WHERE n.c > 0"),
    };
    let writer = test.database.writer();
    writer.execute_unprepared("ALTER TABLE projects RENAME TO kept_projects").await.unwrap();
    writer.execute_unprepared(&format!("CREATE VIEW projects AS {slow}")).await.unwrap();
}

async fn speed_up_projects(test: &TestDatabase) {
    let writer = test.database.writer();
    writer.execute_unprepared("DROP VIEW projects").await.unwrap();
    writer.execute_unprepared("ALTER TABLE kept_projects RENAME TO projects").await.unwrap();
}

/// Counts for hours.
const ENDLESS: &str = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1000000000000) \
                       SELECT count(*) AS c FROM n";

const PROJECTS: &str = "{ projects { nodes { name } } }";
const CREATE: &str = "mutation($key: String!) {
    createProject(input: {name: $key}, idempotencyKey: $key) { project { name } userErrors { code } } }";
