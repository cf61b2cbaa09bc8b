//! Holds what came out against what a case expects, and shows the difference.

use std::fmt::Write;

use serde_json::{Map, Value as Json};
use similar::{ChangeTag, TextDiff};

use super::read::moment;
use super::records::json_of;
use crate::diagnostic::Span;
use crate::rules::document::{Entry, Node, Value as Written};
use crate::types::ticks;

/// What differs between what a case expects and what came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// Where it is expected.
    pub span: Span,
    pub message: String,
    /// Lines that begin with `-` (expected), `+` (came out) or a space.
    pub diff: String,
}

/// A field that is not as expected.
#[derive(Debug, Clone, PartialEq)]
pub struct Mismatch {
    pub field: String,
    pub expected: Json,
    pub found: Json,
}

/// Holds a list of expected rows against those that came out, in whatever order: each must have one of its own.
pub(super) fn compare(what: &str, expected: &Node, found: &[Map<String, Json>], start: i64) -> Vec<Failure> {
    let items = expected.items();
    let fits = |item: &Node| -> Vec<usize> {
        (0..found.len()).filter(|place| mismatches(item, &found[*place], start).is_empty()).collect()
    };
    let partners = partners(&items.iter().map(fits).collect::<Vec<_>>(), found.len());
    let mut left: Vec<&Map<String, Json>> =
        found.iter().enumerate().filter(|(place, _)| !partners.contains(&Some(*place))).map(|(_, row)| row).collect();
    let unmatched = items.iter().zip(&partners).filter(|(_, partner)| partner.is_none()).map(|(item, _)| item);
    let mut failures = Vec::new();
    for item in unmatched {
        // The nearest of what is left over shows best what is wrong.
        let nearest = (0..left.len()).min_by_key(|place| mismatches(item, left[*place], start).len());
        match nearest.filter(|place| mismatches(item, left[*place], start).len() < item.entries().len()) {
            Some(place) => {
                let row = left.remove(place);
                let names: Vec<_> = mismatches(item, row, start).into_iter().map(|m| m.field).collect();
                let message = format!("{} {what} differs in {}", article(what), names.join(", "));
                failures.push(Failure { span: item.span, message, diff: diff(item, row, start) });
            }
            None => {
                let message = format!("an expected {what} did not come");
                failures.push(Failure { span: item.span, message, diff: lines('-', &shown(&json_of(item))) });
            }
        }
    }
    for row in left {
        let keys = expected.items().iter().flat_map(|item| item.entries()).map(|entry| entry.key.value.as_str());
        let row = brief(row, keys.collect());
        let message = format!("{} {what} came that is not expected", article(what));
        failures.push(Failure { span: expected.span, message, diff: lines('+', &shown(&Json::Object(row))) });
    }
    failures
}

/// Finds a row of its own for as many expectations as can have one; `fits` says which rows each takes.
///
/// What is told least would otherwise take the row that another needs.
fn partners(fits: &[Vec<usize>], rows: usize) -> Vec<Option<usize>> {
    let mut owner: Vec<Option<usize>> = vec![None; rows];
    let mut partners: Vec<Option<usize>> = vec![None; fits.len()];
    for first in 0..fits.len() {
        // Who would give up which row, on the way to a row that is free.
        let mut asked_by: Vec<Option<usize>> = vec![None; rows];
        let mut asking = std::collections::VecDeque::from([first]);
        let mut free = None;
        while let (Some(item), None) = (asking.pop_front(), free) {
            for row in fits[item].iter().copied() {
                if asked_by[row].is_some() {
                    continue;
                }
                asked_by[row] = Some(item);
                match owner[row] {
                    Some(other) => asking.push_back(other),
                    None => {
                        free = Some(row);
                        break;
                    }
                }
            }
        }
        while let Some(row) = free {
            let Some(item) = asked_by[row] else { break };
            free = partners[item].replace(row);
            owner[row] = Some(item);
            if item == first {
                break;
            }
        }
    }
    partners
}

fn article(what: &str) -> &'static str {
    if what.starts_with(['a', 'i']) { "an" } else { "a" }
}

/// Returns what tells a row to a reader: its main columns, and those that the case names.
pub(super) fn brief(row: &Map<String, Json>, named: Vec<&str>) -> Map<String, Json> {
    const MAIN: [&str; 7] = ["rule", "at", "DisplayName", "AlertSeverity", "Title", "Severity", "AlertIds"];
    let wanted = |key: &String| MAIN.contains(&key.as_str()) || named.contains(&key.as_str());
    row.iter().filter(|(key, _)| wanted(key)).map(|(key, value)| (key.clone(), unpacked(value))).collect()
}

/// Returns the fields of a row that are not as expected; none where it has more.
pub(super) fn mismatches(expected: &Node, row: &Map<String, Json>, start: i64) -> Vec<Mismatch> {
    let mut found = Vec::new();
    for entry in expected.entries() {
        let value = row.get(&entry.key.value).unwrap_or(&Json::Null);
        matches(&entry.value, value, start, &entry.key.value, &mut found);
    }
    found
}

fn matches(expected: &Node, found: &Json, start: i64, path: &str, wrong: &mut Vec<Mismatch>) {
    let mut differ = || {
        wrong.push(Mismatch { field: path.to_string(), expected: json_of(expected), found: found.clone() });
    };
    match (&expected.value, &unpacked_for(expected, found)) {
        (Written::Map(entries), Json::Object(fields)) => {
            for entry in entries {
                let value = fields.get(&entry.key.value).unwrap_or(&Json::Null);
                matches(&entry.value, value, start, &format!("{path}.{}", entry.key.value), wrong);
            }
        }
        // How many there are, where they are too many to be named.
        (Written::Map(entries), Json::Array(values)) if is_count(entries) => {
            if entries[0].value.as_text() != Some(values.len().to_string().as_str()) {
                let (expected, found) = (json_of(expected), serde_json::json!({COUNT: values.len()}));
                wrong.push(Mismatch { field: path.to_string(), expected, found });
            }
        }
        (Written::List(items), Json::Array(values)) if items.len() == values.len() => {
            for (place, (item, value)) in items.iter().zip(values).enumerate() {
                matches(item, value, start, &format!("{path}[{place}]"), wrong);
            }
        }
        (Written::Map(_) | Written::List(_), _) => differ(),
        (Written::Null, value) => {
            if !(value.is_null() || value == "") {
                differ();
            }
        }
        (_, value) => {
            let text = expected.as_text().unwrap_or_default();
            if !same(text, value, start) {
                differ();
            }
        }
    }
}

/// The key that stands for the length of a list.
const COUNT: &str = "count";

fn is_count(entries: &[Entry]) -> bool {
    matches!(entries, [entry] if entry.key.value == COUNT)
}

/// Compares a scalar of the file with a value; moments as moments.
fn same(text: &str, value: &Json, start: i64) -> bool {
    let plain = match value {
        Json::String(found) => found.clone(),
        Json::Null => String::new(),
        other => other.to_string(),
    };
    if plain == text {
        return true;
    }
    let is_moment = plain.len() == 28 && plain.ends_with('Z');
    let found = is_moment.then(|| ticks::parse_datetime(&plain)).flatten();
    found.is_some() && moment(text, start) == found
}

/// Reads the JSON of a text where the file has a list or a group of keys for it.
fn unpacked_for(expected: &Node, found: &Json) -> Json {
    match expected.value {
        Written::Map(_) | Written::List(_) => unpacked(found),
        _ => found.clone(),
    }
}

/// Reads the JSON that a text holds, if it holds a list or a bag.
fn unpacked(found: &Json) -> Json {
    let text = found.as_str().filter(|text| text.starts_with(['{', '[']));
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| found.clone())
}

/// Returns a value as the file's author would write it: the parts that the expectation names.
pub(super) fn projected(expected: &Node, found: &Json, start: i64) -> Json {
    match (&expected.value, &unpacked_for(expected, found)) {
        (Written::Map(entries), Json::Object(fields)) => {
            let part = |entry: &Entry| {
                let value = fields.get(&entry.key.value).unwrap_or(&Json::Null);
                (entry.key.value.clone(), projected(&entry.value, value, start))
            };
            Json::Object(entries.iter().map(part).collect())
        }
        (Written::Map(entries), Json::Array(values)) if is_count(entries) => serde_json::json!({COUNT: values.len()}),
        (Written::List(items), Json::Array(values)) => {
            let part = |(place, value): (usize, &Json)| {
                items.get(place).map_or_else(|| value.clone(), |item| projected(item, value, start))
            };
            Json::Array(values.iter().enumerate().map(part).collect())
        }
        // What is as expected keeps its spelling: an offset stays one.
        (_, value) if same(expected.as_text().unwrap_or_default(), value, start) => json_of(expected),
        (_, value) => value.clone(),
    }
}

fn diff(expected: &Node, row: &Map<String, Json>, start: i64) -> String {
    let found = projected(expected, &Json::Object(row.clone()), start);
    let (expected, found) = (shown(&json_of(expected)), shown(&found));
    let mut out = String::new();
    for change in TextDiff::from_lines(&expected, &found).iter_all_changes() {
        let sign = match change.tag() {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => ' ',
        };
        out.push(sign);
        out.push_str(change.value());
    }
    out
}

fn lines(sign: char, text: &str) -> String {
    text.lines().fold(String::new(), |mut out, line| {
        let _ = writeln!(out, "{sign}{line}");
        out
    })
}

/// Writes JSON as YAML, one key a line.
pub(super) fn shown(json: &Json) -> String {
    let mut out = String::new();
    write(json, 0, &mut out);
    out
}

fn write(json: &Json, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    match json {
        Json::Object(fields) => {
            for (key, value) in fields {
                let key = scalar(&Json::String(key.clone()));
                match value {
                    Json::Object(inner) if !inner.is_empty() => {
                        let _ = writeln!(out, "{indent}{key}:");
                        write(value, depth + 1, out);
                    }
                    Json::Array(inner) if inner.iter().any(|item| item.is_object() || item.is_array()) => {
                        let _ = writeln!(out, "{indent}{key}:");
                        write(value, depth + 1, out);
                    }
                    other => _ = writeln!(out, "{indent}{key}: {}", scalar(other)),
                }
            }
        }
        Json::Array(items) => {
            for item in items {
                let mut inner = String::new();
                write(item, 0, &mut inner);
                for (place, line) in inner.lines().enumerate() {
                    let _ = writeln!(out, "{indent}{}{line}", if place == 0 { "- " } else { "  " });
                }
            }
        }
        other => _ = writeln!(out, "{indent}{}", scalar(other)),
    }
}

/// Writes a value on one line; a text without quotes where YAML reads it as the same text.
pub(super) fn scalar(json: &Json) -> String {
    let Json::String(text) = json else { return json.to_string() };
    let first = text.chars().next();
    let plain = first.is_some_and(|first| first.is_ascii_alphabetic())
        && !text.ends_with([' ', ':'])
        && text.chars().all(|c| c.is_alphanumeric() || " _-./@".contains(c))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_lowercase().as_str());
    if plain { text.clone() } else { json.to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rules::document::yaml;

    fn row() -> Map<String, Json> {
        let details = json!({"Custom Details": "{\"Team\":[\"red\"]}"}).to_string();
        let row = json!({"Title": "a", "Count": 3, "At": "2026-01-01T00:05:00.0000000Z", "Properties": details,
            "Ids": "[\"x\",\"y\"]", "Empty": ""});
        row.as_object().unwrap().clone()
    }

    fn wrong(expected: &str) -> Vec<String> {
        let node = yaml::read(expected).unwrap();
        let start = ticks::parse_datetime("2026-01-01").unwrap();
        mismatches(&node, &row(), start).into_iter().map(|mismatch| mismatch.field).collect()
    }

    #[test]
    fn rows_match_as_far_as_they_are_told() {
        assert_eq!(wrong("{Title: a, Count: 3, Ids: [x, y], Empty: null, Missing: null}"), [""; 0]);
        assert_eq!(wrong("{Title: b, Count: 4, Ids: [x], Empty: a}"), ["Title", "Count", "Ids", "Empty"]);
        assert_eq!(wrong("At: +5m"), [""; 0]);
        assert_eq!(wrong("At: 2026-01-01T00:05:00Z"), [""; 0]);
        assert_eq!(wrong("At: +6m"), ["At"]);
    }

    #[test]
    fn json_within_json_is_unpacked() {
        assert_eq!(wrong("Properties: {Custom Details: {Team: [red]}}"), [""; 0]);
        assert_eq!(wrong("Properties: {Custom Details: {Team: [blue]}}"), ["Properties.Custom Details.Team[0]"]);
    }

    #[test]
    fn what_is_told_least_leaves_the_row_that_another_needs() {
        let other = Map::from_iter([("Title".to_string(), json!("a"))]);
        for text in ["[{Title: a}, {Title: a, Count: 3}]", "[{Title: a, Count: 3}, {}]", "[{}, {Title: a}]"] {
            for rows in [[row(), other.clone()], [other.clone(), row()]] {
                assert_eq!(compare("alert", &yaml::read(text).unwrap(), &rows, 0), [], "{text}");
            }
        }
        let three = partners(&[vec![0, 1], vec![0], vec![1, 2]], 3);
        assert_eq!(three, [Some(1), Some(0), Some(2)]);
        assert_eq!(partners(&[vec![0], vec![0]], 1), [Some(0), None]);
    }

    #[test]
    fn the_nearest_row_is_shown() {
        let expected = yaml::read("- {Title: a, Count: 4}\n- {Title: z}\n").unwrap();
        let failures = compare("alert", &expected, &[row()], 0);
        assert_eq!(failures[0].message, "an alert differs in Count");
        assert_eq!(failures[0].diff, " Title: a\n-Count: 4\n+Count: 3\n");
        assert_eq!(
            (failures[1].message.as_str(), failures[1].diff.as_str()),
            ("an expected alert did not come", "-Title: z\n")
        );
        let silence = yaml::read("[]").unwrap();
        assert_eq!(compare("alert", &silence, &[row()], 0)[0].message, "an alert came that is not expected");
    }
}
