//! What stands around every route: one step after the other in one place, since each layer of its own costs every request some
//! allocations.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::{HttpSettings, client, host, protect, request};
use crate::graphql::Api;
use crate::telemetry::Telemetry;

/// What is known of the server, whatever is asked of it.
#[derive(Default)]
pub(super) struct Around {
    telemetry: Telemetry,
    hosts: Vec<String>,
    trusted_proxies: usize,
}

impl Around {
    pub(super) fn of(api: &Api, settings: &HttpSettings) -> Self {
        let hosts = settings.allowed_hosts.clone();
        Self { telemetry: api.telemetry().clone(), hosts, trusted_proxies: settings.trusted_proxies }
    }
}

/// Gives a request its id and its client's address, if it is for this host, and its answer what every answer tells.
pub(super) async fn every_request(State(around): State<Arc<Around>>, request: Request, next: Next) -> Response {
    let is_pinned = protect::is_pinned(&request);
    let answered = request::identified(&around.telemetry, request, async |mut request| {
        if let Err(refused) = host::check(&around.hosts, &request) {
            return refused.into_response();
        }
        client::find(around.trusted_proxies, &mut request);
        next.run(request).await
    });
    let mut response = answered.await;
    protect::protect(&mut response, is_pinned);
    response
}
