//! HTTP: what stands between a connection and [`Api::execute`].
//!
//! **Invariants:** every answer carries the request's id, and every answer that is not a page is JSON in the form of a
//! GraphQL response; no answer repeats what was sent; a panic ends its own request only.

mod accept;
mod error;
mod graphiql;
mod graphql;
mod request;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware;
use axum::response::Redirect;
use axum::routing::get;

use self::error::HttpError;
use crate::code::Code;
use crate::graphql::Api;

/// The largest body that is read. A document with its variables is a few kilobytes, but the results of 10,000 tests, with what the
/// failed ones said, are some megabytes.
const BODY_LIMIT_BYTES: usize = 8 * 1024 * 1024;

/// Everything that is served.
pub fn router(api: Api) -> Router {
    let routes = Router::new()
        .route(GRAPHQL_PATH, get(graphiql::page).post(graphql::execute))
        .route(graphiql::SCRIPT_PATH, get(graphiql::script))
        .route("/", get(|| async { Redirect::temporary(GRAPHQL_PATH) }))
        .with_state(api);
    with_layers(routes)
}

/// Where GraphQL is.
const GRAPHQL_PATH: &str = "/graphql";

/// What holds for every route.
fn with_layers<S: Clone + Send + Sync + 'static>(routes: Router<S>) -> Router<S> {
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
        .layer(middleware::from_fn(request::identify))
}

fn not_allowed(_method: &Method, uri: &Uri) -> HttpError {
    let allowed = if uri.path() == GRAPHQL_PATH { "GET, HEAD, POST" } else { "GET, HEAD" };
    HttpError::new(StatusCode::METHOD_NOT_ALLOWED, Code::MethodNotAllowed, "This path does not take this method.")
        .allowing(allowed)
}
