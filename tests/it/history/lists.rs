//! The audit and the events as lists.

use serde_json::{Value, json};

use super::Past;
use crate::support::Backend;

on_both!(
    all_that_happened_is_listed,
    histories_are_paged_by_version,
    what_is_deleted_leaves_its_history,
    only_what_fits_is_listed,
    a_level_takes_one_statement,
);

/// What is different in every run, by a name that says only that it is there.
fn without_ids(mut value: Value, past: &Past) -> Value {
    fn walk(value: &mut Value, known: &[(&Value, &str)]) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    if ["id", "createdAt"].contains(&name.as_str()) {
                        *value = json!(format!("some {name}"));
                    }
                    walk(value, known);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| walk(item, known)),
            value => {
                if let Some((_, name)) = known.iter().find(|(id, _)| *id == value) {
                    *value = json!(name);
                }
            }
        }
    }
    walk(&mut value, &[(&past.feature, "the feature"), (&past.project, "the project")]);
    value
}

async fn all_that_happened_is_listed(backend: Backend) {
    let past = Past::make(backend).await;
    let data = past
        .data(
            "query($f: ID!) { feature(id: $f) {
                history { totalCount nodes {
                    __typename id type aggregateId version actorId actorKind requestId createdAt
                    changes { __typename name value } } }
                auditLogs { totalCount nodes {
                    id actorId actorKind onBehalfOf runId action entityType entityId requestId createdAt
                    changes { after field was: before } } } } }",
        )
        .await;
    insta::assert_json_snapshot!("all_that_happened", without_ids(data, &past));
}

async fn histories_are_paged_by_version(backend: Backend) {
    let past = Past::make(backend).await;
    let page = "query($f: ID!, $c: String) { feature(id: $f) {
        history(first: 4, after: $c) { nodes { version } pageInfo { hasNextPage endCursor } } } }";
    let first = past.data(page).await;
    let first = &first["feature"]["history"];
    assert_eq!(first["nodes"], json!([{ "version": 1 }, { "version": 2 }, { "version": 3 }, { "version": 4 }]));
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let next = past.client.data_with(page, json!({ "f": past.feature, "c": first["pageInfo"]["endCursor"] })).await;
    let next = &next["feature"]["history"];
    assert_eq!(next["nodes"], json!([{ "version": 5 }, { "version": 6 }]));
    assert_eq!(next["pageInfo"]["hasNextPage"], false);
    let latest = past
        .data(
            "query($f: ID!) { feature(id: $f) {
                a: history(first: 2, orderBy: {field: VERSION, direction: DESC}) { nodes { version } }
                b: history(first: 2, orderBy: {field: CREATED_AT, direction: DESC}) { nodes { version } }
                c: auditLogs(first: 2, orderBy: [{field: CREATED_AT, direction: DESC}]) { nodes { action } } } }",
        )
        .await;
    let expected = json!({ "nodes": [{ "version": 6 }, { "version": 5 }] });
    assert_eq!((&latest["feature"]["a"], &latest["feature"]["b"]), (&expected, &expected));
    assert_eq!(
        latest["feature"]["c"]["nodes"],
        json!([{ "action": "feature.restore" }, { "action": "feature.delete" }])
    );
}

async fn what_is_deleted_leaves_its_history(backend: Backend) {
    let past = Past::make(backend).await;
    let data = past.data("mutation($p: ID!) { deleteProject(input: {id: $p}) { userErrors { code } } }").await;
    assert_eq!(data["deleteProject"]["userErrors"], json!([]));
    let data = past
        .data(
            "query($f: ID!, $p: ID!) {
                feature(id: $f) { id }
                project(id: $p) { id }
                ofFeature: events(filter: {aggregateId: {eq: $f}}, orderBy: {field: VERSION, direction: DESC}, first: 2) {
                    nodes { type version aggregateId } }
                ofProject: auditLogs(filter: {entityId: {in: [$p]}}) { nodes { action entityId changes { field before after } } }
                both: auditLogs(filter: {entityId: {in: [$p, $f]}}) { totalCount } }",
        )
        .await;
    insta::assert_json_snapshot!("what_is_deleted", without_ids(data, &past));
}

async fn only_what_fits_is_listed(backend: Backend) {
    let past = Past::make(backend).await;
    let data = past
        .data(
            "{
                a: events(filter: {type: {startsWith: \"project.\"}}) { totalCount }
                b: events(filter: {actorKind: {eq: AGENT}}) { totalCount }
                c: auditLogs(filter: {actorId: {eq: \"local-owner\"}, entityType: {eq: \"feature\"}}) { totalCount }
                d: features(filter: {history: {some: {type: {eq: \"feature.restore\"}}}}) { nodes { id } }
                e: auditLogs(filter: {requestId: {eq: \"request-1\"}}, first: 1) { nodes { id } } }",
        )
        .await;
    assert_eq!(
        (&data["a"], &data["b"], &data["c"]),
        (&json!({ "totalCount": 1 }), &json!({ "totalCount": 0 }), &json!({ "totalCount": 6 }))
    );
    assert_eq!(data["d"]["nodes"], json!([{ "id": past.feature }]));
    let id = &data["e"]["nodes"][0]["id"];
    let node = past.client.data_with("query($n: ID!) { node(id: $n) { __typename id } }", json!({ "n": id })).await;
    assert_eq!(node["node"], json!({ "__typename": "AuditLog", "id": id }));
    let refused = past
        .client
        .error(
            "{ events(filter: {aggregateId: {eq: \"event_01h455vb4pex5vsknk084sn02q\"}}) { totalCount } }",
            json!({}),
        )
        .await;
    assert_eq!(refused["extensions"]["code"], "INVALID_ID");
    let refused = past.client.error("{ events(filter: {changes: {}}) { totalCount } }", json!({})).await;
    assert_eq!(refused["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
}

async fn a_level_takes_one_statement(backend: Backend) {
    let past = Past::make(backend).await;
    past.client.statements.take();
    past.data("{ features { nodes { name history(first: 2) { nodes { version changes { name } } } auditLogs { nodes { action } } } } }").await;
    assert_eq!(past.client.statements.count(), 3);
}
