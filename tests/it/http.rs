//! What HTTP clients meet around GraphQL.

use reqwest::header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Backend, RunningServer, TestDatabase};

struct Client {
    server: RunningServer,
    _test: TestDatabase,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Client {
    async fn new() -> Self {
        let test = TestDatabase::new(Backend::Sqlite).await;
        Self { server: RunningServer::start(&test.url), _test: test }
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> Answer {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = client.request(method, format!("{}{path}", self.server.address)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        assert!(headers.contains_key("x-request-id"), "{path}");
        Answer { status, headers, text: response.text().await.unwrap() }
    }

    async fn post(&self, body: impl Into<reqwest::Body>) -> Answer {
        self.send("POST", "/graphql", &[JSON], body).await
    }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// Is a refusal with this code, in the form of a GraphQL response.
    #[track_caller]
    fn refuses(&self, status: u16, code: &str) {
        let body = self.json();
        assert_eq!(self.status, status, "{body}");
        assert_eq!(body["errors"][0]["extensions"]["code"], code, "{body}");
        assert!(body["errors"][0]["message"].is_string() && body.get("data").is_none(), "{body}");
        assert!(!self.text.contains("SECRET"), "it repeats what was sent: {body}");
    }
}

const JSON: (&str, &str) = ("content-type", "application/json");
const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");

#[tokio::test]
async fn a_request_is_answered_in_the_type_that_the_client_wants() {
    let client = Client::new().await;
    let good = r#"{"query": "query A { __typename } query B { b: __typename }", "operationName": "B"}"#;
    let answer = client.post(good).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({ "data": { "b": "Query" } })));
    assert_eq!(answer.headers[CONTENT_TYPE], "application/json; charset=utf-8");

    let newer = (ACCEPT.as_str(), "application/graphql-response+json, application/json;q=0.9");
    let answer = client.send("POST", "/graphql", &[JSON, newer], good).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers[CONTENT_TYPE], "application/graphql-response+json; charset=utf-8");

    // What cannot be run is an answer of GraphQL; only the newer type tells it by the status.
    let wrong = r#"{"query": "{ noSuchField }"}"#;
    let answer = client.post(wrong).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.json()["errors"][0]["message"].is_string());
    let answer = client.send("POST", "/graphql", &[JSON, newer], wrong).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let client = Client::new().await;
    for body in [
        "",
        "SECRET",
        "{\"query\": \"SECRET",
        "\u{feff}{}",
        "null",
        "1",
        "\"SECRET\"",
        "[]",
        "[{\"query\": \"{ a }\"}]",
        "{}",
        "{\"query\": null}",
        "{\"query\": [\"SECRET\"]}",
        "{\"query\": \"{ a }\", \"variables\": \"SECRET\"}",
        "{\"query\": \"{ a }\", \"variables\": [1]}",
        "{\"query\": \"{ a }\", \"operationName\": 7}",
        "{\"query\": \"{ a }\", \"extensions\": true}",
    ] {
        client.post(body).await.refuses(400, "BAD_REQUEST");
    }
    client.post(vec![b'"', 0xff, 0xfe, b'"']).await.refuses(400, "BAD_REQUEST");
    client.post("[".repeat(100_000)).await.refuses(400, "BAD_REQUEST");
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", ""] {
        let headers = [("content-type", content_type)];
        let answer = client.send("POST", "/graphql", &headers, r#"{"query": "{ __typename }"}"#).await;
        answer.refuses(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    client.send("POST", "/graphql", &[], "{}").await.refuses(415, "UNSUPPORTED_MEDIA_TYPE");
}

#[tokio::test]
async fn a_body_has_a_limit() {
    let client = Client::new().await;
    let request = |length: usize| {
        let empty = r#"{"query": "{ __typename }", "x": ""}"#;
        empty.replace("\"\"", &format!("\"{}\"", "x".repeat(length - empty.len())))
    };
    assert_eq!(client.post(request(8 * 1024 * 1024)).await.status, StatusCode::OK);
    client.post(request(8 * 1024 * 1024 + 1)).await.refuses(413, "PAYLOAD_TOO_LARGE");
    let document = |length: usize| format!(r#"{{"query": "{{ __typename }}{}"}}"#, " ".repeat(length - 14));
    assert_eq!(client.post(document(1024 * 1024)).await.status, StatusCode::OK);
    client.post(document(1024 * 1024 + 1)).await.refuses(413, "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn a_browser_gets_graphiql_and_others_are_told_to_post() {
    let client = Client::new().await;
    let page = client.send("GET", "/graphql", &[BROWSER], "").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.headers[CONTENT_TYPE], "text/html; charset=utf-8");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe-eval"), "{policy}");
    // Every file of another host is held to its hash, and no script stands in the page.
    let others = page.text.matches("https://").count();
    assert!(others > 3 && page.text.matches("integrity=\"sha384-").count() == others, "{}", page.text);
    assert_eq!(page.text.matches("<script").count(), page.text.matches("<script src=").count());
    let script = client.send("GET", "/graphiql.js", &[], "").await;
    assert_eq!(
        (script.status, &script.headers[CONTENT_TYPE]),
        (StatusCode::OK, &"text/javascript; charset=utf-8".parse().unwrap())
    );

    let answer = client.send("GET", "/graphql?query=%7BSECRET%7D", &[("accept", "*/*")], "").await;
    answer.refuses(405, "METHOD_NOT_ALLOWED");
    assert!(answer.headers[ALLOW].to_str().unwrap().contains("POST"));
    assert!(answer.text.contains("POST"), "{}", answer.text);

    let answer = client.send("GET", "/", &[BROWSER], "").await;
    assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(answer.headers[LOCATION], "/graphql");
}

#[tokio::test]
async fn unknown_paths_and_methods_are_refused() {
    let client = Client::new().await;
    client.send("GET", "/SECRET", &[], "").await.refuses(404, "NOT_FOUND");
    client.send("POST", "/graphql/SECRET", &[JSON], "{}").await.refuses(404, "NOT_FOUND");
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "SECRET"] {
        let answer = client.send(method, "/graphql", &[JSON], "{}").await;
        answer.refuses(405, "METHOD_NOT_ALLOWED");
        assert_eq!(answer.headers[ALLOW], "GET, HEAD, POST");
    }
    client.send("POST", "/", &[JSON], "{}").await.refuses(405, "METHOD_NOT_ALLOWED");
}

#[tokio::test]
async fn a_request_s_id_is_taken_over() {
    let client = Client::new().await;
    let answer = client.send("POST", "/graphql", &[JSON, ("x-request-id", "from-the-proxy")], "{}").await;
    assert_eq!(answer.headers["x-request-id"], "from-the-proxy");
    let answer = client.send("POST", "/graphql", &[JSON, ("x-request-id", "not an id")], "{}").await;
    assert_ne!(answer.headers["x-request-id"], "not an id");
}
