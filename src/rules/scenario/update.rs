//! Writes what came out into a file of tests, in the place of what was expected.

use serde_json::{Map, Value as Json};

use super::expect::{brief, mismatches, projected, scalar, shown};
use super::run::{alert_rows, incident_rows, last_incidents};
use super::{Case, Scenario, Verdict};
use crate::diagnostic::Span;
use crate::rules::Rule;
use crate::rules::document::Node;

/// Returns the text of a file of tests with the lists and numbers that are not as expected replaced by what came out; the rest is left as it
/// is, comments too. None where nothing is to be changed.
///
/// Rows that were expected keep the columns that they name; others get those that tell them best. Cases with parameters
/// are left alone: one text stands for several of them.
pub fn updated(text: &str, scenario: &Scenario, verdicts: &[(&Case, &Verdict)], rules: &[Rule]) -> Option<String> {
    let mut changes: Vec<(Span, String)> = Vec::new();
    for (case, verdict) in verdicts {
        if case.has_parameters || verdict.failures.is_empty() || !verdict.problems.is_empty() {
            continue;
        }
        let lists = [
            (&case.expect.alerts, alert_rows(&verdict.outcome, rules)),
            (&case.expect.incidents, last_incidents(&verdict.outcome)),
            (&case.expect.incident_rows, incident_rows(&verdict.outcome)),
        ];
        for (expected, rows) in lists {
            let Some(expected) = expected else { continue };
            let start = expected.span.start;
            let whole = Span::new(start, end(text, start)?);
            // A list that is as expected keeps its spelling.
            if verdict.failures.iter().any(|f| whole.start <= f.span.start && f.span.start <= whole.end) {
                // Within braces there are no lines with a dash.
                let braces = text.get(case.expect.span.start..).is_some_and(|rest| rest.starts_with('{'));
                let rows = written(expected, &rows, scenario.start);
                changes.push((whole, if braces { flow(&rows) } else { list(text, start, &rows) }));
            }
        }
        let counts = [
            (case.expect.alert_count, verdict.outcome.alerts.len()),
            (case.expect.incident_count, last_incidents(&verdict.outcome).len()),
        ];
        let counts = counts.into_iter().filter_map(|(expected, found)| Some((expected?, found)));
        let wrong = counts.filter(|(expected, found)| expected.value != *found);
        changes.extend(wrong.map(|(expected, found)| (expected.span, found.to_string())));
    }
    if changes.is_empty() {
        return None;
    }
    changes.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    let mut out = text.to_string();
    for (span, new) in changes {
        // Nothing stands between a key and the line below it.
        let start = if new.starts_with('\n') { out[..span.start].trim_end_matches(' ').len() } else { span.start };
        out.replace_range(start..span.end, &new);
    }
    Some(out)
}

/// Finds the end of a list that begins here: behind its bracket, or before the line that is not indented like it.
fn end(text: &str, start: usize) -> Option<usize> {
    let rest = text.get(start..)?;
    if rest.starts_with('[') {
        return Some(start + bracket(rest)?);
    }
    let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let depth = text[line..start].chars().count();
    let mut end = start;
    for (place, part) in rest.split_inclusive('\n').enumerate() {
        let indent = part.len() - part.trim_start().len();
        let is_of_list = place == 0 || indent > depth || indent == depth && part.trim_start().starts_with('-');
        if !part.trim().is_empty() && !is_of_list {
            break;
        }
        end += part.len();
    }
    Some(start + text[start..end].trim_end().len())
}

/// Finds the length of a list in brackets.
fn bracket(text: &str) -> Option<usize> {
    let (mut depth, mut quote, mut before, mut comment) = (0_usize, None, '[', false);
    for (at, c) in text.char_indices() {
        if comment {
            comment = c != '\n';
        } else if let Some(open) = quote {
            // An escaped quote of the one kind, and a doubled one of the other, open again at once.
            if c == open && before != '\\' {
                quote = None;
            }
        } else {
            match c {
                '[' | '{' => depth += 1,
                ']' | '}' => depth = depth.checked_sub(1)?,
                '"' | '\'' if "[{,: '\"".contains(before) => quote = Some(c),
                '#' if before.is_whitespace() => comment = true,
                _ => {}
            }
            if depth == 0 {
                return Some(at + c.len_utf8());
            }
        }
        before = c;
    }
    None
}

/// Returns rows as the file's author would write them: by the columns that are named, or by those that tell them best.
fn written(expected: &Node, rows: &[Map<String, Json>], start: i64) -> Json {
    let mut left: Vec<&Node> = expected.items().iter().collect();
    let row = |row: &Map<String, Json>| {
        let nearest = (0..left.len()).min_by_key(|place| mismatches(left[*place], row, start).len());
        match nearest.map(|place| left.remove(place)) {
            Some(item) => projected(item, &Json::Object(row.clone()), start),
            None => Json::Object(brief(row, Vec::new())),
        }
    };
    Json::Array(rows.iter().map(row).collect())
}

/// Writes a list with a line for each key, for the place where one stood.
fn list(text: &str, start: usize, rows: &Json) -> String {
    if rows.as_array().is_none_or(Vec::is_empty) {
        return "[]".to_string();
    }
    let list = shown(rows);
    let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let before = &text[line..start];
    let depth = before.len() - before.trim_start().len();
    // A list behind its key goes on the next line, one level in; one that has lines of its own stays where it is.
    let (lead, depth) = if before.trim().is_empty() { (String::new(), depth) } else { ("\n".to_string(), depth + 2) };
    let indent = " ".repeat(depth);
    let lines: Vec<_> = list
        .lines()
        .enumerate()
        .map(|(place, line)| if place == 0 && lead.is_empty() { line.to_string() } else { format!("{indent}{line}") })
        .collect();
    format!("{lead}{}", lines.join("\n"))
}

/// Writes a value in one line, as it stands within braces.
fn flow(json: &Json) -> String {
    match json {
        Json::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Json::Object(fields) => {
            let field =
                |(key, value): (&String, &Json)| format!("{}: {}", scalar(&Json::String(key.clone())), flow(value));
            format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        other => scalar(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, list: &str) {
        let start = text.find(list).unwrap();
        assert_eq!(end(text, start).map(|end| &text[start..end]), Some(list));
    }

    #[test]
    fn lists_end_where_they_end() {
        check("alerts: [{a: 1}, {b: [2]}] # note ]\nx: 1\n", "[{a: 1}, {b: [2]}]");
        check("alerts: [{a: \"]\", b: 'it''s ]', c: it's}]\n", "[{a: \"]\", b: 'it''s ]', c: it's}]");
        check("alerts:\n  - a: 1\n    b: 2\n  - a: 3\n\nx: 1\n", "- a: 1\n    b: 2\n  - a: 3");
        check("alerts:\n- a: 1\n- {a: 2}\nx: 1\n", "- a: 1\n- {a: 2}");
        check("alerts:\n- a: |\n    text\n\n    more\n", "- a: |\n    text\n\n    more");
    }
}
