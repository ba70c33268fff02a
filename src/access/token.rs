//! Access tokens: secrets that let users in.
//!
//! **Invariants:** a secret is random, 256 bits long, and shown once; what is stored is its SHA-256, by which it is looked up, so that
//! how long that takes says nothing of the secrets that there are: who knows a hash does not know what has it. A token is no
//! aggregate: an event would keep its hash for ever.

use std::collections::HashMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use entity::access_token::{ActiveModel, Column, Entity, Model};
use entity::project_member::Role;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::clock;
use crate::database::{Database, DatabaseError, Parameters};

/// The secret of an access token.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TokenSecret(String);

/// SHA-256 of a credential.
pub type CredentialHash = [u8; 32];

/// What secrets begin with, so that people and scanners know them.
const PREFIX: &str = "tl_";
/// How many bytes of a secret are random.
const RANDOM_BYTES: usize = 32;
/// How many characters a secret has: the prefix, and the bytes in base64.
const LENGTH: usize = PREFIX.len() + (RANDOM_BYTES * 4).div_ceil(3);

impl TokenSecret {
    /// A new one.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; RANDOM_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// The secret that a client sent, if it looks like one.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let is_one = text.len() == LENGTH && text.starts_with(PREFIX) && text.is_ascii();
        is_one.then(|| Self(text.to_owned()))
    }

    /// What is stored of it.
    #[must_use]
    pub fn hash(&self) -> CredentialHash {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// The secret, for whoever it is made for.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSecret(..)")
    }
}

/// A token to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Whom it lets in.
    pub user: Uuid,
    /// What it is for.
    pub name: String,
    /// The only project that it is good for, if it is limited to one.
    pub project: Option<Uuid>,
    /// The most that it is good for, if it is limited.
    pub role: Option<Role>,
    /// When it ends, if it does.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Makes a token: its id, and its secret, which is not to be had again.
///
/// # Errors
/// When the database does not answer, or there is no randomness.
pub async fn create(database: &Database, token: NewToken) -> Result<(Uuid, TokenSecret), CreateTokenError> {
    let (id, secret) = (Uuid::now_v7(), TokenSecret::random()?);
    let row = ActiveModel {
        id: Set(id),
        user_id: Set(token.user),
        name: Set(token.name),
        secret_hash: Set(secret.hash().to_vec()),
        project_id: Set(token.project),
        role: Set(token.role),
        created_at: Set(clock::now()),
        expires_at: Set(token.expires_at),
        revoked_at: Set(None),
        last_used_at: Set(None),
    };
    Entity::insert(row).exec_without_returning(database.writer()).await.map_err(DatabaseError::from)?;
    Ok((id, secret))
}

/// Why no token was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateTokenError {
    /// The database did not answer.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// There is nothing to make a secret of.
    #[error("the operating system has no randomness to give")]
    Random(#[from] getrandom::Error),
}

/// All tokens with their users' names, those that ended too, the oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(database: &Database) -> Result<Vec<(String, Model)>, DatabaseError> {
    let tokens = Entity::find().order_by_asc(Column::Id).all(database.reader()).await?;
    let users = entity::user::Entity::find().all(database.reader()).await?;
    let names: HashMap<Uuid, String> = users.into_iter().map(|user| (user.id, user.name)).collect();
    let name_of = |token: &Model| names.get(&token.user_id).cloned().unwrap_or_default();
    Ok(tokens.into_iter().map(|token| (name_of(&token), token)).collect())
}

/// Takes a token back; whether there was one that was still good.
///
/// # Errors
/// When the database does not answer.
pub async fn revoke(database: &Database, id: Uuid) -> Result<bool, DatabaseError> {
    let revoked = Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(clock::now()))
        .filter(Column::Id.eq(id))
        .filter(Column::RevokedAt.is_null())
        .exec(database.writer())
        .await?;
    Ok(revoked.rows_affected > 0)
}

/// Whether there is a token that lets somebody in.
///
/// # Errors
/// When the database does not answer.
pub async fn any_is_good(database: &Database) -> Result<bool, DatabaseError> {
    let statement = Parameters::statement(database.backend(), |parameters| {
        let now = parameters.add(clock::now());
        format!(
            "SELECT 1 FROM access_tokens t JOIN users u ON u.id = t.user_id WHERE u.deleted_at IS NULL \
             AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > {now}) LIMIT 1"
        )
    });
    Ok(database.reader().query_one_raw(statement).await?.is_some())
}

/// Notes that a token was used, unless somebody has noted so since `known_since`.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn note_use(
    database: &Database,
    id: Uuid,
    at: DateTime<Utc>,
    known_since: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    let noted = Entity::update_many()
        .col_expr(Column::LastUsedAt, Expr::value(at))
        .filter(Column::Id.eq(id))
        .filter(Column::LastUsedAt.is_null().or(Column::LastUsedAt.lt(known_since)));
    noted.exec(database.writer()).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_back_and_shows_itself_to_nobody() {
        let secret = TokenSecret::random().unwrap();
        assert_eq!(TokenSecret::read(secret.reveal()), Some(secret.clone()));
        assert_ne!(secret, TokenSecret::random().unwrap());
        assert!(!format!("{secret:?}").contains(secret.reveal()));
        assert_eq!(secret.reveal().len(), LENGTH);
        for wrong in ["", "tl_", "tl_abc", &secret.reveal()[1..], &format!("{}x", secret.reveal())] {
            assert_eq!(TokenSecret::read(wrong), None, "{wrong}");
        }
    }
}
