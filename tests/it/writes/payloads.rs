//! What a payload says of an object: what the command has just written is told without being read, and as reading tells it.

use serde_json::{Value, json};
use throughline::encryption::KeyRing;

use super::with_feature;
use crate::support::{Backend, Client};

on_both!(
    what_was_written_is_told_without_being_read,
    what_else_is_selected_is_read,
    what_is_hidden_or_gone_is_not_told
);

/// What a table holds of an object, by the payload's field: its type, and leaves.
fn stored(object: &str) -> (&'static str, &'static str) {
    match object {
        "project" => ("Project", "id name description rowVersion createdAt updatedAt"),
        "feature" => ("Feature", "id name description priority status rowVersion createdAt updatedAt"),
        "testCase" => ("TestCase", "id name status durationMs message rowVersion createdAt updatedAt"),
        "deployment" => ("Deployment", "id environment version status deployedAt rowVersion createdAt updatedAt"),
        "projectMember" => ("ProjectMember", "id role rowVersion createdAt updatedAt"),
        "user" => ("User", "id name kind instanceRole rowVersion createdAt updatedAt"),
        "webhook" => ("Webhook", "id types status rowVersion createdAt updatedAt"),
        other => panic!("no payload has {other}"),
    }
}

/// Carries a mutation out without asking for its object, then another one like it that asks for what a table holds; compares the object
/// with what a query says of it, and gives its id.
async fn tells(client: &Client, mutation: &str, object: &str, input: impl Fn(&str) -> Value) -> Value {
    let (type_name, leaves) = stored(object);
    let kind = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
    let document = |payload: &str| {
        format!(
            "mutation($input: {kind}!) {{ done: {mutation}(input: $input) {{ {payload} userErrors {{ code message }} }} }}"
        )
    };
    let run = async |payload: &str, name: &str| {
        client.statements.take();
        let mut data = client.data_with(&document(payload), json!({ "input": input(name) })).await;
        assert_eq!(data["done"]["userErrors"], json!([]), "{mutation}");
        (data["done"][object].take(), client.statements.take())
    };
    let (_, without) = run("", "a").await;
    let (told, with) = run(&format!("{object} {{ {leaves} }}"), "b").await;
    assert_eq!(without.len(), with.len(), "{mutation} reads nothing more: {with:#?}");
    let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on {type_name} {{ {leaves} }} }} }}");
    let read = client.data_with(&query, json!({ "id": told["id"] })).await;
    assert_eq!(told, read["node"], "{mutation}");
    told["id"].clone()
}

async fn what_was_written_is_told_without_being_read(backend: Backend) {
    const TEXT: &str = "of \"all\" \\ kinds\n\t\u{1}ä\u{1F600}";
    let (client, project, feature) = with_feature(backend).await;
    let client = client.with_keys(&KeyRing::generate_key());
    // The first secret of a project makes its key.
    let notes = "mutation($f: ID!) { updateFeature(input: {id: $f, confidentialNotes: \"s\"}) { version } }";
    client.data_with(notes, json!({ "f": feature })).await;
    let made = tells(&client, "createProject", "project", |name| json!({ "name": name, "description": TEXT })).await;
    tells(
        &client,
        "updateProject",
        "project",
        |name| json!({ "id": made, "name": format!("{name}2"), "description": null }),
    )
    .await;
    let whole = |name: &str| json!({ "projectId": project, "name": name, "description": TEXT, "priority": 13, "status": "BLOCKED" });
    let made = tells(&client, "createFeature", "feature", whole).await;
    tells(&client, "updateFeature", "feature", |name| json!({ "id": made, "name": format!("{name}2"), "priority": 1 }))
        .await;
    tells(
        &client,
        "changeFeatureStatus",
        "feature",
        |name| json!({ "id": made, "status": if name == "a" { "IN_PROGRESS" } else { "COMPLETED" } }),
    )
    .await;
    let test = |name: &str| json!({ "featureId": feature, "name": name, "status": "FAILED", "durationMs": 2_147_483_647, "message": TEXT });
    let made = tells(&client, "createTestCase", "testCase", test).await;
    tells(
        &client,
        "updateTestCase",
        "testCase",
        |name| json!({ "id": made, "name": format!("{name}2"), "durationMs": null }),
    )
    .await;
    for deployed_at in
        ["0001-01-01T00:00:00Z", "1999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.123456Z", "2026-02-03"]
    {
        let deployment =
            |_: &str| json!({ "featureId": feature, "environment": "e", "version": "1", "deployedAt": deployed_at });
        tells(&client, "createDeployment", "deployment", deployment).await;
    }
    let user = tells(&client, "createUser", "user", |name| json!({ "name": name, "kind": "AGENT" })).await;
    tells(
        &client,
        "updateUser",
        "user",
        |name| json!({ "id": user, "instanceRole": if name == "a" { "ADMIN" } else { "MEMBER" } }),
    )
    .await;
    let member = |name: &str| json!({ "projectId": project, "userName": name, "role": "MAINTAINER" });
    tells(&client, "addProjectMember", "projectMember", member).await;
    let webhook = |_: &str| json!({ "projectId": project, "url": "https://example.org/", "types": ["feature", "project.update"] });
    tells(&client, "createWebhook", "webhook", webhook).await;
}

async fn what_else_is_selected_is_read(backend: Backend) {
    let (client, project, feature) = with_feature(backend).await;
    let test =
        "mutation($f: ID!) { createTestCase(input: {featureId: $f, name: \"t\", status: PASSED}) { testCase { id } } }";
    client.data_with(test, json!({ "f": feature })).await;
    let update = "mutation($f: ID!) { updateFeature(input: {id: $f, name: \"G\"}) { feature {
        name testSummary { total passed } tests(first: 1) { nodes { name } } project { id } } userErrors { code } } }";
    let told = client.data_with(update, json!({ "f": feature })).await;
    let expected = json!({ "name": "G", "testSummary": { "total": 1, "passed": 1 },
        "tests": { "nodes": [{ "name": "t" }] }, "project": { "id": project } });
    assert_eq!(told["updateFeature"]["feature"], expected);
    // What was at hand leads on to what is not.
    let update = "mutation($f: ID!) { updateFeature(input: {id: $f, name: \"H\"}) { feature { name tests(first: 1) { nodes { name } } } } }";
    client.statements.take();
    let told = client.data_with(update, json!({ "f": feature })).await;
    assert_eq!(told["updateFeature"]["feature"], json!({ "name": "H", "tests": { "nodes": [{ "name": "t" }] } }));
    let statements = client.statements.take();
    assert!(!statements.iter().any(|sql| sql.contains(r#""features"."name""#)), "{statements:#?}");
    // As it is where nothing was to be changed.
    let same = client.data_with(update, json!({ "f": feature })).await;
    assert_eq!(same["updateFeature"]["feature"]["name"], "H");
}

async fn what_is_hidden_or_gone_is_not_told(backend: Backend) {
    let (client, _, feature) = with_feature(backend).await;
    let test = "mutation($f: ID!) { createTestCase(input: {featureId: $f, name: \"t\"}) { testCase { id } } }";
    let test = client.data_with(test, json!({ "f": feature })).await["createTestCase"]["testCase"]["id"].take();
    let apply = "mutation($steps: [ChangeStepInput!]!) { applyChanges(input: {steps: $steps}) {
        results { node { ... on Feature { name } ... on TestCase { name } } } userErrors { code } } }";
    let steps = json!([
        { "change": { "updateTestCase": { "id": test, "name": "u" } } },
        { "change": { "updateFeature": { "id": feature, "name": "G" } } },
        { "change": { "deleteFeature": { "id": feature } } },
    ]);
    let told = client.data_with(apply, json!({ "steps": steps })).await;
    let expected = json!({ "results": [{ "node": null }, { "node": null }, { "node": null }], "userErrors": [] });
    assert_eq!(told["applyChanges"], expected);
}
