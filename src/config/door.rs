//! Settings of the door: TLS, how much callers may ask for, and whose pages may.

use std::num::NonZeroU32;
use std::path::PathBuf;

use anyhow::bail;
use clap::builder::RangedU64ValueParser;

use crate::http::{Origins, Tls};
use crate::rate_limit::RateSettings;

/// Where it is decided who comes in, and how often.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Door")]
pub struct DoorSettings {
    /// The certificate's file.
    #[arg(
        long,
        value_name = "FILE",
        env = "THROUGHLINE_TLS_CERTIFICATE",
        hide_env = true,
        help = "The certificate in PEM, followed by those that vouch for it: the server speaks TLS then; a new one in its place is taken within a minute, or on SIGHUP\n[env: THROUGHLINE_TLS_CERTIFICATE] [default: none]"
    )]
    pub tls_certificate: Option<PathBuf>,

    /// The file of its key.
    #[arg(
        long,
        value_name = "FILE",
        env = "THROUGHLINE_TLS_KEY",
        hide_env = true,
        help = "The certificate's private key in PEM\n[env: THROUGHLINE_TLS_KEY] [default: none]"
    )]
    pub tls_key: Option<PathBuf>,

    /// Points that each identity may spend in a minute: an operation costs as many as it asks for objects; 0 is without limit
    #[arg(long, value_name = "POINTS_PER_MINUTE", env = "THROUGHLINE_RATE_LIMIT", default_value_t = 0,
        value_parser = RangedU64ValueParser::<u32>::new().range(0..=MOST_POINTS))]
    pub rate_limit: u32,

    /// Requests that may be refused in a minute to all at one address who do not say who they are, or wrongly; 0 is without limit
    #[arg(long, value_name = "POINTS_PER_MINUTE", env = "THROUGHLINE_RATE_LIMIT_ANONYMOUS", default_value_t = 0,
        value_parser = RangedU64ValueParser::<u32>::new().range(0..=MOST_POINTS))]
    pub rate_limit_anonymous: u32,

    /// Proxies before the server, each of which says in X-Forwarded-For by whom it was asked; 0 believes none
    #[arg(long, value_name = "COUNT", env = "THROUGHLINE_TRUSTED_PROXIES", default_value_t = 0,
        value_parser = RangedU64ValueParser::<usize>::new().range(0..=16))]
    pub trusted_proxies: usize,

    /// Whose pages may ask.
    #[arg(
        long,
        value_name = "ORIGIN",
        env = "THROUGHLINE_CORS_ORIGINS",
        hide_env = true,
        value_delimiter = ',',
        help = "Origins of other sites whose pages may ask, separated by commas: https://app.example\n[env: THROUGHLINE_CORS_ORIGINS] [default: none]"
    )]
    pub cors_origins: Vec<String>,
}

/// More is no limit, and GraphQL's `Int` can tell it.
const MOST_POINTS: u64 = 1_000_000_000;

impl DoorSettings {
    /// How much callers may ask for.
    #[must_use]
    pub fn rate(&self) -> RateSettings {
        RateSettings { identity: NonZeroU32::new(self.rate_limit), address: NonZeroU32::new(self.rate_limit_anonymous) }
    }

    /// Whose pages may ask.
    ///
    /// # Errors
    /// Where something is named that is no origin.
    pub fn origins(&self) -> anyhow::Result<Origins> {
        let named: Vec<_> = self.cors_origins.iter().filter(|origin| !origin.is_empty()).collect();
        Ok(Origins::read(&named)?)
    }

    /// The certificate, where there is one.
    ///
    /// # Errors
    /// Where it cannot be used, or one of its files is not named.
    pub async fn tls(&self) -> anyhow::Result<Option<Tls>> {
        let named = |file: &Option<PathBuf>| file.clone().filter(|file| !file.as_os_str().is_empty());
        match (named(&self.tls_certificate), named(&self.tls_key)) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some(Tls::open(&certificate, &key).await?)),
            (Some(_), None) => bail!("there is a certificate and no key: name it with --tls-key"),
            (None, Some(_)) => bail!("there is a key and no certificate: name it with --tls-certificate"),
        }
    }
}
