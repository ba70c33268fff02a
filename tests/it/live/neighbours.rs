//! Subscribers beside each other: in two processes over one PostgreSQL, thousands that are idle, and one that reads slowly.
//!
//! `THROUGHLINE_IDLE` says how many are idle (500).

use std::time::{Duration, Instant};

use sea_orm::sqlx::{Connection as _, Executor as _, PgConnection};
use serde_json::{Value, json};

use super::{CHANGES, make_feature, make_project};
use crate::support::{Backend, RunningServer, Socket, TestDatabase, leaves_postgres_out};

/// Follows the features of a project, and is told when each was asked for.
async fn follow(server: &RunningServer, project: &str) -> Socket {
    let mut socket = Socket::ready(server).await;
    let document = "subscription($project: ID!) { featureChanged(projectId: $project) { feature { name } } }";
    socket.subscribe("s", document, json!({ "project": project })).await;
    // An operation after it is answered once it has begun.
    tokio::time::sleep(Duration::from_millis(300)).await;
    socket
}

/// The microseconds from the acknowledgement of each write to its telling, sorted.
async fn delays_in_micros(
    writer: &RunningServer,
    project: &str,
    socket: &mut Socket,
    names: impl Iterator<Item = String>,
) -> Vec<u128> {
    let mut delays = Vec::new();
    for name in names {
        let (acknowledged, told) = tokio::join!(
            async {
                make_feature(writer, project, &name).await;
                Instant::now()
            },
            async {
                let answer = socket.answer("s").await;
                assert_eq!(answer["data"]["featureChanged"]["feature"]["name"], json!(name));
                Instant::now()
            }
        );
        delays.push(told.saturating_duration_since(acknowledged).as_micros());
    }
    delays.sort_unstable();
    delays
}

#[tokio::test]
async fn another_process_tells_of_it_soon() {
    if leaves_postgres_out() {
        return;
    }
    let test = TestDatabase::new(Backend::Postgres).await;
    let (one, other) = (RunningServer::start(&test.url), RunningServer::start(&test.url));
    let (project, _) = make_project(&one, "p").await;
    let mut socket = follow(&other, &project).await;
    let listened =
        delays_in_micros(&one, &project, &mut socket, (0..100).map(|number| format!("heard {number}"))).await;

    // The line over which it hears is cut, again and again: what is committed is found all the same.
    let mut admin = PgConnection::connect(&test.url).await.unwrap();
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    let mut deaf = Vec::new();
    let mut cuts = 0;
    for number in 0..5 {
        let row = admin.fetch_one(cut).await.unwrap();
        cuts += sea_orm::sqlx::Row::get::<i64, _>(&row, 0);
        deaf.extend(delays_in_micros(&one, &project, &mut socket, std::iter::once(format!("deaf {number}"))).await);
    }
    println!(
        "p50 {} us, p99 {} us; with {cuts} cuts at most {} us",
        listened[50],
        listened[98],
        deaf.iter().max().unwrap()
    );
    assert!(cuts >= 1, "nobody listened");
    // Far above what a quiet machine shows; the poll alone would take half a second on average.
    assert!(listened[50] < 200_000, "{listened:?}");
    assert!(deaf.iter().all(|delay| *delay <= 5_000_000), "{deaf:?}");
}

#[tokio::test]
async fn a_database_that_was_away_costs_no_event() {
    if leaves_postgres_out() {
        return;
    }
    let test = TestDatabase::new(Backend::Postgres).await;
    let server = RunningServer::start(&test.url);
    let (project, _) = make_project(&server, "p").await;
    let mut socket = follow(&server, &project).await;
    let mut admin = PgConnection::connect(&test.url).await.unwrap();
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let make = "mutation($project: ID!, $name: String!) { createFeature(input: { projectId: $project, name: $name, priority: 5 }) { \
                feature { id } userErrors { code } } }";
    for round in 0..4 {
        let row = admin.fetch_one(cut).await.unwrap();
        let lines: i64 = sea_orm::sqlx::Row::get(&row, 0);
        assert!(lines >= 2, "{lines} connections were cut: that of the bus is not among them");
        // The first one may meet a connection that is gone, and is sent again.
        let name = format!("after cut {round}");
        while
            server.graphql(make, json!({ "project": project, "name": name })).await["data"]["createFeature"]["feature"]
                .is_null()
        {}
        let answer = socket.answer("s").await;
        assert_eq!(answer["data"]["featureChanged"]["feature"]["name"], json!(name));
    }
}

#[tokio::test]
async fn idle_subscribers_take_little() {
    let count: u64 = std::env::var("THROUGHLINE_IDLE").map_or(500, |count| count.parse().unwrap());
    // Each is an open file here and one in the server, which inherits how many there may be.
    let files = rlimit::increase_nofile_limit(count + 1000).unwrap();
    assert!(files > count + 500, "too few files may be open: {files}");
    let test = TestDatabase::new(Backend::Sqlite).await;
    let mut command = crate::support::program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--database", &test.url, "--max-client-connections", "20000"]);
    let server = RunningServer::start_with(&mut command);
    let (project, _) = make_project(&server, "p").await;
    let mut first = follow(&server, &project).await;
    make_feature(&server, &project, "warm").await;
    first.answer("s").await;
    let before = server.memory_kib();
    let mut sockets = Vec::new();
    for _ in 0..count {
        let mut socket = Socket::ready(&server).await;
        let document = "subscription($project: ID!) { featureChanged(projectId: $project) { feature { name } } }";
        socket.subscribe("s", document, json!({ "project": project })).await;
        sockets.push(socket);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let each = (server.memory_kib() - before) * 10 / count;
    make_feature(&server, &project, "told to all").await;
    for socket in &mut sockets {
        assert_eq!(socket.answer("s").await["data"]["featureChanged"]["feature"]["name"], "told to all");
    }
    println!("{count} idle subscribers: {}.{} KiB each", each / 10, each % 10);
    // A debug build, whose futures are larger.
    assert!(each < 640, "{} KiB each", each / 10);
}

#[tokio::test]
async fn a_slow_reader_slows_nobody_and_loses_nothing() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let server = RunningServer::start(&test.url);
    let (project, start) = make_project(&server, "p").await;
    let wide = "subscription($after: String) { changes(after: $after) { cursor type changes { name value } project { name } } }";
    let mut slow = Socket::ready(&server).await;
    slow.subscribe("s", wide, json!({ "after": start })).await;
    let mut quick = Socket::ready(&server).await;
    quick.subscribe("s", CHANGES, json!({ "after": start })).await;
    let description = "x".repeat(8000);
    let make = "mutation($items: [CreateFeatureInput!]!) { createFeatures(input: { features: $items }) { userErrors { code } } }";
    // Far more than any buffer holds while one of them reads nothing.
    let began = Instant::now();
    for round in 0..8 {
        let items: Vec<Value> = (0..500)
            .map(|number| json!({ "projectId": project, "name": format!("{round} {number}"), "priority": 1, "description": description }))
            .collect();
        let answer = server.graphql(make, json!({ "items": items[..100].to_vec() })).await;
        assert_eq!(answer.get("errors"), None, "{answer}");
        for _ in 0..100 {
            assert_eq!(quick.answer("s").await["data"]["changes"]["type"], "feature.create");
        }
    }
    let quick_took = began.elapsed();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..800 {
        let answer = slow.answer("s").await;
        assert!(seen.insert(super::text(&answer["data"]["changes"]["cursor"])), "{answer}");
    }
    println!("800 events in {quick_took:?} to who reads at once; all 800 to who read afterwards");
}

#[tokio::test]
async fn who_reads_a_message_a_second_delays_nobody_else() {
    let writes: usize = std::env::var("THROUGHLINE_WRITES").map_or(150, |writes| writes.parse().unwrap());
    let test = TestDatabase::new(Backend::Sqlite).await;
    let server = RunningServer::start(&test.url);
    let (project, _) = make_project(&server, "p").await;
    let mut quick = follow(&server, &project).await;
    let mut measured = Vec::new();
    let mut slow = Vec::new();
    for turn in ["alone", "beside one", "alone again", "beside one again"] {
        if turn.starts_with("beside") {
            // It asks for the same, so that it shares the answers of the other one.
            let mut socket = follow(&server, &project).await;
            slow.push(tokio::spawn(async move {
                loop {
                    socket.answer("s").await;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }));
        }
        let names = (0..writes).map(|number| format!("{turn} {number}"));
        let micros = delays_in_micros(&server, &project, &mut quick, names).await;
        measured.push((turn, micros[writes / 2], micros[writes * 99 / 100]));
        slow.drain(..).for_each(|reader| reader.abort());
    }
    for (turn, p50, p99) in measured {
        println!("{turn}: p50 {p50} us, p99 {p99} us");
        // Far above what a quiet machine shows: it would have to wait for the other one's second.
        assert!(p50 < 300_000, "{turn}: {p50} us");
    }
}
