//! A row as the driver gives it, or as it was copied where SQLite would take it back. Nothing is copied out of it but what is
//! asked for, so that text goes from that buffer into the answer.
//!
//! **Invariant:** a row reads the same, whichever of these it is.

mod copied;

use chrono::{DateTime, Utc};
use sea_orm::sqlx::postgres::PgRow;
use sea_orm::sqlx::sqlite::SqliteRow;
use sea_orm::sqlx::{self, Decode, Postgres, Row as _, Sqlite, ValueRef as _};
use sea_orm::{DbErr, RuntimeErr};
use uuid::Uuid;

use self::copied::{FromCell, Mismatch};
use super::DatabaseError;

pub(super) use self::copied::Copied;
pub use self::copied::CopiedRow;

/// A row of either database; its cells are known by position.
pub enum Row {
    /// From `PostgreSQL`, in its binary format.
    Postgres(PgRow),
    /// From SQLite, through sqlx.
    Sqlite(SqliteRow),
    /// From SQLite, through a connection of our own.
    Copied(CopiedRow),
}

impl Row {
    /// The cell as text that the row owns.
    ///
    /// # Errors
    /// Where the cell holds something else; so for all of these.
    pub fn text(&self, index: usize) -> Result<Option<&str>, DatabaseError> {
        self.get(index)
    }

    /// The cell's text as the bytes of its UTF-8. PostgreSQL has checked them: the connection's encoding is UTF-8.
    ///
    /// # Errors
    /// See [`Row::text`].
    pub fn utf8(&self, index: usize) -> Result<Option<&[u8]>, DatabaseError> {
        match self {
            Self::Postgres(row) => postgres_bytes(row, index),
            Self::Sqlite(_) | Self::Copied(_) => Ok(self.text(index)?.map(str::as_bytes)),
        }
    }

    /// The cell as a key.
    ///
    /// # Errors
    /// See [`Row::text`].
    pub fn uuid(&self, index: usize) -> Result<Option<Uuid>, DatabaseError> {
        match self {
            Self::Postgres(row) => match postgres_bytes(row, index)? {
                Some(bytes) => Ok(Some(Uuid::from_slice(bytes).map_err(|error| decode_error(index, error))?)),
                None => Ok(None),
            },
            Self::Sqlite(_) | Self::Copied(_) => self.get(index),
        }
    }

    /// The cell as an integer of 32 bits.
    ///
    /// # Errors
    /// See [`Row::text`].
    pub fn int(&self, index: usize) -> Result<Option<i32>, DatabaseError> {
        match self.long(index)? {
            Some(number) => Ok(Some(i32::try_from(number).map_err(|error| decode_error(index, error))?)),
            None => Ok(None),
        }
    }

    /// The cell as an integer of 64 bits.
    ///
    /// # Errors
    /// See [`Row::text`].
    pub fn long(&self, index: usize) -> Result<Option<i64>, DatabaseError> {
        match self {
            Self::Postgres(row) => match postgres_bytes(row, index)? {
                None => Ok(None),
                Some(bytes) => {
                    let short = || bytes.try_into().ok().map(i16::from_be_bytes).map(i64::from);
                    let medium = || bytes.try_into().ok().map(i32::from_be_bytes).map(i64::from);
                    let long = bytes.try_into().ok().map(i64::from_be_bytes);
                    let number = long.or_else(medium).or_else(short);
                    number.map(Some).ok_or_else(|| decode_error(index, "it is no integer"))
                }
            },
            Self::Sqlite(_) | Self::Copied(_) => self.get(index),
        }
    }

    /// The cell as a point in time, in microseconds since 1970-01-01 in UTC, where PostgreSQL says it in this way.
    #[must_use]
    pub fn unix_micros(&self, index: usize) -> Option<i64> {
        /// From 1970-01-01 to 2000-01-01, from where PostgreSQL counts.
        const EPOCH_MICROS: i64 = 946_684_800_000_000;
        let Self::Postgres(row) = self else { return None };
        let bytes = postgres_bytes(row, index).ok()??;
        i64::from_be_bytes(bytes.try_into().ok()?).checked_add(EPOCH_MICROS)
    }

    /// The cell as a point in time, in RFC 3339, where SQLite keeps it in this way.
    #[must_use]
    pub fn time_text(&self, index: usize) -> Option<&[u8]> {
        match self {
            Self::Postgres(_) => None,
            Self::Sqlite(_) | Self::Copied(_) => self.utf8(index).ok()?,
        }
    }

    /// The cell as a float.
    ///
    /// # Errors
    /// See [`Row::text`].
    pub fn float(&self, index: usize) -> Result<Option<f64>, DatabaseError> {
        self.get(index)
    }

    /// The cell as a truth value.
    ///
    /// # Errors
    /// See [`Row::text`].
    pub fn flag(&self, index: usize) -> Result<bool, DatabaseError> {
        Ok(self.get(index)?.unwrap_or(false))
    }

    /// The cell as a point in time.
    ///
    /// # Errors
    /// See [`Row::text`].
    pub fn time(&self, index: usize) -> Result<Option<DateTime<Utc>>, DatabaseError> {
        self.get(index)
    }

    /// Whether the cell holds nothing, or is not there.
    #[must_use]
    pub fn is_null(&self, index: usize) -> bool {
        match self {
            Self::Postgres(row) => row.try_get_raw(index).map_or(true, |value| value.is_null()),
            Self::Sqlite(row) => row.try_get_raw(index).map_or(true, |value| value.is_null()),
            Self::Copied(row) => row.is_null(index),
        }
    }

    /// Decodes a cell. That the statement's column has the type was settled when the statement was written: asking again
    /// for each cell would cost as much as reading it.
    fn get<'r, T>(&'r self, index: usize) -> Result<Option<T>, DatabaseError>
    where
        T: Decode<'r, Postgres> + Decode<'r, Sqlite> + FromCell<'r>,
    {
        match self {
            Self::Postgres(row) => row.try_get_unchecked(index),
            Self::Sqlite(row) => row.try_get_unchecked(index),
            Self::Copied(row) => return row.get(index).map_err(|error| decode_error(index, error)),
        }
        .map_err(|error| driver_error(error).into())
    }
}

/// The cell as PostgreSQL sent it, in its binary format.
fn postgres_bytes(row: &PgRow, index: usize) -> Result<Option<&[u8]>, DatabaseError> {
    let value = row.try_get_raw(index).map_err(driver_error)?;
    if value.is_null() { Ok(None) } else { value.as_bytes().map(Some).map_err(|error| decode_error(index, error)) }
}

fn decode_error(index: usize, source: impl Into<Mismatch>) -> DatabaseError {
    driver_error(sqlx::Error::ColumnDecode { index: index.to_string(), source: source.into() }).into()
}

/// The driver's error as SeaORM wraps it, so that there is one place that sorts errors.
pub(super) fn driver_error(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}
