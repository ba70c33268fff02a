//! What can go wrong in a read.

use std::sync::Arc;

use async_graphql::{ErrorExtensionValues, Pos, ServerError};

use crate::code::Code;
use crate::database::DatabaseError;
use crate::encryption::SecretError;

/// Why a field has no value.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BatchError {
    /// An argument's value is outside of what it may be.
    #[error("{argument} {reason}")]
    InvalidArgument {
        /// The argument's name, with the path inside it.
        argument: String,
        /// What is wrong, and what is allowed.
        reason: String,
    },
    /// An id is malformed, or names another type.
    #[error("{argument} {reason}")]
    InvalidId {
        /// The argument's name.
        argument: String,
        /// What is wrong, and what is expected.
        reason: String,
    },
    /// A cursor is malformed, or comes from another ordering.
    #[error("{argument} {reason}")]
    InvalidCursor {
        /// The argument's name.
        argument: String,
        /// What is wrong.
        reason: String,
    },
    /// The row that a non-null relation points to is gone.
    #[error("the object was deleted while it was being read")]
    Vanished,
    /// The statement failed.
    #[error(transparent)]
    Database(Arc<DatabaseError>),
    /// Two fields share a response key, but are not one field with equal arguments.
    #[error("the fields under the key {key} are different fields, or have other arguments: give one of them an alias")]
    FieldConflict {
        /// The response key.
        key: String,
    },
    /// The document's arguments hold more values than one plan can be filled with.
    #[error("the document has too many arguments for one request")]
    TooManyValues,
    /// The operation asks for more of what ordinary code computes than one may.
    #[error("the operation has more than {most} fields that are computed one by one")]
    TooManyComputed {
        /// The most that it may have.
        most: usize,
    },
    /// A secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The loader panicked; the panic's text is in the log.
    #[error("the loader panicked")]
    Panicked,
    /// Our own code contradicts itself.
    #[error("{0}")]
    Broken(&'static str),
}

impl From<DatabaseError> for BatchError {
    fn from(error: DatabaseError) -> Self {
        Self::Database(Arc::new(error))
    }
}

impl From<sea_orm::DbErr> for BatchError {
    fn from(error: sea_orm::DbErr) -> Self {
        DatabaseError::from(error).into()
    }
}

impl BatchError {
    /// The code that the answer carries.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::InvalidArgument { .. } | Self::TooManyValues | Self::TooManyComputed { .. } => Code::InvalidArgument,
            Self::InvalidId { .. } => Code::InvalidId,
            Self::InvalidCursor { .. } => Code::InvalidCursor,
            Self::Database(error) => match **error {
                DatabaseError::Unavailable(_) => Code::DatabaseUnavailable,
                DatabaseError::PoolTimeout(_) => Code::PoolTimeout,
                DatabaseError::StatementTimeout(_) => Code::StatementTimeout,
                DatabaseError::LockTimeout(_) => Code::LockTimeout,
                DatabaseError::Conflict(_) => Code::WriteConflict,
                DatabaseError::Constraint(_) | DatabaseError::Failed(_) => Code::Internal,
            },
            Self::Secret(SecretError::KeyMissing) => Code::EncryptionKeyMissing,
            Self::Secret(SecretError::Erased) => Code::SecretErased,
            Self::Secret(SecretError::Unreadable) => Code::SecretUnreadable,
            Self::FieldConflict { .. } => Code::ValidationFailed,
            Self::Vanished | Self::Panicked | Self::Broken(_) => Code::Internal,
        }
    }

    /// The error as an entry of the answer's `errors`. What is ours says nothing but that; the error itself travels as
    /// the entry's source, for the log.
    pub(crate) fn to_server_error(&self, position: Pos) -> ServerError {
        let code = self.code();
        let message = code.constant_message().map_or_else(|| self.to_string(), str::to_owned);
        let mut error = ServerError::new(message, Some(position));
        error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("code", code.as_str());
        error.source = Some(Arc::new(self.clone()));
        error
    }
}
