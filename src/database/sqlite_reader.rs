//! One connection that reads an SQLite file; for [`super::statement_pool`] alone.
//!
//! sqlx runs each SQLite connection on a thread of its own and sends every row over with a copy of each value, which costs
//! several times what reading costs. This one is `rusqlite`'s, over the same SQLite: it reads where it is called, and copies
//! a statement's cells once, into one buffer.
//!
//! **Invariants:** it never writes (`query_only`); a statement ends when it is told to, and is reset whenever it ends, so that
//! no snapshot of the file is kept open.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};
use rusqlite::{Connection, OpenFlags, StatementStatus, ToSql, ffi, params_from_iter};
use sea_orm::sea_query::OptionEnum;
use sea_orm::{Value, Values, sqlx};

use super::connect::PREPARED_STATEMENTS;
use super::row::{Copied, Row};
use super::sqlite_failure::{SqliteFailure, driver_failure};
use crate::explain::{Step, Work};

/// An SQLite file, and how it is opened.
#[derive(Debug)]
pub(super) struct SqliteFile {
    path: PathBuf,
    flags: OpenFlags,
    vfs: Option<String>,
    lock_timeout: Duration,
}

/// A connection.
pub(super) struct SqliteReader {
    connection: Connection,
    lock_timeout: Duration,
    /// Whether a statement met a fault of the file.
    faulty: bool,
}

/// How long a statement may take.
pub(super) enum Until {
    /// Until then, and without waiting for a lock.
    Time(Instant),
    /// Until it is told to end, or until then, if ever.
    Told(Arc<AtomicBool>, Option<Instant>),
}

/// Why a statement gave no rows.
#[derive(Debug)]
pub(super) enum ReadError {
    /// It was not done in time, or was told to end.
    Stopped(sqlx::Error),
    /// Another process holds a lock.
    Busy(sqlx::Error),
    /// It failed.
    Failed(sqlx::Error),
}

/// Steps of SQLite's virtual machine between two looks at the clock: some microseconds, or as many pages from the disk.
const STEPS: i32 = 200;
/// The connection's cache of pages, in KiB.
const CACHE_KIB: i64 = 16_000;

impl SqliteFile {
    /// The file at `path`, opened as the parameters of its URL say, which sqlx has found right.
    pub(super) fn new<'p>(
        path: &Path,
        parameters: impl Iterator<Item = (&'p str, &'p str)>,
        lock_timeout: Duration,
    ) -> Self {
        // The writer has made the file. It is opened for writing nevertheless, as an index of the write-ahead log has to be.
        let mut flags = OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let (mut access, mut cache) = (OpenFlags::SQLITE_OPEN_READ_WRITE, OpenFlags::SQLITE_OPEN_PRIVATE_CACHE);
        let (mut path, mut vfs) = (path.to_owned(), None);
        for parameter in parameters {
            match parameter {
                ("mode", "ro") => access = OpenFlags::SQLITE_OPEN_READ_ONLY,
                ("cache", "shared") => cache = OpenFlags::SQLITE_OPEN_SHARED_CACHE,
                ("immutable", "true" | "1") => path = immutable(&path),
                ("vfs", name) => vfs = Some(name.to_owned()),
                _ => {}
            }
        }
        flags |= access | cache;
        Self { path, flags, vfs, lock_timeout }
    }
}

/// The path as a URI that says that nobody changes the file.
fn immutable(path: &Path) -> PathBuf {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || *byte == b'/' {
            uri.push(char::from(*byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri.push_str("?immutable=1");
    uri.into()
}

impl SqliteReader {
    /// Opens the file; may wait for a lock of it.
    pub(super) fn open(file: &SqliteFile) -> Result<Self, sqlx::Error> {
        let open = || {
            let connection = match &file.vfs {
                None => Connection::open_with_flags(&file.path, file.flags)?,
                Some(vfs) => Connection::open_with_flags_and_vfs(&file.path, file.flags, vfs.as_str())?,
            };
            connection.busy_timeout(file.lock_timeout)?;
            connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
            connection.pragma_update(None, "query_only", true)?;
            // Or, where the file has statistics with samples, a statement is planned anew for each value that it is given.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            connection.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
            Ok(connection)
        };
        let connection = open().map_err(driver_failure)?;
        Ok(Self { connection, lock_timeout: file.lock_timeout, faulty: false })
    }

    /// Whether a statement met a fault of the file: another connection may do.
    pub(super) fn is_faulty(&self) -> bool {
        self.faulty
    }

    /// Runs a statement, which stays prepared, and copies its rows.
    pub(super) fn read(&mut self, sql: &str, values: &Values, until: Until) -> Result<Vec<Row>, ReadError> {
        let rows = self.limit(until).and_then(|()| self.copy(sql, values));
        rows.map_err(|error| self.sort(error))
    }

    /// Runs a statement again, to tell what SQLite does for it.
    pub(super) fn analyze(&mut self, sql: &str, values: &Values, until: Until) -> Result<Work, ReadError> {
        let work = self.limit(until).and_then(|()| self.measure(sql, values));
        work.map_err(|error| self.sort(error))
    }

    /// Tells how SQLite would run a statement.
    pub(super) fn plan(&mut self, sql: &str, values: &Values, until: Until) -> Result<Vec<Step>, ReadError> {
        let steps = self.limit(until).and_then(|()| self.steps(sql, values));
        steps.map_err(|error| self.sort(error))
    }

    /// Why a statement gave no rows.
    fn sort(&mut self, error: rusqlite::Error) -> ReadError {
        let error = driver_failure(error);
        let failure = error.as_database_error().and_then(|error| error.try_downcast_ref::<SqliteFailure>());
        match failure.map(SqliteFailure::primary_code) {
            Some(ffi::SQLITE_INTERRUPT) => ReadError::Stopped(error),
            Some(ffi::SQLITE_BUSY) => ReadError::Busy(error),
            Some(ffi::SQLITE_IOERR | ffi::SQLITE_CORRUPT | ffi::SQLITE_CANTOPEN | ffi::SQLITE_NOTADB) => {
                self.faulty = true;
                ReadError::Failed(error)
            }
            _ => ReadError::Failed(error),
        }
    }

    /// Says how long the next statement may take.
    fn limit(&self, until: Until) -> Result<(), rusqlite::Error> {
        let connection = &self.connection;
        match until {
            Until::Time(end) => {
                connection.busy_timeout(Duration::ZERO)?;
                connection.progress_handler(STEPS, Some(move || Instant::now() > end))?;
            }
            Until::Told(told, end) => {
                connection.busy_timeout(self.lock_timeout)?;
                let is_over = move || told.load(Ordering::Relaxed) || end.is_some_and(|end| Instant::now() > end);
                connection.progress_handler(STEPS, Some(is_over))?;
            }
        }
        Ok(())
    }

    fn copy(&self, sql: &str, values: &Values) -> Result<Vec<Row>, rusqlite::Error> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut copied = Copied::new(statement.column_count());
        let mut rows = statement.query(params_from_iter(values.0.iter().map(Parameter)))?;
        while let Some(row) = rows.next()? {
            for column in 0..copied.width() {
                copied.push(row.get_ref(column)?);
            }
        }
        copied.into_rows().map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
    }

    fn steps(&self, sql: &str, values: &Values) -> Result<Vec<Step>, rusqlite::Error> {
        let mut explain = self.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
        let steps = explain.query_map(params_from_iter(values.0.iter().map(Parameter)), |row| {
            Ok(Step { id: row.get(0)?, parent: row.get(1)?, detail: row.get(3)? })
        });
        steps?.collect()
    }

    fn measure(&self, sql: &str, values: &Values) -> Result<Work, rusqlite::Error> {
        let plan = self.steps(sql, values)?;
        // One that was never run: what it has counted is what this run has done.
        let mut statement = self.connection.prepare(sql)?;
        let began = Instant::now();
        let mut rows = statement.query(params_from_iter(values.0.iter().map(Parameter)))?;
        while rows.next()?.is_some() {}
        drop(rows);
        let took = began.elapsed();
        let count = |status| u64::try_from(statement.get_status(status)).unwrap_or_default();
        Ok(Work {
            plan,
            vm_steps: count(StatementStatus::VmStep),
            full_scan_steps: count(StatementStatus::FullscanStep),
            sorts: count(StatementStatus::Sort),
            automatic_index_rows: count(StatementStatus::AutoIndex),
            took,
        })
    }
}

/// A value as sqlx gives it to SQLite, so that both read the same.
struct Parameter<'v>(&'v Value);

impl ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let integer = |number: i64| ToSqlOutput::Owned(Owned::Integer(number));
        let real = |number: f64| ToSqlOutput::Owned(Owned::Real(number));
        let text = |text: String| ToSqlOutput::Owned(Owned::Text(text));
        let output: Option<ToSqlOutput<'_>> = match self.0 {
            Value::Bool(value) => value.map(|value| integer(value.into())),
            Value::TinyInt(value) => value.map(|value| integer(value.into())),
            Value::SmallInt(value) => value.map(|value| integer(value.into())),
            Value::Int(value) => value.map(|value| integer(value.into())),
            Value::BigInt(value) => value.map(integer),
            Value::TinyUnsigned(value) => value.map(|value| integer(value.into())),
            Value::SmallUnsigned(value) => value.map(|value| integer(value.into())),
            Value::Unsigned(value) => value.map(|value| integer(value.into())),
            Value::BigUnsigned(value) => {
                value.map(|value| i64::try_from(value).map_err(refuse)).transpose()?.map(integer)
            }
            Value::Float(value) => value.map(|value| real(value.into())),
            Value::Double(value) => value.map(real),
            Value::String(value) => value.as_ref().map(|value| ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes()))),
            Value::Enum(OptionEnum::Some(value)) => Some(ToSqlOutput::Borrowed(ValueRef::Text(value.value.as_bytes()))),
            Value::Enum(OptionEnum::None(_)) => None,
            Value::Char(value) => value.map(|value| text(value.to_string())),
            Value::Bytes(value) => value.as_ref().map(|value| ToSqlOutput::Borrowed(ValueRef::Blob(value))),
            Value::Uuid(value) => value.as_ref().map(|value| ToSqlOutput::Borrowed(ValueRef::Blob(value.as_bytes()))),
            Value::Json(value) => value.as_ref().map(|value| text(value.to_string())),
            Value::ChronoDateTimeUtc(value) => value.map(|value| text(super::dialect::time_text(value))),
            _ => return Err(refuse("no statement that reads an SQLite file has a parameter of this kind")),
        };
        Ok(output.unwrap_or(ToSqlOutput::Borrowed(ValueRef::Null)))
    }
}

fn refuse(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(reason.into())
}
