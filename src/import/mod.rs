//! Brings files into the record: delivery records as NDJSON, and test reports as JUnit XML.
//!
//! **Invariants:** a file is imported as a whole or not at all, in one transaction; what is there already is found by its
//! name and left alone where it says the same, so that an import can be repeated; nothing in a file is dropped without a
//! word; a bad file is refused with its name, the line and the reason; memory is bounded by a batch, whatever the
//! file's size, but for the sets of digests that find duplicates. [`crate::access::Caller`] is who the transaction is
//! written down to. The command line and embedding applications use it.
//!
//! A thread reads and checks, the caller's task writes, and a channel of two batches is between them: when either side
//! fails or goes away, the other one notices at its next batch. The transaction begins with the first batch, so that a
//! source that says nothing, or nothing good, holds no lock; one that is slow later on holds SQLite's write lock
//! meanwhile, so a long-running pipe belongs into a file first.

mod batch;
mod demo;
mod error;
mod first_seen;
mod input;
mod junit;
mod ndjson;
mod progress;
mod report;
mod source;
mod writer;

use tokio::sync::mpsc;

pub use self::demo::import_demo;
pub use self::error::{ImportError, Refusal};
pub use self::progress::{NoProgress, Position, Progress};
pub use self::report::{Report, Tally};
pub use self::source::{Format, Source, UnknownFormat};

use self::batch::{Message, Outbox};
use self::error::ParseError;
use self::input::Input;
use self::writer::Writer;
use crate::access::Caller;
use crate::database::Database;
use crate::projects::rules::ProjectName;

/// How to import.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// Do everything, then forget it: the report says what an import would do.
    pub dry_run: bool,
    /// The project of a JUnit report, which names none. NDJSON names a project in each line and refuses this.
    pub project: Option<ProjectName>,
    /// The most bytes of one NDJSON line; a longer one is refused and not read into memory.
    pub max_line_bytes: usize,
    /// The most bytes of one tag, or one stretch of text, of a JUnit report.
    pub max_element_bytes: usize,
}

impl ImportOptions {
    /// The default of [`ImportOptions::max_line_bytes`] and [`ImportOptions::max_element_bytes`]: 8 MiB.
    pub const DEFAULT_MAX_BYTES: usize = 8 * 1024 * 1024;
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            dry_run: false,
            project: None,
            max_line_bytes: Self::DEFAULT_MAX_BYTES,
            max_element_bytes: Self::DEFAULT_MAX_BYTES,
        }
    }
}

/// Batches that wait between the two sides.
const WAITING_BATCHES: usize = 2;

/// Imports one source; see the module for what is promised.
///
/// # Errors
/// When the source cannot be read, holds what the record refuses, or the database fails. Nothing was changed then.
pub async fn import(
    database: &Database,
    caller: &Caller,
    source: Source,
    options: &ImportOptions,
    progress: impl Progress,
) -> Result<Report, ImportError> {
    let name = source.name().to_owned();
    let total = source.bytes();
    let (sender, mut batches) = mpsc::channel(WAITING_BATCHES);
    start_reader(source, options.clone(), sender).map_err(|error| ImportError::Read { name: name.clone(), error })?;

    let mut writer = None;
    let mut rows = 0;
    let written = async {
        loop {
            match batches.recv().await {
                Some(Message::Batch(batch)) => {
                    let (bytes, count) = (batch.bytes_read, batch.rows());
                    let database_failed = |error| ImportError::Database { name: name.clone(), error };
                    let writer = match &mut writer {
                        Some(writer) => writer,
                        empty => {
                            empty.insert(Writer::begin(database, caller, batch.format).await.map_err(database_failed)?)
                        }
                    };
                    writer.write(batch).await.map_err(database_failed)?;
                    rows += count;
                    progress.advance(Position { bytes, total, rows });
                }
                Some(Message::End(Ok(()))) => return Ok(()),
                Some(Message::End(Err(error))) => return Err(error.of(&name)),
                // The thread ended without its last word: it panicked.
                None => return Err(ImportError::ReaderStopped { name: name.clone() }),
            }
        }
    }
    .await;

    let Some(writer) = writer else {
        return written.map(|()| Report { dry_run: options.dry_run, ..Report::default() });
    };
    match written {
        Ok(()) => writer.finish(options.dry_run).await.map_err(|error| ImportError::Database { name, error }),
        Err(error) => {
            writer.abandon().await;
            Err(error)
        }
    }
}

/// A thread of its own rather than the runtime's blocking pool, which a runtime waits for at its end: a read of a
/// standard input that never ends would keep a process alive that has nothing left to do.
fn start_reader(source: Source, options: ImportOptions, sender: mpsc::Sender<Message>) -> Result<(), std::io::Error> {
    std::thread::Builder::new().name("import".to_owned()).spawn(move || {
        let outbox = Outbox::new(sender);
        let result = read_source(source, &options, &outbox);
        outbox.end(result);
    })?;
    Ok(())
}

fn read_source(source: Source, options: &ImportOptions, outbox: &Outbox) -> Result<(), ParseError> {
    let (mut input, format) = (Input::new(source.reader), source.format);
    input.skip_byte_order_mark()?;
    let Some(format) = format.map_or_else(|| Format::sniff(&mut input), |format| Ok(Some(format)))? else {
        return Ok(());
    };
    match (format, &options.project) {
        (Format::Ndjson, None) => ndjson::read(input, options.max_line_bytes, outbox),
        (Format::Ndjson, Some(_)) => Err(ParseError::ProjectNotUsed),
        (Format::JUnit, Some(project)) => junit::read(input, project, options.max_element_bytes, outbox),
        (Format::JUnit, None) => Err(ParseError::ProjectMissing),
    }
}
