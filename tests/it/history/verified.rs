//! What was done to the record behind its back is found, and named.

use throughline::events::{Fault, Tampering, verify};
use throughline::import::import_demo;

use super::Past;
use crate::support::{Backend, Rows, TestDatabase, program};

on_both!(
    a_whole_record_is_verified,
    what_was_done_is_named,
    the_program_tells_what_is_wrong,
    a_record_of_many_pages_is_verified,
);

async fn fault_of(past: &Past) -> Option<Fault> {
    verify(&past.client.test.database, |_| {}).await.unwrap().fault
}

/// Lets the append-only tables be changed.
async fn without_triggers(past: &Past) -> Rows<'_> {
    let rows = Rows::of(&past.client.test.database);
    let statements: &[&str] = match past.client.test.database.backend() {
        sea_orm::DbBackend::Sqlite => &["DROP TRIGGER events_not_updated", "DROP TRIGGER events_not_deleted"],
        _ => &["DROP TRIGGER events_append_only ON events"],
    };
    for sql in statements {
        rows.run(sql).await.unwrap();
    }
    rows
}

async fn a_whole_record_is_verified(backend: Backend) {
    let past = Past::make(backend).await;
    let verified = verify(&past.client.test.database, |_| {}).await.unwrap();
    assert_eq!((verified.events, verified.streams, verified.fault), (7, 2, None));
    past.data("mutation($p: ID!) { deleteProject(input: {id: $p}) { userErrors { code } } }").await;
    let verified = verify(&past.client.test.database, |_| {}).await.unwrap();
    assert_eq!((verified.events, verified.streams, verified.fault), (9, 2, None));
}

/// What is done to the record, what is named, and what is said to have been done to it.
const TAMPERED: &[(&str, &str, Tampering)] = &[
    (
        "UPDATE events SET payload = '{\"priority\":1}' WHERE version = 3",
        "event 3 of @feature (position",
        Tampering::Changed,
    ),
    ("UPDATE events SET actor_id = 'somebody' WHERE version = 2", "event 2 of @feature (position", Tampering::Changed),
    ("UPDATE events SET actor_kind = 'agent' WHERE version = 6", "event 6 of @feature (position", Tampering::Changed),
    (
        "UPDATE events SET request_id = 'x' WHERE event_type = 'project.create'",
        "event 1 of @project (position",
        Tampering::Changed,
    ),
    ("UPDATE events SET created_at = @now WHERE version = 4", "event 4 of @feature (position", Tampering::Changed),
    (
        "UPDATE events SET event_type = 'feature.update' WHERE version = 5",
        "event 5 of @feature (position",
        Tampering::Changed,
    ),
    (
        "UPDATE events SET hash = (SELECT e.hash FROM events e WHERE e.version = 2) WHERE version = 4",
        "event 4 of @feature (position",
        Tampering::Changed,
    ),
    ("DELETE FROM events WHERE version = 3", "event 3 of @feature", Tampering::Removed),
    ("DELETE FROM events WHERE version = 6", "event 6 of @feature", Tampering::Removed),
    ("DELETE FROM events WHERE version >= 5", "event 5 of @feature", Tampering::Removed),
    ("DELETE FROM events WHERE event_type = 'feature.create'", "event 1 of @feature", Tampering::Removed),
    (
        "INSERT INTO events (id, aggregate_type, aggregate_id, version, event_type, payload, actor_id, actor_kind, request_id, created_at, hash) \
         SELECT @9, aggregate_type, aggregate_id, 7, 'feature.update', '{\"priority\":1}', actor_id, actor_kind, request_id, created_at, hash \
         FROM events WHERE version = 6",
        "event 7 of @feature (position",
        Tampering::Inserted,
    ),
    ("UPDATE features SET priority = 1", "the row of @feature", Tampering::Changed),
    ("UPDATE features SET updated_at = @now", "the row of @feature", Tampering::Changed),
    ("UPDATE features SET row_version = 5", "event 6 of @feature", Tampering::Inserted),
    ("UPDATE features SET row_version = 9", "event 7 of @feature", Tampering::Removed),
    ("DELETE FROM features", "the row of @feature", Tampering::Removed),
    ("DELETE FROM events WHERE aggregate_type = 'feature'", "the row of @feature", Tampering::Inserted),
];

async fn what_was_done_is_named(backend: Backend) {
    let past = Past::make(backend).await;
    let rows = without_triggers(&past).await;
    let backup =
        ["CREATE TABLE kept_events AS SELECT * FROM events", "CREATE TABLE kept_features AS SELECT * FROM features"];
    for sql in backup {
        rows.run(sql).await.unwrap();
    }
    let (feature, project) = (past.feature.as_str().unwrap(), past.project.as_str().unwrap());
    for (sql, what, done) in TAMPERED {
        rows.run(sql).await.unwrap();
        let fault = fault_of(&past).await.unwrap_or_else(|| panic!("{sql} is not found"));
        let what = what.replace("@feature", feature).replace("@project", project);
        let named = if what.ends_with("(position") { fault.what.starts_with(&what) } else { fault.what == what };
        assert!(named && fault.done == *done, "{sql}: {fault}");
        restore(&rows, backend).await;
        assert_eq!(fault_of(&past).await, None, "after {sql}");
    }
}

async fn restore(rows: &Rows<'_>, backend: Backend) {
    let columns = "id, position, transaction_id, aggregate_type, aggregate_id, version, event_type, payload, actor_id, \
                   actor_kind, request_id, created_at, hash";
    let overriding = if backend == Backend::Postgres { "OVERRIDING SYSTEM VALUE" } else { "" };
    for sql in [
        "DELETE FROM events".to_owned(),
        format!("INSERT INTO events ({columns}) {overriding} SELECT {columns} FROM kept_events"),
        "DELETE FROM features".to_owned(),
        "INSERT INTO features (id, project_id, name, description, priority, status, deleted_at, row_version, created_at, updated_at) \
         SELECT id, project_id, name, description, priority, status, deleted_at, row_version, created_at, updated_at FROM kept_features"
            .to_owned(),
    ] {
        rows.run(&sql).await.unwrap();
    }
}

async fn the_program_tells_what_is_wrong(backend: Backend) {
    let past = Past::make(backend).await;
    let run = || program().args(["verify", "--database", &past.client.test.url]).output().unwrap();
    let whole = run();
    assert!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stderr));
    let told = String::from_utf8_lossy(&whole.stdout).into_owned();
    assert!(
        told.starts_with("7 events of 2 objects in") && told.ends_with("The record is as it was written.\n"),
        "{told}"
    );
    Rows::of(&past.client.test.database).run("UPDATE features SET name = 'x'").await.unwrap();
    let broken = run();
    assert_eq!(broken.status.code(), Some(1));
    let told = String::from_utf8_lossy(&broken.stderr).into_owned();
    let expected = format!(
        "the record is not as it was written: the row of {} was changed: its events say something else of: name",
        past.feature.as_str().unwrap()
    );
    assert!(told.contains(&expected), "{told}");
}

async fn a_record_of_many_pages_is_verified(backend: Backend) {
    let test = TestDatabase::with_demo(backend).await;
    let began = std::time::Instant::now();
    let verified = verify(&test.database, |_| {}).await.unwrap();
    println!("{backend:?}: {} events of {} streams in {:?}", verified.events, verified.streams, began.elapsed());
    assert_eq!((verified.fault, verified.streams), (None, 50 + 1204 + 15_487 + 6850));
    // To import it again changes nothing.
    import_demo(&test.database, &throughline::access::Caller::local_owner()).await.unwrap();
    let rows = Rows::of(&test.database);
    assert_eq!(u64::try_from(rows.count("SELECT count(*) FROM events").await).unwrap(), verified.events);
}
