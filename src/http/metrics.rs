//! `/metrics`, in Prometheus's text format.

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

use crate::graphql::Api;

pub(super) fn routes(api: Api) -> Router {
    Router::new().route("/metrics", get(metrics)).with_state(api)
}

async fn metrics(State(api): State<Api>) -> impl IntoResponse {
    let headers =
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (headers, api.telemetry().render(api.database()))
}
