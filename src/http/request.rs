//! What every request gets: an id, a span in the log, and an answer even if its handler panics.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tracing::Instrument;
use uuid::Uuid;

use super::error::HttpError;
use crate::code::Code;
use crate::telemetry::Telemetry;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id under which the log, the audit and the answer tell of one request.
#[derive(Clone, Debug)]
pub(super) struct RequestId(pub(super) String);

impl RequestId {
    /// Takes over what a proxy or client sent if it can stand in a log line as it is, or makes one that sorts by time.
    fn of(request: &Request) -> Self {
        let sent = request.headers().get(&REQUEST_ID).and_then(|value| value.to_str().ok());
        let usable = |id: &&str| {
            (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        };
        Self(sent.filter(usable).map_or_else(|| Uuid::now_v7().to_string(), str::to_owned))
    }
}

/// Runs the request under its id.
pub(super) async fn identified(
    telemetry: &Telemetry,
    mut request: Request,
    run: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let id = RequestId::of(&request);
    request.extensions_mut().insert(id.clone());
    // Written out for each request, whether anything is logged in it or not: so it holds the id alone.
    let span = tracing::info_span!("request", request_id = id.0);
    #[cfg(feature = "otlp")]
    crate::telemetry::continue_trace(&span, request.headers());
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let began = Instant::now();
    async move {
        // The application's panic hook has logged it. What the handler shares with others is the pools, which roll back,
        // and no lock of ours is held over an await.
        let response = AssertUnwindSafe(run(request)).catch_unwind().await;
        let response = response.unwrap_or_else(|_| HttpError::internal(id.0.clone()).into_response());
        if let Some(code) = response.extensions().get::<Code>() {
            telemetry.count_refusal(*code);
        }
        #[cfg(feature = "otlp")]
        crate::telemetry::describe_request(&tracing::Span::current(), &method, uri.path(), response.status().as_u16());
        tracing::debug!(
            %method,
            path = uri.path(),
            status = response.status().as_u16(),
            duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "answered"
        );
        with_id(response, &id)
    }
    .instrument(span)
    .await
}

fn with_id(mut response: Response, id: &RequestId) -> Response {
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::http::StatusCode;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    fn panic_in_a_handler() -> StatusCode {
        panic!("the secret of the handler")
    }

    async fn answer_to(path: &str, sent_id: Option<&str>) -> (StatusCode, String, serde_json::Value) {
        let routes = Router::new()
            .route("/id", get(|axum::Extension(id): axum::Extension<RequestId>| async move { axum::Json(id.0) }))
            .route("/panic", get(|| async { panic_in_a_handler() }));
        let mut request = Request::get(path);
        if let Some(id) = sent_id {
            request = request.header(REQUEST_ID, id);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = crate::http::with_layers(routes, crate::http::Around::default()).oneshot(request).await.unwrap();
        let status = response.status();
        let id = response.headers()[REQUEST_ID].to_str().unwrap().to_owned();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, id, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_panic_is_answered_under_the_request_s_id() {
        let (status, id, body) = answer_to("/panic", Some("my-request")).await;
        assert_eq!((status, id.as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "my-request"));
        assert_eq!(
            body["errors"][0]["extensions"],
            serde_json::json!({ "code": "INTERNAL", "requestId": "my-request" })
        );
        assert!(!body.to_string().contains("secret"), "{body}");
    }

    #[tokio::test]
    async fn an_id_that_could_harm_a_log_is_replaced() {
        let longest = "x".repeat(64);
        for id in ["a", "0198f2c4-0000-7000-8000-000000000001", "A_b-9", &longest] {
            let (_, answered, seen) = answer_to("/id", Some(id)).await;
            assert_eq!((answered.as_str(), seen.as_str()), (id, Some(id)));
        }
        let too_long = "x".repeat(65);
        for id in [None, Some(""), Some("two words"), Some("id\tid"), Some("ü"), Some("<b>"), Some(&*too_long)] {
            let (_, answered, seen) = answer_to("/id", id).await;
            assert_eq!(Uuid::try_parse(&answered).unwrap().get_version_num(), 7, "{id:?}");
            assert_eq!(seen.as_str(), Some(&*answered));
        }
    }
}
