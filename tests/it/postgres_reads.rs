//! The connections that read from PostgreSQL: what they promise beside what every test of `reads` asks.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::ArrayType;
use sea_orm::{ConnectionTrait as _, Statement, Value, Values};
use throughline::database::{Database, DatabaseError, PoolOptions, Row};
use uuid::Uuid;

use crate::support::{Backend, TestDatabase, leaves_postgres_out};

async fn read(database: &Database, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, DatabaseError> {
    database.read(&sql.into(), &|| Values(values.clone())).await
}

/// A database that is read over one connection, so that each statement meets what the one before has left.
async fn over_one_connection() -> (TestDatabase, Database) {
    let test = TestDatabase::new(Backend::Postgres).await;
    let pool = PoolOptions { max_connections: 1, ..PoolOptions::default() };
    let database = Database::connect(&test.url, &pool).await.unwrap();
    (test, database)
}

fn code_of(error: &DatabaseError) -> String {
    use sea_orm::{DbErr, RuntimeErr};
    let (DatabaseError::Failed(DbErr::Query(RuntimeErr::SqlxError(cause)))
    | DatabaseError::Constraint(DbErr::Query(RuntimeErr::SqlxError(cause)))) = error
    else {
        panic!("{error:?}")
    };
    let Some(code) = cause.as_database_error().and_then(sea_orm::sqlx::error::DatabaseError::code) else {
        panic!("{cause:?}")
    };
    code.into_owned()
}

fn list(kind: ArrayType, values: Vec<Value>) -> Value {
    Value::Array(kind, Some(Box::new(values)))
}

#[tokio::test]
async fn values_go_in_and_out() {
    if leaves_postgres_out() {
        return;
    }
    let (_test, database) = over_one_connection().await;
    let (id, time) = (Uuid::now_v7(), DateTime::parse_from_rfc3339("2026-01-02T03:04:05.060708Z").unwrap().to_utc());
    let words = "naïve 'text'";
    let values: Vec<Value> = vec![
        id.into(),
        time.into(),
        i64::MIN.into(),
        7.into(),
        0.5.into(),
        true.into(),
        words.into(),
        Value::String(None),
        Value::Json(Some(Box::new(serde_json::json!({ "a": [1] })))),
        b"bytes".to_vec().into(),
        9_u64.into(),
    ];
    let sql = "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9->>'a', encode($10, 'escape'), $11, ''";
    // Prepared, and then again as it was prepared.
    for _ in 0..2 {
        let rows = read(&database, sql, values.clone()).await.unwrap();
        let [row] = &rows[..] else { panic!("there are {} rows", rows.len()) };
        assert_eq!((row.uuid(0).unwrap(), row.time(1).unwrap()), (Some(id), Some(time)));
        assert_eq!((row.unix_micros(1), row.time_text(1)), (Some(time.timestamp_micros()), None));
        assert_eq!((row.long(2).unwrap(), row.int(3).unwrap()), (Some(i64::MIN), Some(7)));
        assert_eq!((row.float(4).unwrap(), row.flag(5).unwrap()), (Some(0.5), true));
        assert_eq!((row.text(6).unwrap(), row.utf8(6).unwrap()), (Some(words), Some(words.as_bytes())));
        assert_eq!((row.text(7).unwrap(), row.is_null(7), row.is_null(6)), (None, true, false));
        assert_eq!((row.text(8).unwrap(), row.text(9).unwrap()), (Some("[1]"), Some("bytes")));
        assert_eq!((row.long(10).unwrap(), row.text(11).unwrap()), (Some(9), Some("")));
        assert_eq!((row.is_null(12), row.text(12).is_err()), (true, true), "there is no such cell");
    }
}

#[tokio::test]
async fn lists_go_in() {
    if leaves_postgres_out() {
        return;
    }
    let (_test, database) = over_one_connection().await;
    let (id, time) = (Uuid::now_v7(), "2026-01-02T03:04:05Z".parse::<DateTime<Utc>>().unwrap());
    for (kind, values, expected) in [
        (ArrayType::Uuid, vec![id.into(), Value::Uuid(None)], format!("{{{id},NULL}}")),
        (ArrayType::Int, vec![1.into(), (-2).into()], "{1,-2}".to_owned()),
        (ArrayType::BigInt, vec![i64::MAX.into()], format!("{{{}}}", i64::MAX)),
        (ArrayType::Double, vec![0.5.into()], "{0.5}".to_owned()),
        (ArrayType::Bool, vec![true.into()], "{t}".to_owned()),
        (ArrayType::String, vec!["a,b".into(), "".into()], "{\"a,b\",\"\"}".to_owned()),
        (ArrayType::ChronoDateTimeUtc, vec![time.into()], "{\"2026-01-02 03:04:05+00\"}".to_owned()),
        (ArrayType::Uuid, vec![], "{}".to_owned()),
    ] {
        let sql = format!("SELECT $1::text /* {kind:?} */");
        let rows = read(&database, &sql, vec![list(kind.clone(), values)]).await.unwrap();
        assert_eq!(rows[0].text(0).unwrap(), Some(&*expected), "{kind:?}");
    }
}

#[tokio::test]
async fn a_row_of_sqlx_reads_the_same() {
    if leaves_postgres_out() {
        return;
    }
    let (test, database) = over_one_connection().await;
    let sql = "SELECT '0198f2c4-0000-7000-8000-000000000001'::uuid, '2026-01-02T03:04:05.060Z'::timestamptz, -7::int4, \
        0.5::float8, true, 'naïve', NULL::text, 9::int2, 5000000000";
    let ours = read(&database, sql, vec![]).await.unwrap().remove(0);
    let statement = Statement::from_string(database.backend(), sql);
    let theirs = Row::Within(Box::new(test.database.reader().query_one_raw(statement).await.unwrap().unwrap()));
    for cell in 0..10 {
        assert_eq!(ours.is_null(cell), theirs.is_null(cell), "{cell}");
    }
    assert_eq!(ours.uuid(0).unwrap(), theirs.uuid(0).unwrap());
    assert_eq!((ours.time(1).unwrap(), ours.unix_micros(1)), (theirs.time(1).unwrap(), theirs.unix_micros(1)));
    assert_eq!((ours.long(2).unwrap(), ours.int(2).unwrap()), (theirs.long(2).unwrap(), theirs.int(2).unwrap()));
    assert_eq!((ours.float(3).unwrap(), ours.flag(4).unwrap()), (theirs.float(3).unwrap(), theirs.flag(4).unwrap()));
    assert_eq!((ours.text(5).unwrap(), ours.utf8(5).unwrap()), (theirs.text(5).unwrap(), theirs.utf8(5).unwrap()));
    assert_eq!((ours.text(6).unwrap(), ours.time_text(1)), (theirs.text(6).unwrap(), theirs.time_text(1)));
    assert_eq!((ours.int(7).unwrap(), ours.long(8).unwrap()), (theirs.int(7).unwrap(), theirs.long(8).unwrap()));
    assert_eq!((ours.int(8).is_err(), ours.uuid(5).is_err(), ours.long(5).is_err()), (true, true, true));
    assert_eq!((theirs.int(8).is_err(), theirs.uuid(5).is_err(), theirs.long(5).is_err()), (true, true, true));
}

#[tokio::test]
async fn what_fails_leaves_the_connection_as_it_was() {
    if leaves_postgres_out() {
        return;
    }
    let (_test, database) = over_one_connection().await;
    let process = async || read(&database, "SELECT pg_backend_pid()", vec![]).await.unwrap()[0].int(0).unwrap();
    let first = process().await;
    for (sql, values, code) in [
        ("SELECT a FROM nowhere", vec![], "42P01"),
        ("SELECT $1 FROM", vec![1.into()], "42601"),
        ("SELECT 1 / $1", vec![0.into()], "22012"),
        // After some rows.
        ("SELECT 1 / (5000 - n) FROM generate_series(1, $1) AS n", vec![10_000.into()], "22012"),
        ("SELECT 'text'::int4 FROM generate_series(1, $1)", vec![1.into()], "22P02"),
        ("SELECT $1", vec!["\0".into()], "22021"),
    ] {
        for _ in 0..2 {
            let error = read(&database, sql, values.clone()).await.map(|rows| rows.len()).expect_err(sql);
            assert_eq!(code_of(&error), code, "{sql}");
        }
        assert_eq!(process().await, first, "{sql}");
    }
}

#[tokio::test]
async fn what_a_statement_cannot_be_given_is_an_error() {
    if leaves_postgres_out() {
        return;
    }
    let (_test, database) = over_one_connection().await;
    let date = Value::ChronoDate(Some(chrono::NaiveDate::default()));
    for values in [vec![date], vec![u64::MAX.into()], vec![]] {
        let answer = read(&database, "SELECT $1::text", values.clone()).await.map(|rows| rows.len());
        let error = answer.expect_err(&format!("{values:?}"));
        assert!(matches!(error, DatabaseError::Failed(_)), "{values:?}: {error:?}");
    }
    // Nor what cannot be said in the protocol, which is not taken for a connection that is lost, and tried on another one.
    let error = read(&database, "SELECT 1 -- \0", vec![]).await.map(|rows| rows.len()).unwrap_err();
    assert!(matches!(error, DatabaseError::Failed(_)), "{error:?}");
    assert_eq!(read(&database, "SELECT 1", vec![]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn statements_that_nobody_asks_for_are_forgotten() {
    if leaves_postgres_out() {
        return;
    }
    let (_test, database) = over_one_connection().await;
    for number in 0..600 {
        let rows = read(&database, &format!("SELECT {number}"), vec![]).await.unwrap();
        assert_eq!(rows[0].int(0).unwrap(), Some(number));
    }
    let kept = "SELECT count(*) FROM pg_prepared_statements";
    let rows = read(&database, kept, vec![]).await.unwrap();
    assert!((500..=512).contains(&rows[0].long(0).unwrap().unwrap()), "{:?}", rows[0].long(0));
    assert_eq!(read(&database, "SELECT 0", vec![]).await.unwrap()[0].int(0).unwrap(), Some(0));
}

#[tokio::test]
async fn a_large_answer_comes_whole_and_what_the_server_tells_besides_is_passed_over() {
    if leaves_postgres_out() {
        return;
    }
    let (test, database) = over_one_connection().await;
    let talk = "CREATE FUNCTION talk(n int) RETURNS text LANGUAGE plpgsql AS \
        $$ BEGIN RAISE NOTICE 'at %', n; RETURN repeat(chr(97 + n % 26), n); END $$";
    test.database.writer().execute_unprepared(talk).await.unwrap();
    let rows = read(&database, "SELECT talk(n) FROM generate_series(1, $1) AS n", vec![3000.into()]).await.unwrap();
    assert_eq!(rows.len(), 3000);
    for (row, n) in rows.iter().zip(1_u8..=255) {
        let said = row.text(0).unwrap().unwrap();
        assert!(said.len() == usize::from(n) && said.bytes().all(|byte| byte == b'a' + n % 26), "{said}");
    }
    let bytes: usize = rows.iter().map(|row| row.utf8(0).unwrap().unwrap().len()).sum();
    assert_eq!(bytes, 3000 * 3001 / 2);
}
