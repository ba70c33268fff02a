//! A project's own key.

use fernet::Fernet;

use super::{KeyId, SecretError, SecretText};

/// What a project's secrets are encrypted with. It is never stored but wrapped.
pub struct DataKey {
    text: String,
    fernet: Fernet,
}

/// A data key as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapped {
    /// A Fernet token.
    pub text: String,
    /// The key that opens it.
    pub key_id: KeyId,
}

impl DataKey {
    /// A new one.
    #[must_use]
    pub fn generate() -> Self {
        loop {
            // What is generated is a key.
            if let Some(key) = Self::read(Fernet::generate_key().into_bytes()) {
                return key;
            }
        }
    }

    /// Reads what was wrapped.
    pub(super) fn read(text: Vec<u8>) -> Option<Self> {
        let text = String::from_utf8(text).ok()?;
        Some(Self { fernet: Fernet::new(&text)?, text })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The text as a Fernet token, which is another one each time.
    #[must_use]
    pub fn encrypt(&self, text: &SecretText) -> String {
        self.fernet.encrypt(text.reveal().as_bytes())
    }

    /// The text of a token.
    ///
    /// # Errors
    /// [`SecretError::Unreadable`] where another key has made it, or it was changed.
    pub fn decrypt(&self, token: &str) -> Result<String, SecretError> {
        let text = self.fernet.decrypt(token).ok();
        text.and_then(|text| String::from_utf8(text).ok()).ok_or(SecretError::Unreadable)
    }
}

/// No key is shown.
impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_with_its_own_key_and_as_it_was_made() {
        let (key, other) = (DataKey::generate(), DataKey::generate());
        let text = SecretText::from("ünder embargo".parse::<crate::text::FreeText>().unwrap());
        let token = key.encrypt(&text);
        assert!(token.starts_with("gAAAAA"), "as the table asks: {token}");
        assert_eq!(key.decrypt(&token).unwrap(), "ünder embargo");
        assert_ne!(key.encrypt(&text), token);
        assert_eq!(other.decrypt(&token), Err(SecretError::Unreadable));
        let changed = token.replacen(&token[40..41], if &token[40..41] == "A" { "B" } else { "A" }, 1);
        assert_eq!(key.decrypt(&changed), Err(SecretError::Unreadable));
        assert_eq!(key.decrypt("plain"), Err(SecretError::Unreadable));
        assert_eq!(format!("{key:?} {text:?}"), "DataKey SecretText");
    }
}
