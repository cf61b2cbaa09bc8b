//! Queries in workbooks: of their charts and parameters, in the workbook's own JSON and in templates that deploy it.

use super::super::Embedded;
use super::Found;
use crate::diagnostic::Span;

/// How often a workbook may stand as a text within a text: in a template, and in the group of another.
const DEEPEST: usize = 4;

/// An object that is read.
#[derive(Default)]
struct Item {
    key: String,
    query: Option<Embedded>,
    /// What the query asks: `0` is Log Analytics.
    query_type: Option<String>,
    /// `KqlItem/1.0` and its kin.
    version: String,
    is_list: bool,
}

/// Finds the queries over Log Analytics; nothing in what is no workbook, and in what is no JSON.
pub(super) fn find(text: &str) -> Found {
    let mut found = Found::default();
    if text.contains("queryType") || text.contains("KqlItem") {
        let whole = Embedded::at(text.into(), Span::new(0, text.len()), (0..=text.len()).collect());
        read(&whole, 0, &mut found);
    }
    found
}

fn read(file: &Embedded, depth: usize, found: &mut Found) {
    let text = file.text.trim_start_matches('\u{feff}');
    let mark = file.text.len() - text.len();
    if depth > DEEPEST || serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
        return;
    }
    // The text is sound, so that strings and brackets are all there is to look for.
    let mut items: Vec<Item> = Vec::new();
    let bytes = file.text.as_bytes();
    let mut at = mark;
    let mut is_key = false;
    while at < bytes.len() {
        match bytes[at] {
            open @ (b'{' | b'[') => {
                items.push(Item { is_list: open == b'[', ..Item::default() });
                is_key = open == b'{';
            }
            b'}' | b']' => {
                items.pop().into_iter().for_each(|item| add(item, found));
            }
            b',' => is_key = items.last().is_some_and(|item| !item.is_list),
            b':' => is_key = false,
            b'"' => {
                let end = end_of_string(bytes, at);
                string(file, Span::new(at, end), is_key, items.last_mut(), depth, found);
                at = end;
                continue;
            }
            b'0'..=b'9' => {
                let end = bytes[at..].iter().position(|byte| !byte.is_ascii_digit()).map_or(bytes.len(), |n| at + n);
                if let Some(item) = items.last_mut().filter(|item| item.key == "queryType") {
                    item.query_type = Some(file.text[at..end].to_string());
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
}

/// Returns where the string that begins at `start` is over.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

fn string(file: &Embedded, span: Span, is_key: bool, item: Option<&mut Item>, depth: usize, found: &mut Found) {
    let Some(item) = item else { return };
    let Ok(value) = serde_json::from_str::<String>(&file.text[span.start..span.end]) else { return };
    if is_key {
        item.key = value;
        return;
    }
    match item.key.as_str() {
        "version" => item.version = value,
        "query" => item.query = Some(Embedded::new(value, &file.text, span).within(file)),
        "queryType" => item.query_type = Some(value),
        "serializedData" => read(&Embedded::new(value, &file.text, span).within(file), depth + 1, found),
        _ => {}
    }
}

/// Takes the query of an item that asks Log Analytics.
fn add(item: Item, found: &mut Found) {
    let Item { query: Some(query), query_type, version, .. } = item else { return };
    let asks = match query_type.as_deref() {
        Some(written) => written == "0",
        None => version.starts_with("KqlItem"),
    };
    // Other sources are asked with JSON, or with expressions of the template.
    if !asks || query.text.trim_start().starts_with(['{', '[']) {
        return;
    }
    match placeholder(&query.text) {
        Some(name) => found.waiting.push((query, name)),
        None => found.queries.push(query),
    }
}

/// Finds the first `{Parameter}` or `{Parameter:format}` outside of strings: what stands in its place may be anything.
fn placeholder(query: &str) -> Option<String> {
    let outside = crate::syntax::tokenize(query);
    let open = outside.iter().filter(|token| token.kind == crate::syntax::TokenKind::OpenBrace);
    open.filter_map(|token| {
        let inner = query[token.span.end..].split_once('}')?.0;
        let name = inner.split(':').next().unwrap_or_default();
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        (is_name && !inner.contains('\n')).then(|| inner.to_string())
    })
    .next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKBOOK: &str = r#"{"version":"Notebook/1.0","items":[
        {"type":1,"content":{"json":"text"}},
        {"type":3,"content":{"version":"KqlItem/1.0","query":"T\n| where a == \"b\"\n| count","queryType":0}},
        {"type":3,"content":{"version":"KqlItem/1.0","query":"resources","queryType":1}},
        {"type":3,"content":{"version":"KqlItem/1.0","query":"T | where t {TimeRange}","queryType":0}},
        {"type":9,"content":{"parameters":[{"query":"U | distinct x","queryType":0}]}}]}"#;

    fn texts(found: &[Embedded]) -> Vec<&str> {
        found.iter().map(|query| query.text.as_str()).collect()
    }

    fn place_of<'a>(file: &'a str, query: &Embedded, part: &str) -> &'a str {
        let at = query.text.find(part).unwrap();
        let span = query.place(Span::new(at, at + part.len()));
        &file[span.start..span.end]
    }

    #[test]
    fn charts_and_parameters_have_queries() {
        let found = find(WORKBOOK);
        assert_eq!(texts(&found.queries), ["T\n| where a == \"b\"\n| count", "U | distinct x"]);
        assert_eq!((found.waiting.len(), found.waiting[0].1.as_str()), (1, "TimeRange"));
        assert_eq!(place_of(WORKBOOK, &found.queries[0], "where a"), "where a");
    }

    #[test]
    fn a_template_holds_the_workbook_as_a_text() {
        let template = serde_json::json!({"resources": [{"properties": {"serializedData": WORKBOOK}}]}).to_string();
        let found = find(&template);
        assert_eq!(texts(&found.queries), ["T\n| where a == \"b\"\n| count", "U | distinct x"]);
        assert_eq!(place_of(&template, &found.queries[0], "count"), "count");
    }

    #[test]
    fn other_json_has_none() {
        assert!(find(r#"{"query":"T","a":"queryType"}"#).is_empty());
        assert!(find("queryType").is_empty());
    }
}
