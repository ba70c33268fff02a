//! Settings of backups.

use std::path::PathBuf;

use crate::backup::ProgramSettings;

/// Where PostgreSQL's own programs are.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "PostgreSQL's programs")]
pub struct BackupSettings {
    /// The folder of `pg_dump`, `pg_restore` and `psql`; without it, `pg_config` tells, or the latest installed version is taken
    #[arg(long, value_name = "FOLDER", env = "THROUGHLINE_POSTGRES_PROGRAMS")]
    pub postgres_programs: Option<PathBuf>,
}

impl BackupSettings {
    /// Where the programs are.
    #[must_use]
    pub fn programs(&self) -> ProgramSettings {
        ProgramSettings { folder: self.postgres_programs.clone() }
    }
}
