//! Spans reach a collector, by OTLP over HTTP. Only where the feature `otlp` is built.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::json;

use crate::support::{Backend, RunningServer, TestDatabase, program};

/// Takes what is sent, and hands out the path and the body of each request.
fn collector() -> (String, mpsc::Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let (mut read, mut chunk) = (Vec::new(), [0; 4096]);
            let (head, length) = loop {
                let count = connection.read(&mut chunk).unwrap();
                read.extend_from_slice(&chunk[..count]);
                let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
                let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                let length: usize = length.trim().parse().unwrap();
                read.drain(..end + 4);
                break (head, length);
            };
            while read.len() < length {
                let count = connection.read(&mut chunk).unwrap();
                read.extend_from_slice(&chunk[..count]);
            }
            connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
            let path = head.split(' ').nth(1).unwrap().to_owned();
            if sender.send((path, read)).is_err() {
                return;
            }
        }
    });
    (address, receiver)
}

#[tokio::test]
async fn spans_reach_a_collector_in_the_trace_of_the_request() {
    let test = TestDatabase::with_demo(Backend::Sqlite).await;
    let (address, sent) = collector();
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--database", &test.url, "--otlp-endpoint", &address]);
    let mut server = RunningServer::start_with(&mut command);
    let request = server.client.post(format!("{}/graphql", server.address));
    let request = request.header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    let query = "{ features(first: 2) { nodes { name } } }";
    request.json(&json!({ "query": query })).send().await.unwrap();
    server.terminate();
    assert_eq!(server.wait(Duration::from_secs(10)).unwrap().code(), Some(0), "{}", server.log());
    let mut spans = Vec::new();
    while let Ok((path, body)) = sent.recv_timeout(Duration::from_millis(500)) {
        assert_eq!(path, "/v1/traces");
        spans.extend(body);
    }
    let holds = |bytes: &[u8]| spans.windows(bytes.len()).any(|window| window == bytes);
    for name in ["request", "load", "statement", "features", "db.query.text", "http.response.status_code", "SELECT "] {
        assert!(holds(name.as_bytes()), "{name} did not arrive");
    }
    // The trace of the header; the span of the header is the request's parent.
    assert!(holds(&[0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c]));
    assert!(holds(&[0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]));
    // Where it listens, who is let in, and that it stops.
    assert_eq!(server.log().lines().count(), 3, "the log holds no more than without a collector:\n{}", server.log());
}
