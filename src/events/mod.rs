//! Events: what happened to each aggregate, numbered without gaps, and chained so that a changed past shows.
//!
//! **Invariants:** an event is appended by [`crate::write_transaction`] alone and never changed, which the database enforces;
//! a row is what [`apply`] makes of its events; an event's hash covers all that it says and the hash of the event
//! before it in its stream; its time is not before that one's.

mod aggregate;
pub mod bus;
mod field;
mod follow;
mod hash;
mod snapshot;

pub use aggregate::{Aggregate, ApplyError, Effect, FieldChange, Happened, Stamp, apply, changes, values};
pub use field::{Field, FieldError, FieldKind};
pub use follow::{Position, events_after, is_more_to_settle, last_position};
pub use hash::{Hash, NO_EVENT, hash_of};
pub use snapshot::Snapshot;
