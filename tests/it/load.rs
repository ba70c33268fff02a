//! Many clients at once: every request is answered, memory stays where it is, and a stop in the middle cuts nothing.
//!
//! `THROUGHLINE_LOAD_SECONDS` says for how long (5).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Backend, RunningServer, TestDatabase};

const CLIENTS: usize = 500;
/// A tenth of the requests write; the others read lists in lists, or a page by a variable.
const QUERIES: [&str; 3] = [
    "{ projects(first: 5) { nodes { name features(first: 5) { totalCount nodes { name status } } } } }",
    "{ features(first: 20, orderBy: { field: NAME }) { nodes { id name project { name } } pageInfo { hasNextPage } } }",
    "{ search(query: \"load\") { totalCount nodes { title } } }",
];
/// What a server may grow by between the middle of the run and its end.
const MOST_GROWTH_KIB: u64 = 24 * 1024;

on_both! {
    five_hundred_clients_are_all_answered,
}

#[derive(Default)]
struct Seen {
    sent: AtomicU64,
    answered: AtomicU64,
    /// Answers that say that the database was busy: an answer all the same.
    busy: AtomicU64,
    cut: AtomicU64,
    stopping: AtomicBool,
}

async fn five_hundred_clients_are_all_answered(backend: Backend) {
    let seconds = std::env::var("THROUGHLINE_LOAD_SECONDS").map_or(5, |seconds| seconds.parse().unwrap());
    // Each client is an open file here and one in the server, which inherits how many there may be.
    assert!(rlimit::increase_nofile_limit(4096).unwrap() >= 2048, "too few files may be open for so many clients");
    let test = TestDatabase::new(backend).await;
    let mut server = RunningServer::start(&test.url);
    let project =
        server.graphql("mutation { createProject(input: { name: \"load\" }) { project { id } } }", json!({})).await;
    let project = project["data"]["createProject"]["project"]["id"].as_str().unwrap().to_owned();
    let seen = Arc::new(Seen::default());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| tokio::spawn(run(number, server.address.clone(), project.clone(), Arc::clone(&seen))))
        .collect();
    // All are connected and the caches are warm in the middle.
    let half = Duration::from_millis(seconds * 500);
    tokio::time::sleep(half).await;
    let middle = server.memory_kib();
    tokio::time::sleep(half).await;
    let end = server.memory_kib();
    seen.stopping.store(true, Ordering::SeqCst);
    let began = Instant::now();
    server.terminate();
    let status = tokio::task::spawn_blocking(move || server.wait(Duration::from_secs(15))).await.unwrap();
    let took = began.elapsed();
    for client in clients {
        client.await.unwrap();
    }
    let count = |number: &AtomicU64| number.load(Ordering::SeqCst);
    let (sent, answered, busy, cut) = (count(&seen.sent), count(&seen.answered), count(&seen.busy), count(&seen.cut));
    println!(
        "{sent} sent, {answered} answered ({busy} as busy), {cut} cut; {middle} KiB, then {end}; stopped in {took:?}"
    );
    assert_eq!((cut, sent), (0, answered));
    assert!(answered > CLIENTS as u64, "{answered}");
    assert!(end < middle + MOST_GROWTH_KIB, "{middle} KiB, then {end}");
    assert!(status.is_some_and(|status| status.success()), "{status:?}");
}

/// One client, with a connection of its own, until the server stops.
async fn run(number: usize, address: String, project: String, seen: Arc<Seen>) {
    let client = reqwest::Client::new();
    for turn in number.. {
        let body = if turn % 10 == 0 {
            let name = format!("load {number} {turn}");
            let document =
                "mutation($i: CreateFeatureInput!) { createFeature(input: $i) { version userErrors { code } } }";
            json!({ "query": document, "variables": { "i": { "projectId": project, "name": name } } })
        } else {
            json!({ "query": QUERIES[turn % QUERIES.len()] })
        };
        let request = client.post(format!("{address}/graphql")).json(&body);
        let response = match request.send().await {
            Ok(response) => response,
            // Nobody listens any more: this request was never taken.
            Err(error) if error.is_connect() && seen.stopping.load(Ordering::SeqCst) => return,
            Err(_) => {
                seen.sent.fetch_add(1, Ordering::SeqCst);
                seen.cut.fetch_add(1, Ordering::SeqCst);
                return;
            }
        };
        seen.sent.fetch_add(1, Ordering::SeqCst);
        let Ok(answer) = response.json::<Value>().await else {
            seen.cut.fetch_add(1, Ordering::SeqCst);
            return;
        };
        let errors = answer["errors"].as_array().map_or(&[][..], Vec::as_slice);
        let is_busy = errors.iter().all(|error| {
            let code = error["extensions"]["code"].as_str().unwrap_or_default();
            ["POOL_TIMEOUT", "LOCK_TIMEOUT", "WRITE_CONFLICT", "REQUEST_TIMEOUT"].contains(&code)
        });
        assert!(is_busy, "{answer}");
        seen.busy.fetch_add(u64::from(!errors.is_empty()), Ordering::SeqCst);
        seen.answered.fetch_add(1, Ordering::SeqCst);
    }
}
