//! What CI jobs send: results of tests, known and new.

use serde_json::{Value, json};

use super::with_feature;
use crate::support::{Backend, Client, Tables};

on_both!(
    results_make_change_and_leave_tests,
    mistakes_are_told_per_result,
    the_good_results_are_recorded,
    the_number_of_statements_is_fixed,
    ten_thousand_results_are_recorded
);

const RECORD: &str = "mutation($results: [TestRunInput!]!, $mode: BulkMode, $key: String, $dry: Boolean) {
    recordTestRuns(input: {results: $results, mode: $mode}, idempotencyKey: $key, dryRun: $dry) {
        results { testCase { name status durationMs message rowVersion feature { testSummary { total passed failed pending skipped } } }
            userErrors { code message field } }
        created updated unchanged userErrors { code message field } isReplay isDryRun } }";

const COUNTS: &str = "mutation($results: [TestRunInput!]!) {
    recordTestRuns(input: {results: $results}) { created updated unchanged userErrors { code message field } } }";

async fn record(client: &Client, results: Value) -> Value {
    let mut recorded = client.data_with(RECORD, json!({ "results": results })).await;
    recorded["recordTestRuns"].take()
}

fn result(feature: &Value, name: &str, status: &str) -> Value {
    json!({ "featureId": feature, "name": name, "status": status })
}

fn many(feature: &Value, count: usize, status: &str) -> Value {
    (0..count).map(|number| result(feature, &format!("test {number}"), status)).collect()
}

async fn results_make_change_and_leave_tests(backend: Backend) {
    let (client, _, feature) = with_feature(backend).await;
    let first = json!([
        { "featureId": feature, "name": "a", "status": "PASSED", "durationMs": 5 },
        { "featureId": feature, "name": "b", "status": "FAILED", "durationMs": 6, "message": "no" },
    ]);
    let first = record(&client, first).await;
    let second = json!([
        { "featureId": feature, "name": "c", "status": "SKIPPED" },
        { "featureId": feature, "name": "a", "status": "PASSED", "durationMs": 5 },
        { "featureId": feature, "name": "b", "status": "PASSED" },
    ]);
    let variables = json!({ "results": second, "dry": true });
    let tried = client.data_with(RECORD, variables).await;
    let variables = json!({ "results": second, "key": "job 1" });
    let recorded = client.data_with(RECORD, variables.clone()).await;
    let again = client.data_with(RECORD, variables).await;
    insta::assert_json_snapshot!(
        "results_make_change_and_leave_tests",
        json!({ "first": first, "tried": tried, "recorded": recorded, "again": again })
    );
    let read = client.data("{ features { nodes { testSummary { total passed failed skipped } } } }").await;
    let summary = json!({ "total": 3, "passed": 2, "failed": 0, "skipped": 1 });
    assert_eq!(read["features"]["nodes"][0]["testSummary"], summary);
    Tables::read(&client.test.database).await.assert_tell_one_story_of_events();
}

async fn mistakes_are_told_per_result(backend: Backend) {
    let (client, _, feature) = with_feature(backend).await;
    let told = record(
        &client,
        json!([
            result(&feature, "a", "PASSED"),
            result(&feature, "", "PASSED"),
            { "featureId": feature, "name": "b", "status": "PASSED", "durationMs": -1, "message": "\0" },
            result(&feature, "a", "FAILED"),
            result(&json!("feature_01h455vb4pex5vsknk084sn02q"), "a", "PASSED"),
            result(&json!("nonsense"), "a", "PASSED"),
        ]),
    )
    .await;
    insta::assert_json_snapshot!("mistakes_per_result", told);
    let too_many = client.data_with(COUNTS, json!({ "results": many(&feature, 10_001, "PASSED") })).await;
    let error = json!([{ "code": "TOO_MANY", "field": ["input", "results"],
        "message": "has 10001 items; a command may have 10000" }]);
    assert_eq!(too_many["recordTestRuns"]["userErrors"], error);
    let read = client.data("{ features { nodes { testSummary { total } } } }").await;
    assert_eq!(read["features"]["nodes"][0]["testSummary"]["total"], 0);
}

async fn the_good_results_are_recorded(backend: Backend) {
    let (client, _, feature) = with_feature(backend).await;
    let results =
        json!([result(&feature, "a", "PASSED"), result(&feature, "a", "FAILED"), result(&feature, "b", "SKIPPED")]);
    let recorded = client.data_with(RECORD, json!({ "results": results, "mode": "BEST_EFFORT" })).await;
    insta::assert_json_snapshot!("the_good_results", recorded);
    // Nothing would be written that a constraint could refuse.
    client
        .data_with("mutation($f: ID!) { deleteFeature(input: {id: $f}) { isReplay } }", json!({ "f": feature }))
        .await;
    let hidden = record(&client, json!([result(&feature, "a", "PASSED")])).await;
    let error = json!([{ "code": "NOT_FOUND", "field": ["input", "results", "0", "featureId"],
        "message": "there is no such feature" }]);
    assert_eq!(hidden["userErrors"], error);
}

async fn the_number_of_statements_is_fixed(backend: Backend) {
    let (client, _, feature) = with_feature(backend).await;
    let mut counts = Vec::new();
    for (count, status) in [(1, "PASSED"), (1000, "FAILED"), (1, "SKIPPED"), (1000, "PENDING")] {
        client.statements.take();
        let recorded = client.data_with(COUNTS, json!({ "results": many(&feature, count, status) })).await;
        counts.push(client.statements.count());
        assert_eq!(recorded["recordTestRuns"]["userErrors"], json!([]));
    }
    // The features and the tests; then the events, the new rows or the changed ones or both and the audit; and the read model.
    assert_eq!(counts, [4; 4]);
}

async fn ten_thousand_results_are_recorded(backend: Backend) {
    let (client, _, feature) = with_feature(backend).await;
    for (status, expected) in [("PASSED", [10_000, 0, 0]), ("PASSED", [0, 0, 10_000]), ("FAILED", [0, 10_000, 0])] {
        let results = many(&feature, 10_000, status);
        let began = std::time::Instant::now();
        let recorded = client.data_with(COUNTS, json!({ "results": results })).await;
        eprintln!("{backend:?}: 10,000 results {status}: {:?}", began.elapsed());
        let [created, updated, unchanged] = expected;
        assert_eq!(
            recorded["recordTestRuns"],
            json!({ "created": created, "updated": updated, "unchanged": unchanged, "userErrors": [] })
        );
    }
    let read = client.data("{ features { nodes { testSummary { total failed } } } }").await;
    assert_eq!(read["features"]["nodes"][0]["testSummary"], json!({ "total": 10_000, "failed": 10_000 }));
    Tables::read(&client.test.database).await.assert_tell_one_story_of_events();
}
