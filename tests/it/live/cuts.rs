//! Lines that are cut while others write: nothing is lost, nothing comes twice, and each object's events come in order.
//!
//! `THROUGHLINE_CUTS` says how often a line is cut (200), `THROUGHLINE_SEED` the seed, which is printed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};

use super::{CHANGES, make_feature, make_project, text};
use crate::support::{Backend, RunningServer, Socket, TestDatabase};

on_both!(cut_lines_lose_nothing, an_event_of_a_killed_server_arrives);

const SUBSCRIBERS: usize = 8;
const WRITERS: usize = 4;

/// What a subscriber was told: each object's versions in the order in which they came.
#[derive(Default)]
struct Told {
    cursor: Option<String>,
    versions: BTreeMap<String, Vec<i64>>,
    count: usize,
}

impl Told {
    fn take(&mut self, change: &Value) {
        let versions = self.versions.entry(text(&change["aggregateId"])).or_default();
        versions.push(change["version"].as_i64().unwrap());
        self.cursor = Some(text(&change["cursor"]));
        self.count += 1;
    }
}

/// All that the table has, as a subscriber should have been told it.
async fn all_changes(server: &RunningServer, after: &str) -> (BTreeMap<String, Vec<i64>>, String) {
    let (mut versions, mut after) = (BTreeMap::<String, Vec<i64>>::new(), after.to_owned());
    loop {
        let query = "query($after: String) { changes(first: 500, after: $after) { nodes { aggregateId version } pageInfo { hasNextPage endCursor } } }";
        let answer = server.graphql(query, json!({ "after": after })).await;
        let page = &answer["data"]["changes"];
        for node in page["nodes"].as_array().unwrap() {
            versions.entry(text(&node["aggregateId"])).or_default().push(node["version"].as_i64().unwrap());
        }
        if let Some(cursor) = page["pageInfo"]["endCursor"].as_str() {
            cursor.clone_into(&mut after);
        }
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            return (versions, after);
        }
    }
}

async fn cut_lines_lose_nothing(backend: Backend) {
    let cuts = std::env::var("THROUGHLINE_CUTS").map_or(200, |cuts| cuts.parse().unwrap());
    let seed = std::env::var("THROUGHLINE_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("THROUGHLINE_SEED={seed}");
    let test = TestDatabase::new(backend).await;
    let server = Arc::new(RunningServer::start(&test.url));
    let (project, start) = make_project(&server, "p").await;
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let cut = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (server, done, project) = (Arc::clone(&server), Arc::clone(&done), project.clone());
            tokio::spawn(async move {
                let mut last = String::new();
                for number in 0.. {
                    if done.load(Ordering::Relaxed) {
                        return;
                    }
                    if number % 3 == 0 {
                        last = make_feature(&server, &project, &format!("{writer} {number}")).await;
                    }
                    let change = "mutation($id: ID!, $priority: Int!) { updateFeature(input: { id: $id, priority: $priority }) { userErrors { code } } }";
                    server.graphql(change, json!({ "id": last, "priority": number % 13 + 1 })).await;
                }
            })
        })
        .collect();
    let subscribers: Vec<_> = (0..SUBSCRIBERS)
        .map(|number| {
            let (server, stop, cut, start) = (Arc::clone(&server), Arc::clone(&stop), Arc::clone(&cut), start.clone());
            tokio::spawn(async move {
                let mut random = Rng::with_seed(seed ^ number as u64);
                let mut told = Told { cursor: Some(start), ..Told::default() };
                while !stop.load(Ordering::Relaxed) {
                    let mut socket = Socket::ready(&server).await;
                    socket.subscribe("s", CHANGES, json!({ "after": told.cursor })).await;
                    for _ in 0..random.usize(..12) {
                        told.take(&socket.answer("s").await["data"]["changes"]);
                    }
                    socket.cut();
                    if cut.fetch_add(1, Ordering::Relaxed) + 1 >= cuts {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
                told
            })
        })
        .collect();
    // The writers go on for as long as somebody waits for what they write.
    let told = futures_util::future::join_all(subscribers).await;
    done.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    let (expected, end) = all_changes(&server, &start).await;
    let mut events = 0;
    for told in told {
        let mut told = told.unwrap();
        let mut socket = Socket::ready(&server).await;
        socket.subscribe("s", CHANGES, json!({ "after": told.cursor })).await;
        while told.cursor.as_deref() != Some(&*end) {
            told.take(&socket.answer("s").await["data"]["changes"]);
        }
        assert_eq!(told.versions, expected);
        for (object, versions) in &told.versions {
            assert!(versions.is_sorted(), "{object}: {versions:?}");
        }
        events = told.count;
    }
    println!("{} cuts, {SUBSCRIBERS} subscribers, {events} events each", cut.load(Ordering::Relaxed));
    assert!(events > 50, "{events}");
}

async fn an_event_of_a_killed_server_arrives(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let mut acknowledged = BTreeSet::new();
    let mut told = Told::default();
    let mut project = None;
    for round in 0..8 {
        let mut server = RunningServer::start(&test.url);
        if project.is_none() {
            let (id, cursor) = make_project(&server, "p").await;
            (project, told.cursor) = (Some(id), Some(cursor));
        }
        let id = project.clone().unwrap();
        let mut socket = Socket::ready(&server).await;
        socket.subscribe("s", CHANGES, json!({ "after": told.cursor })).await;
        // Those of the round before, which the server did not live to tell.
        while told.versions.len() < acknowledged.len() {
            told.take(&socket.answer("s").await["data"]["changes"]);
        }
        let mut made = Vec::new();
        for number in 0..5 {
            made.push(make_feature(&server, &id, &format!("{round} {number}")).await);
        }
        // Some may have been told by now, and some not.
        tokio::time::sleep(Duration::from_micros(fastrand::u64(..3000))).await;
        server.kill();
        acknowledged.extend(made);
        while let crate::support::Came::Message(message) = socket.next().await {
            told.take(&message["payload"]["data"]["changes"]);
        }
    }
    let server = RunningServer::start(&test.url);
    let mut socket = Socket::ready(&server).await;
    socket.subscribe("s", CHANGES, json!({ "after": told.cursor })).await;
    while told.versions.len() < acknowledged.len() {
        told.take(&socket.answer("s").await["data"]["changes"]);
    }
    let heard: BTreeSet<_> = told.versions.keys().cloned().collect();
    assert_eq!(heard, acknowledged);
    assert!(told.versions.values().all(|versions| versions == &[1]), "{:?}", told.versions);
}
