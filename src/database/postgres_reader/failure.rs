//! What PostgreSQL answers to a connection of our own, in the words of sqlx, so that `error` sorts the errors of all
//! connections alike.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::io;

use sea_orm::sqlx;
use sea_orm::sqlx::error::{DatabaseError, ErrorKind};
use tokio_postgres::Error;
use tokio_postgres::error::DbError;

use crate::database::row::TooLarge;

/// What the server says of a statement, or of the connection.
#[derive(Debug, thiserror::Error)]
#[error("(code: {}) {}", .0.code().code(), .0.message())]
struct PostgresFailure(DbError);

/// What the driver says of a certificate that is not trusted, among others.
const TLS_FAILED: &str = "error performing TLS handshake";

/// The driver's error as one of sqlx.
pub(super) fn driver_failure(error: Error) -> sqlx::Error {
    if error.is_closed() {
        return ended();
    }
    let text = error.to_string();
    let Some(cause) = error.into_source() else { return sqlx::Error::Protocol(text) };
    let cause = match cause.downcast::<DbError>() {
        Ok(failure) => return sqlx::Error::Database(Box::new(PostgresFailure(*failure))),
        Err(cause) => cause,
    };
    match cause.downcast::<io::Error>() {
        Ok(failure) if text == TLS_FAILED => sqlx::Error::Tls(failure),
        // What cannot be said in the protocol, or is not said in it, is no fault of the connection.
        Ok(failure) if matches!(failure.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
            sqlx::Error::Protocol(format!("{text}: {failure}"))
        }
        Ok(failure) => sqlx::Error::Io(*failure),
        Err(cause) => sqlx::Error::Protocol(format!("{text}: {cause}")),
    }
}

/// That there is nobody at the other end any more.
pub(super) fn ended() -> sqlx::Error {
    sqlx::Error::Io(io::Error::new(io::ErrorKind::UnexpectedEof, "the server has ended the connection"))
}

/// That the rows are too many to be held.
pub(super) fn too_large(error: TooLarge) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

impl DatabaseError for PostgresFailure {
    fn message(&self) -> &str {
        self.0.message()
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.0.code().code().into())
    }

    fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn StdError + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
        self
    }

    /// It reads, and so violates nothing.
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}
