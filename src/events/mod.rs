//! Events: what happened to each aggregate, numbered without gaps, and chained so that a changed past shows.
//!
//! **Invariants:** an event is appended by [`crate::write_transaction`] alone and never changed, which the database enforces;
//! a row is what [`apply`] makes of its events; an event's hash covers all that it says and the hash of the event
//! before it in its stream; its time is not before that one's.

mod aggregate;
mod any_row;
pub mod bus;
mod computed;
mod field;
mod follow;
pub mod graphql;
mod hash;
mod past;
mod place;
pub mod reads;
mod replay;
mod snapshot;
pub mod subscriptions;
mod topic;
mod verify;
mod walk;

pub use aggregate::{
    Aggregate, ApplyError, Effect, FieldChange, Happened, Owner, Stamp, apply, apply_event, changes, values,
};
pub use computed::{as_of, diff};
pub use field::{Field, FieldError, FieldKind};
pub use follow::{Position, events_after, is_more_to_settle, last_position};
pub use hash::{Hash, NO_EVENT, hash_of};
pub use past::{Moment, last_version, state_at};
pub use place::{place_of, position_of};
pub use replay::{Comparison, Found, ReplayError, Replayed, replay};
pub use snapshot::Snapshot;
pub use topic::{Topic, UnknownType, types_named};
pub(crate) use verify::verify_in;
pub use verify::{Fault, Tampering, Verified, verify};
pub use walk::Walked;

use entity::{deployment, feature, project, project_member, test_case, user, webhook};

/// What the aggregates are called, and what their ids start with.
pub const KINDS: &[&str] = &[
    <project::Entity as Aggregate>::KIND,
    <feature::Entity as Aggregate>::KIND,
    <test_case::Entity as Aggregate>::KIND,
    <deployment::Entity as Aggregate>::KIND,
    <project_member::Entity as Aggregate>::KIND,
    <user::Entity as Aggregate>::KIND,
    <webhook::Entity as Aggregate>::KIND,
];
