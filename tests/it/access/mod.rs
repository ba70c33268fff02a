//! Who may see and do what.

mod backlog;
mod limited;
mod matrix;
mod members;
mod owners;
mod sessions;
mod start;
mod together;
mod tokens;
mod uses;

use std::collections::BTreeMap;

use entity::user::InstanceRole;
use serde_json::{Value, json};
use throughline::access::{ActorKind, Caller, Rights, Role};
use throughline::batch::id;
use throughline::encryption::KeyRing;
use uuid::Uuid;

use crate::support::{Backend, Client, Rows, TestDatabase};

/// What stands in every text of the project that is looked for.
const MARK: &str = "hush-7c1e";

/// One of everything, in a project that only its members see, and in one that they do not.
struct World {
    client: Client,
    /// Ids, by the names of their types.
    ids: BTreeMap<&'static str, String>,
}

impl World {
    async fn new(backend: Backend) -> Self {
        let client = Client::new(TestDatabase::new(backend).await).with_keys(&KeyRing::generate_key());
        let mut ids = BTreeMap::new();
        let make = async |document: &str, variables: Value| {
            let mut data = client.data_with(document, variables).await;
            let payload = data.as_object_mut().unwrap().values_mut().next().unwrap().take();
            assert_eq!(payload["userErrors"], json!([]), "{document}");
            payload
        };
        let id_of = |payload: &Value, field: &str| payload[field]["id"].as_str().unwrap().to_owned();
        let payload = make(
            "mutation($name: String!) { createProject(input: { name: $name, description: $name }) { project { id } userErrors { code } } }",
            json!({ "name": MARK }),
        )
        .await;
        let project = id_of(&payload, "project");
        let payload = make(
            "mutation($project: ID!, $name: String!) { createFeature(input: { projectId: $project, name: $name, description: $name, confidentialNotes: $name }) \
             { feature { id } userErrors { code } } }",
            json!({ "project": project, "name": MARK }),
        )
        .await;
        let feature = id_of(&payload, "feature");
        let payload = make(
            "mutation($feature: ID!, $name: String!) { createTestCase(input: { featureId: $feature, name: $name }) \
             { testCase { id } userErrors { code } } }",
            json!({ "feature": feature, "name": MARK }),
        )
        .await;
        ids.insert("TestCase", id_of(&payload, "testCase"));
        let payload = make(
            "mutation($feature: ID!, $name: String!) { createDeployment(input: { featureId: $feature, environment: $name, \
             version: $name }) { deployment { id } userErrors { code } } }",
            json!({ "feature": feature, "name": MARK }),
        )
        .await;
        ids.insert("Deployment", id_of(&payload, "deployment"));
        let payload = make(
            "mutation($name: String!) { createUser(input: { name: $name }) { user { id } userErrors { code } } }",
            json!({ "name": MARK }),
        )
        .await;
        ids.insert("User", id_of(&payload, "user"));
        let payload = make(
            "mutation($project: ID!, $name: String!) { addProjectMember(input: { projectId: $project, userName: $name, role: VIEWER }) \
             { projectMember { id } userErrors { code } } }",
            json!({ "project": project, "name": MARK }),
        )
        .await;
        ids.insert("ProjectMember", id_of(&payload, "projectMember"));
        let [webhook, delivery] = add_webhook(&client, &project).await;
        ids.insert("Webhook", webhook);
        ids.insert("WebhookDelivery", delivery);
        ids.insert("Project", project.clone());
        ids.insert("Feature", feature.clone());
        for name in ["spare", "gone"] {
            let payload = make(
                "mutation($name: String!) { createUser(input: { name: $name }) { user { id } userErrors { code } } }",
                json!({ "name": name }),
            )
            .await;
            ids.insert("DeletedUser", id_of(&payload, "user"));
        }
        make(
            "mutation($id: ID!) { deleteUser(input: { id: $id }) { userErrors { code } } }",
            json!({ "id": ids["DeletedUser"] }),
        )
        .await;
        let payload = make(
            "mutation($project: ID!) { createFeature(input: { projectId: $project, name: \"gone\" }) { feature { id } userErrors { code } } }",
            json!({ "project": project }),
        )
        .await;
        ids.insert("DeletedFeature", id_of(&payload, "feature"));
        make(
            "mutation($id: ID!) { deleteFeature(input: { id: $id }) { userErrors { code } } }",
            json!({ "id": ids["DeletedFeature"] }),
        )
        .await;
        let cursors = client
            .data_with(
                "query($project: ID!, $feature: ID!) { project(id: $project) { features { pageInfo { endCursor } } } \
                 feature(id: $feature) { tests { pageInfo { endCursor } } deployments { pageInfo { endCursor } } } }",
                json!({ "project": project, "feature": feature }),
            )
            .await;
        let cursor = |list: &Value| list["pageInfo"]["endCursor"].as_str().unwrap().to_owned();
        ids.insert("after features", cursor(&cursors["project"]["features"]));
        ids.insert("after tests", cursor(&cursors["feature"]["tests"]));
        ids.insert("after deployments", cursor(&cursors["feature"]["deployments"]));
        let first = client.data("{ events(first: 1) { nodes { id } } auditLogs(first: 1) { nodes { id } } }").await;
        ids.insert("Event", first["events"]["nodes"][0]["id"].as_str().unwrap().to_owned());
        ids.insert("AuditLog", first["auditLogs"]["nodes"][0]["id"].as_str().unwrap().to_owned());
        Self { client, ids }
    }

    fn id(&self, kind: &str) -> &str {
        &self.ids[kind]
    }

    /// Somebody with this role in the project; nobody's member without one.
    fn caller(&self, role: Option<Role>) -> Caller {
        let (_, project) = id::parse("id", self.id("Project"), &["project"]).unwrap();
        let projects = role.into_iter().map(|role| (project, role)).collect();
        caller("somebody", InstanceRole::Member, projects)
    }
}

/// A webhook of the project with a delivery: their ids.
async fn add_webhook(client: &Client, project: &str) -> [String; 2] {
    let make = "mutation($project: ID!, $url: String!) { createWebhook(input: { projectId: $project, url: $url }) { webhook { id } } }";
    let url = format!("https://example.org/{MARK}");
    let data = client.data_with(make, json!({ "project": project, "url": url })).await;
    let deliver = "INSERT INTO webhook_deliveries (id, webhook_id, event_id, aggregate_id, transaction_id, position, next_attempt_at, \
                   created_at) SELECT @60, w.id, e.id, e.aggregate_id, e.transaction_id, e.position, @now, @now FROM webhooks w, \
                   events e WHERE e.event_type = 'project.create'";
    Rows::of(&client.test.database).run(deliver).await.unwrap();
    [data["createWebhook"]["webhook"]["id"].as_str().unwrap().to_owned(), Rows::id("webhook_delivery", 60)]
}

pub(crate) fn caller(name: &str, instance: InstanceRole, projects: BTreeMap<Uuid, Role>) -> Caller {
    Caller::new(
        name,
        ActorKind::Person,
        Rights { instance, everywhere: None, projects, makes_projects: true, own_deeds: true },
    )
}
