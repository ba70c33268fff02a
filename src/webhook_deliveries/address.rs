//! Which addresses may be asked: public ones, and those of networks that were allowed. Else whoever makes a webhook could ask what stands
//! behind the server's own walls: a database, a cloud's metadata (<https://owasp.org/www-community/attacks/Server_Side_Request_Forgery>).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::IpNet;

/// Which addresses may be asked.
#[derive(Clone, Debug)]
pub(super) struct AddressPolicy {
    allowed: Arc<[IpNet]>,
}

impl AddressPolicy {
    /// Public addresses, and those of these networks.
    pub(super) fn allowing(networks: &[IpNet]) -> Self {
        Self { allowed: networks.into() }
    }

    /// Whether the address may be asked.
    pub(super) fn permits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address) || self.allowed.iter().any(|network| network.contains(&address))
    }
}

/// Whether an address belongs to somebody out there, as the registries of special addresses have it
/// (<https://www.iana.org/assignments/iana-ipv4-special-registry>, <https://www.iana.org/assignments/iana-ipv6-special-registry>).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || (a == 100 && (64..128).contains(&b)) // shared, of carriers
        || (a == 192 && b == 0 && c == 0) // protocol assignments
        || (a == 192 && b == 88 && c == 99) // relays of 6to4
        || (a == 198 && (18..20).contains(&b)) // benchmarks
        || a >= 224) // multicast, reserved, broadcast
}

/// Of the sixth version one eighth was given out, and in it some is special. What stands for an address of the fourth version is as public
/// as that one.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let v4 = |high: u16, low: u16| is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match segments {
        // NAT64, 6to4.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => v4(high, low),
        // Protocol assignments with Teredo; documentation.
        [0x2001, 0..0x200 | 0xdb8, ..] | [0x3fff, 0..0x1000, ..] => false,
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(policy: &AddressPolicy, address: &str) -> bool {
        policy.permits(address.parse().unwrap())
    }

    #[test]
    fn only_public_addresses_may_be_asked() {
        let policy = AddressPolicy::allowing(&[]);
        for public in [
            "1.1.1.1",
            "93.184.216.34",
            "100.128.0.1",
            "172.32.0.1",
            "2606:4700::1111",
            "2002:0101:0101::1",
            "64:ff9b::1.1.1.1",
        ] {
            assert!(permits(&policy, public), "{public}");
        }
        for inner in [
            "0.0.0.0",
            "10.0.0.1",
            "127.0.0.1",
            "127.8.8.8",
            "100.64.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:0001::1",
            "64:ff9b::127.0.0.1",
            "64:ff9b:1::1",
            "100::1",
            "fec0::1",
            "3fff::1",
            "5f00::1",
        ] {
            assert!(!permits(&policy, inner), "{inner}");
        }
    }

    #[test]
    fn networks_can_be_allowed() {
        let policy = AddressPolicy::allowing(&["127.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        for allowed in ["127.0.0.1", "::ffff:127.0.0.1", "fd12::1"] {
            assert!(permits(&policy, allowed), "{allowed}");
        }
        assert!(!permits(&policy, "10.0.0.1") && !permits(&policy, "::1"));
    }
}
