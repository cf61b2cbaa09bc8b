//! Addresses with a structure of their own: URLs, and the paths of Azure resources.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::names::is_digits;
use super::text::{Level, Replacer, is_of_name};
use super::words::{LABELS, SERVICES};

/// What needs no encoding within a URL.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Replaces what identifies in a URL, whose `://` stands at a place: the scheme, the port and the words of a cloud's
/// portal stay.
pub(super) fn url(replacer: &mut Replacer<'_>, text: &str, at: usize) -> String {
    let is_scheme = |letter: char| letter.is_ascii_alphanumeric() || "+-.".contains(letter);
    let start = text[..at].rfind(|letter| !is_scheme(letter)).map_or(0, |before| before + letter_len(text, before));
    let mut out = String::with_capacity(text.len());
    replacer.compound(&text[..start], Level::Opaque, &mut out);
    out.push_str(&text[start..at + 3]);
    let rest = &text[at + 3..];
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(user, host)| {
        for part in user.split_inclusive(':') {
            let name = part.trim_end_matches(':');
            replacer.part(name, Level::Name, &mut out);
            out.push_str(&part[name.len()..]);
        }
        out.push('@');
        host
    });
    let (host, port) = match host.rsplit_once(':') {
        Some((name, port)) if is_digits(port) => (name, &host[name.len()..]),
        _ => (host, ""),
    };
    match replacer.shape(host) {
        Some(whole) => out.push_str(&whole),
        None if host.contains(':') => replacer.compound(host, Level::Name, &mut out),
        None => replacer.part(host, Level::Name, &mut out),
    }
    out.push_str(port);
    let lower = host.to_lowercase();
    let of_service = lower.match_indices('.').any(|(at, _)| SERVICES.contains(&lower[at + 1..]))
        || SERVICES.contains(lower.as_str());
    for piece in path.split_inclusive(|letter: char| !is_of_name(letter) && letter != '%' && letter != '@') {
        let body = piece.trim_end_matches(|letter: char| !is_of_name(letter) && letter != '%' && letter != '@');
        segment(replacer, body, of_service, &mut out);
        out.push_str(&piece[body.len()..]);
    }
    out
}

fn letter_len(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(1, char::len_utf8)
}

fn segment(replacer: &mut Replacer<'_>, segment: &str, of_service: bool, out: &mut String) {
    let lower = segment.to_lowercase();
    if segment.is_empty() || of_service && (LABELS.contains(lower.as_str()) || is_namespace(&lower)) {
        out.push_str(segment);
    } else if segment.contains('%') {
        let decoded = percent_decode_str(segment).decode_utf8_lossy();
        let replaced = replacer.text(&decoded, Level::Opaque);
        out.extend(utf8_percent_encode(&replaced, ENCODED));
    } else if let Some(whole) = replacer.shape(segment) {
        out.push_str(&whole);
    } else {
        replacer.compound(segment, Level::Opaque, out);
    }
}

/// Tells whether a name is that of one of Microsoft's resource providers.
fn is_namespace(lower: &str) -> bool {
    lower
        .strip_prefix("microsoft.")
        .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'.'))
}

/// Tells whether a text is the path of an Azure resource.
pub(super) fn is_resource(text: &str) -> bool {
    let roots = ["/subscriptions/", "/providers/microsoft.", "/tenants/"];
    roots.iter().any(|root| text.get(..root.len()).is_some_and(|start| start.eq_ignore_ascii_case(root)))
}

/// What the next part of a resource's path is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// One of the words that say what follows.
    Kind,
    /// A name of the customer's.
    Name,
    /// The name of a resource provider.
    Provider,
}

/// Replaces the names in the path of a resource: providers and types stay.
pub(super) fn resource(replacer: &mut Replacer<'_>, path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut next = Next::Kind;
    for (at, part) in path.split('/').enumerate() {
        if at > 0 {
            out.push('/');
        }
        if part.is_empty() {
            continue;
        }
        let lower = part.to_lowercase();
        next = match next {
            Next::Provider if is_namespace(&lower) => {
                out.push_str(part);
                Next::Kind
            }
            Next::Kind if lower.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                out.push_str(part);
                if lower == "providers" { Next::Provider } else { Next::Name }
            }
            _ => {
                segment(replacer, part, false, &mut out);
                if next == Next::Name { Next::Kind } else { Next::Name }
            }
        };
    }
    out
}
