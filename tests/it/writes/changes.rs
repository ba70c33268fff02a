//! Lists of changes that happen as one.

use serde_json::{Value, json};

use super::with_feature;
use crate::support::{Backend, Client, Tables, TestDatabase};

on_both!(
    a_project_is_made_in_one_request,
    a_dry_run_reads_what_it_would_make,
    mistakes_of_all_steps_are_told,
    steps_see_what_earlier_steps_did,
    names_of_what_is_new_are_looked_up,
    a_project_goes_with_what_was_added,
    a_stale_version_tells_what_there_is,
    the_number_of_statements_depends_on_the_kinds
);

const APPLY: &str = "mutation($steps: [ChangeStepInput!]!, $key: String, $dry: Boolean) {
    applyChanges(input: {steps: $steps}, idempotencyKey: $key, dryRun: $dry) {
        results {
            node {
                __typename
                ... on Project { name featureCount }
                ... on Feature { name status rowVersion deploymentStatus testSummary { total passed } project { name } }
                ... on TestCase { name status feature { name } }
                ... on Deployment { environment version feature { name } }
            }
            version
            userErrors { code message field }
        }
        userErrors { code message field } isReplay isDryRun } }";

async fn apply(client: &Client, steps: Value) -> Value {
    let mut applied = client.data_with(APPLY, json!({ "steps": steps })).await;
    applied["applyChanges"].take()
}

/// A project with a feature, a test and a deployment.
fn whole_project() -> Value {
    json!([
        { "name": "p", "change": { "createProject": { "name": "Q" } } },
        { "name": "f", "change": { "createFeature": { "projectId": "$ref:p", "name": "F" } } },
        { "change": { "createTestCase": { "featureId": "$ref:f", "name": "t", "status": "PASSED" } } },
        { "name": "g", "change": { "createFeature": { "projectId": "$ref:p", "name": "G" } } },
        { "change": { "createDeployment": { "featureId": "$ref:g", "environment": "e", "version": "1", "status": "SUCCEEDED", "deployedAt": "2026-01-02" } } },
        { "change": { "createTestCase": { "featureId": "$ref:g", "name": "t" } } },
        { "change": { "changeFeatureStatus": { "id": "$ref:f", "expectedVersion": 1, "status": "IN_PROGRESS" } } },
    ])
}

async fn a_project_is_made_in_one_request(backend: Backend) {
    let client = Client::new(TestDatabase::new(backend).await);
    let variables = json!({ "steps": whole_project(), "key": "once" });
    let applied = client.data_with(APPLY, variables.clone()).await;
    let again = client.data_with(APPLY, variables).await;
    insta::assert_json_snapshot!("a_whole_project", json!({ "applied": applied, "again": again }));
    let other = client.data_with(APPLY, json!({ "steps": [], "key": "once" })).await;
    assert_eq!(other["applyChanges"]["userErrors"][0]["code"], "IDEMPOTENCY_KEY_REUSED");
    let read = client.data("{ projects { totalCount } features { totalCount } }").await;
    assert_eq!(read, json!({ "projects": { "totalCount": 1 }, "features": { "totalCount": 2 } }));
    Tables::read(&client.test.database).await.assert_tell_one_story_of_events();
}

async fn a_dry_run_reads_what_it_would_make(backend: Backend) {
    let client = Client::new(TestDatabase::new(backend).await);
    let tried = client.data_with(APPLY, json!({ "steps": whole_project(), "dry": true })).await;
    insta::assert_json_snapshot!("a_dry_run_of_changes", tried);
    let read = client.data("{ projects { totalCount } features { totalCount } }").await;
    assert_eq!(read, json!({ "projects": { "totalCount": 0 }, "features": { "totalCount": 0 } }));
    Tables::read(&client.test.database).await.assert_tell_one_story_of_events();
}

async fn mistakes_of_all_steps_are_told(backend: Backend) {
    let (client, project, feature) = with_feature(backend).await;
    let told = apply(
        &client,
        json!([
            { "name": "wrong", "change": { "createProject": { "name": "" } } },
            { "name": "builds", "change": { "createFeature": { "projectId": "$ref:wrong", "name": "F" } } },
            { "change": { "createTestCase": { "featureId": "$ref:builds", "name": "" } } },
            { "change": { "createFeature": { "projectId": "$ref:later", "name": "F" } } },
            { "name": "taken", "change": { "createFeature": { "projectId": project, "name": "F" } } },
            { "change": { "createDeployment": { "featureId": "$ref:taken", "environment": "e", "version": "1" } } },
            { "name": "taken", "change": { "deleteFeature": { "id": feature } } },
            { "name": "good", "change": { "createTestCase": { "featureId": feature, "name": "t" } } },
            { "change": { "updateFeature": { "id": "$ref:good", "name": "x" } } },
            { "change": { "deleteTestCase": { "id": "test_case_01h455vb4pex5vsknk084sn02q" } } },
            { "name": "later", "change": { "createProject": { "name": "Q" } } },
        ]),
    )
    .await;
    insta::assert_json_snapshot!("mistakes_of_steps", told);
    let read = client.data("{ projects { totalCount } features { totalCount } }").await;
    assert_eq!(read, json!({ "projects": { "totalCount": 1 }, "features": { "totalCount": 1 } }));
    let steps: Value = (0..1001).map(|_| json!({ "change": { "deleteFeature": { "id": feature } } })).collect();
    let many = apply(&client, steps).await;
    let error = json!([{ "code": "TOO_MANY", "field": ["input", "steps"], "message": "has 1001 steps; a command may have 1000" }]);
    assert_eq!(many["userErrors"], error);
    // What is no one of the changes is no input at all.
    for change in [json!({}), json!({ "deleteFeature": { "id": feature }, "restoreFeature": { "id": feature } })] {
        let error = client.error(APPLY, json!({ "steps": [{ "change": change }] })).await;
        assert_eq!(error["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{error}");
    }
}

async fn steps_see_what_earlier_steps_did(backend: Backend) {
    let (client, _, feature) = with_feature(backend).await;
    let applied = apply(
        &client,
        json!([
            { "name": "t", "change": { "createTestCase": { "featureId": feature, "name": "t" } } },
            { "name": "u", "change": { "updateTestCase": { "id": "$ref:t", "name": "u", "status": "PASSED" } } },
            { "change": { "createTestCase": { "featureId": feature, "name": "t" } } },
            { "change": { "updateFeature": { "id": feature, "expectedVersion": 1, "name": "G" } } },
            { "change": { "deleteFeature": { "id": feature, "expectedVersion": 2 } } },
            { "change": { "restoreFeature": { "id": feature } } },
            { "name": "d", "change": { "createDeployment": { "featureId": feature, "environment": "e", "version": "1" } } },
            { "change": { "updateDeployment": { "id": "$ref:d", "status": "FAILED", "deployedAt": null } } },
            { "change": { "createTestCase": { "featureId": feature, "name": "gone" } } },
            { "name": "v", "change": { "createTestCase": { "featureId": feature, "name": "v" } } },
            { "change": { "deleteTestCase": { "id": "$ref:v" } } },
            { "change": { "deleteDeployment": { "id": "$ref:d" } } },
        ]),
    )
    .await;
    insta::assert_json_snapshot!("steps_see_earlier_steps", applied);
    let hidden = apply(
        &client,
        json!([
            { "change": { "deleteFeature": { "id": feature } } },
            { "change": { "createTestCase": { "featureId": feature, "name": "w" } } },
            { "change": { "createDeployment": { "featureId": feature, "environment": "e", "version": "1" } } },
        ]),
    )
    .await;
    assert_eq!(
        hidden["userErrors"],
        json!([
            { "code": "NOT_FOUND", "field": ["input", "steps", "1", "change", "createTestCase", "featureId"], "message": "there is no such feature" },
            { "code": "NOT_FOUND", "field": ["input", "steps", "2", "change", "createDeployment", "featureId"], "message": "there is no such feature" },
        ])
    );
    Tables::read(&client.test.database).await.assert_tell_one_story_of_events();
}

async fn names_of_what_is_new_are_looked_up(backend: Backend) {
    let (client, project, feature) = with_feature(backend).await;
    apply(&client, json!([{ "change": { "createTestCase": { "featureId": feature, "name": "t" } } }])).await;
    let told = apply(
        &client,
        json!([
            { "name": "f", "change": { "createFeature": { "projectId": project, "name": "new" } } },
            { "change": { "updateFeature": { "id": "$ref:f", "name": "F" } } },
            { "name": "t", "change": { "createTestCase": { "featureId": feature, "name": "new" } } },
            { "change": { "updateTestCase": { "id": "$ref:t", "name": "t" } } },
            { "name": "p", "change": { "createProject": { "name": "new" } } },
            { "change": { "updateProject": { "id": "$ref:p", "name": "P" } } },
        ]),
    )
    .await;
    let codes: Vec<&Value> = told["userErrors"].as_array().unwrap().iter().map(|error| &error["code"]).collect();
    assert_eq!(codes, ["NAME_TAKEN"; 3]);
    // What is deleted has its name until all is done.
    let told = apply(
        &client,
        json!([
            { "change": { "updateFeature": { "id": feature, "name": "G" } } },
            { "change": { "createFeature": { "projectId": project, "name": "F" } } },
        ]),
    )
    .await;
    assert_eq!(told["userErrors"][0]["code"], "NAME_TAKEN");
}

async fn a_project_goes_with_what_was_added(backend: Backend) {
    let (client, project, _) = with_feature(backend).await;
    let steps = json!([
        { "name": "f", "change": { "createFeature": { "projectId": project, "name": "G" } } },
        { "change": { "createTestCase": { "featureId": "$ref:f", "name": "t" } } },
        { "change": { "deleteProject": { "id": project } } },
    ]);
    let applied = apply(&client, steps).await;
    assert_eq!(applied["userErrors"], json!([]));
    assert_eq!(applied["results"][1], json!({ "node": null, "version": null, "userErrors": [] }));
    let read = client.data("{ projects { totalCount } features { totalCount } }").await;
    assert_eq!(read, json!({ "projects": { "totalCount": 0 }, "features": { "totalCount": 0 } }));
    Tables::read(&client.test.database).await.assert_tell_one_story_of_events();
}

async fn a_stale_version_tells_what_there_is(backend: Backend) {
    let (client, _, feature) = with_feature(backend).await;
    let steps = json!([{ "change": { "updateFeature": { "id": feature, "expectedVersion": 7, "name": "G" } } }]);
    let told = apply(&client, steps).await;
    assert_eq!(told["results"][0]["node"]["name"], "F");
    assert_eq!(told["results"][0]["userErrors"][0]["code"], "VERSION_CONFLICT");
}

/// Projects with a feature, a test and a deployment each, and a change of the feature.
fn many_projects(first: usize, count: usize) -> Value {
    let projects = (first..first + count).flat_map(|number| {
        let (p, f) = (format!("p{number}"), format!("f{number}"));
        let (to_project, to_feature) = (format!("$ref:{p}"), format!("$ref:{f}"));
        [
            json!({ "name": p, "change": { "createProject": { "name": format!("project {number}") } } }),
            json!({ "name": f, "change": { "createFeature": { "projectId": to_project, "name": "F" } } }),
            json!({ "change": { "updateFeature": { "id": to_feature, "name": "G" } } }),
            json!({ "change": { "createTestCase": { "featureId": to_feature, "name": "t" } } }),
            json!({ "change": { "createDeployment": { "featureId": to_feature, "environment": "e", "version": "1" } } }),
        ]
    });
    projects.collect()
}

async fn the_number_of_statements_depends_on_the_kinds(backend: Backend) {
    let client = Client::new(TestDatabase::new(backend).await);
    let mut counts = Vec::new();
    for (first, count) in [(0, 1), (1, 200)] {
        client.statements.take();
        let document = "mutation($steps: [ChangeStepInput!]!) { applyChanges(input: {steps: $steps}) { userErrors { code field } } }";
        let applied = client.data_with(document, json!({ "steps": many_projects(first, count) })).await;
        assert_eq!(applied["applyChanges"]["userErrors"], json!([]));
        counts.push(client.statements.count());
    }
    let expected = match backend {
        Backend::Sqlite => 6,
        Backend::Postgres => 3,
    };
    assert_eq!(counts, [expected; 2]);
    Tables::read(&client.test.database).await.assert_tell_one_story_of_events();
}
