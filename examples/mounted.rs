//! Throughline within another axum application: nested below a path of its own, and asked without HTTP.
//!
//!     cargo run --example mounted
//!     curl -s http://127.0.0.1:8001/
//!     curl -s http://127.0.0.1:8001/record/graphql -H 'content-type: application/json' -d '{"query": "{ projects { totalCount } }"}'

use axum::extract::State;
use axum::routing::get;
use axum::{Extension, Router};
use throughline::Throughline;
use throughline::access::Caller;
use throughline::graphql::Request;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let throughline = Throughline::builder().database("sqlite://throughline-mounted.db").build().await?;
    // The application says who asks: this one lets everybody do everything, since it listens on the machine's own address. Without
    // such a layer each request needs a token of Throughline's own.
    let record = throughline.router().layer(Extension(Caller::local_owner()));
    let app = Router::new().route("/", get(count_projects)).with_state(throughline.clone()).nest("/record", record);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8001").await?;
    println!("http://127.0.0.1:8001/ and http://127.0.0.1:8001/record/graphql");
    axum::serve(listener, app).with_graceful_shutdown(stopped()).await?;
    throughline.close().await?;
    Ok(())
}

/// A page of the application's own, from what the record holds.
async fn count_projects(State(throughline): State<Throughline>) -> String {
    let request = Request::new("{ projects { totalCount } }");
    let answer = throughline.execute(request, Caller::local_owner(), "count-projects").await;
    format!("The record says: {}\n", String::from_utf8_lossy(&answer.body))
}

async fn stopped() {
    let _ = tokio::signal::ctrl_c().await;
}
