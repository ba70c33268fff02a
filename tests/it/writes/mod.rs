//! Writes: what each mutation does, what it refuses, and what it leaves behind.

mod adoption;
mod bulk;
mod bus;
mod changes;
mod deployments;
mod faults;
mod features;
mod followers;
mod idempotency;
mod kill;
mod payloads;
mod races;
mod statements;
mod test_cases;
mod test_runs;

use serde_json::{Value, json};

use crate::support::{Backend, Client, TestDatabase};

/// A database with one project and one feature, and their ids.
async fn with_feature(backend: Backend) -> (Client, Value, Value) {
    let client = Client::new(TestDatabase::new(backend).await);
    let data = client.data("mutation { createProject(input: {name: \"P\"}) { project { id } } }").await;
    let project = data["createProject"]["project"]["id"].clone();
    let data = client
        .data_with(
            "mutation($p: ID!) { createFeature(input: {projectId: $p, name: \"F\"}) { feature { id } } }",
            json!({ "p": project }),
        )
        .await;
    let feature = data["createFeature"]["feature"]["id"].clone();
    (client, project, feature)
}
