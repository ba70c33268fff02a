//! Writes that wait: nothing of them is written, and the same command works when nobody is in the way any more.

use std::time::Duration;

use sea_orm::sqlx::AssertSqlSafe;
use sea_orm::{ConnectionTrait as _, sqlx};
use serde_json::json;
use throughline::database::{PoolOptions, PoolStatus};

use super::{CREATE, ENDLESS, SHORT, assert_told, client, patient, somebody_else, tables};
use crate::support::{Backend, Client, Tables};

on_both!(
    a_lock_is_not_waited_for_for_long,
    a_statement_does_not_run_for_long,
    a_statement_that_nobody_waits_for_leaves_nothing,
    a_connection_is_not_waited_for_for_long
);

/// Nothing was written, and the command is carried out when it is sent again, once.
async fn assert_nothing_written(client: &Client, before: &Tables, key: &str) {
    let after = tables(&client.test).await;
    assert!(after == *before, "something was written");
    assert_carried_out(client, before, key).await;
}

async fn assert_carried_out(client: &Client, before: &Tables, key: &str) {
    for _ in 0..2 {
        let data = client.data_with(CREATE, json!({ "key": key })).await;
        assert_eq!(data["createProject"]["project"]["name"], key, "{data}");
    }
    let after = tables(&client.test).await;
    after.assert_tell_one_story();
    assert_eq!(after.projects.len(), before.projects.len() + 1);
}

async fn a_lock_is_not_waited_for_for_long(backend: Backend) {
    let client = client(backend, &PoolOptions { lock_timeout: SHORT, ..patient() }).await;
    let before = tables(&client.test).await;
    let other = somebody_else(&client.test).await;
    let lock = match backend {
        Backend::Postgres => "BEGIN; LOCK TABLE projects IN EXCLUSIVE MODE",
        Backend::Sqlite => "BEGIN IMMEDIATE",
    };
    other.execute_unprepared(lock).await.unwrap();
    let message = "somebody else held a lock for too long; try again";
    assert_told(&client, CREATE, json!({ "key": "behind a lock" }), "LOCK_TIMEOUT", message).await;
    other.execute_unprepared("ROLLBACK").await.unwrap();
    assert_nothing_written(&client, &before, "behind a lock").await;
}

/// Lets who adds an event wait for a minute.
async fn slow_down_events(client: &Client) {
    let statements = match client.test.database.backend() {
        sea_orm::DbBackend::Postgres => vec![
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN PERFORM pg_sleep(60); RETURN NEW; END'"
                .to_owned(),
            "CREATE TRIGGER slow AFTER INSERT ON events FOR EACH ROW EXECUTE FUNCTION wait()".to_owned(),
        ],
        _ => vec![
            format!("CREATE VIEW endless AS {ENDLESS}"),
            "CREATE TRIGGER slow AFTER INSERT ON events BEGIN SELECT c FROM endless; END".to_owned(),
        ],
    };
    for statement in statements {
        client.test.database.writer().execute_unprepared(&statement).await.unwrap();
    }
}

/// Waits until nobody writes.
async fn speed_up_events(client: &Client) {
    let drop = match client.test.database.backend() {
        sea_orm::DbBackend::Postgres => "DROP TRIGGER slow ON events",
        _ => "DROP TRIGGER slow",
    };
    client.test.database.writer().execute_unprepared(drop).await.unwrap();
}

async fn a_statement_does_not_run_for_long(backend: Backend) {
    let client = client(backend, &PoolOptions { statement_timeout: Some(SHORT), ..patient() }).await;
    let before = tables(&client.test).await;
    slow_down_events(&client).await;
    let message = "a statement took too long and was stopped; ask for less, or try again";
    for _ in 0..2 {
        assert_told(&client, CREATE, json!({ "key": "slow" }), "STATEMENT_TIMEOUT", message).await;
    }
    speed_up_events(&client).await;
    assert_nothing_written(&client, &before, "slow").await;
}

async fn a_statement_that_nobody_waits_for_leaves_nothing(backend: Backend) {
    // On SQLite it is stopped at once, on PostgreSQL by its timeout.
    let statement_timeout = Some(if backend == Backend::Sqlite { Duration::from_mins(1) } else { SHORT * 3 });
    let client = client(backend, &PoolOptions { statement_timeout, ..patient() }).await;
    let before = tables(&client.test).await;
    slow_down_events(&client).await;
    let write = client.run(CREATE, json!({ "key": "left" }));
    assert!(tokio::time::timeout(SHORT, write).await.is_err(), "it has ended");
    tokio::time::timeout(Duration::from_secs(5), speed_up_events(&client)).await.expect("it runs still");
    assert_nothing_written(&client, &before, "left").await;
}

async fn a_connection_is_not_waited_for_for_long(backend: Backend) {
    let client = client(backend, &PoolOptions { max_connections: 1, acquire_timeout: SHORT, ..patient() }).await;
    let message = "no connection to the database was free in time; try again later";
    let told = async || assert_told(&client, CREATE, json!({ "key": "crowded" }), "POOL_TIMEOUT", message).await;
    match backend {
        Backend::Postgres => {
            let other = somebody_else(&client.test).await;
            other.execute_unprepared("BEGIN; LOCK TABLE projects IN EXCLUSIVE MODE").await.unwrap();
            let first = client.data_with(CREATE, json!({ "key": "first" }));
            let second = async {
                let has_begun = || client.test.database.pool_statuses().iter().any(is_crowded);
                while !has_begun() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                told().await;
                other.execute_unprepared("ROLLBACK").await.unwrap();
            };
            let (first, ()) = tokio::join!(first, second);
            assert_eq!(first["createProject"]["project"]["name"], "first", "{first}");
        }
        Backend::Sqlite => {
            let writer = client.test.database.writer();
            let mut held = writer.get_sqlite_connection_pool().acquire().await.unwrap();
            sqlx::raw_sql(AssertSqlSafe("SELECT 1")).execute(&mut *held).await.unwrap();
            told().await;
        }
    }
    let now = tables(&client.test).await;
    assert!(now.projects.iter().all(|project| project.name != "crowded"), "it was written");
    assert_carried_out(&client, &now, "crowded").await;
}

fn is_crowded(pool: &PoolStatus) -> bool {
    pool.name == "single_write" && (pool.size, pool.idle) == (1, 0)
}
