//! A WebSocket's connection: what comes and what goes on it, until it ends.
//!
//! **Invariant:** whatever the client sends, and however slowly it reads, the connection ends when its session does, and is told of the
//! server's stop. Both are looked at before what has come and before what is to be sent, and while something is being sent.

use std::pin::pin;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use axum::http::{Extensions, HeaderMap};
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};
use tracing::Instrument as _;

use super::message::{CLOSE_TIMEOUT, ClientMessage, Close, ServerMessage};
use super::operation::{self, Answers, Operation, Told, What};
use super::running::Running;
use crate::access::{Caller, OpenSession};
use crate::code::Code;
use crate::graphql::Request;
use crate::http::Served;
use crate::http::client::ClientAddress;
use crate::http::identity::{add_headers, identify};
use crate::http::streams::OpenStream;

/// A connection with a client.
pub(super) struct Connection {
    pub(super) socket: WebSocket,
    pub(super) served: Arc<Served>,
    pub(super) client: ClientAddress,
    /// Whether a page of another site has opened it.
    pub(super) is_foreign: bool,
    /// What the WebSocket was asked for with.
    pub(super) opening: (HeaderMap, Extensions),
    /// Tells of the server's stop.
    pub(super) open: OpenStream,
    /// What is to be sent.
    pub(super) messages: mpsc::Sender<Told>,
    pub(super) state: State,
}

/// How far it has come.
#[derive(Default)]
pub(super) struct State {
    /// Who was let in.
    caller: Option<Caller>,
    /// For how long.
    session: Option<OpenSession>,
    /// Whether the server stops.
    is_stopping: bool,
    /// Whether nothing was heard of the client since it was asked.
    is_silent: bool,
    running: Running,
}

/// How a connection ends.
enum End {
    /// We end it.
    Close(Close),
    /// The client ends it.
    Told,
    /// It is there no more.
    Gone,
}

impl Connection {
    /// Serves the client; `queue` is where its operations' messages come.
    pub(super) async fn serve(mut self, mut queue: mpsc::Receiver<Told>) {
        let end = self.run(&mut queue).await;
        // Nothing goes on while the client is told.
        self.state.running.end_all();
        match end {
            End::Close(end) => close(self.socket, &end).await,
            End::Told => drain(self.socket).await,
            End::Gone => {}
        }
    }

    async fn run(&mut self, queue: &mut mpsc::Receiver<Told>) -> End {
        let limits = self.served.settings.streams.clone();
        let deadline = Instant::now() + limits.init_timeout;
        let mut pings = interval_at(Instant::now() + limits.ping_interval, limits.ping_interval);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let step = tokio::select! {
                // Who may not stay is told nothing more; and what has come is heard before it counts as silence.
                biased;
                () = ended(&mut self.state.session) => Err(End::Close(Close::RIGHTS_ENDED)),
                () = self.open.stopped(), if !self.state.is_stopping => {
                    self.state.stop();
                    Ok(())
                }
                () = sleep_until(deadline), if self.state.caller.is_none() => Err(End::Close(Close::INIT_TIMEOUT)),
                received = self.socket.recv() => {
                    self.state.is_silent = false;
                    match self.receive(received).await {
                        Ok(Some(answer)) => self.send(Message::Text(answer.to_text().into())).await,
                        Ok(None) => Ok(()),
                        Err(end) => Err(end),
                    }
                }
                _ = pings.tick() => {
                    // A client that is there has at least answered the ping before.
                    if std::mem::replace(&mut self.state.is_silent, true) {
                        Err(End::Gone)
                    } else {
                        self.send(Message::Ping(Bytes::new())).await
                    }
                }
                Some(told) = queue.recv() => self.tell(told).await,
            };
            if let Err(end) = step {
                return end;
            }
            if self.state.is_over() {
                return End::Close(Close::STOPPING);
            }
        }
    }

    /// Passes on what an operation tells.
    async fn tell(&mut self, Told { number, id, what }: Told) -> Result<(), End> {
        match what {
            // What is left of one that the client has ended: another one may have its name by now.
            _ if !self.state.running.is_current(&id, number) => Ok(()),
            What::Follows => {
                self.state.running.follows(&id);
                if self.state.is_stopping {
                    self.state.stop();
                }
                Ok(())
            }
            What::Message(message) => {
                self.send(Message::Text(message.to_text().into())).await?;
                // It reads, if slowly: how long it may read nothing is watched elsewhere.
                self.state.is_silent = false;
                if message.is_end() {
                    self.state.running.end(&id);
                }
                Ok(())
            }
        }
    }

    /// Sends a message. Neither the end of the session nor the server's stop waits until the client has taken it.
    async fn send(&mut self, message: Message) -> Result<(), End> {
        let Self { socket, open, state, .. } = self;
        let mut sent = pin!(socket.send(message));
        loop {
            tokio::select! {
                biased;
                () = ended(&mut state.session) => return Err(End::Close(Close::RIGHTS_ENDED)),
                () = open.stopped(), if !state.is_stopping => {
                    state.stop();
                    if state.is_over() {
                        return Err(End::Close(Close::STOPPING));
                    }
                }
                sent = &mut sent => return sent.map_err(|_| End::Gone),
            }
        }
    }

    /// What to answer at once, if anything; or how the connection ends.
    async fn receive(&mut self, received: Option<Result<Message, axum::Error>>) -> Result<Option<ServerMessage>, End> {
        let text = match received {
            None => return Err(End::Gone),
            Some(Ok(Message::Close(_))) => return Err(End::Told),
            Some(Err(error)) => return Err(Close::of(&error).map_or(End::Gone, End::Close)),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(None),
            Some(Ok(Message::Binary(_))) => return Err(End::Close(Close::BINARY)),
            Some(Ok(Message::Text(text))) => text,
        };
        match ClientMessage::read(&text).map_err(|reason| End::Close(Close::bad_request(reason)))? {
            ClientMessage::ConnectionInit { payload } => {
                self.let_in(payload.unwrap_or_default()).await.map(Some).map_err(End::Close)
            }
            ClientMessage::Ping { payload } => Ok(Some(ServerMessage::Pong(payload))),
            ClientMessage::Pong { .. } => Ok(None),
            ClientMessage::Subscribe { id, payload } => self.begin(id, payload).map_err(End::Close),
            ClientMessage::Complete { id } => {
                self.state.running.end(&id);
                Ok(None)
            }
        }
    }

    async fn let_in(&mut self, payload: Map<String, Value>) -> Result<ServerMessage, Close> {
        if self.state.caller.is_some() {
            return Err(Close::TOO_MANY_INITS);
        }
        if self.is_foreign {
            return Err(Close::FORBIDDEN);
        }
        // They are not asked again, and what they are slices of is all that has come with the request.
        let (mut headers, extensions) = std::mem::take(&mut self.opening);
        add_headers(&mut headers, payload);
        // Apart: thousands of connections wait, and each is let in once.
        let identified = Box::pin(identify(&self.served, &headers, &extensions)).await;
        let identified = identified.map_err(Close::not_let_in)?;
        self.state.caller = Some(identified.caller.clone());
        self.state.session = Some(self.served.authenticator.watch(identified));
        Ok(ServerMessage::Ack)
    }

    /// Runs an operation.
    fn begin(&mut self, id: String, payload: Value) -> Result<Option<ServerMessage>, Close> {
        let Some(caller) = self.state.caller.clone() else { return Err(Close::UNAUTHORIZED) };
        if self.state.running.has(&id) {
            return Err(Close::exists(&id));
        }
        if self.state.is_stopping {
            let message = "the server stops; send it to another one";
            return Ok(Some(operation::refuse(id, Code::DatabaseUnavailable, message)));
        }
        let most = self.served.settings.streams.max_operations;
        if self.state.running.len() >= most {
            let message =
                format!("the connection runs {most} operations already, which is the most: end one, or open another");
            return Ok(Some(operation::refuse(id, Code::LimitExceeded, &message)));
        }
        let meter = match self.served.meter(Some(&caller), self.client) {
            Ok(meter) => meter,
            Err(limited) => return Ok(Some(operation::refuse_to_pay_for(id, &limited))),
        };
        let request = Request::from_json(payload).map_err(Close::bad_request)?.paid_with(meter);
        let operation = Operation { api: self.served.api.clone(), caller, request };
        let messages = self.messages.clone();
        self.state.running.begin(id.clone(), |number| {
            tokio::spawn(operation.run(Answers { number, id, messages }).in_current_span()).abort_handle()
        });
        Ok(None)
    }
}

impl State {
    fn stop(&mut self) {
        self.is_stopping = true;
        self.running.end_subscriptions();
    }

    /// Whether the server stops, and what has one answer was given it.
    fn is_over(&self) -> bool {
        self.is_stopping && self.running.is_empty()
    }
}

/// Waits until the caller may not stay any more.
async fn ended(session: &mut Option<OpenSession>) {
    match session {
        Some(session) => session.ended().await,
        None => std::future::pending().await,
    }
}

/// Tells the client the end, as long as that takes no longer than it may.
pub(super) async fn close(mut socket: WebSocket, end: &Close) {
    let frame = CloseFrame { code: end.code, reason: end.reason.as_ref().into() };
    // It may be gone already, or not take what was sent to it before.
    if matches!(timeout(CLOSE_TIMEOUT, socket.send(Message::Close(Some(frame)))).await, Ok(Ok(()))) {
        drain(socket).await;
    }
}

/// Waits until both sides have said that it is the end: until then the connection would be reset under what the client has yet to
/// read, and the answer to its own close would not be sent.
async fn drain(mut socket: WebSocket) {
    let drained = async { while let Some(Ok(_)) = socket.recv().await {} };
    let _ = timeout(CLOSE_TIMEOUT, drained).await;
}
