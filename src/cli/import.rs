//! `throughline import`: a stand-in.

use crate::access::Caller;
use crate::database::Database;

/// Import NDJSON files or JUnit reports
#[derive(clap::Args)]
pub struct ImportCommand {
    files: Vec<std::path::PathBuf>,
}

impl ImportCommand {
    /// Stand-in.
    ///
    /// # Errors
    /// Always.
    #[expect(clippy::unused_async)]
    pub async fn run(self, _database: &Database, _caller: &Caller) -> anyhow::Result<()> {
        anyhow::bail!("the importer is not here yet ({} files)", self.files.len())
    }
}
