//! Settings of the tokens that somebody else issues.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::builder::RangedU64ValueParser;

use crate::access::jwt::{KeySource, REFETCH_PAUSE, Settings};

/// Whose tokens are taken, and what they are checked with.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "JSON Web Tokens")]
pub struct JwtSettings {
    /// Where the public keys are.
    #[arg(
        long,
        value_name = "FILE|URL",
        env = "THROUGHLINE_JWT_JWKS",
        hide_env = true,
        help = "The set of public keys (JWKS) that tokens are checked with: a file, or an https:// address\n[env: THROUGHLINE_JWT_JWKS] [default: none]"
    )]
    pub jwt_jwks: Option<String>,

    /// Where the secret is.
    #[arg(
        long,
        value_name = "FILE",
        env = "THROUGHLINE_JWT_HS256_SECRET_FILE",
        hide_env = true,
        help = "A file with the secret of HS256, at least 32 bytes; or the secret itself in THROUGHLINE_JWT_HS256_SECRET\n[env: THROUGHLINE_JWT_HS256_SECRET_FILE] [default: none]"
    )]
    pub jwt_hs256_secret_file: Option<PathBuf>,

    /// Who must have made a token.
    #[arg(
        long,
        value_name = "ISSUER",
        env = "THROUGHLINE_JWT_ISSUER",
        hide_env = true,
        help = "Who makes the tokens: their claim `iss`\n[env: THROUGHLINE_JWT_ISSUER] [default: none]"
    )]
    pub jwt_issuer: Option<String>,

    /// For whom a token must be.
    #[arg(
        long,
        value_name = "AUDIENCE",
        env = "THROUGHLINE_JWT_AUDIENCE",
        hide_env = true,
        value_delimiter = ',',
        help = "For whom tokens must be, separated by commas: one of these is in their claim `aud`\n[env: THROUGHLINE_JWT_AUDIENCE] [default: none]"
    )]
    pub jwt_audience: Vec<String>,

    /// How far the issuer's clock may be from this one
    #[arg(long, value_name = "SECONDS", env = "THROUGHLINE_JWT_LEEWAY_S", default_value_t = 10,
        value_parser = RangedU64ValueParser::<u64>::new().range(0..=30))]
    pub jwt_leeway_s: u64,

    /// The claim that tells what the bearer of a token may do
    #[arg(long, value_name = "NAME", env = "THROUGHLINE_JWT_CLAIM", default_value = "throughline")]
    pub jwt_claim: String,
}

/// The variable that holds the secret itself. There is no flag for it, since all on the machine can read those.
const SECRET_VARIABLE: &str = "THROUGHLINE_JWT_HS256_SECRET";

impl JwtSettings {
    /// What tokens are checked with; nothing where none are taken.
    ///
    /// # Errors
    /// Where keys are named in two ways, or the secret cannot be read.
    pub fn settings(&self) -> anyhow::Result<Option<Settings>> {
        let set = self.jwt_jwks.clone().filter(|place| !place.is_empty()).map(KeySource::Set);
        let mut found: Vec<_> = set.into_iter().chain(self.secret()?.map(KeySource::Secret)).collect();
        let Some(keys) = found.pop() else {
            if self.jwt_issuer.is_some() || !self.jwt_audience.is_empty() {
                bail!(
                    "tokens have an issuer or an audience, but nothing to be checked with: --jwt-jwks or --jwt-hs256-secret-file"
                );
            }
            return Ok(None);
        };
        if !found.is_empty() {
            bail!(
                "tokens are checked with a set of public keys or with a secret, not with both: leave --jwt-jwks or the secret of HS256 away"
            );
        }
        Ok(Some(Settings {
            keys,
            issuer: self.jwt_issuer.clone().unwrap_or_default(),
            audiences: self.jwt_audience.clone(),
            leeway: Duration::from_secs(self.jwt_leeway_s),
            claim: self.jwt_claim.clone(),
            refetch_pause: REFETCH_PAUSE,
        }))
    }

    fn secret(&self) -> anyhow::Result<Option<Vec<u8>>> {
        let of_variable = std::env::var_os(SECRET_VARIABLE).filter(|secret| !secret.is_empty());
        let Some(file) = self.jwt_hs256_secret_file.as_ref().filter(|file| !file.as_os_str().is_empty()) else {
            return Ok(of_variable.map(std::ffi::OsString::into_encoded_bytes));
        };
        if of_variable.is_some() {
            bail!("the secret of HS256 is in {SECRET_VARIABLE} and in a file: one of them must go");
        }
        let mut secret = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        // Editors end a file with a line's end, which nobody meant to be part of it.
        for end in [b'\n', b'\r'] {
            if secret.last() == Some(&end) {
                secret.pop();
            }
        }
        Ok(Some(secret))
    }
}
