//! Where a browser says that a request comes from.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use std::time::Duration;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::explain;

/// The origins, besides our own, whose pages may ask.
#[derive(Clone, Debug, Default)]
pub struct Origins(Vec<HeaderValue>);

/// That a text is no origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no origin: name each as a browser does, https://app.example or http://localhost:5173, without a path and without *"
)]
pub struct NoOrigin(String);

/// How long a browser need not ask again, as long as any of them remembers it.
const PREFLIGHT_HOLDS: Duration = Duration::from_hours(2);

impl Origins {
    /// Reads origins as people write them.
    ///
    /// # Errors
    /// Where a text is none.
    pub fn read<T: AsRef<str>>(texts: &[T]) -> Result<Self, NoOrigin> {
        let origin = |text: &T| read(text.as_ref()).ok_or_else(|| NoOrigin(text.as_ref().to_owned()));
        texts.iter().map(origin).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a page of another origin has sent the request that may not. A browser names the page's origin with each WebSocket, and asks
    /// nobody before it opens one; what is no browser names none.
    pub(super) fn refuse(&self, headers: &HeaderMap) -> bool {
        is_foreign(headers) && !self.let_in(headers)
    }

    /// Whether a page has sent the request that may.
    pub(super) fn let_in(&self, headers: &HeaderMap) -> bool {
        headers.get(header::ORIGIN).is_some_and(|origin| self.0.contains(origin))
    }

    /// What tells browsers so; nothing where there are none, so that they hear what they always heard.
    pub(super) fn layer(&self) -> Option<CorsLayer> {
        // Who asks is told by a header that a page adds itself: no page needs the browser to send what it knows.
        let layer = CorsLayer::new()
            .allow_origin(AllowOrigin::list(self.0.iter().cloned()))
            .allow_methods([Method::GET, Method::POST])
            .allow_headers(SENT.map(HeaderName::from_static))
            .expose_headers(READ.map(HeaderName::from_static))
            .max_age(PREFLIGHT_HOLDS);
        (!self.0.is_empty()).then_some(layer)
    }
}

/// What a page may send.
const SENT: [&str; 14] = [
    "accept",
    "authorization",
    "content-type",
    "if-none-match",
    "last-event-id",
    explain::HEADER,
    "x-on-behalf-of",
    "x-request-id",
    "x-run-id",
    "traceparent",
    "tracestate",
    "apollo-require-preflight",
    "x-apollo-operation-name",
    "graphql-require-preflight",
];
/// What a page may read of an answer, besides what any may.
const READ: [&str; 6] = ["etag", "ratelimit", "ratelimit-policy", "retry-after", "www-authenticate", "x-request-id"];

/// An origin as browsers write it: in small letters, and without the port that belongs to the scheme.
fn read(text: &str) -> Option<HeaderValue> {
    let uri: Uri = text.trim().parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?.to_ascii_lowercase(), uri.authority()?.as_str().to_ascii_lowercase());
    let is_bare = uri.path_and_query().is_none_or(|path| path == "/") && !text.trim().ends_with('/');
    if !is_bare || authority.contains(['@', '*']) {
        return None;
    }
    let usual_port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => "",
    };
    let host = authority.strip_suffix(usual_port).unwrap_or(&authority);
    HeaderValue::from_str(&format!("{scheme}://{host}")).ok()
}

/// Whether a page of another origin has sent the request.
fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let Some(origin) = text(header::ORIGIN) else { return false };
    let origin = origin.split_once("://").map(|(_, host)| host);
    origin.is_none() || origin != text(header::HOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(origin: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "a.example:8000".parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_page_is_at_home_where_it_came_from() {
        let none = Origins::default();
        assert!(!none.refuse(&headers(None)));
        assert!(!none.refuse(&headers(Some("http://a.example:8000"))));
        for other in ["http://a.example", "http://a.example:8001", "http://b.example:8000", "null", "", "file://"] {
            assert!(none.refuse(&headers(Some(other))), "{other}");
        }
    }

    #[test]
    fn a_listed_origin_is_let_in_and_nothing_that_is_like_it() {
        let origins = Origins::read(&["https://App.example:443", "http://localhost:5173", "app://desk"]).unwrap();
        for listed in ["https://app.example", "http://localhost:5173", "app://desk"] {
            assert!(!origins.refuse(&headers(Some(listed))) && origins.let_in(&headers(Some(listed))), "{listed}");
        }
        for other in [
            "http://app.example",
            "https://app.example:8443",
            "https://app.example.evil.example",
            "https://evil.example/https://app.example",
            "https://xapp.example",
            "http://localhost",
            "null",
            "",
        ] {
            assert!(origins.refuse(&headers(Some(other))), "{other}");
        }
        // Where there is no origin, no page is let in; a client that is no browser need not be.
        assert!(!origins.refuse(&headers(None)) && !origins.let_in(&headers(None)));
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for wrong in [
            "*",
            "null",
            "app.example",
            "https://*.example",
            "https://app.example/",
            "https://app.example/a",
            "https://app.example?a",
            "https://user@app.example",
            "https://",
            "",
        ] {
            assert!(Origins::read(&[wrong]).is_err(), "{wrong}");
        }
    }
}
