//! How events are sent to webhooks.

use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use ipnet::IpNet;

use crate::webhook_deliveries::WebhookSettings;

/// How events are sent to webhooks.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Webhooks")]
pub struct WebhookArguments {
    /// Send events to webhooks; of several processes over one database that do, one sends at a time
    #[arg(long, value_name = "BOOL", env = "THROUGHLINE_WEBHOOKS", default_value_t = true,
        num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub webhooks: bool,

    /// Networks that may be asked though they are not public.
    #[arg(
        long,
        value_name = "NETWORK",
        env = "THROUGHLINE_WEBHOOK_ALLOWED_NETWORKS",
        hide_env = true,
        value_delimiter = ',',
        help = "Networks that webhooks may lead to though they are not public, separated by commas: 10.1.0.0/16,127.0.0.1/32\n[env: THROUGHLINE_WEBHOOK_ALLOWED_NETWORKS] [default: none]"
    )]
    pub webhook_allowed_networks: Vec<IpNet>,

    /// How long a receiver may take to answer
    #[arg(long, value_name = "MS", env = "THROUGHLINE_WEBHOOK_TIMEOUT_MS", default_value_t = 10_000,
        value_parser = RangedU64ValueParser::<u64>::new().range(100..=60_000))]
    pub webhook_timeout_ms: u64,

    /// How long an event is tried again that a receiver does not take; then it is given up, or the webhook has failed if its receiver takes nothing
    #[arg(long, value_name = "HOURS", env = "THROUGHLINE_WEBHOOK_GIVE_UP_AFTER_HOURS", default_value_t = 72,
        value_parser = RangedU64ValueParser::<u64>::new().range(1..=720))]
    pub webhook_give_up_after_hours: u64,

    /// How long it is told that an event was taken or given up
    #[arg(long, value_name = "DAYS", env = "THROUGHLINE_WEBHOOK_LOG_DAYS", default_value_t = 30,
        value_parser = RangedU64ValueParser::<u64>::new().range(1..=3650))]
    pub webhook_log_days: u64,
}

impl WebhookArguments {
    /// How events are sent, if this process sends any.
    #[must_use]
    pub fn settings(&self) -> Option<WebhookSettings> {
        self.webhooks.then(|| WebhookSettings {
            allowed_networks: self.webhook_allowed_networks.clone(),
            timeout: Duration::from_millis(self.webhook_timeout_ms),
            give_up_after: Duration::from_hours(self.webhook_give_up_after_hours),
            keep_log_for: Duration::from_hours(self.webhook_log_days * 24),
            ..WebhookSettings::default()
        })
    }
}
