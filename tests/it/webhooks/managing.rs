//! What clients can say of webhooks, and who sees what of them.

use serde_json::{Value, json};

use super::World;
use super::receiver::SECRET;
use crate::support::{Backend, Client, TestDatabase, query_texts};

on_both!(
    a_webhook_lives,
    mistakes_are_told,
    addresses_and_keys_are_stored_encrypted,
    without_a_key_there_is_no_webhook,
    a_project_takes_its_webhooks_along,
);

async fn a_webhook_lives(backend: Backend) {
    let world = World::new(backend).await;
    let read = "query($id: ID!, $p: ID!) { webhook(id: $id) { url secret types status rowVersion project { id } history { nodes { type changes { name value } } } } \
                webhooks { nodes { id } } project(id: $p) { webhooks { totalCount nodes { id } } } node(id: $id) { __typename } }";
    let variables = json!({ "id": world.webhook, "p": world.project });
    let data = world.client.data_with(read, variables.clone()).await;
    let webhook = &data["webhook"];
    assert_eq!((&webhook["url"], &webhook["secret"]), (&json!(world.receiver.url), &json!(SECRET)));
    assert_eq!((&webhook["types"], &webhook["status"]), (&Value::Null, &json!("ACTIVE")));
    assert_eq!(data["project"]["webhooks"], json!({ "totalCount": 1, "nodes": [{ "id": world.webhook }] }));
    assert_eq!(data["webhooks"]["nodes"], json!([{ "id": world.webhook }]));
    assert_eq!(data["node"]["__typename"], "Webhook");
    let changes = &webhook["history"]["nodes"][0]["changes"];
    assert!(!changes.to_string().contains("127.0.0.1") && changes.to_string().contains("[secret]"), "{changes}");

    let update = "mutation($input: UpdateWebhookInput!) { updateWebhook(input: $input) { webhook { url types rowVersion } userErrors { code } \
                  auditLogs { changes { field before after } } } }";
    let input =
        json!({ "id": world.webhook, "url": "https://example.org/x?key=1", "types": ["feature", "deployment.create"] });
    let payload = world.client.data_with(update, json!({ "input": input })).await["updateWebhook"].take();
    let expected =
        json!({ "url": "https://example.org/x?key=1", "types": ["deployment.create", "feature"], "rowVersion": 2 });
    assert_eq!(payload["webhook"], expected);
    assert!(!payload["auditLogs"].to_string().contains("example.org"), "{payload}");
    // The same again changes nothing: a secret that is encrypted anew is the same secret.
    let payload = world.client.data_with(update, json!({ "input": input })).await["updateWebhook"].take();
    assert_eq!(payload["webhook"]["rowVersion"], 2);
    let input = json!({ "id": world.webhook, "types": null, "expectedVersion": 2 });
    let payload = world.client.data_with(update, json!({ "input": input })).await["updateWebhook"].take();
    assert_eq!((&payload["webhook"]["types"], &payload["webhook"]["rowVersion"]), (&Value::Null, &json!(3)));
    let payload = world.client.data_with(update, json!({ "input": input })).await["updateWebhook"].take();
    assert_eq!(payload["userErrors"][0]["code"], "VERSION_CONFLICT");

    world.command("pauseWebhook").await;
    world.command("pauseWebhook").await;
    let data = world.client.data_with(read, variables.clone()).await;
    assert_eq!((&data["webhook"]["status"], &data["webhook"]["rowVersion"]), (&json!("PAUSED"), &json!(4)));
    world.command("resumeWebhook").await;
    world.command("deleteWebhook").await;
    let data = world.client.data_with(read, variables).await;
    assert_eq!((&data["webhook"], &data["webhooks"]["nodes"]), (&Value::Null, &json!([])));
}

async fn mistakes_are_told(backend: Backend) {
    let world = World::new(backend).await;
    let make = "mutation($input: CreateWebhookInput!) { createWebhook(input: $input) { webhook { id } userErrors { code field message } } }";
    for (input, code, field) in [
        (json!({ "url": "example.org" }), "INVALID_VALUE", "url"),
        (json!({ "url": "" }), "INVALID_LENGTH", "url"),
        (json!({ "url": "ftp://example.org/" }), "INVALID_VALUE", "url"),
        (json!({ "url": "https://ada:hush@example.org/" }), "INVALID_VALUE", "url"),
        (json!({ "url": format!("https://example.org/{}", "x".repeat(2000)) }), "INVALID_LENGTH", "url"),
        (json!({ "types": [] }), "INVALID_VALUE", "types"),
        (json!({ "types": ["feature", "nonsense"] }), "INVALID_VALUE", "types"),
        (json!({ "secret": "hush" }), "INVALID_VALUE", "secret"),
        (json!({ "projectId": world.webhook }), "INVALID_ID", "projectId"),
        (json!({ "projectId": "project_00000000000000000000000000" }), "NOT_FOUND", "projectId"),
    ] {
        let mut whole = json!({ "projectId": world.project, "url": "https://example.org/" });
        whole.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
        let payload = world.client.data_with(make, json!({ "input": whole })).await["createWebhook"].take();
        let error = &payload["userErrors"][0];
        assert_eq!((&error["code"], &error["field"]), (&json!(code), &json!(["input", field])), "{input}: {payload}");
        assert!(!error["message"].as_str().unwrap().contains("hush"), "{error}");
        assert_eq!(payload["webhook"], Value::Null);
    }
    // A key of the server's own making is one.
    let input = json!({ "projectId": world.project, "url": "https://example.org/" });
    let make = "mutation($input: CreateWebhookInput!) { createWebhook(input: $input, idempotencyKey: \"k\") { isReplay webhook { id secret } userErrors { code } } }";
    let first = world.client.data_with(make, json!({ "input": input })).await["createWebhook"].take();
    assert!(first["webhook"]["secret"].as_str().unwrap().starts_with("whsec_"), "{first}");
    let again = world.client.data_with(make, json!({ "input": input })).await["createWebhook"].take();
    assert_eq!((&again["isReplay"], &again["webhook"]), (&json!(true), &first["webhook"]));
}

async fn addresses_and_keys_are_stored_encrypted(backend: Backend) {
    let world = World::new(backend).await;
    let database = world.client.test.database.reader();
    for sql in ["SELECT url FROM webhooks", "SELECT secret FROM webhooks"] {
        let found = query_texts(database, sql).await;
        assert!(found.len() == 1 && found[0].starts_with("gAAAAA"), "{found:?}");
    }
    for sql in ["SELECT payload FROM events", "SELECT CAST(changes AS text) FROM audit_logs"] {
        let found = query_texts(database, sql).await.join("\n");
        assert!(!found.contains("127.0.0.1") && !found.contains("MfKQ9r8"), "{found}");
    }
}

async fn without_a_key_there_is_no_webhook(backend: Backend) {
    let client = Client::new(TestDatabase::new(backend).await);
    let data = client.data("mutation { createProject(input: { name: \"P\" }) { project { id } } }").await;
    let make = "mutation($input: CreateWebhookInput!) { createWebhook(input: $input) { webhook { id } userErrors { code field } } }";
    let input = json!({ "projectId": data["createProject"]["project"]["id"], "url": "https://example.org/" });
    let payload = client.data_with(make, json!({ "input": input })).await["createWebhook"].take();
    assert_eq!(payload["userErrors"][0], json!({ "code": "ENCRYPTION_KEY_MISSING", "field": ["input", "url"] }));
    assert_eq!(payload["webhook"], Value::Null);
}

async fn a_project_takes_its_webhooks_along(backend: Backend) {
    let world = World::new(backend).await;
    let gone = "mutation($p: ID!) { deleteProject(input: { id: $p }) { userErrors { code } events { type } } }";
    let payload = world.client.data_with(gone, json!({ "p": world.project })).await["deleteProject"].take();
    assert_eq!(payload["events"], json!([{ "type": "webhook.delete" }, { "type": "project.delete" }]));
    assert_eq!(world.log().await, Value::Null);
}
