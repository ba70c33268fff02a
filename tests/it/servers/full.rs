//! Disks with no byte left: of an SQLite file, and of a PostgreSQL server with all that it has.

use std::time::{Duration, Instant};

use super::cluster::Cluster;
use super::disk::Disk;
use super::load::{Load, Seen};
use super::{assert_whole, pause, serve};
use crate::support::{RunningServer, leaves_postgres_out, program};

const ONLY: u16 = 1;
const MIB_FOR_A_FILE: u32 = 24;
/// A new server takes some sixty.
const MIB_FOR_A_SERVER: u32 = 128;
/// What still fits into pages and files that are there already takes a while.
const UNTIL_FULL: Duration = Duration::from_mins(2);
/// How long a loaded machine may take for some answers.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_without_room_for_the_file_is_told_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::mount(folder.path(), MIB_FOR_A_FILE);
    let url = format!("sqlite://{}", folder.path().join("record.db").display());
    let mut serve = program();
    serve.args(["serve", "--listen", "127.0.0.1:0", "--webhooks", "false", "--database", &url]);
    let server = RunningServer::start_with(&mut disk.wrap(&serve));
    let load = Load::start(&[&server]).await;
    for round in 0..3 {
        pause(0.5).await;
        load.forget();
        disk.fill();
        let seen = fill_up(&load).await;
        println!("full for the {round}. time: {} reads, refused writes {:?}", seen.reads, seen.refused_writes);
        assert!(seen.failed == 0 && seen.violations.is_empty(), "reads go on: {seen:#?}");
        go_on(&load, || disk.make_room()).await;
    }
    let (_, lost) = load.end().await;
    assert!(lost.is_empty(), "{lost:#?}");
    drop(server);
    let copy = tempfile::tempdir().unwrap();
    let (copied, said) = disk.run(&format!("cp record.db {}", copy.path().display()));
    assert!(copied && !disk.run("ls record.db-wal").0, "the file was closed in order: {said}");
    assert_whole(&format!("sqlite://{}", copy.path().join("record.db").display())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_room_is_told_of_and_loses_nothing() {
    if leaves_postgres_out() {
        return;
    }
    let cluster = Cluster::start_on_disk(MIB_FOR_A_SERVER);
    let disk = cluster.disk();
    let server = serve(&cluster.url(ONLY), &[], &[]);
    let load = Load::start(&[&server]).await;
    pause(0.5).await;
    // Its log has room for a while; its tables have none.
    cluster.psql(ONLY, "SELECT pg_switch_wal()");
    load.next_write(Instant::now(), Duration::from_secs(10)).await.expect("writes go on");
    load.forget();
    disk.fill();
    let seen = fill_up(&load).await;
    println!("no room for tables: {} reads, refused writes {:?}", seen.reads, seen.refused_writes);
    assert!(seen.failed == 0 && seen.violations.is_empty(), "reads go on: {seen:#?}");
    go_on(&load, || disk.make_room()).await;

    disk.fill();
    // Without room for its log it ends, and cannot begin again.
    let began = Instant::now();
    while cluster.try_psql(ONLY, "SELECT pg_switch_wal()").is_ok() {
        assert!(began.elapsed() < UNTIL_FULL, "the log has room still");
        pause(0.1).await;
    }
    load.forget();
    pause(2.0).await;
    let seen = load.seen();
    println!("no room for the log: {} reads failed, refused writes {:?}", seen.failed, seen.refused_writes);
    assert!(seen.failed > 0 && seen.failed_reads.iter().all(|read| read.contains("DATABASE_UNAVAILABLE")), "{seen:#?}");
    assert!(seen.writes == 0 && seen.refused_writes.keys().eq(["DATABASE_UNAVAILABLE"]), "{seen:#?}");
    assert!(seen.longest_read.max(seen.longest_refusal) < Duration::from_millis(2500), "{seen:#?}");
    disk.make_room();
    go_on(&load, || cluster.start_again(ONLY)).await;
    let (_, lost) = load.end().await;
    assert!(lost.is_empty(), "{lost:#?}");
    drop(server);
    assert_whole(&cluster.url(ONLY)).await;
}

/// Waits until no write is taken any more, and a second longer. What was seen in that second.
async fn fill_up(load: &Load) -> Seen {
    let full = load.wait(Instant::now(), UNTIL_FULL, |seen| !seen.refused_writes.is_empty()).await;
    let seen = load.seen();
    assert!(full.is_some(), "the disk was never full: {seen:#?}");
    assert!(seen.failed == 0 && seen.refused_writes.keys().eq(["DATABASE_UNAVAILABLE"]), "{seen:#?}");
    load.forget();
    pause(1.0).await;
    let still = load.wait(Instant::now(), PATIENCE, |seen| seen.reads > 50 && !seen.refused_writes.is_empty()).await;
    let seen = load.seen();
    assert!(still.is_some() && seen.refused_writes.keys().eq(["DATABASE_UNAVAILABLE"]), "{seen:#?}");
    seen
}

/// Fails unless writes go on when the cause is mended.
async fn go_on(load: &Load, mend: impl FnOnce()) {
    mend();
    let since = Instant::now();
    let written = load.next_write(since, Duration::from_secs(10)).await;
    println!("there is room again: writes go on after {written:.1?}");
    assert!(written.is_some(), "{:#?}", load.seen());
    load.forget();
    let well = load.wait(Instant::now(), PATIENCE, |seen| seen.reads > 50 && seen.writes > 10).await;
    let seen = load.seen();
    assert!(well.is_some() && seen.failed == 0 && seen.refused_writes.is_empty(), "all is well: {seen:#?}");
}
