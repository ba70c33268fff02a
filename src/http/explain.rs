//! The header that asks how a request is read.

use axum::http::HeaderMap;

use super::error::HttpError;
use crate::graphql::Request;

/// The header, of which [`ANALYZE`] is the only value.
pub(super) const HEADER: &str = "throughline-explain";
const ANALYZE: &[u8] = b"analyze";

/// Whether the request is to be explained.
///
/// # Errors
/// Where the header says something else: it is not passed over.
pub(super) fn is_asked_for(headers: &HeaderMap) -> Result<bool, HttpError> {
    match headers.get(HEADER) {
        None => Ok(false),
        Some(value) if value.as_bytes().eq_ignore_ascii_case(ANALYZE) => Ok(true),
        Some(_) => Err(HttpError::bad_request("Throughline-Explain must be `analyze`.")),
    }
}

/// Refuses the header where one request has many answers, and none of them could tell.
///
/// # Errors
/// Where it is there.
pub(super) fn refuse(headers: &HeaderMap) -> Result<(), HttpError> {
    if headers.contains_key(HEADER) {
        return Err(HttpError::bad_request("Throughline-Explain is for requests to /graphql, which have one answer."));
    }
    Ok(())
}

/// The request, which may be one to be explained.
pub(super) fn explained(request: Request, asked: bool) -> Request {
    if asked { request.explained() } else { request }
}
