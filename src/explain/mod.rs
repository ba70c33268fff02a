//! Plans that one can read: how an operation was read, field by field, what each statement cost, and what the database says of it.
//!
//! [`crate::batch`] tells a [`Recorder`] which fields there are, [`crate::database`] which statements were run for them and what is measured
//! of each ([`Analysis`]); of both a [`Report`] is made, with a [`Warning`] for whatever will not stay fast.
//!
//! **Invariants:** nothing here asks a database; a report is for who may see SQL: a person at the machine, or an instance administrator who
//! has asked for it; nothing is recorded of other requests.

mod field;
mod postgres;
mod recorder;
mod report;
mod sqlite;
mod text;
mod warning;

pub use field::{Brings, Field, Part, Place};
pub use recorder::{Record, Recorded, Recorder};
pub use report::{ExplainedField, ExplainedStatement, Measured, Planned, Report};
pub use sqlite::{Step, Work};
pub use warning::{MANY_ROWS, Warning, WarningCode};

/// What a database tells of one statement.
#[derive(Clone, Debug)]
pub enum Analysis {
    /// What PostgreSQL answers to `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)`.
    Postgres(serde_json::Value),
    /// SQLite's plan, and what its virtual machine did.
    Sqlite(Work),
    /// The plan alone, as the database tells it, of a statement that was not run again.
    Planned(Planned),
}
