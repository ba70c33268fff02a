//! Statements on PostgreSQL whose client hung up: the server is told, and no connection is lost. `sqlite_reads.rs` has the same
//! of SQLite.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::Values;
use sea_orm::sqlx::{self, Connection as _, PgConnection};
use serde_json::json;
use throughline::database::{Database, PoolOptions};

use super::{PROJECTS, client, patient, slow_down_projects};
use crate::support::{Backend, TestDatabase, leaves_postgres_out};

/// Sleeps for longer than a test takes.
const SLEEP: &str = "SELECT pg_sleep(60)::text";

/// The most that read at once, where many do.
const PLACES: u32 = 8;

/// What the server does for others than who asks.
struct Server(PgConnection);

impl Server {
    async fn of(test: &TestDatabase) -> Self {
        Self(PgConnection::connect(&test.url).await.unwrap())
    }

    async fn count(&mut self, condition: &'static str) -> i64 {
        let sql = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND {condition}"
        );
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut self.0).await.unwrap()
    }

    async fn sleeping(&mut self) -> i64 {
        self.count("state = 'active' AND query LIKE '%pg_sleep%'").await
    }

    /// Waits until so many statements sleep.
    async fn wait_for(&mut self, sleeping: i64, at_most: Duration) {
        let began = Instant::now();
        while self.sleeping().await != sleeping {
            assert!(began.elapsed() < at_most, "{} statements sleep", self.sleeping().await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn read(database: &Database, sql: &str) {
    database.read(&Arc::from(sql), &|| Values(vec![])).await.unwrap();
}

fn sleep(database: &Database) -> tokio::task::JoinHandle<()> {
    let database = database.clone();
    tokio::spawn(async move { read(&database, SLEEP).await })
}

#[tokio::test]
async fn a_request_that_nobody_waits_for_is_cancelled() {
    if leaves_postgres_out() {
        return;
    }
    let client = client(Backend::Postgres, &PoolOptions { max_connections: 1, ..patient() }).await;
    let mut server = Server::of(&client.test).await;
    slow_down_projects(&client.test).await;
    for _ in 0..3 {
        tokio::select! {
            body = client.run(PROJECTS, json!({})) => panic!("it has ended: {body}"),
            // `kept_projects, pg_sleep` stands in the view alone.
            () = async {
                while server.count("wait_event = 'PgSleep'").await != 1 {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            } => {}
        }
        let hung_up = Instant::now();
        while server.count("wait_event = 'PgSleep'").await != 0 {
            assert!(hung_up.elapsed() < Duration::from_secs(1), "the statement runs still");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        client.data("{ features { nodes { name } } }").await;
    }
}

#[tokio::test]
async fn many_that_hang_up_at_once_leave_no_connection_behind() {
    if leaves_postgres_out() {
        return;
    }
    let pool = PoolOptions { max_connections: PLACES, ..patient() };
    let test = TestDatabase::new(Backend::Postgres).await.reopened(&pool).await;
    let mut server = Server::of(&test).await;
    let before = server.count("true").await;
    // Beside those that read there is one that cancels.
    let most = before + i64::from(PLACES) + 1;
    for _ in 0..3 {
        let sleepers: Vec<_> = (0..50).map(|_| sleep(&test.database)).collect();
        server.wait_for(PLACES.into(), Duration::from_secs(10)).await;
        for sleeper in &sleepers {
            sleeper.abort();
        }
        let hung_up = Instant::now();
        loop {
            let (connections, sleeping) = (server.count("true").await, server.sleeping().await);
            assert!(connections <= most, "{connections} connections");
            if sleeping == 0 {
                break;
            }
            assert!(hung_up.elapsed() < Duration::from_secs(3), "{sleeping} statements sleep still");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let reads = (0..50).map(|_| read(&test.database, "SELECT 1::text"));
        futures_util::future::join_all(reads).await;
        assert!(server.count("true").await <= most);
    }
    // Who cancels has gone as well.
    let began = Instant::now();
    while server.count("true").await > before + i64::from(PLACES) {
        assert!(began.elapsed() < Duration::from_secs(5), "a connection was left behind");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_pool_that_closes_cancels_before() {
    if leaves_postgres_out() {
        return;
    }
    let test = TestDatabase::new(Backend::Postgres).await;
    let mut server = Server::of(&test).await;
    let sleeper = sleep(&test.database);
    server.wait_for(1, Duration::from_secs(10)).await;
    sleeper.abort();
    assert!(sleeper.await.unwrap_err().is_cancelled());
    test.database.clone().close().await.unwrap();
    // It sleeps for a minute where nobody cancels it; that it has ended may take the server a moment to tell.
    let closed = Instant::now();
    while server.sleeping().await > 0 {
        assert!(closed.elapsed() < Duration::from_secs(1), "the statement runs still");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[test]
fn a_statement_that_is_dropped_outside_of_a_runtime_is_no_panic() {
    if leaves_postgres_out() {
        return;
    }
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let (test, mut read) = first.block_on(async {
        let test = TestDatabase::new(Backend::Postgres).await;
        let database = test.database.clone();
        let mut read: std::pin::Pin<Box<dyn Future<Output = ()>>> =
            Box::pin(async move { read(&database, SLEEP).await });
        let _ = tokio::time::timeout(Duration::from_millis(300), &mut read).await;
        (test, Some(read))
    });
    drop(read.take());
    // Who comes later gets another connection.
    first.block_on(self::read(&test.database, "SELECT 1::text"));
    // A runtime that ends takes its tasks with it.
    first.block_on(async {
        sleep(&test.database);
        tokio::time::sleep(Duration::from_millis(300)).await;
    });
    drop(first);
    let second = runtime();
    second.block_on(async {
        read_again(&test).await;
        drop(test);
    });
}

/// Through pools of the present runtime.
async fn read_again(test: &TestDatabase) {
    let database = Database::connect(&test.url, &PoolOptions::default()).await.unwrap();
    read(&database, "SELECT 1::text").await;
    database.close().await.unwrap();
}
