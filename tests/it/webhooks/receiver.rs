//! A receiver of webhooks: a server on this machine that checks each signature, notes what it gets, and answers as it is told to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use tokio::task::AbortHandle;

/// The key that signs in the tests.
pub(super) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What was sent once.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) id: String,
    pub(super) body: Value,
    pub(super) text: String,
    /// What was answered.
    pub(super) status: u16,
}

impl Received {
    pub(super) fn object(&self) -> &str {
        self.body["data"]["aggregateId"].as_str().unwrap()
    }

    pub(super) fn version(&self) -> i64 {
        self.body["data"]["version"].as_i64().unwrap()
    }

    pub(super) fn is_taken(&self) -> bool {
        self.status == 200
    }
}

/// What is answered to what was sent, which is the n-th.
type Answer = Box<dyn Fn(usize, &Value) -> Response + Send + Sync>;

struct Shared {
    received: Mutex<Vec<Received>>,
    answer: Mutex<Answer>,
    pause: Duration,
}

/// A receiver of webhooks.
pub(super) struct Receiver {
    pub(super) url: String,
    shared: Arc<Shared>,
    serving: AbortHandle,
}

impl Receiver {
    /// Takes everything.
    pub(super) async fn start() -> Self {
        Self::start_slow(Duration::ZERO).await
    }

    /// Takes everything, after a while.
    pub(super) async fn start_slow(pause: Duration) -> Self {
        let answer: Answer = Box::new(|_, _| StatusCode::OK.into_response());
        let shared = Arc::new(Shared { received: Mutex::default(), answer: Mutex::new(answer), pause });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new().route("/hook", post(receive)).with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }).abort_handle();
        Self { url, shared, serving }
    }

    /// Says what is answered from now on.
    pub(super) fn answer(&self, answer: impl Fn(usize, &Value) -> Response + Send + Sync + 'static) {
        *self.shared.answer.lock().unwrap() = Box::new(answer);
    }

    pub(super) fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    /// Waits until what was received is enough.
    pub(super) async fn wait_until(&self, is_enough: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let began = std::time::Instant::now();
        loop {
            let received = self.received();
            if is_enough(&received) {
                return received;
            }
            assert!(began.elapsed() < Duration::from_secs(90), "it is not enough: {} were received", received.len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn receive(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    tokio::time::sleep(shared.pause).await;
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    let key = STANDARD.decode(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
    let mac =
        Hmac::<Sha256>::new_from_slice(&key).unwrap().chain_update(format!("{id}.{timestamp}.")).chain_update(&body);
    let signature = header("webhook-signature");
    let Some(signature) = signature.strip_prefix("v1,") else { return StatusCode::BAD_REQUEST.into_response() };
    if mac.verify_slice(&STANDARD.decode(signature).unwrap()).is_err() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let text = String::from_utf8(body.to_vec()).unwrap();
    let body: Value = serde_json::from_str(&text).unwrap();
    let mut received = shared.received.lock().unwrap();
    let response = shared.answer.lock().unwrap()(received.len(), &body);
    received.push(Received { id, body, text, status: response.status().as_u16() });
    response
}
