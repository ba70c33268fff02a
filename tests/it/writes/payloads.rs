//! What a payload says of an object: what the command has just written is told without being read, and as reading tells it.

use serde_json::{Value, json};
use throughline::access::{ActorKind, Caller, Rights, Role};
use throughline::batch::id;
use throughline::encryption::KeyRing;

use super::with_feature;
use crate::support::{Backend, Client};

on_both!(
    what_was_written_is_told_without_being_read,
    what_else_is_selected_is_read,
    what_is_hidden_or_gone_is_not_told,
    a_plan_serves_what_decides_alike,
    who_may_see_less_is_told_less,
    a_conflict_tells_the_object_as_it_is
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

async fn a_plan_serves_what_decides_alike(backend: Backend) {
    let (client, _, feature) = with_feature(backend).await;
    for name in ["t1", "t2", "t3"] {
        let test = "mutation($f: ID!, $n: String!) { createTestCase(input: {featureId: $f, name: $n}) { version } }";
        client.data_with(test, json!({ "f": feature, "n": name })).await;
    }
    let document = "mutation($f: ID!, $n: String!, $with: Boolean!, $first: Int) {
        a: updateFeature(input: {id: $f, name: $n}) { feature { ...Told } }
        b: updateFeature(input: {id: $f, description: $n}) { feature { ...Told priority @skip(if: $with) } } }
        fragment Told on Feature { name description @include(if: $with) tests(first: $first) { nodes { name } } }";
    // Each way twice, and each after another one: with a plan that was made for it, and past those that were not.
    for turn in 0..3 {
        for (number, (with, first, count)) in
            [(true, json!(1), 1), (false, json!(2), 2), (true, Value::Null, 3), (false, json!(1), 1)]
                .into_iter()
                .enumerate()
        {
            let name = format!("name {turn} {number}");
            let mut variables = json!({ "f": feature, "n": name, "with": with });
            if !first.is_null() {
                variables["first"] = first;
            }
            let told = client.data_with(document, variables).await;
            let tests: Vec<Value> = ["t1", "t2", "t3"].iter().take(count).map(|name| json!({ "name": name })).collect();
            for key in ["a", "b"] {
                let feature = &told[key]["feature"];
                assert_eq!((&feature["name"], &feature["tests"]["nodes"]), (&json!(name), &json!(tests)), "{told}");
                assert_eq!(feature.get("description").is_some(), with, "{told}");
                assert_eq!(feature.get("priority").is_some(), key == "b" && !with, "{told}");
            }
        }
    }
}

async fn who_may_see_less_is_told_less(backend: Backend) {
    let (client, project, feature) = with_feature(backend).await;
    let client = client.with_keys(&KeyRing::generate_key());
    let (_, key) = id::parse("id", project.as_str().unwrap(), &["project"]).unwrap();
    let document =
        "mutation($f: ID!, $n: String!, $k: String) { updateFeature(input: {id: $f, name: $n}, idempotencyKey: $k) {
        feature { name confidentialNotes } userErrors { code } } }";
    let notes = "mutation($f: ID!) { updateFeature(input: {id: $f, confidentialNotes: \"hush\"}) { version } }";
    client.data_with(notes, json!({ "f": feature })).await;
    for (turn, (role, notes)) in [
        (Role::Maintainer, json!("hush")),
        (Role::Contributor, Value::Null),
        (Role::Maintainer, json!("hush")),
        (Role::Contributor, Value::Null),
    ]
    .into_iter()
    .enumerate()
    {
        let rights = Rights { projects: [(key, role)].into(), ..Rights::none() };
        let caller = Caller::new("robot", ActorKind::Agent, rights);
        let name = format!("name {turn}");
        let told = client.run_as(&caller, document, json!({ "f": feature, "n": name })).await;
        let expected = json!({ "feature": { "name": name, "confidentialNotes": notes }, "userErrors": [] });
        assert_eq!(told["data"]["updateFeature"], expected, "{role:?}: {told}");
    }
}

async fn a_conflict_tells_the_object_as_it_is(backend: Backend) {
    let (client, project, feature) = with_feature(backend).await;
    let make = "mutation($p: ID!) { createFeature(input: {projectId: $p, name: \"G\"}) { feature { id } } }";
    let other = client.data_with(make, json!({ "p": project })).await["createFeature"]["feature"]["id"].take();
    let update = "mutation($f: ID!, $g: ID!) { updateFeatures(input: {mode: BEST_EFFORT, features: [
        {id: $f, expectedVersion: 7, name: \"F2\"}, {id: $g, expectedVersion: 1, name: \"G2\"}]}) {
        results { feature { name rowVersion } version userErrors { code conflict { currentVersion } } } } }";
    let told = client.data_with(update, json!({ "f": feature, "g": other })).await;
    let conflict = json!([{ "code": "VERSION_CONFLICT", "conflict": { "currentVersion": 1 } }]);
    let expected = json!([
        { "feature": { "name": "F", "rowVersion": 1 }, "version": null, "userErrors": conflict },
        { "feature": { "name": "G2", "rowVersion": 2 }, "version": 2, "userErrors": [] },
    ]);
    assert_eq!(told["updateFeatures"]["results"], expected);
}
