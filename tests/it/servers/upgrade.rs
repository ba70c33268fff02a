//! The tables are changed while servers use them: nobody waits for it, whatever is in its way, and whenever it is killed.

use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fastrand::Rng;
use sea_orm::sqlx::{Connection as _, Executor as _, PgConnection};
use throughline::database::{Database, PoolOptions};

use super::cluster::Cluster;
use super::load::{Load, Seen};
use super::{pause, scale, serve};
use crate::support::{leaves_postgres_out, program, query_texts};

const ONLY: u16 = 1;
const REPLICA: u16 = 2;
/// The steps that the version before does not have.
const NEW: &str = "3";

/// Features of before, so many that giving each its position takes some seconds.
async fn fill(database: &Database) {
    let features = 50_000 * scale();
    for sql in [
        "INSERT INTO projects (id, name, created_at, updated_at) VALUES (gen_random_uuid(), 'before', now(), now())",
        &format!(
            "INSERT INTO features (id, project_id, name, priority, status, created_at, updated_at)
             SELECT gen_random_uuid(), (SELECT id FROM projects WHERE name = 'before'), 'before ' || n, 1 + n % 13,
                (ARRAY['not_started', 'in_progress', 'blocked', 'completed', 'cancelled'])[1 + n % 5], now(), now()
             FROM generate_series(1, {features}) n"
        ),
    ] {
        query_texts(database.writer(), sql).await;
    }
}

/// `throughline migrate …` in a process of its own.
struct Migration(Child);

impl Migration {
    fn start(url: &str, arguments: &[&str]) -> Self {
        let mut command = program();
        command.args(["migrate"]).args(arguments).args(["--database", url, "--application-name", "migration"]);
        Self(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Waits for its end; what it has printed.
    async fn end(self) -> String {
        let output = tokio::task::spawn_blocking(|| self.0.wait_with_output().unwrap()).await.unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
        printed
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn run(url: &str, arguments: &[&str]) -> impl Future<Output = String> {
    Migration::start(url, arguments).end()
}

/// How long anybody but the migration waits for a lock at most, until it is asked; and how often it has looked.
struct Waits(tokio::task::JoinHandle<()>, Arc<Mutex<(f64, u32)>>);

impl Waits {
    fn watch(url: String) -> Self {
        let longest = Arc::new(Mutex::new((0.0_f64, 0)));
        let seen = Arc::clone(&longest);
        let watch = async move {
            let database = connect(&url).await;
            // The server tells when a wait began.
            let sql = "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - waitstart)), 0)::text FROM pg_locks
                JOIN pg_stat_activity USING (pid) WHERE NOT granted AND application_name <> 'migration'";
            loop {
                let waits: f64 = query_texts(database.reader(), sql).await[0].parse().unwrap();
                {
                    let mut longest = seen.lock().unwrap();
                    *longest = (longest.0.max(waits), longest.1 + 1);
                }
                pause(0.01).await;
            }
        };
        Self(tokio::spawn(watch), longest)
    }

    fn longest(self) -> Duration {
        assert!(!self.0.is_finished(), "nobody has watched");
        self.0.abort();
        let (longest, looks) = *self.1.lock().unwrap();
        assert!(looks > 20, "it has looked {looks} times");
        Duration::from_secs_f64(longest)
    }
}

async fn connect(url: &str) -> Database {
    throughline::app::connect(url, &PoolOptions::default().unhurried()).await.unwrap()
}

/// A connection whose transaction has begun with this statement.
async fn in_transaction(url: &str, statement: &'static str) -> PgConnection {
    let mut connection = PgConnection::connect(url).await.unwrap();
    connection.execute("BEGIN").await.unwrap();
    connection.execute(statement).await.unwrap();
    connection
}

/// Everything that the migrations make, as PostgreSQL's own tool tells it.
fn schema(cluster: &Cluster) -> String {
    let output = std::process::Command::new("pg_dump").arg("--schema-only").arg(cluster.url(ONLY)).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Newer ones guard what they print with a random word.
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().filter(|line| !line.starts_with('\\')).collect::<Vec<_>>().join("\n")
}

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
        "DELETE FROM seaql_migrations WHERE version >= 'm20261129_000019'",
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
    let serve_old = || super::serve_with(std::process::Command::new(&old), &url, &[], &[]);
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
