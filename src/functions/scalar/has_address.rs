//! IPv4 addresses within a text: `has_ipv4` and its kin.

use std::sync::Arc;

use super::address::{Address, V4, digits};
use super::network::{IP, constant_texts, texts_at};
use super::rows::{self, BOOL, any_text, dynamic, function, overload, string};
use crate::functions::lift::{Reader, Text};
use crate::functions::{Call, Function, FunctionError, Naming, PreparedKernel};
use crate::types::Value;

/// Functions that look for IPv4 addresses in a text.
pub(super) const FUNCTIONS: &[Function] = &[
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
