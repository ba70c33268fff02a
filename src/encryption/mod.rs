//! What is stored encrypted: under a key for each project, which is itself stored encrypted ("wrapped") under a key that only the
//! process's settings hold.
//!
//! A [`KeyRing`] is the keys of the settings: the first wraps, all unwrap. A [`DataKey`] is a project's own; it encrypts texts to Fernet tokens
//! (<https://github.com/fernet/spec/blob/master/Spec.md>), which are all that rows, events and backups hold. A [`SecretText`] is a text on its way
//! in, and [`Secrets`] opens what a statement has read, on its way out. docs/decisions/0015 tells why it is so.
//!
//! **Invariants:** a text leaves this module's types as a token, or as a part of an answer to whom it is for; no key and no text is shown by
//! `Debug` or told in an error; what opens nothing is a [`SecretError`] of one field, and never of more.

mod data_key;
mod key_ring;
mod rotation;
mod sealed;
mod secret_text;
mod status;
pub mod token;

pub use data_key::{DataKey, Wrapped};
pub use key_ring::{KeyId, KeyRing};
pub use rotation::{RotateError, Rotated, rotate};
pub(crate) use sealed::sealed;
pub use sealed::{SEEN_BY, SecretError, Secrets};
pub use secret_text::SecretText;
pub(crate) use secret_text::holds_secret;
pub use status::{KeyCounts, count_keys};
