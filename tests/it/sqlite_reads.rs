//! The connections that read an SQLite file where they are called: what they promise beside what every test of `reads` asks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, DbErr, RuntimeErr, Statement, Value, Values};
use throughline::database::{Database, DatabaseError, PoolOptions, Row};
use uuid::Uuid;

use crate::support::{Backend, Rows, TestDatabase};

/// Counts for as long as it is given; some seconds for 10,000,000.
const COUNT: &str =
    "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?) SELECT count(*) FROM n";

async fn read(database: &Database, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, DatabaseError> {
    database.read(&sql.into(), &|| Values(values.clone())).await
}

async fn with_one_connection(test: &TestDatabase) -> Database {
    let pool =
        PoolOptions { max_connections: 1, acquire_timeout: Duration::from_millis(300), ..PoolOptions::default() };
    Database::connect(&test.url, &pool).await.unwrap()
}

#[tokio::test]
async fn they_cannot_write() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    Rows::of(&test.database).add_project().await;
    let error = read(&test.database, "DELETE FROM projects", vec![]).await.err().unwrap();
    assert!(matches!(&error, DatabaseError::Failed(cause) if cause.to_string().contains("readonly")), "{error:?}");
    assert_eq!(Rows::of(&test.database).count("SELECT count(*) FROM projects").await, 1);
}

#[tokio::test]
async fn values_go_in_and_out() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let (id, time) = (Uuid::now_v7(), DateTime::parse_from_rfc3339("2026-01-02T03:04:05.060Z").unwrap().to_utc());
    let (long, words) = (i64::MIN, "naïve \0 text");
    let values: Vec<Value> = vec![id.into(), time.into(), long.into(), 0.5.into(), true.into(), words.into()];
    let sql = "SELECT ?, ?, ?, ?, ?, ?, NULL, 7, 2.0, '', '2026-01-02 03:04:05'";
    let rows = read(&test.database, sql, values).await.unwrap();
    let [row] = &rows[..] else { panic!("there are {} rows", rows.len()) };
    assert_eq!((row.uuid(0).unwrap(), row.time(1).unwrap()), (Some(id), Some(time)));
    assert_eq!(row.time_text(1), Some(&b"2026-01-02T03:04:05.060+00:00"[..]));
    assert_eq!((row.long(2).unwrap(), row.float(3).unwrap(), row.flag(4).unwrap()), (Some(long), Some(0.5), true));
    assert_eq!((row.text(5).unwrap(), row.text(9).unwrap()), (Some(words), Some("")));
    assert_eq!((row.int(7).unwrap(), row.float(7).unwrap(), row.float(8).unwrap()), (Some(7), Some(7.0), Some(2.0)));
    assert_eq!(row.time(10).unwrap(), Some("2026-01-02T03:04:05Z".parse::<DateTime<Utc>>().unwrap()));
    assert_eq!((row.text(6).unwrap(), row.is_null(6), row.is_null(7), row.is_null(11)), (None, true, false, true));
}

#[tokio::test]
async fn a_row_of_sqlx_reads_the_same() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let sql = "SELECT x'0198f2c4000070008000000000000001', '2026-01-02T03:04:05.060+00:00', -7, 0.5, 1, 'naïve', NULL";
    let ours = read(&test.database, sql, vec![]).await.unwrap().remove(0);
    let statement = Statement::from_string(test.database.backend(), sql);
    let theirs = Row::Within(Box::new(test.database.reader().query_one_raw(statement).await.unwrap().unwrap()));
    for cell in 0..8 {
        assert_eq!(ours.is_null(cell), theirs.is_null(cell), "{cell}");
    }
    assert_eq!(ours.uuid(0).unwrap(), theirs.uuid(0).unwrap());
    assert_eq!((ours.time(1).unwrap(), ours.time_text(1)), (theirs.time(1).unwrap(), theirs.time_text(1)));
    assert_eq!((ours.long(2).unwrap(), ours.int(2).unwrap()), (theirs.long(2).unwrap(), theirs.int(2).unwrap()));
    assert_eq!((ours.float(3).unwrap(), ours.flag(4).unwrap()), (theirs.float(3).unwrap(), theirs.flag(4).unwrap()));
    assert_eq!((ours.text(5).unwrap(), ours.utf8(5).unwrap()), (theirs.text(5).unwrap(), theirs.utf8(5).unwrap()));
    assert_eq!((ours.text(6).unwrap(), ours.unix_micros(1)), (theirs.text(6).unwrap(), theirs.unix_micros(1)));
}

#[tokio::test]
async fn what_a_cell_does_not_hold_is_an_error() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let rows = read(&test.database, "SELECT 'text', 7, x'ff', CAST(x'ff' AS TEXT), 5000000000", vec![]).await.unwrap();
    let row = &rows[0];
    let failed = [
        row.long(0).is_err(),
        row.uuid(0).is_err(),
        row.time(0).is_err(),
        row.text(1).is_err(),
        row.uuid(2).is_err(),
        row.text(3).is_err(),
        row.utf8(3).is_err(),
        row.int(4).is_err(),
        row.text(5).is_err(),
    ];
    assert_eq!(failed, [true; 9]);
}

#[tokio::test]
async fn what_a_statement_cannot_be_given_is_an_error() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let list = Value::Array(sea_orm::sea_query::ArrayType::Int, Some(Box::new(vec![1.into()])));
    for values in [vec![list], vec![u64::MAX.into()], vec![], vec![1.into(), 2.into()]] {
        let error = read(&test.database, "SELECT ?", values).await.err().unwrap();
        assert!(matches!(error, DatabaseError::Failed(_)), "{error:?}");
    }
    let error = read(&test.database, "SELECT a FROM nowhere", vec![]).await.err().unwrap();
    assert!(matches!(&error, DatabaseError::Failed(cause) if cause.to_string().contains("no such table")), "{error:?}");
}

#[tokio::test]
async fn a_long_statement_lets_others_run() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    // The second time it is known to take long; asked for little, it is forgotten again.
    for count in [2_000_000, 2_000_000, 1, 1] {
        let mut longest = Duration::ZERO;
        let others = async {
            loop {
                let began = Instant::now();
                tokio::time::sleep(Duration::from_millis(1)).await;
                longest = longest.max(began.elapsed());
            }
        };
        let rows = tokio::select! {
            rows = read(&test.database, COUNT, vec![count.into()]) => rows.unwrap(),
            () = others => unreachable!("it never ends"),
        };
        assert_eq!(rows[0].long(0).unwrap(), Some(count));
        assert!(longest < Duration::from_millis(250), "others waited for {longest:?}");
    }
}

#[tokio::test]
async fn a_statement_that_nobody_waits_for_is_stopped() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let database = with_one_connection(&test).await;
    let endless = read(&database, COUNT, vec![i64::MAX.into()]);
    assert!(tokio::time::timeout(Duration::from_millis(50), endless).await.is_err());
    // The only connection is free again, and whole.
    let rows = read(&database, COUNT, vec![3.into()]).await.unwrap();
    assert_eq!(rows[0].long(0).unwrap(), Some(3));
    database.close().await.unwrap();
}

#[tokio::test]
async fn who_gets_no_connection_in_time_is_told() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let database = with_one_connection(&test).await;
    let other = database.clone();
    let endless = tokio::spawn(async move { read(&other, COUNT, vec![i64::MAX.into()]).await.map(drop) });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let error = read(&database, "SELECT 1", vec![]).await.err().unwrap();
    assert!(matches!(error, DatabaseError::PoolTimeout(DbErr::ConnectionAcquire(_))), "{error:?}");
    endless.abort();
    assert!(endless.await.unwrap_err().is_cancelled());
    let later = database.clone();
    database.close().await.unwrap();
    let error = read(&later, "SELECT 1", vec![]).await.err().unwrap();
    assert!(matches!(error, DatabaseError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn who_waits_for_a_lock_lets_others_run() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    // Beside a write-ahead log a reader meets a lock seldom; in the old way of writing each writer locks it out.
    let writer = test.database.writer();
    writer.execute_unprepared("PRAGMA journal_mode = DELETE").await.unwrap();
    read(&test.database, "SELECT name FROM projects", vec![]).await.unwrap();
    writer.execute_unprepared("BEGIN EXCLUSIVE").await.unwrap();
    let freed = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        writer.execute_unprepared("COMMIT").await.unwrap();
    };
    let began = Instant::now();
    let (rows, ()) = tokio::join!(read(&test.database, "SELECT name FROM projects", vec![]), freed);
    assert_eq!(rows.unwrap().len(), 0);
    assert!(began.elapsed() >= Duration::from_millis(100), "it was not locked out");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    let test = TestDatabase::new(Backend::Sqlite).await;
    std::fs::copy(test.url.trim_start_matches("sqlite://"), &path).unwrap();
    let database = Database::connect(&format!("sqlite://{}", path.display()), &PoolOptions::default()).await.unwrap();
    std::fs::write(&path, "this is no database, and it is long enough to be looked at: ".repeat(200)).unwrap();
    let error = read(&database, "SELECT count(*) FROM projects", vec![]).await.err().unwrap();
    let DatabaseError::Failed(DbErr::Query(RuntimeErr::SqlxError(cause))) = &error else { panic!("{error:?}") };
    assert_eq!(cause.as_database_error().unwrap().code().as_deref(), Some("26"), "{cause}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_all_read() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let sql: Arc<str> = COUNT.into();
    let readers = (1..=200_i64).map(|count| {
        let (database, sql) = (test.database.clone(), Arc::clone(&sql));
        tokio::spawn(async move {
            let count = if count % 50 == 0 { 500_000 } else { count };
            let rows = database.read(&sql, &|| Values(vec![count.into()])).await.unwrap();
            assert_eq!(rows[0].long(0).unwrap(), Some(count));
        })
    });
    for reader in readers.collect::<Vec<_>>() {
        reader.await.unwrap();
    }
}
