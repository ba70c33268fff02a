//! What is left of the past: the audit, the events, what they make of a moment that is gone, and how they prove themselves.

mod lists;
mod moments;
mod payloads;
mod plans;
mod replayed;
mod verified;

use serde_json::{Value, json};

use crate::support::{Backend, Client, TestDatabase};

/// A project and a feature that has been through something, with their ids.
pub(crate) struct Past {
    pub(crate) client: Client,
    pub(crate) project: Value,
    pub(crate) feature: Value,
}

impl Past {
    /// Makes them: the feature has six versions, and is deleted by the last one.
    pub(crate) async fn make(backend: Backend) -> Self {
        let client = Client::new(TestDatabase::new(backend).await);
        let project = client.data("mutation { createProject(input: {name: \"P\"}) { project { id } } }").await;
        let project = project["createProject"]["project"]["id"].clone();
        let feature = client
            .data_with(
                "mutation($p: ID!) { createFeature(input: {projectId: $p, name: \"F\", priority: 3}) { feature { id } } }",
                json!({ "p": project }),
            )
            .await;
        let feature = feature["createFeature"]["feature"]["id"].clone();
        let past = Self { client, project, feature };
        past.change("name: \"G\", description: \"d\"").await;
        past.change("description: null, priority: 8").await;
        let mutation = "mutation($f: ID!) {
            a: changeFeatureStatus(input: {id: $f, status: IN_PROGRESS}) { feature { status } }
            b: deleteFeature(input: {id: $f}) { userErrors { code } }
            c: restoreFeature(input: {id: $f}) { feature { rowVersion } } }";
        let data = past.client.data_with(mutation, json!({ "f": past.feature })).await;
        assert_eq!(data["c"]["feature"]["rowVersion"], 6);
        past
    }

    /// Changes the feature.
    pub(crate) async fn change(&self, fields: &str) {
        let mutation = format!(
            "mutation($f: ID!) {{ updateFeature(input: {{id: $f, {fields}}}) {{ feature {{ id }} userErrors {{ code }} }} }}"
        );
        let data = self.client.data_with(&mutation, json!({ "f": self.feature })).await;
        assert_eq!(data["updateFeature"]["userErrors"], json!([]), "{fields}");
    }

    /// The data of a document with the variables `$f` and `$p`.
    pub(crate) async fn data(&self, document: &str) -> Value {
        self.client.data_with(document, json!({ "f": self.feature, "p": self.project })).await
    }

    /// The errors and the data of a document with the variables `$f` and `$p`.
    pub(crate) async fn run(&self, document: &str) -> Value {
        self.client.run(document, json!({ "f": self.feature, "p": self.project })).await
    }
}
