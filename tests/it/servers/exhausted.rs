//! More clients than connections, and clients that do not wait for their answers.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::{pause, scale, serve};
use crate::support::{RunningServer, leaves_postgres_out, repeat};

const ONLY: u16 = 1;
const CONNECTIONS: usize = 5;

/// A server of ours whose queries for projects take a minute.
async fn slow(settings: &[&str]) -> (Cluster, RunningServer) {
    let cluster = Cluster::start(0);
    let server = serve(&cluster.url(ONLY), &[], settings);
    // Nobody sleeps for rows that there are not.
    let made =
        server.graphql("mutation { createProject(input: { name: \"slow\" }) { project { id } } }", json!({})).await;
    assert!(made["data"]["createProject"]["project"].is_object(), "{made}");
    cluster.psql(ONLY, "ALTER TABLE projects RENAME TO kept_projects");
    cluster.psql(ONLY, "CREATE VIEW projects AS SELECT kept_projects.* FROM kept_projects, pg_sleep(60)");
    (cluster, server)
}

async fn ask(client: &reqwest::Client, server: &RunningServer, query: &str) -> (Option<String>, Duration) {
    let began = Instant::now();
    let request = client.post(format!("{}/graphql", server.address)).json(&json!({ "query": query }));
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    (answer["errors"][0]["extensions"]["code"].as_str().map(str::to_owned), began.elapsed())
}

const SLOW: &str = "{ projects { nodes { name } } }";
const QUICK: &str = "{ users { nodes { name } } }";

#[tokio::test(flavor = "multi_thread")]
async fn who_gets_no_connection_is_told_so_in_time() {
    const REQUESTS: usize = 500;
    if leaves_postgres_out() {
        return;
    }
    assert!(rlimit::increase_nofile_limit(4096).unwrap() >= 2048, "too few files may be open for so many clients");
    let settings = ["--max-connections", "5", "--acquire-timeout-ms", "1000", "--request-timeout-ms", "3000"];
    let (_cluster, server) = slow(&settings).await;
    let client = reqwest::Client::new();
    // So many handshakes at once are a matter of the machine's, and are no part of what is measured.
    stream::iter(0..REQUESTS)
        .for_each_concurrent(REQUESTS, async |_| drop(ask(&client, &server, "{ __typename }").await))
        .await;
    let asked: Vec<_> =
        stream::iter(0..REQUESTS).map(|_| ask(&client, &server, SLOW)).buffer_unordered(REQUESTS).collect().await;
    let mut told: BTreeMap<_, (usize, Duration)> = BTreeMap::new();
    for (code, took) in asked {
        let (count, longest) = told.entry(code.unwrap_or_default()).or_default();
        (*count, *longest) = (*count + 1, took.max(*longest));
    }
    println!("{REQUESTS} slow requests, {CONNECTIONS} connections: {told:?}");
    let (waited, longest) = told["POOL_TIMEOUT"];
    assert!(waited == REQUESTS - CONNECTIONS && longest < Duration::from_millis(2500), "{told:?}");
    let (held, longest) = told["REQUEST_TIMEOUT"];
    assert!(held == CONNECTIONS && longest < Duration::from_millis(4500), "{told:?}");
    let (code, took) = ask(&client, &server, QUICK).await;
    assert!(code.is_none() && took < Duration::from_secs(2), "{code:?} after {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_wide_query_leaves_connections_to_others() {
    if leaves_postgres_out() {
        return;
    }
    let (_cluster, server) = slow(&["--max-connections", "4", "--request-timeout-ms", "4000"]).await;
    let wide = repeat(12, |number| format!("p{number}: projects(first: {}) {{ nodes {{ name }} }}", number + 1));
    let wide = format!("{{ {wide} }}");
    let client = reqwest::Client::new();
    let beside = async {
        pause(0.5).await;
        ask(&client, &server, QUICK).await
    };
    let ((wide, _), (quick, took)) = tokio::join!(ask(&client, &server, &wide), beside);
    println!("beside a query of twelve slow lists a quick one takes {took:.1?}");
    assert_eq!(wide.as_deref(), Some("REQUEST_TIMEOUT"));
    assert!(quick.is_none() && took < Duration::from_secs(2), "{quick:?} after {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_runs_for_clients_that_have_gone() {
    if leaves_postgres_out() {
        return;
    }
    let (cluster, server) = slow(&["--max-connections", "20"]).await;
    let (clients, body) = (1000 * scale() as usize, json!({ "query": SLOW }));
    let running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%projects%' AND pid <> pg_backend_pid()";
    let mut most = 0;
    let leave = async |number: usize| {
        // A connection of its own, which ends with it.
        let sent = reqwest::Client::new().post(format!("{}/graphql", server.address)).json(&body).send();
        let patience = Duration::from_millis(20 + (number % 10) as u64 * 10);
        assert!(tokio::time::timeout(patience, sent).await.is_err(), "it was answered");
    };
    for _ in 0..clients / 100 {
        let wave = stream::iter(0..100).for_each_concurrent(100, &leave);
        let look = async {
            pause(0.03).await;
            tokio::task::block_in_place(|| cluster.psql(ONLY, running)).parse::<u64>().unwrap()
        };
        let ((), seen) = tokio::join!(wave, look);
        most = most.max(seen);
    }
    pause(5.0).await;
    let left: u64 = cluster.psql(ONLY, running).parse().unwrap();
    println!(
        "{clients} clients hung up: {most} statements of theirs ran at once, {left} run five seconds after the last"
    );
    assert!(most > 0 && left == 0, "{most}, {left}");
    let (code, took) = ask(&reqwest::Client::new(), &server, QUICK).await;
    assert!(code.is_none() && took < Duration::from_secs(2), "{code:?} after {took:?}");
}
