//! `dynamic`: JSON text that has been validated, read where it lies.
//!
//! Everything but [`is_valid`], [`parse_dynamic`] and the writers expects validated text, so values are skipped
//! without being checked again; text that is no JSON gives useless answers, but never a panic. Reading takes slices
//! of the text and allocates nothing, unless a string has escapes.
//!
//! A bag may hold a key twice: the first one counts (chosen, as `bag_merge` and `make_bag` prefer the first too).

use std::borrow::Cow;

use self::check::validate;
use self::scan::{opening, scan_string, skip_blanks_and, skip_value, slice};
use super::Value;

mod check;
mod paths;
mod scan;
mod write;

pub use self::paths::Paths;
pub(super) use self::scan::trim;
pub use self::write::{compact, from_value, string, write_real, write_string, write_value};

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

/// Tells whether a JSON string is a moment in time to Kusto: it reads those in the form of ISO 8601, with the time of day,
/// as datetimes wherever it reads JSON (inferred from how it prints them).
pub fn is_moment(value: &str) -> bool {
    let text = value.trim_matches('"');
    let bytes = text.as_bytes();
    bytes.len() >= 16
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && bytes[10] == b'T'
        && bytes[13] == b':'
        && super::ticks::parse_datetime(text).is_some()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_by_their_form() {
        let check = |text: &str, expected| assert_eq!(is_moment(&format!("\"{text}\"")), expected, "{text}");
        check("2021-11-18T00:03:35", true);
        check("2021-11-18T00:03:35.1234567Z", true);
        check("2021-11-18T00:03:35+02:00", true);
        check("2021-11-18", false);
        check("2021-11-18 00:03:35", false);
        check("2021-13-18T00:03:35", false);
        check("", false);
    }

    pub(super) fn path(steps: &[&str]) -> Vec<Step> {
        steps.iter().map(|step| step.parse().map_or_else(|_| Step::Key(step.to_string()), Step::Index)).collect()
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
