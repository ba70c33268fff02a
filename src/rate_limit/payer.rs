//! Who pays for an operation.

use std::net::{IpAddr, Ipv6Addr};

/// Who pays: whoever is known, and an address for all who are not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Payer {
    /// Somebody who is known by this name.
    Identity(String),
    /// A network. [`Payer::at`] makes one.
    Address(IpAddr),
}

/// The first bits of an IPv6 address, which name a network: who has one has all the addresses in it (RFC 6177).
const NETWORK_BITS: u32 = 64;

impl Payer {
    /// Whoever is at this address: one of IPv4, or the network that one of IPv6 belongs to. Those whose address is not known pay together.
    #[must_use]
    pub fn at(address: Option<IpAddr>) -> Self {
        Self::Address(match address.map(|address| address.to_canonical()) {
            Some(IpAddr::V6(address)) => {
                let network = u128::from(address) & (u128::MAX << (128 - NETWORK_BITS));
                IpAddr::V6(Ipv6Addr::from(network))
            }
            Some(address) => address,
            None => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_pays_as_one() {
        let at = |address: &str| Payer::at(Some(address.parse().unwrap()));
        assert_eq!(at("2001:db8:1:2::1"), at("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(at("2001:db8:1:2::1"), at("2001:db8:1:3::1"));
        assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
        assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
        assert_ne!(Payer::at(None), at("192.0.2.1"));
    }
}
