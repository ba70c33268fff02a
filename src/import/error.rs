//! Why an import did not happen, in words for whoever has the file.

use std::fmt;
use std::io;

use crate::database::DatabaseError;

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file holds something that the record does not take.
    #[error("{0}")]
    Refused(Refusal),
    /// The file could not be read.
    #[error("{name}: cannot be read")]
    Read {
        /// The file.
        name: String,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// Neither the file's name nor its beginning tells what it is.
    #[error(
        "{name}: is neither NDJSON, which begins with '{{', nor JUnit XML, which begins with '<'; \
         if it is one of them, say which format it has (--format)"
    )]
    UnknownFormat {
        /// The file.
        name: String,
    },
    /// A JUnit report does not say which project it is about.
    #[error("{name}: a JUnit report names no project; say which project it belongs to (--project)")]
    ProjectMissing {
        /// The file.
        name: String,
    },
    /// NDJSON says in each line which project it is about.
    #[error("{name}: NDJSON names a project in each line, so no other project can be given for it")]
    ProjectNotUsed {
        /// The file.
        name: String,
    },
    /// The database refused or failed.
    #[error("{name}: nothing was imported")]
    Database {
        /// The file.
        name: String,
        /// What the database said.
        #[source]
        error: DatabaseError,
    },
    /// The thread that reads ended early: a fault of ours.
    #[error("{name}: the reader stopped unexpectedly")]
    ReaderStopped {
        /// The file.
        name: String,
    },
}

/// What was refused, and where it stands: `report.xml:17: testcase.time: must be a number of seconds, is "fast"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The file.
    pub file: String,
    /// The line, from 1; where the refused thing spans lines, its first one.
    pub line: u64,
    /// The field in a line of NDJSON, or the attribute of an element: `tests[3].name`.
    pub field: Option<String>,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        f.write_str(&self.reason)
    }
}

/// Why a parser stopped. A parser does not know its file's name.
#[derive(Debug)]
pub(super) enum ParseError {
    Refused {
        line: u64,
        field: Option<String>,
        reason: String,
    },
    Read(io::Error),
    UnknownFormat,
    ProjectMissing,
    ProjectNotUsed,
    /// Nobody takes the batches any more, so nobody takes this either.
    WriterGone,
}

impl ParseError {
    pub(super) fn refused(line: u64, reason: impl fmt::Display) -> Self {
        Self::Refused { line, field: None, reason: reason.to_string() }
    }

    pub(super) fn refused_field(line: u64, field: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self::Refused { line, field: Some(field.into()), reason: reason.to_string() }
    }

    /// The same of the file `name`.
    pub(super) fn of(self, name: &str) -> ImportError {
        let name = name.to_owned();
        match self {
            Self::Refused { line, field, reason } => ImportError::Refused(Refusal { file: name, line, field, reason }),
            Self::Read(error) => ImportError::Read { name, error },
            Self::UnknownFormat => ImportError::UnknownFormat { name },
            Self::ProjectMissing => ImportError::ProjectMissing { name },
            Self::ProjectNotUsed => ImportError::ProjectNotUsed { name },
            Self::WriterGone => ImportError::ReaderStopped { name },
        }
    }
}

impl From<io::Error> for ParseError {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}
