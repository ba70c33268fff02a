//! Sends one event to one address.
//!
//! **Invariants:** no address is asked that the policy does not permit, whatever name leads to it, and whenever; what is read of an answer is
//! bounded, in bytes as in time; a redirection is an answer that takes nothing. No text that is told of a failure quotes the address.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore, crypto::ring};
use tower::Service;
use url::{Host, Url};

use super::address::AddressPolicy;
use super::settings::WebhookSettings;
use super::signature::sign;
use crate::clock;

/// Sends events.
pub(super) struct Sender {
    client: Client<HttpsConnector<HttpConnector<PermittedResolver>>, Full<Bytes>>,
    policy: AddressPolicy,
    timeout: Duration,
}

/// What is sent.
pub(super) struct Message {
    /// The event's id, the same whenever it is sent.
    pub(super) id: String,
    pub(super) body: String,
}

/// What a receiver has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answered {
    /// The HTTP status.
    pub(super) status: u16,
    /// How long it wants to be left alone.
    pub(super) retry_after: Option<Duration>,
}

/// Why there was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SendError {
    #[error("the address is not a public one, and the server may not ask it")]
    NotPermitted,
    #[error("the host's name leads nowhere")]
    Unresolved,
    #[error("nobody could be connected to, or trusted, at the address")]
    Unconnected,
    #[error("the receiver did not answer in time")]
    Timeout,
    #[error("the receiver broke off before it answered")]
    BrokenOff,
    #[error("the request could not be made")]
    Malformed,
}

/// Why nothing can be sent at all.
#[derive(Debug, thiserror::Error)]
#[error("the versions of TLS that webhooks are to be reached by are not to be had")]
pub struct SenderError(#[from] rustls::Error);

/// The most that is read of an answer; what is in it is told to nobody.
const MOST_BYTES: usize = 64 * 1024;
/// How long the rest of an answer is waited for: less than what a lease lasts longer than an attempt.
const REST_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a connection waits for the next event.
const IDLE: Duration = Duration::from_secs(30);
/// The longest that a receiver may want to be left alone.
const LONGEST_REST: Duration = Duration::from_hours(4);

impl Sender {
    /// # Errors
    /// When there is no TLS to be had.
    pub(super) fn new(settings: &WebhookSettings) -> Result<Self, SenderError> {
        let policy = AddressPolicy::allowing(&settings.allowed_networks);
        let mut http = HttpConnector::new_with_resolver(PermittedResolver::of(policy.clone()));
        http.enforce_http(false);
        http.set_connect_timeout(Some(settings.timeout));
        http.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls()?).https_or_http().enable_http1();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(settings.at_once)
            .build(connector.wrap_connector(http));
        Ok(Self { client, policy, timeout: settings.timeout })
    }

    /// Sends a message, signed with `key`.
    ///
    /// # Errors
    /// Why there was no answer.
    pub(super) async fn send(&self, url: &Url, key: &[u8], message: &Message) -> Result<Answered, SendError> {
        // An address that is no name is not looked up, where it would be asked for permission.
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) | None => None,
        };
        if literal.is_some_and(|address| !self.policy.permits(address)) {
            return Err(SendError::NotPermitted);
        }
        let request = request(url, key, message).ok_or(SendError::Malformed)?;
        let response = tokio::time::timeout(self.timeout, self.client.request(request)).await;
        let response = response.map_err(|_| SendError::Timeout)?.map_err(|error| sort(&error))?;
        let answered = Answered { status: response.status().as_u16(), retry_after: retry_after(response.headers()) };
        // The status has told all. The rest is read so that the connection can be used again, if it comes soon.
        let rest = Limited::new(response.into_body(), MOST_BYTES).collect();
        let _ = tokio::time::timeout(REST_TIMEOUT, rest).await;
        Ok(answered)
    }
}

/// Without the authorities that this machine trusts nobody is trusted; receivers without TLS are reached all the same.
fn tls() -> Result<ClientConfig, rustls::Error> {
    let builder = || {
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions()
    };
    match builder()?.with_native_roots() {
        Ok(trusting) => Ok(trusting.with_no_client_auth()),
        Err(error) => {
            tracing::warn!(%error, "the machine trusts no authorities: webhooks with https addresses cannot be reached");
            Ok(builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
        }
    }
}

fn request(url: &Url, key: &[u8], message: &Message) -> Option<Request<Full<Bytes>>> {
    let timestamp = clock::now().timestamp();
    let signature = sign(key, &message.id, timestamp, message.body.as_bytes())?;
    Request::builder()
        .method(Method::POST)
        .uri(url.as_str())
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, concat!("throughline/", env!("CARGO_PKG_VERSION")))
        .header("webhook-id", &message.id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", signature)
        .body(Full::from(message.body.clone()))
        .ok()
}

/// `Retry-After`, in seconds or as a date (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap<HeaderValue>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let rest = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => (chrono::DateTime::parse_from_rfc2822(text).ok()?.to_utc() - clock::now()).to_std().ok()?,
    };
    Some(rest.min(LONGEST_REST))
}

/// What went wrong, by what lies behind it.
fn sort(error: &hyper_util::client::legacy::Error) -> SendError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(known) = cause {
        if let Some(unresolved) = known.downcast_ref::<ResolveError>() {
            return match unresolved {
                ResolveError::NotPermitted => SendError::NotPermitted,
                ResolveError::Unresolved(_) => SendError::Unresolved,
            };
        }
        cause = known.source();
    }
    if error.is_connect() { SendError::Unconnected } else { SendError::BrokenOff }
}

/// Looks names up, and leaves out what may not be asked: what is checked is what is connected to.
#[derive(Clone)]
struct PermittedResolver {
    policy: AddressPolicy,
    resolver: GaiResolver,
}

#[derive(Debug, thiserror::Error)]
enum ResolveError {
    #[error("no address that may be asked")]
    NotPermitted,
    #[error(transparent)]
    Unresolved(#[from] std::io::Error),
}

impl PermittedResolver {
    fn of(policy: AddressPolicy) -> Self {
        Self { policy, resolver: GaiResolver::new() }
    }
}

impl Service<Name> for PermittedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = ResolveError;
    type Future = BoxFuture<'static, Result<Self::Response, ResolveError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ResolveError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let Self { policy, mut resolver } = self.clone();
        Box::pin(async move {
            let found = resolver.call(name).await?.filter(|address| policy.permits(address.ip()));
            let found: Vec<SocketAddr> = found.collect();
            if found.is_empty() { Err(ResolveError::NotPermitted) } else { Ok(found.into_iter()) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_may_want_to_be_left_alone() {
        let headers = |text: &str| [(RETRY_AFTER, text.parse().unwrap())].into_iter().collect::<HeaderMap>();
        for (text, seconds) in
            [("0", Some(0)), ("120", Some(120)), ("999999999", Some(14_400)), ("soon", None), ("-1", None)]
        {
            assert_eq!(retry_after(&headers(text)).map(|rest| rest.as_secs()), seconds, "{text}");
        }
        let later = (clock::now() + chrono::TimeDelta::seconds(100)).to_rfc2822();
        let rest = retry_after(&headers(&later)).unwrap().as_secs();
        assert!((90..=100).contains(&rest), "{rest}");
        assert_eq!(retry_after(&headers("Wed, 21 Oct 2015 07:28:00 GMT")), None, "it is over");
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[tokio::test]
    async fn what_is_not_public_is_not_asked() {
        let sender = Sender::new(&WebhookSettings::default()).unwrap();
        let message = Message { id: "event_1".to_owned(), body: "{}".to_owned() };
        for inner in [
            "http://127.0.0.1:9/",
            "http://localhost:9/",
            "http://[::1]:9/",
            "https://10.0.0.1/",
            "http://0x7f.1/",
            "http://2130706433/",
        ] {
            let answered = sender.send(&Url::parse(inner).unwrap(), b"key", &message).await;
            assert_eq!(answered, Err(SendError::NotPermitted), "{inner}");
        }
    }
}
