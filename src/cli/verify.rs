//! `throughline verify`: whether the record is as it was written.

use std::time::Instant;

use anyhow::bail;

use super::bar::{event_bar, show};
use super::migrate::open_existing;
use crate::config::DatabaseSettings;
use crate::events::{Verified, verify};

/// Go through all events and see that nothing was changed, removed or inserted behind the record's back
#[derive(clap::Args)]
pub(super) struct VerifyCommand {
    #[command(flatten)]
    database: DatabaseSettings,
}

impl VerifyCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let (database, _) = open_existing(&self.database).await?;
        let (began, bar) = (Instant::now(), event_bar());
        let verified = verify(&database, |walked| show(&bar, walked)).await;
        bar.finish_and_clear();
        database.close().await?;
        let Verified { events, streams, fault } = verified?;
        let seconds = began.elapsed().as_secs_f64();
        super::print(&format!("{events} events of {streams} objects in {seconds:.1} s\n"))?;
        match fault {
            None => super::print("The record is as it was written.\n"),
            Some(fault) => bail!("the record is not as it was written: {fault}"),
        }
    }
}
