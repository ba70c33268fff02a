//! Pages of other sites: those that are listed may ask, and no others.

use reqwest::StatusCode;
use serde_json::json;

use crate::http::Client;
use crate::support::{Backend, Came, RunningServer, Socket, TestDatabase, program};

const APP: &str = "https://app.example";
const LISTED: &str = "https://App.example:443,http://localhost:5173";
/// What looks like the listed ones.
const OTHERS: [&str; 6] = [
    "https://evil.example",
    "http://app.example",
    "https://app.example.evil.example",
    "https://app.example:8443",
    "http://localhost:5174",
    "null",
];
const ASKED: &str = "{ __typename }";

fn preflight(origin: &str) -> [(&str, &str); 3] {
    [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization, content-type"),
    ]
}

#[tokio::test]
async fn without_a_list_no_page_of_another_site_is_told_anything() {
    let client = Client::new().await;
    for path in ["/graphql", "/graphql/stream"] {
        let answer = client.send("OPTIONS", path, &preflight(APP), "").await;
        answer.refuses(405, "METHOD_NOT_ALLOWED");
        let body = json!({ "query": ASKED }).to_string();
        let headers = [("origin", APP), ("content-type", "application/json"), ("accept", "*/*")];
        let answer = client.send("POST", path, &headers, body).await;
        assert!(
            !answer.headers.keys().any(|name| name.as_str().starts_with("access-control-")),
            "{:?}",
            answer.headers
        );
    }
}

#[tokio::test]
async fn a_listed_page_may_ask() {
    let client = Client::with(&["--cors-origins", LISTED]).await;
    for origin in [APP, "http://localhost:5173"] {
        for path in ["/graphql", "/graphql/stream"] {
            let answer = client.send("OPTIONS", path, &preflight(origin), "").await;
            assert_eq!(answer.status, StatusCode::OK);
            assert_eq!(answer.headers["access-control-allow-origin"], origin);
            let text = |name: &str| answer.headers[name].to_str().unwrap().to_ascii_lowercase();
            assert_eq!(text("access-control-allow-methods"), "get,post");
            for name in ["authorization", "content-type", "last-event-id", "apollo-require-preflight"] {
                assert!(text("access-control-allow-headers").split(',').any(|known| known == name), "{name}");
            }
            assert!(
                text("vary").contains("origin") && !answer.headers.contains_key("access-control-allow-credentials")
            );
        }
        let body = json!({ "query": ASKED }).to_string();
        let answer =
            client.send("POST", "/graphql", &[("origin", origin), ("content-type", "application/json")], body).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, r#"{"data":{"__typename":"Query"}}"#));
        assert_eq!(answer.headers["access-control-allow-origin"], origin);
        assert!(!answer.headers.contains_key("access-control-allow-credentials"));
        let exposed = answer.headers["access-control-expose-headers"].to_str().unwrap();
        for name in ["ratelimit", "ratelimit-policy", "retry-after", "x-request-id"] {
            assert!(exposed.split(',').any(|known| known == name), "{name}: {exposed}");
        }
        // A refusal is read as well.
        let wrong = client.send("POST", "/graphql", &[("origin", origin), ("content-type", "text/plain")], "{}").await;
        wrong.refuses(415, "UNSUPPORTED_MEDIA_TYPE");
        assert_eq!(wrong.headers["access-control-allow-origin"], origin);
        // GET needs no leave of a browser's, and has it by the list.
        let query = "/graphql?query=%7B__typename%7D";
        let headers = [("origin", origin), ("sec-fetch-site", "cross-site")];
        assert_eq!(client.send("GET", query, &headers, "").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn any_other_page_may_not() {
    let client = Client::with(&["--cors-origins", LISTED]).await;
    for origin in OTHERS {
        for path in ["/graphql", "/graphql/stream"] {
            let answer = client.send("OPTIONS", path, &preflight(origin), "").await;
            assert!(!answer.headers.contains_key("access-control-allow-origin"), "{origin}: {:?}", answer.headers);
        }
        let headers = [("origin", origin), ("sec-fetch-site", "cross-site")];
        let answer = client.send("GET", "/graphql?query=%7B__typename%7D", &headers, "").await;
        answer.refuses(403, "CROSS_SITE_REQUEST");
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
    // A page that tells no origin is none that is listed.
    let answer = client.send("GET", "/graphql?query=%7B__typename%7D", &[("sec-fetch-site", "cross-site")], "").await;
    answer.refuses(403, "CROSS_SITE_REQUEST");
    // What is an operator's is no page's.
    for path in ["/metrics", "/health/live"] {
        let answer = client.send("GET", path, &[("origin", APP)], "").await;
        assert!(!answer.headers.contains_key("access-control-allow-origin"), "{path}");
    }
}

#[tokio::test]
async fn a_websocket_is_let_in_from_a_listed_page_alone() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--cors-origins", LISTED, "--database", &test.url]);
    let server = RunningServer::start_with(&mut command);
    for origin in [APP, "http://localhost:5173"] {
        let mut socket = Socket::connect(&server, &[("origin", origin)]).await;
        socket.init().await;
    }
    for origin in OTHERS {
        let mut socket = Socket::connect(&server, &[("origin", origin)]).await;
        socket.send(&json!({ "type": "connection_init" })).await;
        assert_eq!(socket.next().await, Came::Closed(Some(4403)), "{origin}");
    }
}

#[tokio::test]
async fn what_is_no_origin_is_told_at_the_start() {
    for wrong in ["*", "app.example", "https://app.example/"] {
        let output = program().args(["serve", "--listen", "127.0.0.1:0", "--cors-origins", wrong]).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && told.contains(wrong) && told.contains("https://app.example"), "{told}");
    }
}
