//! What a payload says of what its command left behind.

use serde_json::{Value, json};

use super::Past;
use crate::support::Backend;

on_both!(a_command_shows_what_it_wrote, a_dry_run_shows_what_it_would_write, many_commands_of_a_request_keep_apart);

const LEFT: &str = "auditLogs { action entityId changes { field before after } } \
                    events { type version changes { name value } } cursor isReplay isDryRun";

async fn a_command_shows_what_it_wrote(backend: Backend) {
    let past = Past::make(backend).await;
    let mutation = format!(
        "mutation($f: ID!) {{ updateFeature(input: {{id: $f, priority: 2}}, idempotencyKey: \"k\") {{ {LEFT} }} }}"
    );
    let mut first = past.data(&mutation).await["updateFeature"].take();
    assert_eq!(
        first["auditLogs"],
        json!([{ "action": "feature.update", "entityId": past.feature,
                 "changes": [{ "field": "priority", "before": 8, "after": 2 }] }])
    );
    assert_eq!(
        first["events"],
        json!([{ "type": "feature.update", "version": 7, "changes": [{ "name": "priority", "value": 2 }] }])
    );
    assert!(first["cursor"].is_string());
    // A replay is the same command, whatever its request.
    let again = past.data(&mutation).await["updateFeature"].take();
    assert_eq!(again["isReplay"], true);
    first["isReplay"] = json!(true);
    assert_eq!(again, first);
    let nothing = past.data(&format!("mutation($f: ID!) {{ updateFeature(input: {{id: $f}}) {{ {LEFT} }} }}")).await;
    assert_eq!(
        nothing["updateFeature"],
        json!({ "auditLogs": [], "events": [], "cursor": null, "isReplay": false, "isDryRun": false })
    );
    let refused = past
        .run("mutation($f: ID!) { updateFeature(input: {id: $f, priority: 1}) { feature { id } events(first: -1) { id } } }")
        .await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "INVALID_ARGUMENT");
}

async fn a_dry_run_shows_what_it_would_write(backend: Backend) {
    let past = Past::make(backend).await;
    let data = past
        .data(&format!("mutation($f: ID!) {{ deleteFeature(input: {{id: $f}}, dryRun: true) {{ {LEFT} }} }}"))
        .await;
    let payload = &data["deleteFeature"];
    assert_eq!(payload["events"], json!([{ "type": "feature.delete", "version": 7, "changes": [] }]));
    assert_eq!(payload["auditLogs"][0]["action"], "feature.delete");
    assert_eq!((&payload["cursor"], &payload["isDryRun"]), (&Value::Null, &json!(true)));
    let data = past.data("query($f: ID!) { feature(id: $f) { history { totalCount } } }").await;
    assert_eq!(data["feature"]["history"]["totalCount"], 6);
}

async fn many_commands_of_a_request_keep_apart(backend: Backend) {
    let past = Past::make(backend).await;
    let items: Vec<Value> = (0..30).map(|n| json!({ "projectId": past.project, "name": format!("n{n}") })).collect();
    let document = "mutation($items: [CreateFeatureInput!]!, $f: ID!) {
        a: createFeatures(input: {features: $items}) { events(first: 1000) { type aggregateId } auditLogs(first: 3) { id } cursor }
        b: updateFeature(input: {id: $f, name: \"b\"}) { events { type } auditLogs { action } cursor } }";
    past.client.statements.take();
    let data = past.client.data_with(document, json!({ "items": items, "f": past.feature })).await;
    assert_eq!(data["a"]["events"].as_array().unwrap().len(), 30);
    assert_eq!(data["a"]["auditLogs"].as_array().unwrap().len(), 3);
    assert_eq!(data["b"]["events"], json!([{ "type": "feature.update" }]));
    assert_eq!(data["b"]["auditLogs"], json!([{ "action": "feature.update" }]));
    assert_ne!(data["a"]["cursor"], data["b"]["cursor"]);
    // Which they are, and then all of them at once: two statements for each list, and one for each place.
    let reads = past.client.statements.take();
    let reads = reads.iter().filter(|sql| sql.starts_with("SELECT") && sql.contains("FROM")).count();
    assert!(reads <= 16, "{reads} statements");
}
