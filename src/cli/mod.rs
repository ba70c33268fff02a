//! The command line: one file a command.
//!
//! **Invariant:** a command reads nothing of the environment but through its settings, writes its result to standard
//! output and everything else to standard error, and says what went wrong in one chain of causes.

mod backup;
mod bar;
mod copy;
mod explain;
pub mod import;
mod keys;
mod migrate;
mod replay;
mod schema;
mod schema_check;
mod serve;
mod token;
mod user;
mod verify;

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Arg, CommandFactory, FromArgMatches, Parser, Subcommand};
use entity::project;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use uuid::Uuid;

use crate::access::Caller;
use crate::app;
use crate::batch::id;
use crate::config::{DEFAULT_FILE, DatabaseSettings, LogSettings};
use crate::database::Database;
use crate::encryption::KeyRing;
use crate::events::Aggregate as _;
use crate::telemetry::start_log;
use crate::write_transaction::items::{Change, Changes};
use crate::write_transaction::{self, Outcome, Sent};

/// What was asked for on the command line.
#[derive(Parser)]
#[command(name = "throughline", version, about = ABOUT, long_about = None, after_help = EXAMPLES)]
#[command(arg_required_else_help = true, max_term_width = 120)]
pub struct CommandLine {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    log: LogSettings,
}

const ABOUT: &str = "The record of software delivery that people and AI agents share";

const EXAMPLES: &str = "\
Examples:
  throughline serve --demo                     real data to look at, in throughline-demo.db
  throughline serve                            your own records, in throughline.db
  throughline import report.xml --project Web  test results of a CI run
  throughline serve --help                     every setting, its default and its variable";

#[derive(Subcommand)]
enum Command {
    Serve(Box<serve::ServeCommand>),
    Migrate(migrate::MigrateCommand),
    /// Import files of records or of test results
    Import {
        #[command(flatten)]
        import: import::ImportCommand,
        #[command(flatten)]
        database: DatabaseSettings,
    },
    User(user::UserCommand),
    Token(token::TokenCommand),
    Verify(verify::VerifyCommand),
    Replay(replay::ReplayCommand),
    Keys(Box<keys::KeysCommand>),
    Backup(Box<backup::BackupCommand>),
    Copy(copy::CopyCommand),
    Schema(schema::SchemaCommand),
    Explain(explain::ExplainCommand),
}

impl CommandLine {
    /// Reads the process's arguments. Where they are not understood, says how the program is used and leaves the process
    /// with code 2.
    #[must_use]
    pub fn from_process() -> Self {
        let arguments = lay_out_help(Self::command()).get_matches();
        Self::from_arg_matches(&arguments).unwrap_or_else(|error| error.exit())
    }
}

/// Puts a setting's variable and default on a line of their own, where clap would let them run on behind the text.
fn lay_out_help(command: clap::Command) -> clap::Command {
    let lay_out = |argument: Arg| {
        let (Some(variable), Some(help)) = (argument.get_env(), argument.get_help()) else { return argument };
        let defaults: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        let help = format!("{help}\n[env: {}] [default: {}]", variable.to_string_lossy(), defaults.join(" "));
        argument.help(help).hide_env(true).hide_default_value(true)
    };
    command
        .mut_args(|argument| if argument.is_hide_env_set() { argument } else { lay_out(argument) })
        .mut_subcommands(lay_out_help)
}

/// Does what was asked for.
///
/// # Errors
/// When it cannot be done; the chain of causes is for a person to read.
pub async fn run(command_line: CommandLine) -> anyhow::Result<()> {
    // What is held back of the log is written when the command has ended.
    let _log = start_log(&command_line.log)?;
    match command_line.command {
        Command::Serve(command) => command.run().await,
        Command::Migrate(command) => command.run().await,
        Command::Import { import, database } => run_import(import, &database).await,
        Command::User(command) => command.run().await,
        Command::Token(command) => command.run().await,
        Command::Verify(command) => command.run().await,
        Command::Replay(command) => command.run().await,
        Command::Keys(command) => command.run().await,
        Command::Backup(command) => command.run().await,
        Command::Copy(command) => command.run().await,
        Command::Schema(command) => command.run().await,
        Command::Explain(command) => command.run().await,
    }
}

/// The importer's own file knows files; the database is opened here, where every command's is.
async fn run_import(import: import::ImportCommand, settings: &DatabaseSettings) -> anyhow::Result<()> {
    let database = app::open(&settings.url_or(DEFAULT_FILE), &settings.pool()).await?;
    let result = import.run(&database, &Caller::local_owner()).await;
    database.close().await?;
    result
}

/// Carries out a change of one object, as whoever sits at the machine.
async fn carry_out<C: Change>(database: &Database, change: C) -> anyhow::Result<()> {
    let (caller, request_id) = (Caller::local_owner(), format!("cli-{}", Uuid::now_v7()));
    let key_ring = KeyRing::none();
    let sent = Sent { caller: &caller, request_id: &request_id, key: None, key_ring: &key_ring };
    match write_transaction::carry_out(database, sent, &Changes::one(Ok(change))).await? {
        Outcome::Done { .. } => Ok(()),
        Outcome::Refused(errors) => {
            let messages: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
            bail!("{} was refused: {}", C::NAME, messages.join("; "))
        }
    }
}

/// The project that somebody names, by its id or its name.
async fn find_project(database: &Database, named: &str) -> anyhow::Result<project::Model> {
    let by = match id::parse("PROJECT", named, &[project::Entity::KIND]) {
        Ok((_, key)) => project::Column::Id.eq(key),
        Err(_) => project::Column::Name.eq(named),
    };
    let found = project::Entity::find().filter(by).one(database.reader()).await?;
    found.with_context(|| format!("there is no project {named:?}"))
}

/// A file that was named on the command line, and cannot be made sense of.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct CannotRead(String);

/// What the process leaves with after an error: 2 where what it was given cannot be read, as where the command line is not
/// understood; else 1.
#[must_use]
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    if error.is::<CannotRead>() { ExitCode::from(2) } else { ExitCode::FAILURE }
}

/// The text of an error and of its causes, without those that the text before them already ends with.
#[must_use]
pub fn describe_error(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// Writes a command's result. A reader that has seen enough, such as `head`, is not an error.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("standard output cannot be written")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn the_command_line_is_sound() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn a_cause_is_told_once() {
        let error = anyhow!("disk full").context("the file cannot be written: disk full").context("the import failed");
        assert_eq!(describe_error(&error), "the import failed: the file cannot be written: disk full");
    }
}
