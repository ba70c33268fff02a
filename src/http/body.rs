//! Reads a body to its end: within its limits, or not at all.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::StatusCode;

use super::HttpSettings;
use super::error::HttpError;
use crate::code::Code;

/// The whole body.
///
/// # Errors
/// Where it is too large, too slow, or ends too early.
pub(super) async fn read(body: Body, settings: &HttpSettings) -> Result<Bytes, HttpError> {
    let read = to_bytes(body, settings.max_body_bytes);
    match tokio::time::timeout(settings.body_timeout, read).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if is_too_large(&error) => {
            let message = "The body is larger than is allowed (--max-body-bytes).";
            Err(HttpError::new(StatusCode::PAYLOAD_TOO_LARGE, Code::PayloadTooLarge, message).closing())
        }
        Ok(Err(_)) => Err(HttpError::bad_request("The body could not be read to its end.")),
        Err(_) => {
            let message = "The body did not arrive in time.";
            Err(HttpError::new(StatusCode::REQUEST_TIMEOUT, Code::BodyTimeout, message).closing())
        }
    }
}

fn is_too_large(error: &axum::Error) -> bool {
    let cause = std::error::Error::source(error);
    cause.is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>)
}
