//! What HTTP clients meet around GraphQL.

use reqwest::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, VARY};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Backend, RunningServer, TestDatabase, program};

pub(crate) struct Client {
    server: RunningServer,
    _test: TestDatabase,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Client {
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// Of a server with these settings.
    pub(crate) async fn with(settings: &[&str]) -> Self {
        let test = TestDatabase::new(Backend::Sqlite).await;
        let mut command = program();
        command.args(["serve", "--listen", "127.0.0.1:0", "--database", &test.url]).args(settings);
        Self { server: RunningServer::start_with(&mut command), _test: test }
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Answer {
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
    pub(crate) fn refuses(&self, status: u16, code: &str) {
        let body = self.json();
        assert_eq!(self.status, status, "{body}");
        assert_eq!(body["errors"][0]["extensions"]["code"], code, "{body}");
        assert!(body["errors"][0]["message"].is_string() && body.get("data").is_none(), "{body}");
        assert!(!self.text.contains("SECRET"), "it repeats what was sent: {body}");
    }
}

const JSON: (&str, &str) = ("content-type", "application/json");
pub(crate) const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");

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
    assert_eq!(client.post(request(1024 * 1024)).await.status, StatusCode::OK);
    client.post(request(1024 * 1024 + 1)).await.refuses(413, "PAYLOAD_TOO_LARGE");
    let test = TestDatabase::new(Backend::Sqlite).await;
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--max-body-bytes", "2000000", "--database", &test.url]);
    let client = Client { server: RunningServer::start_with(&mut command), _test: test };
    assert_eq!(client.post(request(2_000_000)).await.status, StatusCode::OK);
    client.post(request(2_000_001)).await.refuses(413, "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn who_is_no_browser_is_told_what_to_send() {
    let client = Client::new().await;
    client.send("GET", "/graphql", &[("accept", "*/*")], "").await.refuses(400, "BAD_REQUEST");
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

#[tokio::test]
async fn a_query_may_be_sent_with_get_and_nothing_else() {
    let client = Client::new().await;
    let newer = ("accept", "application/graphql-response+json");
    let path =
        "/graphql?query=query(%24n%3AString!)%7B__type(name%3A%24n)%7Bname%7D%7D&variables=%7B%22n%22%3A%22Node%22%7D";
    let answer = client.send("GET", path, &[newer], "").await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({ "data": { "__type": { "name": "Node" } } })));
    assert_eq!(answer.headers[CACHE_CONTROL], "no-store");
    assert_eq!(client.send("HEAD", path, &[newer], "").await.text, "");
    for accept in ["*/*", "application/json", "application/graphql-response+json"] {
        let path = "/graphql?query=mutation%7BcreateProject(input%3A%7Bname%3A%22SECRET%22%7D)%7Bversion%7D%7D";
        let answer = client.send("GET", path, &[("accept", accept)], "").await;
        answer.refuses(405, "METHOD_NOT_ALLOWED");
        assert_eq!(answer.headers[ALLOW], "POST");
    }
    let read = client.post(r#"{"query": "{ projects { totalCount } }"}"#).await;
    assert_eq!(read.json(), json!({ "data": { "projects": { "totalCount": 0 } } }));
    for path in ["?query=%FF", "?query=%7Ba%7D&query=%7Bb%7D", "?query=%7Ba%7D&variables=%7B", "?variables=%7B%7D"] {
        client.send("GET", &format!("/graphql{path}"), &[newer], "").await.refuses(400, "BAD_REQUEST");
    }
}

#[tokio::test]
async fn a_page_of_another_site_can_change_nothing() {
    let client = Client::new().await;
    let mutation = r#"{"query": "mutation { createProject(input: { name: \"x\" }) { version } }"}"#;
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
    ] {
        client
            .send("POST", "/graphql", &[("content-type", content_type)], mutation)
            .await
            .refuses(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    client.send("POST", "/graphql", &[], mutation).await.refuses(415, "UNSUPPORTED_MEDIA_TYPE");
    let query = "/graphql?query=%7B__typename%7D";
    for site in ["cross-site", "same-site"] {
        client.send("GET", query, &[("sec-fetch-site", site)], "").await.refuses(403, "CROSS_SITE_REQUEST");
        let asked = [("sec-fetch-site", site), ("apollo-require-preflight", "true")];
        assert_eq!(client.send("GET", query, &asked, "").await.status, StatusCode::OK);
    }
    assert_eq!(client.send("GET", query, &[("sec-fetch-site", "same-origin")], "").await.status, StatusCode::OK);
    let read = client.post(r#"{"query": "{ projects { totalCount } }"}"#).await;
    assert_eq!(read.json(), json!({ "data": { "projects": { "totalCount": 0 } } }));
}

#[tokio::test]
async fn lists_of_requests_are_run_only_where_they_are_allowed() {
    let client = Client::new().await;
    let list = |count: usize| format!("[{}]", vec![r#"{"query": "{ __typename }"}"#; count].join(","));
    client.post(list(1)).await.refuses(400, "BAD_REQUEST");
    let test = TestDatabase::new(Backend::Sqlite).await;
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--max-batch", "3", "--database", &test.url]);
    let client = Client { server: RunningServer::start_with(&mut command), _test: test };
    let mixed = r#"[{"query": "{ __typename }"}, {"query": "{ noSuchField }"}, {"query": "mutation { __typename }"}]"#;
    let answer = client.post(mixed).await;
    let answers = answer.json();
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        (&answers[0]["data"]["__typename"], &answers[2]["data"]["__typename"]),
        (&json!("Query"), &json!("Mutation"))
    );
    assert_eq!(answers[1]["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    client.post(list(4)).await.refuses(400, "BAD_REQUEST");
    client.post(list(0)).await.refuses(400, "BAD_REQUEST");
    client.post(r#"[{"query": "{ __typename }"}, 1]"#).await.refuses(400, "BAD_REQUEST");
}

#[tokio::test]
async fn a_large_answer_is_compressed_for_who_reads_it() {
    let client = Client::new().await;
    let query = json!({ "query": "{ __schema { types { name description } } }" }).to_string();
    let plain = client.post(query.clone()).await;
    assert!(plain.headers.get(CONTENT_ENCODING).is_none() && plain.text.len() > 10_000);
    for (coding, magic) in [("gzip", Some([0x1f, 0x8b])), ("br", None)] {
        let client = &client.server;
        let request =
            client.client.post(format!("{}/graphql", client.address)).header("content-type", "application/json");
        let answer = request.header("accept-encoding", coding).body(query.clone()).send().await.unwrap();
        assert_eq!(answer.headers()[CONTENT_ENCODING], coding);
        assert!(answer.headers()[VARY].to_str().unwrap().contains("accept-encoding"));
        let body = answer.bytes().await.unwrap();
        assert!(body.len() * 3 < plain.text.len(), "{coding}: {} of {}", body.len(), plain.text.len());
        assert!(magic.is_none_or(|magic| body.starts_with(&magic)));
    }
    let small = client
        .send("POST", "/graphql", &[JSON, ("accept-encoding", "gzip, br")], r#"{"query": "{ __typename }"}"#)
        .await;
    assert!(small.headers.get(CONTENT_ENCODING).is_none());
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_cut() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--body-timeout-ms", "200", "--database", &test.url]);
    let server = RunningServer::start_with(&mut command);
    let address = server.address.strip_prefix("http://").unwrap().to_owned();
    let answer = tokio::task::spawn_blocking(move || {
        use std::io::{Read as _, Write as _};
        let mut connection = std::net::TcpStream::connect(address).unwrap();
        let head = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
        connection.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = answer.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("BODY_TIMEOUT"), "{answer}");
}

#[tokio::test]
async fn a_name_that_somebody_else_gave_the_machine_is_none_of_ours() {
    let client = Client::new().await;
    let query = r#"{"query": "{ __typename }"}"#;
    for (host, expected) in
        [("localhost", 200), ("localhost:9", 200), ("[::1]", 200), ("evil.example", 421), ("evil.example:80", 421)]
    {
        let answer =
            client.send("POST", "/graphql", &[JSON, ("host", host), ("sec-fetch-site", "same-origin")], query).await;
        assert_eq!(answer.status, expected, "{host}");
        if expected == 421 {
            answer.refuses(421, "HOST_NOT_ALLOWED");
        }
    }
    let test = TestDatabase::new(Backend::Sqlite).await;
    // Who is asked under a name of its own may be asked by others.
    let made = program().args(["token", "create", "--user", "ada", "--database", &test.url]).output().unwrap();
    let bearer = format!("Bearer {}", String::from_utf8(made.stdout).unwrap().trim());
    let mut command = program();
    command.args([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--allowed-hosts",
        "record.example,localhost",
        "--database",
        &test.url,
    ]);
    let client = Client { server: RunningServer::start_with(&mut command), _test: test };
    for (host, expected) in [("record.example", 200), ("localhost", 200), ("127.0.0.1", 421)] {
        assert_eq!(
            client.send("POST", "/graphql", &[JSON, ("host", host), ("authorization", &bearer)], query).await.status,
            expected,
            "{host}"
        );
    }
}
