//! What holds for PostgreSQL alone: how long its connections live, and where its replicas are.

use std::time::Duration;

use clap::builder::RangedU64ValueParser;

use crate::database::PoolOptions;

/// How long connections to PostgreSQL live, and which replicas queries are read from.
///
/// There is no `Debug`, since the URLs may hold a password.
#[derive(Clone, clap::Args)]
#[command(next_help_heading = "PostgreSQL")]
pub struct PostgresSettings {
    /// Where streaming replicas are.
    #[arg(
        long = "replica",
        value_name = "URL",
        env = "DATABASE_REPLICA_URLS",
        hide_env = true,
        hide_env_values = true,
        value_delimiter = ',',
        help = "Streaming replicas, which queries are read from; after a failover the promoted one takes the writes\n[env: DATABASE_REPLICA_URLS] [default: none]"
    )]
    pub replicas: Vec<String>,

    /// How far a replica may be behind for queries to be read from it
    #[arg(long, value_name = "MS", env = "THROUGHLINE_MAX_REPLICA_LAG_MS", default_value_t = 1000,
        value_parser = RangedU64ValueParser::<u64>::new().range(1..=3_600_000))]
    pub max_replica_lag_ms: u64,

    /// How long a query that names a position waits for a replica to reach it, before it goes to the primary
    #[arg(long, value_name = "MS", env = "THROUGHLINE_POSITION_WAIT_MS", default_value_t = 100,
        value_parser = RangedU64ValueParser::<u64>::new().range(0..=60_000))]
    pub position_wait_ms: u64,

    /// Connections that are kept open for queries, and for writes, however little there is to do
    #[arg(long, value_name = "COUNT", env = "THROUGHLINE_MIN_CONNECTIONS", default_value_t = 0,
        value_parser = RangedU64ValueParser::<u32>::new().range(0..=1000))]
    pub min_connections: u32,

    /// How long a connection stays open that nobody uses
    #[arg(long, value_name = "MS", env = "THROUGHLINE_IDLE_TIMEOUT_MS", default_value_t = 600_000,
        value_parser = RangedU64ValueParser::<u64>::new().range(100..=86_400_000))]
    pub idle_timeout_ms: u64,

    /// How long a connection is used before it is replaced
    #[arg(long, value_name = "MS", env = "THROUGHLINE_MAX_LIFETIME_MS", default_value_t = 1_800_000,
        value_parser = RangedU64ValueParser::<u64>::new().range(100..=86_400_000))]
    pub max_lifetime_ms: u64,

    /// How long a transaction may do nothing until the server ends it
    #[arg(long, value_name = "MS", env = "THROUGHLINE_IDLE_IN_TRANSACTION_TIMEOUT_MS", default_value_t = 30_000,
        value_parser = RangedU64ValueParser::<u64>::new().range(1..=3_600_000))]
    pub idle_in_transaction_timeout_ms: u64,

    /// What its connections are called on the server
    #[arg(long, value_name = "NAME", env = "THROUGHLINE_APPLICATION_NAME", default_value = "throughline")]
    pub application_name: String,
}

impl PostgresSettings {
    /// The pools as they are set, and all else as it is by default.
    #[must_use]
    pub fn pool(&self) -> PoolOptions {
        PoolOptions {
            min_connections: self.min_connections,
            idle_timeout: Duration::from_millis(self.idle_timeout_ms),
            max_lifetime: Duration::from_millis(self.max_lifetime_ms),
            idle_in_transaction_timeout: Duration::from_millis(self.idle_in_transaction_timeout_ms),
            application_name: self.application_name.clone(),
            // A variable that is set to nothing names none.
            replicas: self.replicas.iter().filter(|url| !url.is_empty()).cloned().collect(),
            max_replica_lag: Duration::from_millis(self.max_replica_lag_ms),
            position_wait: Duration::from_millis(self.position_wait_ms),
            ..PoolOptions::default()
        }
    }
}
