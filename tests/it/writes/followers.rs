//! Whoever follows the events misses none, whatever the order in which transactions take positions and commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use entity::event;
use sea_orm::sqlx::{Connection as _, Executor as _, PgConnection};
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbErr, Statement};
use throughline::database::DatabaseError;
use throughline::events::{Position, Topic, events_after, last_position};
use throughline::write_transaction::{Projection, project};

use crate::support::{Backend, Client, Rows, TestDatabase, leaves_postgres_out};

on_both!(a_projection_applies_each_event_once);

/// Inserts an event of its own stream, as a transaction that takes its time would.
fn insert_event(id: u32) -> String {
    format!(
        "INSERT INTO events (id, aggregate_type, aggregate_id, version, event_type, payload, actor_id, actor_kind, request_id, \
         created_at, hash) VALUES ('0198f2c4-0000-7000-8000-0000000000{id}', 'feature', \
         '0198f2c4-0000-7000-8000-0000000000{id}', 1, 'feature.create', '{{}}', 'a', 'person', 'r', now(), \
         decode(repeat('00', 32), 'hex'))"
    )
}

/// An earlier position, or an earlier transaction, that is committed later is not passed over.
#[tokio::test]
async fn what_commits_late_is_not_missed() {
    if leaves_postgres_out() {
        return;
    }
    let test = TestDatabase::new(Backend::Postgres).await;
    let reader = test.database.reader();
    let open = async || PgConnection::connect(&test.url).await.unwrap();
    let (mut early, mut late) = (open().await, open().await);
    let id = |event: &event::Model| event.id.to_string()[34..].to_owned();
    let mut after = Position::default();
    // Transactions of other tests, which are on the same server, hold it up as well: what comes is waited for.
    let mut read = async |expected: &[&str]| {
        for _ in 0..200 {
            let events = events_after(reader, after, &Topic::default(), 100).await.unwrap();
            after = events.last().map_or(after, Position::of);
            assert!(last_position(reader).await.unwrap() >= after);
            if !events.is_empty() || expected.is_empty() {
                return assert_eq!(events.iter().map(id).collect::<Vec<_>>(), expected);
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("{expected:?} did not come");
    };

    // The early transaction takes the earlier position and commits later.
    early.execute("BEGIN").await.unwrap();
    early.execute(&*insert_event(10).leak()).await.unwrap();
    late.execute("BEGIN").await.unwrap();
    late.execute(&*insert_event(11).leak()).await.unwrap();
    late.execute("COMMIT").await.unwrap();
    read(&[]).await;
    early.execute("COMMIT").await.unwrap();
    read(&["10", "11"]).await;

    // The earlier transaction takes the later position: it has its number before it has its event.
    early.execute("BEGIN").await.unwrap();
    early.execute("SELECT pg_current_xact_id()").await.unwrap();
    late.execute("BEGIN").await.unwrap();
    late.execute(&*insert_event(12).leak()).await.unwrap();
    early.execute(&*insert_event(13).leak()).await.unwrap();
    early.execute("COMMIT").await.unwrap();
    read(&["13"]).await;
    late.execute("COMMIT").await.unwrap();
    read(&["12"]).await;

    // What is rolled back leaves a gap that holds nobody up.
    early.execute("BEGIN").await.unwrap();
    early.execute(&*insert_event(14).leak()).await.unwrap();
    late.execute(&*insert_event(15).leak()).await.unwrap();
    read(&[]).await;
    early.execute("ROLLBACK").await.unwrap();
    read(&["15"]).await;
    read(&[]).await;
}

/// Counts events by their types, in a table of its own.
struct CountTypes;

impl Projection for CountTypes {
    fn name(&self) -> &'static str {
        "count_types"
    }

    async fn apply(&self, events: &[event::Model], transaction: &DatabaseTransaction) -> Result<(), DatabaseError> {
        let backend = transaction.get_database_backend();
        for event in events {
            let sql = format!(
                "INSERT INTO type_counts (name, number) VALUES ('{}', 1) \
                 ON CONFLICT (name) DO UPDATE SET number = type_counts.number + 1",
                event.event_type
            );
            transaction.execute_raw(Statement::from_string(backend, sql)).await?;
        }
        Ok(())
    }
}

async fn a_projection_applies_each_event_once(backend: Backend) {
    let mut test = TestDatabase::new(backend).await;
    let countdown = Arc::new(AtomicU32::new(u32::MAX));
    test.database.inject_faults({
        let countdown = Arc::clone(&countdown);
        move || {
            let fails = countdown.fetch_sub(1, Ordering::SeqCst) == 1;
            fails.then(|| DatabaseError::Failed(DbErr::Custom("injected".to_owned())))
        }
    });
    let client = Client::new(test);
    for number in 0..12 {
        let make = format!("mutation {{ createProject(input: {{name: \"P{number}\"}}) {{ userErrors {{ code }} }} }}");
        client.data(&make).await;
    }
    let database = &client.test.database;
    let rows = Rows::of(database);
    rows.run("CREATE TABLE type_counts (name text PRIMARY KEY, number bigint NOT NULL)").await.unwrap();
    // Fails at its first, second, third … step, until it comes through.
    let (mut fails_at, mut applied) = (1, 0);
    while applied < 12 {
        countdown.store(fails_at, Ordering::SeqCst);
        match project(database, &CountTypes, 5).await {
            Ok(count) => applied += count,
            Err(error) => {
                assert!(matches!(error, DatabaseError::Failed(_)), "{error}");
                fails_at += 1;
            }
        }
        let counted = rows.count("SELECT CAST(coalesce(sum(number), 0) AS bigint) FROM type_counts").await;
        assert_eq!(usize::try_from(counted).unwrap(), applied);
    }
    assert!(fails_at > 4, "begin, position, update and commit have failed");
    countdown.store(u32::MAX, Ordering::SeqCst);
    assert_eq!(project(database, &CountTypes, 5).await.unwrap(), 0);
    assert_eq!(rows.count("SELECT number FROM type_counts WHERE name = 'project.create'").await, 12);
}
