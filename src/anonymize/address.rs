//! Network addresses: the structure of subnets stays, and what is public becomes an address that nobody has.
//!
//! Within a range the bits that follow a common prefix are flipped by what the key says of that prefix, so that two
//! addresses share exactly as long a prefix as they did (the construction of Xu, Fan, Ammar and Moon, Crypto-PAn).
//! Private ranges stay themselves. Public IPv4 goes to 240.0.0.0/4, which is reserved (RFC 1112): its 28 bits hold 12
//! of the first 16, so that addresses of unrelated networks can meet there, if rarely: those that do are counted.
//! Public IPv6 goes to 3fff::/20, which is for documentation (RFC 9637).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::key::Key;

/// Ranges of IPv4 that stay themselves: the network, the length of its prefix, and whether its addresses stay too.
const RANGES_V4: &[(Ipv4Addr, u32, bool)] = &[
    // This network, loopback, the cloud's own services, multicast, broadcast: the same everywhere.
    (Ipv4Addr::new(0, 0, 0, 0), 8, true),
    (Ipv4Addr::new(127, 0, 0, 0), 8, true),
    (Ipv4Addr::new(169, 254, 169, 254), 32, true),
    (Ipv4Addr::new(168, 63, 129, 16), 32, true),
    (Ipv4Addr::new(224, 0, 0, 0), 24, true),
    (Ipv4Addr::new(255, 255, 255, 255), 32, true),
    // Private, shared, link-local, documentation, benchmarks, other multicast.
    (Ipv4Addr::new(10, 0, 0, 0), 8, false),
    (Ipv4Addr::new(172, 16, 0, 0), 12, false),
    (Ipv4Addr::new(192, 168, 0, 0), 16, false),
    (Ipv4Addr::new(100, 64, 0, 0), 10, false),
    (Ipv4Addr::new(169, 254, 0, 0), 16, false),
    (Ipv4Addr::new(192, 0, 2, 0), 24, false),
    (Ipv4Addr::new(198, 51, 100, 0), 24, false),
    (Ipv4Addr::new(203, 0, 113, 0), 24, false),
    (Ipv4Addr::new(198, 18, 0, 0), 15, false),
    (Ipv4Addr::new(224, 0, 0, 0), 4, false),
];

/// Replaces an IPv4 address.
pub(super) fn v4(key: &Key, address: Ipv4Addr) -> Ipv4Addr {
    let bits = u32::from(address);
    match range_v4(address) {
        Some((_, true)) => address,
        Some((length, false)) => Ipv4Addr::from(flip(key, "v4", bits.into(), length, 32) as u32),
        None => {
            let network = bits >> 16;
            let first = key.number("v4 network", &network.to_string()) as u32 & 0xfff;
            let rest = flip(key, "v4", bits.into(), 16, 32) as u32 & 0xffff;
            Ipv4Addr::from(0xf000_0000 | first << 16 | rest)
        }
    }
}

/// Replaces the address of a network with a prefix of this length: the bits behind it are zero again.
pub(super) fn v4_network(key: &Key, address: Ipv4Addr, length: u32) -> Ipv4Addr {
    let replaced = u32::from(v4(key, address));
    if u32::from(address) & !mask(length, 32) as u32 != 0 {
        return Ipv4Addr::from(replaced);
    }
    Ipv4Addr::from(replaced & mask(length, 32) as u32)
}

/// Tells whether an address may stand in what has been made anonymous: nobody has it, or everybody.
pub(super) fn is_nobodys(address: Ipv4Addr) -> bool {
    range_v4(address).is_some() || u32::from(address) >> 28 == 0xf
}

fn range_v4(address: Ipv4Addr) -> Option<(u32, bool)> {
    let within =
        |network: Ipv4Addr, length: u32| (u32::from(network) ^ u32::from(address)) & mask(length, 32) as u32 == 0;
    RANGES_V4.iter().find(|(network, length, _)| within(*network, *length)).map(|(_, length, stays)| (*length, *stays))
}

/// Replaces an IPv6 address.
pub(super) fn v6(key: &Key, address: Ipv6Addr) -> Ipv6Addr {
    const LINK_LOCAL: u32 = 64;
    if let Some(inner) = address.to_ipv4_mapped() {
        return v4(key, inner).to_ipv6_mapped();
    }
    let bits = u128::from(address);
    let [first, second, ..] = address.segments();
    let within = |length| Ipv6Addr::from(flip(key, "v6", bits, length, 128));
    match first {
        // Unspecified, loopback and multicast are the same everywhere.
        0 if bits <= 1 => address,
        0xff00..=0xffff => address,
        0xfe80..=0xfebf => within(LINK_LOCAL),
        0xfc00..=0xfdff => within(8),
        0x2001 if second == 0xdb8 => within(32),
        0x3fff if second < 0x1000 => within(20),
        // Behind the prefix of NAT64 lies an address of the old kind.
        0x64 if bits >> 32 == 0x0064_ff9b << 64 => {
            Ipv6Addr::from(bits >> 32 << 32 | u128::from(u32::from(v4(key, Ipv4Addr::from(bits as u32)))))
        }
        _ => {
            let site = key.number("v6 site", &(bits >> 80).to_string()) & 0xfff_ffff;
            let rest = flip(key, "v6", bits, 48, 128) & mask_low(80);
            Ipv6Addr::from(0x3fff << 112 | site << 80 | rest)
        }
    }
}

/// Replaces the six bytes of a hardware address: one that its owner has given out, so that no vendor has it.
pub(super) fn mac(key: &Key, address: [u8; 6]) -> [u8; 6] {
    if address == [0; 6] || address == [0xff; 6] {
        return address;
    }
    let text: String = address.iter().map(|byte| format!("{byte:02x}")).collect();
    let bytes = key.bytes("mac", &text);
    let mut replaced = [0; 6];
    replaced.copy_from_slice(&bytes[..6]);
    replaced[0] = replaced[0] & 0xfc | 2;
    replaced
}

/// Flips each bit behind the first `from` by what the key says of all bits before it.
fn flip(key: &Key, purpose: &str, bits: u128, from: u32, width: u32) -> u128 {
    let mut flipped = bits;
    for at in from..width {
        let before = bits & mask(at, width);
        let byte = key.bytes(purpose, &format!("{at} {before:x}"))[0];
        flipped ^= u128::from(byte & 1) << (width - 1 - at);
    }
    flipped
}

/// Returns the mask of the first bits of so many.
fn mask(first: u32, width: u32) -> u128 {
    mask_low(width) & !mask_low(width - first.min(width))
}

fn mask_low(bits: u32) -> u128 {
    if bits >= 128 { u128::MAX } else { (1 << bits) - 1 }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn key() -> Key {
        Key::new(&[7; 32]).unwrap()
    }

    fn four(text: &str) -> Ipv4Addr {
        v4(&key(), text.parse().unwrap())
    }

    fn six(text: &str) -> Ipv6Addr {
        v6(&key(), text.parse().unwrap())
    }

    fn common(a: Ipv4Addr, b: Ipv4Addr) -> u32 {
        (u32::from(a) ^ u32::from(b)).leading_zeros()
    }

    #[test]
    fn private_ranges_stay_and_public_addresses_go_where_nobody_is() {
        assert_eq!(four("10.1.2.3").octets()[0], 10);
        assert_eq!(four("192.168.7.9").octets()[..2], [192, 168]);
        assert!((16..32).contains(&four("172.31.0.1").octets()[1]));
        assert_eq!(four("203.0.113.9").octets()[..3], [203, 0, 113]);
        assert!(four("8.8.8.8").octets()[0] >= 240);
        for same in ["127.0.0.1", "169.254.169.254", "255.255.255.255", "0.0.0.0"] {
            assert_eq!(four(same).to_string(), same);
        }
        assert!(is_nobodys(four("8.8.8.8")) && !is_nobodys(Ipv4Addr::new(8, 8, 8, 8)));
    }

    #[test]
    fn common_prefixes_are_as_long_as_they_were() {
        for (a, b) in [("10.1.2.3", "10.1.2.4"), ("10.1.2.3", "10.1.9.3"), ("10.1.2.3", "10.200.2.3")] {
            assert_eq!(common(four(a), four(b)), common(a.parse().unwrap(), b.parse().unwrap()), "{a} {b}");
        }
        assert_eq!(common(four("20.1.2.3"), four("20.1.2.200")), 24);
    }

    #[test]
    fn no_two_addresses_of_a_network_become_the_same() {
        let all: HashSet<Ipv4Addr> = (0..=255).map(|last| v4(&key(), Ipv4Addr::new(20, 1, 2, last))).collect();
        assert_eq!(all.len(), 256);
    }

    #[test]
    fn networks_end_in_zeros() {
        let network = v4_network(&key(), Ipv4Addr::new(10, 1, 0, 0), 16);
        assert_eq!(network.octets()[2..], [0, 0]);
        assert_eq!(network.octets()[..2], four("10.1.2.3").octets()[..2]);
    }

    #[test]
    fn ipv6_keeps_its_kinds() {
        assert_eq!(six("::1").to_string(), "::1");
        assert!(six("fe80::1:2").to_string().starts_with("fe80::"));
        assert_eq!(six("fd12::5").segments()[0] >> 8, 0xfd);
        assert_eq!(six("2001:db8::9").segments()[..2], [0x2001, 0xdb8]);
        assert_eq!(six("2a01:111::9").segments()[0], 0x3fff);
        assert_eq!(six("2a01:111::9").segments()[..4], six("2a01:111::1234").segments()[..4]);
        assert_eq!(six("::ffff:8.8.8.8").to_ipv4_mapped(), Some(four("8.8.8.8")));
    }

    #[test]
    fn hardware_addresses_are_local_ones() {
        assert_eq!(mac(&key(), [0, 0x15, 0x5d, 1, 2, 3])[0] & 3, 2);
    }
}
