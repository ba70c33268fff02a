//! Subscriptions: over WebSocket and as server-sent events, without loss, in any number of processes.

mod cuts;
mod events;
mod followed;
mod neighbours;
mod socket;

use serde_json::{Value, json};

use crate::support::RunningServer;

/// Everything that happens.
const CHANGES: &str = "subscription($after: String) { changes(after: $after) { cursor type aggregateId version } }";

/// Makes a project, and gives its id and the place of its making.
async fn make_project(server: &RunningServer, name: &str) -> (String, String) {
    let made = "mutation($name: String!) { createProject(input: { name: $name }) { cursor project { id } userErrors { code } } }";
    let answer = server.graphql(made, json!({ "name": name })).await;
    let payload = &answer["data"]["createProject"];
    (text(&payload["project"]["id"]), text(&payload["cursor"]))
}

/// Makes a feature, and gives its id.
async fn make_feature(server: &RunningServer, project: &str, name: &str) -> String {
    let made = "mutation($project: ID!, $name: String!) { createFeature(input: { projectId: $project, name: $name, priority: 5 }) { \
                feature { id } userErrors { code } } }";
    let answer = server.graphql(made, json!({ "project": project, "name": name })).await;
    text(&answer["data"]["createFeature"]["feature"]["id"])
}

/// The place of the last event.
async fn last_cursor(server: &RunningServer) -> String {
    let answer = server.graphql("{ changes(last: 1) { pageInfo { endCursor } } }", json!({})).await;
    text(&answer["data"]["changes"]["pageInfo"]["endCursor"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}
