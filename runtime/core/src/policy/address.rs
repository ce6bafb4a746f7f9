//! What kind of network an address belongs to. Public addresses pass by their name's grant; every other kind must be named in the manifest.
//!
//! IPv6 forms that carry an IPv4 address are judged by the address that they carry, since that is where the packets go.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Kinds of networks, as far as the egress rule tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressClass {
    /// Reachable by everybody.
    Public,
    /// This machine.
    Loopback,
    /// Private, shared, link-local, unique-local: somebody's inside, metadata services included.
    Internal,
    /// Multicast, broadcast, documentation, reserved, unspecified: nothing that a connector talks to.
    Unusable,
}

/// The class of an address.
#[must_use]
pub fn class(address: IpAddr) -> AddressClass {
    match address {
        IpAddr::V4(v4) => class_v4(v4),
        IpAddr::V6(v6) => match carried_v4(v6) {
            Some(v4) => class_v4(v4),
            None => class_v6(v6),
        },
    }
}

fn class_v4(address: Ipv4Addr) -> AddressClass {
    let [a, b, c, _] = address.octets();
    if address.is_loopback() {
        return AddressClass::Loopback;
    }
    if address.is_private() || address.is_link_local() || (a == 100 && (64..128).contains(&b)) {
        return AddressClass::Internal;
    }
    let reserved = a == 0 || a >= 224 || address.is_documentation() || (a == 198 && (b == 18 || b == 19)) || (a, b, c) == (192, 0, 0);
    if reserved { AddressClass::Unusable } else { AddressClass::Public }
}

fn class_v6(address: Ipv6Addr) -> AddressClass {
    let [first, second, ..] = address.segments();
    if address.is_loopback() {
        return AddressClass::Loopback;
    }
    let unique_local = first & 0xfe00 == 0xfc00;
    let link_local = first & 0xffc0 == 0xfe80;
    let site_local = first & 0xffc0 == 0xfec0;
    if unique_local || link_local || site_local {
        return AddressClass::Internal;
    }
    let global = first & 0xe000 == 0x2000;
    let documentation = (first == 0x2001 && second == 0x0db8) || (first == 0x3fff && second < 0x1000);
    let special = first == 0x2001 && second < 0x0200;
    if global && !documentation && !special { AddressClass::Public } else { AddressClass::Unusable }
}

/// The IPv4 address inside mapped, compatible, NAT64, 6to4 and Teredo forms.
fn carried_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let [a, b, c, d, e, f, g, h] = segments;
    let tail = Ipv4Addr::from((u32::from(g) << 16) | u32::from(h));
    match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0xffff) | (0, 0, 0, 0, 0xffff, 0) => Some(tail),
        (0, 0, 0, 0, 0, 0) if g != 0 => Some(tail),
        (0x0064, 0xff9b, 0, 0, 0, 0) | (0x0064, 0xff9b, 1, _, _, _) => Some(tail),
        (0x2002, ..) => Some(Ipv4Addr::from((u32::from(b) << 16) | u32::from(c))),
        (0x2001, 0, ..) => Some(Ipv4Addr::from(!((u32::from(g) << 16) | u32::from(h)))),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use super::{AddressClass, class};

    fn check(expected: AddressClass, addresses: &[&str]) {
        for text in addresses {
            let address = text.parse().unwrap_or_else(|_| panic!("{text}"));
            assert_eq!(class(address), expected, "{text}");
        }
    }

    #[test]
    fn addresses_are_judged_by_where_packets_go() {
        check(AddressClass::Public, &["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]);
        check(
            AddressClass::Loopback,
            &["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:0001::", "::127.0.0.1"],
        );
        check(
            AddressClass::Internal,
            &["10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "fd00::1", "fe80::1", "::ffff:10.0.0.1"],
        );
        check(AddressClass::Internal, &["2002:0a00:0001::", "2001:0:53aa:64c:0:0:f5ff:fffe", "fec0::1"]);
        check(
            AddressClass::Unusable,
            &["0.0.0.0", "224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::", "ff02::1", "2001:db8::1", "100::1"],
        );
    }
}
