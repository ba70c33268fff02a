//! What can happen to deployments, and what cannot.

use serde_json::{Value, json};

use super::with_feature;
use crate::support::Backend;

on_both!(
    a_deployment_lives,
    mistakes_are_told,
    the_latest_is_the_latest,
    a_deployment_of_a_hidden_feature_is_not_there
);

const CREATE: &str =
    "mutation($f: ID!, $version: String!, $status: DeploymentStatus, $at: DateTime) {
        createDeployment(input: {featureId: $f, environment: \"production\", version: $version, status: $status, deployedAt: $at}) {
            deployment { id environment version status deployedAt rowVersion feature { name deploymentStatus } } userErrors { code } } }";

async fn a_deployment_lives(backend: Backend) {
    let (client, _, feature) = with_feature(backend).await;
    let made = client.data_with(CREATE, json!({ "f": feature, "version": "1" })).await;
    let deployment = &made["createDeployment"]["deployment"];
    assert_eq!(
        *deployment,
        json!({ "id": deployment["id"], "environment": "production", "version": "1", "status": "PENDING", "deployedAt": null,
                "rowVersion": 1, "feature": { "name": "F", "deploymentStatus": "PENDING" } })
    );
    let changed = client
        .data_with(
            "mutation($d: ID!, $f: ID!, $at: DateTime, $absent: DateTime) {
                a: updateDeployment(input: {id: $d, environment: \"e\", version: \"2\", status: SUCCEEDED, deployedAt: \"2026-11-23T10:00:00.1234567+01:00\"}) { ...told }
                b: updateDeployment(input: {id: $d, deployedAt: $absent}) { ...told }
                c: updateDeployment(input: {id: $d, deployedAt: $at, expectedVersion: 2}) { ...told }
                d: updateDeployment(input: {id: $d, deployedAt: null}) { ...told }
                e: updateDeployment(input: {id: $d, status: FAILED, expectedVersion: 2}) { ...told }
                f: createDeployment(input: {featureId: $f, environment: \"e\", version: \"2\", status: SUCCEEDED}) { ...told }
                g: deleteDeployment(input: {id: $d}) { ...told }
                h: deleteDeployment(input: {id: $d}) { ...told }
            }
            fragment told on DeploymentPayload {
                deployment { environment version status deployedAt rowVersion }
                userErrors { code message field conflict { expectedVersion currentVersion changes { version type fields } } }
            }",
            json!({ "d": deployment["id"], "f": feature, "at": "2026-11-24" }),
        )
        .await;
    insta::assert_json_snapshot!("a_deployment_lives", changed);
}

async fn mistakes_are_told(backend: Backend) {
    let (client, _, feature) = with_feature(backend).await;
    let told = client
        .data_with(
            "mutation($f: ID!, $long: String!, $far: DateTime) {
                a: createDeployment(input: {featureId: \"deployment_01h455vb4pex5vsknk084sn02q\", environment: \"\", version: $long, deployedAt: \"yesterday\"}) { ...told }
                b: createDeployment(input: {featureId: $f, environment: \"\\u0000\", version: \"1\", deployedAt: $far}) { ...told }
                c: createDeployment(input: {featureId: \"feature_01h455vb4pex5vsknk084sn02q\", environment: \"e\", version: \"1\"}) { ...told }
                d: updateDeployment(input: {id: $f, environment: null, version: null, status: null, deployedAt: \"\"}) { ...told }
                e: updateDeployment(input: {id: \"deployment_01h455vb4pex5vsknk084sn02q\", version: \"x\"}) { ...told }
                f: deleteDeployment(input: {id: \"deployment_01h455vb4pex5vsknk084sn02q\"}) { ...told }
            }
            fragment told on DeploymentPayload { deployment { version } userErrors { code message field } }",
            json!({ "f": feature, "long": "x".repeat(256), "far": "0000-12-31T00:00:00Z" }),
        )
        .await;
    insta::assert_json_snapshot!("mistakes_with_deployments", told);
}

async fn the_latest_is_the_latest(backend: Backend) {
    let (client, _, feature) = with_feature(backend).await;
    let mut ids = Vec::new();
    for (version, status, at) in
        [("1", "SUCCEEDED", json!("2026-01-01")), ("2", "FAILED", json!("2026-02-01")), ("3", "PENDING", Value::Null)]
    {
        let made =
            client.data_with(CREATE, json!({ "f": feature, "version": version, "status": status, "at": at })).await;
        ids.push(made["createDeployment"]["deployment"]["id"].clone());
    }
    let told = client
        .data_with(
            "mutation($one: ID!, $two: ID!, $three: ID!) {
                a: updateDeployment(input: {id: $one, deployedAt: \"2026-03-01\"}) { ...told }
                b: updateDeployment(input: {id: $one, deployedAt: null}) { ...told }
                c: updateDeployment(input: {id: $two, status: ROLLED_BACK}) { ...told }
                d: updateDeployment(input: {id: $three, deployedAt: \"2026-02-01T00:00:00.000001Z\", status: IN_PROGRESS}) { ...told }
            }
            fragment told on DeploymentPayload {
                deployment { version feature { deploymentStatus latestDeployment { version } deployments(orderBy: [{field: DEPLOYED_AT, direction: DESC}]) { nodes { version } } } }
                userErrors { code }
            }",
            json!({ "one": ids[0], "two": ids[1], "three": ids[2] }),
        )
        .await;
    insta::assert_json_snapshot!("the_latest_deployment", told);
    let mut latest = Vec::new();
    for id in [&ids[2], &ids[1], &ids[0]] {
        client
            .data_with(
                "mutation($d: ID!) { deleteDeployment(input: {id: $d}) { userErrors { code } } }",
                json!({ "d": id }),
            )
            .await;
        let read = client.data("{ features { nodes { deploymentStatus latestDeployment { version } } } }").await;
        latest.push(read["features"]["nodes"][0].clone());
    }
    assert_eq!(
        Value::from(latest),
        json!([
            { "deploymentStatus": "ROLLED_BACK", "latestDeployment": { "version": "2" } },
            { "deploymentStatus": "SUCCEEDED", "latestDeployment": { "version": "1" } },
            { "deploymentStatus": null, "latestDeployment": null },
        ])
    );
}

async fn a_deployment_of_a_hidden_feature_is_not_there(backend: Backend) {
    let (client, _, feature) = with_feature(backend).await;
    let made = client.data_with(CREATE, json!({ "f": feature, "version": "1" })).await;
    let told = client
        .data_with(
            "mutation($f: ID!, $d: ID!) {
                a: deleteFeature(input: {id: $f}) { userErrors { code } }
                b: createDeployment(input: {featureId: $f, environment: \"e\", version: \"1\"}) { ...told }
                c: updateDeployment(input: {id: $d, status: FAILED}) { ...told }
                d: deleteDeployment(input: {id: $d}) { ...told }
            }
            fragment told on DeploymentPayload { deployment { version } userErrors { code message field } }",
            json!({ "f": feature, "d": made["createDeployment"]["deployment"]["id"] }),
        )
        .await;
    insta::assert_json_snapshot!("a_deployment_of_a_hidden_feature", told);
}
