//! `/graphql/stream`: operations answered by server-sent events, as the distinct connections mode of GraphQL over SSE has it
//! (<https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md>).
//!
//! **Invariants:** each event of a subscription carries its cursor as its id, so that a browser that comes back goes on there by itself
//! (`Last-Event-ID`); what holds for requests at `/graphql` holds here; a stream that ends for a reason of ours ends without `complete`, so
//! that its client comes back.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{self, RawQuery, State};
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};

use super::client::ClientAddress;
use super::error::HttpError;
use super::graphql::{read_json, read_parameters, tell_left};
use super::identity::identify;
use super::request::RequestId;
use super::streams::OpenStream;
use super::{Served, accept, cache, explain, rate_limit};
use crate::access::{Identified, OpenSession};
use crate::code::Code;
use crate::events::place_of;
use crate::graphql::{Answer, Opened, Payload, Request, Subscription, errors_to_json, rights_ended};
use crate::rate_limit::{Limited, Meter};

/// An operation in a body.
pub(super) async fn post(
    State(served): State<Arc<Served>>,
    Extension(request_id): Extension<RequestId>,
    Extension(client): Extension<ClientAddress>,
    headers: HeaderMap,
    request: extract::Request,
) -> Result<Response, HttpError> {
    check_accept(&headers)?;
    explain::refuse(&headers)?;
    let identified = identify(&served, &headers, request.extensions()).await?;
    let meter = match served.meter(Some(&identified.caller), client) {
        Ok(meter) => meter,
        Err(limited) => return Ok(refuse(&served, &limited)),
    };
    let body = read_json(&served, &headers, request.into_body()).await?;
    let request = Request::from_json(body).map_err(HttpError::bad_request)?;
    Ok(respond(&served, request, (identified, meter), &headers, request_id).await)
}

/// An operation in the parameters of the address, as a browser's `EventSource` sends it.
pub(super) async fn get(
    State(served): State<Arc<Served>>,
    Extension(request_id): Extension<RequestId>,
    Extension(client): Extension<ClientAddress>,
    headers: HeaderMap,
    RawQuery(parameters): RawQuery,
    extensions: Extensions,
) -> Result<Response, HttpError> {
    check_accept(&headers)?;
    explain::refuse(&headers)?;
    let identified = identify(&served, &headers, &extensions).await?;
    let meter = match served.meter(Some(&identified.caller), client) {
        Ok(meter) => meter,
        Err(limited) => return Ok(refuse(&served, &limited)),
    };
    let request = read_parameters(&headers, parameters.as_deref(), &served.settings.origins)?;
    Ok(respond(&served, request, (identified, meter), &headers, request_id).await)
}

fn check_accept(headers: &HeaderMap) -> Result<(), HttpError> {
    if accept::takes_events(headers) {
        return Ok(());
    }
    let message =
        "This path answers with text/event-stream, which the request does not accept; /graphql answers with JSON.";
    Err(HttpError::new(StatusCode::NOT_ACCEPTABLE, Code::BadRequest, message))
}

async fn respond(
    served: &Served,
    request: Request,
    (identified, meter): (Identified, Option<Meter>),
    headers: &HeaderMap,
    RequestId(request_id): RequestId,
) -> Response {
    let request = match headers.get("last-event-id").map(|id| id.to_str().unwrap_or_default()) {
        None | Some("") => request,
        Some(id) => request.resume_after(id),
    };
    let open = served.streams.open();
    let caller = identified.caller.clone();
    let events = match served.api.open(request.paid_with(meter.clone()), caller, request_id).await {
        Opened::Answer(answer) => Events::once(&answer),
        Opened::Subscription(subscription) => {
            Events::Follow { subscription, open, session: served.authenticator.watch(identified) }
        }
    };
    tell_left(send(served, events), meter.as_ref())
}

/// Tells, as an event, that the caller cannot pay: a browser shows its page no other answer than a stream.
fn refuse(served: &Served, limited: &Limited) -> Response {
    let mut response = send(served, Events::once(&Answer::limited(limited)));
    rate_limit::tell(&mut response, &limited.standing);
    response
}

fn send(served: &Served, events: Events) -> Response {
    let keep_alive = KeepAlive::new().interval(served.settings.streams.ping_interval);
    let mut response = Sse::new(events.into_stream()).keep_alive(keep_alive).into_response();
    // A proxy must not wait until there is more.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    cache::forbid(response)
}

/// What is still to be sent.
enum Events {
    /// An answer, and the end.
    Once { body: String },
    /// The answers of a subscription.
    Follow { subscription: Box<Subscription>, open: OpenStream, session: OpenSession },
    /// The end.
    Complete,
    /// Nothing.
    Nothing,
}

impl Events {
    fn once(answer: &Answer) -> Self {
        Self::Once { body: String::from_utf8_lossy(&answer.body).into_owned() }
    }

    fn into_stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |events| async { events.next().await.map(|(event, rest)| (Ok(event), rest)) })
    }

    async fn next(self) -> Option<(Event, Self)> {
        match self {
            Self::Nothing => None,
            // Without data a browser would not tell of it, and no data at all is left out.
            Self::Complete => Some((Event::default().event("complete").data("\n"), Self::Nothing)),
            Self::Once { body } => Some((Event::default().event("next").data(body), Self::Complete)),
            Self::Follow { mut subscription, mut open, mut session } => {
                let next = tokio::select! {
                    // However much there is to tell: who may not stay is told nothing more.
                    biased;
                    () = session.ended() => Err(vec![rights_ended()]),
                    () = open.stopped() => return None,
                    next = subscription.next() => next,
                };
                Some(match next {
                    Ok(Payload { body, position }) => {
                        let event = Event::default().event("next").id(place_of(position)).data(&*body);
                        (event, Self::Follow { subscription, open, session })
                    }
                    Err(errors) => {
                        let body = format!("{{\"errors\":{}}}", errors_to_json(&errors));
                        // Without `complete`, which would be the end: the client comes back.
                        (Event::default().event("next").data(body), Self::Nothing)
                    }
                })
            }
        }
    }
}
