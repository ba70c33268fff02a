//! Issuers change their keys, and are not always there.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use futures_util::future::join_all;
use serde_json::{Value, json};
use throughline::access::jwt::{KeySource, Settings, TokenError, Verifier};
use throughline::access::{Authenticator, Unidentified};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{Signer, claims, file_of, in_seconds, set_of, settings};
use crate::support::{Backend, TestDatabase};

/// An issuer's server, which says what it is told to say.
#[derive(Clone)]
struct Issuer(Arc<Told>);

struct Told {
    answer: Mutex<(StatusCode, &'static str, String)>,
    delay: Mutex<Duration>,
    asked: AtomicUsize,
}

impl Issuer {
    /// Serves the keys at a free port.
    async fn serve(set: &Value) -> (Self, String, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/keys", listener.local_addr().unwrap());
        let issuer = Self(Arc::new(Told {
            answer: Mutex::new((StatusCode::OK, "max-age=3600", set.to_string())),
            delay: Mutex::default(),
            asked: AtomicUsize::new(0),
        }));
        let serving = issuer.serve_at(listener);
        (issuer, address, serving)
    }

    fn serve_at(&self, listener: TcpListener) -> JoinHandle<()> {
        let router = Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() })
    }

    fn answer(&self, status: StatusCode, body: impl Into<String>) {
        let mut answer = self.0.answer.lock().unwrap();
        (answer.0, answer.2) = (status, body.into());
    }

    fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }
}

async fn answer(State(Issuer(told)): State<Issuer>) -> impl IntoResponse {
    told.asked.fetch_add(1, Ordering::SeqCst);
    let delay = *told.delay.lock().unwrap();
    tokio::time::sleep(delay).await;
    let (status, cache, body) = told.answer.lock().unwrap().clone();
    (status, [(header::CACHE_CONTROL, cache), (header::LOCATION, "/elsewhere")], body)
}

async fn open(place: &str) -> Verifier {
    Verifier::open(settings(KeySource::Set(place.to_owned()))).await.unwrap()
}

/// Longer than nothing is fetched after a fetch.
async fn pause() {
    tokio::time::sleep(Duration::from_millis(250)).await;
}

#[tokio::test]
async fn a_new_key_is_found_and_an_old_one_is_refused() {
    let (old, new) = (Signer::ed25519("old"), Signer::es256("new"));
    let (issuer, address, _serving) = Issuer::serve(&set_of(&[&old])).await;
    // Long enough for a loaded machine to do what comes before it is over.
    let pause = Duration::from_secs(1);
    let slow = Settings { refetch_pause: pause, ..settings(KeySource::Set(address)) };
    let verifier = Verifier::open(slow).await.unwrap();
    let pause = || tokio::time::sleep(pause + Duration::from_millis(50));
    let (of_old, of_new) = (old.sign(&claims(&json!({}))), new.sign(&claims(&json!({}))));
    for _ in 0..5 {
        verifier.verify(&of_old).await.unwrap();
    }
    assert_eq!(issuer.asked(), 1);
    issuer.answer(StatusCode::OK, set_of(&[&old, &new]).to_string());
    // What was fetched a moment ago is not fetched again, whatever a token asks for.
    assert_eq!(verifier.verify(&of_new).await, Err(TokenError::UnknownKey));
    assert_eq!(issuer.asked(), 1);
    pause().await;
    verifier.verify(&of_new).await.unwrap();
    verifier.verify(&of_old).await.unwrap();
    assert_eq!(issuer.asked(), 2);
    // The issuer takes the old one back.
    issuer.answer(StatusCode::OK, set_of(&[&new]).to_string());
    pause().await;
    let unknown = Signer::ed25519("unknown").sign(&claims(&json!({})));
    assert_eq!(verifier.verify(&unknown).await, Err(TokenError::UnknownKey));
    assert_eq!(verifier.verify(&of_old).await, Err(TokenError::UnknownKey));
    verifier.verify(&of_new).await.unwrap();
    assert_eq!(issuer.asked(), 3);
}

/// What is open ends with the key by which it was opened, and with no other.
#[tokio::test]
async fn a_key_that_is_taken_back_ends_what_is_open() {
    let (old, kept) = (Signer::ed25519("old"), Signer::es256("kept"));
    let (issuer, address, _serving) = Issuer::serve(&set_of(&[&old, &kept])).await;
    let verifier = open(&address).await;
    let test = TestDatabase::new(Backend::Sqlite).await;
    let authenticator = Authenticator::new(test.database.clone(), Unidentified::Refused, Some(verifier.clone()));
    let rights = json!({ "throughline": { "admin": true }, "exp": 4_000_000_000_i64 });
    let begin = async |signer: &Signer| {
        let identified = authenticator.identify(Some(&signer.sign(&claims(&rights)))).await.unwrap();
        authenticator.watch(identified)
    };
    let (mut of_old, mut of_kept) = (begin(&old).await, begin(&kept).await);
    // Its name goes on, as another key: that is not the one that was trusted.
    issuer.answer(StatusCode::OK, set_of(&[&Signer::ed25519("old"), &kept]).to_string());
    pause().await;
    let unknown = Signer::ed25519("unknown").sign(&claims(&json!({})));
    assert_eq!(verifier.verify(&unknown).await, Err(TokenError::UnknownKey));
    tokio::time::timeout(Duration::from_secs(5), of_old.ended()).await.expect("it stays open");
    assert!(tokio::time::timeout(Duration::from_secs(3), of_kept.ended()).await.is_err(), "it ended as well");
}

/// As long as a token lets somebody in, what that one opens stays.
#[tokio::test]
async fn what_is_open_has_the_leeway_of_its_token() {
    let signer = Signer::ed25519("ed");
    let (_folder, file) = file_of(&set_of(&[&signer]));
    let verifier = open(file.to_str().unwrap()).await;
    let test = TestDatabase::new(Backend::Sqlite).await;
    let authenticator = Authenticator::new(test.database.clone(), Unidentified::Refused, Some(verifier));
    // The leeway is 10 s.
    let token = signer.sign(&claims(&json!({ "exp": in_seconds(-3) })));
    let mut session = authenticator.watch(authenticator.identify(Some(&token)).await.unwrap());
    let began = Instant::now();
    let ended = tokio::time::timeout(Duration::from_secs(15), session.ended()).await;
    assert!(ended.is_ok() && began.elapsed() > Duration::from_secs(5), "{ended:?} after {:?}", began.elapsed());
    assert!(authenticator.identify(Some(&token)).await.is_err(), "nobody is let in any more");
}

#[tokio::test]
async fn many_tokens_of_unknown_keys_are_one_fetch() {
    let (old, new) = (Signer::ed25519("old"), Signer::ed25519("new"));
    let (issuer, address, _serving) = Issuer::serve(&set_of(&[&old])).await;
    let verifier = open(&address).await;
    issuer.answer(StatusCode::OK, set_of(&[&new]).to_string());
    *issuer.0.delay.lock().unwrap() = Duration::from_millis(300);
    pause().await;
    let of_new = new.sign(&claims(&json!({})));
    let began = Instant::now();
    let all = join_all((0..50).map(|_| verifier.verify(&of_new))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(issuer.asked(), 2);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    *issuer.0.delay.lock().unwrap() = Duration::ZERO;
    // A flood of made up keys asks the issuer no more often than it may.
    let began = Instant::now();
    let mut tokens = 0;
    while began.elapsed() < Duration::from_secs(1) {
        let unknown = Signer::ed25519("unknown").sign(&claims(&json!({})));
        assert_eq!(verifier.verify(&unknown).await, Err(TokenError::UnknownKey));
        tokens += 1;
    }
    let asked = issuer.asked() - 2;
    assert!((1..=6).contains(&asked) && tokens > 10, "{tokens} tokens, {asked} fetches");
}

/// A request that is given up takes nothing from the others that wait for the same fetch.
#[tokio::test]
async fn who_gives_up_waiting_ends_no_fetch() {
    let (old, new) = (Signer::ed25519("old"), Signer::ed25519("new"));
    let (issuer, address, _serving) = Issuer::serve(&set_of(&[&old])).await;
    let verifier = open(&address).await;
    issuer.answer(StatusCode::OK, set_of(&[&new]).to_string());
    *issuer.0.delay.lock().unwrap() = Duration::from_millis(300);
    pause().await;
    let of_new = new.sign(&claims(&json!({})));
    let given_up = tokio::time::timeout(Duration::from_millis(50), verifier.verify(&of_new)).await;
    assert!(given_up.is_err());
    verifier.verify(&of_new).await.unwrap();
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn a_fetch_that_fails_takes_no_key_away() {
    let signer = Signer::ed25519("ed");
    let (issuer, address, serving) = Issuer::serve(&set_of(&[&signer])).await;
    let verifier = open(&address).await;
    let right = signer.sign(&claims(&json!({})));
    let unknown = Signer::ed25519("unknown").sign(&claims(&json!({})));
    let evil = set_of(&[&Signer { id: "unknown", ..Signer::ed25519("") }]).to_string();
    for (status, body) in [
        (StatusCode::INTERNAL_SERVER_ERROR, evil.clone()),
        (StatusCode::NOT_FOUND, evil.clone()),
        // It leads elsewhere, where nobody follows.
        (StatusCode::FOUND, evil.clone()),
        (StatusCode::NO_CONTENT, String::new()),
        (StatusCode::OK, String::new()),
        (StatusCode::OK, "<html>".to_owned()),
        (StatusCode::OK, "{\"keys\":7}".to_owned()),
        // Larger than any set.
        (StatusCode::OK, format!("{{\"more\":\"{}\",{}", "x".repeat(300 * 1024), &evil[1..])),
    ] {
        let asked = issuer.asked();
        issuer.answer(status, body);
        pause().await;
        assert_eq!(verifier.verify(&unknown).await, Err(TokenError::UnknownKey), "{status}");
        assert_eq!(issuer.asked(), asked + 1, "{status}");
        verifier.verify(&right).await.unwrap();
    }
    // It is gone, and comes back with other keys at the same place.
    serving.abort();
    let _ = serving.await;
    pause().await;
    assert_eq!(verifier.verify(&unknown).await, Err(TokenError::UnknownKey));
    verifier.verify(&right).await.unwrap();
    let new = Signer::rs256("new");
    issuer.answer(StatusCode::OK, set_of(&[&new]).to_string());
    let host = address.trim_start_matches("http://").trim_end_matches("/keys");
    let _serving = issuer.serve_at(TcpListener::bind(host).await.unwrap());
    pause().await;
    verifier.verify(&new.sign(&claims(&json!({})))).await.unwrap();
    assert_eq!(verifier.verify(&right).await, Err(TokenError::UnknownKey));
}

#[tokio::test]
async fn without_its_issuer_a_server_starts_and_waits() {
    let signer = Signer::ed25519("ed");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let verifier = open(&format!("http://{address}/keys")).await;
    let token = signer.sign(&claims(&json!({})));
    let error = verifier.verify(&token).await.unwrap_err();
    assert!(error == TokenError::NoKeys && error.is_ours());
    let (issuer, _, _other) = Issuer::serve(&set_of(&[&signer])).await;
    let _serving = issuer.serve_at(TcpListener::bind(address).await.unwrap());
    pause().await;
    verifier.verify(&token).await.unwrap();
}

#[tokio::test]
async fn a_file_is_read_again() {
    let (old, new) = (Signer::ed25519("old"), Signer::ed25519("new"));
    let (_folder, file) = file_of(&set_of(&[&old]));
    let verifier = open(file.to_str().unwrap()).await;
    std::fs::write(&file, "half a fi").unwrap();
    pause().await;
    let (of_old, of_new) = (old.sign(&claims(&json!({}))), new.sign(&claims(&json!({}))));
    assert_eq!(verifier.verify(&of_new).await, Err(TokenError::UnknownKey));
    verifier.verify(&of_old).await.unwrap();
    std::fs::write(&file, set_of(&[&new]).to_string()).unwrap();
    pause().await;
    verifier.verify(&of_new).await.unwrap();
    assert_eq!(verifier.verify(&of_old).await, Err(TokenError::UnknownKey));
}
