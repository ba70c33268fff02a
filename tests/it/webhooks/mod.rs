//! Webhooks: what they are, and what reaches their receivers.

mod delivering;
mod failing;
mod managing;
mod processes;
mod receiver;
mod restored;

use std::time::Duration;

use serde_json::{Value, json};
use throughline::encryption::KeyRing;
use throughline::webhook_deliveries::{Dispatcher, WebhookSettings};

use self::receiver::{Receiver, SECRET};
use crate::support::{Backend, Client, TestDatabase};

/// A project whose events are sent to a receiver.
struct World {
    client: Client,
    receiver: Receiver,
    project: String,
    webhook: String,
    /// What its secrets are encrypted with.
    key: String,
}

const LOG: &str = "query($id: ID!) { webhook(id: $id) { status deliveries(first: 1000) { nodes { id status attempts lastStatusCode lastError \
                   nextAttemptAt deliveredAt event { type version } } } } }";

impl World {
    async fn new(backend: Backend) -> Self {
        Self::with(backend, Receiver::start().await, json!({})).await
    }

    /// With a receiver, and what else the webhook is made with.
    async fn with(backend: Backend, receiver: Receiver, other: Value) -> Self {
        let key = KeyRing::generate_key();
        let client = Client::new(TestDatabase::new(backend).await).with_keys(&key);
        let data = client.data("mutation { createProject(input: { name: \"P\" }) { project { id } } }").await;
        let project = data["createProject"]["project"]["id"].as_str().unwrap().to_owned();
        let mut input = json!({ "projectId": project, "url": receiver.url, "secret": SECRET });
        input.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        let make = "mutation($input: CreateWebhookInput!) { createWebhook(input: $input) { webhook { id } userErrors { code message } } }";
        let payload = client.data_with(make, json!({ "input": input })).await["createWebhook"].take();
        assert_eq!(payload["userErrors"], json!([]));
        let webhook = payload["webhook"]["id"].as_str().unwrap().to_owned();
        Self { client, receiver, project, webhook, key }
    }

    async fn feature(&self, name: &str) -> String {
        let make = "mutation($p: ID!, $name: String!) { createFeature(input: { projectId: $p, name: $name, priority: 1 }) { feature { id } } }";
        let data = self.client.data_with(make, json!({ "p": self.project, "name": name })).await;
        data["createFeature"]["feature"]["id"].as_str().unwrap().to_owned()
    }

    /// Gives a feature another priority: an event each.
    async fn change(&self, feature: &str, priority: i32) {
        let change = "mutation($f: ID!, $priority: Int!) { updateFeature(input: { id: $f, priority: $priority }) { userErrors { code } } }";
        let data = self.client.data_with(change, json!({ "f": feature, "priority": priority })).await;
        assert_eq!(data["updateFeature"]["userErrors"], json!([]));
    }

    /// Does something to the webhook that takes no more than its id.
    async fn command(&self, name: &str) {
        let input = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
        let document =
            format!("mutation($input: {input}!) {{ {name}(input: $input) {{ userErrors {{ code message }} }} }}");
        let data = self.client.data_with(&document, json!({ "input": { "id": self.webhook } })).await;
        assert_eq!(data[name]["userErrors"], json!([]));
    }

    /// The webhook with its log.
    async fn log(&self) -> Value {
        self.client.data_with(LOG, json!({ "id": self.webhook })).await["webhook"].take()
    }

    /// Waits until the log says so.
    async fn wait_for_log(&self, says: impl Fn(&Value) -> bool) -> Value {
        let began = std::time::Instant::now();
        loop {
            let log = self.log().await;
            if says(&log) {
                return log;
            }
            assert!(began.elapsed() < Duration::from_mins(1), "the log does not say so: {log}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Begins to send.
    fn send(&self) -> Dispatcher {
        self.send_with(settings())
    }

    fn send_with(&self, settings: WebhookSettings) -> Dispatcher {
        Dispatcher::start(self.client.api(), settings).unwrap()
    }
}

/// Sends to this machine, and tries again soon.
fn settings() -> WebhookSettings {
    WebhookSettings {
        allowed_networks: vec!["127.0.0.0/8".parse().unwrap()],
        timeout: Duration::from_secs(5),
        first_pause: Duration::from_millis(20),
        longest_pause: Duration::from_millis(200),
        ..WebhookSettings::default()
    }
}
