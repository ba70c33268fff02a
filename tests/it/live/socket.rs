//! `graphql-transport-ws`, message by message, and every code with which a connection ends.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::{CHANGES, make_feature, make_project};
use crate::support::{Backend, Came, RunningServer, Socket, TestDatabase, program};

/// A server whose times are short, and whose connections may run few operations.
async fn start() -> (TestDatabase, RunningServer) {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--database", &test.url]);
    command.args([
        "--websocket-init-timeout-ms",
        "400",
        "--ping-interval-ms",
        "300",
        "--max-websocket-operations",
        "3",
    ]);
    let server = RunningServer::start_with(&mut command);
    (test, server)
}

#[tokio::test]
async fn each_fault_has_its_code() {
    let (_test, server) = start().await;
    let text = |message: Value| Message::text(message.to_string());
    let subscribe = |id: &str| json!({ "id": id, "type": "subscribe", "payload": { "query": CHANGES } });
    let init = || text(json!({ "type": "connection_init" }));
    let faults: [(&str, Vec<Message>, u16); 13] = [
        ("no JSON", vec![Message::text("hello")], 4400),
        ("no message", vec![text(json!({ "type": "start" }))], 4400),
        ("bytes", vec![Message::binary(vec![1, 2, 3])], 4400),
        ("no query", vec![init(), text(json!({ "id": "1", "type": "subscribe", "payload": {} }))], 4400),
        (
            "variables that are none",
            vec![
                init(),
                text(json!({ "id": "1", "type": "subscribe",
            "payload": { "query": CHANGES, "variables": 7 } })),
            ],
            4400,
        ),
        ("before it was let in", vec![text(subscribe("1"))], 4401),
        ("let in twice", vec![init(), init()], 4429),
        ("a name twice", vec![init(), text(subscribe("1")), text(subscribe("1"))], 4409),
        ("a long name twice", vec![init(), text(subscribe(&"x".repeat(250))), text(subscribe(&"x".repeat(250)))], 4409),
        ("a name that is too long", vec![init(), text(subscribe(&"x".repeat(257)))], 4400),
        ("20 MB", vec![init(), Message::text("x".repeat(20 * 1024 * 1024))], 1009),
        ("half of a character", vec![Message::Frame(frame(0x81, &[0xC3]))], 1007),
        ("a frame of a kind that there is not", vec![Message::Frame(frame(0x83, b"x"))], 1002),
    ];
    for (fault, messages, code) in faults {
        let mut socket = Socket::connect(&server, &[]).await;
        for message in messages {
            socket.send_raw(message).await;
        }
        let closed = loop {
            match socket.next().await {
                Came::Message(message) if message["type"] == "connection_ack" => {}
                came => break came,
            }
        };
        assert_eq!(closed, Came::Closed(Some(code)), "{fault}");
    }
    let answer = server.graphql("{ __typename }", json!({})).await;
    assert_eq!(answer["data"]["__typename"], "Query", "the server goes on");
}

/// A frame with this first byte, as a client masks it: with zeros, so that the bytes are themselves.
fn frame(first: u8, bytes: &[u8]) -> tokio_tungstenite::tungstenite::protocol::frame::Frame {
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};
    use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};
    let opcode = match first & 15 {
        1 => OpCode::Data(Data::Text),
        other => {
            assert_eq!(other, 3);
            OpCode::Data(Data::Reserved(3))
        }
    };
    let _ = Control::Ping;
    let header = FrameHeader { is_final: true, opcode, mask: Some([0; 4]), ..FrameHeader::default() };
    Frame::from_payload(header, bytes.to_vec().into())
}

#[tokio::test]
async fn a_page_of_another_site_and_another_protocol_are_not_let_in() {
    let (_test, server) = start().await;
    let mut socket = Socket::connect(&server, &[("origin", "https://evil.example")]).await;
    socket.send(&json!({ "type": "connection_init" })).await;
    assert_eq!(socket.next().await, Came::Closed(Some(4403)));
    let own = server.address.clone();
    let mut socket = Socket::connect(&server, &[("origin", &own)]).await;
    socket.init().await;
    let response = server.client.get(format!("{}/graphql/ws", server.address)).send().await.unwrap();
    assert_eq!(response.status(), 426, "no WebSocket was asked for");
}

#[tokio::test]
async fn who_says_nothing_is_sent_away_and_who_is_gone_is_noticed() {
    let (_test, server) = start().await;
    let began = Instant::now();
    let mut silent = Socket::connect(&server, &[]).await;
    assert_eq!(silent.next().await, Came::Closed(Some(4408)));
    assert!(began.elapsed() >= Duration::from_millis(350), "{:?}", began.elapsed());
    // Pings come, and what reads them answers them.
    let mut alive = Socket::ready(&server).await;
    for _ in 0..4 {
        assert_eq!(alive.next_or_ping().await, Came::Ping);
    }
    // What does not read does not answer.
    let deaf = Socket::ready(&server).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let metrics = server.client.get(format!("{}/metrics", server.address)).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("throughline_open_subscriptions 0\n"), "{metrics}");
    let mut deaf = deaf;
    let closed = loop {
        match deaf.next_or_ping().await {
            Came::Ping => {}
            came => break came,
        }
    };
    assert_eq!(closed, Came::Closed(None));
}

#[tokio::test]
async fn operations_run_beside_each_other() {
    let (_test, server) = start().await;
    let mut socket = Socket::ready(&server).await;
    socket.send(&json!({ "type": "ping", "payload": { "a": 1 } })).await;
    assert_eq!(socket.next().await, Came::Message(json!({ "type": "pong", "payload": { "a": 1 } })));
    socket.send(&json!({ "type": "pong" })).await;

    socket.subscribe("q", "{ __typename }", json!({})).await;
    assert_eq!(socket.answer("q").await, json!({ "data": { "__typename": "Query" } }));
    assert_eq!(socket.next().await, Came::Message(json!({ "id": "q", "type": "complete" })));
    // A name is free again once its operation has ended.
    let create = "mutation { createProject(input: { name: \"p\" }) { project { name } } }";
    socket.subscribe("q", create, json!({})).await;
    assert_eq!(socket.answer("q").await["data"]["createProject"]["project"]["name"], "p");
    assert_eq!(socket.next().await, Came::Message(json!({ "id": "q", "type": "complete" })));

    socket.subscribe("e", "subscription { nothing }", json!({})).await;
    let Came::Message(error) = socket.next().await else { panic!("no error") };
    assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!("e")));
    assert_eq!(error["payload"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");

    for id in ["1", "2", "3"] {
        socket.subscribe(id, CHANGES, json!({})).await;
    }
    socket.subscribe("4", CHANGES, json!({})).await;
    let Came::Message(error) = socket.next().await else { panic!("no error") };
    assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!("4")));
    assert_eq!(error["payload"][0]["extensions"]["code"], "LIMIT_EXCEEDED");
    socket.send(&json!({ "id": "3", "type": "complete" })).await;
    socket.send(&json!({ "id": "unknown", "type": "complete" })).await;
    socket.subscribe("5", "{ __typename }", json!({})).await;
    assert_eq!(socket.answer("5").await["data"]["__typename"], "Query");
}

#[tokio::test]
async fn what_was_ended_is_not_answered_any_more() {
    let (_test, server) = start().await;
    let (project, _) = make_project(&server, "p").await;
    let mut socket = Socket::ready(&server).await;
    socket.subscribe("1", CHANGES, json!({})).await;
    // An answer tells that the subscription has begun.
    tokio::time::sleep(Duration::from_millis(300)).await;
    make_feature(&server, &project, "a").await;
    assert_eq!(socket.answer("1").await["data"]["changes"]["type"], "feature.create");
    socket.send(&json!({ "id": "1", "type": "complete" })).await;
    socket.subscribe("2", "{ __typename }", json!({})).await;
    socket.answer("2").await;
    assert_eq!(socket.next().await, Came::Message(json!({ "id": "2", "type": "complete" })));
    make_feature(&server, &project, "b").await;
    socket.subscribe("3", "{ __typename }", json!({})).await;
    assert_eq!(socket.answer("3").await["data"]["__typename"], "Query", "nothing of the first one came in between");
}

#[tokio::test]
async fn a_close_is_answered() {
    let (_test, server) = start().await;
    for code in [1000_u16, 4499] {
        let mut socket = Socket::ready(&server).await;
        let frame = CloseFrame { code: code.into(), reason: "done".into() };
        socket.send_raw(Message::Close(Some(frame))).await;
        assert_eq!(socket.next().await, Came::Closed(Some(code)));
    }
}

#[tokio::test]
async fn a_stop_tells_who_is_connected() {
    let (_test, mut server) = start().await;
    let mut socket = Socket::ready(&server).await;
    socket.subscribe("1", CHANGES, json!({})).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let began = Instant::now();
    server.terminate();
    assert_eq!(socket.next().await, Came::Closed(Some(1001)));
    drop(socket);
    let status = server.wait(Duration::from_secs(5)).unwrap();
    assert_eq!(status.code(), Some(0), "{}", server.log());
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_stop_ends_what_is_just_beginning() {
    for wait_micros in [0, 500, 2000, 8000] {
        let (_test, mut server) = start().await;
        let mut socket = Socket::ready(&server).await;
        for id in ["1", "2", "3"] {
            socket.subscribe(id, CHANGES, json!({})).await;
        }
        tokio::time::sleep(Duration::from_micros(wait_micros)).await;
        let began = Instant::now();
        server.terminate();
        let closed = loop {
            match socket.next().await {
                Came::Message(message) => assert_eq!(message["type"], "error", "it came too late: {message}"),
                came => break came,
            }
        };
        assert_eq!(closed, Came::Closed(Some(1001)));
        drop(socket);
        assert_eq!(server.wait(Duration::from_secs(5)).unwrap().code(), Some(0), "{}", server.log());
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_stop_lets_what_has_one_answer_be_answered() {
    let (_test, mut server) = start().await;
    let (project, _) = make_project(&server, "p").await;
    let mut socket = Socket::ready(&server).await;
    socket.subscribe("s", CHANGES, json!({})).await;
    let features: Vec<_> =
        (0..900).map(|number| json!({ "projectId": project, "name": format!("f{number}"), "priority": 1 })).collect();
    let make = "mutation($features: [CreateFeatureInput!]!) { createFeatures(input: { features: $features }) { userErrors { code } } }";
    // The subscription has begun when this is answered.
    socket.subscribe("q", "{ __typename }", json!({})).await;
    socket.answer("q").await;
    assert_eq!(socket.next().await, Came::Message(json!({ "id": "q", "type": "complete" })));
    socket.subscribe("m", make, json!({ "features": features })).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    server.terminate();
    let mut answered = false;
    let closed = loop {
        match socket.next().await {
            Came::Message(message) if message["id"] == "m" && message["type"] == "next" => {
                assert_eq!(message["payload"]["data"]["createFeatures"]["userErrors"], json!([]), "{message}");
                answered = true;
            }
            Came::Message(_) => {}
            came => break came,
        }
    };
    assert_eq!((answered, closed), (true, Came::Closed(Some(1001))));
    assert_eq!(server.wait(Duration::from_secs(5)).unwrap().code(), Some(0), "{}", server.log());
}

/// A client that writes all of what it has to say before it reads: it is told why that was too much, and is not reset.
#[tokio::test]
async fn who_sends_too_much_can_read_that_it_was_too_much() {
    let (_test, server) = start().await;
    let host = server.address.trim_start_matches("http://").to_owned();
    let most = 20 * 1024 * 1024_u64;
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {most}\r\n\r\n"
    );
    let upgrade = format!(
        "GET /graphql/ws HTTP/1.1\r\nhost: {host}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n"
    );
    // A text of which the client says first how long it is, masked with zeros.
    let frame = [&[0x81, 0xFF][..], &most.to_be_bytes(), &[0; 4]].concat();
    // Its close has two bytes of the code, 1009, before the words.
    let close = [&[0x88, 26, 0x03, 0xF1][..], b"The message is too large"].concat();
    let cases = [("HTTP", request, vec![], b"413 Payload Too Large".to_vec()), ("WebSocket", upgrade, frame, close)];
    for (way, head, start, told) in cases {
        let mut stream = TcpStream::connect(&host).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        if !start.is_empty() {
            let mut upgraded = vec![0; 12];
            stream.read_exact(&mut upgraded).await.unwrap();
            assert_eq!(upgraded, b"HTTP/1.1 101");
        }
        stream.write_all(&start).await.unwrap();
        let part = vec![b'x'; 65_536];
        for _ in 0..most / 65_536 {
            stream.write_all(&part).await.unwrap_or_else(|error| panic!("{way}: {error}"));
        }
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap_or_else(|error| panic!("{way}: {error}"));
        let is_told = answer.windows(told.len()).any(|bytes| bytes == told);
        assert!(is_told, "{way}: {}", String::from_utf8_lossy(&answer));
    }
}
