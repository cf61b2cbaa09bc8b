//! Searches in texts: one needle or many, wherever it stands or as a term, in either case.

use std::collections::HashMap;

use memchr::memmem;

/// An operator: where the needle stands, and how it is compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search {
    pub(super) place: Place,
    /// Letters of either case are the same.
    pub(super) fold: bool,
    pub(super) negated: bool,
}

/// Where in a text a needle has to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Anywhere.
    Any,
    /// As a term: no letter or digit touches it where it begins and ends with one itself (measured).
    Term,
    /// At the start of a term.
    TermStart,
    /// At the end of a term.
    TermEnd,
    /// At the start of the text.
    Start,
    /// At the end of the text.
    End,
    /// It is the text.
    Whole,
}

/// The needles of `has_any` and `has_all`.
pub(super) struct Terms {
    needles: Vec<Needle>,
    all: bool,
    /// Needles that begin with a term, by that term: finds any of thousands in one pass. Only for `has_any`.
    by_term: Option<HashMap<Vec<u8>, Vec<usize>, ahash::RandomState>>,
    /// Lengths in bytes that occur among the terms of `by_term`, up to 63.
    lengths: u64,
}

/// From how many needles on one pass over the text's terms is faster than a search for each.
const MANY: usize = 6;

impl Terms {
    pub(super) fn new(needles: Vec<Option<String>>, all: bool) -> Terms {
        let anything = needles.iter().any(|needle| needle.as_ref().is_none_or(|text| text.is_empty()));
        let needles: Vec<Needle> = if anything && !all {
            vec![Needle::term("")]
        } else {
            needles.iter().flatten().map(|needle| Needle::term(needle)).collect()
        };
        let mut terms = Terms { needles, all, by_term: None, lengths: 0 };
        let ascii_term =
            |needle: &Needle| needle.text.is_ascii() && needle.text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !all && terms.needles.len() >= MANY && terms.needles.iter().all(ascii_term) {
            let mut by_term: HashMap<Vec<u8>, Vec<usize>, ahash::RandomState> = HashMap::default();
            for (index, needle) in terms.needles.iter().enumerate() {
                let bytes = needle.text.as_bytes();
                let end = bytes.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(bytes.len());
                terms.lengths |= 1 << end.min(63);
                by_term.entry(bytes[..end].to_ascii_lowercase()).or_default().push(index);
            }
            terms.by_term = Some(by_term);
        }
        terms
    }

    pub(super) fn are_in(&self, text: &str) -> bool {
        match &self.by_term {
            Some(by_term) => self.first_terms_are_in(by_term, text),
            None if self.all => self.needles.iter().all(|needle| needle.is_in(text)),
            None => self.needles.iter().any(|needle| needle.is_in(text)),
        }
    }

    fn first_terms_are_in(&self, by_term: &HashMap<Vec<u8>, Vec<usize>, ahash::RandomState>, text: &str) -> bool {
        let bytes = text.as_bytes();
        let mut folded = Vec::with_capacity(64);
        let mut at = 0;
        while at < bytes.len() {
            if !bytes[at].is_ascii_alphanumeric() {
                at += 1;
                continue;
            }
            let end = bytes[at..].iter().position(|b| !b.is_ascii_alphanumeric()).map_or(bytes.len(), |n| at + n);
            if self.lengths & (1 << (end - at).min(63)) != 0 {
                folded.clear();
                folded.extend(bytes[at..end].iter().map(u8::to_ascii_lowercase));
                if let Some(candidates) = by_term.get(folded.as_slice())
                    && candidates.iter().any(|&index| self.needles[index].stands_at(text, at))
                {
                    return true;
                }
            }
            at = end;
        }
        false
    }
}

/// A needle, prepared.
pub(super) struct Needle {
    search: Search,
    pub(super) text: String,
    finder: Finder,
    /// A term must not go on before it, behind it.
    bounded: (bool, bool),
}

// A search has few of them, and boxing the large one would cost a jump on the hot path.
#[allow(clippy::large_enum_variant)]
enum Finder {
    /// The needle is empty: it is everywhere.
    Empty,
    /// Compared byte by byte.
    Exact(memmem::Finder<'static>),
    /// ASCII, compared without case.
    Ascii(AsciiFinder),
    /// Compared without case, character by character.
    Folded(Vec<char>),
}

impl Needle {
    /// Prepares a term to be found whatever its case, as `has` does.
    pub(super) fn term(text: &str) -> Needle {
        Needle::new(Search { place: Place::Term, fold: true, negated: false }, text)
    }

    pub(super) fn new(search: Search, text: &str) -> Needle {
        let finder = if text.is_empty() {
            Finder::Empty
        } else if !search.fold || !text.chars().any(|c| c.is_alphabetic()) {
            Finder::Exact(memmem::Finder::new(text.as_bytes()).into_owned())
        } else if text.is_ascii() {
            Finder::Ascii(AsciiFinder::new(text.as_bytes()))
        } else {
            Finder::Folded(text.chars().map(fold).collect())
        };
        let starts = text.starts_with(char::is_alphanumeric);
        let ends = text.ends_with(char::is_alphanumeric);
        let bounded = match search.place {
            Place::Term => (starts, ends),
            Place::TermStart => (starts, false),
            Place::TermEnd => (false, ends),
            _ => (false, false),
        };
        Needle { search, text: text.to_string(), finder, bounded }
    }

    /// Tells whether the needle is in a text, at a place where it counts.
    #[inline]
    pub(super) fn is_in(&self, text: &str) -> bool {
        match self.search.place {
            Place::Any | Place::Term | Place::TermStart | Place::TermEnd => self.is_within(text),
            Place::Start => self.prefix(text).is_some(),
            Place::Whole => self.prefix(text) == Some(text.len()),
            Place::End => self.is_suffix(text),
        }
    }

    #[inline]
    fn is_within(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        let mut from = 0;
        loop {
            let found = match &self.finder {
                Finder::Empty => return true,
                Finder::Exact(finder) => finder.find(&bytes[from..]).map(|at| (from + at, from + at + self.text.len())),
                Finder::Ascii(finder) => finder.find(bytes, from).map(|at| (at, at + self.text.len())),
                Finder::Folded(needle) => find_folded(needle, text, from),
            };
            match found {
                None => return false,
                Some((start, end)) if self.is_bounded(text, start, end) => return true,
                // The needle begins at a character boundary, and so does the next candidate.
                Some((start, _)) => from = start + text[start..].chars().next().map_or(1, char::len_utf8),
            }
        }
    }

    #[inline]
    fn is_bounded(&self, text: &str, start: usize, end: usize) -> bool {
        !(self.bounded.0 && ends_in_term(text, start) || self.bounded.1 && starts_in_term(text, end))
    }

    /// Tells whether the needle stands at a byte of the text which is the start of a term.
    fn stands_at(&self, text: &str, at: usize) -> bool {
        self.prefix(&text[at..]).is_some_and(|length| self.is_bounded(text, at, at + length))
    }

    /// Returns the length of the text's start that is the needle.
    fn prefix(&self, text: &str) -> Option<usize> {
        match &self.finder {
            Finder::Empty => Some(0),
            Finder::Exact(_) => text.starts_with(self.text.as_str()).then_some(self.text.len()),
            Finder::Ascii(finder) => finder.is_at(text.as_bytes(), 0).then_some(self.text.len()),
            Finder::Folded(needle) => folded_prefix(needle, text),
        }
    }

    fn is_suffix(&self, text: &str) -> bool {
        let start = text.len().checked_sub(self.text.len());
        match &self.finder {
            Finder::Empty => true,
            Finder::Exact(_) => text.ends_with(self.text.as_str()),
            Finder::Ascii(finder) => start.is_some_and(|start| finder.is_at(text.as_bytes(), start)),
            Finder::Folded(needle) => {
                let mut characters = text.chars().rev();
                needle.iter().rev().all(|wanted| characters.next().is_some_and(|c| fold(c) == *wanted))
            }
        }
    }
}

/// Tells whether the character before a byte is part of a term.
#[inline]
fn ends_in_term(text: &str, at: usize) -> bool {
    match text.as_bytes()[..at].last() {
        None => false,
        Some(byte) if byte.is_ascii() => byte.is_ascii_alphanumeric(),
        Some(_) => text[..at].ends_with(char::is_alphanumeric),
    }
}

/// Tells whether the character at a byte is part of a term.
#[inline]
fn starts_in_term(text: &str, at: usize) -> bool {
    match text.as_bytes().get(at) {
        None => false,
        Some(byte) if byte.is_ascii() => byte.is_ascii_alphanumeric(),
        Some(_) => text[at..].starts_with(char::is_alphanumeric),
    }
}

/// Returns the lower-case form of a character where that is one character.
pub(super) fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => lower,
        _ => c,
    }
}

fn folded_prefix(needle: &[char], text: &str) -> Option<usize> {
    let mut characters = text.char_indices();
    for wanted in needle {
        let (_, c) = characters.next()?;
        if fold(c) != *wanted {
            return None;
        }
    }
    Some(characters.offset())
}

fn find_folded(needle: &[char], text: &str, from: usize) -> Option<(usize, usize)> {
    // A letter outside ASCII is lower-cased to one outside ASCII, but for a few signs of units.
    let first = *needle.first()?;
    text[from..].char_indices().filter(|(_, c)| fold(*c) == first).find_map(|(at, _)| {
        let start = from + at;
        folded_prefix(needle, &text[start..]).map(|length| (start, start + length))
    })
}

/// Finds an ASCII needle whatever its case, by two of its rarer bytes at once.
struct AsciiFinder {
    /// In lower case.
    needle: Vec<u8>,
    /// Two places in the needle with the bytes that stand there; the same place twice in a needle of one byte.
    pair: [Probe; 2],
}

/// A byte of the needle: `text[at + offset] | case == byte`.
#[derive(Debug, Clone, Copy)]
struct Probe {
    offset: usize,
    byte: u8,
    /// 0x20 for a letter, which has two cases, else 0.
    case: u8,
}

/// How many places are tried at once.
const BLOCK: usize = 64;

impl AsciiFinder {
    pub(super) fn new(needle: &[u8]) -> AsciiFinder {
        let needle = needle.to_ascii_lowercase();
        let mut order: Vec<usize> = (0..needle.len()).collect();
        order.sort_by_key(|&at| commonness(needle[at]));
        let first = order[0];
        let second = order[1..].iter().copied().find(|&at| needle[at] != needle[first]).unwrap_or(first);
        let probe = |offset: usize| Probe {
            offset,
            byte: needle[offset],
            case: if needle[offset].is_ascii_lowercase() { 0x20 } else { 0 },
        };
        AsciiFinder { pair: [probe(first), probe(second)], needle }
    }

    /// Tells whether the needle stands at a byte.
    #[inline]
    fn is_at(&self, text: &[u8], at: usize) -> bool {
        text.get(at..at + self.needle.len()).is_some_and(|part| part.eq_ignore_ascii_case(&self.needle))
    }

    /// Finds the needle at or behind a byte.
    #[inline]
    fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        // Places where the needle may begin.
        let places = (text.len() + 1).checked_sub(self.needle.len())?;
        let [a, b] = self.pair;
        let mut at = from;
        while at + BLOCK <= places {
            if self.may_begin(&text[at + a.offset..][..BLOCK], &text[at + b.offset..][..BLOCK])
                && let Some(found) = self.find_among(text, at, at + BLOCK)
            {
                return Some(found);
            }
            at += BLOCK;
        }
        if at >= places {
            return None;
        }
        if let Some(start) = places.checked_sub(BLOCK) {
            // The last block reaches back over places that were tried.
            if !self.may_begin(&text[start + a.offset..][..BLOCK], &text[start + b.offset..][..BLOCK]) {
                return None;
            }
        }
        self.find_among(text, at, places)
    }

    /// Tells whether both probes fit at one of the places. Plain enough for the compiler to make vector code of it.
    #[inline]
    fn may_begin(&self, first: &[u8], second: &[u8]) -> bool {
        let [a, b] = self.pair;
        let mut fits = 0u8;
        for (x, y) in first.iter().zip(second) {
            fits |= u8::from(x | a.case == a.byte) & u8::from(y | b.case == b.byte);
        }
        fits != 0
    }

    fn find_among(&self, text: &[u8], start: usize, end: usize) -> Option<usize> {
        let [a, b] = self.pair;
        (start..end).find(|at| {
            text[at + a.offset] | a.case == a.byte && text[at + b.offset] | b.case == b.byte && self.is_at(text, *at)
        })
    }
}

/// Returns how common a byte is in alerts, command lines and paths: a rank, not a measure.
fn commonness(byte: u8) -> usize {
    const RARE_FIRST: &[u8] = b"zqjxkvwyb~`^|!?#$%&'*+;<=>@[]{}()gfhpm4567893u210lcd-_/.\\:,\"norsiate ";
    RARE_FIRST.iter().position(|b| *b == byte).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The search by blocks against the plain one, at every length around a block and at every place.
    #[test]
    fn finds_ascii_at_every_place() {
        let finder = AsciiFinder::new(b"Po-Wer");
        for length in [6, 7, 63, 64, 65, 69, 70, 128, 133, 134, 200] {
            for place in 0..=length - 6 {
                let mut text = vec![b'p'; length];
                text[place..place + 6].copy_from_slice(b"pO-weR");
                assert_eq!(finder.find(&text, 0), Some(place), "{place} of {length}");
                assert_eq!(finder.find(&text, place), Some(place));
                assert_eq!(finder.find(&text, place + 1), None);
            }
        }
        assert_eq!(finder.find(b"po-we", 0), None);
        assert_eq!(AsciiFinder::new(b"x").find(&[b'X'; 3], 2), Some(2));
    }

    #[test]
    fn many_terms_are_found_in_one_pass() {
        let needles =
            |all: bool, needles: &[&str]| Terms::new(needles.iter().map(|n| Some(n.to_string())).collect(), all);
        let many = needles(false, &["10.0.0.5", "evil.example", "b", "c", "d", "mimikatz"]);
        assert!(many.by_term.is_some());
        assert!(many.are_in("run MIMIKATZ.exe"));
        assert!(many.are_in("from 10.0.0.5 on"));
        assert!(!many.are_in("from 10.0.0.51 on"));
        assert!(!many.are_in("devil.example"));
        assert!(!many.are_in("éb"), "the end of a term");
        assert!(!needles(false, &[]).are_in("") && needles(true, &[]).are_in(""));
        assert!(needles(true, &["a", "B"]).are_in("b-a"));
        assert!(Terms::new(vec![None], false).are_in("x"), "a null is in everything");
    }
}
