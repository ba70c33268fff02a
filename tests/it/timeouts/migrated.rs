//! Tables are changed for as long as that takes, however short the times of the server are.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::Values;
use throughline::app;
use throughline::database::PoolOptions;

use super::patient;
use crate::support::{Backend, TestDatabase, query_texts};

on_both!(migrations_take_their_time);

async fn migrations_take_their_time(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    test.database.migrate_down(100).await.unwrap();
    let pool = PoolOptions { statement_timeout: Some(Duration::from_millis(1)), ..patient() };
    let database = app::open(&test.url, &pool).await.unwrap();
    assert_eq!(test.database.pending_migrations().await.unwrap(), 0);
    // What comes after them has to hurry.
    let slow = match backend {
        Backend::Postgres => "SELECT pg_sleep(60)::text",
        Backend::Sqlite => super::ENDLESS,
    };
    let error = database.read(&Arc::from(slow), &|| Values(vec![])).await.err().unwrap();
    assert!(matches!(error, throughline::database::DatabaseError::StatementTimeout(_)), "{error:?}");
    if backend == Backend::Postgres {
        // Both pools have the times.
        let times = "SELECT current_setting('statement_timeout') || ' ' || current_setting('lock_timeout')";
        assert_eq!(query_texts(database.writer(), times).await, ["1ms 30s"]);
    }
    database.close().await.unwrap();
}
