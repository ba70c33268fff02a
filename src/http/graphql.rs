//! `/graphql`: requests in a body of JSON or in the parameters of an address, as GraphQL over HTTP has it
//! (<https://graphql.github.io/graphql-over-http/draft/>).
//!
//! **Invariants:** nothing is changed by a request that a page of another site can send without asking the browser: a body is
//! read only if it is said to be JSON, and GET runs nothing but queries; a request that is not understood runs nothing.

use std::sync::Arc;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::accept::{ResponseType, wants_page};
use super::body::read;
use super::client::ClientAddress;
use super::error::HttpError;
use super::identity::identify;
use super::request::RequestId;
use super::{Origins, Served, cache, explain, graphiql, rate_limit};
use crate::access::Caller;
use crate::code::Code;
use crate::database::WalPosition;
use crate::graphql::{Answer, Request};
use crate::rate_limit::Meter;

/// A request in a body, or a list of them where that is allowed.
pub(super) async fn post(
    State(served): State<Arc<Served>>,
    Extension(request_id): Extension<RequestId>,
    Extension(client): Extension<ClientAddress>,
    request: axum::extract::Request,
) -> Result<Response, HttpError> {
    let (Parts { headers, extensions, .. }, body) = request.into_parts();
    let caller = identify(&served, &headers, &extensions).await?.caller;
    let response_type = ResponseType::wanted(&headers);
    let meter = match served.meter(Some(&caller), client) {
        Ok(meter) => meter,
        Err(limited) => return Ok(rate_limit::refuse(&limited, response_type)),
    };
    let explains = explain::is_asked_for(&headers)?;
    let min_position = min_position(&headers)?;
    let asked = Asked { served: &served, caller, client, request_id: &request_id.0, min_position, explains };
    let response = match Sent::read(&read_bytes(&served, &headers, body).await?)? {
        Sent::One(request) => respond(asked.execute(request, meter.clone()).await, response_type),
        Sent::List(requests) => Box::pin(asked.batch(requests, meter.clone(), response_type)).await?,
    };
    Ok(cache::forbid(tell_left(response, meter.as_ref())))
}

/// A query in the parameters of the address; in a browser, GraphiQL.
pub(super) async fn get(
    State(served): State<Arc<Served>>,
    Extension(request_id): Extension<RequestId>,
    Extension(client): Extension<ClientAddress>,
    headers: HeaderMap,
    RawQuery(parameters): RawQuery,
    extensions: Extensions,
) -> Result<Response, HttpError> {
    if wants_page(&headers) {
        return Ok(graphiql::page(&headers));
    }
    let caller = identify(&served, &headers, &extensions).await?.caller;
    let response_type = ResponseType::wanted(&headers);
    let meter = match served.meter(Some(&caller), client) {
        Ok(meter) => meter,
        Err(limited) => return Ok(rate_limit::refuse(&limited, response_type)),
    };
    let request = read_parameters(&headers, parameters.as_deref(), &served.settings.origins)?;
    let explains = explain::is_asked_for(&headers)?;
    let is_persisted = request.is_persisted();
    let min_position = min_position(&headers)?;
    let asked = Asked { served: &served, caller, client, request_id: &request_id.0, min_position, explains };
    let answer = asked.execute(request, meter.clone()).await;
    let response = if is_persisted && answer.is_whole() && !explains {
        cache::revalidate(&headers, answer.body, response_type)
    } else {
        cache::forbid(respond(answer, response_type))
    };
    Ok(tell_left(response, meter.as_ref()))
}

/// What a body holds.
enum Sent {
    One(Request),
    List(Vec<Value>),
}

impl Sent {
    fn read(body: &[u8]) -> Result<Self, HttpError> {
        if let Some(request) = Request::from_plain_json(body) {
            return Ok(Self::One(request));
        }
        Ok(match parse_json(body)? {
            Value::Array(requests) => Self::List(requests),
            request => Self::One(Request::from_json(request).map_err(HttpError::bad_request)?),
        })
    }
}

/// The JSON of a body, if it is sent as that.
pub(super) async fn read_json(served: &Served, headers: &HeaderMap, body: Body) -> Result<Value, HttpError> {
    parse_json(&read_bytes(served, headers, body).await?)
}

async fn read_bytes(served: &Served, headers: &HeaderMap, body: Body) -> Result<Bytes, HttpError> {
    if !is_json(headers) {
        let message = "The body must be JSON, with content-type: application/json.";
        return Err(HttpError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::UnsupportedMediaType, message));
    }
    read(body, &served.settings).await
}

fn parse_json(body: &[u8]) -> Result<Value, HttpError> {
    serde_json::from_slice(body).map_err(|_| HttpError::bad_request("The body is not valid JSON."))
}

/// The request in the parameters of an address, which changes nothing.
pub(super) fn read_parameters(
    headers: &HeaderMap,
    parameters: Option<&str>,
    origins: &Origins,
) -> Result<Request, HttpError> {
    if is_cross_site(headers) && !origins.let_in(headers) {
        let message = "A page of another site must send a header that browsers ask about first, such as \
            apollo-require-preflight, or use POST.";
        return Err(HttpError::new(StatusCode::FORBIDDEN, Code::CrossSiteRequest, message));
    }
    let request = parse_parameters(parameters.unwrap_or_default())?;
    Ok(Request::from_json(request).map_err(HttpError::bad_request)?.only_safe())
}

/// Who asks, of what, and under which id.
struct Asked<'s> {
    served: &'s Served,
    caller: Caller,
    client: ClientAddress,
    request_id: &'s str,
    /// What its reads must see.
    min_position: Option<WalPosition>,
    /// Whether the answers tell how they were read.
    explains: bool,
}

impl Asked<'_> {
    async fn execute(&self, request: Request, meter: Option<Meter>) -> Answer {
        let mut request = explain::explained(request.paid_with(meter), self.explains);
        if let Some(position) = self.min_position {
            request = request.min_position(position);
        }
        self.served.api.execute(request, self.caller.clone(), self.request_id.to_owned()).await
    }

    /// A list of requests: one after the other, since a later one may want to see what an earlier one has changed. The first is paid for
    /// already.
    async fn batch(
        &self,
        requests: Vec<Value>,
        meter: Option<Meter>,
        response_type: ResponseType,
    ) -> Result<Response, HttpError> {
        let most = self.served.settings.max_batch;
        if most == 0 {
            return Err(HttpError::bad_request("The body is a list: send one request at a time."));
        }
        if requests.is_empty() || requests.len() > most {
            return Err(HttpError::bad_request("The list of requests is empty, or longer than is allowed."));
        }
        let requests: Result<Vec<_>, _> = requests.into_iter().map(Request::from_json).collect();
        let mut body = Vec::from(b"[");
        let mut paid = Some(meter);
        for request in requests.map_err(HttpError::bad_request)? {
            if body.len() > 1 {
                body.push(b',');
            }
            let meter = paid.take().map_or_else(|| self.served.meter(Some(&self.caller), self.client), Ok);
            let answer = match meter {
                Ok(meter) => self.execute(request, meter).await,
                Err(limited) => Answer::limited(&limited),
            };
            body.extend_from_slice(&answer.body);
        }
        body.push(b']');
        Ok(([(header::CONTENT_TYPE, response_type.content_type())], body).into_response())
    }
}

/// What the reads of a request must see, where a header says so: the position of a mutation.
fn min_position(headers: &HeaderMap) -> Result<Option<WalPosition>, HttpError> {
    let Some(value) = headers.get(MIN_POSITION) else { return Ok(None) };
    let position = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    position.map(Some).ok_or_else(|| {
        HttpError::bad_request(
            "The header throughline-min-position must be a position, as `extensions.position` of a mutation gives it.",
        )
    })
}

const MIN_POSITION: &str = "throughline-min-position";

/// Tells what the caller has left, where there is a limit.
pub(super) fn tell_left(mut response: Response, meter: Option<&Meter>) -> Response {
    if let Some(meter) = meter {
        rate_limit::tell(&mut response, &meter.standing());
    }
    response
}

/// The answer with its status: 200 for what ran; where nothing did, the newer type tells by it whose fault that is, and the
/// older one 200 nevertheless, since its clients would not look at the body otherwise.
pub(super) fn respond(answer: Answer, response_type: ResponseType) -> Response {
    let status = match answer.refusal {
        _ if answer.has_data => StatusCode::OK,
        Some(Code::MethodNotAllowed) => StatusCode::METHOD_NOT_ALLOWED,
        Some(Code::RateLimited) => StatusCode::TOO_MANY_REQUESTS,
        Some(code) if code.is_ours() && response_type == ResponseType::GraphqlResponse => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ if response_type == ResponseType::GraphqlResponse => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    let wait = answer.retry_after_s;
    let mut response = (status, [(header::CONTENT_TYPE, response_type.content_type())], answer.body).into_response();
    if let Some(seconds) = wait {
        rate_limit::tell_wait(&mut response, seconds);
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

/// A page of another site can send text or a form without asking the browser, but not this type.
fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next().and_then(|value| value.to_str().ok()), values.next()) else {
        return false;
    };
    let mut parts = value.split(';').map(str::trim);
    parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
                value.trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        })
}

/// Headers that a page of another site can only send after the browser has asked us.
const PREFLIGHTED: [&str; 3] = ["apollo-require-preflight", "x-apollo-operation-name", "graphql-require-preflight"];

/// Whether a browser says that a page of another site has sent the request, without having asked us.
fn is_cross_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    matches!(site, Some("cross-site" | "same-site")) && !PREFLIGHTED.iter().any(|name| headers.contains_key(*name))
}

/// The request that stands in the parameters of an address, as it would in a body.
fn parse_parameters(parameters: &str) -> Result<Value, HttpError> {
    let mut request = Map::new();
    for (name, value) in form_urlencoded::parse(parameters.as_bytes()) {
        // What is no UTF-8 was replaced.
        if value.contains(char::REPLACEMENT_CHARACTER) {
            return Err(HttpError::bad_request("The parameters are not UTF-8."));
        }
        let value = match &*name {
            "variables" | "extensions" if value.is_empty() => Value::Null,
            "variables" | "extensions" => serde_json::from_str(&value)
                .map_err(|_| HttpError::bad_request("`variables` and `extensions` must be JSON."))?,
            _ => Value::String(value.into_owned()),
        };
        if request.insert(name.into_owned(), value).is_some() {
            return Err(HttpError::bad_request("A parameter is there twice."));
        }
    }
    Ok(Value::Object(request))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charset_may_only_be_utf_8() {
        for (content_type, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=UTF-8", true),
            ("application/json;charset=\"utf-8\"", true),
            ("application/json; charset=latin1", false),
            ("text/plain", false),
            ("text/plain; application/json", false),
            ("application/x-www-form-urlencoded", false),
            ("application/jsonp", false),
            ("", false),
        ] {
            let headers = [(header::CONTENT_TYPE, content_type.parse().unwrap())].into_iter().collect();
            assert_eq!(is_json(&headers), expected, "{content_type}");
        }
        assert!(!is_json(&HeaderMap::new()));
        let mut headers = HeaderMap::new();
        for value in ["application/json", "text/plain"] {
            headers.append(header::CONTENT_TYPE, value.parse().unwrap());
        }
        assert!(!is_json(&headers));
    }

    #[test]
    fn parameters_are_a_request() {
        let parsed = parse_parameters("query=%7B+a%20%7D&variables=%7B%22x%22%3A1%7D&extensions=&operationName=A");
        assert_eq!(
            parsed.unwrap(),
            serde_json::json!({ "query": "{ a }", "variables": { "x": 1 }, "extensions": null, "operationName": "A" })
        );
        for wrong in ["query=%ff", "variables=%7B", "query=a&query=b"] {
            assert!(parse_parameters(wrong).is_err(), "{wrong}");
        }
    }
}
