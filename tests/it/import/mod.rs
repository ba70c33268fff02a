//! Files come in as a whole or not at all, as often as one likes.

mod junit;
mod ndjson;
mod refused;
mod streams;

use std::io::Cursor;

use throughline::access::Caller;
use throughline::database::Database;
use throughline::import::{ImportError, ImportOptions, NoProgress, Report, Source, Tally, import};

use crate::support::Tables;

/// Imports `text` as if it were the file `name`.
async fn import_text(
    database: &Database,
    name: &str,
    text: impl Into<Vec<u8>>,
    options: &ImportOptions,
) -> Result<Report, ImportError> {
    let source = Source::new(name, Cursor::new(text.into()));
    import(database, &Caller::local_owner(), source, options, NoProgress).await
}

/// Options for a JUnit report about this project.
fn of_project(name: &str) -> ImportOptions {
    ImportOptions { project: Some(name.parse().unwrap()), ..ImportOptions::default() }
}

fn created(rows: u64) -> Tally {
    Tally { created: rows, ..Tally::default() }
}

fn left(rows: u64) -> Tally {
    Tally { left: rows, ..Tally::default() }
}
