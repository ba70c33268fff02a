//! A row as it was copied from what a driver of our own gives, or as SeaORM gives it. Nothing is copied out of it but what is
//! asked for, so that text goes from that buffer into the answer.
//!
//! **Invariant:** a row reads the same, whichever of these it is.

mod copied;

use chrono::{DateTime, Utc};
use sea_orm::sqlx::postgres::PgRow;
use sea_orm::sqlx::sqlite::SqliteRow;
use sea_orm::sqlx::{self, Decode, Postgres, Row as _, Sqlite, ValueRef as _};
use sea_orm::{DbErr, QueryResult, RuntimeErr, Value};
use tokio_postgres::types::FromSql;
use uuid::Uuid;

use self::copied::{FromCell, Mismatch};
use super::DatabaseError;

pub use self::copied::CopiedRow;
pub(super) use self::copied::{Copied, TooLarge};

/// A row of either database; its cells are known by position.
pub enum Row {
    /// From a connection that only reads.
    Copied(CopiedRow),
    /// From within a transaction of SeaORM. Apart, since most rows are none of these, and smaller.
    Within(Box<QueryResult>),
}

/// Who has the cells.
enum Driver<'r> {
    Postgres(&'r PgRow),
    Sqlite(&'r SqliteRow),
    Copied(&'r CopiedRow),
    /// There is no third database.
    Neither,
}

impl Row {
    fn driver(&self) -> Driver<'_> {
        match self {
            Self::Copied(row) => Driver::Copied(row),
            Self::Within(row) => match (row.try_as_pg_row(), row.try_as_sqlite_row()) {
                (Some(row), _) => Driver::Postgres(row),
                (_, Some(row)) => Driver::Sqlite(row),
                _ => Driver::Neither,
            },
        }
    }

    /// A row of these values, which nobody read; nothing where one is JSON, which the databases give each in its own way.
    #[must_use]
    pub fn of_values(values: &[Value]) -> Option<Self> {
        let mut copied = Copied::new(values.len());
        values.iter().try_for_each(|value| copied.push_value(value))?;
        copied.into_rows().ok()?.pop()
    }

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
        match self.driver().binary(index) {
            Some(bytes) => bytes.map(Some),
            None => Ok(self.text(index)?.map(str::as_bytes)),
        }
    }

    /// The cell as a key.
    ///
    /// # Errors
    /// See [`Row::text`].
    pub fn uuid(&self, index: usize) -> Result<Option<Uuid>, DatabaseError> {
        let Some(bytes) = self.driver().binary(index) else { return self.get(index) };
        Ok(Some(Uuid::from_slice(bytes?).map_err(|error| decode_error(index, error))?))
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
        let Some(bytes) = self.driver().binary(index) else { return self.get(index) };
        let bytes = bytes?;
        let short = || bytes.try_into().ok().map(i16::from_be_bytes).map(i64::from);
        let medium = || bytes.try_into().ok().map(i32::from_be_bytes).map(i64::from);
        let long = bytes.try_into().ok().map(i64::from_be_bytes);
        let number = long.or_else(medium).or_else(short);
        number.map(Some).ok_or_else(|| decode_error(index, "it is no integer"))
    }

    /// The cell as a point in time, in microseconds since 1970-01-01 in UTC, where PostgreSQL says it in this way.
    #[must_use]
    pub fn unix_micros(&self, index: usize) -> Option<i64> {
        /// From 1970-01-01 to 2000-01-01, from where PostgreSQL counts.
        const EPOCH_MICROS: i64 = 946_684_800_000_000;
        let bytes = self.driver().binary(index)?.ok()?;
        i64::from_be_bytes(bytes.try_into().ok()?).checked_add(EPOCH_MICROS)
    }

    /// The cell as a point in time, in RFC 3339, where SQLite keeps it in this way.
    #[must_use]
    pub fn time_text(&self, index: usize) -> Option<&[u8]> {
        if self.driver().binary(index).is_some() { None } else { self.utf8(index).ok()? }
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
        match self.driver() {
            Driver::Postgres(row) => row.try_get_raw(index).map_or(true, |value| value.is_null()),
            Driver::Sqlite(row) => row.try_get_raw(index).map_or(true, |value| value.is_null()),
            Driver::Copied(row) => row.is_null(index),
            Driver::Neither => true,
        }
    }

    /// Decodes a cell. That the statement's column has the type was settled when the statement was written: asking again
    /// for each cell would cost as much as reading it.
    fn get<'r, T>(&'r self, index: usize) -> Result<Option<T>, DatabaseError>
    where
        T: FromSql<'r> + Decode<'r, Postgres> + Decode<'r, Sqlite> + FromCell<'r>,
    {
        match self.driver() {
            Driver::Postgres(row) => row.try_get_unchecked(index),
            Driver::Sqlite(row) => row.try_get_unchecked(index),
            Driver::Copied(row) => return row.get(index).map_err(|error| decode_error(index, error)),
            Driver::Neither => Ok(None),
        }
        .map_err(|error| driver_error(error).into())
    }
}

impl<'r> Driver<'r> {
    /// The cell as PostgreSQL sent it, in its binary format. Where there is none, it holds nothing or is SQLite's.
    fn binary(&self, index: usize) -> Option<Result<&'r [u8], DatabaseError>> {
        match *self {
            Self::Copied(row) => row.binary(index).map(Ok),
            Self::Postgres(row) => postgres_bytes(row, index).transpose(),
            Self::Sqlite(_) | Self::Neither => None,
        }
    }
}

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
