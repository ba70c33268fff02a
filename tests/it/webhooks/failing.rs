//! What becomes of events that are not taken.

use std::time::{Duration, Instant};

use axum::http::{StatusCode, header};
use axum::response::IntoResponse as _;
use serde_json::{Value, json};
use throughline::webhook_deliveries::WebhookSettings;

use super::receiver::Receiver;
use super::{World, settings};
use crate::support::Backend;

on_both!(
    an_address_that_is_not_public_is_not_asked,
    a_redirection_takes_nothing,
    who_takes_too_long_takes_nothing,
    who_says_that_it_was_taken_need_say_no_more,
    one_event_that_is_never_taken_is_given_up_and_can_be_sent_again,
    who_takes_nothing_at_all_has_failed_and_loses_nothing,
    who_is_gone_says_so,
    a_key_that_was_erased_is_told,
);

fn deliveries(log: &Value) -> &Vec<Value> {
    log["deliveries"]["nodes"].as_array().unwrap()
}

async fn an_address_that_is_not_public_is_not_asked(backend: Backend) {
    let world = World::new(backend).await;
    let _dispatcher = world.send_with(WebhookSettings { allowed_networks: Vec::new(), ..settings() });
    world.feature("F").await;
    let log = world
        .wait_for_log(|log| deliveries(log).first().is_some_and(|first| first["attempts"].as_i64() > Some(1)))
        .await;
    let first = &deliveries(&log)[0];
    assert_eq!(first["lastError"], "the address is not a public one, and the server may not ask it");
    assert_eq!((&first["lastStatusCode"], &first["status"]), (&Value::Null, &json!("PENDING")));
    assert!(world.receiver.received().is_empty());
}

async fn a_redirection_takes_nothing(backend: Backend) {
    let world = World::new(backend).await;
    let other = Receiver::start().await;
    let location = other.url.clone();
    world
        .receiver
        .answer(move |_, _| (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, location.clone())]).into_response());
    let _dispatcher = world.send();
    world.feature("F").await;
    world.receiver.wait_until(|received| received.len() >= 2).await;
    let log = world.wait_for_log(|log| deliveries(log)[0]["lastStatusCode"] == 307).await;
    assert_eq!(deliveries(&log)[0]["lastError"], "the receiver answered with HTTP status 307");
    assert!(other.received().is_empty());
}

async fn who_takes_too_long_takes_nothing(backend: Backend) {
    let world = World::with(backend, Receiver::start_slow(Duration::from_secs(3)).await, json!({})).await;
    let _dispatcher = world.send_with(WebhookSettings { timeout: Duration::from_millis(200), ..settings() });
    world.feature("F").await;
    let log = world
        .wait_for_log(|log| deliveries(log).first().is_some_and(|first| first["attempts"].as_i64() > Some(0)))
        .await;
    assert_eq!(deliveries(&log)[0]["lastError"], "the receiver did not answer in time");
}

async fn who_says_that_it_was_taken_need_say_no_more(backend: Backend) {
    let world = World::new(backend).await;
    // The body never comes.
    world.receiver.answer(|_, _| {
        axum::body::Body::from_stream(futures_util::stream::pending::<Result<String, String>>()).into_response()
    });
    let _dispatcher = world.send_with(WebhookSettings { timeout: Duration::from_millis(500), ..settings() });
    world.feature("F").await;
    let log = world
        .wait_for_log(|log| deliveries(log).first().is_some_and(|first| first["attempts"].as_i64() > Some(0)))
        .await;
    assert_eq!(
        (&deliveries(&log)[0]["status"], &deliveries(&log)[0]["lastStatusCode"]),
        (&json!("DELIVERED"), &json!(200))
    );
}

async fn one_event_that_is_never_taken_is_given_up_and_can_be_sent_again(backend: Backend) {
    let world = World::new(backend).await;
    world.receiver.answer(|_, body| {
        let is_poison = body["data"]["changes"].to_string().contains("poison");
        if is_poison { StatusCode::INTERNAL_SERVER_ERROR.into_response() } else { StatusCode::OK.into_response() }
    });
    let _dispatcher = world.send_with(WebhookSettings { give_up_after: Duration::from_millis(1500), ..settings() });
    let feature = world.feature("poison").await;
    world.change(&feature, 7).await;
    let began = Instant::now();
    // Others are taken meanwhile: it is not the receiver that is gone.
    let mut number = 0;
    let log = loop {
        number += 1;
        world.feature(&format!("f{number}")).await;
        let log = world.log().await;
        if deliveries(&log).iter().any(|delivery| delivery["status"] == "FAILED") {
            break log;
        }
        assert!(began.elapsed() < Duration::from_mins(1), "{log}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(log["status"], "ACTIVE");
    let given_up = deliveries(&log).iter().find(|delivery| delivery["status"] == "FAILED").unwrap();
    assert_eq!((&given_up["event"]["type"], &given_up["lastStatusCode"]), (&json!("feature.create"), &json!(500)));
    assert!(given_up["attempts"].as_i64() > Some(2) && given_up["nextAttemptAt"].is_null(), "{given_up}");
    // What waited behind it is sent now.
    world
        .receiver
        .wait_until(|received| received.iter().any(|received| received.version() == 2 && received.is_taken()))
        .await;

    world.receiver.answer(|_, _| StatusCode::OK.into_response());
    let again = "mutation($id: ID!) { redeliverWebhookDelivery(input: { id: $id }) { webhookDelivery { id status attempts } \
                 version userErrors { code } events { type } auditLogs { action } } }";
    let payload =
        world.client.data_with(again, json!({ "id": given_up["id"] })).await["redeliverWebhookDelivery"].take();
    assert_eq!(payload["events"], json!([{ "type": "webhook.redeliver" }]), "who asked for it is told: {payload}");
    assert_eq!(payload["auditLogs"], json!([{ "action": "webhook.redeliver" }]));
    assert_eq!(payload["webhookDelivery"]["id"], given_up["id"]);
    let id = given_up["id"].clone();
    let log = world
        .wait_for_log(|log| {
            deliveries(log).iter().any(|delivery| delivery["id"] == id && delivery["status"] == "DELIVERED")
        })
        .await;
    assert!(deliveries(&log).iter().all(|delivery| delivery["status"] != "FAILED"));
}

async fn who_takes_nothing_at_all_has_failed_and_loses_nothing(backend: Backend) {
    let world = World::new(backend).await;
    world.receiver.answer(|_, _| StatusCode::BAD_GATEWAY.into_response());
    let _dispatcher = world.send_with(WebhookSettings { give_up_after: Duration::from_millis(500), ..settings() });
    let feature = world.feature("F").await;
    let log = world.wait_for_log(|log| log["status"] == "FAILED").await;
    assert_eq!(deliveries(&log)[0]["status"], "PENDING", "{log}");
    let history = "query($id: ID!) { webhook(id: $id) { history(last: 1) { nodes { type actorId actorKind changes { name value } } } } }";
    let data = world.client.data_with(history, json!({ "id": world.webhook })).await;
    let failed = json!([{ "type": "webhook.change_status", "actorId": "throughline", "actorKind": "SERVICE",
        "changes": [{ "name": "status", "value": "FAILED" }] }]);
    assert_eq!(data["webhook"]["history"]["nodes"], failed);
    let before = world.receiver.received().len();
    world.change(&feature, 9).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(world.receiver.received().len(), before, "it sends nothing");

    world.receiver.answer(|_, _| StatusCode::OK.into_response());
    world.command("resumeWebhook").await;
    let received = world
        .receiver
        .wait_until(|received| {
            received.iter().filter(|received| received.object() == feature && received.is_taken()).count() == 2
        })
        .await;
    let versions: Vec<i64> = received
        .iter()
        .filter(|received| received.object() == feature && received.is_taken())
        .map(super::receiver::Received::version)
        .collect();
    assert_eq!(versions, [1, 2]);
}

async fn who_is_gone_says_so(backend: Backend) {
    let world = World::new(backend).await;
    world.receiver.answer(|_, _| StatusCode::GONE.into_response());
    let _dispatcher = world.send();
    world.feature("F").await;
    let log = world.wait_for_log(|log| log["status"] == "FAILED").await;
    assert_eq!((&deliveries(&log)[0]["attempts"], &deliveries(&log)[0]["lastStatusCode"]), (&json!(1), &json!(410)));
    // A webhook that is deleted takes its log along.
    world.command("deleteWebhook").await;
    assert_eq!(world.log().await, Value::Null);
}

async fn a_key_that_was_erased_is_told(backend: Backend) {
    let world = World::new(backend).await;
    let project = throughline::batch::id::parse("id", &world.project, &["project"]).unwrap().1;
    let caller = throughline::access::Caller::local_owner();
    let database = &world.client.test.database;
    throughline::write_transaction::erase_data_key(database, &caller, "r", project).await.unwrap();
    let _dispatcher = world.send();
    world.feature("F").await;
    let log = world
        .wait_for_log(|log| deliveries(log).first().is_some_and(|first| first["attempts"].as_i64() > Some(0)))
        .await;
    let told = deliveries(&log)[0]["lastError"].as_str().unwrap().to_owned();
    assert!(told.starts_with("the webhook's address or key cannot be read: its key was erased"), "{told}");
    assert!(world.receiver.received().is_empty());
}
