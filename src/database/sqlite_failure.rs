//! What SQLite answers to a connection of our own, in the words of sqlx, so that `error` sorts the errors of all
//! connections alike.

use std::borrow::Cow;
use std::error::Error;

use rusqlite::ffi;
use sea_orm::sqlx;
use sea_orm::sqlx::error::{DatabaseError, ErrorKind};

/// An error code and what SQLite says of it.
#[derive(Debug, thiserror::Error)]
#[error("(code: {code}) {message}")]
pub(super) struct SqliteFailure {
    /// SQLite's extended result code.
    code: i32,
    message: String,
}

impl SqliteFailure {
    /// The result code without what extends it: <https://www.sqlite.org/rescode.html>.
    pub(super) fn primary_code(&self) -> i32 {
        self.code & 0xff
    }
}

/// The driver's error as one of sqlx.
pub(super) fn driver_failure(error: rusqlite::Error) -> sqlx::Error {
    use rusqlite::Error as Driver;
    let (code, message) = match error {
        Driver::SqliteFailure(ref cause, _) => (cause.extended_code, error.to_string()),
        Driver::SqlInputError { error: cause, msg, .. } => (cause.extended_code, msg),
        Driver::ToSqlConversionFailure(reason) => return sqlx::Error::Encode(reason),
        other => return sqlx::Error::AnyDriverError(Box::new(other)),
    };
    sqlx::Error::Database(Box::new(SqliteFailure { code, message }))
}

impl DatabaseError for SqliteFailure {
    fn message(&self) -> &str {
        &self.message
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.code.to_string().into())
    }

    fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        match self.code {
            ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => ErrorKind::UniqueViolation,
            ffi::SQLITE_CONSTRAINT_FOREIGNKEY => ErrorKind::ForeignKeyViolation,
            ffi::SQLITE_CONSTRAINT_NOTNULL => ErrorKind::NotNullViolation,
            ffi::SQLITE_CONSTRAINT_CHECK => ErrorKind::CheckViolation,
            _ => ErrorKind::Other,
        }
    }
}
