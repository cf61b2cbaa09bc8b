//! `dynamic`: JSON text that has been validated, read where it lies.
//!
//! Everything but [`is_valid`], [`parse_dynamic`] and the writers expects validated text, so values are skipped
//! without being checked again; text that is no JSON gives useless answers, but never a panic. Reading takes slices
//! of the text and allocates nothing, unless a string has escapes.
//!
//! A bag may hold a key twice: the first one counts (chosen, as `bag_merge` and `make_bag` prefer the first too).

use std::borrow::Cow;

use wide::u8x16;

use super::marks::{BLOCK, Marks, padded};
use super::{Value, decimal, number, ticks};

/// How deep arrays and bags may be nested; deeper text is not JSON to us, so that recursion over it has an end.
pub const MAX_DEPTH: usize = 512;

/// What a dynamic value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Null,
    Bool,
    /// A number without point and exponent that fits into 64 bits.
    Long,
    /// Any other number.
    Real,
    String,
    Array,
    /// An object: property bag.
    Bag,
}

impl Kind {
    /// Returns the name that `gettype` gives it (measured).
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Bool => "bool",
            Kind::Long => "long",
            Kind::Real => "double",
            Kind::String => "string",
            Kind::Array => "array",
            Kind::Bag => "dictionary",
        }
    }
}

/// One step of a path into a dynamic value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// A key of a bag; case counts.
    Key(String),
    /// An index of an array; negative ones count from the end.
    Index(i64),
}

/// Reads text as `parse_json` does: None for the null (`null` and nothing), text that is no JSON as a JSON string.
///
/// ```
/// use alertq::types::json::parse_dynamic;
/// assert_eq!(parse_dynamic(" [1] ").as_deref(), Some("[1]"));
/// assert_eq!(parse_dynamic("not json").as_deref(), Some("\"not json\""));
/// assert_eq!(parse_dynamic(""), None);
/// ```
pub fn parse_dynamic(text: &str) -> Option<Cow<'_, str>> {
    let trimmed = trim(text);
    if trimmed.is_empty() || trimmed == "null" {
        return None;
    }
    if is_valid(trimmed) { Some(Cow::Borrowed(trimmed)) } else { Some(Cow::Owned(string(text))) }
}

/// Tells whether a text is exactly one JSON value by RFC 8259, blanks around it included, not nested deeper than
/// [`MAX_DEPTH`].
pub fn is_valid(text: &str) -> bool {
    validate(text.as_bytes()).is_some()
}

/// Returns what kind of value it is.
pub fn kind(json: &str) -> Kind {
    let json = trim(json);
    match json.as_bytes().first() {
        Some(b'"') => Kind::String,
        Some(b'{') => Kind::Bag,
        Some(b'[') => Kind::Array,
        Some(b't' | b'f') => Kind::Bool,
        Some(b'-' | b'0'..=b'9') if is_long(json) => Kind::Long,
        Some(b'-' | b'0'..=b'9') => Kind::Real,
        _ => Kind::Null,
    }
}

fn is_long(number: &str) -> bool {
    !number.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
        && (number.len() <= 18 || number.parse::<i64>().is_ok())
}

/// Returns what `tostring` gives: a string without quotes, null as nothing, other values as compact JSON.
pub fn as_text(json: &str) -> Cow<'_, str> {
    let json = trim(json);
    match json.as_bytes().first() {
        Some(b'"') => unquote(json),
        Some(b'{' | b'[' | b'-' | b'0'..=b'9') => compact(json),
        Some(b't' | b'f') => Cow::Borrowed(json),
        _ => Cow::Borrowed(""),
    }
}

/// Returns the content of a JSON string, or None if the value is of another kind.
pub fn as_string(json: &str) -> Option<Cow<'_, str>> {
    let json = trim(json);
    json.starts_with('"').then(|| unquote(json))
}

/// Returns the value in one form: no blanks between tokens, no needless escapes, reals as `tostring` writes them.
pub fn compact(json: &str) -> Cow<'_, str> {
    if is_compact(json) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len());
    let bytes = json.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b' ' | b'\t' | b'\n' | b'\r' => {
                at += 1;
                continue;
            }
            b'"' => {
                let end = skip_string(bytes, at);
                write_string(&unquote(slice(json, at, end)), &mut out);
                at = end;
                continue;
            }
            b'-' | b'0'..=b'9' => {
                let end = skip_scalar(bytes, at);
                write_number(slice(json, at, end), &mut out);
                at = end;
                continue;
            }
            b'{' | b'}' | b'[' | b']' | b',' | b':' => at + 1,
            _ => skip_scalar(bytes, at).max(at + 1),
        };
        out.push_str(slice(json, at, end));
        at = end;
    }
    Cow::Owned(out)
}

/// Tells whether [`compact`] would leave it as it is.
fn is_compact(json: &str) -> bool {
    let bytes = json.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b' ' | b'\t' | b'\n' | b'\r' => return false,
            b'"' => {
                let (end, escaped) = scan_string(bytes, at);
                if escaped && has_needless_escape(&bytes[at..end]) {
                    return false;
                }
                at = end;
            }
            b'-' | b'0'..=b'9' => {
                let end = skip_scalar(bytes, at);
                let number = slice(json, at, end);
                if !is_long(number) {
                    let mut written = String::new();
                    write_number(number, &mut written);
                    if written != number {
                        return false;
                    }
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    true
}

fn has_needless_escape(string: &[u8]) -> bool {
    let mut rest = string;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        if matches!(rest.get(at + 1), Some(b'u' | b'/')) {
            return true;
        }
        rest = rest.get(at + 2..).unwrap_or(&[]);
    }
    false
}

fn write_number(text: &str, out: &mut String) {
    match text.parse::<f64>() {
        Ok(real) if !is_long(text) && real.is_finite() => number::write_real(real, out),
        _ => out.push_str(text),
    }
}

/// Writes text as a JSON string, quotes included.
pub fn write_string(text: &str, out: &mut String) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push('"');
    let mut from = 0;
    // Most strings are short and plain.
    if bytes.len() > 16 || string_end(bytes).is_some() {
        for base in (0..bytes.len()).step_by(BLOCK) {
            let rest = &bytes[base..];
            let marks = rest.first_chunk().map_or_else(|| Marks::of(&padded(rest)), Marks::of);
            let mut special = marks.quotes | marks.backslashes | marks.controls;
            while special != 0 {
                let at = base + special.trailing_zeros() as usize;
                special &= special - 1;
                out.push_str(&text[from..at]);
                write_escape(bytes[at], out);
                from = at + 1;
            }
        }
    }
    out.push_str(&text[from..]);
    out.push('"');
}

#[inline]
fn write_escape(byte: u8, out: &mut String) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];

    match byte {
        b'"' => out.push_str("\\\""),
        b'\\' => out.push_str("\\\\"),
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        0x08 => out.push_str("\\b"),
        0x0c => out.push_str("\\f"),
        other => {
            out.push_str("\\u00");
            out.push(HEX[usize::from(other >> 4)]);
            out.push(HEX[usize::from(other & 15)]);
        }
    }
}

/// Returns text as a JSON string, quotes included.
pub fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    write_string(text, &mut out);
    out
}

/// Writes a scalar as an element of an array or bag, as `pack_array` does: datetime, timespan, guid and decimal become
/// strings of their text, a real that JSON has no number for a string too.
pub fn write_value(value: &Value, out: &mut String) {
    use std::fmt::Write as _;

    // Writing to a string can't fail.
    let _ = match value {
        Value::Null(_) => write!(out, "null"),
        Value::Bool(v) => write!(out, "{v}"),
        Value::Int(v) => write!(out, "{v}"),
        Value::Long(v) => write!(out, "{v}"),
        Value::Real(v) => {
            write_real(*v, out);
            Ok(())
        }
        Value::String(v) | Value::Guid(v) => {
            write_string(v, out);
            Ok(())
        }
        Value::Dynamic(v) => write!(out, "{v}"),
        Value::Decimal(_) | Value::DateTime(_) | Value::TimeSpan(_) => {
            out.push('"');
            match value {
                Value::DateTime(v) => ticks::write_datetime(*v, out),
                Value::TimeSpan(v) => ticks::write_timespan(*v, out),
                Value::Decimal(v) => decimal::write(*v, out),
                _ => {}
            }
            write!(out, "\"")
        }
    };
}

/// Writes a real as JSON: NaN and the infinities as strings.
pub fn write_real(value: f64, out: &mut String) {
    if value.is_nan() {
        out.push_str("\"NaN\"");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" });
    } else {
        number::write_real(value, out);
    }
}

/// Returns the JSON of a scalar, see [`write_value`].
pub fn from_value(value: &Value) -> String {
    let mut out = String::new();
    write_value(value, &mut out);
    out
}

/// Returns the content of a JSON string; borrowed if it has no escapes. Half of a surrogate pair becomes U+FFFD.
pub fn unquote(json: &str) -> Cow<'_, str> {
    let inner = json.strip_prefix('"').unwrap_or(json);
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    match memchr::memchr(b'\\', inner.as_bytes()) {
        None => Cow::Borrowed(inner),
        Some(_) => Cow::Owned(unescape(inner)),
    }
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(escape) = rest.chars().next() else { break };
        rest = &rest[escape.len_utf8()..];
        out.push(match escape {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let (c, tail) = unicode_escape(rest);
                rest = tail;
                c
            }
            other => other,
        });
    }
    out.push_str(rest);
    out
}

/// Reads what follows `\u`, a second half of a surrogate pair included.
fn unicode_escape(text: &str) -> (char, &str) {
    let unit = |text: &str| text.get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    let Some(first) = unit(text) else { return (char::REPLACEMENT_CHARACTER, text) };
    let rest = &text[4..];
    if (0xd800..0xdc00).contains(&first)
        && let Some(tail) = rest.strip_prefix("\\u")
        && let Some(second) = unit(tail)
        && (0xdc00..0xe000).contains(&second)
    {
        let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), &tail[4..]);
    }
    (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), rest)
}

/// Returns the elements of an array as slices of its text; none if it is no array.
pub fn elements(json: &str) -> Elements<'_> {
    let at = opening(json, b'[');
    Elements { json, at }
}

/// The elements of an array, see [`elements`].
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    json: &'a str,
    at: usize,
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a str;

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        let bytes = self.json.as_bytes();
        let start = skip_blanks_and(bytes, self.at, b',');
        if matches!(bytes.get(start), None | Some(b']')) {
            self.at = bytes.len();
            return None;
        }
        self.at = skip_value(bytes, start);
        Some(slice(self.json, start, self.at))
    }
}

/// Returns the members of a bag as slices of its text; none if it is no bag.
pub fn members(json: &str) -> Members<'_> {
    let at = opening(json, b'{');
    Members { json, at }
}

/// The members of a bag: key and value, see [`members`].
#[derive(Debug, Clone)]
pub struct Members<'a> {
    json: &'a str,
    at: usize,
}

impl<'a> Members<'a> {
    /// Returns the next key and its value.
    #[inline]
    fn next_raw(&mut self) -> Option<(Key<'a>, &'a str)> {
        let bytes = self.json.as_bytes();
        let start = skip_blanks_and(bytes, self.at, b',');
        if bytes.get(start) != Some(&b'"') {
            self.at = bytes.len();
            return None;
        }
        let (end, escaped) = scan_string(bytes, start);
        let value = skip_blanks_and(bytes, end, b':');
        self.at = skip_value(bytes, value);
        let key = Key { raw: slice(self.json, start + 1, end.saturating_sub(1)), escaped };
        Some((key, slice(self.json, value, self.at)))
    }
}

/// A key of a bag, as it is written between its quotes.
#[derive(Clone, Copy)]
struct Key<'a> {
    raw: &'a str,
    escaped: bool,
}

impl Key<'_> {
    #[inline]
    fn is(self, key: &str) -> bool {
        if self.escaped { unescape(self.raw) == key } else { self.raw == key }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, value) = self.next_raw()?;
        let key = if key.escaped { Cow::Owned(unescape(key.raw)) } else { Cow::Borrowed(key.raw) };
        Some((key, value))
    }
}

/// Returns the elements of an array, or the value itself if it is none, without nulls: what `in` takes a dynamic for.
pub fn flatten(json: &str) -> Vec<Value> {
    let dynamic = |json: &str| Value::Dynamic(json.to_string());
    if kind(json) == Kind::Array {
        elements(json).filter_map(not_null).map(dynamic).collect()
    } else {
        not_null(trim(json)).map(dynamic).into_iter().collect()
    }
}

/// Returns how many elements an array has, or None if it is none.
pub fn array_length(json: &str) -> Option<usize> {
    (kind(json) == Kind::Array).then(|| elements(json).count())
}

/// Finds the value at the end of a path; None if there is none, or a null.
pub fn get<'a>(json: &'a str, path: &[Step]) -> Option<&'a str> {
    let mut value = trim(json);
    for step in path {
        value = match step {
            Step::Key(key) => get_key(value, key)?,
            Step::Index(index) => get_index(value, *index)?,
        };
    }
    not_null(value)
}

/// Finds the value of a key in a bag, which may be a null.
#[inline]
pub fn get_key<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    let mut members = members(json);
    while let Some((found, value)) = members.next_raw() {
        if found.is(key) {
            return Some(value);
        }
    }
    None
}

/// Finds an element of an array, which may be a null; a negative index counts from the end.
pub fn get_index(json: &str, index: i64) -> Option<&str> {
    let index = if index < 0 {
        let length = i64::try_from(elements(json).count()).ok()?;
        length.checked_add(index)?
    } else {
        index
    };
    elements(json).nth(usize::try_from(index).ok()?)
}

#[inline]
fn not_null(json: &str) -> Option<&str> {
    (json != "null" && !json.is_empty()).then_some(json)
}

/// Several paths that are looked up in one pass over a text.
#[derive(Debug, Clone, Default)]
pub struct Paths {
    root: Node,
    count: usize,
}

/// What is wanted of one value.
#[derive(Debug, Clone, Default)]
struct Node {
    /// Numbers of the paths that end here.
    ends: Vec<usize>,
    keys: Vec<(String, Node)>,
    indexes: Vec<(i64, Node)>,
}

impl Paths {
    /// Prepares paths.
    pub fn new<'a>(paths: impl IntoIterator<Item = &'a [Step]>) -> Self {
        let mut all = Paths::default();
        for path in paths {
            all.root.add(path, all.count);
            all.count += 1;
        }
        all
    }

    /// Returns how many paths there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Tells whether there is no path.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Looks all paths up; `found` becomes what each of them leads to, None where there is nothing or a null.
    pub fn get<'a>(&self, json: &'a str, found: &mut Vec<Option<&'a str>>) {
        found.clear();
        found.resize(self.count, None);
        self.root.get(trim(json), found);
    }
}

/// More keys than this are looked up in a second pass, because a bit for each tells which were met.
const MOST_KEYS: usize = 64;

impl Paths {
    /// Looks all paths up in a text that may be no JSON; false if it is none, and then nothing is to be found.
    ///
    /// The text is checked and searched in one pass.
    pub fn get_checked<'a>(&self, text: &'a str, found: &mut Vec<Option<&'a str>>) -> bool {
        let json = trim(text);
        found.clear();
        found.resize(self.count, None);
        let valid = self.root.walk(json, 0, MAX_DEPTH, found) == Some(json.len());
        if !valid {
            found.fill(None);
        }
        valid
    }

    /// Looks all paths up in each element of an array: `found` gets as many places for each element as there are
    /// paths. False if the text is no array of valid JSON, and then nothing is to be found.
    ///
    /// The text is checked and searched in one pass.
    pub fn get_elements<'a>(&self, text: &'a str, found: &mut Vec<Option<&'a str>>) -> bool {
        found.clear();
        let valid = self.walk_elements(trim(text), found).is_some();
        if !valid {
            found.clear();
        }
        valid
    }

    fn walk_elements<'a>(&self, json: &'a str, found: &mut Vec<Option<&'a str>>) -> Option<()> {
        let bytes = json.as_bytes();
        if bytes.first() != Some(&b'[') {
            return None;
        }
        let mut at = skip_blanks(bytes, 1);
        if bytes.get(at) != Some(&b']') {
            loop {
                let first = found.len();
                found.resize(first + self.count, None);
                at = skip_blanks(bytes, self.root.walk(json, at, MAX_DEPTH - 1, &mut found[first..])?);
                match bytes.get(at)? {
                    b',' => at = skip_blanks(bytes, at + 1),
                    b']' => break,
                    _ => return None,
                }
            }
        }
        (at + 1 == bytes.len()).then_some(())
    }
}

impl Node {
    fn add(&mut self, path: &[Step], number: usize) {
        let mut node = self;
        for step in path {
            node = match step {
                Step::Key(key) => child(&mut node.keys, key),
                Step::Index(index) => child(&mut node.indexes, index),
            };
        }
        node.ends.push(number);
    }

    /// Checks the value at `at`, in which containers may nest `room` levels deep, looks up what is wanted of it, and
    /// returns its end; None where the text is no JSON. Recursion ends with the longest path.
    fn walk<'a>(&self, json: &'a str, at: usize, room: usize, found: &mut [Option<&'a str>]) -> Option<usize> {
        let bytes = json.as_bytes();
        let end = match bytes.get(at)? {
            b'{' if !self.keys.is_empty() && self.keys.len() <= MOST_KEYS => {
                self.walk_members(json, at, room.checked_sub(1)?, found)?
            }
            b'{' if !self.keys.is_empty() => {
                let end = check_value(bytes, at, room)?;
                self.get_members(slice(json, at, end), found);
                end
            }
            b'[' if !self.indexes.is_empty() => {
                let end = check_value(bytes, at, room)?;
                self.get_elements(slice(json, at, end), found);
                end
            }
            _ => check_value(bytes, at, room)?,
        };
        for number in &self.ends {
            found[*number] = not_null(slice(json, at, end));
        }
        Some(end)
    }

    fn walk_members<'a>(&self, json: &'a str, at: usize, room: usize, found: &mut [Option<&'a str>]) -> Option<usize> {
        let bytes = json.as_bytes();
        // Of equal keys the first counts.
        let mut met = 0_u64;
        let mut at = skip_blanks(bytes, at + 1);
        if bytes.get(at)? == &b'}' {
            return Some(at + 1);
        }
        loop {
            let (end, escaped) = check_string(bytes, at)?;
            let key = Key { raw: slice(json, at + 1, end - 1), escaped };
            at = check_colon(bytes, end)?;
            at = match self.keys.iter().position(|(wanted, _)| key.is(wanted)) {
                Some(index) if met >> index & 1 == 0 => {
                    met |= 1 << index;
                    self.keys[index].1.walk(json, at, room, found)?
                }
                _ => check_value(bytes, at, room)?,
            };
            at = skip_blanks(bytes, at);
            match bytes.get(at)? {
                b',' => at = skip_blanks(bytes, at + 1),
                b'}' => return Some(at + 1),
                _ => return None,
            }
        }
    }

    /// Recursion ends with the longest path.
    fn get<'a>(&self, json: &'a str, found: &mut [Option<&'a str>]) {
        for number in &self.ends {
            found[*number] = not_null(json);
        }
        match json.as_bytes().first() {
            Some(b'{') if !self.keys.is_empty() => self.get_members(json, found),
            Some(b'[') if !self.indexes.is_empty() => self.get_elements(json, found),
            _ => {}
        }
    }

    fn get_members<'a>(&self, json: &'a str, found: &mut [Option<&'a str>]) {
        // A bit per key that was met; beyond 64 keys the first ones are not told from later ones.
        let mut met = 0_u64;
        let mut missing = self.keys.len();
        let mut members = members(json);
        while missing > 0
            && let Some((found_key, value)) = members.next_raw()
        {
            let Some(index) = self.keys.iter().position(|(key, _)| found_key.is(key)) else { continue };
            let bit = 1_u64.checked_shl(index as u32).unwrap_or(0);
            if met & bit == 0 {
                met |= bit;
                // Without a bit a repeated key would be counted twice, so such bags are read to their end.
                missing -= usize::from(bit != 0);
                self.keys[index].1.get(value, found);
            }
        }
    }

    fn get_elements<'a>(&self, json: &'a str, found: &mut [Option<&'a str>]) {
        let from_end = self.indexes.iter().any(|(index, _)| *index < 0);
        let length = if from_end { elements(json).count() as i64 } else { 0 };
        let wanted = |index: i64| if index < 0 { index + length } else { index };
        let last = self.indexes.iter().map(|(index, _)| wanted(*index)).max().unwrap_or(-1);
        for (at, element) in (0..=last).zip(elements(json)) {
            for (_, node) in self.indexes.iter().filter(|(index, _)| wanted(*index) == at) {
                node.get(element, found);
            }
        }
    }
}

fn child<'n, K: PartialEq + Clone>(children: &'n mut Vec<(K, Node)>, key: &K) -> &'n mut Node {
    let at = children.iter().position(|(other, _)| other == key).unwrap_or_else(|| {
        children.push((key.clone(), Node::default()));
        children.len() - 1
    });
    &mut children[at].1
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Removes JSON's blanks from both ends.
/// Takes off the blanks that JSON allows around a value.
#[inline]
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r'])
}

/// A part of the text, or nothing where that would cut a character; ASCII delimiters never do.
#[inline]
fn slice(text: &str, start: usize, end: usize) -> &str {
    text.get(start..end).unwrap_or("")
}

/// Returns the place behind the opening bracket, or the end if the value starts otherwise.
fn opening(json: &str, bracket: u8) -> usize {
    let bytes = json.as_bytes();
    let start = skip_blanks(bytes, 0);
    if bytes.get(start) == Some(&bracket) { start + 1 } else { bytes.len() }
}

#[inline]
fn skip_blanks(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|byte| is_blank(*byte)) {
        at += 1;
    }
    at
}

#[inline]
fn skip_blanks_and(bytes: &[u8], at: usize, delimiter: u8) -> usize {
    let at = skip_blanks(bytes, at);
    if bytes.get(at) == Some(&delimiter) { skip_blanks(bytes, at + 1) } else { at }
}

/// Returns the end of the value that starts at `at`.
#[inline]
fn skip_value(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(b'"') => skip_string(bytes, at),
        Some(b'{') => skip_container(bytes, at, b'{', b'}'),
        Some(b'[') => skip_container(bytes, at, b'[', b']'),
        _ => skip_scalar(bytes, at),
    }
}

/// Returns the end of the string whose quote is at `at`.
#[inline]
fn skip_string(bytes: &[u8], at: usize) -> usize {
    scan_string(bytes, at).0
}

/// Returns the end of the string whose quote is at `at`, and whether there are escapes in it.
#[inline]
fn scan_string(bytes: &[u8], at: usize) -> (usize, bool) {
    let mut at = at + 1;
    let mut escaped = false;
    while let Some(rest) = bytes.get(at..) {
        let Some(found) = quote_or_backslash(rest) else { break };
        if rest[found] == b'"' {
            return (at + found + 1, escaped);
        }
        escaped = true;
        at += found + 2;
    }
    (bytes.len(), escaped)
}

/// Finds the first byte of a kind, sixteen at a time.
///
/// Most keys and values are short: calling `memchr` for each of them costs more than it saves (measured).
#[inline]
fn first(bytes: &[u8], marks: impl Fn(u8x16) -> u8x16) -> Option<usize> {
    let mut at = 0;
    while let Some(block) = bytes[at..].first_chunk::<16>() {
        let found = marks(u8x16::new(*block)).to_bitmask();
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize);
        }
        at += 16;
    }
    // The rest is filled up with a byte that nobody looks for.
    let mut block = [b' '; 16];
    block[..bytes.len() - at].copy_from_slice(&bytes[at..]);
    let found = marks(u8x16::new(block)).to_bitmask();
    (found != 0).then(|| at + found.trailing_zeros() as usize)
}

#[inline]
fn equal(block: u8x16, byte: u8) -> u8x16 {
    block.simd_eq(u8x16::splat(byte))
}

#[inline]
fn quote_or_backslash(bytes: &[u8]) -> Option<usize> {
    first(bytes, |block| equal(block, b'"') | equal(block, b'\\'))
}

/// Finds where a run of plain characters in a string ends: at a quote, a backslash or a control character.
#[inline]
fn string_end(bytes: &[u8]) -> Option<usize> {
    first(bytes, |block| {
        let control = block.simd_eq(block.min(u8x16::splat(0x1f)));
        equal(block, b'"') | equal(block, b'\\') | control
    })
}

/// Returns the end of the array or bag that opens at `at`. Only its own kind of bracket is counted: in valid text
/// the other kind is balanced in between.
fn skip_container(bytes: &[u8], at: usize, open: u8, close: u8) -> usize {
    let mut depth = 0_usize;
    let mut at = at;
    while let Some(rest) = bytes.get(at..)
        && let Some(found) = first(rest, |block| equal(block, b'"') | equal(block, open) | equal(block, close))
    {
        at += found;
        if bytes[at] == b'"' {
            at = skip_string(bytes, at);
            continue;
        }
        depth = if bytes[at] == open { depth + 1 } else { depth.saturating_sub(1) };
        at += 1;
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

/// Returns the end of the number or word at `at`.
#[inline]
fn skip_scalar(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or(&[]);
    at + rest.iter().position(|byte| is_blank(*byte) || matches!(byte, b',' | b']' | b'}')).unwrap_or(rest.len())
}

/// Which containers are open: a bit each, set for a bag.
struct Open {
    bits: [u64; MAX_DEPTH / 64],
    depth: usize,
    most: usize,
}

impl Open {
    #[inline]
    fn push(&mut self, bag: bool) -> Option<()> {
        if self.depth == self.most {
            return None;
        }
        let word = self.bits.get_mut(self.depth / 64)?;
        let bit = 1 << (self.depth % 64);
        *word = if bag { *word | bit } else { *word & !bit };
        self.depth += 1;
        Some(())
    }

    #[inline]
    fn in_bag(&self) -> bool {
        self.depth > 0 && self.bits[(self.depth - 1) / 64] >> ((self.depth - 1) % 64) & 1 == 1
    }
}

/// Reads one JSON value, blanks around it included, to the end of the text.
fn validate(bytes: &[u8]) -> Option<()> {
    let end = check_value(bytes, skip_blanks(bytes, 0), MAX_DEPTH)?;
    (skip_blanks(bytes, end) == bytes.len()).then_some(())
}

/// Reads the JSON value at `at`, in which containers may nest `room` levels deep, and returns its end.
#[inline]
fn check_value(bytes: &[u8], at: usize, room: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'{' | b'[' => check_container(bytes, at, room),
        _ => check_scalar(bytes, at),
    }
}

#[inline]
fn check_scalar(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' => Some(check_string(bytes, at)?.0),
        b'-' | b'0'..=b'9' => check_number(bytes, at),
        b't' => check_word(bytes, at, b"true"),
        b'f' => check_word(bytes, at, b"false"),
        b'n' => check_word(bytes, at, b"null"),
        _ => None,
    }
}

/// Reads the array or bag at `at`; without recursion.
fn check_container(bytes: &[u8], at: usize, room: usize) -> Option<usize> {
    let mut open = Open { bits: [0; MAX_DEPTH / 64], depth: 0, most: room };
    let mut at = at;
    loop {
        // A value starts here.
        at = match bytes.get(at)? {
            b'[' => {
                open.push(false)?;
                at = skip_blanks(bytes, at + 1);
                if bytes.get(at)? != &b']' {
                    continue;
                }
                open.depth -= 1;
                at + 1
            }
            b'{' => {
                open.push(true)?;
                at = skip_blanks(bytes, at + 1);
                if bytes.get(at)? != &b'}' {
                    at = check_key(bytes, at)?;
                    continue;
                }
                open.depth -= 1;
                at + 1
            }
            _ => check_scalar(bytes, at)?,
        };
        // A value ended here.
        loop {
            if open.depth == 0 {
                return Some(at);
            }
            at = skip_blanks(bytes, at);
            match (bytes.get(at)?, open.in_bag()) {
                (b',', false) => {
                    at = skip_blanks(bytes, at + 1);
                    break;
                }
                (b',', true) => {
                    at = check_key(bytes, skip_blanks(bytes, at + 1))?;
                    break;
                }
                (b']', false) | (b'}', true) => {
                    open.depth -= 1;
                    at += 1;
                }
                _ => return None,
            }
        }
    }
}

/// A key and its colon; returns where the value starts.
#[inline]
fn check_key(bytes: &[u8], at: usize) -> Option<usize> {
    check_colon(bytes, check_string(bytes, at)?.0)
}

#[inline]
fn check_colon(bytes: &[u8], at: usize) -> Option<usize> {
    let at = skip_blanks(bytes, at);
    (bytes.get(at)? == &b':').then(|| skip_blanks(bytes, at + 1))
}

fn check_word(bytes: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    bytes.get(at..)?.starts_with(word).then_some(at + word.len())
}

/// Reads the string at `at`; returns its end and whether there are escapes in it.
#[inline]
fn check_string(bytes: &[u8], at: usize) -> Option<(usize, bool)> {
    if bytes.get(at)? != &b'"' {
        return None;
    }
    let mut at = at + 1;
    let mut escaped = false;
    loop {
        at += string_end(bytes.get(at..)?)?;
        match bytes[at] {
            b'"' => return Some((at + 1, escaped)),
            b'\\' => match bytes.get(at + 1)? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
                b'u' if bytes.get(at + 2..at + 6)?.iter().all(u8::is_ascii_hexdigit) => at += 6,
                _ => return None,
            },
            _ => return None,
        }
        escaped = true;
    }
}

fn check_number(bytes: &[u8], at: usize) -> Option<usize> {
    let digits =
        |at: usize| at + bytes[at..].iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(bytes.len() - at);
    let some_digits = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit).then(|| digits(at));
    let start = at + usize::from(bytes.get(at) == Some(&b'-'));
    let mut at = if bytes.get(start) == Some(&b'0') { start + 1 } else { some_digits(start)? };
    if bytes.get(at) == Some(&b'.') {
        at = some_digits(at + 1)?;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        at = some_digits(at + 1 + sign)?;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(steps: &[&str]) -> Vec<Step> {
        steps.iter().map(|step| step.parse().map_or_else(|_| Step::Key(step.to_string()), Step::Index)).collect()
    }

    #[test]
    fn a_checked_search_finds_what_a_search_in_valid_text_finds() {
        let paths = [path(&["a"]), path(&["b", "c"]), path(&["b", "d", "-1"]), path(&["x:\""])];
        let paths = Paths::new(paths.iter().map(Vec::as_slice));
        for text in [
            r#"{"a":1,"b":{"c":"x","d":[1,{"e":2}]}}"#,
            r#" { "b" : { "c" : null } , "a" : [1, 2] , "x:\"" : "q" } "#,
            r#"{"a":1,"a":2,"\u0061":3}"#,
            "{}",
            "[1]",
            "null",
            r#"{"z":{"a":5}}"#,
        ] {
            let (mut checked, mut plain) = (Vec::new(), Vec::new());
            assert!(paths.get_checked(text, &mut checked), "{text}");
            paths.get(text, &mut plain);
            assert_eq!(checked, plain, "{text}");
        }
        let mut found = Vec::new();
        for text in ["", r#"{"a":1"#, r#"{"a":1,}"#, r#"{"a":1} x"#, r#"{"a":01}"#, "text"] {
            assert!(!paths.get_checked(text, &mut found), "{text}");
            assert!(found.iter().all(Option::is_none), "{text}: {found:?}");
        }
    }

    #[test]
    fn only_json_is_valid() {
        for text in [
            "1",
            "-0",
            "0.5e-10",
            "1e400",
            "true",
            " null ",
            r#""a\u00e9\n""#,
            "[]",
            "{ }",
            r#"{"a":[1,{"b":[]}],"c":null}"#,
        ] {
            assert!(is_valid(text), "{text}");
        }
        for text in [
            "",
            " ",
            "01",
            "1.",
            ".5",
            "+1",
            "-",
            "1e",
            "tru",
            "nul",
            "truex",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{",
            "]",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            "{a:1}",
            "{'a':1}",
            "\"a",
            "\"\t\"",
            r#""\x""#,
            r#""\u12g4""#,
            "1 2",
            "[1}",
            "NaN",
            r#""\"#,
            r#""\u12"#,
        ] {
            assert!(!is_valid(text), "{text}");
        }
        assert!(is_valid(&format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH))));
        assert!(!is_valid(&"[".repeat(1_000_000)));
        assert!(!is_valid(&format!("{}{}", "[".repeat(MAX_DEPTH + 1), "]".repeat(MAX_DEPTH + 1))));
    }

    #[test]
    fn parse_json_takes_anything() {
        assert_eq!(parse_dynamic("null"), None);
        assert_eq!(parse_dynamic("  "), None);
        assert_eq!(parse_dynamic("\"x\"").as_deref(), Some("\"x\""));
        assert_eq!(parse_dynamic("a\"b").as_deref(), Some(r#""a\"b""#));
        assert_eq!(parse_dynamic("{\"arr\":\"3\t\"}").as_deref(), Some(r#""{\"arr\":\"3\t\"}""#));
    }

    #[test]
    fn kinds() {
        for (text, expected) in [
            ("null", Kind::Null),
            ("true", Kind::Bool),
            ("-5", Kind::Long),
            ("9223372036854775807", Kind::Long),
            ("9223372036854775808", Kind::Real),
            ("1.0", Kind::Real),
            ("1e3", Kind::Real),
            ("\"\"", Kind::String),
            (" [1]", Kind::Array),
            ("{}", Kind::Bag),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }

    #[test]
    fn texts() {
        for (json, text) in [
            ("null", ""),
            ("true", "true"),
            ("1", "1"),
            ("1.50", "1.5"),
            (r#""a\"\u00e9\ud83d\ude00\ud800""#, "a\"é😀\u{fffd}"),
            (r#"{ "a" : [1, 2.0,"x y"] }"#, r#"{"a":[1,2.0,"x y"]}"#),
            (r#"{"k":"\u0041\/"}"#, r#"{"k":"A/"}"#),
            ("[null]", "[null]"),
        ] {
            assert_eq!(as_text(json), text, "{json}");
        }
        assert!(matches!(as_text(r#"{"a":[1,"b c"]}"#), Cow::Borrowed(_)));
    }

    #[test]
    fn escapes_round_trip() {
        let text = "a\"\\\u{1}\n\té😀/";
        assert_eq!(unquote(&string(text)), text);
        assert!(is_valid(&string(text)));
        assert_eq!(string("\u{1}"), r#""\u0001""#);
    }

    #[test]
    fn scalars_as_json() {
        assert_eq!(from_value(&Value::TimeSpan(ticks::TICKS_PER_DAY)), "\"1.00:00:00\"");
        assert_eq!(from_value(&Value::Real(f64::NAN)), "\"NaN\"");
        assert_eq!(from_value(&Value::Real(1.0)), "1.0");
        assert_eq!(from_value(&Value::Decimal(decimal::ONE)), "\"1\"");
        assert_eq!(from_value(&Value::DateTime(0)), "\"0001-01-01T00:00:00.0000000Z\"");
    }

    #[test]
    fn paths() {
        let json = r#" {"a": {"b]}": ["x\"}", 2, {"c": null}], "b]}": 7}, "k\u0041": true, "A": 1} "#;
        assert_eq!(get(json, &path(&["a", "b]}", "0"])), Some(r#""x\"}""#));
        assert_eq!(get(json, &path(&["a", "b]}", "-2"])), Some("2"));
        assert_eq!(get(json, &path(&["a", "b]}", "2"])), Some(r#"{"c": null}"#));
        assert_eq!(get(json, &path(&["kA"])), Some("true"));
        for missing in
            [&["a", "b]}", "2", "c"][..], &["a", "b]}", "3"], &["a", "b]}", "-4"], &["B"], &["0"], &["A", "x"]]
        {
            assert_eq!(get(json, &path(missing)), None, "{missing:?}");
        }
        assert_eq!(get("[1]", &[]), Some("[1]"));
    }

    #[test]
    fn several_paths_in_one_pass() {
        let json = r#"{"a": {"b": [1, 2, 3]}, "c": "x", "a": 5, "d": null}"#;
        let wanted =
            [path(&["c"]), path(&["a", "b", "-1"]), path(&["a"]), path(&["a", "b", "0"]), path(&["d"]), path(&["c"])];
        let paths = Paths::new(wanted.iter().map(Vec::as_slice));
        let mut found = Vec::new();
        paths.get(json, &mut found);
        let each: Vec<_> = wanted.iter().map(|path| get(json, path)).collect();
        assert_eq!(found, each);
        assert_eq!(found[1], Some("3"));
    }

    #[test]
    fn iterators() {
        assert_eq!(elements(" [ 1 , [2,3] , \"],\" ] ").collect::<Vec<_>>(), ["1", "[2,3]", "\"],\""]);
        assert_eq!(elements("{}").count(), 0);
        assert_eq!(flatten("[1,null,[2]]"), [Value::Dynamic("1".into()), Value::Dynamic("[2]".into())]);
        assert_eq!(flatten("null"), []);
        assert_eq!(array_length("[]"), Some(0));
        assert_eq!(array_length("5"), None);
        let members: Vec<_> = members(r#"{"a" : 1,"b\n":{}}"#).collect();
        assert_eq!(members, [("a".into(), "1"), ("b\n".into(), "{}")]);
    }

    #[test]
    fn what_is_not_json_does_no_harm() {
        let text = r#"{"a":[1,{"é":"x\"y"}],"b":tru,"\u12":}}]"#;
        for start in 0..text.len() {
            for end in start..text.len() {
                let Some(part) = text.get(start..end) else { continue };
                let _ = (as_text(part).len(), elements(part).count(), members(part).count(), kind(part));
                let _ = (get(part, &path(&["a", "1", "é"])), is_valid(part));
            }
        }
    }
}
