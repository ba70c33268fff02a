//! What a caller did wrong in a write, and can put right.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::database::DatabaseError;

/// Why a command, or one item of it, was not carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserError {
    /// What kind of mistake it is.
    pub code: UserErrorCode,
    /// What is wrong, and what is allowed.
    pub message: String,
    /// Where in the arguments: `input`, `features`, `3`, `name`.
    pub field: Vec<String>,
    /// What is in the way of an expected version.
    pub conflict: Option<Box<Conflict>>,
}

/// The kinds of mistakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserErrorCode {
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
    /// A secret cannot be stored, since the server has no key to encrypt it with.
    EncryptionKeyMissing,
    /// The project would have no owner any more.
    LastOwner,
}

/// What happened to an object since the version that a caller expected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conflict {
    /// What kind of object it is: the prefix of its id.
    pub kind: String,
    /// The object.
    pub id: Uuid,
    /// The version that the caller expected.
    pub expected_version: i32,
    /// The version that the object has.
    pub current_version: i32,
    /// What happened in between, the earliest first.
    pub changes: Vec<ConflictChange>,
}

/// One event since the version that a caller expected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConflictChange {
    /// The version after it.
    pub version: i32,
    /// What happened: `feature.update`.
    pub event_type: String,
    /// The fields that it gave values to.
    pub fields: Vec<String>,
    /// Who did it.
    pub actor_id: String,
    /// `person`, `agent` or `service`.
    pub actor_kind: String,
    /// When.
    pub at: DateTime<Utc>,
}

impl UserError {
    /// A mistake at this place of the arguments.
    pub fn new(code: UserErrorCode, field: &[String], message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: field.to_vec(), conflict: None }
    }
}

/// Why a command was not carried out; nothing was written.
#[derive(Debug)]
pub enum Refusal {
    /// The caller can do something about it.
    Refused(Vec<UserError>),
    /// The database failed.
    Database(DatabaseError),
}

impl Refusal {
    /// # Errors
    /// When there is any error.
    pub fn of_any(errors: Vec<UserError>) -> Result<(), Self> {
        if errors.is_empty() { Ok(()) } else { Err(Self::Refused(errors)) }
    }
}

impl From<UserError> for Refusal {
    fn from(error: UserError) -> Self {
        Self::Refused(vec![error])
    }
}

impl From<DatabaseError> for Refusal {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error)
    }
}
