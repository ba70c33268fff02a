//! Sorts what a database can answer into what a caller can act on. The one place that looks inside a
//! [`sea_orm::DbErr`].

use std::io;

use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr, sqlx};

/// A failed statement, by what can be done about it.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The database cannot be reached, or went away. Trying later can help.
    #[error("the database cannot be reached")]
    Unavailable(#[source] DbErr),
    /// Every connection was in use for longer than one waits for it. Trying later can help.
    #[error("no connection to the database was free in time")]
    PoolTimeout(#[source] DbErr),
    /// The statement ran for longer than it may, and was stopped.
    #[error("the statement took too long and was stopped")]
    StatementTimeout(#[source] DbErr),
    /// Somebody else held a lock for longer than a statement waits.
    #[error("somebody else held a lock for too long; try again when they are done")]
    LockTimeout(#[source] DbErr),
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

impl DatabaseError {
    /// That nothing was answered for longer than one waits.
    pub(crate) fn no_answer() -> Self {
        Self::Unavailable(no_answer())
    }
}

impl From<DbErr> for DatabaseError {
    fn from(error: DbErr) -> Self {
        match &error {
            DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => Self::PoolTimeout(error),
            DbErr::Conn(RuntimeErr::SqlxError(cause)) if matches!(sort_driver_error(cause), Kind::LockTimeout) => {
                Self::LockTimeout(error)
            }
            DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed) | DbErr::Conn(_) => Self::Unavailable(error),
            DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
                match sort_driver_error(cause) {
                    Kind::Unavailable => Self::Unavailable(error),
                    Kind::PoolTimeout => Self::PoolTimeout(error),
                    Kind::StatementTimeout => Self::StatementTimeout(error),
                    Kind::LockTimeout => Self::LockTimeout(error),
                    Kind::Conflict => Self::Conflict(error),
                    Kind::Constraint => Self::Constraint(error),
                    Kind::Other => Self::Failed(error),
                }
            }
            _ => Self::Failed(error),
        }
    }
}

/// The error of a server that gave no answer when even a statement that took too long would have been answered.
pub(super) fn no_answer() -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(no_answer_of_driver().into()))
}

/// The same in the words of the driver.
pub(super) fn no_answer_of_driver() -> sqlx::Error {
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the server gave no answer"))
}

/// Whether another server may answer a read that one has failed: it is away, or its statement was in the way of what it replays, or behind
/// a change of a table that waits to be replayed.
pub(super) fn is_elsewhere_better(error: &DbErr) -> bool {
    match error {
        DbErr::Conn(_) | DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed) => true,
        DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
            matches!(sort_driver_error(cause), Kind::Unavailable | Kind::Conflict | Kind::LockTimeout)
        }
        _ => false,
    }
}

/// Whether a server that gives no connection now may soon: nobody listens, it begins, or it has as many as it takes. sqlx's pool waits for
/// the same.
pub(super) fn is_unready(error: &DbErr) -> bool {
    let DbErr::Query(RuntimeErr::SqlxError(cause)) = error else { return false };
    match &**cause {
        sqlx::Error::Io(cause) => cause.kind() == io::ErrorKind::ConnectionRefused,
        // PostgreSQL, appendix A: too many connections, cannot connect now.
        sqlx::Error::Database(cause) => cause.code().is_some_and(|code| matches!(&*code, "53300" | "57P03")),
        _ => false,
    }
}

/// Whether a call met a connection that had ended before.
pub(super) fn is_ended_connection(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause))
    | DbErr::Query(RuntimeErr::SqlxError(cause))
    | DbErr::Conn(RuntimeErr::SqlxError(cause))) = error
    else {
        return false;
    };
    match &**cause {
        sqlx::Error::Io(cause) => {
            cause.kind() != io::ErrorKind::TimedOut && cause.kind() != io::ErrorKind::ConnectionRefused
        }
        cause => is_farewell(cause),
    }
}

/// Whether a server says that it begins, ends, or has ended a connection: PostgreSQL's class 57P, operator intervention.
pub(super) fn is_farewell(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code.starts_with("57P"))
}

enum Kind {
    Unavailable,
    PoolTimeout,
    StatementTimeout,
    LockTimeout,
    Conflict,
    Constraint,
    Other,
}

fn sort_driver_error(error: &sqlx::Error) -> Kind {
    use sqlx::Error;
    match error {
        Error::PoolTimedOut => Kind::PoolTimeout,
        Error::Io(_) | Error::Tls(_) | Error::PoolClosed | Error::WorkerCrashed => Kind::Unavailable,
        Error::Database(cause) => cause.code().as_deref().map_or(Kind::Other, sort_code),
        _ => Kind::Other,
    }
}

fn sort_code(code: &str) -> Kind {
    match code {
        // PostgreSQL, appendix A: class 08 connection, 57P the server ends or has ended the connection, 25006 a replica, which takes no writes, 25P03 a transaction that
        // did nothing for so long that its connection was ended, class 53 resources, class 28 and 3D no such user or database, or no more; 57014 query canceled, by the
        // statement timeout or by an administrator who had seen enough of it; 55P03 lock not available; 40001 serialization
        // failure, 40P01 deadlock; class 23 integrity.
        "25006" | "25P03" => Kind::Unavailable,
        code if code.starts_with("57P") => Kind::Unavailable,
        "57014" => Kind::StatementTimeout,
        "55P03" => Kind::LockTimeout,
        "40001" | "40P01" => Kind::Conflict,
        code if code.len() == 5 => match &code.as_bytes()[..2] {
            b"08" | b"28" | b"3D" | b"53" => Kind::Unavailable,
            b"23" => Kind::Constraint,
            _ => Kind::Other,
        },
        // SQLite's result codes, the primary one in the low byte: 5 BUSY, which is told when the lock was waited for, unless
        // waiting for it could not help (517 BUSY_SNAPSHOT); 6 LOCKED, 9 INTERRUPT, 10 IOERR, 13 FULL, 14 CANTOPEN,
        // 19 CONSTRAINT.
        code => match code.parse::<u32>() {
            Ok(517) => Kind::Conflict,
            Ok(code) => match code & 0xff {
                5 => Kind::LockTimeout,
                6 => Kind::Conflict,
                9 => Kind::StatementTimeout,
                10 | 13 | 14 => Kind::Unavailable,
                19 => Kind::Constraint,
                _ => Kind::Other,
            },
            Err(_) => Kind::Other,
        },
    }
}
