//! What a webhook may be.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use crate::encryption::SecretText;
use crate::events::{UnknownType, types_named};
use crate::text::{Text, TextError};

/// Where events are sent: an absolute address of `https` or `http`, of at most 2,000 characters.
///
/// There is no `Debug` that shows it, since its path often is a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl(Url);

/// Why a text is no address of a webhook. No text quotes it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookUrlError {
    /// Too short, too long, or with a NUL.
    #[error(transparent)]
    Text(#[from] TextError),
    /// It is no address.
    #[error("must be an absolute URL, as https://example.org/hook; {0}")]
    Url(url::ParseError),
    /// Nobody could be asked there.
    #[error("must begin with https:// or http://")]
    Scheme,
    /// It names somebody.
    #[error("must hold no user name and no password; a secret in the path or the query is hidden")]
    Credentials,
    /// What stands behind `#` is sent to nobody.
    #[error("must have no part behind a #, which is sent to nobody")]
    Fragment,
}

impl WebhookUrl {
    /// The most characters.
    const LONGEST: usize = 2000;

    /// The address, to be stored encrypted.
    #[must_use]
    pub fn secret(&self) -> SecretText {
        SecretText::of_text(self.0.as_str())
    }

    /// The address, to be asked.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl TryFrom<String> for WebhookUrl {
    type Error = WebhookUrlError;

    fn try_from(text: String) -> Result<Self, WebhookUrlError> {
        let text: Text<1, { Self::LONGEST }> = Text::try_from(text)?;
        let url = Url::parse(text.as_str()).map_err(WebhookUrlError::Url)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(WebhookUrlError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(WebhookUrlError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(WebhookUrlError::Fragment);
        }
        Ok(Self(url))
    }
}

impl std::fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookUrl")
    }
}

/// The key that signs: `whsec_` and 24 to 64 bytes in base 64, as Standard Webhooks has it
/// (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret {
    text: String,
    key: Vec<u8>,
}

/// Why a text is no key that signs. No text quotes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be whsec_ and 24 to 64 random bytes in base 64; leave it out, and the server makes one")]
pub struct WebhookSecretError;

impl WebhookSecret {
    const PREFIX: &str = "whsec_";

    /// A new one, of 32 bytes.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut key = vec![0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self { text: format!("{}{}", Self::PREFIX, STANDARD.encode(&key)), key })
    }

    /// The text, to be stored encrypted.
    #[must_use]
    pub fn secret(&self) -> SecretText {
        SecretText::of_text(&self.text)
    }

    /// The bytes that sign.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }
}

impl TryFrom<String> for WebhookSecret {
    type Error = WebhookSecretError;

    fn try_from(text: String) -> Result<Self, WebhookSecretError> {
        let encoded = text.strip_prefix(Self::PREFIX).ok_or(WebhookSecretError)?;
        let key = STANDARD.decode(encoded).map_err(|_| WebhookSecretError)?;
        if (24..=64).contains(&key.len()) { Ok(Self { text, key }) } else { Err(WebhookSecretError) }
    }
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret")
    }
}

/// The types of the events that are sent, as they were named: a kind stands for all that there will ever be of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventTypes(String);

/// Why types cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventTypesError {
    /// Nothing would ever be sent.
    #[error("must name at least one type; leave it out for all")]
    Empty,
    /// There is no such type.
    #[error(transparent)]
    Unknown(#[from] UnknownType),
}

impl EventTypes {
    /// The names, separated by spaces.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Vec<String>> for EventTypes {
    type Error = EventTypesError;

    fn try_from(mut names: Vec<String>) -> Result<Self, EventTypesError> {
        types_named(&names)?;
        names.sort_unstable();
        names.dedup();
        if names.is_empty() { Err(EventTypesError::Empty) } else { Ok(Self(names.join(" "))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_can_be_asked_and_names_nobody() {
        let url = |text: &str| WebhookUrl::try_from(text.to_owned());
        assert_eq!(url("https://example.org/hook?key=1").unwrap().url().as_str(), "https://example.org/hook?key=1");
        assert_eq!(url("http://EXAMPLE.org").unwrap().secret().reveal(), "http://example.org/");
        assert_eq!(url("ftp://example.org/"), Err(WebhookUrlError::Scheme));
        assert_eq!(url("https://ada:pw@example.org/"), Err(WebhookUrlError::Credentials));
        assert_eq!(url("https://example.org/#part"), Err(WebhookUrlError::Fragment));
        for wrong in ["", "example.org", "/hook", "https://", "https://exa mple.org", &"https://e.org/".repeat(200)] {
            let error = url(wrong).unwrap_err();
            assert!(matches!(error, WebhookUrlError::Url(_) | WebhookUrlError::Text(_)), "{wrong}: {error}");
        }
        assert_eq!(format!("{:?}", url("https://example.org/secret").unwrap()), "WebhookUrl");
    }

    #[test]
    fn a_key_has_24_to_64_bytes() {
        let secret = WebhookSecret::random().unwrap();
        assert_eq!(WebhookSecret::try_from(secret.secret().reveal().to_owned()).unwrap(), secret);
        let of = |bytes: usize| WebhookSecret::try_from(format!("whsec_{}", STANDARD.encode(vec![7; bytes])));
        assert_eq!(of(24).unwrap().key(), [7; 24]);
        assert!(of(64).is_ok() && of(23).is_err() && of(65).is_err());
        for wrong in ["", "whsec_", "whsec_!!!!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            assert!(WebhookSecret::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
        assert_eq!(format!("{secret:?}"), "WebhookSecret");
    }

    #[test]
    fn types_are_known_and_stand_once() {
        let types =
            |names: &[&str]| EventTypes::try_from(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(types(&["test_case", "feature.create", "test_case"]).unwrap().as_str(), "feature.create test_case");
        assert_eq!(types(&[]), Err(EventTypesError::Empty));
        assert!(matches!(types(&["feature.fly"]), Err(EventTypesError::Unknown(_))));
    }
}
