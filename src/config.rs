//! Every setting: its flag, its environment variable, its default and its meaning.
//!
//! **Invariant:** settings are read once, from the command line and then the environment, and passed down; no other
//! module reads the environment.

mod backup;
mod database;
mod door;
mod encryption;
mod jwt;
mod limits;
mod postgres;
mod webhooks;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::RangedU64ValueParser;

pub use self::backup::BackupSettings;
pub use self::database::{DatabaseSettings, StatementSettings};
pub use self::door::DoorSettings;
pub use self::encryption::EncryptionSettings;
pub use self::jwt::JwtSettings;
pub use self::limits::LimitSettings;
pub use self::postgres::PostgresSettings;
pub use self::webhooks::WebhookArguments;
use crate::graphql::PageLimits;
use crate::http::{ConnectionLimits, StreamLimits};
use crate::telemetry::{LogFormat, Telemetry};

/// The file that is opened where no database is set.
pub const DEFAULT_FILE: &str = "throughline.db";
/// The file that `serve --demo` opens where no database is set, so that the demo never mixes with somebody's records.
pub const DEMO_FILE: &str = "throughline-demo.db";

/// Everything that a server is set to, but for its database.
#[derive(Clone, Debug, clap::Args)]
pub struct ServeSettings {
    /// Where it listens.
    #[command(flatten)]
    pub server: ServerSettings,
    /// What a request may be.
    #[command(flatten)]
    pub limits: LimitSettings,
    /// Which documents it runs.
    #[command(flatten)]
    pub documents: DocumentSettings,
    /// How long connections stay that are followed.
    #[command(flatten)]
    pub streams: StreamSettings,
    /// Who comes in, and how often.
    #[command(flatten)]
    pub door: DoorSettings,
    /// Whose tokens are taken.
    #[command(flatten)]
    pub jwt: JwtSettings,
    /// What secrets are encrypted with.
    #[command(flatten)]
    pub encryption: EncryptionSettings,
    /// How events are sent to webhooks.
    #[command(flatten)]
    pub webhooks: WebhookArguments,
}

/// Where to listen, and how long pages are.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Server")]
pub struct ServerSettings {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "HOST:PORT", env = "THROUGHLINE_LISTEN", default_value = "127.0.0.1:8000")]
    pub listen: String,

    /// Names under which it is asked.
    #[arg(
        long,
        value_name = "HOST",
        env = "THROUGHLINE_ALLOWED_HOSTS",
        hide_env = true,
        value_delimiter = ',',
        help = "Names under which it may be asked, separated by commas\n[env: THROUGHLINE_ALLOWED_HOSTS] [default: the machine's own where it listens on one of them, else any]"
    )]
    pub allowed_hosts: Vec<String>,

    /// Refuse requests without a credential even where only this machine can send any
    #[arg(long, value_name = "BOOL", env = "THROUGHLINE_REQUIRE_AUTHENTICATION", default_value_t = false,
        num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub require_authentication: bool,

    /// Rows of a list that does not say how many
    #[arg(long, value_name = "ROWS", env = "THROUGHLINE_DEFAULT_PAGE_SIZE", default_value_t = 20,
        value_parser = RangedU64ValueParser::<u32>::new().range(1..=100_000))]
    pub default_page_size: u32,

    /// Rows that a list may ask for at most
    #[arg(long, value_name = "ROWS", env = "THROUGHLINE_MAX_PAGE_SIZE", default_value_t = 1000,
        value_parser = RangedU64ValueParser::<u32>::new().range(1..=100_000))]
    pub max_page_size: u32,

    /// How long running requests may go on when it is stopped
    #[arg(long, value_name = "MS", env = "THROUGHLINE_SHUTDOWN_TIMEOUT_MS", default_value_t = 10_000,
        value_parser = RangedU64ValueParser::<u64>::new().range(0..=600_000))]
    pub shutdown_timeout_ms: u64,

    /// How long a request's headers may take to arrive, and a connection without a request may stay open
    #[arg(long, value_name = "MS", env = "THROUGHLINE_HEADER_TIMEOUT_MS", default_value_t = 10_000,
        value_parser = RangedU64ValueParser::<u64>::new().range(1..=3_600_000))]
    pub header_timeout_ms: u64,

    /// How long a client may read nothing of what is sent to it
    #[arg(long, value_name = "MS", env = "THROUGHLINE_WRITE_TIMEOUT_MS", default_value_t = 20_000,
        value_parser = RangedU64ValueParser::<u64>::new().range(1..=3_600_000))]
    pub write_timeout_ms: u64,

    /// Connections of clients that may be open at once; others wait to be taken
    #[arg(long, value_name = "COUNT", env = "THROUGHLINE_MAX_CLIENT_CONNECTIONS", default_value_t = 10_000,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub max_client_connections: usize,

    /// Operations that take as long are logged; 0 logs all
    #[arg(long, value_name = "MS", env = "THROUGHLINE_SLOW_OPERATION_MS", default_value_t = 1000,
        value_parser = RangedU64ValueParser::<u64>::new().range(0..=3_600_000))]
    pub slow_operation_ms: u64,
}

impl ServerSettings {
    /// How long a list is. Who lowers the maximum alone lowers the default with it.
    #[must_use]
    pub fn page_limits(&self) -> PageLimits {
        PageLimits { default_size: self.default_page_size.min(self.max_page_size), max_size: self.max_page_size }
    }

    /// How connections are served.
    #[must_use]
    pub fn connections(&self) -> ConnectionLimits {
        ConnectionLimits {
            header_timeout: Duration::from_millis(self.header_timeout_ms),
            write_timeout: Duration::from_millis(self.write_timeout_ms),
            max_connections: self.max_client_connections,
            shutdown_timeout: self.shutdown_timeout(),
        }
    }

    /// What is observed, from nothing on.
    #[must_use]
    pub fn telemetry(&self) -> Telemetry {
        Telemetry::new(Some(Duration::from_millis(self.slow_operation_ms)))
    }

    /// How long running requests may take to finish.
    #[must_use]
    pub fn shutdown_timeout(&self) -> Duration {
        Duration::from_millis(self.shutdown_timeout_ms)
    }
}

/// What holds for WebSockets and event streams.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Subscriptions")]
pub struct StreamSettings {
    /// How long a client may take to begin once it has a WebSocket
    #[arg(long, value_name = "MS", env = "THROUGHLINE_WEBSOCKET_INIT_TIMEOUT_MS", default_value_t = 3000,
        value_parser = RangedU64ValueParser::<u64>::new().range(1..=600_000))]
    pub websocket_init_timeout_ms: u64,

    /// How often a WebSocket is sent a ping, and an event stream a comment; a client that answers none is cut
    #[arg(long, value_name = "MS", env = "THROUGHLINE_PING_INTERVAL_MS", default_value_t = 15_000,
        value_parser = RangedU64ValueParser::<u64>::new().range(10..=3_600_000))]
    pub ping_interval_ms: u64,

    /// Subscriptions that may be followed at once, on all connections
    #[arg(long, value_name = "COUNT", env = "THROUGHLINE_MAX_SUBSCRIPTIONS", default_value_t = 20_000,
        value_parser = RangedU64ValueParser::<usize>::new().range(0..=10_000_000))]
    pub max_subscriptions: usize,

    /// Operations that one WebSocket may run at once
    #[arg(long, value_name = "COUNT", env = "THROUGHLINE_MAX_WEBSOCKET_OPERATIONS", default_value_t = 100,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=10_000))]
    pub max_websocket_operations: usize,
}

impl StreamSettings {
    /// What holds for them.
    #[must_use]
    pub fn limits(&self) -> StreamLimits {
        StreamLimits {
            init_timeout: Duration::from_millis(self.websocket_init_timeout_ms),
            ping_interval: Duration::from_millis(self.ping_interval_ms),
            max_operations: self.max_websocket_operations,
        }
    }
}

/// Which documents are run, and what is told of the schema.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Documents")]
pub struct DocumentSettings {
    /// Files of trusted documents.
    #[arg(
        long,
        value_name = "FILE",
        env = "THROUGHLINE_DOCUMENT_MANIFEST",
        hide_env = true,
        value_delimiter = ',',
        help = "Manifests of trusted documents, as Relay, GraphQL Code Generator or Apollo write them\n[env: THROUGHLINE_DOCUMENT_MANIFEST] [default: none]"
    )]
    pub document_manifest: Vec<PathBuf>,

    /// Whether trusted documents are run besides others, or alone
    #[arg(long, value_name = "WHICH", env = "THROUGHLINE_TRUSTED_DOCUMENTS", default_value = "also")]
    pub trusted_documents: TrustedMode,

    /// Whether the schema may be asked about itself
    #[arg(long, value_name = "BOOL", env = "THROUGHLINE_INTROSPECTION", default_value_t = true, action = clap::ArgAction::Set)]
    pub introspection: bool,

    /// Whether names are suggested for one that there is not
    #[arg(long, value_name = "BOOL", env = "THROUGHLINE_SUGGESTIONS", default_value_t = true, action = clap::ArgAction::Set)]
    pub suggestions: bool,
}

/// Whether anything but trusted documents is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum TrustedMode {
    /// Trusted documents by their ids, and whatever else is sent.
    Also,
    /// Nothing but trusted documents.
    Only,
}

/// What is written to standard error.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Log")]
pub struct LogSettings {
    /// Levels by module: error, warn, info, debug or trace
    #[arg(
        long,
        value_name = "FILTER",
        env = "THROUGHLINE_LOG",
        default_value = "warn,throughline=info",
        global = true
    )]
    pub log: String,

    /// How its lines are written: text is for people, JSON for machines; auto is text on a terminal
    #[arg(long, value_name = "FORMAT", env = "THROUGHLINE_LOG_FORMAT", default_value = "auto", global = true)]
    pub log_format: LogFormat,

    /// The collector that spans are sent to, by OTLP over HTTP.
    #[cfg(feature = "otlp")]
    #[arg(
        long,
        value_name = "URL",
        env = "THROUGHLINE_OTLP_ENDPOINT",
        hide_env = true,
        global = true,
        help = "The collector that spans are sent to, by OTLP over HTTP, such as http://localhost:4318\n[env: THROUGHLINE_OTLP_ENDPOINT] [default: none]"
    )]
    pub otlp_endpoint: Option<String>,
}
