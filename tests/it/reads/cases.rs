//! Documents and their answers: each `cases/*.graphql` has a snapshot beside it, one for both databases.
//!
//! `# variables: {…}` on a line of its own gives variables; `@Feature name@` in it stands for that feature's id. In the
//! snapshots ids, cursors and the times of the import are replaced, since each import makes its own.

use std::collections::HashMap;
use std::path::Path;

use async_graphql::Value;
use base64::Engine as _;

use crate::support::{Backend, Client, TestDatabase};

on_both!(every_case_answers_as_its_snapshot_says);

async fn every_case_answers_as_its_snapshot_says(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    let ids = feature_ids(&client).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/reads/cases");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "graphql"));
    files.sort();
    assert!(!files.is_empty(), "there are cases");
    for path in files {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let document = std::fs::read_to_string(&path).unwrap();
        let variables = document.lines().find_map(|line| line.strip_prefix("# variables: ")).unwrap_or("{}");
        let variables =
            ids.iter().fold(variables.to_owned(), |text, (name, id)| text.replace(&format!("@{name}@"), id));
        let answer = client.answer(&document, serde_json::from_str(&variables).unwrap()).await;
        // async-graphql's value keeps the order of an object's fields, which is the document's.
        let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
        Redaction::default().redact(&mut body);
        insta::with_settings!({ snapshot_path => &folder, prepend_module_to_snapshot => false, description => document }, {
            insta::assert_json_snapshot!(name, body);
        });
    }
}

async fn feature_ids(client: &Client) -> HashMap<String, String> {
    use serde_json::Value;

    let data = client.data("{ features(first: 1000, orderBy: {field: NAME}) { nodes { name id } } }").await;
    let nodes = data["features"]["nodes"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    nodes.iter().map(|node| (text(&node["name"]), text(&node["id"]))).collect()
}

/// Replaces what differs from import to import, by its number in the order of appearance.
#[derive(Default)]
struct Redaction {
    seen: HashMap<String, usize>,
}

impl Redaction {
    fn redact(&mut self, value: &mut Value) {
        match value {
            Value::Object(fields) => fields.values_mut().for_each(|value| self.redact(value)),
            Value::List(items) => items.iter_mut().for_each(|value| self.redact(value)),
            Value::String(text) => {
                let number = self.seen.len() + 1;
                let what = match text.rsplit_once('_') {
                    Some((prefix @ ("project" | "feature" | "test_case" | "deployment"), rest)) if rest.len() == 26 => {
                        prefix
                    }
                    _ if text.starts_with(&chrono::Utc::now().format("%Y-").to_string()) => "now",
                    _ if is_cursor(text) => "cursor",
                    _ => return,
                };
                let number = *self.seen.entry(text.clone()).or_insert(number);
                *text = format!("[{what} {number}]");
            }
            _ => {}
        }
    }
}

fn is_cursor(text: &str) -> bool {
    let json = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    serde_json::from_slice::<Vec<serde_json::Value>>(&json).is_ok()
}
