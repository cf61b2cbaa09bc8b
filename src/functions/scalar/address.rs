//! IP addresses with a prefix, as text tells them.

use std::net::Ipv6Addr;

/// An address with a prefix.
pub(super) trait Address: Copy + Send + Sync + 'static {
    /// The address as a number.
    type Bits: Ord + Copy + Send + Sync;
    const WIDTH: u8;
    fn parse(text: &str) -> Option<Self>;
    /// Reads an address that is compared with another.
    fn operand(text: &str) -> Option<Self> {
        Self::parse(text)
    }
    fn prefix(self) -> u8;
    /// Returns the address without the bits behind a prefix.
    fn cut(self, prefix: u8) -> Self::Bits;
    /// Returns the address, cut to its own prefix and to another.
    fn network(self, prefix: u8) -> Self::Bits {
        self.cut(self.prefix().min(prefix))
    }
    /// Returns the first and the last address of the network.
    fn range(self) -> (Self::Bits, Self::Bits);
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct V4 {
    pub(super) bits: u32,
    pub(super) prefix: u8,
}

impl Address for V4 {
    type Bits = u32;
    const WIDTH: u8 = 32;

    /// Reads four numbers, which may have leading zeros, and perhaps a prefix; blanks before it do not matter
    /// (measured).
    fn parse(text: &str) -> Option<V4> {
        let text = text.trim_start();
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, digits(prefix, 2).filter(|prefix| *prefix <= 32)? as u8),
            None => (text, 32),
        };
        let mut parts = address.split('.');
        let mut bits = 0;
        for _ in 0..4 {
            bits = bits << 8 | digits(parts.next()?, 3).filter(|part| *part <= 255)?;
        }
        parts.next().is_none().then_some(V4 { bits, prefix })
    }

    fn prefix(self) -> u8 {
        self.prefix
    }

    fn cut(self, prefix: u8) -> u32 {
        self.bits & u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
    }

    fn range(self) -> (u32, u32) {
        let start = self.network(32);
        (start, start | u32::MAX.checked_shr(u32::from(self.prefix)).unwrap_or(0))
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct V6 {
    pub(super) bits: u128,
    pub(super) prefix: u8,
}

impl Address for V6 {
    type Bits = u128;
    const WIDTH: u8 = 128;

    /// Reads an IPv6 address, or an IPv4 address as the mapped one; `%zone` is dropped. Where the end is written with
    /// dots the prefix counts the bits of IPv4 (measured).
    fn parse(text: &str) -> Option<V6> {
        let text = text.trim_start();
        if let Some(V4 { bits, prefix }) = V4::parse(text) {
            return Some(V6 { bits: 0xffff_0000_0000 | u128::from(bits), prefix: prefix + 96 });
        }
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(digits(prefix, 3)?)),
            None => (text, None),
        };
        let address = address.split_once('%').map_or(address, |(address, _)| address);
        let bits = u128::from(address.parse::<Ipv6Addr>().ok()?);
        let (width, shared) = if address.contains('.') { (32, 96) } else { (128, 0) };
        let prefix = prefix.unwrap_or(width);
        (prefix <= width).then_some(V6 { bits, prefix: (prefix + shared) as u8 })
    }

    /// In a comparison `::1.2.3.4` is the IPv4 address that it holds (measured).
    fn operand(text: &str) -> Option<V6> {
        let ip = V6::parse(text)?;
        let compatible = ip.bits >> 32 == 0 && text.contains('.');
        Some(if compatible { V6 { bits: ip.bits | 0xffff_0000_0000, ..ip } } else { ip })
    }

    fn prefix(self) -> u8 {
        self.prefix
    }

    fn cut(self, prefix: u8) -> u128 {
        self.bits & u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0)
    }

    fn range(self) -> (u128, u128) {
        let start = self.network(128);
        (start, start | u128::MAX.checked_shr(u32::from(self.prefix)).unwrap_or(0))
    }
}

/// Reads an address with its prefix, as the plugins do that look networks up: the bits of the network, and how many of
/// them count.
pub(in crate::functions) fn of(text: &str, six: bool) -> Option<(u128, u8)> {
    if six {
        let ip = V6::operand(text)?;
        return Some((ip.network(128), ip.prefix));
    }
    let ip = V4::parse(text)?;
    Some((u128::from(ip.network(32)), ip.prefix))
}

/// Returns the bits of a network without those behind a prefix.
pub(in crate::functions) fn cut(bits: u128, prefix: u8, six: bool) -> u128 {
    if six { V6 { bits, prefix }.cut(prefix) } else { u128::from(V4 { bits: bits as u32, prefix }.cut(prefix)) }
}

/// Reads a number of at most so many digits.
pub(super) fn digits(text: &str, most: usize) -> Option<u32> {
    let fits = (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}
