//! The header: an instance administrator is told, everybody else is refused, and without it nobody is told anything.

use reqwest::StatusCode;
use serde_json::{Value, json};
use throughline::access::{ActorKind, Caller, Rights};
use throughline::graphql::Request;

use crate::support::{Backend, Client, RunningServer, TestDatabase, program};

on_both!(only_an_administrator_is_told);

const QUERY: &str = "{ projects(first: 2) { nodes { name features(first: 1) { nodes { name } } } } }";

/// Somebody who may read everything and administrate nothing.
async fn only_an_administrator_is_told(backend: Backend) {
    let client = Client::new(TestDatabase::with_demo(backend).await);
    let rights = Rights { everywhere: Rights::all().everywhere, ..Rights::none() };
    let reader = Caller::new("ada", ActorKind::Person, rights);
    let ask = async |caller: &Caller, document: &str| {
        let request = Request::new(document).explained();
        let answer = client.api().execute(request, caller.clone(), "request-1".to_owned()).await;
        serde_json::from_slice::<Value>(&answer.body).unwrap()
    };
    client.statements.take();
    let mutation = "mutation { createProject(input: { name: \"x\" }) { project { id } } }";
    for document in [QUERY, mutation, "{ nothing }"] {
        let answer = ask(&reader, document).await;
        assert_eq!(answer["errors"][0]["extensions"], json!({ "code": "FORBIDDEN" }), "{answer}");
        assert!(answer.get("data").is_none() && answer.get("extensions").is_none(), "{answer}");
        assert!(!answer.to_string().contains("SELECT"), "{answer}");
    }
    assert_eq!(client.statements.count(), 0, "nothing was run");
    let answer = client.run_as(&reader, QUERY, json!({})).await;
    assert!(answer["data"].is_object() && answer.get("extensions").is_none(), "{answer}");
    let answer = ask(&Caller::local_owner(), QUERY).await;
    assert_eq!(answer["extensions"]["explain"]["statements"].as_array().unwrap().len(), 2, "{answer}");
    // What fails before anything is read has nothing to explain.
    let answer = ask(&Caller::local_owner(), "{ nothing }").await;
    assert!(answer.get("extensions").is_none() && answer["errors"].is_array(), "{answer}");
}

/// A server whose callers say who they are.
struct Server {
    running: RunningServer,
    test: TestDatabase,
}

impl Server {
    async fn new() -> Self {
        let test = TestDatabase::with_demo(Backend::Sqlite).await;
        let mut command = program();
        command.args(["serve", "--listen", "127.0.0.1:0", "--require-authentication", "--database", &test.url]);
        // It does not start before somebody has a token.
        token(&test, &["--user", "root", "--instance-role", "admin"]);
        Self { running: RunningServer::start_with(&mut command), test }
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: Value) -> (StatusCode, Value, String) {
        let mut request = self.running.client.post(format!("{}{path}", self.running.address)).json(&body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let cache = response.headers().get("cache-control").map_or("", |value| value.to_str().unwrap()).to_owned();
        (response.status(), response.json().await.unwrap(), cache)
    }
}

fn token(test: &TestDatabase, arguments: &[&str]) -> String {
    let mut command = program();
    let output = command.args(["token", "create", "--database", &test.url]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    format!("Bearer {}", String::from_utf8(output.stdout).unwrap().trim())
}

#[tokio::test]
async fn the_header_is_read_and_never_passed_over() {
    let server = Server::new().await;
    let whole = token(&server.test, &["--user", "root"]);
    let member = token(&server.test, &["--user", "ada"]);
    let limited = token(&server.test, &["--user", "root", "--project", "HTML"]);
    let lower = token(&server.test, &["--user", "root", "--role", "owner"]);
    let analyze = ("throughline-explain", "analyze");
    let body = json!({ "query": QUERY });

    let (_, answer, cache) = server.post("/graphql", &[("authorization", &whole), analyze], body.clone()).await;
    assert_eq!(answer["extensions"]["explain"]["statements"].as_array().unwrap().len(), 2, "{answer}");
    assert_eq!(cache, "no-store");
    let (_, answer, _) = server.post("/graphql", &[("authorization", &whole)], body.clone()).await;
    assert!(answer["data"].is_object() && answer.get("extensions").is_none(), "{answer}");

    // An administrator's token that is limited is no administrator's.
    for somebody in [&member, &limited, &lower] {
        let (_, answer, _) = server.post("/graphql", &[("authorization", somebody), analyze], body.clone()).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{answer}");
        assert!(answer.get("data").is_none() && !answer.to_string().contains("SELECT"), "{answer}");
    }
    let (status, answer, _) = server.post("/graphql", &[analyze], body.clone()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{answer}");

    // What is not understood, or cannot be done, is said.
    let (status, answer, _) =
        server.post("/graphql", &[("authorization", &whole), ("throughline-explain", "yes")], body.clone()).await;
    assert_eq!((status, &answer["errors"][0]["extensions"]["code"]), (StatusCode::BAD_REQUEST, &json!("BAD_REQUEST")));
    let headers = [("authorization", &*whole), ("accept", "text/event-stream"), analyze];
    let (status, answer, _) = server.post("/graphql/stream", &headers, body).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
}

#[tokio::test]
async fn an_explanation_is_kept_by_no_cache() {
    let server = Server::new().await;
    let whole = token(&server.test, &["--user", "root"]);
    let hash = "a2a7c3d4f6ffb1e7a1a5f6b0a0a8bde1a7c1f3cfa1c0ba0fae5d4f6ffb1e7a1a";
    let get = async |extra: Option<(&str, &str)>, hash: &str, query: Option<&str>| {
        let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } }).to_string();
        let mut parameters = vec![("extensions", extensions.as_str())];
        parameters.extend(query.map(|query| ("query", query)));
        let url = reqwest::Url::parse_with_params(&format!("{}/graphql", server.running.address), parameters).unwrap();
        let mut request = server.running.client.get(url).header("authorization", &whole);
        if let Some((name, value)) = extra {
            request = request.header(name, value);
        }
        let response = request.send().await.unwrap();
        let cache = response.headers()["cache-control"].to_str().unwrap().to_owned();
        (cache, response.json::<Value>().await.unwrap())
    };
    let (_, answer) = get(None, hash, None).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "PERSISTED_QUERY_NOT_FOUND");
    let hash = sha256(QUERY);
    get(None, &hash, Some(QUERY)).await;
    let (cache, answer) = get(None, &hash, None).await;
    assert!(cache.contains("no-cache") && answer.get("extensions").is_none(), "{cache} {answer}");
    let (cache, answer) = get(Some(("throughline-explain", "analyze")), &hash, None).await;
    assert!(cache == "no-store" && answer["extensions"]["explain"].is_object(), "{cache} {answer}");
}

fn sha256(text: &str) -> String {
    use sha2::Digest as _;
    use std::fmt::Write as _;
    sha2::Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}
