//! Tokens of another issuer: which are taken, and which are not.

mod attacks;
mod callers;
mod keys;
mod rotation;

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use serde_json::{Value, json};
use tempfile::TempDir;
use throughline::access::jwt::{KeySource, Settings, Verifier};

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "throughline.example";

/// A key that an issuer signs with.
pub(super) struct Signer {
    id: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
}

impl Signer {
    fn ed25519(id: &'static str) -> Self {
        // A private key in the form of RFC 8410, which is any 32 bytes.
        let seed: [u8; 32] = std::array::from_fn(|_| fastrand::u8(..));
        let der = [&b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20"[..], &seed].concat();
        Self { id, algorithm: Algorithm::EdDSA, key: EncodingKey::from_ed_der(&der) }
    }

    fn es256(id: &'static str) -> Self {
        let der = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap().serialize_der();
        Self { id, algorithm: Algorithm::ES256, key: EncodingKey::from_ec_der(&der) }
    }

    /// One key for all tests, since it takes long to find one.
    fn rs256(id: &'static str) -> Self {
        let der = include_bytes!("../data/jwt_rsa_2048.der");
        Self { id, algorithm: Algorithm::RS256, key: EncodingKey::from_rsa_der(der) }
    }

    fn hs256(secret: &[u8]) -> Self {
        Self { id: "", algorithm: Algorithm::HS256, key: EncodingKey::from_secret(secret).unwrap() }
    }

    /// The public part, as a set has it.
    fn jwk(&self) -> Value {
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&self.key, self.algorithm).unwrap()).unwrap();
        jwk["kid"] = self.id.into();
        jwk["use"] = "sig".into();
        jwk
    }

    fn header(&self) -> Header {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.id.to_owned()).filter(|id| !id.is_empty());
        header
    }

    fn sign(&self, claims: &Value) -> String {
        encode(&self.header(), claims, &self.key).unwrap()
    }
}

/// Seconds from now, as tokens tell times.
fn in_seconds(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    i64::try_from(now).unwrap() + seconds
}

/// The claims of a token that is right, with these put in; null takes one away.
fn claims(other: &Value) -> Value {
    let mut claims = json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": in_seconds(300) });
    for (name, value) in other.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

fn set_of(signers: &[&Signer]) -> Value {
    json!({ "keys": signers.iter().map(|signer| signer.jwk()).collect::<Vec<_>>() })
}

fn settings(keys: KeySource) -> Settings {
    Settings {
        keys,
        issuer: ISSUER.to_owned(),
        audiences: vec!["another.example".to_owned(), AUDIENCE.to_owned()],
        leeway: Duration::from_secs(10),
        claim: "throughline".to_owned(),
        refetch_pause: Duration::from_millis(200),
    }
}

/// A file with a set of keys, for as long as the folder is there.
fn file_of(set: &Value) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    std::fs::write(&file, set.to_string()).unwrap();
    (folder, file)
}

/// What checks tokens of these keys.
async fn verifier_of(set: &Value) -> Verifier {
    let (_folder, file) = file_of(set);
    Verifier::open(settings(KeySource::Set(file.to_str().unwrap().to_owned()))).await.unwrap()
}
