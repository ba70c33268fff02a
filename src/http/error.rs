//! The answers to requests that never reach the schema, in the form of a GraphQL response.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::code::Code;

/// A refusal: its text is constant, so that it repeats nothing of the request.
#[derive(Debug)]
pub(super) struct HttpError {
    status: StatusCode,
    code: Code,
    message: &'static str,
    allow: Option<&'static str>,
    /// Whether the connection ends, since what still comes on it would have to be read.
    closes: bool,
    request_id: Option<String>,
}

impl HttpError {
    pub(super) fn new(status: StatusCode, code: Code, message: &'static str) -> Self {
        Self { status, code, message, allow: None, closes: false, request_id: None }
    }

    /// The body is JSON or not even that, but not a request.
    pub(super) fn bad_request(message: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Code::BadRequest, message)
    }

    /// A fault of ours; the log tells more under the request's id.
    pub(super) fn internal(request_id: String) -> Self {
        let message = Code::Internal.constant_message().unwrap_or_default();
        Self { request_id: Some(request_id), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal, message) }
    }

    /// Ends the connection.
    pub(super) fn closing(self) -> Self {
        Self { closes: true, ..self }
    }

    /// Tells the methods that the path takes.
    pub(super) fn allowing(self, methods: &'static str) -> Self {
        Self { allow: Some(methods), ..self }
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let mut extensions = json!({ "code": self.code.as_str() });
        if let Some(request_id) = self.request_id {
            extensions["requestId"] = request_id.into();
        }
        let body = json!({ "errors": [{ "message": self.message, "extensions": extensions }] });
        let mut response = (self.status, axum::Json(body)).into_response();
        // For whoever counts.
        response.extensions_mut().insert(self.code);
        if let Some(methods) = self.allow {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(methods));
        }
        if self.closes {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
