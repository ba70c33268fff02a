//! `/health/live` and `/health/ready`, for whatever starts servers and sends requests to them.
//!
//! **Invariant:** an answer names the check that failed, and nothing of the database: the log has the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::sync::Mutex;

use crate::database::{Database, Probe, ProbeError};
use crate::graphql::error_chain;

/// Whether requests should come here. Cloning is cheap and shares it.
#[derive(Clone)]
pub struct Health(Arc<Shared>);

struct Shared {
    probe: Probe,
    is_stopping: AtomicBool,
    /// Whether the last look failed. One looks at a time.
    has_failed: Mutex<bool>,
}

/// How long the database may take to answer, whoever else asks it at the time.
const TIMEOUT: Duration = Duration::from_secs(1);

impl Health {
    /// Of a server over `database`.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        let shared = Shared {
            probe: Probe::new(database, TIMEOUT),
            is_stopping: AtomicBool::new(false),
            has_failed: Mutex::default(),
        };
        Self(Arc::new(shared))
    }

    /// From now on no request should come any more.
    pub fn stop(&self) {
        self.0.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Closes what it asks with.
    pub async fn close(&self) {
        self.0.probe.close().await;
    }

    /// The check that fails, if one does.
    async fn failure(&self) -> Option<&'static str> {
        if self.0.is_stopping.load(Ordering::Relaxed) {
            return Some("stopping");
        }
        let looked = tokio::time::timeout(TIMEOUT, self.look()).await;
        looked.unwrap_or(Some("database"))
    }

    async fn look(&self) -> Option<&'static str> {
        let mut has_failed = self.0.has_failed.lock().await;
        let answer = self.0.probe.ask(TIMEOUT).await;
        // Probes come all the time: only what has changed is worth a line.
        if *has_failed != answer.is_err() {
            *has_failed = answer.is_err();
            match &answer {
                Ok(()) => tracing::info!("ready again"),
                Err(error) => tracing::warn!(error = %error_chain(error), "not ready"),
            }
        }
        match answer {
            Ok(()) => None,
            Err(ProbeError::Pending(_)) => Some("migrations"),
            Err(ProbeError::Timeout | ProbeError::Failed(_)) => Some("database"),
        }
    }
}

pub(super) fn routes(health: Health) -> Router {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready)).with_state(health)
}

async fn live() -> Response {
    answer(StatusCode::OK, &json!({ "status": "live" }))
}

async fn ready(State(health): State<Health>) -> Response {
    match health.failure().await {
        None => answer(StatusCode::OK, &json!({ "status": "ready" })),
        Some(failed) => answer(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "not ready", "failed": failed })),
    }
}

fn answer(status: StatusCode, body: &serde_json::Value) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
