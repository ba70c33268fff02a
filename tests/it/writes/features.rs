//! What can happen to features, and what cannot.

use serde_json::{Value, json};

use crate::support::{Backend, Client, TestDatabase};

on_both!(
    fields_come_in_the_order_of_the_document,
    a_feature_lives_and_is_restored,
    mistakes_are_all_told,
    many_features_are_made,
    a_stale_version_is_told,
    a_version_that_never_was_is_a_conflict
);

async fn client(backend: Backend) -> (Client, Value) {
    let client = Client::new(TestDatabase::new(backend).await);
    let data =
        client.data("mutation { createProject(input: {name: \"P\"}) { project { id } userErrors { code } } }").await;
    let project = data["createProject"]["project"]["id"].clone();
    (client, project)
}

async fn a_feature_lives_and_is_restored(backend: Backend) {
    let (client, project) = client(backend).await;
    let created = client
        .data_with(
            "mutation($p: ID!) { createFeature(input: {projectId: $p, name: \"F\"}) {
                feature { id name priority status rowVersion project { name featureCount } testSummary { total } }
                userErrors { code message field } isReplay isDryRun } }",
            json!({ "p": project }),
        )
        .await;
    let feature = &created["createFeature"]["feature"];
    assert_eq!(created["createFeature"]["userErrors"], json!([]));
    assert_eq!(
        *feature,
        json!({ "id": feature["id"], "name": "F", "priority": 5, "status": "NOT_STARTED", "rowVersion": 1,
                "project": { "name": "P", "featureCount": 1 }, "testSummary": { "total": 0 } })
    );
    let changed = client
        .data_with(
            "mutation($f: ID!) {
                a: updateFeature(input: {id: $f, name: \"G\", description: \"d\"}) { feature { name description rowVersion } }
                b: updateFeature(input: {id: $f, description: null}) { feature { name description rowVersion } }
                c: updateFeature(input: {id: $f}) { feature { name rowVersion } }
                d: changeFeatureStatus(input: {id: $f, status: IN_PROGRESS}) { feature { status rowVersion } }
                e: changeFeatureStatus(input: {id: $f, status: COMPLETED}) { feature { status } }
                f: changeFeatureStatus(input: {id: $f, status: CANCELLED}) { feature { status } userErrors { code message field } }
                g: deleteFeature(input: {id: $f}) { feature { id } userErrors { code } }
                h: updateFeature(input: {id: $f, name: \"H\"}) { feature { id } userErrors { code message field } }
                i: createFeature(input: {projectId: \"project_01h455vb4pex5vsknk084sn02q\", name: \"G\"}) { userErrors { code field } }
                j: restoreFeature(input: {id: $f}) { feature { name rowVersion } userErrors { code } }
                k: restoreFeature(input: {id: $f}) { feature { name } userErrors { code } }
            }",
            json!({ "f": feature["id"] }),
        )
        .await;
    insta::assert_json_snapshot!("a_feature_lives", changed);
}

async fn mistakes_are_all_told(backend: Backend) {
    let (client, project) = client(backend).await;
    let long = "x".repeat(256);
    let told = client
        .data_with(
            "mutation($p: ID!, $long: String!) {
                a: createFeature(input: {projectId: \"nonsense\", name: \"\", priority: 14}) { feature { id } userErrors { code message field } }
                b: createFeature(input: {projectId: $p, name: $long, description: \"a\\u0000\"}) { userErrors { code message field } }
                c: createFeature(input: {projectId: $p, name: \"F\"}) { userErrors { code message field } }
                d: createFeature(input: {projectId: $p, name: \"F\"}) { userErrors { code message field } }
                e: updateFeature(input: {id: \"feature_01h455vb4pex5vsknk084sn02q\", name: null}) { userErrors { code message field } }
                f: updateFeature(input: {id: \"feature_01h455vb4pex5vsknk084sn02q\"}) { userErrors { code message field } }
            }",
            json!({ "p": project, "long": long }),
        )
        .await;
    insta::assert_json_snapshot!("mistakes", told);
}

async fn many_features_are_made(backend: Backend) {
    let (client, project) = client(backend).await;
    let names = ["a", "b", "", "a"];
    let items: Vec<Value> = names.iter().map(|name| json!({ "projectId": project, "name": name })).collect();
    let document = "mutation($items: [CreateFeatureInput!]!, $mode: BulkMode!) {
        createFeatures(input: {features: $items, mode: $mode}) {
            results { feature { name rowVersion } userErrors { code field } } userErrors { code field } } }";
    let atomic = client.data_with(document, json!({ "items": items, "mode": "ATOMIC" })).await;
    insta::assert_json_snapshot!("many_atomic", atomic);
    let count = client.data("{ features { totalCount } }").await;
    assert_eq!(count["features"]["totalCount"], 0);
    let best = client.data_with(document, json!({ "items": items, "mode": "BEST_EFFORT" })).await;
    insta::assert_json_snapshot!("many_best_effort", best);
    let count = client.data("{ features { totalCount } }").await;
    assert_eq!(count["features"]["totalCount"], 2);
}

async fn a_stale_version_is_told(backend: Backend) {
    let (client, project) = client(backend).await;
    let created = client
        .data_with(
            "mutation($p: ID!) { createFeature(input: {projectId: $p, name: \"F\"}) { feature { id } } }",
            json!({ "p": project }),
        )
        .await;
    let id = &created["createFeature"]["feature"]["id"];
    let told = client
        .data_with(
            "mutation($f: ID!) {
                a: updateFeature(input: {id: $f, expectedVersion: 1, priority: 9}) { feature { rowVersion } }
                b: updateFeature(input: {id: $f, expectedVersion: 1, priority: 10}) { feature { rowVersion priority }
                    userErrors { code message field conflict { expectedVersion currentVersion changes { version type fields actorId actorKind } } } }
                c: deleteFeature(input: {id: $f, expectedVersion: 1}) { feature { rowVersion } userErrors { code } }
            }",
            json!({ "f": id }),
        )
        .await;
    insta::assert_json_snapshot!("a_stale_version", told);
}

async fn fields_come_in_the_order_of_the_document(backend: Backend) {
    let (client, project) = client(backend).await;
    let document = "mutation($p: ID!) {
        z: createFeature(input: {projectId: $p, name: \"F\"}) {
            isReplay feature { ...names rowVersion id: __typename } __typename ...errors isDryRun }
        a: createFeature(input: {projectId: $p, name: \"F\"}) { ...errors feature { name } userErrors { message code } } }
        fragment names on Feature { status name }
        fragment errors on FeaturePayload { userErrors { code field } }";
    let answer = client.answer(document, json!({ "p": project })).await;
    let expected = concat!(
        r#"{"data":{"z":{"isReplay":false,"feature":{"status":"NOT_STARTED","name":"F","rowVersion":1,"id":"Feature"},"#,
        r#""__typename":"FeaturePayload","userErrors":[],"isDryRun":false},"#,
        r#""a":{"userErrors":[{"code":"NAME_TAKEN","field":["input","name"],"#,
        r#""message":"another feature of the project has this name"}],"feature":null}}}"#,
    );
    assert_eq!(String::from_utf8(answer.body).unwrap(), expected);
}

async fn a_version_that_never_was_is_a_conflict(backend: Backend) {
    let (client, project) = client(backend).await;
    let creation = "mutation($p: ID!) { createFeature(input: {projectId: $p, name: \"F\"}) { feature { id } } }";
    let made = client.data_with(creation, json!({ "p": project })).await;
    let feature = &made["createFeature"]["feature"]["id"];
    let change = "mutation($p: ID!, $f: ID!, $v: Int!) {
        a: updateProject(input: {id: $p, name: \"Q\", expectedVersion: $v}) { userErrors { code field } }
        b: updateFeature(input: {id: $f, name: \"G\", expectedVersion: $v}) { userErrors { code field } }
        c: updateFeatures(input: {features: [{id: $f, name: \"G\", expectedVersion: $v}]}) { results { version } }
        d: deleteProject(input: {id: $p, expectedVersion: $v}) { userErrors { code field } } }";
    for version in [i32::MAX, i32::MIN, 0, 2] {
        let told = client.data_with(change, json!({ "p": project, "f": feature, "v": version })).await;
        let conflict = json!({ "userErrors": [{ "code": "VERSION_CONFLICT", "field": ["input", "expectedVersion"] }] });
        assert_eq!((&told["a"], &told["b"], &told["d"]), (&conflict, &conflict, &conflict), "{version}: {told}");
        assert_eq!(told["c"], json!({ "results": [{ "version": null }] }), "{version}");
    }
}
