//! What is stored encrypted: who can read it, what is left of it where, and what becomes of it when keys come and go.

mod erasure;
mod hidden;
mod keys;
mod notes;
mod plaintext;
mod rotation;

use serde_json::{Value, json};
use throughline::encryption::KeyRing;

use crate::support::{Backend, Client, Rows, TestDatabase, query_texts};

/// A database with a project, asked with a key ring of one key.
struct World {
    client: Client,
    key: String,
    project: Value,
}

const CREATE: &str = "mutation($p: ID!, $name: String!, $notes: String, $key: String) {
    createFeature(input: {projectId: $p, name: $name, confidentialNotes: $notes}, idempotencyKey: $key) {
        feature { id rowVersion confidentialNotes } isReplay userErrors { code field message } } }";

const UPDATE: &str = "mutation($f: ID!, $notes: String) {
    updateFeature(input: {id: $f, confidentialNotes: $notes}) {
        feature { rowVersion confidentialNotes } userErrors { code field message } } }";

const READ: &str = "query($f: ID!) { feature(id: $f) { name confidentialNotes } }";

impl World {
    async fn make(backend: Backend) -> Self {
        Self::over(TestDatabase::new(backend).await).await
    }

    async fn over(test: TestDatabase) -> Self {
        let key = KeyRing::generate_key();
        let client = Client::new(test).with_keys(&key);
        let data = client.data("mutation { createProject(input: {name: \"P\"}) { project { id } } }").await;
        let project = data["createProject"]["project"]["id"].clone();
        Self { client, key, project }
    }

    /// The same database, asked with other keys.
    fn with_keys(self, keys: &str) -> Self {
        Self { client: self.client.with_keys(keys), ..self }
    }

    /// Makes a feature with notes, and gives its id.
    async fn feature(&self, name: &str, notes: &str) -> Value {
        let variables = json!({ "p": self.project, "name": name, "notes": notes });
        let payload = self.client.data_with(CREATE, variables).await["createFeature"].take();
        assert_eq!(payload["userErrors"], json!([]));
        assert_eq!(payload["feature"]["confidentialNotes"], notes);
        payload["feature"]["id"].clone()
    }

    async fn update(&self, feature: &Value, notes: Option<&str>) -> Value {
        self.client.data_with(UPDATE, json!({ "f": feature, "notes": notes })).await["updateFeature"].take()
    }

    async fn notes(&self, feature: &Value) -> Value {
        self.client.data_with(READ, json!({ "f": feature })).await["feature"]["confidentialNotes"].take()
    }

    /// The code of the one error that reading the notes answers, beside the name.
    async fn code(&self, feature: &Value) -> String {
        let body = self.client.run(READ, json!({ "f": feature })).await;
        assert_eq!(body["data"]["feature"]["confidentialNotes"], Value::Null, "{body}");
        assert!(body["data"]["feature"]["name"].is_string(), "{body}");
        assert_eq!(body["errors"].as_array().map(Vec::len), Some(1), "{body}");
        assert_eq!(body["errors"][0]["path"], json!(["feature", "confidentialNotes"]));
        body["errors"][0]["extensions"]["code"].as_str().unwrap().to_owned()
    }

    /// What a query of one column answers.
    async fn texts(&self, sql: &str) -> Vec<String> {
        query_texts(self.client.test.database.reader(), sql).await
    }

    /// Runs SQL behind the product's back.
    async fn execute(&self, sql: &str) {
        Rows::of(&self.client.test.database).run(sql).await.unwrap();
    }
}
