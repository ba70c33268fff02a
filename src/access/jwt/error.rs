//! Why a token is refused, and why keys cannot be had.
//!
//! **Invariant:** a [`TokenError`] has words of ours alone, so that it may be told to whoever sent the token.

use std::path::PathBuf;

use jsonwebtoken::errors::{Error, ErrorKind};

use super::{LONGEST_TOKEN_BYTES, SHORTEST_SECRET_BYTES};

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It was not looked at.
    #[error("the token is longer than {LONGEST_TOKEN_BYTES} bytes")]
    TooLong,
    /// It is no token, or one that nobody signed.
    #[error("the token is not a signed JWT")]
    Malformed,
    /// It is signed for something else, such as to end a session.
    #[error("the token is of a type that does not tell who a caller is")]
    Type,
    /// It was signed in another way than its key is for.
    #[error("the token's algorithm is not its key's")]
    Algorithm,
    /// There is no such key, or no longer.
    #[error("the token's key is not known")]
    UnknownKey,
    /// Several keys could have signed it.
    #[error("the token does not name its key")]
    UnnamedKey,
    /// Its key has not signed it.
    #[error("the token's signature is wrong")]
    Signature,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time is still to come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Somebody else has made it.
    #[error("the token is not of the issuer that is trusted here")]
    Issuer,
    /// It is for somebody else.
    #[error("the token is not for this audience")]
    Audience,
    /// A claim is missing or is not what it must be.
    #[error("the token's claim `{0}` is missing or wrong")]
    Claim(&'static str),
    /// Whether it is right cannot be told.
    #[error("the keys that tokens are checked with cannot be had; try again later")]
    NoKeys,
}

impl TokenError {
    /// Whether it is not the token's fault.
    #[must_use]
    pub fn is_ours(self) -> bool {
        self == Self::NoKeys
    }

    pub(super) fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidSignature => Self::Signature,
            ErrorKind::ExpiredSignature => Self::Expired,
            ErrorKind::ImmatureSignature => Self::NotYetValid,
            ErrorKind::InvalidIssuer => Self::Issuer,
            ErrorKind::InvalidAudience => Self::Audience,
            ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm | ErrorKind::InvalidKeyFormat => {
                Self::Algorithm
            }
            ErrorKind::MissingRequiredClaim(name) | ErrorKind::InvalidClaimFormat(name) => {
                Self::Claim(known_claim(name))
            }
            _ => Self::Malformed,
        }
    }
}

/// The same name, of those that are looked for.
fn known_claim(name: &str) -> &'static str {
    ["exp", "nbf", "iss", "aud", "sub"].into_iter().find(|known| *known == name).unwrap_or("exp")
}

/// Why tokens cannot be checked at all.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Tokens that were made for others would be taken.
    #[error(
        "an issuer and an audience must be named (--jwt-issuer, --jwt-audience), or tokens that are meant for others would let their bearers in"
    )]
    ForAnybody,
    /// It could be guessed.
    #[error("the secret of JWT has {0} bytes and must have {SHORTEST_SECRET_BYTES} at least")]
    ShortSecret(usize),
    /// What was named is neither a file nor an address.
    #[error("the address of the keys of JWT is not one of https:// or http://")]
    Address,
    /// This machine trusts nobody.
    #[error("no authorities' certificates were found on this machine (Debian: ca-certificates)")]
    Authorities(#[source] std::io::Error),
    /// A file does not hold keys.
    #[error("{}: {source}", file.display())]
    File {
        /// Which one.
        file: PathBuf,
        /// Why not.
        source: FetchError,
    },
}

/// Why a set of keys could not be read; for the log alone.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// Nobody answers there.
    #[error("the address cannot be reached")]
    Connect(#[from] hyper_util::client::legacy::Error),
    /// It answers, but not with the set.
    #[error("the address answered with status {0}")]
    Status(u16),
    /// The answer broke off, or is too large.
    #[error("the answer could not be read to its end, or is larger than a set of keys may be")]
    Body,
    /// It took too long.
    #[error("the address did not answer in time")]
    Timeout,
    /// It is something else.
    #[error("this is no set of keys (RFC 7517)")]
    NoSet,
    /// Nothing in it can check a signature.
    #[error("none of its keys can be used: EdDSA (Ed25519), ES256 and RS256 (2048 to 8192 bits) are")]
    NoKey,
}
