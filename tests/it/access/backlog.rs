//! A client that reads a long past slowly: there is always more to tell it, and all the same its connection ends in time.

use std::time::{Duration, Instant};

use serde_json::json;
use throughline::access::token::{self, NewToken};
use throughline::batch::id;

use super::World;
use crate::support::{Backend, Came, Rows, RunningServer, Socket, program};

/// How long it may take until nothing is told any more.
const AT_MOST: Duration = Duration::from_secs(5);
/// How long the client waits between two messages.
const PAUSE: Duration = Duration::from_millis(5);
const PAST: &str = "subscription { changes(after: \"WyJjaGFuZ2VzIiwwLDBd\") { type feature { name description } } }";

/// A server, and a client that has asked it for more than it will read in a minute.
async fn begin() -> (World, RunningServer, Socket, uuid::Uuid) {
    let world = World::new(Backend::Sqlite).await;
    let features: Vec<_> = (0..300)
        .map(|number| json!({ "projectId": world.id("Project"), "name": format!("f{number}"), "description": "x".repeat(4000) }))
        .collect();
    let make = "mutation($features: [CreateFeatureInput!]!) { createFeatures(input: { features: $features }) { userErrors { code } } }";
    let answer = world.client.data_with(make, json!({ "features": features })).await;
    assert_eq!(answer["createFeatures"]["userErrors"], json!([]));
    let user = id::parse("id", world.id("User"), &["user"]).unwrap().1;
    let new = NewToken { user, name: "x".to_owned(), project: None, role: None, expires_at: None };
    let (token, secret) = token::create(&world.client.test.database, new).await.unwrap();
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--require-authentication"]);
    let server = RunningServer::start_with(command.args(["--database", &world.client.test.url]));
    let mut socket = Socket::connect(&server, &[]).await;
    socket.send(&json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {}", secret.reveal()) } })).await;
    assert_eq!(socket.next().await, Came::Message(json!({ "type": "connection_ack" })));
    for number in 0..50 {
        socket.subscribe(&number.to_string(), PAST, json!({})).await;
    }
    for _ in 0..500 {
        assert!(matches!(socket.next().await, Came::Message(_)));
    }
    (world, server, socket, token)
}

#[tokio::test]
async fn who_reads_slowly_is_sent_away_as_soon_as_others() {
    let (world, server, mut socket, token) = begin().await;
    assert!(token::revoke(&world.client.test.database, token).await.unwrap());
    let began = Instant::now();
    let (mut is_open, mut is_late) = (true, false);
    while is_open && began.elapsed() < AT_MOST + Duration::from_secs(5) {
        is_open = !matches!(socket.next_or_ping().await, Came::Closed(_));
        tokio::time::sleep(PAUSE).await;
        if began.elapsed() > AT_MOST && !std::mem::replace(&mut is_late, true) {
            let create = "mutation { createProject(input: { name: \"late\" }) { project { id } } }";
            socket.subscribe("late", create, json!({})).await;
        }
    }
    let metrics = server.client.get(format!("{}/metrics", server.address)).send().await.unwrap().text().await.unwrap();
    let follows = !metrics.contains("throughline_open_subscriptions 0\n");
    let late = Rows::of(&world.client.test.database).count("SELECT count(*) FROM projects WHERE name = 'late'").await;
    assert_eq!((follows, late), (false, 0), "whether it is still told of events, and what it made");
}

#[tokio::test]
async fn who_reads_slowly_does_not_keep_the_server() {
    let (_world, mut server, mut socket, _) = begin().await;
    server.terminate();
    let began = Instant::now();
    let mut is_open = true;
    let status = loop {
        if let Some(status) = server.wait(Duration::from_millis(1)) {
            break status;
        }
        assert!(began.elapsed() < AT_MOST, "{}", server.log());
        if is_open {
            is_open = !matches!(socket.next_or_ping().await, Came::Closed(_));
        }
        tokio::time::sleep(PAUSE).await;
    };
    assert_eq!(status.code(), Some(0), "{}", server.log());
    assert!(!server.log().contains("dropped"), "{}", server.log());
}
