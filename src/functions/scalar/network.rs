//! Functions over IP addresses, as text.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::net::Ipv6Addr;
use std::sync::Arc;

use super::address::{Address, V4, V6};
use super::rows::{
    self, BOOL, Column, DYNAMIC, LONG, STRING, any_text, as_text, constant_text, dynamic, function, overload, string,
};
use crate::functions::lift::{Bool, Json, Long, Reader, Text, lift1, lift2};
use crate::functions::{Call, Function, FunctionError, Kind, Naming, Parameter, PreparedKernel, one};
use crate::types::{ScalarType, Value, arrow as columns, json};

pub(super) const IP: Parameter = string("ip");
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
];

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
pub(super) fn constant_texts(constants: &[Option<Value>]) -> Option<Vec<String>> {
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
pub(super) fn texts_at(call: &Call, row: usize) -> Vec<String> {
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
}
