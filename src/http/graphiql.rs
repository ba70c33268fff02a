//! `GET /graphql` in a browser: GraphiQL, with queries to begin with.
//!
//! **Invariant:** the page runs this server's script and the pinned files of one host, whose hashes it holds; a content
//! security policy keeps everything else out.

use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};

/// Where the page's own script is: a file of its own, so that no script may stand in the page.
pub(super) const SCRIPT_PATH: &str = "/graphiql.js";

const PAGE: &str = include_str!("graphiql.html");
const SCRIPT: &str = include_str!("graphiql.js");

/// The editor writes style attributes, and its style sheet holds its fonts as `data:`.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; \
    script-src 'self' https://cdn.jsdelivr.net/npm/; \
    style-src 'unsafe-inline' https://cdn.jsdelivr.net/npm/; \
    font-src data: https://cdn.jsdelivr.net/npm/; img-src 'self' data:; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn page() -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::VARY, HeaderValue::from_static("accept")),
    ];
    (headers, Html(PAGE)).into_response()
}

pub(super) async fn script() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT)
}
