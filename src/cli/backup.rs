//! `throughline backup`: copies of the whole record, to have it back when the database is lost.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use indicatif::HumanBytes;

use super::bar::{advance, bar_of};
use super::migrate::open_existing;
use crate::backup::{self, Findings, Listed, Manifest, Scratch, Webhooks};
use crate::config::{BackupSettings, DEFAULT_FILE, DatabaseSettings};
use crate::database::DatabaseAddress;

/// Copy the whole record into files, check the copies, and restore them
///
/// A backup is a folder with the database and a manifest that tells what is in it. It has all secrets that the database has, encrypted as
/// they are there; keep the encryption keys elsewhere.
#[derive(clap::Args)]
pub(super) struct BackupCommand {
    #[command(subcommand)]
    step: Step,
}

#[derive(Subcommand)]
enum Step {
    /// Make a backup, while servers run, and print where it is
    Create {
        /// The folder that has the backups; the new one is a folder in it
        folder: PathBuf,
        #[command(flatten)]
        programs: BackupSettings,
        #[command(flatten)]
        database: DatabaseSettings,
    },
    /// List the backups of a folder, the oldest first
    List {
        /// The folder that has the backups
        folder: PathBuf,
    },
    /// See that a backup is good: make a database of it, and go through the whole record
    ///
    /// The database is made where it is in nobody's way, and is gone afterwards.
    Verify {
        /// The backup's folder
        backup: PathBuf,
        /// Where to try it out: for PostgreSQL a server where a database may be made, for SQLite a folder
        #[arg(long, value_name = "postgres://…|FOLDER", env = "THROUGHLINE_SCRATCH", hide_env_values = true)]
        scratch: Option<String>,
        #[command(flatten)]
        programs: BackupSettings,
    },
    /// Make a database of a backup, where there is nothing yet
    Restore {
        /// The backup's folder
        backup: PathBuf,
        /// Send to webhooks as the original did; without it nothing is sent until `backup send-webhooks`
        #[arg(long)]
        send_webhooks: bool,
        #[command(flatten)]
        programs: BackupSettings,
        #[command(flatten)]
        database: DatabaseSettings,
    },
    /// Tell a database that it was restored by other means, before a server opens it
    ///
    /// To a point in time, or from a copy of its disk: its events go on after all that anybody may have followed, and nothing is sent to
    /// webhooks until `backup send-webhooks`.
    MarkRestored {
        #[command(flatten)]
        database: DatabaseSettings,
    },
    /// Let a restored database send to webhooks: it takes its original's place
    SendWebhooks {
        #[command(flatten)]
        database: DatabaseSettings,
    },
}

impl BackupCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self.step {
            Step::Create { folder, programs, database } => create(&folder, &programs, &database).await,
            Step::List { folder } => list(&folder),
            Step::Verify { backup, scratch, programs } => verify(&backup, scratch, &programs).await,
            Step::Restore { backup, send_webhooks, programs, database } => {
                let webhooks = if send_webhooks { Webhooks::Sent } else { Webhooks::Held };
                restore(&backup, webhooks, &programs, &database).await
            }
            Step::MarkRestored { database } => {
                let (database, address) = open_existing(&database).await?;
                let marked = backup::mark_restored(&database, Webhooks::Held).await;
                database.close().await?;
                marked?;
                super::print(&format!("marked as restored  {address}\n{HELD}"))
            }
            Step::SendWebhooks { database } => {
                let (database, _) = open_existing(&database).await?;
                let released = backup::send_webhooks(&database).await;
                database.close().await?;
                super::print(if released? {
                    "Webhooks are sent to.\n"
                } else {
                    "Nothing kept webhooks from being sent to.\n"
                })
            }
        }
    }
}

pub(super) const HELD: &str = "Nothing is sent to webhooks until `throughline backup send-webhooks`.\n";

async fn create(
    folder: &std::path::Path,
    programs: &BackupSettings,
    settings: &DatabaseSettings,
) -> anyhow::Result<()> {
    let url = settings.url_or(DEFAULT_FILE);
    let address = DatabaseAddress::of(&url);
    anyhow::ensure!(!address.is_missing_file(), "there is no {address}");
    let (began, bar) = (Instant::now(), bar_of("bytes"));
    let (programs, progress) = (programs.programs(), |done, total| advance(&bar, done, total));
    let made = backup::create(&url, &settings.pool(), &programs, folder, &progress).await;
    bar.finish_and_clear();
    let (folder, manifest) = made.with_context(|| address.to_string())?;
    let seconds = began.elapsed().as_secs_f64();
    let Manifest { events, .. } = manifest;
    super::print(&format!("{}\n{events} events, {}, {seconds:.1} s\n", folder.display(), HumanBytes(manifest.size())))
}

fn list(folder: &std::path::Path) -> anyhow::Result<()> {
    let mut text = String::new();
    for Listed { path, manifest } in backup::list(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let _ = match manifest {
            Ok(manifest) => writeln!(
                text,
                "{name:50}  {}  {:>10}  {:>12} events  program {}, {} migrations",
                manifest.created_at.format("%Y-%m-%d %H:%M:%S UTC"),
                HumanBytes(manifest.size()).to_string(),
                manifest.events,
                manifest.program_version,
                manifest.schema_version.len(),
            ),
            Err(error) => writeln!(text, "{name:50}  {error}"),
        };
    }
    super::print(if text.is_empty() { "There is no backup.\n" } else { &text })
}

async fn verify(backup: &std::path::Path, scratch: Option<String>, programs: &BackupSettings) -> anyhow::Result<()> {
    let scratch = match scratch {
        Some(url) if url.contains("://") => Scratch { server: Some(url), folder: None },
        folder => Scratch { server: None, folder: folder.map(PathBuf::from) },
    };
    let (began, bar) = (Instant::now(), bar_of("done"));
    let (programs, progress) = (programs.programs(), |done, total| advance(&bar, done, total));
    let looked = backup::verify(backup, &scratch, &programs, &progress).await;
    bar.finish_and_clear();
    let Findings { manifest, verified, faults } = looked?;
    super::print(&format!(
        "{} events of {} objects, {} rows in {} tables, {:.1} s\n",
        verified.events,
        verified.streams,
        manifest.rows.values().sum::<u64>(),
        manifest.rows.len(),
        began.elapsed().as_secs_f64()
    ))?;
    if faults.is_empty() {
        return super::print("The backup is good.\n");
    }
    bail!("the backup is not good: {}", faults.join("; "))
}

async fn restore(
    backup: &std::path::Path,
    webhooks: Webhooks,
    programs: &BackupSettings,
    settings: &DatabaseSettings,
) -> anyhow::Result<()> {
    let url = settings.url_or(DEFAULT_FILE);
    let address = DatabaseAddress::of(&url);
    let (began, bar) = (Instant::now(), bar_of("bytes"));
    let (programs, progress) = (programs.programs(), |done, total| advance(&bar, done, total));
    let restored = backup::restore(backup, &url, &programs, webhooks, &progress).await;
    bar.finish_and_clear();
    let manifest = restored.with_context(|| address.to_string())?;
    let seconds = began.elapsed().as_secs_f64();
    super::print(&format!("restored  {address}\n{} events, {seconds:.1} s\n", manifest.events))?;
    super::print(if webhooks == Webhooks::Held { HELD } else { "" })
}
