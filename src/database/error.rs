//! Sorts what a database can answer into what a caller can act on. The one place that looks inside a
//! [`sea_orm::DbErr`].

use sea_orm::{DbErr, RuntimeErr};

/// A failed statement, by what can be done about it.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// No connection within the time allowed, or none at all. Trying later can help.
    #[error("the database cannot be reached")]
    Unavailable(#[source] DbErr),
    /// Another transaction was in the way; the same transaction can be run again.
    #[error("another writer was in the way; try again when it is done")]
    Conflict(#[source] DbErr),
    /// A constraint of the schema refused the row; rules should have caught it.
    #[error("a constraint refused the row")]
    Constraint(#[source] DbErr),
    /// Everything else: a fault of ours or of the machine.
    #[error("the statement failed")]
    Failed(#[source] DbErr),
}

impl From<DbErr> for DatabaseError {
    fn from(error: DbErr) -> Self {
        match &error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Self::Unavailable(error),
            DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
                match sort_driver_error(cause) {
                    Kind::Unavailable => Self::Unavailable(error),
                    Kind::Conflict => Self::Conflict(error),
                    Kind::Constraint => Self::Constraint(error),
                    Kind::Other => Self::Failed(error),
                }
            }
            _ => Self::Failed(error),
        }
    }
}

enum Kind {
    Unavailable,
    Conflict,
    Constraint,
    Other,
}

fn sort_driver_error(error: &sea_orm::sqlx::Error) -> Kind {
    use sea_orm::sqlx::Error;
    match error {
        Error::Io(_) | Error::Tls(_) | Error::PoolTimedOut | Error::PoolClosed | Error::WorkerCrashed => {
            Kind::Unavailable
        }
        Error::Database(cause) => match cause.code().as_deref() {
            // PostgreSQL, appendix A: class 08 connection, 57P0x shutdown, class 53 resources;
            // 40001 serialization failure, 40P01 deadlock, 55P03 lock not available; class 23 integrity.
            Some(code) if code.len() == 5 => match (&code[..2], code) {
                ("08" | "53", _) | (_, "57P01" | "57P02" | "57P03") => Kind::Unavailable,
                (_, "40001" | "40P01" | "55P03") => Kind::Conflict,
                ("23", _) => Kind::Constraint,
                _ => Kind::Other,
            },
            // SQLite's result codes, the primary one in the low byte: 5 BUSY, 6 LOCKED, 10 IOERR, 13 FULL,
            // 14 CANTOPEN, 19 CONSTRAINT.
            Some(code) => match code.parse::<u32>().map(|code| code & 0xff) {
                Ok(5 | 6) => Kind::Conflict,
                Ok(10 | 13 | 14) => Kind::Unavailable,
                Ok(19) => Kind::Constraint,
                _ => Kind::Other,
            },
            None => Kind::Other,
        },
        _ => Kind::Other,
    }
}
