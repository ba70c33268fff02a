//! How long connections to PostgreSQL live, and their transactions that do nothing: as PostgreSQL sees them.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::net::{TcpListener, UnixStream};

use super::cluster::Cluster;
use super::load::Load;
use super::{pause, serve};
use crate::support::{RunningServer, leaves_postgres_out};

const ONLY: u16 = 1;
const NAME: &str = "those of this test";

/// A server of ours whose connections are called [`NAME`].
fn start(settings: &[&str]) -> (Cluster, RunningServer) {
    let cluster = Cluster::start(0);
    let server = serve(&cluster.url(ONLY), &[], &[settings, &["--application-name", NAME]].concat());
    (cluster, server)
}

/// What is true of its connections now. All that there are of clients are its own, or the test's.
fn look(cluster: &Cluster, what: &str) -> String {
    let names = "SELECT DISTINCT application_name FROM pg_stat_activity \
        WHERE backend_type = 'client backend' AND application_name <> 'psql'";
    let names = cluster.psql(ONLY, names);
    assert!(names == NAME || names.is_empty(), "each of its connections has its name: {names}");
    cluster.psql(ONLY, &format!("SELECT {what} FROM pg_stat_activity WHERE application_name = '{NAME}'"))
}

const CONNECTIONS: &str = "count(*)";
const IDLE: &str = "count(*) FILTER (WHERE state = 'idle in transaction')";

fn count(cluster: &Cluster) -> usize {
    look(cluster, CONNECTIONS).parse().unwrap()
}

/// Fails unless something comes to be so many, however loaded the machine is.
async fn comes_to(cluster: &Cluster, what: &str, number: usize) {
    let began = Instant::now();
    loop {
        let seen = look(cluster, what);
        if seen == number.to_string() {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(15), "{what} is {seen}, and should be {number}");
        pause(0.05).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_has_served_for_long_enough_is_replaced_and_nobody_notices() {
    if leaves_postgres_out() {
        return;
    }
    let (cluster, server) = start(&["--max-lifetime-ms", "1000"]);
    let load = Load::start(&[&server]).await;
    let (mut processes, mut oldest, began) = (BTreeSet::new(), 0.0_f64, Instant::now());
    while began.elapsed() < Duration::from_secs(8) {
        pause(0.25).await;
        let seen = look(&cluster, "string_agg(pid::text, ' '), max(extract(epoch FROM now() - backend_start))");
        let (there, age) = seen.split_once('|').unwrap();
        processes.extend(there.split(' ').map(str::to_owned));
        oldest = oldest.max(age.parse().unwrap());
    }
    let most = count(&cluster);
    let (seen, lost) = load.end().await;
    println!(
        "{} connections in eight seconds, {most} at once, the oldest {oldest:.2} s: {} reads, {} failed; {} writes, refused {:?}",
        processes.len(),
        seen.reads,
        seen.failed,
        seen.writes,
        seen.refused_writes
    );
    assert!(oldest > 0.5 && oldest < 3.0, "the oldest has served for {oldest} s");
    assert!(processes.len() > most * 3, "{processes:?}");
    assert!(seen.failed == 0 && seen.refused_writes.is_empty() && seen.violations.is_empty(), "{seen:#?}");
    assert!(seen.reads > 100 && seen.writes > 20 && lost.is_empty(), "{seen:#?} {lost:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_are_closed_but_for_those_that_are_kept_from_the_start() {
    const KEPT: usize = 2;
    if leaves_postgres_out() {
        return;
    }
    let (cluster, server) = start(&["--min-connections", "2", "--idle-timeout-ms", "1000"]);
    // Nobody has asked for anything: as many for queries, for writes that are one statement, and for all others.
    comes_to(&cluster, CONNECTIONS, KEPT * 3).await;
    let load = Load::start(&[&server]).await;
    let busy = load.wait(Instant::now(), Duration::from_secs(20), |_| count(&cluster) > KEPT * 3).await;
    let (seen, _) = load.end().await;
    assert!(busy.is_some() && seen.failed == 0 && seen.refused_writes.is_empty(), "{seen:#?}");
    let began = Instant::now();
    comes_to(&cluster, CONNECTIONS, KEPT * 3).await;
    println!("back to {} connections {:.1?} after the last request", KEPT * 3, began.elapsed());
    pause(2.5).await;
    assert_eq!(count(&cluster), KEPT * 3, "those that are kept stay");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_none_are_kept_all_are_closed() {
    if leaves_postgres_out() {
        return;
    }
    let (cluster, server) = start(&["--idle-timeout-ms", "3000"]);
    let asked = server.graphql("{ projects { nodes { name } } }", json!({})).await;
    assert!(asked["errors"].is_null() && count(&cluster) > 0, "{asked}");
    comes_to(&cluster, CONNECTIONS, 0).await;
    let again = server.graphql("{ projects { nodes { name } } }", json!({})).await;
    assert_eq!(asked["data"], again["data"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_does_nothing_is_ended_and_its_writer_is_told() {
    if leaves_postgres_out() {
        return;
    }
    let cluster = Cluster::start(0);
    let url = format!("postgres://postgres@{}/throughline", lead_to(cluster.socket(ONLY)).await);
    let patient = ["--lock-timeout-ms", "20000", "--request-timeout-ms", "60000"];
    let settings = [["--idle-in-transaction-timeout-ms", "2000", "--application-name", NAME], patient].concat();
    let server = serve(&url, &[], &settings);
    let create = "mutation { createProject(input: { name: \"a\" }) { project { id } } }";
    let made = server.graphql(create, json!({})).await;
    let id = &made["data"]["createProject"]["project"]["id"];
    let delete = "mutation($id: ID!) { deleteProject(input: { id: $id }) { userErrors { code } } }";
    // Its statement waits for a lock until the server is frozen, and is done when there is nobody to send the next one.
    let lock = "SELECT pid FROM pg_locks WHERE relation = 'projects'::regclass AND mode = 'AccessExclusiveLock'";
    let mut in_the_way = cluster.begin_psql(ONLY, "BEGIN; LOCK TABLE projects; SELECT pg_sleep(60)");
    while cluster.psql(ONLY, lock).is_empty() {
        pause(0.05).await;
    }
    let freeze = async {
        comes_to(&cluster, "count(*) FILTER (WHERE wait_event_type = 'Lock')", 1).await;
        server.freeze();
        cluster.psql(ONLY, &format!("SELECT pg_terminate_backend(({lock}))"));
        in_the_way.wait().unwrap();
        comes_to(&cluster, IDLE, 1).await;
        comes_to(&cluster, IDLE, 0).await;
        server.thaw();
    };
    let (told, ()) = tokio::join!(server.graphql(delete, json!({ "id": id })), freeze);
    assert_eq!(told["errors"][0]["extensions"]["code"], "DATABASE_UNAVAILABLE", "{told}");
    let again = server.graphql(delete, json!({ "id": id })).await;
    assert_eq!(
        again["data"]["deleteProject"]["userErrors"],
        json!([]),
        "nothing of it was left, and there are other connections"
    );
}

/// An address of TCP that leads to a socket. What a server says before it ends a connection is read from TCP, and not from a socket,
/// to which nothing can be written any more.
async fn lead_to(socket: PathBuf) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = UnixStream::connect(&socket).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut server).await });
        }
    });
    address
}
