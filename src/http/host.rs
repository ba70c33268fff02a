//! The names under which the server may be asked.
//!
//! A page of another site can have its own name point to this machine, and is then no other site to the browser: what keeps it
//! out is that it still asks under its own name.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::error::HttpError;
use crate::code::Code;

/// The names of the machine itself.
pub const LOOPBACK_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Refuses a request to another host than these; there are no others where none are named.
pub(super) async fn check(
    State(allowed): State<Arc<[String]>>,
    request: Request,
    next: Next,
) -> Result<Response, HttpError> {
    if allowed.is_empty() || host_of(&request).is_some_and(|host| is_among(&allowed, host)) {
        return Ok(next.run(request).await);
    }
    let message = "The server is not asked under this name here (--allowed-hosts).";
    Err(HttpError::new(StatusCode::MISDIRECTED_REQUEST, Code::HostNotAllowed, message))
}

/// The host that a request is for, with its port.
fn host_of(request: &Request) -> Option<&str> {
    let of_address = request.uri().authority().map(axum::http::uri::Authority::as_str);
    of_address.or_else(|| request.headers().get(header::HOST)?.to_str().ok())
}

fn is_among(allowed: &[String], host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

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
