//! What can happen to test cases, and what cannot.

use serde_json::{Value, json};

use super::with_feature;
use crate::support::{Backend, Client};

on_both!(a_test_lives, mistakes_are_told, what_is_absent_is_left_alone, a_test_of_a_hidden_feature_is_not_there);

const CREATE: &str = "mutation($f: ID!) { createTestCase(input: {featureId: $f, name: \"t\", status: PASSED, durationMs: 7, message: \"m\"}) {
    testCase { id name } userErrors { code message field } } }";

async fn create(client: &Client, feature: &Value) -> Value {
    let made = client.data_with(CREATE, json!({ "f": feature })).await;
    made["createTestCase"]["testCase"]["id"].clone()
}

async fn a_test_lives(backend: Backend) {
    let (client, _, feature) = with_feature(backend).await;
    let made = client
        .data_with(
            "mutation($f: ID!) { createTestCase(input: {featureId: $f, name: \"t\"}) {
                testCase { id name status durationMs message rowVersion feature { name testSummary { total pending } } }
                userErrors { code } isReplay isDryRun } }",
            json!({ "f": feature }),
        )
        .await;
    let test = &made["createTestCase"]["testCase"];
    assert_eq!(
        *test,
        json!({ "id": test["id"], "name": "t", "status": "PENDING", "durationMs": null, "message": null, "rowVersion": 1,
                "feature": { "name": "F", "testSummary": { "total": 1, "pending": 1 } } })
    );
    let changed = client
        .data_with(
            "mutation($t: ID!, $f: ID!) {
                a: updateTestCase(input: {id: $t, name: \"u\", status: FAILED, durationMs: 12, message: \"no\"}) { ...told }
                b: updateTestCase(input: {id: $t, durationMs: null}) { ...told }
                c: updateTestCase(input: {id: $t, expectedVersion: 3}) { ...told }
                d: updateTestCase(input: {id: $t, expectedVersion: 2, status: PASSED}) { ...told }
                e: createTestCase(input: {featureId: $f, name: \"t\", status: SKIPPED}) { ...told }
                f: updateTestCase(input: {id: $t, name: \"t\"}) { ...told }
                g: deleteTestCase(input: {id: $t}) { ...told }
                h: deleteTestCase(input: {id: $t}) { ...told }
                i: createTestCase(input: {featureId: $f, name: \"u\"}, dryRun: true) { ...told isDryRun }
            }
            fragment told on TestCasePayload {
                testCase { name status durationMs message rowVersion feature { testSummary { total passed failed pending skipped } } }
                userErrors { code message field conflict { expectedVersion currentVersion changes { version type fields } } }
            }",
            json!({ "t": test["id"], "f": feature }),
        )
        .await;
    insta::assert_json_snapshot!("a_test_lives", changed);
    let left = client.data("{ features { nodes { tests { nodes { name } } testSummary { total skipped } } } }").await;
    assert_eq!(
        left["features"]["nodes"][0],
        json!({ "tests": { "nodes": [{ "name": "t" }] }, "testSummary": { "total": 1, "skipped": 1 } })
    );
}

async fn mistakes_are_told(backend: Backend) {
    let (client, _, feature) = with_feature(backend).await;
    let test = create(&client, &feature).await;
    let told = client
        .data_with(
            "mutation($f: ID!, $t: ID!, $long: String!) {
                a: createTestCase(input: {featureId: $t, name: \"\", durationMs: -1, message: \"\\u0000\"}) { ...told }
                b: createTestCase(input: {featureId: \"feature_01h455vb4pex5vsknk084sn02q\", name: \"t\"}) { ...told }
                c: createTestCase(input: {featureId: $f, name: \"t\"}) { ...told }
                d: createTestCase(input: {featureId: $f, name: $long}) { ...told }
                e: updateTestCase(input: {id: $f, name: null, status: null, durationMs: -1, message: \"\\u0000\"}) { ...told }
                f: updateTestCase(input: {id: \"test_case_01h455vb4pex5vsknk084sn02q\", name: \"x\"}) { ...told }
                g: deleteTestCase(input: {id: \"nonsense\"}) { ...told }
                h: deleteTestCase(input: {id: $t, expectedVersion: 4}) { ...told }
            }
            fragment told on TestCasePayload { testCase { name } userErrors { code message field } }",
            json!({ "f": feature, "t": test, "long": "x".repeat(651) }),
        )
        .await;
    insta::assert_json_snapshot!("mistakes_with_tests", told);
}

async fn what_is_absent_is_left_alone(backend: Backend) {
    let (client, _, feature) = with_feature(backend).await;
    let test = create(&client, &feature).await;
    let document = "mutation($t: ID!, $name: String, $status: TestStatus, $ms: Int, $m: String, $key: String, $dry: Boolean) {
            updateTestCase(input: {id: $t, name: $name, status: $status, durationMs: $ms, message: $m}, idempotencyKey: $key, dryRun: $dry) {
                testCase { name status durationMs message rowVersion } userErrors { code field } } }";
    let absent = client.data_with(document, json!({ "t": test })).await;
    let row = json!({ "name": "t", "status": "PASSED", "durationMs": 7, "message": "m", "rowVersion": 1 });
    assert_eq!(absent["updateTestCase"], json!({ "testCase": row, "userErrors": [] }));
    let given = client.data_with(document, json!({ "t": test, "ms": 8, "status": "FAILED" })).await;
    let row = json!({ "name": "t", "status": "FAILED", "durationMs": 8, "message": "m", "rowVersion": 2 });
    assert_eq!(given["updateTestCase"], json!({ "testCase": row, "userErrors": [] }));
    let null = client.data_with(document, json!({ "t": test, "ms": null, "m": null })).await;
    let row = json!({ "name": "t", "status": "FAILED", "durationMs": null, "message": null, "rowVersion": 3 });
    assert_eq!(null["updateTestCase"], json!({ "testCase": row, "userErrors": [] }));
    let refused = client.data_with(document, json!({ "t": test, "name": null, "status": null })).await;
    let errors = json!([{ "code": "INVALID_VALUE", "field": ["input", "name"] }, { "code": "INVALID_VALUE", "field": ["input", "status"] }]);
    assert_eq!(refused["updateTestCase"], json!({ "testCase": null, "userErrors": errors }));
    // A whole input, and an operation beside another one with a fragment that both use.
    let document = "mutation A($input: UpdateTestCaseInput!, $feature: String) {
            updateTestCase(input: $input) { ...told }
        }
        mutation B($input: UpdateTestCaseInput!, $feature: String!) {
            updateTestCase(input: $input) { ...told }
        }
        fragment told on TestCasePayload { testCase { message feature { tests(filter: {name: {eq: $feature}}) { totalCount } } } }";
    let request = throughline::graphql::Request::new(document)
        .variables(async_graphql::Variables::from_json(json!({ "input": { "id": test, "message": "n" } })))
        .operation_name("A");
    let answer = client.execute(request).await;
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    let expected = json!({ "message": "n", "feature": { "tests": { "totalCount": 1 } } });
    assert_eq!(body, json!({ "data": { "updateTestCase": { "testCase": expected } } }));
}

async fn a_test_of_a_hidden_feature_is_not_there(backend: Backend) {
    let (client, _, feature) = with_feature(backend).await;
    let test = create(&client, &feature).await;
    let told = client
        .data_with(
            "mutation($f: ID!, $t: ID!) {
                a: deleteFeature(input: {id: $f}) { userErrors { code } }
                b: createTestCase(input: {featureId: $f, name: \"u\"}) { ...told }
                c: updateTestCase(input: {id: $t, status: FAILED}) { ...told }
                d: updateTestCase(input: {id: $t}) { ...told }
                e: deleteTestCase(input: {id: $t}) { ...told }
                f: restoreFeature(input: {id: $f}) { feature { tests { nodes { name rowVersion } } testSummary { total passed } } }
            }
            fragment told on TestCasePayload { testCase { name } userErrors { code message field } }",
            json!({ "f": feature, "t": test }),
        )
        .await;
    insta::assert_json_snapshot!("a_test_of_a_hidden_feature", told);
}
