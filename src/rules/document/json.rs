//! JSON with the place of every part.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Entry, Located, Node, Value, unreadable};
use crate::diagnostic::{Diagnostic, Span};

/// Objects and arrays nest no deeper than this: each level is read anew.
const DEEPEST: usize = 100;

/// Reads a document. Fails with the place where it stops being JSON.
///
/// Comments are left out, as Azure does in templates.
pub fn read(text: &str) -> Result<Node, Diagnostic> {
    let plain = without_comments(text);
    let start = plain.len() - plain.trim_start_matches('\u{feff}').len();
    let reader = Reader { text: &plain };
    let raw: &RawValue = serde_json::from_str(&plain[start..]).map_err(|error| reader.problem(start, &error))?;
    reader.node(raw, 0)
}

struct Reader<'a> {
    text: &'a str,
}

impl<'a> Reader<'a> {
    fn node(&self, raw: &'a RawValue, depth: usize) -> Result<Node, Diagnostic> {
        let written = raw.get();
        let span = self.span(written);
        if depth > DEEPEST {
            return Err(unreadable(Span::new(span.start, span.start), format!("more than {DEEPEST} levels deep")));
        }
        let value = match written.as_bytes().first() {
            Some(b'{') => {
                let pairs: Pairs = self.parse(written)?;
                let entry = |(key, value): (Cow<'a, str>, &'a RawValue)| {
                    let key = Located { span: self.key(&key, value.get()), value: key.into_owned() };
                    Ok(Entry { key, value: self.node(value, depth + 1)? })
                };
                Value::Map(pairs.0.into_iter().map(entry).collect::<Result<_, _>>()?)
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = self.parse(written)?;
                Value::List(items.into_iter().map(|item| self.node(item, depth + 1)).collect::<Result<_, _>>()?)
            }
            Some(b'"') => Value::Text(self.parse(written)?),
            Some(b't') => Value::Bool(true),
            Some(b'f') => Value::Bool(false),
            Some(b'n') | None => Value::Null,
            Some(_) => Value::Number(number(written)),
        };
        Ok(Node { value, span })
    }

    fn parse<T: Deserialize<'a>>(&self, written: &'a str) -> Result<T, Diagnostic> {
        serde_json::from_str(written).map_err(|error| self.problem(self.span(written).start, &error))
    }

    /// Returns where a part of the text stands: what was read borrows from it.
    fn span(&self, part: &str) -> Span {
        let start = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        Span::new(start, start + part.len())
    }

    /// Returns where a key stands; one with escapes was made anew, and is found before its value.
    fn key(&self, key: &str, value: &str) -> Span {
        if self.text.as_bytes().as_ptr_range().contains(&key.as_ptr()) {
            return self.span(key);
        }
        let before = self.text.get(..self.span(value).start).unwrap_or_default();
        let end = before.rfind('"').unwrap_or_default();
        Span::new(end, end)
    }

    fn problem(&self, start: usize, error: &serde_json::Error) -> Diagnostic {
        let text = self.text.get(start..).unwrap_or_default();
        let lines = text.split_inclusive('\n').take(error.line().saturating_sub(1));
        let at = start + lines.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
        let at = at.min(self.text.len());
        // The library's own place counts from where this part begins.
        let reason = error.to_string();
        unreadable(Span::new(at, at), reason.split(" at line ").next().unwrap_or_default())
    }
}

/// Writes a number in one way: `1.10` and `11e-1` are `1.1` in JSON.
fn number(written: &str) -> String {
    serde_json::from_str::<serde_json::Number>(written)
        .map_or_else(|_| written.to_string(), |number| number.to_string())
}

/// The pairs of an object, in their order.
struct Pairs<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// A key that borrows where it can.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
        let mut pairs = Vec::new();
        while let Some((Key(key), value)) = map.next_entry()? {
            pairs.push((key, value));
        }
        Ok(Pairs(pairs))
    }
}

/// Replaces `// ...` and `/* ... */` outside of texts by spaces, so that places stay.
fn without_comments(text: &str) -> Cow<'_, str> {
    if !text.contains("//") && !text.contains("/*") {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let comment = comment_length(rest);
        let length = comment.unwrap_or_else(|| if c == '"' { string_length(rest) } else { c.len_utf8() });
        let (part, after) = rest.split_at(length);
        match comment {
            Some(_) => plain.extend(part.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' })),
            None => plain.push_str(part),
        }
        rest = after;
    }
    Cow::Owned(plain)
}

/// Returns the bytes of the comment that a text begins with.
fn comment_length(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    let inner = text.strip_prefix("/*")?;
    Some(inner.find("*/").map_or(text.len(), |end| end + 4))
}

/// Returns the bytes of the string that a text begins with, its quotes too.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_its_place() {
        let text = "\u{feff}{ // what\n \"a\": [1.10, {\"b\\n\": \"x // y\"}], /* ü\n */ \"c\": true, \"d\": null}";
        let root = read(text).unwrap();
        let written = |node: &Node| &text[node.span.start..node.span.end];
        let items = root.get("a").unwrap().items();
        assert_eq!((written(&items[0]), &items[0].value), ("1.10", &Value::Number("1.1".into())));
        assert_eq!(items[1].get("b\n").map(|b| (written(b), b.as_text())), Some(("\"x // y\"", Some("x // y"))));
        let key = &root.entries()[1].key;
        assert_eq!((&text[key.span.start..key.span.end], root.get("c").map(written)), ("c", Some("true")));
        assert_eq!(root.get("d"), None);
    }

    #[test]
    fn what_is_no_json_has_a_place() {
        let check = |text: &str, at: usize| {
            let problem = read(text).unwrap_err();
            assert_eq!((problem.code, problem.span.start), ("AQ500", at), "{text}: {}", problem.message);
        };
        check("{\n \"a\": }", 8);
        check("", 0);
        check("{\"a\": \"\\ud800\"}", 13);
        check("/* open", 6);
        assert!(read(&format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000))).is_err());
    }
}
