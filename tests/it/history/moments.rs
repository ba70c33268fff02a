//! States and differences of a past that no row holds any more.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Past;
use crate::support::Backend;

on_both!(
    every_version_is_known,
    every_time_is_known,
    versions_are_compared,
    mistakes_are_told,
    a_long_stream_is_read_from_its_snapshots,
    what_is_gone_was_there,
);

const STATE: &str = "rowVersion name description priority status projectId isDeleted createdAt updatedAt";

async fn every_version_is_known(backend: Backend) {
    let past = Past::make(backend).await;
    let data = past
        .data(&format!(
            "query($f: ID!) {{
                none: featureAsOf(id: $f, version: 0) {{ id }}
                a: featureAsOf(id: $f, version: 1) {{ __typename id ...s }}
                b: featureAsOf(id: $f, version: 2) {{ ...s }}
                e: featureAsOf(id: $f, version: 5) {{ ...s }}
                f: featureAsOf(id: $f, version: 6) {{ ...s }}
                later: featureAsOf(id: $f, version: 7) {{ id }} }}
            fragment s on FeatureState {{ {STATE} }}"
        ))
        .await;
    let a = &data["a"];
    assert_eq!((&data["none"], &data["later"]), (&Value::Null, &Value::Null));
    assert_eq!((&a["__typename"], &a["id"], &a["projectId"]), (&json!("FeatureState"), &past.feature, &past.project));
    let told = |state: &Value| {
        let names = ["rowVersion", "name", "description", "priority", "status", "isDeleted"];
        names.map(|name| state[name].clone())
    };
    assert_eq!(json!(told(a)), json!([1, "F", null, 3, "NOT_STARTED", false]));
    assert_eq!(json!(told(&data["b"])), json!([2, "G", "d", 3, "NOT_STARTED", false]));
    assert_eq!(json!(told(&data["e"])), json!([5, "G", null, 8, "IN_PROGRESS", true]));
    assert_eq!(json!(told(&data["f"])), json!([6, "G", null, 8, "IN_PROGRESS", false]));
    // The latest state is what the row says.
    let row = "query($f: ID!) { feature(id: $f) { rowVersion name description priority status createdAt updatedAt } }";
    let row = past.data(row).await;
    for (name, value) in row["feature"].as_object().unwrap() {
        assert_eq!(data["f"][name], *value, "{name}");
    }
}

async fn every_time_is_known(backend: Backend) {
    let past = Past::make(backend).await;
    let events = past.data("query($f: ID!) { feature(id: $f) { history { nodes { version createdAt } } } }").await;
    // Events of one moment count together.
    let mut last = BTreeMap::new();
    for event in events["feature"]["history"]["nodes"].as_array().unwrap() {
        last.insert(event["createdAt"].as_str().unwrap().to_owned(), event["version"].clone());
    }
    let document = "query($f: ID!, $at: DateTime) { featureAsOf(id: $f, at: $at) { rowVersion } }";
    for (at, version) in &last {
        let data = past.client.data_with(document, json!({ "f": past.feature, "at": at })).await;
        assert_eq!(data["featureAsOf"]["rowVersion"], *version, "{at}");
    }
    for (at, expected) in [("2020-01-01T00:00:00Z", Value::Null), ("9999-01-01T00:00:00Z", json!({ "rowVersion": 6 }))]
    {
        let data = past.client.data_with(document, json!({ "f": past.feature, "at": at })).await;
        assert_eq!(data["featureAsOf"], expected);
    }
}

async fn versions_are_compared(backend: Backend) {
    let past = Past::make(backend).await;
    let data = past
        .data(
            "query($f: ID!) {
                a: featureDiff(id: $f, from: 1, to: 4) { __typename field before after }
                b: featureDiff(id: $f, from: 4, to: 1) { field was: before }
                c: featureDiff(id: $f, from: 4, to: 4) { field }
                d: featureDiff(id: $f, from: 0, to: 1) { field after } }",
        )
        .await;
    assert_eq!(
        data["a"],
        json!([
            { "__typename": "FieldChange", "field": "name", "before": "F", "after": "G" },
            { "__typename": "FieldChange", "field": "priority", "before": 3, "after": 8 },
            { "__typename": "FieldChange", "field": "status", "before": "NOT_STARTED", "after": "IN_PROGRESS" },
        ])
    );
    assert_eq!(data["b"][0], json!({ "field": "name", "was": "G" }));
    assert_eq!(data["c"], json!([]));
    assert_eq!(data["d"].as_array().unwrap().len(), 4);
}

async fn mistakes_are_told(backend: Backend) {
    let past = Past::make(backend).await;
    let body = past
        .run(
            "query($f: ID!, $p: ID!) {
                a: featureAsOf(id: $f) { id }
                b: featureAsOf(id: $f, version: 1, at: \"2026-01-01T00:00:00Z\") { id }
                c: featureAsOf(id: $p, version: 1) { id }
                d: featureAsOf(id: \"feature_01h455vb4pex5vsknk084sn02q\", version: 1) { id }
                e: featureAsOf(id: $f, at: \"yesterday\") { id } }",
        )
        .await;
    assert_eq!(body["data"], json!({ "a": null, "b": null, "c": null, "d": null, "e": null }));
    let told: Vec<_> =
        body["errors"].as_array().unwrap().iter().map(|error| (&error["path"], &error["extensions"]["code"])).collect();
    assert_eq!(
        json!(told),
        json!([
            [["a"], "INVALID_ARGUMENT"],
            [["b"], "INVALID_ARGUMENT"],
            [["c"], "INVALID_ID"],
            [["e"], "INVALID_ARGUMENT"]
        ])
    );
    let body = past.run("query($f: ID!) { featureDiff(id: $f, from: 1, to: 7) { field } }").await;
    assert_eq!(body["errors"][0]["message"], "to must be a version that there was, 0 to 6, is 7");
    let many: Vec<_> = (0..21).map(|n| format!("a{n}: featureAsOf(id: $f, version: {n}) {{ id }}")).collect();
    let body = past.run(&format!("query($f: ID!) {{ {} }}", many.join(" "))).await;
    assert_eq!(body["errors"][0]["message"], "the operation has more than 20 fields that are computed one by one");
}

async fn a_long_stream_is_read_from_its_snapshots(backend: Backend) {
    let past = Past::make(backend).await;
    let change = |version: i32| {
        format!("v{version}: updateFeature(input: {{id: $f, name: \"n{version}\"}}) {{ feature {{ id }} }}")
    };
    let changes: Vec<_> = (7..=450).map(change).collect();
    past.data(&format!("mutation($f: ID!) {{ {} }}", changes.join(" "))).await;
    let history =
        past.data("query($f: ID!) { feature(id: $f) { history(first: 1000) { nodes { version createdAt } } } }").await;
    let history = history["feature"]["history"]["nodes"].as_array().unwrap().clone();
    for version in [7, 99, 100, 101, 199, 200, 250, 449, 450] {
        past.client.statements.take();
        let data = past
            .client
            .data_with(
                "query($f: ID!, $v: Int!, $at: DateTime!) {
                    a: featureAsOf(id: $f, version: $v) { rowVersion name }
                    b: featureAsOf(id: $f, at: $at) { rowVersion name } }",
                json!({ "f": past.feature, "v": version, "at": history[version - 1]["createdAt"] }),
            )
            .await;
        let expected = json!({ "rowVersion": version, "name": format!("n{version}") });
        assert_eq!((&data["a"], &data["b"]), (&expected, &expected));
        assert_eq!(past.client.statements.count(), 5);
    }
    let rows = crate::support::Rows::of(&past.client.test.database);
    assert_eq!(rows.count("SELECT count(*) FROM event_snapshots").await, 4);
}

async fn what_is_gone_was_there(backend: Backend) {
    let past = Past::make(backend).await;
    past.data("mutation($p: ID!) { deleteProject(input: {id: $p}) { userErrors { code } } }").await;
    let data = past
        .data(
            "query($f: ID!, $p: ID!) {
                a: featureAsOf(id: $f, version: 6) { name }
                b: featureAsOf(id: $f, version: 7) { name }
                c: projectAsOf(id: $p, version: 1) { name isDeleted }
                d: projectDiff(id: $p, from: 1, to: 2) { field before after } }",
        )
        .await;
    assert_eq!(
        data,
        json!({ "a": { "name": "G" }, "b": null, "c": { "name": "P", "isDeleted": false },
                "d": [{ "field": "name", "before": "P", "after": null }] })
    );
}
