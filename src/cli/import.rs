//! `throughline import`: brings files into the database.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::access::Caller;
use crate::database::Database;
use crate::import::{Format, ImportOptions, Position, Source, import};
use crate::projects::rules::ProjectName;

/// Import files of records or of test results
///
/// A file is imported as a whole or not at all, and can be imported again: what is there already is found by its name
/// and left alone where it says the same.
#[derive(Args, Debug)]
pub struct ImportCommand {
    /// Files to import, in this order: NDJSON (.ndjson, .jsonl) or JUnit XML (.xml); `-` is the standard input
    ///
    /// Where the name's ending does not tell the format, the first character does.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The project that JUnit reports belong to; it is made where it does not exist
    ///
    /// NDJSON names a project in each line and takes none here.
    #[arg(long, value_name = "NAME")]
    project: Option<ProjectName>,
    /// Read every file as `ndjson` or `junit`, whatever its name is
    #[arg(long)]
    format: Option<Format>,
    /// Do everything but keep nothing, and report what an import would do
    #[arg(long)]
    dry_run: bool,
    /// The longest line of NDJSON, and the longest tag or text of JUnit XML, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = ImportOptions::DEFAULT_MAX_BYTES)]
    max_line_bytes: usize,
}

impl ImportCommand {
    /// Imports one file after the other, each in a transaction of its own, and writes a report of each to the standard
    /// output.
    ///
    /// # Errors
    /// With the first file that cannot be imported; those before it stay imported, and the error says so.
    pub async fn run(self, database: &Database, caller: &Caller) -> anyhow::Result<()> {
        let options = ImportOptions {
            dry_run: self.dry_run,
            project: self.project,
            max_line_bytes: self.max_line_bytes,
            max_element_bytes: self.max_line_bytes,
        };
        for (index, file) in self.files.iter().enumerate() {
            let imported = async {
                let source = Source::open(file)?;
                let source = self.format.into_iter().fold(source, Source::with_format);
                let name = source.name().to_owned();
                let bar = progress_bar(source.bytes());
                let report = import(database, caller, source, &options, |at| show(&bar, at)).await;
                bar.finish_and_clear();
                report.map(|report| (name, report))
            }
            .await;
            let (name, report) = match imported {
                Ok(imported) => imported,
                Err(error) if index == 0 || self.dry_run => return Err(error.into()),
                Err(error) => {
                    let stays = if index == 1 { "file was imported and stays" } else { "files were imported and stay" };
                    return Err(error).context(format!("{index} {stays} so; the next one was not imported"));
                }
            };
            writeln!(stdout(), "{name}\n{report}")?;
        }
        Ok(())
    }
}

/// A bar where someone looks at a terminal, else nothing.
fn progress_bar(total: Option<u64>) -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, template) = match total {
        Some(bytes) => (ProgressBar::new(bytes), "{wide_bar} {bytes}/{total_bytes}, {msg} rows, {eta} left"),
        None => (ProgressBar::no_length(), "{spinner} {bytes}, {msg} rows, {elapsed}"),
    };
    bar.set_draw_target(ProgressDrawTarget::stderr());
    // The template is a constant; a wrong one would show as the plain bar.
    bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn show(bar: &ProgressBar, at: Position) {
    bar.set_message(at.rows.to_string());
    bar.set_position(at.bytes);
}
