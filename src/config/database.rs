//! Where the records are, and how long what is asked of them may take.

use std::time::Duration;

use clap::builder::RangedU64ValueParser;

use super::PostgresSettings;
use crate::database::PoolOptions;

/// Where the records are, and how many connections are kept to them.
///
/// There is no `Debug`, since the URL may hold a password.
#[derive(Clone, clap::Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseSettings {
    /// What [`Database::connect`](crate::database::Database::connect) takes; [`DEFAULT_FILE`](super::DEFAULT_FILE) where it is not set.
    #[arg(
        long = "database",
        value_name = "URL",
        env = "DATABASE_URL",
        hide_env = true,
        help = "sqlite://FILE or postgres://USER:PASSWORD@HOST/NAME\n[env: DATABASE_URL] [default: sqlite://throughline.db]"
    )]
    pub url: Option<String>,

    /// Connections that queries use at most; writes may open as many again
    #[arg(long, value_name = "COUNT", env = "THROUGHLINE_MAX_CONNECTIONS", default_value_t = 8,
        value_parser = RangedU64ValueParser::<u32>::new().range(1..=1000))]
    pub max_connections: u32,

    /// How long a request waits for a connection
    #[arg(long, value_name = "MS", env = "THROUGHLINE_ACQUIRE_TIMEOUT_MS", default_value_t = 3000,
        value_parser = RangedU64ValueParser::<u64>::new().range(1..=600_000))]
    pub acquire_timeout_ms: u64,

    /// How long a statement waits for a lock that somebody else holds
    #[arg(long, value_name = "MS", env = "THROUGHLINE_LOCK_TIMEOUT_MS", default_value_t = 2000,
        value_parser = RangedU64ValueParser::<u64>::new().range(1..=600_000))]
    pub lock_timeout_ms: u64,

    /// What holds for PostgreSQL alone.
    #[command(flatten)]
    pub postgres: PostgresSettings,
}

/// What is asked of the database where others wait for it, which the commands that go through all that there is are not.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Database")]
pub struct StatementSettings {
    /// How long a statement may run until it is stopped
    #[arg(long, value_name = "MS", env = "THROUGHLINE_STATEMENT_TIMEOUT_MS", default_value_t = 8000,
        value_parser = RangedU64ValueParser::<u64>::new().range(1..=86_400_000))]
    pub statement_timeout_ms: u64,
}

impl StatementSettings {
    /// How long a statement may run.
    #[must_use]
    pub fn statement_timeout(&self) -> Duration {
        Duration::from_millis(self.statement_timeout_ms)
    }
}

impl DatabaseSettings {
    /// The URL that was set, or the file of that name in the working folder. A variable that is set to nothing counts
    /// as not set.
    #[must_use]
    pub fn url_or(&self, default_file: &str) -> String {
        self.url.clone().filter(|url| !url.is_empty()).unwrap_or_else(|| format!("sqlite://{default_file}"))
    }

    /// How the pools are made, of which a statement may take as long as it takes.
    #[must_use]
    pub fn pool(&self) -> PoolOptions {
        PoolOptions {
            max_connections: self.max_connections,
            acquire_timeout: Duration::from_millis(self.acquire_timeout_ms),
            statement_timeout: None,
            lock_timeout: Duration::from_millis(self.lock_timeout_ms),
            ..self.postgres.pool()
        }
    }
}
