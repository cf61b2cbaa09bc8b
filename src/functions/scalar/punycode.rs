//! Names of domains beyond ASCII, as Punycode writes them.

use idna::punycode;

use super::rows::{STRING, function, overload, string};
use crate::functions::lift::{Text, lift1};
use crate::functions::{Function, Naming};

/// Functions over Punycode.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "punycode_from_string",
        "Encodes a text as Punycode.",
        "punycode-from-string-function",
        Naming::None,
        [overload!((string("string")) -> STRING, |call| lift1::<Text, Text, _, _>(call, to_punycode))],
        [
            ("punycode_from_string('académie-française')", "'acadmie-franaise-npb1a'"),
            ("punycode_from_string('bücher')", "'bcher-kva'"),
            ("punycode_from_string('')", "''")
        ]
    ),
    function!(
        "punycode_to_string",
        "Decodes Punycode.",
        "punycode-to-string-function",
        Naming::None,
        [overload!((string("string")) -> STRING, |call| lift1::<Text, Text, _, _>(call, punycode::decode_to_string))],
        [
            ("punycode_to_string('acadmie-franaise-npb1a')", "'académie-française'"),
            ("punycode_to_string('bcher-kva')", "'bücher'"),
            ("punycode_to_string('')", "''")
        ]
    ),
    function!(
        "punycode_domain_to_string",
        "Encodes the labels of a domain name that are not ASCII as Punycode.",
        "punycode-domain-to-string-function",
        Naming::None,
        [overload!((string("string")) -> STRING, |call| lift1::<Text, Text, _, _>(call, domain_encode))],
        [
            ("punycode_domain_to_string('bücher.example')", "'xn--bcher-kva.example'"),
            ("punycode_domain_to_string('example.org')", "'example.org'"),
            ("punycode_domain_to_string('')", "''")
        ]
    ),
    function!(
        "punycode_domain_from_string",
        "Decodes the labels of a domain name that are Punycode.",
        "punycode-domain-from-string-function",
        Naming::None,
        [overload!((string("string")) -> STRING, |call| lift1::<Text, Text, _, _>(call, domain_decode))],
        [
            ("punycode_domain_from_string('xn--bcher-kva.example')", "'bücher.example'"),
            ("punycode_domain_from_string('example.org')", "'example.org'"),
            ("punycode_domain_from_string('')", "''")
        ]
    ),
];

fn domain_encode(domain: &str) -> Option<String> {
    let labels = domain.split(['.', '。', '．', '｡']).map(|label| match label.is_ascii() {
        true => Some(label.to_string()),
        false => Some(format!("xn--{}", to_punycode(label)?)),
    });
    Some(labels.collect::<Option<Vec<_>>>()?.join("."))
}

fn domain_decode(domain: &str) -> Option<String> {
    let labels = domain.split('.').map(|label| match label.get(..4) {
        Some(prefix) if prefix.eq_ignore_ascii_case("xn--") => punycode::decode_to_string(&label[4..]),
        _ => Some(label.to_string()),
    });
    Some(labels.collect::<Option<Vec<_>>>()?.join("."))
}

/// Encodes a text by RFC 3492; one that is ASCII stays as it is (its form would have a hyphen at the end).
fn to_punycode(text: &str) -> Option<String> {
    if text.is_ascii() { Some(text.to_string()) } else { punycode::encode_str(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punycode_both_ways() {
        for (text, code) in [("académie-française", "acadmie-franaise-npb1a"), ("Lê Lợi", "L Li-gpa4517b")] {
            assert_eq!(to_punycode(text).as_deref(), Some(code));
            assert_eq!(punycode::decode_to_string(code).as_deref(), Some(text));
        }
        assert_eq!(punycode::decode_to_string("99999999999"), None);
        assert_eq!(domain_decode("xn--Ry-lja8c.xn--Jng-uta63a.com").as_deref(), Some("Rúyì.Jīngū.com"));
        assert_eq!(domain_encode("Riðill｡org").as_deref(), Some("xn--Riill-jta.org"));
    }
}
