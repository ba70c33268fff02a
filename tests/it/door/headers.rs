//! What browsers are told of every answer.

use crate::http::{BROWSER, Client};

#[tokio::test]
async fn every_answer_is_protected() {
    let client = Client::new().await;
    let json = ("content-type", "application/json");
    for (method, path, headers, body) in [
        ("POST", "/graphql", vec![json], r#"{"query": "{ __typename }"}"#),
        ("POST", "/graphql", vec![json], "no JSON"),
        ("GET", "/graphql?query=%7B__typename%7D", vec![], ""),
        ("GET", "/graphql", vec![BROWSER], ""),
        ("GET", "/", vec![], ""),
        ("GET", "/nowhere", vec![], ""),
        ("PUT", "/graphql", vec![], ""),
        ("GET", "/graphql/ws", vec![], ""),
        ("POST", "/graphql/stream", vec![json, ("accept", "text/event-stream")], r#"{"query": "{ __typename }"}"#),
        ("GET", "/graphql", vec![("host", "evil.example")], ""),
        ("GET", "/health/live", vec![], ""),
        ("GET", "/health/ready", vec![], ""),
        ("GET", "/metrics", vec![], ""),
    ] {
        let answer = client.send(method, path, &headers, body).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(
                answer.headers.get(name).map(|value| value.to_str().unwrap()),
                Some(value),
                "{method} {path}: {name}"
            );
            assert_eq!(answer.headers.get_all(name).iter().count(), 1, "{method} {path}: {name}");
        }
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && policy.ends_with("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        let kept = answer.headers["cache-control"].to_str().unwrap();
        // The page alone may be kept, and is asked about each time.
        let expected = if headers.contains(&BROWSER) { "no-cache" } else { "no-store" };
        assert_eq!(kept, expected, "{method} {path}");
        // Without TLS it would lock people out.
        assert!(!answer.headers.contains_key("strict-transport-security"));
        assert!(!answer.headers.contains_key("server") && !answer.headers.contains_key("x-powered-by"));
    }
}
