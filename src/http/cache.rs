//! What caches between us and a client may keep.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::accept::ResponseType;

/// Lets nobody keep the answer.
pub(super) fn forbid(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Lets the client keep the answer, if it asks each time whether it still holds; says so where it does.
pub(super) fn revalidate(sent: &HeaderMap, body: Vec<u8>, response_type: ResponseType) -> Response {
    let tag = tag_of(&body, response_type);
    let holds = sent
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value == "*" || value.split(',').any(|known| opaque(known.trim()) == opaque(&tag)));
    let mut response = if holds {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, response_type.content_type())], body).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// A tag without the mark that it is weak, by which tags are compared (RFC 9110, section 8.8.3.2).
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// The body's hash, which is another one for another type.
fn tag_of(body: &[u8], response_type: ResponseType) -> String {
    let hash = Sha256::new().chain_update(response_type.content_type()).chain_update(body).finalize();
    // Weak, since the answer may be sent compressed or not.
    format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(&hash[..16]))
}
