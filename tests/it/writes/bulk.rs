//! Many items in one command: each object once, and as many statements for a thousand as for one.

use serde_json::{Value, json};

use super::with_feature;
use crate::support::{Backend, Client};

on_both!(
    an_object_stands_once,
    all_mistakes_of_all_items_are_told,
    a_name_that_is_given_up_is_not_free_yet,
    the_number_of_statements_is_fixed
);

async fn an_object_stands_once(backend: Backend) {
    let (client, _, feature) = with_feature(backend).await;
    let told = client
        .data_with(
            "mutation($f: ID!) {
                a: updateFeatures(input: {features: [{id: $f, name: \"G\"}, {id: $f, name: \"H\"}]}) { ...told }
                b: updateFeaturePriorities(input: {features: [{id: $f, priority: 1}, {id: $f, priority: 2}], mode: BEST_EFFORT}) { ...told }
                c: deleteFeatures(input: {features: [{id: $f}, {id: $f}]}) { ...told }
            }
            fragment told on FeaturesPayload {
                results { feature { name priority rowVersion } userErrors { code } } userErrors { code message field } }",
            json!({ "f": feature }),
        )
        .await;
    insta::assert_json_snapshot!("an_object_stands_once", told);
}

async fn all_mistakes_of_all_items_are_told(backend: Backend) {
    let (client, project, _) = with_feature(backend).await;
    let told = client
        .data_with(
            "mutation($p: ID!) { createFeatures(input: {features: [
                {projectId: $p, name: \"F\"}, {projectId: $p, name: \"\"}, {projectId: \"project_01h455vb4pex5vsknk084sn02q\", name: \"G\"}
            ]}) { userErrors { code field } } }",
            json!({ "p": project }),
        )
        .await;
    assert_eq!(
        told["createFeatures"]["userErrors"],
        json!([
            { "code": "NAME_TAKEN", "field": ["input", "features", "0", "name"] },
            { "code": "INVALID_LENGTH", "field": ["input", "features", "1", "name"] },
            { "code": "NOT_FOUND", "field": ["input", "features", "2", "projectId"] },
        ])
    );
}

async fn a_name_that_is_given_up_is_not_free_yet(backend: Backend) {
    let (client, project, f) = with_feature(backend).await;
    let made = client
        .data_with(
            "mutation($p: ID!) { createFeature(input: {projectId: $p, name: \"G\"}) { feature { id } } }",
            json!({ "p": project }),
        )
        .await;
    let told = client
        .data_with(
            "mutation($f: ID!, $g: ID!) { updateFeatures(input: {features: [{id: $f, name: \"G2\"}, {id: $g, name: \"F\"}]}) {
                userErrors { code field } } }",
            json!({ "f": f, "g": made["createFeature"]["feature"]["id"] }),
        )
        .await;
    let error = json!([{ "code": "NAME_TAKEN", "field": ["input", "features", "1", "name"] }]);
    assert_eq!(told["updateFeatures"]["userErrors"], error);
}

async fn count(client: &Client, document: &str, variables: Value) -> usize {
    client.statements.take();
    let told = client.data_with(document, variables).await;
    let told = &told.as_object().unwrap()["done"];
    assert_eq!(told["userErrors"], json!([]));
    client.statements.count()
}

async fn the_number_of_statements_is_fixed(backend: Backend) {
    let (client, project, feature) = with_feature(backend).await;
    let test = "mutation($f: ID!, $n: String!) {
        done: createTestCase(input: {featureId: $f, name: $n}) { userErrors { code } } }";
    let test = count(&client, test, json!({ "f": feature, "n": "t" })).await;
    let features = "mutation($features: [CreateFeatureInput!]!) {
        done: createFeatures(input: {features: $features}) { userErrors { code } } }";
    let many = |first: usize, count: usize| -> Value {
        (first..first + count).map(|number| json!({ "projectId": project, "name": format!("f {number}") })).collect()
    };
    let one = count(&client, features, json!({ "features": many(0, 1) })).await;
    let thousand = count(&client, features, json!({ "features": many(1, 1000) })).await;
    // Both are told events, rows, the read model and the audit at once, and count a feature's tests with another statement. SQLite looks
    // for the feature, which may be hidden, and for the test's name.
    let expected = match backend {
        Backend::Sqlite => (4, 1, 1),
        Backend::Postgres => (2, 1, 1),
    };
    assert_eq!((test, one, thousand), expected);
}
