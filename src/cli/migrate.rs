//! `throughline migrate`: brings the tables up to date, takes steps back, tells where they stand.

use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Subcommand;

use super::bar::{advance, bar_of};
use crate::app;
use crate::config::{DEFAULT_FILE, DatabaseSettings};
use crate::database::{
    Database, DatabaseAddress, Migration, MigrationProgress, MigrationState, PoolOptions, ShowMigration,
};

/// Bring the tables up to date, or take steps back
#[derive(clap::Args)]
pub(super) struct MigrateCommand {
    #[command(subcommand)]
    step: Step,
}

#[derive(Subcommand)]
enum Step {
    /// Run the migrations that have not run yet, while servers of the version before go on
    Up {
        #[command(flatten)]
        database: DatabaseSettings,
    },
    /// Run what servers of the version before could not stand, when none of them runs any more
    Complete {
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        database: DatabaseSettings,
    },
    /// Undo the latest migrations, with the records in their tables
    Down {
        /// How many migrations to undo
        #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
        steps: u32,
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        database: DatabaseSettings,
    },
    /// List the migrations: applied, pending, or held until `complete`
    Status {
        #[command(flatten)]
        database: DatabaseSettings,
    },
    /// Undo all migrations and run them again: every record is gone
    Fresh {
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        database: DatabaseSettings,
    },
}

/// What destroys records asks first.
#[derive(clap::Args)]
pub(super) struct Consent {
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl MigrateCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self.step {
            Step::Up { database } => up(&database).await,
            Step::Complete { consent, database } => complete(&database, &consent).await,
            Step::Down { steps, consent, database } => down(&database, steps, &consent).await,
            Step::Status { database } => status(&database).await,
            Step::Fresh { consent, database } => fresh(&database, &consent).await,
        }
    }
}

async fn up(settings: &DatabaseSettings) -> anyhow::Result<()> {
    let database = app::connect(&settings.url_or(DEFAULT_FILE), &settings.pool().unhurried()).await?;
    let pending = names_of(&database, MigrationState::Pending).await?;
    database.migrate_and_show(bar()).await.context("a migration failed")?;
    let held = names_of(&database, MigrationState::Held).await?;
    database.close().await?;
    if pending.is_empty() {
        super::print("The tables are up to date.\n")?;
    }
    super::print(&list("applied", &pending))?;
    if held.is_empty() {
        return Ok(());
    }
    super::print(&list("held", &held))?;
    super::print("When no server of the version before runs any more: throughline migrate complete\n")
}

async fn complete(settings: &DatabaseSettings, consent: &Consent) -> anyhow::Result<()> {
    let (database, address) = open_existing(settings).await?;
    let mut rest = names_of(&database, MigrationState::Pending).await?;
    rest.extend(names_of(&database, MigrationState::Held).await?);
    if rest.is_empty() {
        return super::print("The tables are complete.\n");
    }
    consent.ask(&format!(
        "Servers of the version before that use {address} cannot go on after this, or not as fast.\n{}",
        list("apply", &rest)
    ))?;
    database.complete(bar()).await.context("a migration failed")?;
    database.close().await?;
    super::print(&list("applied", &rest))
}

/// Shows which migration runs, and how far the one has come that fills rows.
fn bar() -> ShowMigration {
    let bar = bar_of("rows");
    Arc::new(move |progress| match progress {
        MigrationProgress::Begins(name) => bar.println(name),
        MigrationProgress::Filled { done, total } if done < total => advance(&bar, done, total),
        MigrationProgress::Filled { .. } => bar.finish_and_clear(),
    })
}

async fn down(settings: &DatabaseSettings, steps: u32, consent: &Consent) -> anyhow::Result<()> {
    let (database, address) = open_existing(settings).await?;
    let mut applied = names_of(&database, MigrationState::Applied).await?;
    applied.reverse();
    applied.truncate(steps.try_into().unwrap_or(usize::MAX));
    if applied.is_empty() {
        return super::print("No migration has been applied.\n");
    }
    consent.ask(&format!(
        "This undoes {} of the migrations of {address}, with the records in their tables.\n{}",
        applied.len(),
        list("undo", &applied)
    ))?;
    database.migrate_down(steps).await.context("a migration could not be undone")?;
    database.close().await?;
    super::print(&list("undone", &applied))
}

async fn status(settings: &DatabaseSettings) -> anyhow::Result<()> {
    let (database, _) = open_existing(settings).await?;
    let migrations = database.migrations().await?;
    database.close().await?;
    super::print(&migrations.iter().fold(String::new(), |text, migration| {
        let word = match migration.state {
            MigrationState::Applied => "applied",
            MigrationState::Pending => "pending",
            MigrationState::Held => "held",
        };
        text + &list(word, std::slice::from_ref(&migration.name))
    }))
}

async fn fresh(settings: &DatabaseSettings, consent: &Consent) -> anyhow::Result<()> {
    let (database, address) = open_existing(settings).await?;
    consent.ask(&format!("This deletes every record in {address}.\n"))?;
    database.migrate_fresh().await.context("the tables could not be made anew")?;
    let applied = names_of(&database, MigrationState::Applied).await?;
    database.close().await?;
    super::print(&list("applied", &applied))
}

impl Consent {
    /// Goes on if the flag was given or the person at the terminal says so.
    pub(super) fn ask(&self, what: &str) -> anyhow::Result<()> {
        if self.yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            anyhow::bail!("{}\nThere is no terminal to ask at; --yes says that it is meant", what.trim_end());
        }
        eprint!("{what}Go on? Type yes: ");
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).context("standard input cannot be read")?;
        anyhow::ensure!(answer.trim() == "yes", "nothing was changed");
        Ok(())
    }
}

/// Opens a database that is there: who mistypes a file's name is told, and gets no empty file.
pub(super) async fn open_existing(settings: &DatabaseSettings) -> anyhow::Result<(Database, DatabaseAddress)> {
    open_existing_with(settings, &settings.pool().unhurried()).await
}

/// The same for what reads as a server does: only what is up to date can be read, and no statement may take longer.
pub(super) async fn open_to_read(settings: &DatabaseSettings, timeout: Duration) -> anyhow::Result<Database> {
    let pool = PoolOptions { statement_timeout: Some(timeout), ..settings.pool() };
    let (database, address) = open_existing_with(settings, &pool).await?;
    let pending = names_of(&database, MigrationState::Pending).await?;
    anyhow::ensure!(
        pending.is_empty(),
        "the tables of {address} are older than this program: `throughline migrate up` first"
    );
    Ok(database)
}

async fn open_existing_with(
    settings: &DatabaseSettings,
    pool: &PoolOptions,
) -> anyhow::Result<(Database, DatabaseAddress)> {
    let url = settings.url_or(DEFAULT_FILE);
    let address = DatabaseAddress::of(&url);
    anyhow::ensure!(!address.is_missing_file(), "there is no {address}");
    Ok((app::connect(&url, pool).await?, address))
}

async fn names_of(database: &Database, state: MigrationState) -> anyhow::Result<Vec<String>> {
    let migrations: Vec<Migration> = database.migrations().await?;
    Ok(migrations.into_iter().filter(|migration| migration.state == state).map(|migration| migration.name).collect())
}

fn list(word: &str, names: &[String]) -> String {
    names.iter().fold(String::new(), |mut text, name| {
        let _ = writeln!(text, "{word}  {name}");
        text
    })
}
