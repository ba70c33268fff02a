//! What browsers are told of every answer, so that other sites can do little with it.
//!
//! **Invariants:** an answer that says nothing else of it is kept by nobody, framed by nobody, and read by no other site that is not
//! listed; what a page says of itself stands.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

use super::host;

/// That a request has come over TLS.
#[derive(Clone, Copy, Debug)]
pub(super) struct OverTls;

/// What is no page asks for nothing, runs nothing, and stands in no other page.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
/// About as many as are added, so that there is room for them at once.
const HEADERS: usize = 8;
/// A year: as long as lists ask for that browsers bring along.
const TLS_ONLY: &str = "max-age=31536000";

/// Whether browsers are told to ask whom this request asks by TLS alone.
pub(super) fn is_pinned(request: &Request) -> bool {
    request.extensions().get::<OverTls>().is_some() && host::is_name(request)
}

/// Adds what an answer does not say itself.
pub(super) fn protect(response: &mut Response, is_pinned: bool) {
    let headers = response.headers_mut();
    headers.reserve(HEADERS);
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if is_pinned {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(TLS_ONLY));
    }
}
