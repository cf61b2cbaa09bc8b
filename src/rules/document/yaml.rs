//! YAML with the place of every part.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::{Entry, Located, Node, Value, unreadable};
use crate::diagnostic::{Diagnostic, Span};

/// Reads a document. Fails with the place where it stops being YAML.
pub fn read(text: &str) -> Result<Node, Diagnostic> {
    let tree: Spanned<Tree> = serde_saphyr::from_str(text).map_err(|error| broken(&error, text))?;
    Ok(node(tree, text))
}

/// Reads documents that stand in one file with `---` between them.
pub fn read_all(text: &str) -> Result<Vec<Node>, Diagnostic> {
    let trees: Vec<Spanned<Tree>> = serde_saphyr::from_multiple(text).map_err(|error| broken(&error, text))?;
    Ok(trees.into_iter().map(|tree| node(tree, text)).collect())
}

/// Says what keeps a text from being YAML, as its author would.
fn broken(error: &serde_saphyr::Error, text: &str) -> Diagnostic {
    let place = error.location().map_or(Span::default(), |location| place(&location, text));
    // The library's own place comes last.
    let reason = error.without_snippet().to_string();
    let reason = reason.split(" at line ").next().unwrap_or_default();
    if let Some(rest) = reason.strip_prefix("duplicate mapping key: ") {
        let key = rest.split(", set ").next().unwrap_or_default();
        let message = format!("the key '{key}' stands here a second time");
        return Diagnostic::error("AQ513", place, message).help("keep one of the two");
    }
    if reason.starts_with("multiple YAML documents") {
        return unreadable(place, "a second document begins here").help("give each document a file of its own");
    }
    if let Some(tab) = tab_before(place.start, text) {
        let problem = unreadable(Span::new(tab, tab + 1), "a tab stands at the beginning of the line");
        return problem.help("YAML indents with spaces alone");
    }
    let problem = unreadable(place, reason);
    match reason {
        _ if reason.starts_with("mapping values are not allowed") => {
            problem.help("is the line indented by mistake? A text with ': ' in it stands in quotes")
        }
        _ if reason.starts_with("unexpected character") => {
            problem.help("a text that begins with such a sign, or has it in it, stands in quotes")
        }
        "unclosed quote" => problem.help("close the quote that is opened here"),
        "expected string scalar" => {
            problem.help("a text that begins with a brace or a bracket stands in quotes: \"{{Column}}\"")
        }
        _ => problem,
    }
}

/// Finds a tab in the indentation of the line that a place is in, before the place.
fn tab_before(place: usize, text: &str) -> Option<usize> {
    let before = text.get(..place)?;
    let line = before.rfind('\n').map_or(0, |end| end + 1);
    let indentation = text[line..].bytes().take_while(|byte| matches!(byte, b' ' | b'\t'));
    indentation.enumerate().find(|(_, byte)| *byte == b'\t').map(|(at, _)| line + at)
}

/// Returns where a problem is: the library counts characters where it does not know the bytes.
fn place(location: &Location, text: &str) -> Span {
    span(location).unwrap_or_else(|| {
        let characters = usize::try_from(location.span().offset()).unwrap_or(usize::MAX);
        let at = text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at);
        Span::new(at, at)
    })
}

/// What the library reads; a number has no text of its own yet.
enum Tree {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Spanned<Tree>>),
    Map(Vec<(Spanned<String>, Spanned<Tree>)>),
}

fn node(tree: Spanned<Tree>, file: &str) -> Node {
    let span = span(&tree.defined).unwrap_or_default();
    let value = match tree.value {
        Tree::Null => Value::Null,
        Tree::Bool(value) => match written(span, file) {
            // `n`, `off`: texts to the YAML of today, and to the readers of Azure-Sentinel.
            Some(text) if !text.eq_ignore_ascii_case("true") && !text.eq_ignore_ascii_case("false") => {
                Value::Text(text)
            }
            _ => Value::Bool(value),
        },
        Tree::Number(number) => Value::Number(written(span, file).unwrap_or(number)),
        Tree::Text(text) => Value::Text(text),
        Tree::List(items) => Value::List(items.into_iter().map(|item| node(item, file)).collect()),
        Tree::Map(entries) => Value::Map(
            entries.into_iter().map(|(key, value)| Entry { key: key_of(key), value: node(value, file) }).collect(),
        ),
    };
    Node { value, span }
}

fn key_of(key: Spanned<String>) -> Located<String> {
    Located { span: span(&key.defined).unwrap_or_default(), value: key.value }
}

fn written(span: Span, file: &str) -> Option<String> {
    file.get(span.start..span.end).map(str::trim).filter(|text| !text.is_empty()).map(str::to_string)
}

fn span(location: &Location) -> Option<Span> {
    let span = location.span();
    let (start, length) = (span.byte_offset()?, span.byte_len()?);
    Some(Span::new(usize::try_from(start).ok()?, usize::try_from(start.saturating_add(length)).ok()?))
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Number(value.to_string()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_string()))
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Tree::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_its_place() {
        let text = "a: 1.10\nb:\n  - x: \"y z\"\n  - ü\nc: |\n  one\n   two\nd: ~\ne: true\nf:\ng: n\n";
        let root = read(text).unwrap();
        let written = |node: &Node| &text[node.span.start..node.span.end];
        assert_eq!(root.get("a").map(|a| (&a.value, written(a))), Some((&Value::Number("1.10".into()), "1.10")));
        let items = root.get("b").unwrap().items();
        assert_eq!(items[0].get("x").map(written), Some("\"y z\""));
        assert_eq!(items[0].entries()[0].key.span, Span::new(15, 16));
        assert_eq!((written(&items[1]), items[1].as_text()), ("ü", Some("ü")));
        assert_eq!(root.get("c").and_then(Node::as_text), Some("one\n two\n"));
        assert_eq!((root.get("d"), root.get("f")), (None, None));
        assert_eq!(root.get("g").map(|g| &g.value), Some(&Value::Text("n".into())));
        assert_eq!(root.get("e").map(|e| &e.value), Some(&Value::Bool(true)));
    }

    #[test]
    fn broken_yaml_has_a_place() {
        let problem = read("kind: NRT\nquery: [\n").unwrap_err();
        assert_eq!((problem.code, problem.span.start), ("AQ500", 17));
        assert_eq!(read("a: 1\na: 2\n").unwrap_err().span.start, 5);
    }

    #[test]
    fn what_authors_get_wrong_is_said_in_their_words() {
        for (text, code, place, message, help) in [
            ("a: 1\na: 2\n", "AQ513", "a", "the key 'a' stands here a second time", "keep one of the two"),
            ("q: |\n  T\n\t| take 1\nb: 1\n", "AQ500", "\t", "a tab stands at", "spaces alone"),
            ("a: 1\n b: 2\n", "AQ500", "", "mapping values", "indented by mistake"),
            ("a: one: two\n", "AQ500", "", "mapping values", "stands in quotes"),
            ("a: @one\n", "AQ500", "", "unexpected character", "stands in quotes"),
            ("a: \"one\nb: 1\n", "AQ500", "", "unclosed quote", "close the quote"),
            ("a: {{Column}}\n", "AQ500", "", "expected string", "stands in quotes: \"{{Column}}\""),
            ("a: 1\n---\na: 2\n", "AQ500", "", "a second document", "a file of its own"),
        ] {
            let problem = read(text).unwrap_err();
            let written = &text[problem.span.start..problem.span.end];
            assert!(problem.code == code && (place.is_empty() || written == place), "{text}: {written}");
            let remedy = problem.help.unwrap_or_default();
            assert!(problem.message.contains(message) && remedy.contains(help), "{}: {remedy}", problem.message);
        }
    }

    #[test]
    fn documents_of_one_file_have_their_places_in_it() {
        let text = "a: 1\n---\nb: two\n";
        let all = read_all(text).unwrap();
        let found = all[1].get("b").unwrap();
        assert_eq!((all.len(), &text[found.span.start..found.span.end]), (2, "two"));
        assert_eq!(read_all("").unwrap(), []);
    }

    #[test]
    fn deep_and_growing_documents_are_refused() {
        assert_eq!(read(&"[".repeat(100_000)).unwrap_err().code, "AQ500");
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_string();
        for level in 1..9 {
            let inner = format!("*a{}, ", level - 1).repeat(10);
            text.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
        }
        assert_eq!(read(&text).unwrap_err().code, "AQ500");
    }
}
