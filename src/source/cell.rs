//! One field of one record, before it has a type, and the walk over a JSON object's fields.

use sonic_rs::LazyValue;

use crate::types::json;

use super::walk::walk;

/// Nesting deeper than this is refused: readers of the dynamic value further on are recursive.
pub(super) const DEEPEST: usize = 128;

/// The value of a field as the file has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    Null,
    Bool(bool),
    /// A JSON number as written.
    Number(&'a str),
    Text(&'a str),
    /// A JSON string with escapes as written, quotes included: few fields are looked at, so they are resolved late.
    Escaped(&'a str),
    /// A JSON array or object as written.
    Json(&'a str),
}

impl Cell<'_> {
    /// Returns what the file has; of a string what it says.
    pub(super) fn read(self) -> String {
        match self {
            Cell::Null => "null".to_string(),
            Cell::Bool(value) => value.to_string(),
            Cell::Escaped(quoted) => resolve(quoted).unwrap_or_else(|_| quoted.to_string()),
            Cell::Number(text) | Cell::Text(text) | Cell::Json(text) => text.to_string(),
        }
    }
}

/// Takes the fields of a record, one after the other.
pub type Sink<'a> = dyn FnMut(&str, Cell<'_>) + 'a;

/// Gives every field of a JSON object to `sink`; fails with a reason when the text is not one valid object.
pub(super) fn walk_object(text: &str, sink: &mut Sink<'_>) -> Result<(), String> {
    let Err(mut given) = walk(text, sink) else { return Ok(()) };
    parse_object(text, &mut |key, cell| match given {
        0 => sink(key, cell),
        _ => given -= 1,
    })
}

/// Does the same with a parser, which knows everything unusual and says what is wrong.
pub(super) fn parse_object(text: &str, sink: &mut Sink<'_>) -> Result<(), String> {
    let text = text.trim();
    if !text.starts_with('{') {
        return Err(format!("a record is a JSON object, and this is {}", kind(text)));
    }
    let mut end = 1;
    for entry in sonic_rs::to_object_iter(text) {
        let (key, value) = entry.map_err(reason)?;
        sink(&key, cell(&value));
        end = offset_behind(text, &value);
    }
    match text[end..].trim_start() {
        "}" => Ok(()),
        rest => {
            Err(format!("text follows the object: `{}`", super::error::excerpt(rest.trim_start_matches('}').trim())))
        }
    }
}

/// Gives every element of a JSON array to `sink` with its index.
pub(super) fn walk_array(text: &str, sink: &mut dyn FnMut(usize, Cell<'_>)) -> Result<(), String> {
    let text = text.trim();
    if !text.starts_with('[') {
        return Err(format!("a row is a JSON array, and this is {}", kind(text)));
    }
    for (index, element) in sonic_rs::to_array_iter(text).enumerate() {
        sink(index, cell(&element.map_err(reason)?));
    }
    Ok(())
}

fn cell<'a>(value: &'a LazyValue<'_>) -> Cell<'a> {
    let raw = value.as_raw_str();
    match raw.as_bytes().first() {
        Some(b'"') if memchr::memchr(b'\\', raw.as_bytes()).is_some() => Cell::Escaped(raw),
        Some(b'"') => Cell::Text(raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default()),
        Some(b'{' | b'[') => Cell::Json(raw),
        Some(b't') => Cell::Bool(true),
        Some(b'f') => Cell::Bool(false),
        Some(b'n') => Cell::Null,
        _ => Cell::Number(raw),
    }
}

/// Resolves the escapes of a JSON string; half of a surrogate pair, which .NET allows, becomes U+FFFD.
pub(super) fn resolve(quoted: &str) -> Result<String, String> {
    serde_json::from_str(quoted).or_else(|error| match json::is_valid(quoted) {
        true => Ok(json::unquote(quoted).into_owned()),
        false => Err(format!("a string is not valid JSON: {error}")),
    })
}

/// The parser hands out slices of the text; the offset says what follows the last of them.
fn offset_behind(text: &str, value: &LazyValue<'_>) -> usize {
    let raw = value.as_raw_str();
    (raw.as_ptr() as usize - text.as_ptr() as usize) + raw.len()
}

/// Returns the first line of the parser's message: the rest draws the text, which may be megabytes.
fn reason(error: sonic_rs::Error) -> String {
    let message = error.to_string();
    let first = message.lines().next().unwrap_or_default();
    format!("not valid JSON: {}", first.trim_end_matches([' ', ':']))
}

fn kind(text: &str) -> &'static str {
    match text.as_bytes().first() {
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b'0'..=b'9' | b'-') => "a number",
        Some(b't' | b'f' | b'n') => "a single value",
        Some(_) => "no JSON",
        None => "empty",
    }
}

/// Writes valid JSON without the white space between its parts, everything else as it was.
///
/// Numbers keep their digits and strings their escapes. Fails when arrays and objects lie too deep in each other.
pub(super) fn compact(json: &str, out: &mut String) -> Result<(), String> {
    let bytes = json.as_bytes();
    let (mut depth, mut at, mut kept) = (0usize, 0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = string_end(bytes, at + 1),
            b' ' | b'\t' | b'\r' | b'\n' => {
                out.push_str(&json[kept..at]);
                at += 1;
                kept = at;
                continue;
            }
            b'{' | b'[' => {
                depth += 1;
                if depth > DEEPEST {
                    return Err(format!("JSON is nested deeper than {DEEPEST} levels"));
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    out.push_str(&json[kept.min(json.len())..]);
    Ok(())
}

/// Returns the offset of the quote that ends the string whose inside begins at `at`.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found;
        if bytes[at] == b'"' {
            return at;
        }
        at += 2;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Result<Vec<String>, String> {
        let mut fields = Vec::new();
        walk_object(text, &mut |key, cell| fields.push(format!("{key}={cell:?}")))?;
        Ok(fields)
    }

    #[test]
    fn fields_keep_what_was_written() {
        let text = r#" {"a":1.50,"b\n":"x\"y\u00e4","c":[1, 2],"d":null,"e":true} "#;
        let escaped = "b\n=Escaped(\"\\\"x\\\\\\\"y\\\\u00e4\\\"\")";
        let wanted = ["a=Number(\"1.50\")", escaped, "c=Json(\"[1, 2]\")", "d=Null", "e=Bool(true)"];
        assert_eq!(fields(text).unwrap(), wanted);
        assert_eq!(fields("{ }").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_object_has_a_reason() {
        for (text, part) in [
            ("[1]", "an array"),
            ("", "empty"),
            ("{\"a\":1} {", "follows"),
            ("{\"a\":1", "not valid JSON"),
            ("{\"a\":01}", "not valid JSON"),
            ("{\"a\" 1}", "not valid JSON"),
            ("{\"a\":\"line\nline\"}", "not valid JSON"),
            ("{\"a\":[1}", "not valid JSON"),
            ("{", "not valid JSON"),
        ] {
            let reason = fields(text).unwrap_err();
            assert!(reason.contains(part), "{text}: {reason}");
            assert!(!reason.contains('\n'), "{reason}");
        }
    }

    #[test]
    fn escapes_are_resolved_late() {
        assert_eq!(resolve(r#""x\"y\u00e4""#).unwrap(), "x\"yä");
        assert_eq!(resolve(r#""\ud800!""#).unwrap(), "\u{fffd}!");
        assert!(resolve(r#""\q""#).unwrap_err().contains("not valid JSON"));
    }

    #[test]
    fn compact_leaves_strings_and_numbers_alone() {
        let mut out = String::new();
        compact("{\r\n  \"a b\" : [ 1.0, 12345678901234567890123 ],\t\"c\": \"x \\\" y \\\\\" }", &mut out).unwrap();
        assert_eq!(out, "{\"a b\":[1.0,12345678901234567890123],\"c\":\"x \\\" y \\\\\"}");
    }

    #[test]
    fn compact_refuses_great_depth() {
        let text = "[".repeat(200) + &"]".repeat(200);
        assert!(compact(&text, &mut String::new()).unwrap_err().contains("nested deeper"));
    }
}
