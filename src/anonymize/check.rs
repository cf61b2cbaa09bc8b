//! Looks for what has been replaced in what has come out.
//!
//! It reads the result by itself and knows nothing of how replacing takes texts apart: every word of every text, in
//! JSON of any depth, is looked up among the names that were replaced anywhere; every GUID, hash and address must be
//! one that replacing makes.

use std::borrow::Cow;
use std::net::Ipv4Addr;
use std::sync::LazyLock;

use regex::Regex;

use crate::types::json::{self, Kind};

use super::document::is_documented;
use super::found::Found;
use super::key::Key;
use super::memo::Known;
use super::text::{is_guid, is_moment, pattern};
use super::{Options, address, names};

/// What kind of thing stands in the result that should not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeakKind {
    Name,
    Guid,
    Hash,
    Address,
}

impl LeakKind {
    /// Returns the word for it.
    pub const fn name(self) -> &'static str {
        match self {
            LeakKind::Name => "name",
            LeakKind::Guid => "GUID",
            LeakKind::Hash => "hash",
            LeakKind::Address => "address",
        }
    }
}

static GUID: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"));
static HASH: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b[0-9a-f]{32,}\b"));
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"));
static MOMENT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"\b\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:[Zz]|[+-]\d\d:?\d\d)?(?:\b|$)")
});

/// Looks for what should not be there.
pub(super) struct Check<'a> {
    pub(super) key: &'a Key,
    pub(super) found: &'a Found,
    pub(super) options: &'a Options,
}

impl Check<'_> {
    /// Returns what kind of thing stands in the text of a column that should not.
    ///
    /// What is `clean` has been looked at before.
    pub(super) fn text(&self, text: &str, clean: &mut Known<()>) -> Option<LeakKind> {
        if text.trim_start().starts_with(['{', '[']) && json::is_valid(text) {
            return self.json(text, clean);
        }
        if is_moment(text) || clean.get(text).is_some() {
            return None;
        }
        let leak = self.plain(text);
        // What is there once need not be remembered.
        if leak.is_none() && !is_guid(text) {
            clean.keep(text, ());
        }
        leak
    }

    /// JSON lies within the strings of JSON as deep as each level of quotes doubles those before: not deep.
    fn json(&self, json: &str, clean: &mut Known<()>) -> Option<LeakKind> {
        let mut values = vec![json];
        while let Some(value) = values.pop() {
            let leak = match json::kind(value) {
                Kind::Array => {
                    values.extend(json::elements(value));
                    None
                }
                Kind::Bag => {
                    json::members(value).filter(|(key, _)| !self.options.keeps(key)).find_map(|(key, value)| {
                        values.push(value);
                        // A documented name stays, though words of it may be a name elsewhere.
                        self.text(&key, clean).filter(|_| !is_documented(&key))
                    })
                }
                Kind::String => self.text(&json::as_string(value).unwrap_or_default(), clean),
                _ => None,
            };
            if leak.is_some() {
                return leak;
            }
        }
        None
    }

    fn plain(&self, text: &str) -> Option<LeakKind> {
        let nothing = |digits: &str| digits.bytes().all(|byte| byte == b'0');
        // Most texts are too short for most of what is looked for.
        let long = |least: usize| if text.len() < least { "" } else { text };
        if is_guid(text) {
            let digits = text.replace('-', "");
            let known = nothing(&digits) || names::is_replacement(self.key, &digits);
            return if known { self.names(text) } else { Some(LeakKind::Guid) };
        }
        for guid in GUID.find_iter(long(36)) {
            let digits = guid.as_str().replace('-', "");
            if !nothing(&digits) && !names::is_replacement(self.key, &digits) {
                return Some(LeakKind::Guid);
            }
        }
        if HASH.find_iter(long(32)).any(|hash| !names::is_replacement(self.key, hash.as_str())) {
            return Some(LeakKind::Hash);
        }
        let addresses = ADDRESS
            .find_iter(if text.contains('.') { text } else { "" })
            .filter_map(|found| found.as_str().parse::<Ipv4Addr>().ok());
        if addresses.into_iter().any(|found| !address::is_nobodys(found)) {
            return Some(LeakKind::Address);
        }
        // The numbers of a moment are no names, though a file may be called after one.
        self.names(&if text.len() < 16 { Cow::Borrowed(text) } else { MOMENT.replace_all(text, " ") })
    }

    fn names(&self, text: &str) -> Option<LeakKind> {
        let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '-' && letter != '_');
        let has = |word: &str| !word.is_empty() && self.found.has(word);
        let part = |word: &str| word.split(['-', '_']).any(has);
        words.into_iter().any(|word| has(word) || part(word)).then_some(LeakKind::Name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_moment_are_no_names() {
        let (key, options, mut found) = (Key::new(&[7; 32]).unwrap(), Options::default(), Found::default());
        found.add_name("15T11");
        found.add_name("2019");
        let check = Check { key: &key, found: &found, options: &options };
        for moment in ["2019-01-15T11:45:02.294259Z", "from 2019-01-15 11:45 on", "[\"2019-01-15T11:45:02+01:00\"]"] {
            assert_eq!(check.text(moment, &mut Known::default()), None, "{moment}");
        }
        for named in ["report 2019", "2019-01-15T11", "x2019-15T11.log"] {
            assert_eq!(check.text(named, &mut Known::default()), Some(LeakKind::Name), "{named}");
        }
    }
}
