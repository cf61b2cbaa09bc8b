//! Queries in Markdown: what stands between fences that are marked as KQL.

use super::super::Embedded;
use crate::diagnostic::Span;

/// The languages that fences name.
const LANGUAGES: [&str; 4] = ["csl", "kql", "kusto", "kustoquerylanguage"];

/// A fence that is open.
struct Fence {
    sign: char,
    length: usize,
    /// How far it is indented: as much goes from each line.
    indent: usize,
    /// Where its text begins, if it is KQL.
    start: Option<usize>,
}

/// Finds the queries of a page.
pub(super) fn find(page: &str) -> Vec<Embedded> {
    let mut found = Vec::new();
    let mut open: Option<Fence> = None;
    let mut at = 0;
    for line in page.split_inclusive('\n') {
        let (start, end) = (at, at + line.len());
        at = end;
        let Some(fence) = &open else {
            open = opening(line, end);
            continue;
        };
        if closes(line, fence) {
            found.extend(fence.start.map(|from| embedded(page, Span::new(from, start), fence.indent)));
            open = None;
        }
    }
    // A fence that nobody closes reaches to the end of the page.
    found.extend(open.and_then(|fence| Some(embedded(page, Span::new(fence.start?, page.len()), fence.indent))));
    found
}

/// Reads the line that opens a fence; `end` is where its text begins.
fn opening(line: &str, end: usize) -> Option<Fence> {
    let text = line.trim_start_matches([' ', '>']);
    let indent = line.len() - text.len();
    let sign = text.chars().next().filter(|sign| matches!(sign, '`' | '~'))?;
    let info = text.trim_start_matches(sign);
    let length = text.len() - info.len();
    if length < 3 || sign == '`' && info.contains('`') {
        return None;
    }
    let language = info.trim().split([' ', ',', '{', ':']).next().unwrap_or_default().to_lowercase();
    Some(Fence { sign, length, indent, start: LANGUAGES.contains(&language.as_str()).then_some(end) })
}

fn closes(line: &str, fence: &Fence) -> bool {
    let text = line.trim_matches([' ', '>', '\t', '\r', '\n']);
    text.len() >= fence.length && text.chars().all(|c| c == fence.sign)
}

fn embedded(page: &str, span: Span, indent: usize) -> Embedded {
    let taken = |line: &str| line.find(|c| !matches!(c, ' ' | '>')).unwrap_or(line.len()).min(indent);
    let lines = page[span.start..span.end].split_inclusive('\n');
    let mut text = String::new();
    let mut offsets = Vec::new();
    let mut at = span.start;
    for line in lines {
        let skip = taken(line);
        text.push_str(&line[skip..]);
        offsets.extend(at + skip..at + line.len());
        at += line.len();
    }
    Embedded::at(text, span, offsets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_of_kql_are_queries() {
        let page =
            "a\n```kusto\nT\n```\n~~~ KQL title\nU\n```\n~~~~\n```sql\nV\n```\n> ```csl\n> W\n> | x\n> ```\n```kql\nX";
        let found = find(page);
        let texts: Vec<_> = found.iter().map(|query| query.text.as_str()).collect();
        assert_eq!(texts, ["T\n", "U\n```\n", "W\n| x\n", "X"]);
        let span = found[2].place(Span::new(4, 5));
        assert_eq!(&page[span.start..span.end], "x");
    }
}
