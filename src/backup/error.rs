//! Why a backup could not be made, checked or restored.

use std::path::{Path, PathBuf};

use super::manifest::Kind;
use crate::database::{ConnectError, DatabaseError};

/// Why a backup could not be made, checked or restored. No text holds a URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file or folder cannot be read or written.
    #[error("{} cannot be used: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// This is no backup.
    #[error("{} is no backup: {reason}", path.display())]
    NoBackup {
        /// What was taken for one.
        path: PathBuf,
        /// Why it is none.
        reason: String,
    },
    /// It is not as it was written.
    #[error("{} was changed: {what}", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// How it shows.
        what: String,
    },
    /// It was made by a program that came later.
    #[error(
        "the backup has format {format} and this program knows {known}: use the program that made it, {program}, or a later one"
    )]
    LaterFormat {
        /// Its format.
        format: u32,
        /// The latest that is known here.
        known: u32,
        /// The version of the program that made it.
        program: String,
    },
    /// The database is of another kind than the backup.
    #[error(
        "the backup is of {backup} and the database is {database}; restore it into {backup}, and bring that to {database} with \
         `throughline copy`"
    )]
    OtherKind {
        /// What was backed up.
        backup: Kind,
        /// What it was to be restored into.
        database: Kind,
    },
    /// There is something where the database is to be made.
    #[error(
        "there is something in it already ({found}), and nothing was changed; restore into an empty database, and then use that one"
    )]
    NotEmpty {
        /// What is there.
        found: String,
    },
    /// A backup of PostgreSQL can only be tried out on a server.
    #[error(
        "a backup of PostgreSQL is restored on a server to verify it: --scratch postgres://… tells where a database may be made for it"
    )]
    NoScratch,
    /// A program of the server is not to be found.
    #[error(
        "{0} is not to be found; it belongs to PostgreSQL's clients (--postgres-programs FOLDER tells where they are)"
    )]
    NoProgram(&'static str),
    /// A program of the server failed.
    #[error("{program} failed: {said}")]
    Program {
        /// Which one.
        program: &'static str,
        /// What it said.
        said: String,
    },
    /// The URL is not understood.
    #[error("the database URL is not understood")]
    Url,
    /// The database cannot be opened.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The server has no place for a scratch database.
    #[error("a scratch database cannot be made or dropped: {0}")]
    ScratchDatabase(#[source] sea_orm::sqlx::Error),
    /// SQLite failed.
    #[error("the SQLite file cannot be copied: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The work was ended.
    #[error("it was ended: {0}")]
    Interrupted(String),
}

impl BackupError {
    /// What goes wrong with a file.
    pub(super) fn file(path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::File { path, source }
    }
}
