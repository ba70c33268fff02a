//! How large a request may be, what it may cost, and how long it may take.

use std::time::Duration;

use clap::builder::RangedU64ValueParser;

use crate::graphql::Limits;
use crate::http::HttpSettings;

/// How large a request may be, what it may cost, and how long it may take.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitSettings {
    /// The largest body of a request
    #[arg(long, value_name = "BYTES", env = "THROUGHLINE_MAX_BODY_BYTES", default_value_t = 1024 * 1024,
        value_parser = RangedU64ValueParser::<usize>::new().range(1024..=1024 * 1024 * 1024))]
    pub max_body_bytes: usize,

    /// Objects that an operation may ask for: 1 each, times the page sizes on the way to it
    #[arg(long, value_name = "OBJECTS", env = "THROUGHLINE_MAX_COST", default_value_t = 10_000,
        value_parser = RangedU64ValueParser::<u64>::new().range(1..))]
    pub max_cost: u64,

    /// Fields in each other; what GraphiQL asks the schema is 15 deep
    #[arg(long, value_name = "FIELDS", env = "THROUGHLINE_MAX_DEPTH", default_value_t = 15,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=30))]
    pub max_depth: usize,

    /// Tokens of a document
    #[arg(long, value_name = "TOKENS", env = "THROUGHLINE_MAX_TOKENS", default_value_t = 15_000,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub max_tokens: usize,

    /// Fields and spreads of a document with its fragments put in
    #[arg(long, value_name = "COUNT", env = "THROUGHLINE_MAX_SELECTIONS", default_value_t = 5_000,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=100_000))]
    pub max_selections: usize,

    /// Aliases of an operation
    #[arg(long, value_name = "COUNT", env = "THROUGHLINE_MAX_ALIASES", default_value_t = 30)]
    pub max_aliases: usize,

    /// Fields at the root of an operation
    #[arg(long, value_name = "COUNT", env = "THROUGHLINE_MAX_ROOT_FIELDS", default_value_t = 20)]
    pub max_root_fields: usize,

    /// Directives of an operation
    #[arg(long, value_name = "COUNT", env = "THROUGHLINE_MAX_DIRECTIVES", default_value_t = 30)]
    pub max_directives: usize,

    /// Operations of a document
    #[arg(long, value_name = "COUNT", env = "THROUGHLINE_MAX_OPERATIONS", default_value_t = 20)]
    pub max_operations: usize,

    /// Errors that an answer tells
    #[arg(long, value_name = "COUNT", env = "THROUGHLINE_MAX_ERRORS", default_value_t = 20,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub max_errors: usize,

    /// Requests in one list of them; 0 refuses lists
    #[arg(long, value_name = "COUNT", env = "THROUGHLINE_MAX_BATCH", default_value_t = 0)]
    pub max_batch: usize,

    /// How long a request may take once its body is there; each of a list of requests has as long
    #[arg(long, value_name = "MS", env = "THROUGHLINE_REQUEST_TIMEOUT_MS", default_value_t = 10_000,
        value_parser = RangedU64ValueParser::<u64>::new().range(1..=3_600_000))]
    pub request_timeout_ms: u64,

    /// How long a body may take to arrive
    #[arg(long, value_name = "MS", env = "THROUGHLINE_BODY_TIMEOUT_MS", default_value_t = 10_000,
        value_parser = RangedU64ValueParser::<u64>::new().range(1..=3_600_000))]
    pub body_timeout_ms: u64,
}

impl LimitSettings {
    /// The limits of a document.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            tokens: self.max_tokens,
            depth: self.max_depth,
            aliases: self.max_aliases,
            root_fields: self.max_root_fields,
            directives: self.max_directives,
            operations: self.max_operations,
            selections: self.max_selections,
            cost: self.max_cost,
            errors: self.max_errors,
            ..Limits::default()
        }
    }

    /// The limits of what is read.
    #[must_use]
    pub fn http(&self) -> HttpSettings {
        HttpSettings {
            max_body_bytes: self.max_body_bytes,
            body_timeout: Duration::from_millis(self.body_timeout_ms),
            max_batch: self.max_batch,
            ..HttpSettings::default()
        }
    }
}
