//! Every pooled connection keeps what the product promises, not only the first one.

use std::time::{Duration, Instant};

use sea_orm::ConnectionTrait;
use sea_orm::sqlx::{Row, SqlitePool};
use serde_json::json;

use crate::support::{Backend, Client, Rows, Statements, TestDatabase, leaves_postgres_out, query_texts};

on_both!(the_tables_are_up_to_date, statements_are_observed);

async fn the_tables_are_up_to_date(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    assert_eq!(test.database.pending_migrations().await.unwrap(), 0);
    test.database.migrate().await.unwrap();
}

async fn statements_are_observed(backend: Backend) {
    let mut test = TestDatabase::new(backend).await;
    let statements = Statements::observe(&mut test.database);
    assert_eq!(query_texts(test.database.reader(), "SELECT name FROM projects").await, Vec::<String>::new());
    assert_eq!(Rows::of(&test.database).count("SELECT count(*) FROM features").await, 0);
    assert_eq!(statements.count(), 2);
    assert_eq!(statements.take(), ["SELECT name FROM projects", "SELECT count(*) FROM features"]);
    assert_eq!(statements.count(), 0);
}

#[tokio::test]
async fn each_sqlite_connection_is_durable_and_checks_foreign_keys() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    for (connection, expected_size, query_only) in [(test.database.reader(), 8, "1"), (test.database.writer(), 1, "0")]
    {
        let pool: &SqlitePool = connection.get_sqlite_connection_pool();
        let mut held = Vec::new();
        for _ in 0..expected_size {
            held.push(pool.acquire().await.unwrap());
        }
        assert!(pool.try_acquire().is_none(), "the pool is larger than it should be");
        for connection in &mut held {
            for (pragma, expected) in
                [("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1"), ("query_only", query_only)]
            {
                let sql = format!("SELECT CAST({pragma} AS TEXT) FROM pragma_{pragma}");
                let row = sea_orm::sqlx::query(sea_orm::sqlx::AssertSqlSafe(sql)).fetch_one(&mut **connection).await;
                assert_eq!(row.unwrap().get::<String, _>(0), expected, "{pragma}");
            }
        }
    }
}

#[tokio::test]
async fn sqlite_readers_cannot_write() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    Rows::of(&test.database).add_project().await;
    let error = test.database.reader().execute_unprepared("DELETE FROM projects").await.unwrap_err();
    assert!(error.to_string().contains("readonly"), "{error}");
    assert_eq!(Rows::of(&test.database).count("SELECT count(*) FROM projects").await, 1);
}

/// Nobody could tell whether it was carried out, and it would not be sent a second time.
#[tokio::test]
async fn no_write_is_sent_where_the_server_has_hung_up() {
    if leaves_postgres_out() {
        return;
    }
    let client = Client::new(TestDatabase::new(Backend::Postgres).await);
    let others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let create = "mutation($name: String!) { createProject(input: {name: $name}) { project { name } } }";
    let options = sea_orm::ConnectOptions::new(&client.test.url).max_connections(1).to_owned();
    let other = sea_orm::Database::connect(options).await.unwrap();
    for name in ["a", "b", "c"] {
        let began = Instant::now();
        let made = client.run(create, json!({ "name": name })).await;
        assert_eq!(made["data"]["createProject"]["project"]["name"], name, "{made} after {:?}", began.elapsed());
        let processes = query_texts(&other, &format!("SELECT pid::text {others}")).await;
        assert!(!processes.is_empty());
        let processes = processes.join(", ");
        let end = format!("SELECT pg_terminate_backend(pid)::text FROM unnest(ARRAY[{processes}]) AS pid");
        query_texts(&other, &end).await;
        let still_there = format!("SELECT pid::text FROM pg_stat_activity WHERE pid IN ({processes})");
        // What has come is heard by a runtime that has had nothing to do for a moment.
        let hears = || tokio::time::sleep(Duration::from_millis(5));
        hears().await;
        while !query_texts(&other, &still_there).await.is_empty() {
            hears().await;
        }
        hears().await;
    }
}
