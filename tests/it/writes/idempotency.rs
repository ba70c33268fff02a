//! A command that is sent twice under one key is carried out once.

use serde_json::{Value, json};

use crate::support::{Backend, Client, Tables, TestDatabase};

on_both!(one_key_is_one_command, keys_that_arrive_at_once_are_one_command, a_dry_run_leaves_nothing);

const CREATE: &str = "mutation($p: ID!, $name: String!, $key: String, $dry: Boolean! = false) {
    createFeature(input: {projectId: $p, name: $name}, idempotencyKey: $key, dryRun: $dry) {
        feature { id name } isReplay isDryRun userErrors { code message field } } }";

async fn client(backend: Backend) -> (Client, Value) {
    let client = Client::new(TestDatabase::new(backend).await);
    let data = client.data("mutation { createProject(input: {name: \"P\"}) { project { id } } }").await;
    let project = data["createProject"]["project"]["id"].clone();
    (client, project)
}

async fn one_key_is_one_command(backend: Backend) {
    let (client, project) = client(backend).await;
    let ask = async |name: &str, key: &str| {
        let variables = json!({ "p": project, "name": name, "key": key });
        client.data_with(CREATE, variables).await["createFeature"].take()
    };
    let first = ask("F", "k").await;
    assert_eq!((&first["isReplay"], &first["userErrors"]), (&json!(false), &json!([])));
    let again = ask("F", "k").await;
    assert_eq!((&again["isReplay"], &again["feature"]), (&json!(true), &first["feature"]));
    let other = ask("G", "k").await;
    assert_eq!(
        other["userErrors"],
        json!([{ "code": "IDEMPOTENCY_KEY_REUSED", "field": ["idempotencyKey"],
                 "message": "the key was used for another input; use a new one for each command" }])
    );
    // What was refused was not carried out: the key is free.
    assert_eq!(ask("F", "l").await["userErrors"][0]["code"], "NAME_TAKEN");
    assert_eq!(ask("G", "l").await["isReplay"], json!(false));
    let long = "x".repeat(256);
    assert_eq!(ask("H", &long).await["userErrors"][0]["code"], "INVALID_LENGTH");
    assert_eq!(ask("H", "").await["userErrors"][0]["field"], json!(["idempotencyKey"]));
    // What has been deleted since was made all the same.
    let delete = "mutation($f: ID!) { deleteFeature(input: {id: $f}) { userErrors { code } } }";
    client.data_with(delete, json!({ "f": first["feature"]["id"] })).await;
    let again = ask("F", "k").await;
    assert_eq!((&again["isReplay"], &again["feature"]), (&json!(true), &Value::Null));
}

async fn keys_that_arrive_at_once_are_one_command(backend: Backend) {
    let (client, project) = client(backend).await;
    let asked = (0..16).map(|_| client.data_with(CREATE, json!({ "p": project, "name": "F", "key": "k" })));
    let answers = futures_util::future::join_all(asked).await;
    let payloads: Vec<&Value> = answers.iter().map(|data| &data["createFeature"]).collect();
    assert!(payloads.iter().all(|payload| payload["userErrors"] == json!([])), "{payloads:?}");
    assert!(payloads.iter().all(|payload| payload["feature"] == payloads[0]["feature"]), "{payloads:?}");
    assert_eq!(payloads.iter().filter(|payload| payload["isReplay"] == json!(false)).count(), 1);
    let tables = Tables::read(&client.test.database).await;
    assert_eq!((tables.features.len(), tables.events.len(), tables.audit_logs.len()), (1, 2, 2));
}

async fn a_dry_run_leaves_nothing(backend: Backend) {
    let (client, project) = client(backend).await;
    let before = Tables::read(&client.test.database).await;
    for _ in 0..3 {
        let variables = json!({ "p": project, "name": "F", "key": "k", "dry": true });
        let payload = client.data_with(CREATE, variables).await["createFeature"].take();
        assert_eq!((&payload["isDryRun"], &payload["feature"]["name"]), (&json!(true), &json!("F")));
    }
    let taken = json!({ "p": project, "name": "", "dry": true });
    assert_eq!(client.data_with(CREATE, taken).await["createFeature"]["userErrors"][0]["code"], "INVALID_LENGTH");
    assert_eq!(Tables::read(&client.test.database).await, before);
    // The writer is free at once.
    let payload = client.data_with(CREATE, json!({ "p": project, "name": "F", "key": "k" })).await;
    assert_eq!(payload["createFeature"]["isReplay"], json!(false));
}
