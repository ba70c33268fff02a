//! User errors as clients see them.

use async_graphql::{Enum, ID, SimpleObject};
use chrono::{DateTime, Utc};

use crate::write_transaction::items::Mode;
use crate::write_transaction::{self as door};

/// What one bad item does to the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub(crate) enum BulkMode {
    /// Nothing is written, and every bad item is named.
    #[default]
    Atomic,
    /// The good items are written, and every bad one is named.
    BestEffort,
}

impl From<BulkMode> for Mode {
    fn from(mode: BulkMode) -> Self {
        match mode {
            BulkMode::Atomic => Self::Atomic,
            BulkMode::BestEffort => Self::BestEffort,
        }
    }
}

/// The kinds of mistakes that a caller can put right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "door::UserErrorCode")]
pub(crate) enum UserErrorCode {
    /// There is no such object, or the caller may not see it.
    NotFound,
    /// The caller may see the object, but not do this to it.
    Forbidden,
    /// The id is malformed, or names another type.
    InvalidId,
    /// Another object has the name already.
    NameTaken,
    /// The text is too short or too long.
    InvalidLength,
    /// The number or time is outside of what it may be.
    OutOfRange,
    /// The value is malformed.
    InvalidValue,
    /// The status cannot follow the present one.
    InvalidTransition,
    /// The object has another version than the caller expects.
    VersionConflict,
    /// The idempotency key was used for another input.
    IdempotencyKeyReused,
    /// The object is not deleted, so that it cannot be restored.
    NotDeleted,
    /// The same object or name stands twice in the input, or what is to be made is there already.
    Duplicate,
    /// There are more items than one command may have.
    TooMany,
    /// A secret cannot be stored, since the server has no key to encrypt it with; whoever runs it can set one.
    EncryptionKeyMissing,
    /// The project would have no owner any more.
    LastOwner,
}

/// What a caller did wrong, and can put right.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct UserError {
    /// What kind of mistake it is.
    code: UserErrorCode,
    /// What is wrong and what is allowed, in words for people.
    message: String,
    /// Where in the arguments: `["input", "features", "3", "name"]`.
    field: Vec<String>,
    /// What happened to the object since the version that was expected; null for other mistakes.
    conflict: Option<VersionConflict>,
}

/// What happened to an object since the version that a caller expected.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct VersionConflict {
    /// The version that the caller expected.
    expected_version: i32,
    /// The version that the object has.
    current_version: i32,
    /// What happened in between, the earliest first; at most the first 100 events.
    changes: Vec<ConflictingChange>,
}

/// What somebody else did to the object.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ConflictingChange {
    /// The object's version afterwards.
    version: i32,
    /// What happened: `feature.update`.
    #[graphql(name = "type")]
    event_type: String,
    /// The fields that have another value since.
    fields: Vec<String>,
    /// Who did it.
    actor_id: ID,
    /// What kind of actor that is: `person`, `agent` or `service`.
    actor_kind: String,
    /// When it was done.
    at: DateTime<Utc>,
}

impl From<&door::UserError> for UserError {
    fn from(error: &door::UserError) -> Self {
        let door::UserError { code, message, field, conflict } = error.clone();
        Self { code: code.into(), message, field, conflict: conflict.map(|conflict| (*conflict).into()) }
    }
}

impl From<door::Conflict> for VersionConflict {
    fn from(conflict: door::Conflict) -> Self {
        let door::Conflict { expected_version, current_version, changes, .. } = conflict;
        let changes = changes.into_iter().map(|change| ConflictingChange {
            version: change.version,
            event_type: change.event_type,
            fields: change.fields,
            actor_id: change.actor_id.into(),
            actor_kind: change.actor_kind,
            at: change.at,
        });
        Self { expected_version, current_version, changes: changes.collect() }
    }
}
