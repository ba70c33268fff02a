//! One database server that dies, loses connections, and hangs.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use super::cluster::Cluster;
use super::load::Load;
use super::{pause, scale, serve};
use crate::support::leaves_postgres_out;

const ONLY: u16 = 1;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_loses_nothing_that_was_acknowledged() {
    if leaves_postgres_out() {
        return;
    }
    let cluster = Cluster::start(0);
    let server = serve(&cluster.url(ONLY), &[], &[]);
    let load = Load::start(&[&server]).await;
    let (mut slowest, mut back, rounds) = (Duration::ZERO, Duration::ZERO, 5 * scale());
    for round in 0..rounds {
        pause(0.5).await;
        load.forget();
        cluster.kill(ONLY);
        pause(1.5).await;
        let seen = load.seen();
        slowest = slowest.max(seen.longest_refusal).max(seen.longest_read);
        assert!(seen.refused_writes.keys().eq(["DATABASE_UNAVAILABLE"]), "{round}: {seen:#?}");
        assert!(seen.failed_reads.iter().all(|read| read.contains("DATABASE_UNAVAILABLE")), "{round}: {seen:#?}");
        assert!(!seen.failed_reads.is_empty(), "{round}: {seen:#?}");
        cluster.start_again(ONLY);
        let since = Instant::now();
        let written = load.next_write(since, Duration::from_secs(10)).await.expect("writes go on");
        let reads = load.seen().reads;
        let read = load.wait(since, Duration::from_secs(10), |seen| seen.reads > reads).await.expect("reads go on");
        back = back.max(written).max(read);
    }
    let (_, lost) = load.end().await;
    println!("{rounds} times: an error after {slowest:.1?} at most, good answers {back:.1?} after the server was back");
    assert!(lost.is_empty(), "{lost:#?}");
    assert!(slowest < Duration::from_millis(2500) && back < Duration::from_secs(5), "{slowest:?} {back:?}");
    let metrics = server.client.get(format!("{}/metrics", server.address)).send().await.unwrap().text().await.unwrap();
    for line in ["throughline_pool_waiters{pool=\"read\"} 0", "throughline_open_connections"] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_write_to_a_server_that_is_gone_they_are_told_so() {
    const WRITERS: usize = 20;
    if leaves_postgres_out() {
        return;
    }
    let cluster = Cluster::start(0);
    let server = serve(&cluster.url(ONLY), &[], &["--max-connections", "3"]);
    let made = server.graphql("mutation { createProject(input: { name: \"a\" }) { project { id } } }", json!({})).await;
    let id = &made["data"]["createProject"]["project"]["id"];
    assert!(id.is_string(), "{made}");
    let alone = "mutation($id: ID!) { updateProject(input: { id: $id, name: \"b\" }) { project { name } } }";
    let together = "mutation($id: ID!) { a: updateProject(input: { id: $id, name: \"c\" }) { project { name } } \
        b: createProject(input: { name: \"d\" }) { project { name } } }";
    cluster.crash(ONLY);
    for query in [alone, together] {
        let writers = (0..WRITERS).map(async |_| {
            let began = Instant::now();
            let told = server.graphql(query, json!({ "id": id })).await;
            (told["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned(), began.elapsed())
        });
        let told = join_all(writers).await;
        let longest = told.iter().map(|(_, took)| *took).max().unwrap();
        println!("{WRITERS} writers and 3 connections: told that the server is gone after {longest:.1?} at most");
        assert!(told.iter().all(|(code, _)| code == "DATABASE_UNAVAILABLE"), "{told:#?}");
        assert!(longest < Duration::from_millis(2500), "{told:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_ended_are_replaced() {
    if leaves_postgres_out() {
        return;
    }
    let cluster = Cluster::start(0);
    let server = serve(&cluster.url(ONLY), &[], &[]);
    let load = Load::start(&[&server]).await;
    let rounds = 20 * scale();
    let mut ended = 0;
    for _ in 0..rounds {
        pause(0.5).await;
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        ended += cluster.psql(ONLY, end).parse::<u64>().unwrap();
    }
    let (seen, lost) = load.end().await;
    let failed = seen.failed;
    println!(
        "{ended} connections ended in {rounds} rounds: {} reads, {failed} failed; {} writes, refused {:?}",
        seen.reads, seen.writes, seen.refused_writes
    );
    assert!(lost.is_empty(), "{lost:#?}");
    assert!(failed * 100 <= seen.reads && ended > u64::from(rounds), "{seen:#?}");
    assert!(seen.refused_writes.keys().all(|code| code == "DATABASE_UNAVAILABLE"), "{seen:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_keeps_nobody_longer_than_a_request_may_take() {
    const LIMIT: Duration = Duration::from_secs(2);
    if leaves_postgres_out() {
        return;
    }
    let cluster = Cluster::start(0);
    let server = serve(&cluster.url(ONLY), &[], &["--request-timeout-ms", "2000"]);
    let load = Load::start(&[&server]).await;
    pause(0.5).await;
    load.forget();
    cluster.freeze(ONLY);
    pause(f64::from(5 * scale())).await;
    cluster.thaw(ONLY);
    let thawed = Instant::now();
    let written = load.next_write(thawed, Duration::from_secs(10)).await.expect("writes go on");
    let (seen, lost) = load.end().await;
    println!(
        "reads took {:.1?} at most, writes were refused after {:.1?} at most: {:?}; {} reads failed; writes went on after {written:.1?}",
        seen.longest_read, seen.longest_refusal, seen.refused_writes, seen.failed
    );
    assert!(lost.is_empty(), "{lost:#?}");
    assert!(!seen.failed_reads.is_empty() && !seen.refused_writes.is_empty(), "{seen:#?}");
    assert!(seen.longest_read.max(seen.longest_refusal) < LIMIT + Duration::from_millis(1500), "{seen:#?}");
    let codes = ["DATABASE_UNAVAILABLE", "REQUEST_TIMEOUT", "POOL_TIMEOUT"];
    assert!(seen.refused_writes.keys().all(|code| codes.contains(&code.as_str())), "{seen:#?}");
    assert!(seen.failed_reads.iter().all(|read| codes.iter().any(|code| read.contains(code))), "{seen:#?}");
}
