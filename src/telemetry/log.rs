//! The process's log: lines on standard error, for a person on a terminal and for a machine elsewhere.
//!
//! **Invariant:** only a program's start calls it; an embedding application has its own.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::LogSettings;

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// One line of text for a person.
    Text,
    /// One object of JSON a line.
    Json,
}

/// Writes out what is still held back, when it is dropped.
#[derive(Default)]
pub struct LogGuard {
    #[cfg(feature = "otlp")]
    _spans: Option<super::otlp::Exporter>,
}

/// Starts the log of this process.
///
/// # Errors
/// When a setting is not understood, or the process has a log already.
pub fn start_log(settings: &LogSettings) -> anyhow::Result<LogGuard> {
    let filter = EnvFilter::builder().parse(&settings.log).context("--log is not a filter")?;
    #[cfg(feature = "otlp")]
    if let Some(endpoint) = settings.otlp_endpoint.as_deref().filter(|endpoint| !endpoint.is_empty()) {
        let (layer, exporter) = super::otlp::layer(endpoint).context("--otlp-endpoint")?;
        // The collector gets its spans whatever the log shows.
        tracing_subscriber::registry().with(lines(settings.log_format).with_filter(filter)).with(layer).try_init()?;
        return Ok(LogGuard { _spans: Some(exporter) });
    }
    // A filter for all layers costs less than one for each.
    tracing_subscriber::registry().with(filter).with(lines(settings.log_format)).try_init()?;
    Ok(LogGuard::default())
}

fn lines<S: Subscriber + for<'s> LookupSpan<'s>>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync> {
    let is_terminal = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    let is_json = format == LogFormat::Json || (format == LogFormat::Auto && !is_terminal);
    if is_json {
        let lines = lines.json().flatten_event(true).with_current_span(false).with_span_list(true);
        return lines.with_target(true).boxed();
    }
    lines.with_ansi(is_terminal).boxed()
}
