//! From where a request comes.
//!
//! **Invariant:** a header tells an address only as far back as there are proxies that are trusted: what stands further left in it, the
//! client may have written itself.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, HeaderName};

/// The address of whoever asks, where it is known: within another application it may not be.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClientAddress(pub(super) Option<IpAddr>);

/// Headers that a proxy adds, besides those that begin with [`FORWARDED`].
const OF_PROXIES: [&str; 3] = ["forwarded", "x-real-ip", "via"];
/// How the names of most begin.
const FORWARDED: &str = "x-forwarded-";
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Tells handlers the client's address. `proxies` are as many as stand between it and us.
pub(super) fn find(proxies: usize, request: &mut Request) {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let client = ClientAddress(forwarded_for(request.headers(), proxies).or(peer));
    request.extensions_mut().insert(client);
}

/// Whether a proxy says that it has passed a request on. One that says nothing is not known by that.
pub(super) fn is_passed_on(headers: &HeaderMap) -> bool {
    let mut names = headers.keys().map(HeaderName::as_str);
    names.any(|name| name.starts_with(FORWARDED) || OF_PROXIES.contains(&name))
}

/// The address from which the first of so many proxies was asked: each has added the one that it was asked from at the right. Where there
/// are fewer, some proxy was gone round, and the one at the left was told by one nevertheless.
fn forwarded_for(headers: &HeaderMap, proxies: usize) -> Option<IpAddr> {
    let nearest = proxies.checked_sub(1)?;
    let values = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
    let told: Vec<_> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
    let place = told.len().saturating_sub(1).saturating_sub(nearest);
    address(told.get(place)?)
}

/// An address, with a port or without.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_proxies_that_are_trusted_are_believed() {
        let told = |values: &[&str], proxies| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(FORWARDED_FOR, value.parse().unwrap());
            }
            forwarded_for(&headers, proxies).map(|address| address.to_string())
        };
        let two = ["192.0.2.66, 192.0.2.1", "192.0.2.2"];
        assert_eq!(told(&two, 0), None);
        assert_eq!(told(&two, 1).as_deref(), Some("192.0.2.2"));
        assert_eq!(told(&two, 2).as_deref(), Some("192.0.2.1"));
        assert_eq!(told(&two, 9).as_deref(), Some("192.0.2.66"));
        assert_eq!(told(&[], 1), None);
        for (text, expected) in [
            ("192.0.2.1:4711", Some("192.0.2.1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("[2001:db8::1]:4711", Some("2001:db8::1")),
            ("unknown", None),
            ("", None),
        ] {
            assert_eq!(told(&[text], 1).as_deref(), expected, "{text}");
        }
    }
}
