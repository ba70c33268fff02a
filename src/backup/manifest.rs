//! What a backup is: when it was made of what, and what is in it, so that it can be checked without its original.
//!
//! **Invariant:** it holds no secret: no address of the database, no password, no row.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use sea_orm::DbBackend;
use serde::{Deserialize, Serialize};

use super::census::Census;
use super::checksum::Expected;
use super::error::BackupError;
use crate::database::Database;
use crate::events::{Position, place_of};

/// What a backup is, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The version of this form.
    pub format: u32,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// Which database it is of.
    pub kind: Kind,
    /// The version of the program that made it.
    pub program_version: String,
    /// The migrations that had run.
    pub schema_version: Vec<String>,
    /// The last place of events that could be followed; none where there was no event.
    pub position: Option<Place>,
    /// The place of the last event that is in it: events of transactions that ran at the same time may be after `position`.
    pub last_event: Option<Place>,
    /// How many events there are.
    pub events: u64,
    /// How many rows there are in each table.
    pub rows: BTreeMap<String, u64>,
    /// The files beside the manifest.
    pub files: Vec<File>,
}

/// A place in the order of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// See [`Position::transaction_id`].
    pub transaction_id: i64,
    /// See [`Position::position`].
    pub position: i64,
    /// As clients know it: what comes after it goes on from here.
    pub cursor: String,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its name within the folder.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of its bytes, as hexadecimal digits.
    pub sha256: String,
}

/// Which database a backup is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An SQLite file.
    Sqlite,
    /// A database of PostgreSQL.
    Postgres,
}

/// The version of the form that is written.
pub(super) const FORMAT: u32 = 1;
/// The manifest's file.
pub(super) const MANIFEST: &str = "manifest.json";

impl Manifest {
    pub(super) fn new(kind: Kind, created_at: DateTime<Utc>, census: Census, files: Vec<File>) -> Self {
        Self {
            format: FORMAT,
            created_at,
            kind,
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            schema_version: census.migrations,
            position: census.settled.map(Place::of),
            last_event: census.last_event.map(Place::of),
            events: census.rows.get("events").copied().unwrap_or_default(),
            rows: census.rows,
            files,
        }
    }

    /// Reads the manifest of a backup.
    ///
    /// # Errors
    /// Where there is none, or it is not understood.
    pub fn read(backup: &Path) -> Result<Self, BackupError> {
        /// What any version of the form has.
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct AnyFormat {
            format: u32,
            #[serde(default)]
            program_version: String,
        }
        let path = backup.join(MANIFEST);
        let no_backup = |reason: String| BackupError::NoBackup { path: backup.to_owned(), reason };
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(no_backup(format!("it has no {MANIFEST}")));
            }
            read => read.map_err(BackupError::file(&path))?,
        };
        let any: AnyFormat = serde_json::from_slice(&text).map_err(|error| no_backup(error.to_string()))?;
        if any.format != FORMAT {
            return Err(BackupError::LaterFormat { format: any.format, known: FORMAT, program: any.program_version });
        }
        serde_json::from_slice(&text).map_err(|error| no_backup(error.to_string()))
    }

    /// The file with the database, and what it must be.
    pub(super) fn data_file(&self, backup: &Path) -> Result<Expected, BackupError> {
        let name = self.kind.file_name();
        let file = self.files.iter().find(|file| file.name == name);
        let reason = || BackupError::NoBackup { path: backup.to_owned(), reason: format!("it names no {name}") };
        let file = file.ok_or_else(reason)?;
        Ok(Expected { path: backup.join(name), size: file.size, sha256: file.sha256.clone() })
    }

    /// The size of all files in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

impl Place {
    fn of(position: Position) -> Self {
        Self { transaction_id: position.transaction_id, position: position.position, cursor: place_of(position) }
    }
}

impl Kind {
    pub(super) fn of(url: &str) -> Result<Self, BackupError> {
        Ok(match Database::backend_of(url)? {
            DbBackend::Sqlite => Self::Sqlite,
            _ => Self::Postgres,
        })
    }

    /// The file that has the database.
    pub(super) fn file_name(self) -> &'static str {
        match self {
            Self::Sqlite => "database.sqlite",
            Self::Postgres => "database.dump",
        }
    }

    /// The word in the names of backups.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    /// Where its file is, as far as the URL is one of SQLite.
    pub(super) fn sqlite_path(url: &str) -> Result<PathBuf, BackupError> {
        let options: sea_orm::sqlx::sqlite::SqliteConnectOptions = url.parse().map_err(|_| BackupError::Url)?;
        Ok(options.get_filename().to_owned())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}
