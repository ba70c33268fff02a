//! The names under which the server may be asked.
//!
//! A page of another site can have its own name point to this machine, and is then no other site to the browser: what keeps it
//! out is that it still asks under its own name.

use axum::extract::Request;
use axum::http::{StatusCode, header};

use super::error::HttpError;
use crate::code::Code;

/// The names of the machine itself.
pub const LOOPBACK_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Refuses a request to another host than these; there are no others where none are named.
pub(super) fn check(allowed: &[String], request: &Request) -> Result<(), HttpError> {
    if allowed.is_empty() || host_of(request).is_some_and(|host| is_among(allowed, host)) {
        return Ok(());
    }
    let message = "The server is not asked under this name here (--allowed-hosts).";
    Err(HttpError::new(StatusCode::MISDIRECTED_REQUEST, Code::HostNotAllowed, message))
}

/// The host that a request is for, with its port.
fn host_of(request: &Request) -> Option<&str> {
    let of_address = request.uri().authority().map(axum::http::uri::Authority::as_str);
    of_address.or_else(|| request.headers().get(header::HOST)?.to_str().ok())
}

/// Whether a request is for a name that others know, too. A browser that is told to use TLS alone for `localhost` does so for all that runs
/// on the machine; and for an address it pins nothing.
pub(super) fn is_name(request: &Request) -> bool {
    let host = host_of(request).unwrap_or_default();
    let name = name_of(host).to_ascii_lowercase();
    !name.is_empty()
        && name != "localhost"
        && !name.ends_with(".localhost")
        && !name.starts_with('[')
        && name.parse::<std::net::Ipv4Addr>().is_err()
}

fn is_among(allowed: &[String], host: &str) -> bool {
    let name = name_of(host);
    allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
}

/// A host without its port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_is_pinned() {
        for (host, expected) in [
            ("record.example", true),
            ("record.example:8443", true),
            ("localhost", false),
            ("LocalHost:8443", false),
            ("app.localhost", false),
            ("127.0.0.1:8443", false),
            ("[2001:db8::1]:8443", false),
            ("", false),
        ] {
            let request = Request::get("/").header(header::HOST, host).body(axum::body::Body::empty()).unwrap();
            assert_eq!(is_name(&request), expected, "{host}");
        }
    }

    #[test]
    fn a_name_counts_without_its_port() {
        let allowed: Vec<_> = LOOPBACK_HOSTS.iter().map(|&host| host.to_owned()).collect();
        for (host, expected) in [
            ("localhost", true),
            ("LocalHost:8000", true),
            ("127.0.0.1:8000", true),
            ("[::1]", true),
            ("[::1]:8000", true),
            ("evil.example", false),
            ("evil.example:8000", false),
            ("localhost.evil.example", false),
            ("127.0.0.1:8000.evil.example", false),
            ("user@localhost", false),
            ("", false),
        ] {
            assert_eq!(is_among(&allowed, host), expected, "{host}");
        }
    }
}
