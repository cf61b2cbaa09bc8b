//! Functions over IP addresses, as text.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::net::Ipv6Addr;
use std::sync::Arc;

use super::rows::{
    self, BOOL, Column, DYNAMIC, LONG, STRING, any_text, as_text, constant_text, dynamic, function, overload, string,
};
use crate::functions::lift::{Bool, Json, Long, Reader, Text, lift1, lift2};
use crate::functions::{Call, Function, FunctionError, Kind, Naming, Parameter, PreparedKernel, one};
use crate::types::{ScalarType, Value, arrow as columns, json};

const IP: Parameter = string("ip");
const PREFIX: Parameter = one("prefix", Kind::Is(ScalarType::Long));

/// Functions over IP addresses.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "parse_ipv4",
        "Gives an IPv4 address as a number, cut to its prefix.",
        "parse-ipv4-function",
        Naming::None,
        [overload!((IP) -> LONG,
                |call| lift1::<Text, Long, _, _>(call, |ip| V4::parse(ip).map(|ip| i64::from(ip.network(32)))))],
        [
            ("parse_ipv4('127.0.0.1')", "2130706433"),
            ("parse_ipv4('192.168.1.1/24')", "3232235776"),
            ("isnull(parse_ipv4('1.2.3'))", "true"),
            ("isnull(parse_ipv4(''))", "true")
        ]
    ),
    function!(
        "parse_ipv4_mask",
        "Gives an IPv4 address as a number, cut to a prefix.",
        "parse-ipv4-mask-function",
        Naming::None,
        [overload!((IP, PREFIX) -> LONG, |call| lift2::<Text, Long, Long, _, _>(call, |ip, prefix| {
            Some(i64::from(V4::parse(ip)?.network(bits(prefix, 32)?)))
        }))],
        [
            ("parse_ipv4_mask('192.168.1.42', 24)", "3232235776"),
            ("parse_ipv4_mask('10.1.2.3', 8)", "167772160"),
            ("isnull(parse_ipv4_mask('', 24))", "true")
        ]
    ),
    function!(
        "ipv4_compare",
        "Compares two IPv4 addresses by the shortest of their prefixes: -1, 0 or 1.",
        "ipv4-compare-function",
        Naming::None,
        [overload!((string("ip1"), string("ip2"), PREFIX.optional()) -> LONG, longs::<V4>)],
        [
            ("ipv4_compare('192.168.1.1/24', '192.168.1.255')", "0"),
            ("ipv4_compare('10.0.0.1', '10.0.0.2', 24)", "0"),
            ("ipv4_compare('10.0.0.1', '10.0.0.2')", "-1"),
            ("isnull(ipv4_compare('', '10.0.0.1'))", "true")
        ]
    ),
    function!(
        "ipv4_is_match",
        "Tells whether two IPv4 addresses are the same by the shortest of their prefixes.",
        "ipv4-is-match-function",
        Naming::None,
        [overload!((string("ip1"), string("ip2"), PREFIX.optional()) -> BOOL, matches::<V4>)],
        [
            ("ipv4_is_match('192.168.1.1/24', '192.168.1.255')", "true"),
            ("ipv4_is_match('10.0.0.1', '10.0.1.1')", "false"),
            ("isnull(ipv4_is_match('x', '10.0.0.1'))", "true")
        ]
    ),
    function!(
        "ipv4_is_in_range",
        "Tells whether an IPv4 address lies in a range like `10.0.0.0/8`.",
        "ipv4-is-in-range-function",
        Naming::None,
        [overload!((IP, string("ip_range")) -> BOOL, in_range::<V4>)],
        [
            ("ipv4_is_in_range('10.1.2.3', '10.0.0.0/8')", "true"),
            ("ipv4_is_in_range('11.1.2.3', '10.0.0.0/8')", "false"),
            ("isnull(ipv4_is_in_range('', '10.0.0.0/8'))", "true")
        ]
    ),
    function!(
        "ipv4_is_in_any_range",
        "Tells whether an IPv4 address lies in one of several ranges.",
        "ipv4-is-in-any-range-function",
        Naming::None,
        [
            overload!((any_text("ip"), string("ranges").repeated(1, 32767)) -> BOOL, prepared in_any_range::<V4>),
            overload!((any_text("ip"), dynamic("ranges")) -> BOOL, prepared in_any_range::<V4>)
        ],
        [
            ("ipv4_is_in_any_range('10.1.2.3', '127.0.0.0/8', '10.0.0.0/8')", "true"),
            ("ipv4_is_in_any_range('10.1.2.3', dynamic(['127.0.0.1', '192.168.0.0/16']))", "false"),
            ("isnull(ipv4_is_in_any_range('', '10.0.0.0/8'))", "true")
        ]
    ),
    function!(
        "ipv4_is_private",
        "Tells whether an IPv4 address belongs to a private network.",
        "ipv4-is-private-function",
        Naming::None,
        [overload!((IP) -> BOOL, |call| lift1::<Text, Bool, _, _>(call, |ip| {
            let ip = V4::parse(ip)?.network(32);
            Some(ip >> 24 == 10 || ip >> 20 == 0xac1 || ip >> 16 == 0xc0a8)
        }))],
        [
            ("ipv4_is_private('192.168.1.1/24')", "true"),
            ("ipv4_is_private('172.16.0.9')", "true"),
            ("ipv4_is_private('127.0.0.1')", "false"),
            ("isnull(ipv4_is_private(''))", "true")
        ]
    ),
    function!(
        "ipv4_netmask_suffix",
        "Gives the prefix length of an IPv4 address, 32 if it has none.",
        "ipv4-netmask-suffix-function",
        Naming::None,
        [overload!((IP) -> LONG,
                |call| lift1::<Text, Long, _, _>(call, |ip| V4::parse(ip).map(|ip| i64::from(ip.prefix))))],
        [
            ("ipv4_netmask_suffix('10.1.2.3/16')", "16"),
            ("ipv4_netmask_suffix('10.1.2.3')", "32"),
            ("isnull(ipv4_netmask_suffix(''))", "true")
        ]
    ),
    function!(
        "ipv4_range_to_cidr_list",
        "Gives the fewest networks that make up a range of IPv4 addresses.",
        "ipv4-range-to-cidr-list-function",
        Naming::None,
        [overload!((string("start_ip"), string("end_ip")) -> DYNAMIC,
                |call| lift2::<Text, Text, Json, _, _>(call, cidr_list))],
        [
            ("tostring(ipv4_range_to_cidr_list('10.0.0.0', '10.0.0.4'))", "'[\"10.0.0.0/30\",\"10.0.0.4/32\"]'"),
            ("tostring(ipv4_range_to_cidr_list('10.0.0.0', '10.0.0.255'))", "'[\"10.0.0.0/24\"]'"),
            ("isnull(ipv4_range_to_cidr_list('', '10.0.0.4'))", "true")
        ]
    ),
    function!(
        "format_ipv4",
        "Writes an IPv4 address, given as text or a number, cut to a prefix.",
        "format-ipv4-function",
        Naming::None,
        [overload!((as_text("ip"), PREFIX.optional()) -> STRING, |call| format_ipv4(call, false))],
        [
            ("format_ipv4('192.168.1.255', 24)", "'192.168.1.0'"),
            ("format_ipv4(3232236031)", "'192.168.1.255'"),
            ("format_ipv4('')", "''")
        ]
    ),
    function!(
        "format_ipv4_mask",
        "Writes an IPv4 network, given as text or a number, with its prefix.",
        "format-ipv4-mask-function",
        Naming::None,
        [overload!((as_text("ip"), PREFIX.optional()) -> STRING, |call| format_ipv4(call, true))],
        [
            ("format_ipv4_mask('192.168.1.255', 24)", "'192.168.1.0/24'"),
            ("format_ipv4_mask(3232236031, 24)", "'192.168.1.0/24'"),
            ("format_ipv4_mask('x', 24)", "''")
        ]
    ),
    function!(
        "parse_ipv6",
        "Writes an IPv6 address in full, cut to its prefix; an IPv4 address becomes a mapped one.",
        "parse-ipv6-function",
        Naming::None,
        [overload!((IP) -> STRING,
                |call| lift1::<Text, Text, _, _>(call, |ip| V6::parse(ip).map(|ip| full(ip.network(128)))))],
        [
            ("parse_ipv6('fe80::1')", "'fe80:0000:0000:0000:0000:0000:0000:0001'"),
            ("parse_ipv6('127.0.0.1')", "'0000:0000:0000:0000:0000:ffff:7f00:0001'"),
            ("parse_ipv6('x')", "''")
        ]
    ),
    function!(
        "parse_ipv6_mask",
        "Writes an IPv6 address in full, cut to a prefix.",
        "parse-ipv6-mask-function",
        Naming::None,
        [overload!((IP, PREFIX) -> STRING, |call| lift2::<Text, Long, Text, _, _>(call, |ip, prefix| {
            Some(full(V6::parse(ip)?.network(bits(prefix, 128)?)))
        }))],
        [
            ("parse_ipv6_mask('fe80::abcd', 120)", "'fe80:0000:0000:0000:0000:0000:0000:ab00'"),
            ("parse_ipv6_mask('::1', 128)", "'0000:0000:0000:0000:0000:0000:0000:0001'"),
            ("parse_ipv6_mask('', 120)", "''")
        ]
    ),
    function!(
        "ipv6_compare",
        "Compares two IP addresses by the shortest of their prefixes: -1, 0 or 1.",
        "ipv6-compare-function",
        Naming::None,
        [overload!((string("ip1"), string("ip2"), PREFIX.optional()) -> LONG, longs::<V6>)],
        [
            ("ipv6_compare('fe80::1/120', 'fe80::2')", "0"),
            ("ipv6_compare('fe80::1', 'fe80::2')", "-1"),
            ("isnull(ipv6_compare('', '::1'))", "true")
        ]
    ),
    function!(
        "ipv6_is_match",
        "Tells whether two IP addresses are the same by the shortest of their prefixes.",
        "ipv6-is-match-function",
        Naming::None,
        [overload!((string("ip1"), string("ip2"), PREFIX.optional()) -> BOOL, matches::<V6>)],
        [
            ("ipv6_is_match('192.168.1.1', '::ffff:c0a8:0101')", "true"),
            ("ipv6_is_match('::1', '::1')", "true"),
            ("isnull(ipv6_is_match('', '::1'))", "true")
        ]
    ),
    function!(
        "ipv6_is_in_range",
        "Tells whether an IP address lies in a range like `fe80::/10`.",
        "ipv6-is-in-range-function",
        Naming::None,
        [overload!((IP, string("ip_range")) -> BOOL, in_range::<V6>)],
        [
            ("ipv6_is_in_range('fe80::5', 'fe80::/10')", "true"),
            ("ipv6_is_in_range('2001:db8::1', 'fe80::/10')", "false"),
            ("isnull(ipv6_is_in_range('', 'fe80::/10'))", "true")
        ]
    ),
    function!(
        "ipv6_is_in_any_range",
        "Tells whether an IP address lies in one of several ranges.",
        "ipv6-is-in-any-range-function",
        Naming::None,
        [
            overload!((any_text("ip"), string("ranges").repeated(1, 32767)) -> BOOL, prepared in_any_range::<V6>),
            overload!((any_text("ip"), dynamic("ranges")) -> BOOL, prepared in_any_range::<V6>)
        ],
        [
            ("ipv6_is_in_any_range('fe80::5', 'fc00::/7', 'fe80::/10')", "true"),
            ("ipv6_is_in_any_range('2001:db8::1', 'fc00::/7', 'fe80::/10')", "false"),
            ("isnull(ipv6_is_in_any_range('', '::1'))", "true")
        ]
    ),
    function!(
        "has_ipv4",
        "Tells whether a text holds an IPv4 address, with no letter or digit beside it.",
        "has-ipv4-function",
        Naming::None,
        [overload!((any_text("source"), IP) -> BOOL, prepared |constants| has_ipv4(constants, false))],
        [
            ("has_ipv4('from 10.1.2.3:1234', '10.1.2.3')", "true"),
            ("has_ipv4('x10.1.2.3', '10.1.2.3')", "false"),
            ("has_ipv4('', '10.1.2.3')", "false")
        ]
    ),
    function!(
        "has_any_ipv4",
        "Tells whether a text holds one of several IPv4 addresses.",
        "has-any-ipv4-function",
        Naming::None,
        [
            overload!((any_text("source"), string("ips").repeated(1, 32767)) -> BOOL,
                prepared |constants| has_ipv4(constants, false)),
            overload!((any_text("source"), dynamic("ips")) -> BOOL, prepared |constants| has_ipv4(constants, false))
        ],
        [
            ("has_any_ipv4('from 10.1.2.3', '1.1.1.1', '10.1.2.3')", "true"),
            ("has_any_ipv4('from 10.1.2.34', '10.1.2.3')", "false"),
            ("has_any_ipv4('', dynamic(['1.1.1.1']))", "false")
        ]
    ),
    function!(
        "has_ipv4_prefix",
        "Tells whether a text holds an IPv4 address that begins with a prefix like `10.1.`.",
        "has-ipv4-prefix-function",
        Naming::None,
        [overload!((any_text("source"), string("ip_prefix")) -> BOOL, prepared |constants| has_ipv4(constants, true))],
        [
            ("has_ipv4_prefix('from 10.1.2.3', '10.1.')", "true"),
            ("has_ipv4_prefix('from 10.1.2.3', '10.1')", "false"),
            ("has_ipv4_prefix('', '10.')", "false")
        ]
    ),
    function!(
        "has_any_ipv4_prefix",
        "Tells whether a text holds an IPv4 address that begins with one of several prefixes.",
        "has-any-ipv4-prefix-function",
        Naming::None,
        [
            overload!((any_text("source"), string("ip_prefixes").repeated(1, 32767)) -> BOOL,
                prepared |constants| has_ipv4(constants, true)),
            overload!((any_text("source"), dynamic("ip_prefixes")) -> BOOL,
                prepared |constants| has_ipv4(constants, true))
        ],
        [
            ("has_any_ipv4_prefix('from 10.1.2.3', '127.', '10.1.')", "true"),
            ("has_any_ipv4_prefix('from 10.11.2.3', '10.1.')", "false"),
            ("has_any_ipv4_prefix('', dynamic(['10.']))", "false")
        ]
    ),
];

/// An address with a prefix.
trait Address: Copy + Send + Sync + 'static {
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
struct V4 {
    bits: u32,
    prefix: u8,
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
struct V6 {
    bits: u128,
    prefix: u8,
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
fn digits(text: &str, most: usize) -> Option<u32> {
    let fits = (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

/// Reads a prefix that is an argument.
fn bits(prefix: i64, width: u8) -> Option<u8> {
    u8::try_from(prefix).ok().filter(|prefix| *prefix <= width)
}

fn full(bits: u128) -> String {
    let mut out = String::with_capacity(39);
    for (index, part) in Ipv6Addr::from(bits).segments().iter().enumerate() {
        let _ = write!(out, "{}{part:04x}", if index == 0 { "" } else { ":" });
    }
    out
}

fn dotted(bits: u32) -> std::net::Ipv4Addr {
    std::net::Ipv4Addr::from(bits)
}

/// Compares two addresses of each row; what is none gives null.
fn compare<'a, A: Address>(call: &'a Call) -> impl Fn(usize) -> Option<Ordering> + 'a {
    let (a, b) = (Reader::<Text>::new(call, 0), Reader::<Text>::new(call, 1));
    let prefix = rows::optional::<Long>(call, 2);
    move |row| {
        let (a, b) = (A::operand(a.get(row)?)?, A::operand(b.get(row)?)?);
        let prefix = match &prefix {
            Some(prefix) => bits(prefix.get(row)?, A::WIDTH)?,
            None => A::WIDTH,
        };
        let shortest = prefix.min(a.prefix()).min(b.prefix());
        Some(a.cut(shortest).cmp(&b.cut(shortest)))
    }
}

fn longs<A: Address>(call: &Call) -> Column {
    let compare = compare::<A>(call);
    rows::longs(call, |row| compare(row).map(|order| order as i64))
}

fn matches<A: Address>(call: &Call) -> Column {
    let compare = compare::<A>(call);
    rows::bools(call, |row| compare(row).map(Ordering::is_eq))
}

fn in_range<A: Address>(call: &Call) -> Column {
    lift2::<Text, Text, Bool, _, _>(call, |ip, range| {
        let (ip, (start, end)) = (A::parse(ip)?.network(A::WIDTH), A::parse(range)?.range());
        Some(start <= ip && ip <= end)
    })
}

/// Networks, sorted by their start and without overlaps.
struct Ranges<A: Address>(Vec<(A::Bits, A::Bits)>);

impl<A: Address> Ranges<A> {
    /// Reads ranges; a text that is none is left out (inferred).
    fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all: Vec<_> = texts.into_iter().filter_map(A::parse).map(A::range).collect();
        all.sort_unstable();
        let mut merged: Vec<(A::Bits, A::Bits)> = Vec::new();
        for (start, end) in all {
            match merged.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        Ranges(merged)
    }

    fn contain(&self, ip: A::Bits) -> bool {
        let behind = self.0.partition_point(|(start, _)| *start <= ip);
        behind > 0 && ip <= self.0[behind - 1].1
    }
}

/// Returns the texts of the arguments from the second on, arrays flattened; None if one is not constant.
fn constant_texts(constants: &[Option<Value>]) -> Option<Vec<String>> {
    let mut texts = Vec::new();
    for index in 1..constants.len() {
        collect_texts(constants[index].as_ref()?.scalar_type(), constant_text(constants, index)?, &mut texts);
    }
    Some(texts)
}

fn collect_texts(scalar_type: ScalarType, text: &str, texts: &mut Vec<String>) {
    match rows::elements(text) {
        Some(elements) if scalar_type == ScalarType::Dynamic => {
            texts.extend(elements.into_iter().map(|element| json::as_text(element).into_owned()));
        }
        _ => texts.push(text.to_string()),
    }
}

/// Returns the texts of a row's arguments from the second on, arrays flattened.
fn texts_at(call: &Call, row: usize) -> Vec<String> {
    let mut texts = Vec::new();
    for argument in &call.arguments[1..] {
        let row = if argument.constant { 0 } else { row };
        match columns::value_at(&argument.array, row, argument.scalar_type) {
            Value::String(text) | Value::Dynamic(text) => collect_texts(argument.scalar_type, &text, &mut texts),
            _ => {}
        }
    }
    texts
}

fn in_any_range<A: Address>(constants: &[Option<Value>]) -> Result<PreparedKernel, FunctionError> {
    let constant = constant_texts(constants).map(|texts| Ranges::<A>::new(texts.iter().map(String::as_str)));
    Ok(Arc::new(move |call: &Call| {
        let ip = Reader::<Text>::new(call, 0);
        rows::bools(call, |row| {
            let ip = A::parse(ip.get(row)?)?.network(A::WIDTH);
            match &constant {
                Some(ranges) => Some(ranges.contain(ip)),
                None => Some(Ranges::<A>::new(texts_at(call, row).iter().map(String::as_str)).contain(ip)),
            }
        })
    }))
}

fn cidr_list(start: &str, end: &str) -> Option<String> {
    let (mut at, end) = (u64::from(V4::parse(start)?.network(32)), u64::from(V4::parse(end)?.network(32)));
    let mut out = String::from("[");
    while at <= end {
        // The largest network that begins here and does not go beyond the end.
        let most = if at == 0 { 32 } else { at.trailing_zeros().min(32) };
        let size = (0..=most).rev().find(|size| at + (1 << size) - 1 <= end).unwrap_or(0);
        let _ = write!(out, "{}\"{}/{}\"", if out.len() > 1 { "," } else { "" }, dotted(at as u32), 32 - size);
        at += 1 << size;
    }
    out.push(']');
    Some(out)
}

fn format_ipv4(call: &Call, mask: bool) -> Column {
    let ip = Reader::<Text>::new(call, 0);
    let prefix = rows::optional::<Long>(call, 1);
    rows::text(call, |row, out| {
        let text = ip.get(row).unwrap_or("");
        let number = || text.parse().ok().map(|bits| V4 { bits, prefix: 32 });
        let Some(ip) = V4::parse(text).or_else(number) else { return };
        let prefix = match &prefix {
            Some(prefix) => prefix.get(row).and_then(|prefix| bits(prefix, 32)),
            None => Some(32),
        };
        let Some(prefix) = prefix else { return };
        let _ = write!(out, "{}", dotted(ip.network(prefix)));
        if mask {
            let _ = write!(out, "/{}", ip.prefix.min(prefix));
        }
    })
}

/// What `has_ipv4` and its kin look for: a whole address or its first numbers.
struct Wanted {
    bits: u32,
    prefix: u8,
}

impl Wanted {
    /// Reads an address, or `10.1.` where a prefix will do; None where it is neither.
    fn new(text: &str, prefixes: bool) -> Option<Wanted> {
        if let Some(ip) = V4::parse(text).filter(|ip| ip.prefix == 32 && !text.contains('/')) {
            return Some(Wanted { bits: ip.bits, prefix: 32 });
        }
        let parts: Vec<u32> = text
            .strip_suffix('.')
            .filter(|_| prefixes)?
            .split('.')
            .map(|part| digits(part, 3).filter(|part| *part <= 255))
            .collect::<Option<_>>()?;
        let count = parts.len();
        let bits = parts.into_iter().fold(0, |bits, part| bits << 8 | part);
        (count < 4).then(|| Wanted { bits: bits << (32 - 8 * count), prefix: 8 * count as u8 })
    }

    fn fits(&self, ip: u32) -> bool {
        V4 { bits: ip, prefix: self.prefix }.network(32) == self.bits
    }
}

fn has_ipv4(constants: &[Option<Value>], prefixes: bool) -> Result<PreparedKernel, FunctionError> {
    let read = move |texts: Vec<String>| -> Vec<Wanted> {
        texts.iter().filter_map(|text| Wanted::new(text, prefixes)).collect()
    };
    let constant = constant_texts(constants).map(read);
    Ok(Arc::new(move |call: &Call| {
        let source = Reader::<Text>::new(call, 0);
        rows::bools(call, |row| {
            let text = source.get(row)?;
            let of_row = constant.is_none().then(|| read(texts_at(call, row)));
            let wanted = constant.as_ref().or(of_row.as_ref())?;
            Some(!wanted.is_empty() && addresses(text).any(|ip| wanted.iter().any(|wanted| wanted.fits(ip))))
        })
    }))
}

/// Finds the IPv4 addresses of a text that have no letter or digit beside them.
fn addresses(text: &str) -> impl Iterator<Item = u32> + '_ {
    memchr::memchr_iter(b'.', text.as_bytes()).filter_map(move |dot| {
        // The dot behind the first number: found once for each address.
        let head = &text[..dot];
        let first = head.len() - head.bytes().rev().take_while(u8::is_ascii_digit).count();
        let tail = &text[first..];
        let length = tail.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(tail.len());
        let end = tail[..length].match_indices('.').nth(3).map_or(length, |(end, _)| end);
        let apart = !text[..first].ends_with(char::is_alphanumeric) && !tail[end..].starts_with(char::is_alphanumeric);
        V4::parse(&tail[..end]).filter(|_| apart && end > 0).map(|ip| ip.bits)
    })
}

#[cfg(test)]
mod tests {
    use super::super::rows::evaluate;
    use super::*;

    fn call(name: &str, arguments: &[&str]) -> Value {
        let arguments: Vec<Value> = arguments.iter().map(|text| Value::String(text.to_string())).collect();
        evaluate(FUNCTIONS, name, &arguments)
    }

    #[test]
    fn addresses_of_four_numbers() {
        assert_eq!(call("parse_ipv4", &["203.0.113.10/24"]), Value::Long(3405803776));
        assert_eq!(call("parse_ipv4", &[" 01.02.03.04"]), Value::Long(0x01020304));
        for bad in ["1.2.3", "1.2.3.4/33", "1.2.3.256", "1.2.3.4.5", "a", ""] {
            assert_eq!(call("parse_ipv4", &[bad]), Value::Null(ScalarType::Long), "{bad}");
        }
        assert_eq!(call("parse_ipv4", &["1.2.3.4/0"]), Value::Long(0));
    }

    #[test]
    fn addresses_of_eight_groups() {
        let text = |text: &str| Value::String(text.to_string());
        assert_eq!(call("parse_ipv6", &["::192.168.255.255/24"]), text("0000:0000:0000:0000:0000:0000:c0a8:ff00"));
        assert_eq!(call("parse_ipv6", &["::192.168.255.255/120"]), text(""));
        assert_eq!(call("parse_ipv6", &["fe80::1%eth0"]), text("fe80:0000:0000:0000:0000:0000:0000:0001"));
        assert_eq!(call("ipv6_is_match", &["::192.168.1.1/30", "192.168.1.255/24"]), Value::Bool(true));
        assert_eq!(call("ipv6_is_in_range", &["a5e:f127::abcd", "0:0:0:0:0:ffff:c0a8:ac/60"]), Value::Bool(false));
    }

    #[test]
    fn ranges() {
        assert_eq!(call("ipv4_is_in_any_range", &["10.1.2.3", "192.168.1.1/16", "10.0.0.1/8"]), Value::Bool(true));
        assert_eq!(call("ipv4_is_in_any_range", &["11.1.2.3", "192.168.1.1/16", "junk"]), Value::Bool(false));
        assert_eq!(cidr_list("255.255.255.254", "255.255.255.255").as_deref(), Some("[\"255.255.255.254/31\"]"));
        assert_eq!(cidr_list("0.0.0.0", "255.255.255.255").as_deref(), Some("[\"0.0.0.0/0\"]"));
        assert_eq!(cidr_list("10.0.0.2", "10.0.0.1").as_deref(), Some("[]"));
    }

    #[test]
    fn addresses_within_texts() {
        let log = "05:04:54 127.0.0.1 GET /favicon.ico 404";
        assert_eq!(call("has_ipv4", &[log, "127.0.0.1"]), Value::Bool(true));
        assert_eq!(call("has_ipv4", &["05:04:54127.0.0.1 GET", "127.0.0.1"]), Value::Bool(false));
        assert_eq!(call("has_ipv4_prefix", &[log, "127.0."]), Value::Bool(true));
        assert_eq!(call("has_ipv4_prefix", &[log, "127.0"]), Value::Bool(false));
        assert_eq!(call("has_ipv4_prefix", &["127.0.0.256", "127.0."]), Value::Bool(false));
        assert_eq!(call("has_ipv4", &["seen 8.8.8.8.", "8.8.8.8"]), Value::Bool(true));
    }
}
