//! The answers to requests that never reach the schema, in the form of a GraphQL response.

use std::borrow::Cow;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::rate_limit;
use crate::code::Code;
use crate::rate_limit::Limited;

/// A refusal: its text is one of ours, so that it repeats nothing of the request.
#[derive(Debug)]
pub(super) struct HttpError {
    status: StatusCode,
    code: Code,
    message: Cow<'static, str>,
    allow: Option<&'static str>,
    /// How the client can say who it is.
    challenge: Option<&'static str>,
    /// Whether the connection ends, since what still comes on it would have to be read.
    closes: bool,
    /// What the client cannot pay for.
    limited: Option<Box<Limited>>,
    request_id: Option<String>,
}

impl HttpError {
    pub(super) fn new(status: StatusCode, code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        Self { status, code, message, allow: None, challenge: None, closes: false, limited: None, request_id: None }
    }

    /// The body is JSON or not even that, but not a request.
    pub(super) fn bad_request(message: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Code::BadRequest, message)
    }

    /// No route has the path.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, Code::NotFound, "There is nothing at this path. GraphQL is at /graphql.")
    }

    /// A fault of ours; the log tells more under the request's id.
    pub(super) fn internal(request_id: String) -> Self {
        let message = Code::Internal.constant_message().unwrap_or_default();
        Self { request_id: Some(request_id), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal, message) }
    }

    /// Nobody knows who asks, and too many have asked so from the same address.
    pub(super) fn limited(by: Limited) -> Self {
        let message = "Too many requests from this address did not say who sends them, or wrongly.";
        Self { limited: Some(Box::new(by)), ..Self::new(StatusCode::TOO_MANY_REQUESTS, Code::RateLimited, message) }
    }

    /// What is said.
    pub(super) fn into_message(self) -> Cow<'static, str> {
        self.message
    }

    /// Whether it is our fault, or the database's.
    pub(super) fn is_ours(&self) -> bool {
        self.status.is_server_error()
    }

    /// Ends the connection.
    pub(super) fn closing(self) -> Self {
        Self { closes: true, ..self }
    }

    /// Tells how the client can say who it is.
    pub(super) fn challenging(self, challenge: &'static str) -> Self {
        Self { challenge: Some(challenge), ..self }
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
        if let Some(limited) = &self.limited {
            extensions["retryAfter"] = limited.retry_after_s().into();
        }
        let body = json!({ "errors": [{ "message": self.message, "extensions": extensions }] });
        let mut response = (self.status, axum::Json(body)).into_response();
        // For whoever counts.
        response.extensions_mut().insert(self.code);
        if let Some(methods) = self.allow {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(methods));
        }
        if let Some(challenge) = self.challenge {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(limited) = &self.limited {
            rate_limit::tell(&mut response, &limited.standing);
            rate_limit::tell_wait(&mut response, limited.retry_after_s());
        }
        if self.closes {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
