//! The library within another axum application.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request as HttpRequest, StatusCode, header};
use axum::routing::get;
use serde_json::{Value, json};
use throughline::Throughline;
use throughline::access::Caller;
use throughline::graphql::Request;
use tower::ServiceExt as _;

use crate::support::Backend;
use crate::support::TestDatabase;

on_both! {
    it_is_nested_below_a_path_and_asked_without_http,
}

async fn it_is_nested_below_a_path_and_asked_without_http(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let throughline = Throughline::builder().database(&test.url).build().await.unwrap();
    let app = Router::new().route("/", get(|| async { "own" })).nest("/record", throughline.router());
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
    assert!(status == StatusCode::OK && page.contains("<script src=\"graphiql.js\">"), "{page}");
    assert_eq!(send(request("/record/graphiql.js")).await.0, StatusCode::OK);

    let mutation = json!({ "query": "mutation { createProject(input: { name: \"x\" }) { project { name } } }" });
    let posted = HttpRequest::post("/record/graphql").header("content-type", "application/json");
    let (_, _, body) = send(posted.body(Body::from(mutation.to_string())).unwrap()).await;
    assert_eq!(body, r#"{"data":{"createProject":{"project":{"name":"x"}}}}"#);
    let answer = throughline.execute(Request::new("{ projects { totalCount } }"), Caller::local_owner(), "own-1").await;
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer, json!({ "data": { "projects": { "totalCount": 1 } } }));
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
