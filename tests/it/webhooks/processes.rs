//! Several processes over one database: one of them sends, and another goes on where it ends, however it ends.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;
use throughline::graphql::{Api, Settings};
use throughline::webhook_deliveries::{Dispatcher, WebhookSettings};

use super::receiver::Receiver;
use super::{World, settings};
use crate::support::Backend;

on_both!(
    one_of_three_sends_each_event_once,
    who_stops_lets_another_go_on_at_once,
    after_a_kill_another_goes_on_and_no_event_is_lost,
);

async fn one_of_three_sends_each_event_once(backend: Backend) {
    const EVENTS: usize = 120;
    let world = World::new(backend).await;
    let _dispatchers = [world.send(), world.send(), world.send()];
    for number in 0..EVENTS {
        world.feature(&format!("f{number}")).await;
    }
    world.receiver.wait_until(|received| received.len() >= EVENTS).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for received in world.receiver.received() {
        *times.entry(received.id).or_default() += 1;
    }
    assert_eq!(times.len(), EVENTS);
    assert!(times.values().all(|times| *times == 1), "{times:?}");
}

async fn who_stops_lets_another_go_on_at_once(backend: Backend) {
    let world = World::new(backend).await;
    let first = world.send();
    world.feature("one").await;
    world.receiver.wait_until(|received| received.len() == 1).await;
    let second = world.send();
    first.stop().await;
    let began = Instant::now();
    world.feature("two").await;
    world.receiver.wait_until(|received| received.len() == 2).await;
    assert!(began.elapsed() < Duration::from_secs(5), "it waited for the lease: {:?}", began.elapsed());
    second.stop().await;
}

async fn after_a_kill_another_goes_on_and_no_event_is_lost(backend: Backend) {
    const OBJECTS: usize = 12;
    let world = World::with(backend, Receiver::start_slow(Duration::from_millis(30)).await, json!({})).await;
    // A lease ends soon, so that the test does.
    let quick = || WebhookSettings { timeout: Duration::from_millis(300), ..settings() };
    let mut running: Vec<Dispatcher> = vec![world.send_with(quick()), world.send_with(quick())];
    let mut features = Vec::new();
    for number in 0..OBJECTS {
        features.push(world.feature(&format!("f{number}")).await);
    }
    let mut kills = 0;
    for round in 0..6 {
        for feature in &features {
            world.change(feature, round + 2).await;
        }
        if round % 2 == 1 {
            // Whoever has the lease ends in the middle of what it does; nothing is released.
            drop(running.remove(0));
            kills += 1;
            running.push(world.send_with(quick()));
        }
    }
    let all = OBJECTS * 7;
    let distinct = |received: &[super::receiver::Received]| {
        received.iter().map(|received| received.id.as_str()).collect::<std::collections::BTreeSet<_>>().len()
    };
    let received = world.receiver.wait_until(|received| distinct(received) == all).await;
    let mut next: BTreeMap<&str, i64> = BTreeMap::new();
    for received in &received {
        let next = next.entry(received.object()).or_insert(1);
        assert!(received.version() <= *next, "{}: {} before {next}", received.object(), received.version());
        *next = (*next).max(received.version() + 1);
    }
    println!("{backend:?}: {kills} kills, {all} events, {} of them sent twice", received.len() - all);
}

#[tokio::test]
async fn it_costs_nothing_to_have_no_webhook() {
    let test = crate::support::TestDatabase::new(Backend::Sqlite).await;
    let api = Api::new(test.database.clone(), Settings::default());
    let dispatcher = Dispatcher::start(&api, settings()).unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let leases = crate::support::query_texts(test.database.reader(), "SELECT name FROM leases").await;
    assert!(leases.is_empty(), "{leases:?}");
    dispatcher.stop().await;
}
