//! Reads that wait: for a lock, for their own statement, for a connection.

use sea_orm::ConnectionTrait as _;
use serde_json::json;
use throughline::database::PoolOptions;

use super::{PROJECTS, SHORT, assert_told, client, patient, slow_down_projects, somebody_else, speed_up_projects};
use crate::support::Backend;

on_both!(a_lock_is_not_waited_for_for_long, a_statement_does_not_run_for_long, a_connection_is_not_waited_for_for_long);

async fn a_lock_is_not_waited_for_for_long(backend: Backend) {
    let client = client(backend, &PoolOptions { lock_timeout: SHORT, ..patient() }).await;
    let other = somebody_else(&client.test).await;
    let writer = client.test.database.writer();
    match backend {
        Backend::Postgres => {
            other.execute_unprepared("BEGIN; LOCK TABLE projects IN ACCESS EXCLUSIVE MODE").await.unwrap();
        }
        // Beside a write-ahead log a reader meets no lock; in the old way of writing each writer locks it out.
        Backend::Sqlite => {
            other.close_by_ref().await.unwrap();
            writer.execute_unprepared("PRAGMA journal_mode = DELETE").await.unwrap();
            writer.execute_unprepared("BEGIN EXCLUSIVE").await.unwrap();
        }
    }
    let message = "somebody else held a lock for too long; try again";
    assert_told(&client, PROJECTS, json!({}), "LOCK_TIMEOUT", message).await;
    match backend {
        Backend::Postgres => other.execute_unprepared("ROLLBACK").await.unwrap(),
        Backend::Sqlite => writer.execute_unprepared("ROLLBACK").await.unwrap(),
    };
    client.data(PROJECTS).await;
}

async fn a_statement_does_not_run_for_long(backend: Backend) {
    let client = client(backend, &PoolOptions { statement_timeout: Some(SHORT), ..patient() }).await;
    slow_down_projects(&client.test).await;
    let message = "a statement took too long and was stopped; ask for less, or try again";
    // What is known to take long takes another way on SQLite.
    for _ in 0..2 {
        assert_told(&client, PROJECTS, json!({}), "STATEMENT_TIMEOUT", message).await;
    }
    speed_up_projects(&client.test).await;
    client.data(PROJECTS).await;
}

async fn a_connection_is_not_waited_for_for_long(backend: Backend) {
    let pool = PoolOptions { max_connections: 1, acquire_timeout: SHORT, ..patient() };
    let client = client(backend, &pool).await;
    slow_down_projects(&client.test).await;
    let message = "no connection to the database was free in time; try again later";
    tokio::select! {
        biased;
        body = client.run(PROJECTS, json!({})) => panic!("it has ended: {body}"),
        () = async {
            tokio::time::sleep(SHORT).await;
            assert_told(&client, "{ features { nodes { name } } }", json!({}), "POOL_TIMEOUT", message).await;
        } => {}
    }
    // Nobody waits for the first one any more, so that its connection is free.
    client.data("{ features { nodes { name } } }").await;
    speed_up_projects(&client.test).await;
}
