//! What secrets are encrypted with.

use std::convert::Infallible;
use std::str::FromStr;
use std::sync::Arc;

use crate::encryption::KeyRing;

/// The keys that secrets are encrypted with.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Encryption")]
pub struct EncryptionSettings {
    /// The keys of the key ring.
    #[arg(
        long,
        value_name = "KEYS",
        env = "THROUGHLINE_ENCRYPTION_KEYS",
        hide_env = true,
        help = "Fernet keys, separated by commas, that wrap the keys of projects: the first encrypts, all decrypt. As a variable they do not show in the process list\n[env: THROUGHLINE_ENCRYPTION_KEYS] [default: none: confidential notes can be neither written nor read, and there are no webhooks]"
    )]
    encryption_keys: Option<KeysText>,
}

/// Keys as they were given; what is wrong with them is told later, so that no start fails by them and no message quotes them.
#[derive(Clone)]
struct KeysText(String);

impl FromStr for KeysText {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

/// No key is shown.
impl std::fmt::Debug for KeysText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeysText")
    }
}

impl EncryptionSettings {
    /// The keys.
    #[must_use]
    pub fn key_ring(&self) -> Arc<KeyRing> {
        self.encryption_keys.as_ref().map_or_else(KeyRing::none, |keys| Arc::new(KeyRing::read(&keys.0)))
    }
}
