//! The library within another axum application.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request as HttpRequest, StatusCode, header};
use axum::routing::get;
use axum::{Extension, Router};
use serde_json::{Value, json};
use throughline::Throughline;
use throughline::access::Caller;
use throughline::graphql::Request;
use tower::ServiceExt as _;

use crate::support::Backend;
use crate::support::TestDatabase;

on_both! {
    it_is_nested_below_a_path_and_asked_without_http,
    an_application_s_own_credentials_are_its_own,
}

async fn it_is_nested_below_a_path_and_asked_without_http(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let throughline = Throughline::builder().database(&test.url).build().await.unwrap();
    let app = Router::new()
        .route("/", get(|| async { "own" }))
        .nest("/record", throughline.router().layer(Extension(Caller::local_owner())));
    let send = |request: HttpRequest<Body>| async {
        let response = app.clone().oneshot(request).await.unwrap();
        let (status, location) = (response.status(), response.headers().get(header::LOCATION).cloned());
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, location, String::from_utf8(body.to_vec()).unwrap())
    };
    let request = |path: &str| HttpRequest::get(path).body(Body::empty()).unwrap();
    assert_eq!(send(request("/")).await.2, "own");
    let (status, location, _) = send(request("/record")).await;
    assert_eq!((status, location.unwrap()), (StatusCode::TEMPORARY_REDIRECT, "/record/graphql".parse().unwrap()));
    let page = HttpRequest::get("/record/graphql").header("accept", "text/html").body(Body::empty()).unwrap();
    let (status, _, page) = send(page).await;
    assert_eq!(status, StatusCode::OK);
    // Where the program was built with it, the page's script stands beside it.
    if let Some((script, _)) = page.split_once("src=\"./").and_then(|(_, rest)| rest.split_once('"')) {
        assert_eq!(send(request(&format!("/record/{script}"))).await.0, StatusCode::OK, "{script}");
    }

    let mutation = json!({ "query": "mutation { createProject(input: { name: \"x\" }) { project { name } } }" });
    let posted = HttpRequest::post("/record/graphql").header("content-type", "application/json");
    let (_, _, body) = send(posted.body(Body::from(mutation.to_string())).unwrap()).await;
    assert_eq!(body, r#"{"data":{"createProject":{"project":{"name":"x"}}}}"#);
    let answer = throughline.execute(Request::new("{ projects { totalCount } }"), Caller::local_owner(), "own-1").await;
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer, json!({ "data": { "projects": { "totalCount": 1 } } }));
    throughline.close().await.unwrap();
}

/// Who asks is what the application says: what its clients send it to know them is no token of ours, even if it looks like one.
async fn an_application_s_own_credentials_are_its_own(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let throughline = Throughline::builder().database(&test.url).build().await.unwrap();
    let router = throughline.router().layer(Extension(Caller::local_owner()));
    let looks_like_one = throughline::access::token::TokenSecret::random().unwrap();
    let followed = HttpRequest::post("/graphql/stream")
        .header("content-type", "application/json")
        .header("accept", "text/event-stream")
        .header("authorization", format!("Bearer {}", looks_like_one.reveal()));
    let body = json!({ "query": "subscription { changes { type } }" }).to_string();
    let response = router.oneshot(followed.body(Body::from(body)).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    // Longer than it takes until those who stay are asked for again.
    let ended = tokio::time::timeout(Duration::from_secs(5), to_bytes(response.into_body(), usize::MAX)).await;
    assert!(ended.is_err(), "the stream ended: {ended:?}");
    throughline.close().await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_opened_is_told_without_a_password() {
    let error = Throughline::builder().build().await.err().unwrap();
    assert_eq!(error.to_string(), "no database is named");
    let url = "postgres://user:secret@127.0.0.1:1/none";
    let error = Throughline::builder().database(url).build().await.err().unwrap().to_string();
    assert!(!error.contains("secret") && error.contains("127.0.0.1:1"), "{error}");
}
