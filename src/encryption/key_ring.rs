//! The keys that wrap data keys, as the settings give them.
//!
//! **Invariant:** a text of settings always makes a ring, since a start must not fail by it: what is no key in it is left out, and told by
//! its place. If that is the first, nothing is wrapped, rather than under a key that was not meant. A place that was left empty before a key,
//! as by a variable that is not set, is no key either.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use fernet::Fernet;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::{DataKey, SecretError, Wrapped};

/// Keys: the first wraps, all unwrap. The default has none.
#[derive(Default)]
pub struct KeyRing {
    keys: Vec<RingKey>,
    /// Whether the first of the keys that are left is the one that was meant to be.
    has_first: bool,
    /// The places, from 1, of what is no key.
    malformed: Vec<usize>,
    /// Whether the log knows that a data key could not be unwrapped.
    has_warned: AtomicBool,
}

struct RingKey {
    id: KeyId,
    fernet: Fernet,
    /// What tells inputs from each other that hold secrets.
    input_mac: Hmac<Sha256>,
}

/// What a key is called where it must not be shown: the first 16 digits of a hash of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

/// Base 64 as Fernet has it; whoever copies a key may lose the padding.
const BASE_64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl KeyRing {
    /// Reads keys that are separated by commas.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut ring = Self { has_first: true, ..Self::default() };
        // A comma at the end is harmless.
        let texts = text.trim_end_matches(|char: char| char == ',' || char.is_whitespace());
        let texts = texts.split(',').map(str::trim).filter(|_| !texts.is_empty());
        for (place, text) in texts.enumerate() {
            match RingKey::read(text) {
                Some(key) if ring.knows(&key.id) => {}
                Some(key) => ring.keys.push(key),
                None => {
                    ring.malformed.push(place + 1);
                    ring.has_first &= place > 0;
                }
            }
        }
        ring
    }

    /// No keys.
    #[must_use]
    pub fn none() -> Arc<Self> {
        Arc::default()
    }

    /// A new key, for a ring to be made of.
    #[must_use]
    pub fn generate_key() -> String {
        Fernet::generate_key()
    }

    /// Whether there is no key at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The places, from 1, of what is no key: 32 bytes in URL-safe base 64.
    #[must_use]
    pub fn malformed(&self) -> &[usize] {
        &self.malformed
    }

    /// The key that wraps, if there is one.
    #[must_use]
    pub fn first(&self) -> Option<&KeyId> {
        self.wrapping().map(|key| &key.id)
    }

    /// All keys, in their order.
    pub fn ids(&self) -> impl Iterator<Item = &KeyId> {
        self.keys.iter().map(|key| &key.id)
    }

    /// Whether it has this key.
    #[must_use]
    pub fn knows(&self, id: &KeyId) -> bool {
        self.ids().any(|known| known == id)
    }

    /// Wraps a data key with the first key, if there is one.
    #[must_use]
    pub fn wrap(&self, key: &DataKey) -> Option<Wrapped> {
        let first = self.wrapping()?;
        Some(Wrapped { text: first.fernet.encrypt(key.text().as_bytes()), key_id: first.id.clone() })
    }

    /// Unwraps a data key with whichever key wrapped it.
    ///
    /// # Errors
    /// [`SecretError::KeyMissing`] where none did.
    pub fn unwrap(&self, wrapped: &str) -> Result<DataKey, SecretError> {
        let unwrapped = self.keys.iter().find_map(|key| key.fernet.decrypt(wrapped).ok());
        let key = unwrapped.and_then(DataKey::read);
        if key.is_none() && !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!("a data key is wrapped by none of the keys that are set: what it encrypts cannot be read");
        }
        key.ok_or(SecretError::KeyMissing)
    }

    /// What tells an input that holds secrets from others, under each key: the first is to be stored, and any may have been. Without
    /// a key there is none. A plain hash of a short text would tell the text to who guesses it.
    pub(crate) fn input_macs(&self, input: &[u8]) -> Vec<[u8; 32]> {
        let macs = self.keys.iter().map(|key| key.input_mac.clone().chain_update(input).finalize().into_bytes().into());
        macs.collect()
    }

    fn wrapping(&self) -> Option<&RingKey> {
        self.keys.first().filter(|_| self.has_first)
    }
}

/// No key is shown.
impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<_> = self.ids().collect();
        f.debug_struct("KeyRing").field("keys", &ids).finish_non_exhaustive()
    }
}

impl RingKey {
    fn read(text: &str) -> Option<Self> {
        let bytes = BASE_64.decode(text).ok().filter(|bytes| bytes.len() == 32)?;
        let fernet = Fernet::new(&BASE_64.encode(&bytes))?;
        let digest = Sha256::new().chain_update("throughline key id").chain_update(&bytes).finalize();
        let id = KeyId(format!("{:016x}", u64::from_be_bytes(*digest.first_chunk()?)));
        let input_mac = Hmac::new_from_slice(&bytes).ok()?.chain_update("throughline input");
        Some(Self { id, fernet, input_mac })
    }
}

impl KeyId {
    /// As the tables hold it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it was read from a table.
    pub(super) fn stored(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Display for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of the specification's test vectors (<https://github.com/fernet/spec/blob/master/generate.json>).
    const KEY: &str = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";

    #[test]
    fn all_unwrap_what_the_first_wraps() {
        let (old, new) = (KeyRing::generate_key(), KeyRing::generate_key());
        let key = DataKey::generate();
        let wrapped = KeyRing::read(&old).wrap(&key).unwrap();
        let both = KeyRing::read(&format!(" {new} , {old},{new},"));
        assert_eq!(both.ids().count(), 2);
        assert_eq!(both.unwrap(&wrapped.text).unwrap().text(), key.text());
        let again = both.wrap(&key).unwrap();
        assert_eq!(Some(&again.key_id), both.first());
        assert_ne!(again.key_id, wrapped.key_id);
        assert_eq!(KeyRing::read(&old).unwrap(&again.text).err(), Some(SecretError::KeyMissing));
        assert_eq!(KeyRing::read(&new).unwrap(&again.text).unwrap().text(), key.text());
    }

    #[test]
    fn a_key_has_one_name_however_it_is_padded() {
        let ring = KeyRing::read(&format!("{KEY},{}", KEY.trim_end_matches('=')));
        assert_eq!(ring.ids().map(KeyId::as_str).collect::<Vec<_>>(), ["4b6cd5aa204dc24e"]);
    }

    #[test]
    fn what_is_no_key_is_left_out_and_never_replaced() {
        let ring = KeyRing::read(&format!("secret,{KEY}"));
        assert_eq!(ring.malformed(), [1]);
        assert!(ring.first().is_none() && ring.wrap(&DataKey::generate()).is_none());
        assert_eq!(ring.ids().count(), 1, "it still unwraps");
        let ring = KeyRing::read(&format!("{KEY},c2hvcnQ="));
        assert_eq!(ring.malformed(), [2]);
        assert!(ring.first().is_some());
        for nothing in ["", " , ", ",,"] {
            let ring = KeyRing::read(nothing);
            assert!(ring.is_empty() && ring.malformed().is_empty(), "{nothing}");
        }
        // As `$NEW,$OLD` is where `NEW` is not set.
        let ring = KeyRing::read(&format!(" ,{KEY}, "));
        assert_eq!((ring.malformed(), ring.ids().count()), (&[1][..], 1));
        assert!(ring.first().is_none() && ring.wrap(&DataKey::generate()).is_none());
    }

    #[test]
    fn nothing_shows_a_key() {
        let shown = format!("{:?}", KeyRing::read(&format!("{KEY},secret")));
        assert!(!shown.contains("cw_0x") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn inputs_are_told_apart_under_each_key() {
        let (old, new) = (KeyRing::generate_key(), KeyRing::generate_key());
        let (before, after) = (KeyRing::read(&old), KeyRing::read(&format!("{new},{old}")));
        let macs = after.input_macs(b"input");
        assert_eq!(macs.len(), 2);
        assert_eq!(macs[1..], before.input_macs(b"input"));
        assert_ne!(macs[0], macs[1]);
        assert_ne!(before.input_macs(b"input"), before.input_macs(b"other"));
    }
}
