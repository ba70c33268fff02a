//! One SQLite file that cannot grow, that somebody else has, and whose machine loses its power.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, ConnectionTrait as _};

use super::load::{Load, number_in_name};
use super::{assert_whole, pause, scale};
use crate::support::{Backend, RunningServer, TestDatabase, program};

/// A server whose files can be no larger than so many KiB, which is told as a full disk is: by an error of the write.
fn serve_within(database: &str, kib: u64) -> RunningServer {
    let served = program();
    let mut command = Command::new("sh");
    // Without the trap the signal that comes with the error would end the process.
    command.args(["-c", "trap '' XFSZ; ulimit -S -f \"$1\"; shift; exec \"$@\"", "sh", &(kib * 2).to_string()]);
    command.arg(served.get_program()).args([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--webhooks",
        "false",
        "--database",
        database,
    ]);
    for (name, value) in served.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.process_group(0);
    RunningServer::start_with(&mut command)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_is_told_and_loses_nothing() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let server = serve_within(&test.url, 4096);
    let load = Load::start(&[&server]).await;
    let full = load.wait(Instant::now(), Duration::from_mins(1), |seen| !seen.refused_writes.is_empty()).await;
    assert!(full.is_some(), "the log of writes has never become too large: {:?}", load.seen().writes);
    pause(0.5).await;
    let seen = load.seen();
    assert!(seen.refused_writes.keys().eq(["DATABASE_UNAVAILABLE"]), "{seen:#?}");
    assert!(seen.failed == 0, "reads go on: {seen:#?}");
    // There is room again.
    server.allow_any_file_size();
    let since = Instant::now();
    let resumed = load.next_write(since, Duration::from_secs(10)).await;
    let (seen, lost) = load.end().await;
    println!(
        "{} writes, then refused {:?}; with room again they went on after {resumed:?}",
        seen.writes, seen.refused_writes
    );
    assert!(resumed.is_some() && lost.is_empty() && seen.violations.is_empty(), "{seen:#?} {lost:?}");
    drop(server);
    assert_whole(&test.url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_somebody_else_has_is_waited_for() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let server = RunningServer::start(&test.url);
    let load = Load::start(&[&server]).await;
    pause(0.5).await;
    load.forget();
    let other = sea_orm::Database::connect(ConnectOptions::new(&test.url).max_connections(1).to_owned()).await.unwrap();
    other.execute_unprepared("PRAGMA busy_timeout = 10000; BEGIN EXCLUSIVE").await.unwrap();
    pause(4.0).await;
    other.execute_unprepared("COMMIT").await.unwrap();
    let since = Instant::now();
    let resumed = load.next_write(since, Duration::from_secs(10)).await;
    let (seen, lost) = load.end().await;
    println!(
        "refused {:?} after {:.1?} at most; writes went on after {resumed:?}",
        seen.refused_writes, seen.longest_refusal
    );
    assert!(resumed.is_some() && lost.is_empty() && seen.failed == 0, "{seen:#?} {lost:?}");
    assert!(!seen.refused_writes.is_empty(), "nobody had to wait: {seen:#?}");
    assert!(
        seen.refused_writes.keys().all(|code| ["LOCK_TIMEOUT", "POOL_TIMEOUT"].contains(&code.as_str())),
        "{seen:#?}"
    );
}

/// What is on the disk when the power goes is what the system was given by then, or less: what a commit has waited for is there.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_at_any_moment_holds_all_that_was_acknowledged() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let file = test.url.strip_prefix("sqlite://").unwrap().to_owned();
    let server = RunningServer::start(&test.url);
    let load = Load::start(&[&server]).await;
    let moments = 10 * scale();
    let mut least = u64::MAX;
    for moment in 0..moments {
        pause(0.05 + f64::from(moment * 7919 % 200) / 1000.0).await;
        server.freeze();
        let acknowledged = load.acknowledged();
        let left = tempfile::tempdir().unwrap();
        for end in ["", "-wal"] {
            // Its index is memory, which goes with the power.
            std::fs::copy(format!("{file}{end}"), left.path().join(format!("left.db{end}"))).unwrap();
        }
        server.thaw();
        let url = format!("sqlite://{}", left.path().join("left.db").display());
        assert_whole(&url).await;
        for (id, number) in acknowledged {
            let there = number_in(left.path(), &id).await;
            assert!(there >= number, "moment {moment}: {number} was acknowledged, {there} is there");
            least = least.min(number);
        }
    }
    let (seen, lost) = load.end().await;
    println!("{moments} moments of {} writes: all that was acknowledged is there", seen.writes);
    assert!(least > 0 && least < u64::MAX && lost.is_empty(), "{lost:?}");
}

async fn number_in(folder: &Path, id: &str) -> u64 {
    let url = format!("sqlite://{}", folder.join("left.db").display());
    let database = sea_orm::Database::connect(&url).await.unwrap();
    let (_, key) = throughline::batch::id::parse("id", id, &["feature"]).unwrap();
    let row = sea_orm::Statement::from_sql_and_values(
        sea_orm::DbBackend::Sqlite,
        "SELECT name FROM features WHERE id = ?",
        [key.into()],
    );
    let name: String = database.query_one_raw(row).await.unwrap().unwrap().try_get_by_index(0).unwrap();
    database.close().await.unwrap();
    number_in_name(&name).unwrap()
}
