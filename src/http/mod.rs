//! HTTP: what stands between a connection and [`Api::execute`].
//!
//! **Invariants:** every answer carries the request's id, and every answer that is not a page or an operator's is JSON in the form
//! of a GraphQL response; no answer repeats what was sent; a panic ends its own request only; a request whose first byte has
//! arrived is answered, even if the server is told to stop.

mod accept;
mod error;
mod graphiql;
mod graphql;
mod health;
mod metrics;
mod request;
mod serve;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware;
use axum::response::Redirect;
use axum::routing::get;

use self::error::HttpError;
pub use self::health::Health;
pub use self::serve::{ConnectionLimits, Stopped, serve};
use crate::code::Code;
use crate::graphql::Api;
use crate::telemetry::Telemetry;

/// The largest body that is read. A document with its variables is a few kilobytes, but the results of 10,000 tests, with what the
/// failed ones said, are some megabytes.
const BODY_LIMIT_BYTES: usize = 8 * 1024 * 1024;

/// GraphQL and GraphiQL, for an application of one's own.
pub fn router(api: Api) -> Router {
    let telemetry = api.telemetry().clone();
    with_layers(graphql_routes(api), telemetry)
}

/// [`router`], and what an operator asks for: `/health/live`, `/health/ready` and `/metrics`.
pub fn router_with_operations(api: Api, health: Health) -> Router {
    let telemetry = api.telemetry().clone();
    let routes = health::routes(health).merge(metrics::routes(api.clone()));
    with_layers(graphql_routes(api).merge(routes), telemetry)
}

fn graphql_routes(api: Api) -> Router {
    Router::new()
        .route(GRAPHQL_PATH, get(graphiql::page).post(graphql::execute))
        .route(graphiql::SCRIPT_PATH, get(graphiql::script))
        .route("/", get(|| async { Redirect::temporary(GRAPHQL_PATH) }))
        .with_state(api)
}

/// Where GraphQL is.
const GRAPHQL_PATH: &str = "/graphql";

/// What holds for every route.
fn with_layers<S: Clone + Send + Sync + 'static>(routes: Router<S>, telemetry: Telemetry) -> Router<S> {
    routes
        .fallback(|| async {
            HttpError::new(
                StatusCode::NOT_FOUND,
                Code::NotFound,
                "There is nothing at this path. GraphQL is at /graphql.",
            )
        })
        .method_not_allowed_fallback(|method: Method, uri: Uri| async move { not_allowed(&method, &uri) })
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .layer(middleware::from_fn_with_state(telemetry, request::identify))
}

fn not_allowed(_method: &Method, uri: &Uri) -> HttpError {
    let allowed = if uri.path() == GRAPHQL_PATH { "GET, HEAD, POST" } else { "GET, HEAD" };
    HttpError::new(StatusCode::METHOD_NOT_ALLOWED, Code::MethodNotAllowed, "This path does not take this method.")
        .allowing(allowed)
}
