//! `throughline keys`: the keys that secrets are encrypted with.

use std::fmt::Write as _;
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use clap::Subcommand;
use entity::project;
use uuid::Uuid;

use super::bar::bar_of;
use super::find_project;
use super::migrate::{Consent, open_existing};
use crate::access::Caller;
use crate::batch::id;
use crate::config::{DatabaseSettings, EncryptionSettings};
use crate::database::Database;
use crate::encryption::{KeyCounts, KeyRing, Rotated, count_keys, rotate};
use crate::events::Aggregate as _;
use crate::write_transaction::{Erased, Remains, erase_data_key};

/// Make, count, rotate and erase the keys that secrets are encrypted with
///
/// Each project has a data key, which is stored wrapped by a key of `THROUGHLINE_ENCRYPTION_KEYS`.
#[derive(clap::Args)]
pub(super) struct KeysCommand {
    #[command(subcommand)]
    step: Step,
}

#[derive(Subcommand)]
enum Step {
    /// Print a new key, for `THROUGHLINE_ENCRYPTION_KEYS`
    Generate,
    /// Say how many data keys there are under each key, and under none that is set
    Status {
        #[command(flatten)]
        keys: EncryptionSettings,
        #[command(flatten)]
        database: DatabaseSettings,
    },
    /// Wrap all data keys with the first key, while servers run
    ///
    /// It can be stopped at any time, and goes on where it was when it is run again.
    Rotate {
        /// How many data keys a statement wraps
        #[arg(long, value_name = "COUNT", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        batch: u32,
        #[command(flatten)]
        keys: EncryptionSettings,
        #[command(flatten)]
        database: DatabaseSettings,
    },
    /// Erase a project's data key: nobody can read its secrets any more
    ///
    /// Neither in the history nor in what is copied from now on. What is written later is encrypted with a new data key.
    Erase {
        /// The project: its id, or its name
        project: String,
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        database: DatabaseSettings,
    },
}

impl KeysCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self.step {
            Step::Generate => super::print(&format!("{}\n", KeyRing::generate_key())),
            Step::Status { keys, database } => {
                let ring = read_ring(&keys)?;
                let (database, _) = open_existing(&database).await?;
                let counts = count_keys(&database).await;
                database.close().await?;
                super::print(&describe(&counts?, &ring))
            }
            Step::Rotate { batch, keys, database } => {
                let ring = read_ring(&keys)?;
                ensure!(ring.first().is_some(), "there is no key to rotate to: set THROUGHLINE_ENCRYPTION_KEYS");
                let (database, _) = open_existing(&database).await?;
                let rotated = run_rotation(&database, &ring, batch).await;
                database.close().await?;
                rotated
            }
            Step::Erase { project, consent, database } => {
                let (database, address) = open_existing(&database).await?;
                let erased = erase(&database, &project, &consent, &address.to_string()).await;
                database.close().await?;
                erased
            }
        }
    }
}

/// Who works with keys is told at once what is none. The texts themselves are not.
fn read_ring(settings: &EncryptionSettings) -> anyhow::Result<std::sync::Arc<KeyRing>> {
    let ring = settings.key_ring();
    let places: Vec<String> = ring.malformed().iter().map(ToString::to_string).collect();
    if !places.is_empty() {
        let places = places.join(", ");
        bail!(super::CannotRead(format!(
            "of the keys that are set, those in these places are none: {places}; a key is 32 bytes in URL-safe base 64, as \
             `throughline keys generate` prints it"
        )));
    }
    Ok(ring)
}

/// A line for each key that is set, in their order, and for each other one that data keys are under.
fn describe(counts: &KeyCounts, ring: &KeyRing) -> String {
    let mut text = String::new();
    for (place, id) in ring.ids().enumerate() {
        let role = if place == 0 { "encrypts and decrypts" } else { "decrypts" };
        let _ = writeln!(text, "{id}  {:>8}  {role}", counts.under(id));
    }
    for (id, count) in counts.by_key.iter().filter(|(id, _)| !ring.knows(id)) {
        let _ = writeln!(text, "{id}  {count:>8}  is not set: what these data keys encrypt cannot be read");
    }
    if ring.is_empty() {
        text.push_str("No key is set: THROUGHLINE_ENCRYPTION_KEYS\n");
    }
    if counts.erased > 0 {
        let _ = writeln!(text, "{:16}  {:>8}  erased", "", counts.erased);
    }
    let all = counts.by_key.values().sum::<u64>() + counts.erased;
    let _ = writeln!(text, "{:16}  {all:>8}  data keys in all", "");
    text
}

async fn run_rotation(database: &Database, ring: &KeyRing, batch: u32) -> anyhow::Result<()> {
    let (began, bar) = (Instant::now(), bar_of("data keys"));
    let rotated = rotate(database, ring, batch, |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    let rotated = rotated.await;
    bar.finish_and_clear();
    let Rotated { rotated, left } = rotated.context("not all data keys could be wrapped; run it again")?;
    super::print(&format!("{rotated} data keys wrapped in {:.1} s\n", began.elapsed().as_secs_f64()))?;
    super::print(&describe(&count_keys(database).await?, ring))?;
    ensure!(left == 0, "{left} data keys are left under keys that open nothing here");
    Ok(())
}

async fn erase(database: &Database, named: &str, consent: &Consent, address: &str) -> anyhow::Result<()> {
    let project = find_project(database, named).await?;
    let name = format!("{} ({})", project.name, id::format(project::Entity::KIND, project.id));
    consent.ask(&format!(
        "This makes all confidential notes unreadable that {name} has or ever had in {address}. It cannot be undone.\n"
    ))?;
    let request_id = format!("keys.erase.{}", Uuid::now_v7());
    match erase_data_key(database, &Caller::local_owner(), &request_id, project.id).await? {
        Erased::Now(remains) => {
            super::print(&format!("erased  the data key of {name}\n"))?;
            check_remains(remains)
        }
        Erased::Before(remains) => {
            super::print(&format!("The data key of {name} was erased before.\n"))?;
            check_remains(remains)
        }
        Erased::Never => super::print(&format!("{name} has no data key: no confidential notes were ever written.\n")),
    }
}

/// Says what is still to be done where somebody keeps the write-ahead log.
fn check_remains(remains: Remains) -> anyhow::Result<()> {
    ensure!(
        remains == Remains::Nothing,
        "the key still stands in the file's write-ahead log, since somebody reads a state from before: run this again when they are \
         done"
    );
    Ok(())
}
