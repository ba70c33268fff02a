//! JSON Web Tokens (RFC 7519): who an issuer that we trust says that a caller is.
//!
//! **Invariants:** an algorithm belongs to a key and never comes from a token alone, so that a token can neither choose `none` nor have a
//! public key taken for a secret; a set of keys holds no secrets, and a secret stands in no set; nothing of a token is parsed before its
//! length is known, and nothing of it is believed before its signature is checked; no text of ours repeats a token or a key.

mod claims;
mod error;
mod fetch;
mod kept;
mod key;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, Header, Validation};

pub use self::claims::Claims;
pub use self::error::{FetchError, SetupError, TokenError};
use self::fetch::Source;
use self::kept::KeptKeys;
use self::key::Key;

/// The longest token that is looked at.
pub const LONGEST_TOKEN_BYTES: usize = 8 * 1024;
/// The shortest secret: as long as what HS256 makes of it (RFC 7518, section 3.2).
pub const SHORTEST_SECRET_BYTES: usize = 32;

/// What tokens are checked with.
///
/// There is no `Debug`, since it may hold a secret.
pub struct Settings {
    /// Where the keys are.
    pub keys: KeySource,
    /// Who makes the tokens: their `iss`.
    pub issuer: String,
    /// What tokens are for that are meant for us: one of these is in their `aud`.
    pub audiences: Vec<String>,
    /// How far the issuer's clock may be from ours.
    pub leeway: Duration,
    /// The claim that tells what a caller may do.
    pub claim: String,
    /// How long nothing is fetched after keys were, whatever tokens ask for.
    pub refetch_pause: Duration,
}

/// Where the keys are.
pub enum KeySource {
    /// One secret that the issuer has as well, for HS256.
    Secret(Vec<u8>),
    /// A set of public keys (RFC 7517): the name of a file, or an address that begins with `https://` or `http://`.
    Set(String),
}

/// How long nothing is fetched after keys were, where nobody says otherwise.
pub const REFETCH_PAUSE: Duration = Duration::from_secs(10);

/// Checks tokens. Cloning is cheap, and clones share the keys.
#[derive(Clone)]
pub struct Verifier(Arc<Shared>);

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier")
    }
}

/// The key that a token was signed with, to ask for as long as whoever came with the token stays.
#[derive(Clone)]
pub(super) struct SignedBy {
    key: Arc<Key>,
    verifier: Verifier,
}

impl fmt::Debug for SignedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedBy")
    }
}

impl SignedBy {
    /// Whether the issuer still has the key, as far as is known.
    pub(super) fn is_trusted(&self) -> bool {
        match &self.verifier.0.keys {
            Keys::Secret(_) => true,
            Keys::Set(keys) => keys.still_have(&self.key),
        }
    }

    /// How far the issuer's clock may be from ours.
    pub(super) fn leeway(&self) -> TimeDelta {
        self.verifier.0.leeway
    }
}

struct Shared {
    keys: Keys,
    leeway: TimeDelta,
    /// What holds for tokens of any key.
    rules: Validation,
    claim: String,
}

enum Keys {
    Secret(Arc<Key>),
    Set(Arc<KeptKeys>),
}

impl Verifier {
    /// Begins to check tokens. A set of keys is read; where it is at an address that does not answer, tokens are refused until it does.
    ///
    /// # Errors
    /// Where the settings cannot be meant, or a file holds no keys.
    pub async fn open(settings: Settings) -> Result<Self, SetupError> {
        let Settings { keys, issuer, audiences, leeway, claim, refetch_pause } = settings;
        if issuer.is_empty() || audiences.is_empty() || audiences.iter().any(String::is_empty) {
            return Err(SetupError::ForAnybody);
        }
        let keys = match keys {
            KeySource::Secret(secret) => Keys::Secret(Arc::new(Key::of_secret(&secret)?)),
            KeySource::Set(place) => Keys::Set(KeptKeys::open(Source::at(&place)?, refetch_pause).await?),
        };
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.algorithms.clear();
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        rules.set_issuer(&[issuer]);
        rules.set_audience(&audiences);
        rules.leeway = leeway.as_secs();
        rules.validate_nbf = true;
        let leeway = TimeDelta::from_std(leeway).unwrap_or_default();
        Ok(Self(Arc::new(Shared { keys, leeway, rules, claim })))
    }

    /// What a token says, if it is right and holds now.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        Ok(self.check(token).await?.0)
    }

    /// As [`Verifier::verify`]; and what it was signed with.
    pub(super) async fn check(&self, token: &str) -> Result<(Claims, SignedBy), TokenError> {
        if token.len() > LONGEST_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Malformed)?;
        if !is_of_a_caller(&header) {
            return Err(TokenError::Type);
        }
        let Shared { keys, rules, claim, .. } = &*self.0;
        let key = match keys {
            Keys::Secret(key) => Arc::clone(key),
            Keys::Set(keys) => keys.find(header.kid.as_deref(), header.alg).await?,
        };
        let rules = Validation { algorithms: vec![key.algorithm], ..rules.clone() };
        let read = jsonwebtoken::decode(token, &key.decoding, &rules).map_err(|error| TokenError::of(&error))?;
        Ok((Claims::read(&read.claims, claim)?, SignedBy { key, verifier: self.clone() }))
    }
}

/// Whether a token is meant to tell who a caller is: issuers sign other tokens with the same keys, such as those that end a session
/// (RFC 8725, section 3.11). A type that is not told is the usual one.
fn is_of_a_caller(header: &Header) -> bool {
    let Some(name) = &header.typ else { return true };
    ["JWT", "at+jwt", "application/jwt", "application/at+jwt"].iter().any(|known| name.eq_ignore_ascii_case(known))
}
