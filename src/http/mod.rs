//! HTTP: what stands between a connection and [`Api::execute`].
//!
//! **Invariants:** every answer carries the request's id, and every answer that is not a page, an operator's or a stream is JSON in
//! the form of a GraphQL response; no answer repeats what was sent; a panic ends its own request only; a request whose first byte has
//! arrived is answered, even if the server is told to stop.

mod accept;
mod around;
mod body;
mod cache;
mod client;
mod connection;
mod error;
mod explain;
mod graphiql;
mod graphql;
mod health;
mod host;
mod identity;
mod metrics;
mod origin;
mod poll_again;
mod protect;
mod rate_limit;
mod request;
mod serve;
mod sse;
mod streams;
mod tls;
mod websocket;

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

use self::around::Around;
use self::error::HttpError;
pub use self::health::Health;
pub use self::host::LOOPBACK_HOSTS;
pub use self::origin::{NoOrigin, Origins};
pub use self::serve::{ConnectionLimits, Stopped, serve};
pub use self::streams::Streams;
pub use self::tls::{Tls, TlsError};
use crate::access::jwt::Verifier;
use crate::access::{Authenticator, Unidentified};
use crate::code::Code;
use crate::graphql::Api;

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
    /// The origins of other sites whose pages may ask.
    pub origins: Origins,
    /// How many proxies stand before the server, each of which says in `X-Forwarded-For` who has asked it.
    pub trusted_proxies: usize,
    /// What becomes of requests that do not say who sends them.
    pub unidentified: Unidentified,
    /// What holds for WebSockets and event streams.
    pub streams: StreamLimits,
    /// What tokens of another issuer are checked with; none are taken without.
    pub verifier: Option<Verifier>,
}

/// What holds for connections that stay open.
#[derive(Clone, Debug)]
pub struct StreamLimits {
    /// How long a client may take to begin, once it has a WebSocket.
    pub init_timeout: Duration,
    /// How often it is told that the server is there, and has to tell so itself.
    pub ping_interval: Duration,
    /// The most operations that run at once on one WebSocket.
    pub max_operations: usize,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self { init_timeout: Duration::from_secs(3), ping_interval: Duration::from_secs(15), max_operations: 100 }
    }
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            max_body_bytes: 1024 * 1024,
            body_timeout: Duration::from_secs(10),
            max_batch: 0,
            allowed_hosts: Vec::new(),
            origins: Origins::default(),
            trusted_proxies: 0,
            unidentified: Unidentified::default(),
            streams: StreamLimits::default(),
            verifier: None,
        }
    }
}

/// What the routes share.
struct Served {
    api: Api,
    authenticator: Authenticator,
    settings: HttpSettings,
    streams: Streams,
}

/// The smallest answer that is worth compressing.
const COMPRESSED_FROM_BYTES: u16 = 1024;

/// GraphQL and GraphiQL, for an application of one's own. Its `streams` end when they are told to.
pub fn router(api: Api, settings: HttpSettings, streams: Streams) -> Router {
    let around = Around::of(&api, &settings);
    with_layers(graphql_routes(api, settings, streams), around)
}

/// [`router`], and what an operator asks for: `/health/live`, `/health/ready` and `/metrics`.
pub fn router_with_operations(api: Api, settings: HttpSettings, health: Health, streams: Streams) -> Router {
    let around = Around::of(&api, &settings);
    let routes = health::routes(health).merge(metrics::routes(api.clone()));
    with_layers(graphql_routes(api, settings, streams).merge(routes), around)
}

fn graphql_routes(api: Api, settings: HttpSettings, streams: Streams) -> Router {
    let cors = settings.origins.layer();
    let issuer = settings.verifier.clone();
    let authenticator = Authenticator::new(api.database().clone(), settings.unidentified, issuer);
    let served = Arc::new(Served { api, authenticator, settings, streams });
    // What is compressed waits until there is more of it.
    let streams = Router::new()
        .route(WEBSOCKET_PATH, get(websocket::upgrade))
        .route(SSE_PATH, get(sse::get).post(sse::post))
        .with_state(served.clone());
    let routes = Router::new()
        .route(GRAPHQL_PATH, get(graphql::get).post(graphql::post))
        .route("/", get(to_graphql))
        .with_state(served)
        .layer(CompressionLayer::new().compress_when(SizeAbove::new(COMPRESSED_FROM_BYTES.into())))
        // These are kept compressed.
        .route(graphiql::ASSETS_PATH, get(graphiql::asset))
        .merge(streams);
    // A browser asks with a method that no route takes: what answers it must stand before the answer that says so.
    match cors {
        Some(cors) => routes.method_not_allowed_fallback(refuse_method).layer(cors),
        None => routes,
    }
}

/// To where GraphQL is, in whatever application and below whatever path the routes are.
async fn to_graphql(OriginalUri(uri): OriginalUri) -> Redirect {
    Redirect::temporary(&format!("{}{GRAPHQL_PATH}", uri.path().trim_end_matches('/')))
}

/// Where GraphQL is.
const GRAPHQL_PATH: &str = "/graphql";
/// Where operations go over a WebSocket.
const WEBSOCKET_PATH: &str = "/graphql/ws";
/// Where they are answered by server-sent events.
const SSE_PATH: &str = "/graphql/stream";

/// What holds for every route.
fn with_layers<S: Clone + Send + Sync + 'static>(routes: Router<S>, around: Around) -> Router<S> {
    routes
        .fallback(|| async { HttpError::not_found() })
        .method_not_allowed_fallback(refuse_method)
        .layer(middleware::from_fn_with_state(Arc::new(around), around::every_request))
}

async fn refuse_method(uri: Uri) -> HttpError {
    let takes_post = [GRAPHQL_PATH, SSE_PATH].contains(&uri.path());
    let allowed = if takes_post { "GET, HEAD, POST" } else { "GET, HEAD" };
    HttpError::new(StatusCode::METHOD_NOT_ALLOWED, Code::MethodNotAllowed, "This path does not take this method.")
        .allowing(allowed)
}
