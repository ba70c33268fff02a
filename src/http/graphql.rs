//! `POST /graphql`: one request in a body of JSON.

use async_graphql::{Request, Variables};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::accept::ResponseType;
use super::error::HttpError;
use super::request::RequestId;
use crate::access::Caller;
use crate::code::Code;
use crate::graphql::Api;

/// The largest document that is parsed: it becomes many times as large.
const DOCUMENT_LIMIT_BYTES: usize = 1024 * 1024;

pub(super) async fn execute(
    State(api): State<Api>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, HttpError> {
    if !is_json(&headers) {
        let message = "The body must be JSON, with content-type: application/json.";
        return Err(HttpError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::UnsupportedMediaType, message));
    }
    let request = parse(&body.map_err(|rejection| refuse_body(&rejection))?)?;
    let response_type = ResponseType::wanted(&headers);
    let answer = api.execute(request, Caller::local_owner(), request_id).await;
    let status = match response_type {
        ResponseType::GraphqlResponse if !answer.has_data => StatusCode::BAD_REQUEST,
        ResponseType::GraphqlResponse | ResponseType::Json => StatusCode::OK,
    };
    Ok((status, [(header::CONTENT_TYPE, response_type.content_type())], answer.body).into_response())
}

/// A page of another site can send text or a form without asking the browser, but not this type.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let mut parts = value.split(';').map(str::trim);
    parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
                value.trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        })
}

fn refuse_body(rejection: &BytesRejection) -> HttpError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let message = "The body is larger than 8 MiB.";
        return HttpError::new(StatusCode::PAYLOAD_TOO_LARGE, Code::PayloadTooLarge, message);
    }
    HttpError::bad_request("The body could not be read to its end.")
}

fn parse(body: &[u8]) -> Result<Request, HttpError> {
    let body = serde_json::from_slice(body).map_err(|_| HttpError::bad_request("The body is not valid JSON."))?;
    let mut fields = match body {
        Value::Object(fields) => fields,
        Value::Array(_) => return Err(HttpError::bad_request("The body is a list: send one request at a time.")),
        _ => return Err(HttpError::bad_request("The body must be a JSON object with a `query`.")),
    };
    let Some(Value::String(query)) = fields.remove("query") else {
        return Err(HttpError::bad_request("`query` must be there, and a string."));
    };
    if query.len() > DOCUMENT_LIMIT_BYTES {
        let message = "The document is larger than 1 MiB; what is large belongs into variables.";
        return Err(HttpError::new(StatusCode::PAYLOAD_TOO_LARGE, Code::PayloadTooLarge, message));
    }
    let mut request = Request::new(query);
    match fields.remove("operationName") {
        None | Some(Value::Null) => {}
        // Clients send an empty name for a document with one operation.
        Some(Value::String(name)) if name.is_empty() => {}
        Some(Value::String(name)) => request = request.operation_name(name),
        Some(_) => return Err(HttpError::bad_request("`operationName` must be a string or null.")),
    }
    let variables = take_object(&mut fields, "variables", "`variables` must be an object or null.")?;
    let extensions = take_object(&mut fields, "extensions", "`extensions` must be an object or null.")?;
    for (name, value) in extensions {
        let value = async_graphql::Value::from_json(value)
            .map_err(|_| HttpError::bad_request("`extensions` cannot be read."))?;
        request.extensions.insert(name, value);
    }
    Ok(request.variables(Variables::from_json(Value::Object(variables))))
}

fn take_object(
    fields: &mut Map<String, Value>,
    name: &str,
    otherwise: &'static str,
) -> Result<Map<String, Value>, HttpError> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(object)) => Ok(object),
        Some(_) => Err(HttpError::bad_request(otherwise)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_becomes_a_request() {
        let request = parse(
            br#"{"query": "query A($x: Int) { a }", "operationName": "A", "variables": {"x": 1},
                 "extensions": {"k": {"v": 2}}, "unknown": []}"#,
        )
        .unwrap();
        assert_eq!(request.query, "query A($x: Int) { a }");
        assert_eq!(request.operation_name.as_deref(), Some("A"));
        assert_eq!(serde_json::to_string(&request.variables).unwrap(), r#"{"x":1}"#);
        assert_eq!(serde_json::to_string(&request.extensions).unwrap(), r#"{"k":{"v":2}}"#);
        let request =
            parse(br#"{"query": "{ a }", "operationName": null, "variables": null, "extensions": null}"#).unwrap();
        assert_eq!(request.operation_name, None);
        assert_eq!(parse(br#"{"query": "{ a }", "operationName": ""}"#).unwrap().operation_name, None);
    }

    #[test]
    fn charset_may_only_be_utf_8() {
        for (content_type, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=UTF-8", true),
            ("application/json;charset=\"utf-8\"", true),
            ("application/json; charset=latin1", false),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("application/jsonp", false),
            ("", false),
        ] {
            let headers = [(header::CONTENT_TYPE, content_type.parse().unwrap())].into_iter().collect();
            assert_eq!(is_json(&headers), expected, "{content_type}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
