//! The tables are changed while servers use them: nobody waits for it, whatever is in its way, and whenever it is killed.

mod migrating;

use std::process::Command;
use std::time::{Duration, Instant};

use fastrand::Rng;
use sea_orm::sqlx::Connection as _;
use throughline::database::Database;

use self::migrating::{Migration, Waits, connect, fill, in_transaction, run, schema};
use super::cluster::Cluster;
use super::load::{Load, Seen};
use super::{pause, scale, serve, serve_with};
use crate::support::{leaves_postgres_out, query_texts};

const ONLY: u16 = 1;
const REPLICA: u16 = 2;
/// How many steps the version before does not have.
const NEW: &str = "5";

/// Each feature has the position of its status, and what says so is checked.
async fn assert_filled(database: &Database) {
    for (sql, expected) in [
        (
            "SELECT count(*)::text FROM features WHERE status_position IS DISTINCT FROM feature_status_position(status)",
            "0",
        ),
        ("SELECT convalidated::text FROM pg_constraint WHERE conname = 'features_status_position_known'", "true"),
        ("SELECT count(*)::text FROM pg_index WHERE NOT indisvalid", "0"),
        ("SELECT count(*)::text FROM pg_class WHERE relname LIKE 'features%by_status_position'", "2"),
    ] {
        assert_eq!(query_texts(database.reader(), sql).await, [expected], "{sql}");
    }
}

fn assert_unharmed(what: &str, seen: &Seen, lost: &[String], longest_wait: Duration) {
    println!(
        "{what}: {} reads, {:.0?} at most, {} failed; {} writes, refused {:?}; the longest wait for a lock {longest_wait:.0?}",
        seen.reads, seen.longest_read, seen.failed, seen.writes, seen.refused_writes
    );
    assert!(seen.failed_reads.is_empty() && seen.violations.is_empty() && lost.is_empty(), "{seen:#?} {lost:?}");
    assert!(seen.refused_writes.is_empty() && seen.reads > 100 && seen.writes > 10, "{seen:#?}");
    assert!(longest_wait < Duration::from_secs(1), "{longest_wait:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_go_on_while_their_tables_change() {
    if leaves_postgres_out() {
        return;
    }
    let cluster = Cluster::start(1);
    let url = cluster.url(ONLY);
    let server = serve(&url, &[cluster.url(REPLICA)], &[]);
    let database = connect(&url).await;
    let complete = schema(&cluster);
    // The server is of no other version than the tables were; the clients ask it for nothing that the version before has not.
    run(&url, &["down", "--steps", NEW, "--yes"]).await;
    fill(&database).await;
    let load = Load::start(&[&server]).await;
    pause(1.0).await;
    let waits = Waits::watch(url.clone());

    // Somebody has read the features, and has not ended their transaction: who wants the table for themselves waits for them.
    // So has somebody on the replica, where what changes the table waits until they are sent away.
    let _open_there = in_transaction(&cluster.url(REPLICA), "SELECT count(*) FROM features").await;
    let open = in_transaction(&url, "SELECT count(*) FROM features").await;
    let migration = Migration::start(&url, &["up"]);
    pause(3.0).await;
    let tried = "SELECT count(*)::text FROM information_schema.columns WHERE column_name = 'status_position'";
    assert_eq!(query_texts(database.reader(), tried).await, ["0"], "it has waited for its turn");
    // An index waits for whoever has seen the tables without it, and nobody waits for the index.
    let old =
        in_transaction(&url, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM projects").await;
    open.close().await.unwrap();
    let began = Instant::now();
    let making =
        "SELECT count(*)::text FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting for old snapshots'";
    while query_texts(database.reader(), making).await != ["1"] {
        assert!(began.elapsed() < Duration::from_mins(2), "an index waits");
        pause(0.1).await;
    }
    // Longer than a migration waits for a lock otherwise.
    pause(11.0).await;
    assert_eq!(query_texts(database.reader(), making).await, ["1"], "it has begun anew");
    old.close().await.unwrap();
    let printed = migration.end().await;
    println!("the tables are upgraded in {:.1?}", began.elapsed());
    assert!(printed.contains("held  m20261129_000020"), "{printed}");
    assert_filled(&database).await;
    run(&url, &["complete", "--yes"]).await;
    pause(1.0).await;
    let longest = waits.longest();
    let (seen, lost) = load.end().await;
    assert_unharmed("upgraded under load", &seen, &lost, longest);
    assert_eq!(schema(&cluster), complete);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_killed_in_the_middle_goes_on_where_it_was() {
    if leaves_postgres_out() {
        return;
    }
    let cluster = Cluster::start(0);
    let url = cluster.url(ONLY);
    run(&url, &["up"]).await;
    let complete = schema(&cluster);
    let database = connect(&url).await;
    run(&url, &["down", "--steps", NEW, "--yes"]).await;
    fill(&database).await;
    let seed = Rng::new().u64(..);
    let mut rng = Rng::with_seed(seed);
    let mut filled = Vec::new();
    for _ in 0..10 * scale() {
        let migration = Migration::start(&url, &["up"]);
        pause(0.1 + rng.f64() * 0.9).await;
        migration.kill();
        let sql = "SELECT coalesce((SELECT CASE WHEN convalidated THEN 'all' END FROM pg_constraint \
            WHERE conname = 'features_status_position_known'), '')";
        let is_filled = query_texts(database.reader(), sql).await == ["all"];
        filled.push(if is_filled { "all".to_owned() } else { count_filled(&database).await });
    }
    println!("seed {seed}: killed with so many filled: {}", filled.join(", "));
    assert!(filled.iter().any(|filled| filled != "0" && filled != "all"), "it was never killed in the middle");
    run(&url, &["up"]).await;
    assert_filled(&database).await;

    // The making of an index was broken off where PostgreSQL had begun it: it is there, and no statement may use it.
    for sql in [
        "DELETE FROM seaql_migrations WHERE version LIKE 'm20261129_000019%' OR version LIKE 'm20261129_000020%'",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'features_by_status_position'::regclass",
        "ALTER TABLE features DISABLE TRIGGER features_status_position",
        "ALTER TABLE features DROP CONSTRAINT features_status_position_known",
        "UPDATE features SET status_position = NULL WHERE priority = 1",
        "ALTER TABLE features ADD CONSTRAINT features_status_position_known CHECK \
            (status_position IS NOT NULL AND status_position = feature_status_position(status)) NOT VALID",
        "ALTER TABLE features ENABLE TRIGGER features_status_position",
    ] {
        query_texts(database.writer(), sql).await;
    }
    // Of the rows that have no value yet somebody has locked one, and lets go of it.
    let open = in_transaction(&url, "SELECT id FROM features WHERE status_position IS NULL LIMIT 1 FOR UPDATE").await;
    let migration = Migration::start(&url, &["up"]);
    let missing = "SELECT count(*)::text FROM features WHERE status_position IS NULL";
    let began = Instant::now();
    while query_texts(database.reader(), missing).await != ["1"] {
        assert!(began.elapsed() < Duration::from_mins(1), "all are filled but the one");
        pause(0.1).await;
    }
    pause(0.5).await;
    assert_eq!(query_texts(database.reader(), missing).await, ["1"], "nobody waits for the one");
    open.close().await.unwrap();
    migration.end().await;
    assert_filled(&database).await;
    run(&url, &["complete", "--yes"]).await;
    assert_eq!(schema(&cluster), complete);
}

/// How many features have their position; none as long as there is no such column.
async fn count_filled(database: &Database) -> String {
    let sql = "SELECT count(*)::text FROM features WHERE to_jsonb(features) ->> 'status_position' IS NOT NULL";
    query_texts(database.reader(), sql).await.remove(0)
}

/// Servers of the version before, real ones, go on until those of this version have taken their places.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the program of the version before: THROUGHLINE_OLD_PROGRAM, which .ci/upgrade builds"]
async fn two_versions_serve_side_by_side() {
    let old = std::env::var("THROUGHLINE_OLD_PROGRAM").unwrap();
    let cluster = Cluster::start(0);
    let url = cluster.url(ONLY);
    let serve_old = || serve_with(Command::new(&old), &url, &[], &[]);
    let before = [serve_old(), serve_old()];
    let database = connect(&url).await;
    fill(&database).await;
    let load = Load::start(&[&before[0], &before[1]]).await;
    pause(1.0).await;
    let waits = Waits::watch(url.clone());
    let printed = run(&url, &["up"]).await;
    assert!(printed.contains("held  m20261129_000020"), "{printed}");
    assert_filled(&database).await;
    let (seen, lost) = load.end().await;
    assert_unharmed("two servers of the version before, while the tables are upgraded", &seen, &lost, waits.longest());

    // One of each, on tables of both.
    let after = serve(&url, &[], &[]);
    let waits = Waits::watch(url.clone());
    let load = Load::start(&[&before[0], &after]).await;
    let (began, mut lists) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_secs(3) * scale() {
        // By the new number, which both have filled.
        let query = "{ features(first: 50, filter: { status: { in: [BLOCKED, NOT_STARTED] } }, \
            orderBy: { field: STATUS, direction: DESC }) { nodes { status } } }";
        let answer = after.graphql(query, serde_json::json!({})).await;
        let nodes = answer["data"]["features"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}"));
        assert!(nodes.len() == 50 && nodes.iter().all(|node| node["status"] == "BLOCKED"), "{answer}");
        lists += 1;
    }
    assert!(lists > 20, "{lists}");
    let (seen, lost) = load.end().await;
    assert_unharmed("one server of each version", &seen, &lost, waits.longest());
    assert_filled(&database).await;
    // What was ordered by the one is refused by the other, which orders otherwise, and says so.
    let first = "{ features(first: 2, orderBy: { field: STATUS }) { pageInfo { endCursor } } }";
    let answer = before[0].graphql(first, serde_json::json!({})).await;
    let cursor = &answer["data"]["features"]["pageInfo"]["endCursor"];
    let next =
        "query($after: String) { features(first: 2, after: $after, orderBy: { field: STATUS }) { nodes { id } } }";
    let answer = after.graphql(next, serde_json::json!({ "after": cursor })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "INVALID_CURSOR", "{answer}");

    // The last one of the version before goes, and the tables lose what it needed.
    drop(before);
    let waits = Waits::watch(url.clone());
    let load = Load::start(&[&after]).await;
    run(&url, &["complete", "--yes"]).await;
    pause(1.0).await;
    let (seen, lost) = load.end().await;
    assert_unharmed("this version, while the upgrade is completed", &seen, &lost, waits.longest());
}
