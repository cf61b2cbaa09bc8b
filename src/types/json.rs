//! `dynamic`: JSON text that has been validated, read where it lies.
//!
//! Everything but [`is_valid`], [`parse_dynamic`] and the writers expects validated text, so values are skipped
//! without being checked again; text that is no JSON gives useless answers, but never a panic. Reading takes slices
//! of the text and allocates nothing, unless a string has escapes.
//!
//! A bag may hold a key twice: the first one counts (chosen, as `bag_merge` and `make_bag` prefer the first too).

use std::borrow::Cow;
use std::ops::Range;

use super::{Value, number, ticks};

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
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];

    out.push('"');
    let mut rest = text;
    while let Some(at) = string_end(rest.as_bytes()) {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let byte = special.as_bytes()[0];
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
        rest = &special[1..];
    }
    out.push_str(rest);
    out.push('"');
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
                Value::Decimal(v) => number::write_decimal(*v, out),
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
    /// Returns the next key, as it is written between its quotes, and its value.
    #[inline]
    fn next_raw(&mut self) -> Option<(&'a str, &'a str)> {
        let bytes = self.json.as_bytes();
        let start = skip_blanks_and(bytes, self.at, b',');
        if bytes.get(start) != Some(&b'"') {
            self.at = bytes.len();
            return None;
        }
        let end = skip_string(bytes, start);
        let value = skip_blanks_and(bytes, end, b':');
        self.at = skip_value(bytes, value);
        Some((slice(self.json, start + 1, end.saturating_sub(1)), slice(self.json, value, self.at)))
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, value) = self.next_raw()?;
        let key = if key.contains('\\') { Cow::Owned(unescape(key)) } else { Cow::Borrowed(key) };
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
    while let Some((raw, value)) = members.next_raw() {
        if is_key(raw, key) {
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
fn is_key(raw: &str, key: &str) -> bool {
    raw == key || raw.contains('\\') && unescape(raw) == key
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

impl Paths {
    /// Looks all paths up in a text that may be no JSON; false if it is none, and then nothing is to be found.
    ///
    /// A bag is checked and searched in one pass.
    pub fn get_checked<'a>(&self, text: &'a str, found: &mut Vec<Option<&'a str>>) -> bool {
        let json = trim(text);
        if !json.starts_with('{') || !self.root.ends.is_empty() || self.root.keys.len() > 64 {
            let valid = is_valid(json);
            self.get(if valid { json } else { "null" }, found);
            return valid;
        }
        found.clear();
        found.resize(self.count, None);
        let mut values: [Option<&'a str>; 64] = [None; 64];
        let valid = validate_members(json.as_bytes(), |key, value| {
            // Of equal keys the first counts, as it does where text is known to be JSON.
            let raw = member_key(&json[key]);
            if let Some(index) = self.root.keys.iter().position(|(key, _)| is_key(raw, key)) {
                values[index].get_or_insert(&json[value]);
            }
        });
        if valid.is_some() {
            for ((_, node), value) in self.root.keys.iter().zip(values) {
                if let Some(value) = value {
                    node.get(value, found);
                }
            }
        }
        // Nothing was written before the end was seen to be right.
        valid.is_some()
    }
}

/// Cuts a member's key, without its quotes, out of what stands before its value.
fn member_key(before_value: &str) -> &str {
    const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];
    let quoted = before_value.trim_end_matches(BLANKS).trim_end_matches(':').trim_end_matches(BLANKS);
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or("")
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
            && let Some((raw, value)) = members.next_raw()
        {
            let Some(index) = self.keys.iter().position(|(key, _)| is_key(raw, key)) else { continue };
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
#[inline]
fn trim(text: &str) -> &str {
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

#[inline]
fn quote_or_backslash(bytes: &[u8]) -> Option<usize> {
    first(bytes, |word| equal_bytes(word, b'"') | equal_bytes(word, b'\\'))
}

/// Finds the first byte for which `marks` sets the highest bit, eight bytes at a time.
///
/// Most keys and values are short: calling `memchr` for each of them costs more than it saves (measured).
#[inline]
fn first(bytes: &[u8], marks: impl Fn(u64) -> u64) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = bytes[at..].first_chunk::<8>() {
        let found = marks(u64::from_le_bytes(*word));
        if found != 0 {
            return Some(at + (found.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    // The rest is filled up with a byte that nobody looks for.
    let mut word = [b' '; 8];
    word[..bytes.len() - at].copy_from_slice(&bytes[at..]);
    let found = marks(u64::from_le_bytes(word));
    (found != 0).then(|| at + (found.trailing_zeros() / 8) as usize)
}

/// Sets the highest bit of the first byte that equals `byte`; bits behind it may be set too.
#[inline]
const fn equal_bytes(word: u64, byte: u8) -> u64 {
    const LOW: u64 = 0x0101_0101_0101_0101;
    let zeros = word ^ (LOW * byte as u64);
    zeros.wrapping_sub(LOW) & !zeros & (LOW << 7)
}

/// Returns the end of the array or bag that opens at `at`. Only its own kind of bracket is counted: in valid text
/// the other kind is balanced in between.
fn skip_container(bytes: &[u8], at: usize, open: u8, close: u8) -> usize {
    let mut depth = 0_usize;
    let mut at = at;
    while let Some(rest) = bytes.get(at..)
        && let Some(found) = rest.iter().position(|byte| *byte == b'"' || *byte == open || *byte == close)
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

/// Finds where a run of plain characters in a string ends: at a quote, a backslash or a control character.
#[inline]
fn string_end(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| STRING_END[usize::from(*byte)])
}

const STRING_END: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = true;
        byte += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table
};

/// Which containers are open: a bit each, set for a bag.
struct Open {
    bits: [u64; MAX_DEPTH / 64],
    depth: usize,
}

impl Open {
    fn push(&mut self, bag: bool) -> Option<()> {
        let word = self.bits.get_mut(self.depth / 64)?;
        let bit = 1 << (self.depth % 64);
        *word = if bag { *word | bit } else { *word & !bit };
        self.depth += 1;
        Some(())
    }

    fn in_bag(&self) -> bool {
        self.depth > 0 && self.bits[(self.depth - 1) / 64] >> ((self.depth - 1) % 64) & 1 == 1
    }
}

/// Reads one JSON value, blanks around it included, to the end of the text; without recursion.
fn validate(bytes: &[u8]) -> Option<()> {
    validate_members(bytes, |_, _| {})
}

/// Reads one JSON value as [`validate`] does and tells each member of a bag at the top: where its key stands, with
/// quotes, and where its value does. What was told counts only if the whole is valid.
fn validate_members(bytes: &[u8], mut member: impl FnMut(Range<usize>, Range<usize>)) -> Option<()> {
    let mut key = 0..0;
    let mut value_start = 0;
    let mut open = Open { bits: [0; MAX_DEPTH / 64], depth: 0 };
    let mut at = skip_blanks(bytes, 0);
    loop {
        // A value starts here.
        match bytes.get(at)? {
            b'"' => at = check_string(bytes, at)?,
            b'-' | b'0'..=b'9' => at = check_number(bytes, at)?,
            b't' => at = check_word(bytes, at, b"true")?,
            b'f' => at = check_word(bytes, at, b"false")?,
            b'n' => at = check_word(bytes, at, b"null")?,
            b'[' => {
                open.push(false)?;
                at = skip_blanks(bytes, at + 1);
                if bytes.get(at)? != &b']' {
                    continue;
                }
                open.depth -= 1;
                at += 1;
            }
            b'{' => {
                open.push(true)?;
                at = skip_blanks(bytes, at + 1);
                if bytes.get(at)? != &b'}' {
                    let start = at;
                    at = check_key(bytes, at)?;
                    if open.depth == 1 {
                        (key, value_start) = (start..at, at);
                    }
                    continue;
                }
                open.depth -= 1;
                at += 1;
            }
            _ => return None,
        }
        // A value ended here.
        loop {
            if open.depth == 1 && open.in_bag() {
                member(key.clone(), value_start..at);
            }
            at = skip_blanks(bytes, at);
            if open.depth == 0 {
                return (at == bytes.len()).then_some(());
            }
            match (bytes.get(at)?, open.in_bag()) {
                (b',', false) => {
                    at = skip_blanks(bytes, at + 1);
                    break;
                }
                (b',', true) => {
                    let start = skip_blanks(bytes, at + 1);
                    at = check_key(bytes, start)?;
                    if open.depth == 1 {
                        (key, value_start) = (start..at, at);
                    }
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
fn check_key(bytes: &[u8], at: usize) -> Option<usize> {
    let at = skip_blanks(bytes, check_string(bytes, at)?);
    (bytes.get(at)? == &b':').then(|| skip_blanks(bytes, at + 1))
}

fn check_word(bytes: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    bytes.get(at..)?.starts_with(word).then_some(at + word.len())
}

fn check_string(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at)? != &b'"' {
        return None;
    }
    let mut at = at + 1;
    loop {
        at += string_end(bytes.get(at..)?)?;
        match bytes[at] {
            b'"' => return Some(at + 1),
            b'\\' => match bytes.get(at + 1)? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
                b'u' if bytes.get(at + 2..at + 6)?.iter().all(u8::is_ascii_hexdigit) => at += 6,
                _ => return None,
            },
            _ => return None,
        }
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
        assert_eq!(from_value(&Value::Decimal(number::DECIMAL_ONE)), "\"1\"");
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
