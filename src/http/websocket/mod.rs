//! `/graphql/ws`: operations over a WebSocket, as `graphql-transport-ws` has it
//! (<https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>).
//!
//! **Invariants:** nothing runs before the client has said who it is and was let in; a page of another site is not let in; an operation
//! ends with its connection; what a client does not take is not held for it beyond [`QUEUE`] messages, and one more of each operation
//! that waits to send.

mod connection;
mod message;
mod operation;
mod running;

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::{Extensions, HeaderMap, StatusCode};
use axum::response::Response;
use tokio::sync::mpsc;
use tracing::Instrument as _;

use self::connection::Connection;
use self::message::Close;
use super::client::ClientAddress;
use super::error::HttpError;
use super::request::RequestId;
use super::{Served, explain};
use crate::code::Code;

/// The protocol's name.
const PROTOCOL: &str = "graphql-transport-ws";
/// How many messages may wait until the client takes them.
const QUEUE: usize = 16;
/// Few bytes wait at a time, and there may be thousands of connections.
const BUFFER_BYTES: usize = 4 * 1024;

/// Makes a connection a WebSocket.
pub(super) async fn upgrade(
    State(served): State<Arc<Served>>,
    Extension(request_id): Extension<RequestId>,
    Extension(client): Extension<ClientAddress>,
    headers: HeaderMap,
    extensions: Extensions,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, HttpError> {
    explain::refuse(&headers)?;
    let upgrade = upgrade.map_err(|_| {
        let message = "Ask for a WebSocket with the subprotocol graphql-transport-ws; without one, use /graphql.";
        HttpError::new(StatusCode::UPGRADE_REQUIRED, Code::BadRequest, message)
    })?;
    let most_bytes = served.settings.max_body_bytes;
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_message_size(most_bytes)
        .max_frame_size(most_bytes);
    let (speaks, is_foreign) = (upgrade.selected_protocol().is_some(), served.settings.origins.refuse(&headers));
    let open = served.streams.open();
    let span = tracing::Span::current();
    let serve = move |socket| {
        async move {
            if speaks {
                let (messages, queue) = mpsc::channel(QUEUE);
                let (opening, state) = ((headers, extensions), connection::State::default());
                let connection = Connection { socket, served, client, is_foreign, opening, open, messages, state };
                connection.serve(queue).await;
            } else {
                connection::close(socket, &Close::SUBPROTOCOL).await;
            }
            tracing::debug!(connection = request_id.0, "a WebSocket ended");
        }
        .instrument(span)
    };
    Ok(upgrade.on_upgrade(serve))
}
