//! `throughline replay`: makes all rows anew from events.

use std::time::Instant;

use anyhow::bail;

use super::bar::{event_bar, show};
use super::migrate::open_existing;
use crate::config::DatabaseSettings;
use crate::events::{Comparison, Found, replay};

/// Make all rows anew from events alone, and compare them with those that are there
///
/// What is there is left alone, unless it is to be swapped.
#[derive(clap::Args)]
pub(super) struct ReplayCommand {
    /// Put what the events make in the place of what is there; nobody else can write meanwhile
    #[arg(long)]
    swap: bool,
    #[command(flatten)]
    database: DatabaseSettings,
}

impl ReplayCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let (database, _) = open_existing(&self.database).await?;
        let (began, bar) = (Instant::now(), event_bar());
        let replayed = replay(&database, self.swap, |walked| show(&bar, walked)).await;
        bar.finish_and_clear();
        database.close().await?;
        let replayed = replayed?;
        let seconds = began.elapsed().as_secs_f64();
        let lines: String = replayed.tables.iter().map(describe).collect();
        super::print(&format!("{} events in {seconds:.1} s\n{lines}", replayed.events))?;
        match (replayed.is_equal(), replayed.is_swapped) {
            (_, true) => super::print("What the events make is in place.\n"),
            (true, false) => super::print("What is there is what the events make.\n"),
            (false, false) => bail!("what is there is not what the events make; --swap puts that in its place"),
        }
    }
}

fn describe(table: &Comparison) -> String {
    let Comparison { table, rows, unexplained, missing } = table;
    let difference = |found: &Found, what: &str| {
        let more = if found.count > found.first.len() as u64 { ", …" } else { "" };
        format!("  {} {what}: {}{more}\n", found.count, found.first.join(", "))
    };
    let mut text = format!("{table}: {rows} rows\n");
    if unexplained.count > 0 {
        text.push_str(&difference(unexplained, "there, but not made by the events"));
    }
    if missing.count > 0 {
        text.push_str(&difference(missing, "made by the events, but not there"));
    }
    text
}
