//! What reaches a receiver: each event, signed, at least once, and those of one object in their order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use serde_json::json;

use super::World;
use super::receiver::{Received, Receiver};
use crate::support::Backend;

on_both!(
    what_happens_is_sent,
    only_the_types_that_were_asked_for_are_sent,
    a_receiver_that_fails_half_of_the_time_gets_each_event_in_order,
    what_happens_while_nobody_sends_is_sent_later,
);

async fn what_happens_is_sent(backend: Backend) {
    let world = World::new(backend).await;
    let dispatcher = world.send();
    let feature = world.feature("F").await;
    world.change(&feature, 9).await;
    let received = world.receiver.wait_until(|received| received.len() >= 2).await;
    assert_eq!(received.len(), 2, "not what was before it, and not itself");
    let events = world.client.data_with(
        "query($f: ID!) { feature(id: $f) { history { nodes { id type version cursor createdAt changes { name value } } } } }",
        json!({ "f": feature }),
    );
    let events = events.await["feature"]["history"]["nodes"].take();
    for (number, received) in received.iter().enumerate() {
        let (event, body) = (&events[number], &received.body);
        assert_eq!(received.id, event["id"].as_str().unwrap());
        assert_eq!((&body["type"], &body["timestamp"]), (&event["type"], &event["createdAt"]));
        for field in ["id", "version", "cursor", "changes"] {
            assert_eq!(body["data"][field], event[field], "{field}");
        }
        let data = &body["data"];
        assert_eq!((&data["aggregateId"], &data["projectId"]), (&json!(feature), &json!(world.project)));
        assert_eq!((&data["actorId"], &data["actorKind"]), (&json!("local-owner"), &json!("PERSON")));
    }
    let log = world.wait_for_log(|log| log["deliveries"]["nodes"][1]["status"] == "DELIVERED").await;
    for delivery in log["deliveries"]["nodes"].as_array().unwrap() {
        assert_eq!((&delivery["attempts"], &delivery["lastStatusCode"]), (&json!(1), &json!(200)));
        assert!(delivery["deliveredAt"].is_string() && delivery["nextAttemptAt"].is_null());
    }
    dispatcher.stop().await;
    world.change(&feature, 3).await;
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert_eq!(world.receiver.received().len(), 2, "it was stopped");
}

async fn only_the_types_that_were_asked_for_are_sent(backend: Backend) {
    let world =
        World::with(backend, Receiver::start().await, json!({ "types": ["test_case", "feature.delete"] })).await;
    let _dispatcher = world.send();
    let other = "mutation { createProject(input: { name: \"other\" }) { project { id } } }";
    let other = world.client.data(other).await["createProject"]["project"]["id"].take();
    let feature = world.feature("F").await;
    let document = "mutation($f: ID!, $o: ID!) { \
        other: createFeature(input: { projectId: $o, name: \"x\" }) { userErrors { code } } \
        test: createTestCase(input: { featureId: $f, name: \"t\" }) { userErrors { code } } \
        gone: deleteFeature(input: { id: $f }) { userErrors { code } } }";
    world.client.data_with(document, json!({ "f": feature, "o": other })).await;
    let received = world.receiver.wait_until(|received| received.len() >= 2).await;
    let mut types: Vec<_> = received.iter().map(|received| received.body["type"].as_str().unwrap()).collect();
    types.sort_unstable();
    assert_eq!(types, ["feature.delete", "test_case.create"]);
}

/// Of each object: the versions in the order in which they were sent, each again until it was taken.
fn check_order(received: &[Received], objects: usize, versions: i64) {
    let mut next: BTreeMap<&str, i64> = BTreeMap::new();
    for received in received {
        let next = next.entry(received.object()).or_insert(1);
        // What was taken may come again; what was not taken comes before what is after it.
        assert!(received.version() <= *next, "{}: {} before {next}", received.object(), received.version());
        if received.version() == *next && received.is_taken() {
            *next += 1;
        }
    }
    assert_eq!(next.len(), objects);
    assert!(next.values().all(|next| *next == versions + 1), "{next:?}");
}

async fn a_receiver_that_fails_half_of_the_time_gets_each_event_in_order(backend: Backend) {
    const OBJECTS: usize = 20;
    const VERSIONS: i64 = 15;
    let world = World::new(backend).await;
    let random = Mutex::new(fastrand::Rng::with_seed(7));
    world.receiver.answer(move |_, _| {
        let fails = random.lock().unwrap().bool();
        if fails { StatusCode::SERVICE_UNAVAILABLE.into_response() } else { StatusCode::OK.into_response() }
    });
    let dispatcher = world.send();
    let mut features = Vec::new();
    for number in 0..OBJECTS {
        features.push(world.feature(&format!("f{number}")).await);
    }
    for version in 2..=VERSIONS {
        for feature in &features {
            world.change(feature, i32::try_from(version % 13 + 1).unwrap()).await;
        }
    }
    let all = OBJECTS * usize::try_from(VERSIONS).unwrap();
    let taken = |received: &[Received]| {
        received
            .iter()
            .filter(|received| received.is_taken())
            .map(|received| received.id.clone())
            .collect::<BTreeSet<_>>()
    };
    let received = world.receiver.wait_until(|received| taken(received).len() == all).await;
    check_order(&received, OBJECTS, VERSIONS);
    let refused = received.iter().filter(|received| !received.is_taken()).count();
    let doubled = received.iter().filter(|received| received.is_taken()).count() - all;
    println!("{backend:?}: {all} events, {} attempts, {refused} refused, {doubled} taken twice", received.len());
    assert!(refused > all / 2, "it failed half of the time");
    assert_eq!(doubled, 0, "nobody was killed");
    // The same event has the same body, whenever it is sent.
    let mut bodies = BTreeMap::new();
    assert!(received.iter().all(|received| *bodies.entry(&received.id).or_insert(&received.text) == &received.text));
    dispatcher.stop().await;
}

async fn what_happens_while_nobody_sends_is_sent_later(backend: Backend) {
    let world = World::new(backend).await;
    let feature = world.feature("F").await;
    for priority in 2..=12 {
        world.change(&feature, priority).await;
    }
    let first = world.send();
    world.receiver.wait_until(|received| received.len() >= 12).await;
    first.stop().await;
    world.change(&feature, 1).await;
    // Paused, it waits; resumed, it goes on.
    world.command("pauseWebhook").await;
    let _second = world.send();
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert_eq!(world.receiver.received().len(), 12);
    world.command("resumeWebhook").await;
    // Both of these are events of the project as well.
    let received = world.receiver.wait_until(|received| received.len() >= 15).await;
    let types: Vec<_> = received[12..].iter().map(|received| received.body["type"].as_str().unwrap()).collect();
    assert_eq!(types.iter().filter(|kind| **kind == "webhook.change_status").count(), 2);
    assert_eq!(types.iter().filter(|kind| **kind == "feature.update").count(), 1);
    let of_feature: Vec<Received> = received.into_iter().filter(|received| received.object() == feature).collect();
    check_order(&of_feature, 1, 13);
}
