//! How secrets are read: a statement brings a token together with the key that it is encrypted with, still wrapped, and nothing of it to a
//! caller who may not see it; who writes the answer opens it.
//!
//! **Invariant:** a secret costs no statement. A data key is unwrapped once for each request, and forgotten with it: what was erased is
//! not opened any more by any process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::sea_query::{BinOper, CaseStatement, Expr, ExprTrait as _, Func, Query};

use super::{DataKey, KeyRing};
use crate::access::{Role, Sight};

/// Why a secret cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// No key that is set unwraps the data key.
    #[error("it is encrypted under a key that the server does not have")]
    KeyMissing,
    /// The data key was erased after it was written.
    #[error("its key was erased, so that nobody can read it any more; write it anew, or clear it")]
    Erased,
    /// It is no token of the data key.
    #[error("it is not what was written: it was changed outside of Throughline")]
    Unreadable,
}

/// What opens the secrets of one request.
pub struct Secrets {
    ring: Arc<KeyRing>,
    /// Data keys, by what they are wrapped as.
    unwrapped: Mutex<HashMap<String, Result<Arc<DataKey>, SecretError>>>,
}

/// What stands between the wrapped key and the token where a key of the project was erased before.
const ERASED: &str = "erased";

/// The least role that may read and write the secrets of a project.
pub const SEEN_BY: Role = Role::Maintainer;

/// The wrapped key of a row of `data_keys`, and the mark.
const KEY_AND_MARK: &str = "coalesce(data_keys.wrapped_key, '') || \
                            CASE WHEN data_keys.erased_at IS NULL THEN ' ' ELSE ' erased ' END";

/// What a statement selects of a secret, whose token and whose project's id are these columns of the row: the wrapped key, a mark where an
/// earlier key was erased, and the token, each after a space. Nothing where there is no token or the caller may not see it.
pub(crate) fn sealed(sight: &Sight, token: Expr, project: Expr) -> Expr {
    let own = Expr::col(("data_keys", "project_id")).eq(project.clone());
    let key = Query::select().expr(Expr::cust(KEY_AND_MARK)).from("data_keys").and_where(own).take();
    let key = Func::coalesce([Expr::SubQuery(None, Box::new(key.into())), Expr::cust("' '")]);
    let mut seen = token.clone().is_not_null();
    if let Some(condition) = sight.has(SEEN_BY, project) {
        seen = seen.and(condition);
    }
    CaseStatement::new().case(seen, Expr::from(key).binary(BinOper::Custom("||"), token)).into()
}

impl Secrets {
    /// What `ring` opens.
    #[must_use]
    pub fn new(ring: Arc<KeyRing>) -> Self {
        Self { ring, unwrapped: Mutex::default() }
    }

    /// The text of what [`sealed`] has selected.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(crate) fn open(&self, sealed: &str) -> Result<String, SecretError> {
        let mut parts = sealed.split(' ');
        let (Some(wrapped), Some(token)) = (parts.next(), parts.next_back()) else {
            return Err(SecretError::Unreadable);
        };
        if wrapped.is_empty() {
            return Err(SecretError::Erased);
        }
        let opened = self.unwrap(wrapped)?.decrypt(token);
        let was_renewed = parts.next() == Some(ERASED);
        opened.map_err(|error| if was_renewed { SecretError::Erased } else { error })
    }

    fn unwrap(&self, wrapped: &str) -> Result<Arc<DataKey>, SecretError> {
        // No code panics while it holds the lock.
        let mut unwrapped = self.unwrapped.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = unwrapped.get(wrapped) {
            return known.clone();
        }
        let key = self.ring.unwrap(wrapped).map(Arc::new);
        unwrapped.insert(wrapped.to_owned(), key.clone());
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::FreeText;

    #[test]
    fn what_was_sealed_opens_or_tells_why_not() {
        let ring = Arc::new(KeyRing::read(&KeyRing::generate_key()));
        let (key, other) = (DataKey::generate(), DataKey::generate());
        let (wrapped, renewed) = (ring.wrap(&key).unwrap().text, ring.wrap(&other).unwrap().text);
        let token = key.encrypt(&"text".parse::<FreeText>().unwrap().into());
        let secrets = Secrets::new(Arc::clone(&ring));
        assert_eq!(secrets.open(&format!("{wrapped} {token}")).unwrap(), "text");
        assert_eq!(secrets.open(&format!("{wrapped} erased {token}")).unwrap(), "text");
        assert_eq!(secrets.open(&format!("{renewed} {token}")), Err(SecretError::Unreadable));
        assert_eq!(secrets.open(&format!("{renewed} erased {token}")), Err(SecretError::Erased));
        for erased in [format!(" {token}"), format!(" erased {token}")] {
            assert_eq!(secrets.open(&erased), Err(SecretError::Erased));
        }
        assert_eq!(secrets.open("nonsense"), Err(SecretError::Unreadable));
        let blind = Secrets::new(KeyRing::none());
        assert_eq!(blind.open(&format!("{wrapped} {token}")), Err(SecretError::KeyMissing));
    }
}
