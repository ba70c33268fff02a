//! The protocol's messages, and the codes with which a connection ends.

use std::borrow::Cow;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::close_code;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::http::error::HttpError;

/// How long a client may take to answer that the connection ends.
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// A frame of control has room for so many bytes besides the code.
const LONGEST_REASON: usize = 123;
/// It goes with every answer, and waits with each that does.
const LONGEST_ID: usize = 256;

/// What a client says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ClientMessage {
    /// It wants to be let in.
    ConnectionInit {
        #[serde(default)]
        payload: Option<Map<String, Value>>,
    },
    /// Whether the server is there.
    Ping {
        #[serde(default)]
        payload: Option<Map<String, Value>>,
    },
    /// That it is there itself.
    Pong {
        #[serde(default, rename = "payload")]
        _payload: Option<Map<String, Value>>,
    },
    /// It wants an operation to be run.
    Subscribe { id: String, payload: Value },
    /// It wants an operation to end.
    Complete { id: String },
}

impl ClientMessage {
    /// Reads a message.
    ///
    /// # Errors
    /// What is wrong with it; the text repeats nothing of it.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        let message: Self = serde_json::from_str(text).map_err(|_| "Invalid message")?;
        match &message {
            Self::Subscribe { id, .. } | Self::Complete { id } if !(1..=LONGEST_ID).contains(&id.len()) => {
                Err("Invalid message: `id` must have 1 to 256 bytes")
            }
            _ => Ok(message),
        }
    }
}

/// What the server says.
pub(super) enum ServerMessage {
    /// The client is let in.
    Ack,
    /// The server is there.
    Pong(Option<Map<String, Value>>),
    /// An answer of an operation, as JSON.
    Next { id: String, body: Arc<str> },
    /// Why an operation was not run, or ended; a list of errors as JSON.
    Error { id: String, errors: String },
    /// An operation has ended.
    Complete { id: String },
}

impl ServerMessage {
    /// Whether an operation ends with it.
    pub(super) fn is_end(&self) -> bool {
        matches!(self, Self::Error { .. } | Self::Complete { .. })
    }

    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Ack => json!({ "type": "connection_ack" }).to_string(),
            Self::Pong(None) => json!({ "type": "pong" }).to_string(),
            Self::Pong(Some(payload)) => json!({ "type": "pong", "payload": payload }).to_string(),
            Self::Next { id, body } => with_payload("next", id, body),
            Self::Error { id, errors } => with_payload("error", id, errors),
            Self::Complete { id } => json!({ "id": id, "type": "complete" }).to_string(),
        }
    }
}

/// A message around JSON that is written already.
fn with_payload(name: &str, id: &str, payload: &str) -> String {
    format!("{{\"id\":{},\"type\":\"{name}\",\"payload\":{payload}}}", Value::from(id))
}

/// How a connection ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Close {
    pub(super) code: u16,
    pub(super) reason: Cow<'static, str>,
}

impl Close {
    pub(super) const STOPPING: Self = Self::of_protocol(close_code::AWAY, "The server stops");
    pub(super) const BINARY: Self = Self::of_protocol(4400, "Binary messages are not understood");
    pub(super) const UNAUTHORIZED: Self = Self::of_protocol(4401, "Unauthorized");
    pub(super) const FORBIDDEN: Self = Self::of_protocol(4403, "Forbidden: a page of another site may not connect");
    pub(super) const RIGHTS_ENDED: Self =
        Self::of_protocol(4403, "Forbidden: the token has ended, or lets you do less than before");
    pub(super) const SUBPROTOCOL: Self = Self::of_protocol(4406, "Subprotocol not acceptable");
    pub(super) const INIT_TIMEOUT: Self = Self::of_protocol(4408, "Connection initialisation timeout");
    pub(super) const TOO_MANY_INITS: Self = Self::of_protocol(4429, "Too many initialisation requests");

    const fn of_protocol(code: u16, reason: &'static str) -> Self {
        Self { code, reason: Cow::Borrowed(reason) }
    }

    pub(super) fn bad_request(reason: &'static str) -> Self {
        Self::of_protocol(4400, reason)
    }

    /// That nobody is let in by what the client said of itself.
    pub(super) fn not_let_in(error: HttpError) -> Self {
        let code = if error.is_ours() { close_code::AGAIN } else { 4403 };
        let reason = Some(error.into_message()).filter(|reason| reason.len() <= LONGEST_REASON);
        Self { code, reason: reason.unwrap_or(Cow::Borrowed("Forbidden")) }
    }

    /// That an operation of this name runs already.
    pub(super) fn exists(id: &str) -> Self {
        let mut reason = format!("Subscriber for {id} already exists");
        if reason.len() > LONGEST_REASON {
            "Subscriber already exists".clone_into(&mut reason);
        }
        Self { code: 4409, reason: reason.into() }
    }

    /// How to end a connection on which something came that is no message; nothing where it is gone.
    pub(super) fn of(error: &axum::Error) -> Option<Self> {
        use tungstenite::error::Error;
        let source = error.source().and_then(|source| source.downcast_ref::<Error>());
        match source? {
            Error::Capacity(_) => Some(Self::of_protocol(close_code::SIZE, "The message is too large")),
            Error::Utf8(_) => Some(Self::of_protocol(close_code::INVALID, "The message is not UTF-8")),
            Error::Protocol(_) => Some(Self::of_protocol(close_code::PROTOCOL, "The frame is not valid")),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_is_refused() {
        for text in [
            "",
            "{}",
            "[]",
            "null",
            "\"ping\"",
            r#"{"type":"start"}"#,
            r#"{"type":7}"#,
            r#"{"type":"subscribe","payload":{}}"#,
            r#"{"type":"subscribe","id":7,"payload":{}}"#,
            r#"{"type":"subscribe","id":"","payload":{}}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"complete"}"#,
            r#"{"type":"ping","payload":"x"}"#,
            r#"{"type":"connection_init","payload":[]}"#,
        ] {
            assert!(ClientMessage::read(text).is_err(), "{text}");
        }
        for text in [
            r#"{"type":"connection_init"}"#,
            r#"{"type":"connection_init","payload":null}"#,
            r#"{"type":"ping","payload":{"a":1},"more":1}"#,
            r#"{"id":"1","type":"complete"}"#,
        ] {
            assert!(ClientMessage::read(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_a_client_called_its_operation_is_written_as_json() {
        let message = ServerMessage::Next { id: "a\"\n".to_owned(), body: "{}".into() };
        assert_eq!(message.to_text(), r#"{"id":"a\"\n","type":"next","payload":{}}"#);
        assert_eq!(Close::exists(&"é".repeat(100)).reason, "Subscriber already exists");
    }
}
