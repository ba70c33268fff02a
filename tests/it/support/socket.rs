//! A client of `graphql-transport-ws` that says what it is told to say, right or wrong.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::RunningServer;

/// An open WebSocket.
pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// What came.
#[derive(Debug, PartialEq)]
pub(crate) enum Came {
    Message(Value),
    Ping,
    /// The connection was closed, with a code if it was so in order.
    Closed(Option<u16>),
}

/// Longer than anything takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

impl Socket {
    /// Connects, and is let in.
    pub(crate) async fn ready(server: &RunningServer) -> Self {
        let mut socket = Self::connect(server, &[]).await;
        socket.init().await;
        socket
    }

    /// Connects with these headers besides the protocol's.
    pub(crate) async fn connect(server: &RunningServer, headers: &[(&'static str, &str)]) -> Self {
        let address = server.address.replacen("http", "ws", 1);
        let mut request = format!("{address}/graphql/ws").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("graphql-transport-ws"));
        for (name, value) in headers {
            match *value {
                "" => drop(request.headers_mut().remove(*name)),
                value => drop(request.headers_mut().insert(*name, value.parse().unwrap())),
            }
        }
        // Small buffers: a test may have thousands of connections.
        let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0);
        Self(connect_async_with_config(request, Some(config), false).await.unwrap().0)
    }

    pub(crate) async fn init(&mut self) {
        self.send(&json!({ "type": "connection_init" })).await;
        assert_eq!(self.next().await, Came::Message(json!({ "type": "connection_ack" })));
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        self.send_raw(Message::text(message.to_string())).await;
    }

    pub(crate) async fn send_raw(&mut self, message: Message) {
        // The server may have closed the connection, which what comes next tells.
        let _ = self.0.send(message).await;
    }

    pub(crate) async fn subscribe(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.send(&json!({ "id": id, "type": "subscribe", "payload": payload })).await;
    }

    /// What comes next, but for pings.
    pub(crate) async fn next(&mut self) -> Came {
        loop {
            let came = self.next_or_ping().await;
            if came != Came::Ping {
                return came;
            }
        }
    }

    pub(crate) async fn next_or_ping(&mut self) -> Came {
        let came = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("nothing came");
        match came {
            Some(Ok(Message::Text(text))) => Came::Message(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Ping(_))) => Came::Ping,
            Some(Ok(Message::Close(frame))) => Came::Closed(frame.map(|frame| frame.code.into())),
            Some(Ok(other)) => panic!("{other:?}"),
            Some(Err(_)) | None => Came::Closed(None),
        }
    }

    /// The payload of the next answer of the operation `id`.
    pub(crate) async fn answer(&mut self, id: &str) -> Value {
        match self.next().await {
            Came::Message(mut message) if message["type"] == "next" && message["id"] == id => message["payload"].take(),
            other => panic!("{other:?}"),
        }
    }

    /// Drops the connection without a word.
    pub(crate) fn cut(self) {
        drop(self);
    }
}
