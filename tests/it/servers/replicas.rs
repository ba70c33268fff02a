//! A primary, a streaming replica, and two servers of ours: the replica dies, hangs, lags and is promoted.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cluster::Cluster;
use super::load::Load;
use super::{pause, scale, serve};
use crate::support::leaves_postgres_out;

const PRIMARY: u16 = 1;
const REPLICA: u16 = 2;

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_may_die_hang_lag_and_be_promoted() {
    if leaves_postgres_out() {
        return;
    }
    let cluster = Cluster::start(1);
    let (primary, replica) = (cluster.url(PRIMARY), [cluster.url(REPLICA)]);
    let servers = [serve(&primary, &replica, &[]), serve(&primary, &replica, &[])];
    let load = Load::start(&[&servers[0], &servers[1]]).await;
    let long = f64::from(scale());
    let step = async |name: &str, uses_replica: Option<bool>| {
        load.forget();
        pause(3.0 * long).await;
        let seen = load.seen();
        println!(
            "{name}: {} reads, {} of them from the replica, {:.0?} at most; {} writes, refused {:?}",
            seen.reads, seen.from_replicas, seen.longest_read, seen.writes, seen.refused_writes
        );
        assert!(seen.failed_reads.is_empty() && seen.violations.is_empty(), "{name}: {seen:#?}");
        assert!(seen.refused_writes.is_empty() && seen.reads > 100 && seen.writes > 10, "{name}: {seen:#?}");
        if let Some(uses_replica) = uses_replica {
            assert_eq!(seen.from_replicas * 2 > seen.reads, uses_replica, "{name}: {seen:#?}");
        }
    };
    pause(1.0).await;
    step("all is well", Some(true)).await;

    cluster.kill(REPLICA);
    step("the replica is killed", None).await;
    step("the replica is gone", Some(false)).await;
    cluster.start_again(REPLICA);
    pause(1.0).await;
    step("the replica is back", Some(true)).await;

    cluster.freeze(REPLICA);
    step("the replica hangs", None).await;
    step("the replica still hangs", Some(false)).await;
    cluster.thaw(REPLICA);
    pause(1.0).await;
    step("the replica goes on", Some(true)).await;

    cluster.psql(REPLICA, "SELECT pg_wal_replay_pause()");
    step("the replica begins to lag", None).await;
    pause(4.0).await;
    step("the replica lags by ten seconds", Some(false)).await;
    let metrics =
        servers[0].client.get(format!("{}/metrics", servers[0].address)).send().await.unwrap().text().await.unwrap();
    let lag =
        metrics.lines().find_map(|line| line.strip_prefix("throughline_database_server_lag_seconds{server=\"2\"} "));
    assert!(lag.is_some_and(|lag| lag.parse::<f64>().unwrap() > 5.0), "{metrics}");
    for server in ["1", "2"] {
        let series = format!("throughline_pool_size{{pool=\"read\",server=\"{server}\"}} ");
        let size = metrics.lines().find_map(|line| line.strip_prefix(&series));
        assert!(size.is_some_and(|size| size.parse::<f64>().unwrap() >= 1.0), "{series}: {metrics}");
    }
    cluster.psql(REPLICA, "SELECT pg_wal_replay_resume()");
    pause(1.0).await;
    step("the replica has caught up", Some(true)).await;

    load.forget();
    let began = Instant::now();
    cluster.stop(PRIMARY);
    let stopped = began.elapsed();
    pause(2.0).await;
    let promoted = Instant::now();
    cluster.promote(REPLICA);
    let resumed = load.next_write(promoted, Duration::from_secs(30)).await;
    pause(1.0).await;
    let (seen, lost) = load.end().await;
    println!(
        "the primary is stopped (in {stopped:.1?}) and the replica promoted: {} reads; writes resume after {resumed:?}, \
         refused meanwhile: {:?}, after {:.1?} at most",
        seen.reads, seen.refused_writes, seen.longest_refusal
    );
    assert!(seen.failed_reads.is_empty() && seen.violations.is_empty() && lost.is_empty(), "{seen:#?} {lost:?}");
    assert!(resumed.is_some_and(|resumed| resumed < Duration::from_secs(10)));
    assert_eq!(seen.refused_writes.keys().collect::<Vec<_>>(), ["DATABASE_UNAVAILABLE"]);
    // Far above what a quiet machine shows, as all times here.
    assert!(seen.longest_refusal < Duration::from_secs(2), "{:?}", seen.longest_refusal);
    for server in &servers {
        let health = server.client.get(format!("{}/health/ready", server.address)).send().await.unwrap();
        assert_eq!(health.status(), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_read_wherever_it_is_read() {
    if leaves_postgres_out() {
        return;
    }
    let cluster = Cluster::start(1);
    let server = serve(&cluster.url(PRIMARY), &[cluster.url(REPLICA)], &["--max-replica-lag-ms", "600000"]);
    let ask = async |body: Value, position: Option<&str>| -> Value {
        let mut request = server.client.post(format!("{}/graphql", server.address)).json(&body);
        if let Some(position) = position {
            request = request.header("throughline-min-position", position);
        }
        request.send().await.unwrap().json().await.unwrap()
    };
    let create = |name: &str| json!({ "query": format!("mutation {{ createProject(input: {{ name: \"{name}\" }}) {{ project {{ name }} }} }}") });
    let projects = json!({ "query": "{ projects { nodes { name } } }", "extensions": { "readFrom": true } });
    let (replica, primary) = (json!({ "role": "replica", "server": 2 }), json!({ "role": "primary", "server": 1 }));
    let names = |names: &[&str]| json!(names.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>());

    let first = ask(create("a"), None).await;
    let first = first["extensions"]["position"].as_str().unwrap().to_owned();
    let read = ask(projects.clone(), Some(&first)).await;
    assert_eq!((&read["data"]["projects"]["nodes"], &read["extensions"]["readFrom"]), (&names(&["a"]), &replica));

    cluster.psql(REPLICA, "SELECT pg_wal_replay_pause()");
    let second = ask(create("b"), None).await;
    let second = second["extensions"]["position"].as_str().unwrap().to_owned();
    assert!(second > first, "{second} {first}");
    // Whoever names no position, or an earlier one, may see what was: the lag is within the limit.
    for position in [None, Some(&*first)] {
        let read = ask(projects.clone(), position).await;
        assert_eq!((&read["data"]["projects"]["nodes"], &read["extensions"]["readFrom"]), (&names(&["a"]), &replica));
    }
    let began = Instant::now();
    let read = ask(projects.clone(), Some(&second)).await;
    assert_eq!((&read["data"]["projects"]["nodes"], &read["extensions"]["readFrom"]), (&names(&["a", "b"]), &primary));
    assert!(began.elapsed() >= Duration::from_millis(100), "it waits for the replica, if not for long");
    let mut with_position = projects.clone();
    with_position["extensions"] = json!({ "minPosition": second });
    let read = ask(with_position, Some(&first)).await;
    assert_eq!(read["data"]["projects"]["nodes"], names(&["a", "b"]), "the later of two positions counts");

    // What decides a write is read from the primary, however far the replica is behind.
    let again = ask(create("b"), None).await;
    assert_eq!(again["data"]["createProject"]["project"], Value::Null, "{again}");

    cluster.psql(REPLICA, "SELECT pg_wal_replay_resume()");
    let read = ask(projects.clone(), Some(&second)).await;
    assert_eq!(read["data"]["projects"]["nodes"], names(&["a", "b"]));
    for wrong in ["0/16B3748", "x", ""] {
        let refused = ask(projects.clone(), Some(wrong)).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_REQUEST", "{refused}");
    }
}
