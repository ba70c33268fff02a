//! HTTP: what stands between a connection and [`Api::execute`].
//!
//! **Invariants:** every answer carries the request's id, and every answer that is not a page or an operator's is JSON in the form
//! of a GraphQL response; no answer repeats what was sent; a panic ends its own request only; a request whose first byte has
//! arrived is answered, even if the server is told to stop.

mod accept;
mod body;
mod cache;
mod error;
mod graphiql;
mod graphql;
mod health;
mod host;
mod metrics;
mod request;
mod serve;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::OriginalUri;
use axum::http::{StatusCode, Uri};
use axum::middleware;
use axum::response::Redirect;
use axum::routing::get;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;

use self::error::HttpError;
pub use self::health::Health;
pub use self::host::LOOPBACK_HOSTS;
pub use self::serve::{ConnectionLimits, Stopped, serve};
use crate::code::Code;
use crate::graphql::Api;
use crate::telemetry::Telemetry;

/// What is read of a request, and for how long.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// The largest body that is read.
    pub max_body_bytes: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// The most requests in one list; none where it is 0.
    pub max_batch: usize,
    /// The names under which the server may be asked, without ports; any where there are none.
    pub allowed_hosts: Vec<String>,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            max_body_bytes: 1024 * 1024,
            body_timeout: Duration::from_secs(10),
            max_batch: 0,
            allowed_hosts: Vec::new(),
        }
    }
}

/// What the routes share.
#[derive(Clone)]
struct Served {
    api: Api,
    settings: HttpSettings,
}

/// The smallest answer that is worth compressing.
const COMPRESSED_FROM_BYTES: u16 = 1024;

/// GraphQL and GraphiQL, for an application of one's own.
pub fn router(api: Api, settings: HttpSettings) -> Router {
    let telemetry = api.telemetry().clone();
    let hosts = settings.allowed_hosts.clone().into();
    with_layers(graphql_routes(api, settings), telemetry, hosts)
}

/// [`router`], and what an operator asks for: `/health/live`, `/health/ready` and `/metrics`.
pub fn router_with_operations(api: Api, settings: HttpSettings, health: Health) -> Router {
    let telemetry = api.telemetry().clone();
    let hosts = settings.allowed_hosts.clone().into();
    let routes = health::routes(health).merge(metrics::routes(api.clone()));
    with_layers(graphql_routes(api, settings).merge(routes), telemetry, hosts)
}

fn graphql_routes(api: Api, settings: HttpSettings) -> Router {
    Router::new()
        .route(GRAPHQL_PATH, get(graphql::get).post(graphql::post))
        .route(graphiql::SCRIPT_PATH, get(graphiql::script))
        .route("/", get(to_graphql))
        .with_state(Served { api, settings })
        .layer(CompressionLayer::new().compress_when(SizeAbove::new(COMPRESSED_FROM_BYTES.into())))
}

/// To where GraphQL is, in whatever application and below whatever path the routes are.
async fn to_graphql(OriginalUri(uri): OriginalUri) -> Redirect {
    Redirect::temporary(&format!("{}{GRAPHQL_PATH}", uri.path().trim_end_matches('/')))
}

/// Where GraphQL is.
const GRAPHQL_PATH: &str = "/graphql";

/// What holds for every route.
fn with_layers<S: Clone + Send + Sync + 'static>(
    routes: Router<S>,
    telemetry: Telemetry,
    hosts: Arc<[String]>,
) -> Router<S> {
    routes
        .fallback(|| async {
            HttpError::new(
                StatusCode::NOT_FOUND,
                Code::NotFound,
                "There is nothing at this path. GraphQL is at /graphql.",
            )
        })
        .method_not_allowed_fallback(|uri: Uri| async move { not_allowed(&uri) })
        .layer(middleware::from_fn_with_state(hosts, host::check))
        .layer(middleware::from_fn_with_state(telemetry, request::identify))
}

fn not_allowed(uri: &Uri) -> HttpError {
    let allowed = if uri.path() == GRAPHQL_PATH { "GET, HEAD, POST" } else { "GET, HEAD" };
    HttpError::new(StatusCode::METHOD_NOT_ALLOWED, Code::MethodNotAllowed, "This path does not take this method.")
        .allowing(allowed)
}
