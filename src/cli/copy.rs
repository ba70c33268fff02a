//! `throughline copy`: the whole record from one database into another.

use std::time::Instant;

use anyhow::{Context as _, ensure};

use super::bar::{advance, bar_of};
use crate::app;
use crate::backup::Webhooks;
use crate::copy::copy;
use crate::database::{DatabaseAddress, PoolOptions};

/// Copy the whole record from an SQLite file to PostgreSQL, or back
///
/// All of it goes along, as of one moment: the history, the audit, tokens, webhooks, and the places that clients have come to. The target
/// must be empty; afterwards all of it is there, and verified, or nothing is.
#[derive(clap::Args)]
pub(super) struct CopyCommand {
    /// The database to read; servers may go on writing to it, and what they write from then on stays there
    #[arg(long, value_name = "URL", env = "THROUGHLINE_COPY_FROM", hide_env_values = true)]
    from: String,
    /// The empty database to fill; its tables are made where there are none
    #[arg(long, value_name = "URL", env = "THROUGHLINE_COPY_TO", hide_env_values = true)]
    to: String,
    /// Let the target send to webhooks at once; without it nothing is sent until `backup send-webhooks`
    #[arg(long)]
    send_webhooks: bool,
}

impl CopyCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let pool = PoolOptions::default().unhurried();
        let from = DatabaseAddress::of(&self.from);
        ensure!(!from.is_missing_file(), "there is no {from}");
        let source = app::connect(&self.from, &pool).await?;
        let target = app::connect(&self.to, &pool).await?;
        let to = DatabaseAddress::of(&self.to);
        target.migrate().await.with_context(|| format!("{to}: a migration failed"))?;
        let webhooks = if self.send_webhooks { Webhooks::Sent } else { Webhooks::Held };
        let (began, bar) = (Instant::now(), bar_of("rows"));
        let copied = copy(&source, &target, webhooks, |done, total| advance(&bar, done, total)).await;
        bar.finish_and_clear();
        source.close().await?;
        target.close().await?;
        let copied = copied?;
        super::print(&format!(
            "{} rows in {} tables, {} events of {} objects, {:.1} s\nThe record is as it was written.\n{}",
            copied.rows.values().sum::<u64>(),
            copied.rows.len(),
            copied.verified.events,
            copied.verified.streams,
            began.elapsed().as_secs_f64(),
            if webhooks == Webhooks::Held { super::backup::HELD } else { "" }
        ))
    }
}
