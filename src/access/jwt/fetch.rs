//! Fetches a set of keys: from a file, or over HTTP.
//!
//! **Invariants:** what is fetched is bounded, in bytes as in time; it comes from the address that was named and from no other: a
//! redirection is not followed.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, CACHE_CONTROL, HeaderMap, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio_rustls::rustls::crypto::ring;

use super::error::{FetchError, SetupError};

/// How long a fetch may take.
pub(super) const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest set of keys.
const MOST_BYTES: usize = 256 * 1024;
/// How long keys are believed at least, whatever their address says: or each token would be a request to it.
const FRESH_AT_LEAST: Duration = Duration::from_mins(1);
/// How long they are believed at most: for so long a key is taken that its issuer has taken back.
const FRESH_AT_MOST: Duration = Duration::from_hours(1);
/// How long they are believed where the address says nothing of it.
const FRESH_USUALLY: Duration = Duration::from_mins(10);

/// Where a set of keys is.
pub(super) enum Source {
    /// A file, which is read again each minute.
    File(PathBuf),
    /// An address.
    Address { uri: Uri, client: Box<Client<HttpsConnector<HttpConnector>, Empty<Bytes>>> },
}

/// What was fetched.
pub(super) struct Fetched {
    pub(super) json: Vec<u8>,
    /// How long it need not be fetched again.
    pub(super) fresh_for: Duration,
}

impl Source {
    /// What is named by a person: a file, or an address.
    ///
    /// # Errors
    /// Where it is neither, or nobody can be trusted to be at an address.
    pub(super) fn at(place: &str) -> Result<Self, SetupError> {
        if !place.contains("://") {
            return Ok(Self::File(place.into()));
        }
        let uri: Uri = place.parse().map_err(|_| SetupError::Address)?;
        let (Some(scheme @ ("https" | "http")), Some(_)) = (uri.scheme_str(), uri.host()) else {
            return Err(SetupError::Address);
        };
        let builder = HttpsConnectorBuilder::new();
        let connector = if scheme == "https" {
            let builder = builder.with_provider_and_native_roots(ring::default_provider());
            builder.map_err(SetupError::Authorities)?.https_only().enable_http1().build()
        } else {
            tracing::warn!("the keys of JWT come over http: whoever is on the way can put in keys of their own");
            // No certificate is looked at.
            let config = tokio_rustls::rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
            let config = config.with_safe_default_protocol_versions().map_err(std::io::Error::other);
            let config = config.map_err(SetupError::Authorities)?;
            let none = tokio_rustls::rustls::RootCertStore::empty();
            let config = config.with_root_certificates(none).with_no_client_auth();
            builder.with_tls_config(config).https_or_http().enable_http1().build()
        };
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        Ok(Self::Address { uri, client: Box::new(client) })
    }

    /// Fetches the set.
    pub(super) async fn fetch(&self) -> Result<Fetched, FetchError> {
        let (uri, client) = match self {
            Self::File(file) => {
                let json = tokio::fs::read(file).await?;
                return Ok(Fetched { json, fresh_for: FRESH_AT_LEAST });
            }
            Self::Address { uri, client } => (uri, client),
        };
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = uri.clone();
        for (name, value) in [
            (ACCEPT, "application/jwk-set+json, application/json"),
            (USER_AGENT, concat!("throughline/", env!("CARGO_PKG_VERSION"))),
        ] {
            request.headers_mut().insert(name, hyper::header::HeaderValue::from_static(value));
        }
        let response = client.request(request).await?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let fresh_for = fresh_for(response.headers());
        let body = Limited::new(response.into_body(), MOST_BYTES).collect().await.map_err(|_| FetchError::Body)?;
        Ok(Fetched { json: body.to_bytes().into(), fresh_for })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "{}", file.display()),
            // Without what may stand before the host or after the path: it could be a secret.
            Self::Address { uri, .. } => write!(f, "{}{}", uri.host().unwrap_or_default(), uri.path()),
        }
    }
}

/// How long an answer may be kept, as its `Cache-Control` says (RFC 9111, section 5.2.2), within bounds of ours.
fn fresh_for(headers: &HeaderMap) -> Duration {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut fresh_for = FRESH_USUALLY;
    for directive in values.flat_map(|value| value.split(',')) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => return FRESH_AT_LEAST,
            "max-age" => {
                let seconds = value.trim().trim_matches('"').parse();
                fresh_for = seconds.map_or(FRESH_USUALLY, Duration::from_secs);
            }
            _ => {}
        }
    }
    fresh_for.clamp(FRESH_AT_LEAST, FRESH_AT_MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_keys_are_believed_has_bounds() {
        for (header, seconds) in [
            ("", 600),
            ("max-age=300", 300),
            ("public, Max-Age=300, must-revalidate", 300),
            ("max-age=\"300\"", 300),
            ("max-age=0", 60),
            ("max-age=86400", 3600),
            ("max-age=99999999999999999999", 600),
            ("max-age=300, no-cache", 60),
            ("no-store", 60),
            ("private", 600),
        ] {
            let headers = [(CACHE_CONTROL, header.parse().unwrap())].into_iter().collect();
            assert_eq!(fresh_for(&headers).as_secs(), seconds, "{header}");
        }
    }

    #[test]
    fn a_place_is_a_file_or_an_address() {
        assert!(matches!(Source::at("/etc/keys.json"), Ok(Source::File(_))));
        let address = Source::at("http://user:SECRET@127.0.0.1:1/keys?token=SECRET").unwrap();
        assert_eq!(address.to_string(), "127.0.0.1/keys");
        for wrong in ["ftp://example.org/keys", "https://", "http:///keys", "https://exa mple.org/"] {
            assert!(matches!(Source::at(wrong), Err(SetupError::Address)), "{wrong}");
        }
    }
}
