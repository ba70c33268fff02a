//! Sets of keys, and secrets: which of them tokens are checked with.

use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use throughline::access::jwt::{KeySource, SetupError, TokenError, Verifier};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::{Signer, claims, file_of, set_of, settings, verifier_of};
use crate::support::{Backend, RunningServer, TestDatabase, program};

/// The keys that a set may hold besides, of other kinds and for other ends.
fn strangers() -> Vec<Value> {
    let with = |mut jwk: Value, name: &str, value: Value| {
        jwk[name] = value;
        jwk
    };
    let (ed, ec, rsa) = (Signer::ed25519("ed-x").jwk(), Signer::es256("ec-x").jwk(), Signer::rs256("rsa-x").jwk());
    vec![
        json!({ "kty": "oct", "kid": "oct", "alg": "HS256", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA" }),
        json!({ "kty": "oct", "kid": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA" }),
        with(ed.clone(), "use", json!("enc")),
        with(with(ed.clone(), "use", Value::Null), "key_ops", json!(["sign"])),
        with(ed.clone(), "crv", json!("X25519")),
        with(ed.clone(), "x", json!("AAAA")),
        with(ed.clone(), "alg", json!("ES256")),
        with(ec.clone(), "crv", json!("P-384")),
        with(ec.clone(), "y", json!("AAAA")),
        with(ec, "alg", json!("HS256")),
        with(rsa.clone(), "alg", json!("PS256")),
        with(rsa.clone(), "alg", json!("RSA-OAEP")),
        // 512 bits, which is minutes to break.
        with(rsa.clone(), "n", json!(&rsa["n"].as_str().unwrap()[..86])),
        with(rsa.clone(), "n", json!("A".repeat(4000))),
        with(rsa, "kty", json!("DSA")),
        with(ed, "kty", Value::Null),
        json!({}),
        json!(7),
        json!("key"),
        Value::Null,
    ]
}

#[tokio::test]
async fn keys_of_the_wrong_kind_are_left_out() {
    let signer = Signer::ed25519("ed");
    let mut set = set_of(&[&signer]);
    set["keys"].as_array_mut().unwrap().splice(0..0, strangers());
    let verifier = verifier_of(&set).await;
    assert_eq!(verifier.verify(&signer.sign(&claims(&json!({})))).await.unwrap().subject, "ada");
    // The secret of a set is known to all who read it.
    let secret = b"secret-secret-secret-secret-secret";
    for id in ["oct", ""] {
        let forger = Signer { id, ..Signer::hs256(secret) };
        assert_eq!(verifier.verify(&forger.sign(&claims(&json!({})))).await, Err(TokenError::UnknownKey));
    }
    let of_left_out = Signer::rs256("rsa-x").sign(&claims(&json!({})));
    assert_eq!(verifier.verify(&of_left_out).await, Err(TokenError::UnknownKey));
}

#[tokio::test]
async fn each_of_them_alone_is_no_set() {
    for stranger in strangers() {
        let set = json!({ "keys": [stranger] });
        let (_folder, file) = file_of(&set);
        let opened = Verifier::open(settings(KeySource::Set(file.to_str().unwrap().to_owned()))).await;
        let Err(SetupError::File { file: named, .. }) = opened else { panic!("{set}") };
        assert_eq!(named, file);
    }
}

#[tokio::test]
async fn a_token_without_a_name_has_the_only_key_that_it_can_have() {
    let (one, two, other) = (Signer::ed25519("one"), Signer::ed25519("two"), Signer::es256("ec"));
    let unnamed = |signer: &Signer| {
        let signer = Signer { id: "", algorithm: signer.algorithm, key: signer.key.clone() };
        signer.sign(&claims(&json!({})))
    };
    let verifier = verifier_of(&set_of(&[&one, &other])).await;
    assert_eq!(verifier.verify(&unnamed(&one)).await.unwrap().subject, "ada");
    assert_eq!(verifier.verify(&unnamed(&two)).await, Err(TokenError::Signature));
    let verifier = verifier_of(&set_of(&[&one, &two, &other])).await;
    assert_eq!(verifier.verify(&unnamed(&one)).await, Err(TokenError::UnnamedKey));
    assert_eq!(verifier.verify(&unnamed(&other)).await.unwrap().subject, "ada");
}

#[tokio::test]
async fn what_cannot_be_meant_is_told_at_the_start() {
    let open = |settings| async move {
        match Verifier::open(settings).await {
            Ok(_) => panic!("it was opened"),
            Err(error) => error.to_string(),
        }
    };
    let short = open(settings(KeySource::Secret(b"SECRET".to_vec()))).await;
    assert!(short.contains("6 bytes") && short.contains("32") && !short.contains("SECRET"), "{short}");
    assert!(open(settings(KeySource::Secret(Vec::new()))).await.contains("0 bytes"));
    let missing = open(settings(KeySource::Set("/nowhere/keys.json".to_owned()))).await;
    assert!(missing.contains("/nowhere/keys.json"), "{missing}");
    let mut for_anybody = settings(KeySource::Secret(vec![7; 32]));
    for_anybody.audiences.clear();
    assert!(open(for_anybody).await.contains("--jwt-audience"));
    let mut of_anybody = settings(KeySource::Secret(vec![7; 32]));
    of_anybody.issuer.clear();
    assert!(open(of_anybody).await.contains("--jwt-issuer"));
    for text in ["", "[]", "{}", "{\"keys\": {}}", "{\"keys\": []}"] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.json");
        std::fs::write(&file, text).unwrap();
        let told = open(settings(KeySource::Set(file.to_str().unwrap().to_owned()))).await;
        assert!(told.contains("keys.json"), "{text}: {told}");
    }
}

/// What a server says that starts with these settings, which it cannot mean.
fn refused(arguments: &[&str], secret: Option<&str>) -> String {
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--database", "sqlite::memory:"]).args(arguments);
    command.envs(secret.map(|secret| ("THROUGHLINE_JWT_HS256_SECRET", secret)));
    let output = command.output().unwrap();
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn settings_that_cannot_be_meant_end_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "SECRET SECRET SECRET SECRET SEC\r\n").unwrap();
    let file = file.to_str().unwrap();
    let long = "SECRET-SECRET-SECRET-SECRET-SECRET";
    let meant = ["--jwt-issuer", "https://issuer.example", "--jwt-audience", "record"];
    let with = |first: &[&'static str]| [first, &meant].concat();
    for (arguments, secret, expected) in [
        (with(&[]), None, "nothing to be checked with"),
        (with(&["--jwt-jwks", "keys.json"]), Some(long), "not with both"),
        (with(&["--jwt-jwks", "/nowhere/keys.json"]), None, "/nowhere/keys.json"),
        (with(&["--jwt-jwks", "ftp://issuer.example/keys"]), None, "https://"),
        (with(&[]), Some("SECRET"), "6 bytes"),
        // A line's end does not make a secret longer.
        (with(&[]).into_iter().chain(["--jwt-hs256-secret-file", file]).collect(), None, "31 bytes"),
        (with(&[]).into_iter().chain(["--jwt-hs256-secret-file", file]).collect(), Some(long), "one of them must go"),
        (with(&[]).into_iter().chain(["--jwt-hs256-secret-file", "/nowhere/s"]).collect(), None, "/nowhere/s"),
        (vec![], Some(long), "--jwt-issuer"),
        (meant[..2].to_vec(), Some(long), "--jwt-audience"),
        (with(&["--jwt-leeway-s", "31"]), Some(long), "--jwt-leeway-s"),
    ] {
        let told = refused(&arguments, secret);
        assert!(
            told.contains(expected) && !told.contains("SECRET SECRET") && !told.contains("SECRET-"),
            "{arguments:?}: {told}"
        );
    }
}

/// An issuer that speaks TLS is asked only where an authority vouches for it that the machine trusts.
#[tokio::test]
async fn an_issuer_must_be_who_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let trusted = folder.path().join("trusted.pem");
    std::fs::write(&trusted, certificate.pem()).unwrap();
    let provider = tokio_rustls::rustls::crypto::ring::default_provider();
    let config = ServerConfig::builder_with_provider(Arc::new(provider)).with_safe_default_protocol_versions().unwrap();
    let secret = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], secret).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://localhost:{}/keys", listener.local_addr().unwrap().port());
    let set = set_of(&[&Signer::ed25519("ed")]).to_string();
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{set}", set.len());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // Who does not trust it ends the handshake.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut asked = [0; 4096];
            let length = stream.read(&mut asked).await.unwrap();
            assert!(asked[..length].starts_with(b"GET /keys HTTP/1.1\r\n"));
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let start = async |trusted: &Path| {
        let test = TestDatabase::new(Backend::Sqlite).await;
        let mut command = program();
        command.args(["serve", "--listen", "127.0.0.1:0", "--database", &test.url, "--jwt-jwks", &address]);
        command.args(["--jwt-issuer", "https://issuer.example", "--jwt-audience", "record"]);
        command.env("SSL_CERT_FILE", trusted);
        let server = tokio::task::spawn_blocking(move || RunningServer::start_with(&mut command)).await.unwrap();
        server.log()
    };
    let told = start(&trusted).await;
    assert!(!told.contains("JWT"), "{told}");
    let other = folder.path().join("other.pem");
    let another = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(&other, another.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()).unwrap();
    let told = start(&other).await;
    assert!(told.contains("the keys of JWT cannot be had"), "{told}");
}
