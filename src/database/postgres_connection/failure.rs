//! What PostgreSQL answers to a connection of our own, in the words of sqlx, so that `error` sorts the errors of all
//! connections alike.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::io;

use postgres_protocol::message::frontend::BindError;
use sea_orm::sqlx;
use sea_orm::sqlx::error::{DatabaseError, ErrorKind};
use tokio_postgres::Error;
use tokio_postgres::error::DbError;

use super::wire::Malformed;
use crate::database::row::TooLarge;

/// What the server says of a statement, or of the connection.
#[derive(Debug, thiserror::Error)]
#[error("(code: {code}) {message}")]
pub(super) struct PostgresFailure {
    code: String,
    message: String,
    /// Whether the server ends the connection.
    is_last_word: bool,
}

/// PostgreSQL, appendix A: what was sent is not what the protocol has.
const PROTOCOL_VIOLATION: &str = "08P01";

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
        Ok(failure) => return PostgresFailure::from(*failure).told(),
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

/// That a message is not as the protocol has it.
pub(super) fn malformed(error: Malformed) -> sqlx::Error {
    sqlx::Error::Protocol(error.to_string())
}

/// That what a statement is given cannot be told in the protocol.
pub(super) fn unsayable(error: BindError) -> sqlx::Error {
    sqlx::Error::Protocol(match error {
        BindError::Conversion(error) => error.to_string(),
        BindError::Serialization(error) => error.to_string(),
    })
}

/// That the rows are too many to be held.
pub(super) fn too_large(error: TooLarge) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

impl PostgresFailure {
    /// Reads what an `ErrorResponse` says: fields, each a letter and a text that ends with zero
    /// (<https://www.postgresql.org/docs/current/protocol-error-fields.html>).
    pub(super) fn read(body: &[u8]) -> Result<Self, Malformed> {
        let (mut code, mut message, mut is_last_word) = (None, None, false);
        for field in body.split(|byte| *byte == 0) {
            match field.split_first() {
                Some((b'C', text)) => code = Some(String::from_utf8_lossy(text).into_owned()),
                Some((b'M', text)) => message = Some(String::from_utf8_lossy(text).into_owned()),
                Some((b'V', severity)) => is_last_word = matches!(severity, b"FATAL" | b"PANIC"),
                _ => {}
            }
        }
        Ok(Self { code: code.ok_or(Malformed)?, message: message.ok_or(Malformed)?, is_last_word })
    }

    /// Whether the server says no more on this connection.
    pub(super) fn is_last_word(&self) -> bool {
        self.is_last_word
    }

    /// As sqlx would tell it. A message that the server does not understand is our fault, and none of the connection's.
    pub(super) fn told(self) -> sqlx::Error {
        if self.code == PROTOCOL_VIOLATION {
            return sqlx::Error::Protocol(self.message);
        }
        sqlx::Error::Database(Box::new(self))
    }
}

impl From<DbError> for PostgresFailure {
    fn from(error: DbError) -> Self {
        Self { code: error.code().code().to_owned(), message: error.message().to_owned(), is_last_word: true }
    }
}

impl DatabaseError for PostgresFailure {
    fn message(&self) -> &str {
        &self.message
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.code.as_str().into())
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

    /// Nobody asks: errors are sorted by their codes.
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}
