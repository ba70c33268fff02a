//! Finds out who sends a request, by the credential that comes with it.
//!
//! **Invariants:** without a credential somebody is let in only where that was decided when the server started; a credential that is
//! there and is wrong lets nobody in, not even as nobody. Nothing is remembered from one request to the next, so that what is taken
//! back is taken back, and who has made a project owns it, at once and on every process: that is a statement a request.

use std::sync::Arc;

use super::Caller;
use super::identity::{self, KnownToken};
use super::issued::caller_of;
use super::jwt::{Claims, SignedBy, TokenError, Verifier};
use super::open_sessions::{OpenSession, OpenSessions};
use super::token::{CredentialHash, TokenSecret};
use super::uses::Uses;
use crate::clock;
use crate::database::{Database, DatabaseError};

/// Finds out who sends a request. Cloning is cheap.
#[derive(Clone)]
pub struct Authenticator(Arc<Inner>);

struct Inner {
    database: Database,
    unidentified: Unidentified,
    issuer: Option<Verifier>,
    sessions: Arc<OpenSessions>,
    uses: Arc<Uses>,
}

/// Who sends a request, and by what that was found out.
#[derive(Clone, Debug)]
pub struct Identified {
    /// Who it is.
    pub caller: Caller,
    pub(super) credential: Option<Credential>,
}

/// What somebody was let in by.
#[derive(Clone, Debug)]
pub(super) enum Credential {
    /// A token of ours.
    Token(CredentialHash),
    /// What another issuer says, and how it has signed that.
    Issued(Arc<Claims>, SignedBy),
}

/// What becomes of a request without a credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unidentified {
    /// It is refused.
    #[default]
    Refused,
    /// It is the local owner's, who may do everything: only where nobody else can send one.
    LocalOwner,
}

/// Why a request is not let in.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// It has no credential.
    #[error("say who you are: send the header Authorization: Bearer TOKEN")]
    Missing,
    /// It has none, and where it would not need one a proxy has passed it on.
    #[error("a proxy has passed this on, so that it may be anybody's: send the header Authorization: Bearer TOKEN")]
    PassedOn,
    /// The header is no bearer token.
    #[error("the header Authorization must be: Bearer TOKEN")]
    Malformed,
    /// The token lets nobody in: it is unknown, its user is deleted, or it was taken back.
    #[error("the access token is unknown, or was taken back")]
    Unknown,
    /// The token has ended.
    #[error("the access token has expired")]
    Expired,
    /// The JWT is not right, or its keys cannot be had.
    #[error(transparent)]
    Issued(#[from] TokenError),
    /// It could not be found out.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl Denied {
    /// Whether it could not be found out, which is no fault of who asks.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        match self {
            Self::Missing | Self::PassedOn | Self::Malformed | Self::Unknown | Self::Expired => false,
            Self::Issued(error) => error.is_ours(),
            Self::Database(_) => true,
        }
    }
}

impl Authenticator {
    /// Knows the users of this database, and those whom an issuer names, if one is trusted.
    #[must_use]
    pub fn new(database: Database, unidentified: Unidentified, issuer: Option<Verifier>) -> Self {
        let sessions = Arc::new(OpenSessions::new(database.clone()));
        let uses = Arc::new(Uses::new(database.clone()));
        Self(Arc::new(Inner { database, unidentified, issuer, sessions, uses }))
    }

    /// Who sends a request with this credential: what follows `Bearer`.
    ///
    /// # Errors
    /// When nobody is let in by it.
    pub async fn identify(&self, credential: Option<&str>) -> Result<Identified, Denied> {
        let Some(text) = credential else {
            return match self.0.unidentified {
                Unidentified::LocalOwner => Ok(Caller::local_owner().into()),
                Unidentified::Refused => Err(Denied::Missing),
            };
        };
        match TokenSecret::read(text) {
            // Boxed: these read from the database, and all that waits for who asks would have room for it.
            Some(secret) => Box::pin(self.identify_token(secret.hash())).await,
            None => Box::pin(self.identify_issued(text)).await,
        }
    }

    /// Watches over a caller who stays: the session ends when the credential does, or no longer lets the caller do all that it did.
    #[must_use]
    pub fn watch(&self, identified: Identified) -> OpenSession {
        self.0.sessions.open(identified)
    }

    async fn identify_token(&self, hash: CredentialHash) -> Result<Identified, Denied> {
        let token = identity::find_tokens(&self.0.database, &[hash]).await?.remove(&hash).ok_or(Denied::Unknown)?;
        let (id, last_used_at) = (token.id, token.last_used_at);
        let caller = caller_of_token(token)?;
        self.0.uses.note(id, last_used_at);
        Ok(Identified { caller, credential: Some(Credential::Token(hash)) })
    }

    /// Who another issuer says that it is, if one is trusted.
    async fn identify_issued(&self, text: &str) -> Result<Identified, Denied> {
        let issuer = self.0.issuer.as_ref().ok_or(Denied::Unknown)?;
        let (claims, signed) = issuer.check(text).await?;
        let users = identity::find_users(&self.0.database, &[&claims.subject]).await?;
        let caller = caller_of(&claims, users.get(&claims.subject))?;
        Ok(Identified { caller, credential: Some(Credential::Issued(Arc::new(claims), signed)) })
    }
}

impl From<Caller> for Identified {
    /// Who was let in without a credential, or by an application that knows its own.
    fn from(caller: Caller) -> Self {
        Self { caller, credential: None }
    }
}

/// Whom a token lets in.
///
/// # Errors
/// When it lets nobody in any more.
pub(super) fn caller_of_token(token: KnownToken) -> Result<Caller, Denied> {
    if token.is_revoked || token.user.is_deleted {
        return Err(Denied::Unknown);
    }
    let caller = token.into_caller();
    if caller.has_expired(clock::now()) { Err(Denied::Expired) } else { Ok(caller) }
}
