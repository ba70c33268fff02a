//! A primary that dies with its machine, and one replica that has all that was acknowledged: a commit waits until it is there.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::load::{Load, number_in_name};
use super::{assert_whole, pause, scale, serve};
use crate::support::{RunningServer, leaves_postgres_out};

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_crashes_takes_nothing_along_that_was_acknowledged() {
    if leaves_postgres_out() {
        return;
    }
    let cluster = Cluster::start(1);
    let (first, second) = (cluster.url(1), [cluster.url(2)]);
    let servers = [serve(&first, &second, &[]), serve(&first, &second, &[])];
    let load = Load::start(&[&servers[0], &servers[1]]).await;
    let (mut primary, mut replica) = (1, 2);
    for round in 0..2 * scale() {
        if round > 0 {
            cluster.replace(replica, primary);
        }
        wait_for_replica(&cluster, primary).await;
        wait_for_calm(&load).await;
        // Every other time, what it writes in the half second before it dies is sent to nobody.
        if round % 2 == 1 {
            cluster.hold_back(primary);
            pause(0.5).await;
        }
        cluster.crash(primary);
        pause(1.5).await;
        let away = load.seen();
        assert_are_there(&cluster, replica, &load.acknowledged());
        pause(0.5).await;
        assert!(load.seen().reads > away.reads && load.seen().writes == away.writes, "{away:#?} {:#?}", load.seen());
        let promoted = Instant::now();
        cluster.promote(replica);
        let resumed = load.next_write(promoted, Duration::from_secs(30)).await;
        pause(1.0).await;
        let seen = load.seen();
        println!(
            "crash {round}: {} reads, {} failed, {:.1?} at most; {} writes, which went on {resumed:.1?} after the promotion, refused \
             meanwhile: {:?}, after {:.1?} at most",
            seen.reads, seen.failed, seen.longest_read, seen.writes, seen.refused_writes, seen.longest_refusal
        );
        let logs = || servers.each_ref().map(RunningServer::log).join("\n");
        assert!(seen.failed_reads.is_empty() && seen.violations.is_empty(), "{seen:#?}\n{}", logs());
        assert!(resumed.is_some_and(|resumed| resumed < Duration::from_secs(10)), "{seen:#?}");
        assert!(seen.refused_writes.keys().eq(["DATABASE_UNAVAILABLE"]), "{seen:#?}");
        assert!(seen.longest_refusal < Duration::from_millis(2500), "{seen:#?}");
        (primary, replica) = (replica, primary);
    }
    let (_, lost) = load.end().await;
    assert!(lost.is_empty(), "{lost:#?}");
    drop(servers);
    assert_whole(&cluster.url(primary)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_was_too_far_behind_is_read_from_when_the_primary_has_crashed() {
    const READERS: usize = 8;
    if leaves_postgres_out() {
        return;
    }
    let cluster = Cluster::start(1);
    let server = serve(&cluster.url(1), &[cluster.url(2)], &[]);
    let create = "mutation { createProject(input: { name: \"a\" }) { project { name } } }";
    let made = server.graphql(create, json!({})).await;
    assert_eq!(made["data"]["createProject"]["project"]["name"], "a", "{made}");
    let body = json!({ "query": "{ projects { nodes { name } } }", "extensions": { "readFrom": true } });
    let read = async || -> Value {
        let sent = server.client.post(format!("{}/graphql", server.address)).json(&body).send().await.unwrap();
        sent.json().await.unwrap()
    };
    while cluster.psql(2, "SELECT name FROM projects") != "a" {
        pause(0.05).await;
    }
    cluster.psql(2, "SELECT pg_wal_replay_pause()");
    cluster.psql(1, "UPDATE projects SET name = name");
    let began = Instant::now();
    while read().await["extensions"]["readFrom"]["role"] != "primary" {
        assert!(began.elapsed() < Duration::from_secs(15), "the replica is behind by more than a second");
        pause(0.1).await;
    }
    let until = Instant::now() + Duration::from_secs(3);
    let readers = (0..READERS).map(async |_| {
        let mut roles = BTreeMap::<String, usize>::new();
        while Instant::now() < until {
            let answer = read().await;
            assert_eq!(answer["data"]["projects"]["nodes"][0]["name"], "a", "{answer}");
            *roles.entry(answer["extensions"]["readFrom"]["role"].to_string()).or_default() += 1;
        }
        roles
    });
    let crash = async {
        pause(1.0).await;
        cluster.crash(1);
    };
    let (roles, ()) = tokio::join!(join_all(readers), crash);
    println!("reads while the primary crashes, from where: {roles:?}");
    assert!(roles.iter().all(|roles| roles.keys().eq(["\"primary\"", "\"replica\""])), "{roles:?}");
}

/// Lets each commit of a primary wait for a replica's disk, and waits until there is a replica.
async fn wait_for_replica(cluster: &Cluster, primary: u16) {
    cluster.psql(primary, "ALTER SYSTEM SET synchronous_standby_names = '*'");
    cluster.psql(primary, "SELECT pg_reload_conf()");
    let began = Instant::now();
    while cluster.psql(primary, "SELECT string_agg(sync_state, ' ') FROM pg_stat_replication") != "sync" {
        assert!(began.elapsed() < Duration::from_secs(10), "no commit waits for a replica");
        pause(0.05).await;
    }
    assert_eq!(cluster.psql(primary, "SHOW synchronous_commit"), "on");
}

/// Waits until the servers have found the replica and the primary: for a second writes are taken, and most reads are the replica's.
async fn wait_for_calm(load: &Load) {
    let began = Instant::now();
    loop {
        load.forget();
        pause(1.0).await;
        let seen = load.seen();
        if seen.refused_writes.is_empty() && seen.writes > 10 && seen.from_replicas * 2 > seen.reads {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(15), "{seen:#?}");
    }
}

/// Fails unless a server has all of these features with these numbers, or greater ones.
fn assert_are_there(cluster: &Cluster, server: u16, features: &[(String, u64)]) {
    assert!(!features.is_empty());
    for (id, number) in features {
        let (_, key) = throughline::batch::id::parse("id", id, &["feature"]).unwrap();
        let name = cluster.psql(server, &format!("SELECT name FROM features WHERE id = '{key}'"));
        let there = number_in_name(&name);
        assert!(there >= Some(*number), "{number} was acknowledged, and {there:?} is there");
    }
}
