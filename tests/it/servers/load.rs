//! Clients that write to one server, read what they have written from the next one, and read whatever there is; and what they have seen.
//!
//! **Invariant:** whoever writes numbers its writes, so that what is lost or seen too late is known by its number.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::support::RunningServer;

const WRITERS: usize = 4;
const READERS: usize = 4;
/// How long a client rests between two requests: the machine is to be busy, and not full.
const REST: Duration = Duration::from_millis(5);

/// Clients that run.
pub(super) struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

struct Shared {
    addresses: Vec<String>,
    client: reqwest::Client,
    is_over: AtomicBool,
    seen: Mutex<Seen>,
}

/// What clients have seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Reads that were answered.
    pub(super) reads: u64,
    /// Those that were read from a replica, of those that say so.
    pub(super) from_replicas: u64,
    /// Reads that were not answered, or with an error.
    pub(super) failed: u64,
    /// What went wrong in some of them.
    pub(super) failed_reads: Vec<String>,
    /// The longest that a read has taken.
    pub(super) longest_read: Duration,
    /// Reads that did not show what their client had written before.
    pub(super) violations: Vec<String>,
    /// Writes that were acknowledged.
    pub(super) writes: u64,
    /// Writes that were not, by their code.
    pub(super) refused_writes: BTreeMap<String, u64>,
    /// The longest that it took until a write was refused.
    pub(super) longest_refusal: Duration,
    /// When the last write was acknowledged.
    pub(super) last_write: Option<Instant>,
    /// The last number that each writer was told is written.
    acknowledged: BTreeMap<usize, (String, u64)>,
}

impl Load {
    /// Lets clients ask servers.
    pub(super) async fn start(servers: &[&RunningServer]) -> Self {
        let shared = Shared {
            addresses: servers.iter().map(|server| format!("{}/graphql", server.address)).collect(),
            client: reqwest::Client::builder().timeout(Duration::from_mins(1)).build().unwrap(),
            is_over: AtomicBool::new(false),
            seen: Mutex::default(),
        };
        let shared = Arc::new(shared);
        let project = "mutation($name: String!) { createProject(input: { name: $name }) { project { id } } }";
        let name = format!("faults {}", Uuid::now_v7());
        let project = shared.ask(0, json!({ "query": project, "variables": { "name": name } })).await.unwrap();
        let project = project["data"]["createProject"]["project"]["id"].as_str().unwrap().to_owned();
        let mut clients = Vec::new();
        for number in 0..WRITERS {
            let query = "mutation($input: CreateFeatureInput!) { createFeature(input: $input) { feature { id } } }";
            let input = json!({ "input": { "projectId": project, "name": format!("feature {number} 0") } });
            let made = shared.ask(0, json!({ "query": query, "variables": input })).await.unwrap();
            let id = made["data"]["createFeature"]["feature"]["id"].as_str().unwrap().to_owned();
            clients.push(tokio::spawn(Arc::clone(&shared).write(number, id)));
        }
        clients.extend((0..READERS).map(|number| tokio::spawn(Arc::clone(&shared).read(number))));
        Self { shared, clients }
    }

    /// What they have seen so far.
    pub(super) fn seen(&self) -> Seen {
        self.shared.seen.lock().unwrap().clone()
    }

    /// The last number that each writer was told is written, by its feature.
    pub(super) fn acknowledged(&self) -> Vec<(String, u64)> {
        self.shared.seen.lock().unwrap().acknowledged.values().cloned().collect()
    }

    /// Forgets all that was seen but what was acknowledged.
    pub(super) fn forget(&self) {
        let mut seen = self.shared.seen.lock().unwrap();
        *seen = Seen { acknowledged: std::mem::take(&mut seen.acknowledged), ..Seen::default() };
    }

    /// How long it took until a write was acknowledged that was sent after `since`.
    pub(super) async fn next_write(&self, since: Instant, at_most: Duration) -> Option<Duration> {
        self.wait(since, at_most, |seen| seen.last_write.is_some_and(|last| last > since)).await
    }

    /// How long it took until something was seen.
    pub(super) async fn wait(
        &self,
        since: Instant,
        at_most: Duration,
        has: impl Fn(&Seen) -> bool,
    ) -> Option<Duration> {
        while since.elapsed() < at_most {
            if has(&self.shared.seen.lock().unwrap()) {
                return Some(since.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        None
    }

    /// Ends the clients. Says what they have seen, and which acknowledged writes are not there.
    pub(super) async fn end(self) -> (Seen, Vec<String>) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await.unwrap();
        }
        let seen = self.shared.seen.lock().unwrap().clone();
        let mut lost = Vec::new();
        for (id, number) in seen.acknowledged.values() {
            let mutation = "mutation($id: ID!) { updateFeature(input: { id: $id }) { feature { name } } }";
            let mut answer = Value::Null;
            // Connections that have ended are met one after the other.
            for _ in 0..20 {
                answer = self.shared.ask(0, json!({ "query": mutation, "variables": { "id": id } })).await.unwrap();
                if answer["errors"][0]["extensions"]["code"] != "DATABASE_UNAVAILABLE" {
                    break;
                }
            }
            let there = number_of(&answer["data"]["updateFeature"]["feature"]);
            if there.is_none_or(|there| there < *number) {
                lost.push(format!("{number} was acknowledged, {there:?} is there: {answer}"));
            }
        }
        (seen, lost)
    }
}

impl Shared {
    async fn ask(&self, server: usize, body: Value) -> Result<Value, String> {
        let sent = self.client.post(&self.addresses[server % self.addresses.len()]).json(&body).send().await;
        sent.map_err(|error| format!("{error:?}"))?.json().await.map_err(|error| format!("{error:?}"))
    }

    async fn write(self: Arc<Self>, writer: usize, id: String) {
        let mutation =
            "mutation($id: ID!, $name: String) { updateFeature(input: { id: $id, name: $name }) { feature { name } } }";
        let mut server = writer;
        for number in 1_u64.. {
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            tokio::time::sleep(REST).await;
            server += 1;
            let began = Instant::now();
            let variables = json!({ "id": id, "name": format!("feature {writer} {number}") });
            let answer = self.ask(server, json!({ "query": mutation, "variables": variables })).await;
            let took = began.elapsed();
            let answer = answer.unwrap_or_else(|error| json!({ "errors": [{ "extensions": { "code": error } }] }));
            if number_of(&answer["data"]["updateFeature"]["feature"]) != Some(number) {
                let code = answer["errors"][0]["extensions"]["code"]
                    .as_str()
                    .map_or_else(|| answer.to_string(), str::to_owned);
                let mut seen = self.seen.lock().unwrap();
                *seen.refused_writes.entry(code).or_default() += 1;
                seen.longest_refusal = seen.longest_refusal.max(took);
                continue;
            }
            {
                let mut seen = self.seen.lock().unwrap();
                (seen.writes, seen.last_write) = (seen.writes + 1, Some(began));
                seen.acknowledged.insert(writer, (id.clone(), number));
            }
            let query = "query($id: ID!) { node(id: $id) { ... on Feature { name } } }";
            let extensions = json!({ "minPosition": answer["extensions"]["position"], "readFrom": true });
            let body = json!({ "query": query, "variables": { "id": id }, "extensions": extensions });
            if let Some(answer) = self.read_once(server + 1, body).await {
                let there = number_of(&answer["data"]["node"]);
                if there.is_none_or(|there| there < number) {
                    self.seen
                        .lock()
                        .unwrap()
                        .violations
                        .push(format!("{number} was written, {there:?} was read: {answer}"));
                }
            }
        }
    }

    async fn read(self: Arc<Self>, reader: usize) {
        let query = "{ features(first: 10, orderBy: { field: NAME }) { nodes { id name status } totalCount } }";
        for turn in reader.. {
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            self.read_once(turn, json!({ "query": query, "extensions": { "readFrom": true } })).await;
            tokio::time::sleep(REST).await;
        }
    }

    /// The answer, unless the read failed.
    async fn read_once(&self, server: usize, body: Value) -> Option<Value> {
        let began = Instant::now();
        let answer = self.ask(server, body).await;
        let took = began.elapsed();
        let mut seen = self.seen.lock().unwrap();
        seen.longest_read = seen.longest_read.max(took);
        match answer {
            Ok(answer) if answer["data"].is_object() && answer["errors"].is_null() => {
                seen.reads += 1;
                seen.from_replicas += u64::from(answer["extensions"]["readFrom"]["role"] == "replica");
                Some(answer)
            }
            Ok(answer) => {
                seen.fail(format!("{} after {took:.1?}", answer["errors"][0]));
                None
            }
            Err(error) => {
                seen.fail(format!("{error} after {took:.1?}"));
                None
            }
        }
    }
}

impl Seen {
    /// A read has failed. A few tell as much as all.
    fn fail(&mut self, how: String) {
        self.failed += 1;
        if self.failed_reads.len() < 20 {
            self.failed_reads.push(how);
        }
    }
}

/// The number in the name of a feature.
fn number_of(feature: &Value) -> Option<u64> {
    number_in_name(feature["name"].as_str()?)
}

pub(super) fn number_in_name(name: &str) -> Option<u64> {
    name.split(' ').next_back()?.parse().ok()
}
