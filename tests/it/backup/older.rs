//! Backups of tables that an earlier program made, and what an older file has left in its pages.

use sea_orm::ConnectionTrait as _;

use super::{create, data_of, error_of, restore, succeed, verify};
use crate::support::{Backend, Place, Rows, TestDatabase};

on_both!(a_backup_of_an_earlier_program_is_brought_up_to_date);

async fn a_backup_of_an_earlier_program_is_brought_up_to_date(backend: Backend) {
    let test = TestDatabase::with_demo(backend).await;
    succeed(&["migrate", "down", "--steps", "3", "--yes", "--database", &test.url]);
    let folder = tempfile::tempdir().unwrap();
    let backup = create(&test.url, folder.path());
    let output = verify(&backup, &test.url);
    assert!(output.status.success(), "{}", error_of(&output));
    let place = Place::empty(backend).await;
    restore(&backup, &place.url);
    let status = |word: &str| {
        let said = succeed(&["migrate", "status", "--database", &place.url]);
        said.lines().filter(|line| line.starts_with(word)).count()
    };
    assert_eq!(status("pending") + status("held"), 3, "it is as it was");
    succeed(&["migrate", "up", "--database", &place.url]);
    assert_eq!(status("pending"), 0);
    assert!(succeed(&["verify", "--database", &place.url]).contains("as it was written"));
}

/// A server that was restored before there were epochs counts fewer transactions than its events tell of.
#[tokio::test]
async fn the_migration_begins_after_all_that_is_there() {
    if crate::support::leaves_postgres_out() {
        return;
    }
    let test = TestDatabase::new(Backend::Postgres).await;
    let all = test.database.migrations().await.unwrap();
    let undone = all.iter().rev().position(|migration| migration.name.ends_with("event_epoch")).unwrap() + 1;
    succeed(&["migrate", "down", "--steps", &undone.to_string(), "--yes", "--database", &test.url]);
    let rows = Rows::of(&test.database);
    let insert = "INSERT INTO events (id, transaction_id, aggregate_type, aggregate_id, version, event_type, payload, actor_id, actor_kind, \
                  request_id, created_at, hash) VALUES (@1, 1000000000000, 'project', @2, 1, 'project.create', '{}', 'a', 'person', 'r', @now, @hash)";
    rows.run(insert).await.unwrap();
    assert_eq!(rows.count("SELECT count(*) FROM settled_events").await, 0);
    succeed(&["migrate", "up", "--database", &test.url]);
    assert_eq!(rows.count("SELECT count(*) FROM settled_events").await, 1);
    assert!(rows.count("SELECT event_epoch()").await >= 1_000_000_000_000);
}

/// What was deleted before a file was overwritten where something is deleted is in its pages, and in no backup.
#[tokio::test]
async fn a_backup_has_nothing_that_was_deleted() {
    const MARK: &str = "remains-5b0d";
    let test = TestDatabase::new(Backend::Sqlite).await;
    let url = test.url.clone();
    let insert = format!(
        "INSERT INTO idempotency_keys (actor_id, key, command, input_hash, receipt, created_at) \
         VALUES ('a', '{MARK}', 'c', x'00', '{{}}', '2026-01-02T03:04:05+00:00')"
    );
    test.database.writer().execute_unprepared(&insert).await.unwrap();
    let path = url.strip_prefix("sqlite://").unwrap();
    let careless = rusqlite::Connection::open(path).unwrap();
    careless.pragma_update(None, "secure_delete", false).unwrap();
    careless.execute("DELETE FROM idempotency_keys", []).unwrap();
    careless.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let holds = |path: &std::path::Path| memchr::memmem::find(&std::fs::read(path).unwrap(), MARK.as_bytes()).is_some();
    assert!(holds(path.as_ref()), "there is nothing that could get into a backup");
    let folder = tempfile::tempdir().unwrap();
    let backup = create(&url, folder.path());
    assert!(!holds(&data_of(&backup)));
}
