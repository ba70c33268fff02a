//! Why the record could not be copied.

use crate::database::DatabaseError;

/// Why the record could not be copied; nothing is in the target then.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// From SQLite to SQLite, or from PostgreSQL to PostgreSQL.
    #[error(
        "both databases are of one kind: make a backup of the one, and restore it as the other (`throughline backup --help`)"
    )]
    SameKind,
    /// The tables of one of them are of another version.
    #[error(
        "the tables are not those of this program in both databases: run `throughline migrate up` on them, or use the program that \
         serves them"
    )]
    OtherMigrations,
    /// There is something in the target.
    #[error("the target is not empty ({table} has {rows} rows), and nothing was changed; copy into an empty database")]
    NotEmpty {
        /// A table that is not empty.
        table: String,
        /// How many rows it has.
        rows: u64,
    },
    /// Somebody has added to the tables.
    #[error("{0}; nothing was changed")]
    OtherTables(String),
    /// A column holds what is not known how to be copied.
    #[error("{table} has a column of the type {kind:?}, which is not copied; nothing was changed")]
    UnknownType {
        /// The table.
        table: String,
        /// PostgreSQL's name of the type.
        kind: String,
    },
    /// What would be in the target is not what was read, or the record that was read is not as it was written.
    #[error("the record would not be whole in the target, and nothing was changed: {0}")]
    NotWhole(String),
    /// One of the databases failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl From<sea_orm::DbErr> for CopyError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Database(error.into())
    }
}
