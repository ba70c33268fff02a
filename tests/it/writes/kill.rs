//! The server is killed, or loses its database's backends, at any moment: what was acknowledged is there, once.
//!
//! `THROUGHLINE_KILLS` sets how often it is killed (25), `THROUGHLINE_SEED` the seed, which is printed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use sea_orm::sqlx::{Connection as _, Executor as _, PgConnection};
use serde_json::{Value, json};
use throughline::database::{Database, PoolOptions};
use throughline::events::{replay, verify};

use crate::support::{Backend, RunningServer, Tables, TestDatabase, leaves_postgres_out, query_texts};

on_both!(a_killed_server_loses_and_doubles_nothing);

const CLIENTS: u64 = 32;

#[tokio::test]
async fn lost_backends_lose_and_double_nothing() {
    if !leaves_postgres_out() {
        Box::pin(drive(Backend::Postgres, Harm::Backends)).await;
    }
}

async fn a_killed_server_loses_and_doubles_nothing(backend: Backend) {
    Box::pin(drive(backend, Harm::Server)).await;
}

/// What is killed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Harm {
    Server,
    Backends,
}

/// A command that was sent, and is sent again until it is acknowledged.
#[derive(Clone, Debug)]
struct Command {
    key: String,
    document: &'static str,
    variables: Value,
}

/// What the driver knows: the acknowledgements, each on disk before the next command, and who may be changed.
struct Driver {
    log: Mutex<File>,
    next: AtomicU64,
    /// Features and their projects.
    features: Mutex<Vec<Value>>,
    stopping: AtomicBool,
}

const CREATE: &str = "mutation($p: ID!, $key: String!) {
    createFeature(input: {projectId: $p, name: $key}, idempotencyKey: $key) { feature { id } userErrors { code } } }";
const UPDATE: &str = "mutation($f: ID!, $key: String!) {
    updateFeature(input: {id: $f, description: $key}, idempotencyKey: $key) { feature { id } userErrors { code } } }";
const PRIORITIES: &str = "mutation($features: [FeaturePriorityInput!]!, $key: String!) {
    updateFeaturePriorities(input: {features: $features}, idempotencyKey: $key) { results { feature { id } } userErrors { code } } }";
const READ: &str = "{ features(first: 5, orderBy: {field: UPDATED_AT, direction: DESC}) {
    nodes { id name description rowVersion project { name featureCount } testSummary { total } } } }";

impl Driver {
    fn new(log: &Path) -> Self {
        Self {
            log: Mutex::new(File::create(log).unwrap()),
            next: AtomicU64::new(0),
            features: Mutex::default(),
            stopping: AtomicBool::new(false),
        }
    }

    fn command(&self, rng: &mut Rng, project: &Value) -> Command {
        let key = format!("key-{}", self.next.fetch_add(1, Ordering::SeqCst));
        let features = self.features.lock().unwrap();
        let pick = |rng: &mut Rng| features[rng.usize(..features.len())].clone();
        let (document, mut variables) = match rng.u8(..10) {
            _ if features.is_empty() => (CREATE, json!({ "p": project })),
            0..4 => (CREATE, json!({ "p": project })),
            4..8 => (UPDATE, json!({ "f": pick(rng) })),
            _ => {
                let chosen: BTreeSet<String> = (0..4).map(|_| pick(rng).to_string()).collect();
                let items = chosen.iter().map(|id| {
                    let id: Value = serde_json::from_str(id).unwrap();
                    json!({ "id": id, "priority": rng.i32(1..=13) })
                });
                (PRIORITIES, json!({ "features": items.collect::<Vec<_>>() }))
            }
        };
        variables["key"] = json!(key);
        Command { key, document, variables }
    }

    /// Notes an acknowledgement, for good.
    fn acknowledge(&self, command: &Command, payload: &Value) {
        {
            let mut log = self.log.lock().unwrap();
            writeln!(log, "{}", json!({ "key": command.key, "payload": payload })).unwrap();
            log.sync_data().unwrap();
        }
        if command.document == CREATE {
            self.features.lock().unwrap().push(payload["feature"]["id"].clone());
        }
    }

    /// Sends commands and queries, one after the other, until it is told to stop or the server is gone. What it did not get an
    /// answer to it gives back.
    async fn run(&self, address: &str, project: &Value, seed: u64, unanswered: Option<Command>) -> Option<Command> {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
        let mut rng = Rng::with_seed(seed);
        let mut waiting = unanswered;
        while !self.stopping.load(Ordering::SeqCst) {
            if waiting.is_none() && rng.u8(..10) < 7 {
                let answer = ask(&client, address, READ, &json!({})).await?;
                assert!(is_unavailable(&answer) || answer.get("errors").is_none(), "{answer}");
                continue;
            }
            let command = waiting.take().unwrap_or_else(|| self.command(&mut rng, project));
            let Some(answer) = ask(&client, address, command.document, &command.variables).await else {
                return Some(command);
            };
            if is_unavailable(&answer) {
                waiting = Some(command);
                continue;
            }
            assert_eq!(answer.get("errors"), None, "{command:?}: {answer}");
            let payload = answer["data"].as_object().unwrap().values().next().unwrap();
            assert_eq!(payload["userErrors"], json!([]), "{command:?}: {answer}");
            self.acknowledge(&command, payload);
        }
        waiting
    }
}

/// Where the database was taken away, or too many wanted the same row on a slow machine, the server says so, and nothing else:
/// what may be sent again.
fn is_unavailable(answer: &Value) -> bool {
    let again = [
        "DATABASE_UNAVAILABLE",
        "LOCK_TIMEOUT",
        "POOL_TIMEOUT",
        "STATEMENT_TIMEOUT",
        "WRITE_CONFLICT",
        "REQUEST_TIMEOUT",
    ];
    let errors = answer.get("errors").and_then(Value::as_array);
    let code = |error: &Value| error["extensions"]["code"].as_str().map(str::to_owned).unwrap_or_default();
    errors.is_some_and(|errors| errors.iter().all(|error| again.contains(&&*code(error))))
}

/// The answer, or nothing where the server is gone.
async fn ask(client: &reqwest::Client, address: &str, document: &str, variables: &Value) -> Option<Value> {
    let body = json!({ "query": document, "variables": variables });
    client.post(format!("{address}/graphql")).json(&body).send().await.ok()?.json().await.ok()
}

async fn drive(backend: Backend, harm: Harm) {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    let kills = number("THROUGHLINE_KILLS").unwrap_or(25);
    let seed = number("THROUGHLINE_SEED").unwrap_or_else(|| Rng::new().u64(..));
    eprintln!("THROUGHLINE_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let test = TestDatabase::new(backend).await;
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("acknowledged");
    let driver = Driver::new(&log);

    let mut server = RunningServer::start(&test.url);
    let make = "mutation { createProject(input: {name: \"P\"}) { project { id } } }";
    let answer = server.graphql(make, json!({})).await;
    let project = answer["data"]["createProject"]["project"]["id"].clone();
    assert!(project.is_string(), "{answer}");
    let mut unanswered: Vec<Option<Command>> = vec![None; usize::try_from(CLIENTS).unwrap()];
    for kill in 0..=kills {
        let is_last = kill == kills;
        driver.stopping.store(is_last, Ordering::SeqCst);
        let seeds: Vec<u64> = (0..CLIENTS).map(|_| rng.u64(..)).collect();
        let running = unanswered.drain(..).zip(seeds);
        let address = server.address.clone();
        let running = running.map(|(waiting, seed)| driver.run(&address, &project, seed, waiting));
        let running = futures_util::future::join_all(running);
        let harmed = async {
            if is_last {
                return;
            }
            tokio::time::sleep(Duration::from_millis(rng.u64(50..600))).await;
            match harm {
                Harm::Server => server.kill(),
                Harm::Backends => {
                    for _ in 0..3 {
                        kill_backends(&test.url).await;
                        tokio::time::sleep(Duration::from_millis(rng.u64(20..150))).await;
                    }
                    driver.stopping.store(true, Ordering::SeqCst);
                }
            }
        };
        let (waiting, ()) = futures_util::future::join(running, harmed).await;
        unanswered = waiting;
        if harm == Harm::Server && !is_last {
            server = RunningServer::start(&test.url);
        }
    }
    drop(server);
    let acknowledged = assert_nothing_lost_or_doubled(&test, &log).await;
    assert!(acknowledged > kills, "{acknowledged} commands were acknowledged");
}

/// Ends all connections of others to the database.
async fn kill_backends(url: &str) {
    let mut admin = PgConnection::connect(url).await.unwrap();
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
    admin.execute(kill).await.unwrap();
}

/// Reads the database and the driver's log, and nothing else. Gives the number of acknowledgements.
async fn assert_nothing_lost_or_doubled(test: &TestDatabase, log: &Path) -> u64 {
    // The test's own connections may be gone, too.
    let database = Database::connect(&test.url, &PoolOptions::default()).await.unwrap();
    let tables = Tables::read(&database).await;
    tables.assert_tell_one_story();
    // The product's own checks say the same.
    assert_eq!(verify(&database, |_| {}).await.unwrap().fault, None);
    let replayed = replay(&database, false, |_| {}).await.unwrap();
    assert!(replayed.is_equal(), "{replayed:?}");
    let mut acknowledged = BTreeMap::new();
    for line in BufReader::new(File::open(log).unwrap()).lines() {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let before = acknowledged.insert(line["key"].as_str().unwrap().to_owned(), line["payload"].clone());
        assert_eq!(before, None, "acknowledged twice");
    }
    let reader = database.reader();
    let receipts = query_texts(reader, "SELECT key, receipt FROM idempotency_keys").await;
    let receipts: BTreeMap<&str, Value> = receipts
        .iter()
        .map(|row| row.split_once(" | ").unwrap())
        .map(|(key, receipt)| (key, serde_json::from_str(receipt).unwrap()))
        .collect();
    for (key, payload) in &acknowledged {
        let receipt = receipts.get(key.as_str()).unwrap_or_else(|| panic!("{key} was acknowledged and is lost"));
        if let Some(id) = payload["feature"]["id"].as_str() {
            let written: uuid::Uuid = receipt["ids"][0].as_str().unwrap().parse().unwrap();
            assert_eq!(throughline::batch::id::format("feature", written), id, "{key}");
        }
    }
    // Each event belongs to the one command that wrote it: none was carried out twice.
    let mut owners: BTreeMap<uuid::Uuid, Vec<&str>> = BTreeMap::new();
    for (key, receipt) in &receipts {
        let Some(ends) = receipt["events"].as_array() else { continue };
        let end = |number: usize| ends[number].as_str().unwrap().parse::<uuid::Uuid>().unwrap();
        for event in tables.events.iter().filter(|event| (end(0)..=end(1)).contains(&event.id)) {
            let first = tables.events.iter().find(|event| event.id == end(0)).unwrap();
            if event.request_id == first.request_id {
                owners.entry(event.id).or_default().push(key);
            }
        }
    }
    let unowned = tables.events.iter().filter(|event| !owners.contains_key(&event.id)).count();
    assert_eq!(unowned, 1, "the project's own event has no key");
    assert!(owners.values().all(|keys| keys.len() == 1), "an event belongs to two commands");
    let made = tables.features.iter().filter(|feature| receipts.contains_key(feature.name.as_str())).count();
    assert_eq!(made, tables.features.len());
    let backend = reader.get_database_backend();
    println!(
        "{backend:?}: {} acknowledged, {} events, {} keys",
        acknowledged.len(),
        tables.events.len(),
        receipts.len()
    );
    u64::try_from(acknowledged.len()).unwrap()
}
