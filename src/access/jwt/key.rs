//! A key, with the one algorithm that it is for; and a set of them, as a JWKS (RFC 7517) tells it.
//!
//! **Invariant:** what a set holds is public: a secret in one, which anybody could sign with who can read it, is left out.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

use super::error::{FetchError, SetupError};
use super::{SHORTEST_SECRET_BYTES, TokenError};

/// A key that signatures are checked with.
///
/// There is no `Debug`, since it may be a secret.
pub(super) struct Key {
    id: Option<String>,
    /// What the set says of it; nothing of a secret.
    public: Option<AlgorithmParameters>,
    /// What it is for, and nothing else.
    pub(super) algorithm: Algorithm,
    pub(super) decoding: DecodingKey,
}

/// The keys that an issuer has at one time.
pub(super) struct KeySet(Vec<Arc<Key>>);

/// A set that is larger is no issuer's.
const MOST_KEYS: usize = 100;
/// Bytes of an RSA key's modulus. Shorter ones can be broken, and longer ones take long to check with.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;
/// Bytes of a coordinate on either curve.
const COORDINATE_BYTES: usize = 32;

impl Key {
    /// A secret, for HS256.
    pub(super) fn of_secret(secret: &[u8]) -> Result<Self, SetupError> {
        let too_short = || SetupError::ShortSecret(secret.len());
        if secret.len() < SHORTEST_SECRET_BYTES {
            return Err(too_short());
        }
        let decoding = DecodingKey::from_secret(secret).map_err(|_| too_short())?;
        Ok(Self { id: None, public: None, algorithm: Algorithm::HS256, decoding })
    }

    /// A public key, if it is one that signatures are checked with; else why not.
    fn of_jwk(jwk: &Jwk) -> Result<Self, &'static str> {
        let common = &jwk.common;
        if common.public_key_use.as_ref().is_some_and(|of| *of != PublicKeyUse::Signature)
            || common.key_operations.as_ref().is_some_and(|of| !of.contains(&KeyOperations::Verify))
        {
            return Err("it is not for signatures");
        }
        let (algorithm, is_sound) = match &jwk.algorithm {
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
                (Algorithm::EdDSA, length(&key.x) == Some(COORDINATE_BYTES))
            }
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
                (Algorithm::ES256, [&key.x, &key.y].iter().all(|part| length(part) == Some(COORDINATE_BYTES)))
            }
            AlgorithmParameters::RSA(key) => {
                (Algorithm::RS256, length(&key.n).is_some_and(|bytes| RSA_BYTES.contains(&bytes)))
            }
            AlgorithmParameters::OctetKey(_) => return Err("it is a secret, which has no place in a set"),
            _ => return Err("it is of a kind that is not known here"),
        };
        if common.key_algorithm.is_some_and(|named| named != KeyAlgorithm::from(algorithm)) {
            return Err("it is for another algorithm");
        }
        match DecodingKey::from_jwk(jwk) {
            Ok(decoding) if is_sound => {
                Ok(Self { id: common.key_id.clone(), public: Some(jwk.algorithm.clone()), algorithm, decoding })
            }
            _ => Err("it is too short, too long or broken"),
        }
    }
}

/// How many bytes a number in Base64 has.
fn length(number: &str) -> Option<usize> {
    URL_SAFE_NO_PAD.decode(number).ok().map(|bytes| bytes.len())
}

impl KeySet {
    /// Reads a set. What cannot be used in it is left out: issuers have keys for other ends in the same set.
    pub(super) fn read(json: &[u8]) -> Result<Self, FetchError> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<serde_json::Value>,
        }
        let set: Set = serde_json::from_slice(json).map_err(|_| FetchError::NoSet)?;
        if set.keys.len() > MOST_KEYS {
            return Err(FetchError::NoSet);
        }
        let mut keys = Vec::with_capacity(set.keys.len());
        for (place, key) in set.keys.into_iter().enumerate() {
            let key = serde_json::from_value(key).map_err(|_| "it is no key");
            match key.and_then(|jwk| Key::of_jwk(&jwk)) {
                Ok(key) => keys.push(Arc::new(key)),
                Err(reason) => tracing::debug!(place, "a key of the set for JWT is left out: {reason}"),
            }
        }
        Ok(Self(keys))
    }

    /// Whether nothing can be checked with it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it has the same key, by whatever name.
    pub(super) fn has(&self, key: &Key) -> bool {
        self.0.iter().any(|known| known.public == key.public)
    }

    /// The key that a token names; or, where it names none, the only one that it can be.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Arc<Key>, TokenError> {
        let mut fitting = self.0.iter().filter(|key| key.algorithm == algorithm);
        let Some(id) = id else {
            return match (fitting.next(), fitting.next()) {
                (Some(key), None) => Ok(Arc::clone(key)),
                (None, _) => Err(TokenError::UnknownKey),
                (Some(_), Some(_)) => Err(TokenError::UnnamedKey),
            };
        };
        let is_named = |key: &&Arc<Key>| key.id.as_deref() == Some(id);
        match fitting.find(is_named) {
            Some(key) => Ok(Arc::clone(key)),
            None if self.0.iter().any(|key| is_named(&key)) => Err(TokenError::Algorithm),
            None => Err(TokenError::UnknownKey),
        }
    }
}
