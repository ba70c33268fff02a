//! What stays open: a WebSocket, a stream of events. It ends when its caller may not stay.

use std::time::{Duration, Instant};

use serde_json::json;
use throughline::access::token::{self, NewToken, TokenSecret};
use throughline::access::{Authenticator, Unidentified};
use throughline::batch::id;
use uuid::Uuid;

use super::World;
use crate::support::{Backend, Came, RunningServer, Socket, program};

on_both!(what_is_open_ends_when_its_caller_may_not_stay, who_watches_may_go_and_the_next_goes_on);

/// How long it may take.
const AT_MOST: Duration = Duration::from_secs(5);
const CHANGES: &str = "subscription { changes { type projectId } }";

/// How a caller loses what it may.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Revoked,
    Expired,
    Removed,
    Lowered,
    Deleted,
}

async fn what_is_open_ends_when_its_caller_may_not_stay(backend: Backend) {
    for end in [End::Revoked, End::Expired, End::Removed, End::Lowered, End::Deleted] {
        let world = World::new(backend).await;
        let mut command = program();
        command.args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--require-authentication",
            "--database",
            &world.client.test.url,
        ]);
        // A token somebody else has, so that the server may start; then the one that is to end.
        let (_, other) = make(&world, None).await;
        let server = RunningServer::start_with(&mut command);
        let life = Duration::from_secs(3);
        let (token, secret) = make(&world, (end == End::Expired).then_some(life)).await;
        let change =
            "mutation($id: ID!) { changeProjectRole(input: { id: $id, role: CONTRIBUTOR }) { userErrors { code } } }";
        if end == End::Lowered {
            world.client.data_with(change, json!({ "id": world.id("ProjectMember") })).await;
        }
        let mut socket = follow(&server, &secret).await;
        let mut staying =
            if end == End::Revoked || end == End::Expired { Some(follow(&server, &other).await) } else { None };
        let stream = server.client.post(format!("{}/graphql/stream", server.address)).bearer_auth(secret.reveal());
        let mut stream =
            stream.header("accept", "text/event-stream").json(&json!({ "query": CHANGES })).send().await.unwrap();
        assert_eq!(stream.status(), 200);
        let began = Instant::now();
        lose(&world, end, token).await;
        assert_eq!(next_end(&mut socket).await, Came::Closed(Some(4403)), "{end:?}");
        let of_socket = began.elapsed();
        let mut told = String::new();
        while let Some(part) =
            tokio::time::timeout(AT_MOST, stream.chunk()).await.expect("the stream did not end").unwrap()
        {
            told += &String::from_utf8_lossy(&part);
        }
        let of_stream = began.elapsed();
        assert!(told.contains("UNAUTHENTICATED"), "{end:?}: {told}");
        let most = if end == End::Expired { life + AT_MOST } else { AT_MOST };
        assert!(of_socket < most && of_stream < most, "{end:?}: {of_socket:?}, {of_stream:?}");
        println!("{backend:?}, {end:?}: the WebSocket ended after {of_socket:.1?}, the stream after {of_stream:.1?}");
        if let Some(staying) = &mut staying {
            assert_eq!(next_of(staying, "q").await, json!({ "id": "q", "type": "complete" }));
            staying.subscribe("still", "{ viewer { name } }", json!({})).await;
            let still = next_of(staying, "still").await;
            assert_eq!(still["payload"]["data"]["viewer"]["name"], super::MARK, "others stay");
        }
        let mut again = Socket::connect(&server, &[]).await;
        again.send(&json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {}", secret.reveal()) } })).await;
        let is_let_in = again.next().await == Came::Message(json!({ "type": "connection_ack" }));
        assert_eq!(is_let_in, matches!(end, End::Removed | End::Lowered), "{end:?}");
    }
}

/// An application may have several runtimes, one of which ends while others go on, and be it before it has begun what it was given.
async fn who_watches_may_go_and_the_next_goes_on(backend: Backend) {
    for has_begun in [false, true] {
        let world = World::new(backend).await;
        let authenticator = Authenticator::new(world.client.test.database.clone(), Unidentified::Refused, None);
        let (token, secret) = make(&world, None).await;
        let first = authenticator.identify(Some(secret.reveal())).await.unwrap();
        let second = first.clone();
        let mut of_another = std::thread::spawn({
            let authenticator = authenticator.clone();
            let watch = async move {
                let session = authenticator.watch(first);
                if has_begun {
                    tokio::task::yield_now().await;
                }
                session
            };
            // On one thread, what is spawned begins when who has spawned it waits.
            move || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(watch)
        })
        .join()
        .unwrap();
        let mut of_ours = authenticator.watch(second);
        assert!(token::revoke(&world.client.test.database, token).await.unwrap());
        for session in [&mut of_another, &mut of_ours] {
            tokio::time::timeout(AT_MOST, session.ended()).await.expect("nobody asks any more");
        }
    }
}

/// A token of the user who is a member.
async fn make(world: &World, life: Option<Duration>) -> (Uuid, TokenSecret) {
    let user = id::parse("id", world.id("User"), &["user"]).unwrap().1;
    let expires_at = life.map(|life| throughline::clock::now() + life);
    let new = NewToken { user, name: "x".to_owned(), project: None, role: None, expires_at };
    token::create(&world.client.test.database, new).await.unwrap()
}

async fn follow(server: &RunningServer, secret: &TokenSecret) -> Socket {
    let mut socket = Socket::connect(server, &[]).await;
    socket.send(&json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {}", secret.reveal()) } })).await;
    assert_eq!(socket.next().await, Came::Message(json!({ "type": "connection_ack" })));
    socket.subscribe("1", CHANGES, json!({})).await;
    socket.subscribe("q", "{ viewer { name } }", json!({})).await;
    assert_eq!(next_of(&mut socket, "q").await["payload"]["data"]["viewer"]["name"], super::MARK);
    socket
}

/// The next message about an operation. Events may come between: on PostgreSQL one that happened just before is told as new while
/// any transaction of the server's, of another test's too, has not ended that began before it.
async fn next_of(socket: &mut Socket, id: &str) -> serde_json::Value {
    loop {
        match socket.next().await {
            Came::Message(message) if message["id"] == id => return message,
            Came::Message(_) => {}
            came => panic!("{came:?}"),
        }
    }
}

async fn lose(world: &World, end: End, token: Uuid) {
    let ask = async |document: &str, kind: &str| {
        let answer = world.client.data_with(document, json!({ "id": world.id(kind) })).await;
        assert!(!answer.to_string().contains("code"), "{answer}");
    };
    match end {
        End::Revoked => assert!(token::revoke(&world.client.test.database, token).await.unwrap()),
        End::Expired => {}
        End::Removed => {
            ask(
                "mutation($id: ID!) { removeProjectMember(input: { id: $id }) { userErrors { code } } }",
                "ProjectMember",
            )
            .await;
        }
        End::Lowered => {
            ask(
                "mutation($id: ID!) { changeProjectRole(input: { id: $id, role: VIEWER }) { userErrors { code } } }",
                "ProjectMember",
            )
            .await;
        }
        End::Deleted => {
            ask("mutation($id: ID!) { deleteUser(input: { id: $id }) { userErrors { code } } }", "User").await;
        }
    }
}

/// What comes after all messages.
async fn next_end(socket: &mut Socket) -> Came {
    loop {
        match socket.next().await {
            Came::Message(_) => {}
            came => return came,
        }
    }
}
