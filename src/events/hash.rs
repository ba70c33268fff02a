//! The chain of hashes in a stream of events.

use entity::event::Model;
use sha2::{Digest, Sha256};

/// A hash of the chain.
pub type Hash = [u8; 32];

/// What stands before the first event of a stream.
pub const NO_EVENT: Hash = [0; 32];

/// The hash of an event that follows one with the hash `previous`.
///
/// SHA-256 (FIPS 180-4) over the previous hash and then, each after its length in bytes as eight bytes with the greatest first:
/// the event's id and its aggregate's as 16 bytes, the aggregate's type, the version in decimal, the event's type, the payload's
/// text, the actor's id and kind, the request's id, and the time in microseconds since 1970 in decimal.
#[must_use]
pub fn hash_of(event: &Model, previous: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    let mut add = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_be_bytes());
        hasher.update(bytes);
    };
    add(event.id.as_bytes());
    add(event.aggregate_id.as_bytes());
    add(event.aggregate_type.as_bytes());
    add(event.version.to_string().as_bytes());
    add(event.event_type.as_bytes());
    add(event.payload.as_bytes());
    add(event.actor_id.as_bytes());
    add(event.actor_kind.as_bytes());
    add(event.request_id.as_bytes());
    add(event.created_at.timestamp_micros().to_string().as_bytes());
    hasher.finalize().into()
}
