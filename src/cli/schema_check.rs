//! `throughline schema check`: what has changed since an older schema, and whether it breaks clients.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};

use super::CannotRead;
use crate::graphql::Api;
use crate::schema_check::{Change, Sdl, Severity, compare};

/// Say which changes since an older schema break clients: code 1 if one does, 2 if the older schema cannot be read
///
/// Every change is a line: what it does to clients, where, and what has become of it. A document that was valid may be
/// refused after a breaking change; after a dangerous one it is valid, but an answer may hold what a client does not know.
/// Descriptions are not compared.
#[derive(clap::Args)]
pub(super) struct CheckCommand {
    /// The older schema, in the schema definition language; `-` is standard input
    old: PathBuf,
    /// Breaks that are meant, a line each: the coordinate, and why. Lines that begin with `#` are comments
    #[arg(long, value_name = "FILE")]
    permitted: Option<PathBuf>,
    /// How the changes are written
    #[arg(long, value_enum, default_value_t)]
    format: ChangesFormat,
}

/// How changes are written.
#[derive(Clone, Copy, Default, clap::ValueEnum)]
enum ChangesFormat {
    /// A line each, and one that counts them
    #[default]
    Text,
    /// A list of objects
    Json,
}

/// A change, and why it is permitted although it breaks clients.
#[derive(serde::Serialize)]
struct Told<'c> {
    #[serde(flatten)]
    change: &'c Change,
    #[serde(skip_serializing_if = "Option::is_none")]
    permitted: Option<&'c str>,
}

/// A break that is meant.
struct Permitted {
    coordinate: String,
    reason: String,
}

impl CheckCommand {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let old = read_old(&self.old)?;
        let permitted = self.permitted.as_deref().map(read_permitted).transpose()?.unwrap_or_default();
        let new = Sdl::read(&Api::sdl()).context("the schema of this program")?;
        let changes = compare(&old, &new);
        let reason_of = |change: &Change| {
            let found = permitted.iter().find(|permitted| permitted.coordinate == change.coordinate);
            found.filter(|_| change.severity == Severity::Breaking).map(|permitted| permitted.reason.as_str())
        };
        let told: Vec<_> = changes.iter().map(|change| Told { change, permitted: reason_of(change) }).collect();
        super::print(&match self.format {
            ChangesFormat::Text => write_text(&told),
            ChangesFormat::Json => serde_json::to_string_pretty(&told)? + "\n",
        })?;
        let breaks = told.iter().filter(|told| told.change.severity == Severity::Breaking && told.permitted.is_none());
        match breaks.count() {
            0 => Ok(()),
            1 => bail!("a change breaks clients"),
            breaks => bail!("{breaks} changes break clients"),
        }
    }
}

fn write_text(all: &[Told<'_>]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for Told { change: Change { severity, coordinate, change }, permitted } in all {
        let permitted = permitted.map(|reason| format!(" (permitted: {reason})")).unwrap_or_default();
        // A string takes whatever is written to it.
        let _ = writeln!(text, "{severity:9}  {coordinate}: {change}{permitted}");
    }
    let count = |severity| all.iter().filter(|told| told.change.severity == severity).count();
    let [breaking, dangerous, safe] = [Severity::Breaking, Severity::Dangerous, Severity::Safe].map(count);
    let _ = writeln!(text, "{breaking} breaking, {dangerous} dangerous, {safe} safe");
    text
}

fn read_old(path: &Path) -> anyhow::Result<Sdl> {
    Sdl::read(&read_text(path)?).map_err(|error| anyhow!(CannotRead(format!("{}:{error}", path.display()))))
}

/// Reads a file, or standard input.
fn read_text(path: &Path) -> anyhow::Result<String> {
    let text =
        if path == Path::new("-") { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(path) };
    text.map_err(|error| anyhow!(CannotRead(format!("{}: {error}", path.display()))))
}

/// Reads the breaks that are meant. One without a reason is refused: whoever meets the break wants to know it.
fn read_permitted(path: &Path) -> anyhow::Result<Vec<Permitted>> {
    let text = read_text(path)?;
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(at, line)| match line.split_once(char::is_whitespace) {
            Some((coordinate, reason)) => {
                Ok(Permitted { coordinate: coordinate.to_owned(), reason: reason.trim().to_owned() })
            }
            None => Err(anyhow!(CannotRead(format!("{}:{at}: {line} has no reason", path.display())))),
        })
        .collect()
}
