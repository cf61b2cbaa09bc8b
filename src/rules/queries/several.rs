//! Several queries in one file, with empty lines between them, as the editors of Kusto take them.

use super::super::Embedded;
use crate::diagnostic::Span;
use crate::syntax;
use crate::syntax::{TokenKind, tokenize};

/// Takes a file apart that is no query as a whole; None where it is one, or where its parts are no better.
///
/// ```
/// use alertq::rules::queries::several;
/// assert_eq!(several("T\n| count\n\n// the others\nU\n| take 1\n").map(|queries| queries.len()), Some(2));
/// assert_eq!(several("let n = 1;\n\nT\n\n| take n\n"), None);
/// ```
pub fn several(text: &str) -> Option<Vec<Embedded>> {
    let problems = syntax::parse(text).problems;
    let first = problems.iter().map(|problem| problem.span.start).min()?;
    let parts = parts(text);
    let read: Vec<_> = parts.iter().map(|part| syntax::parse(&text[part.start..part.end])).collect();
    // A line of signs between two queries is none.
    if read.iter().any(|part| part.query.statements.is_empty()) {
        return None;
    }
    let left: usize = read.iter().map(|part| part.problems.len()).sum();
    // What goes wrong first may be that another query begins.
    let another_begins = parts.windows(2).any(|pair| {
        let tokens = |part: &Span| tokenize(&text[part.start..part.end]);
        // The last token is the end of the text.
        let last = tokens(&pair[0]).iter().rev().nth(1).map_or(pair[0].start, |token| pair[0].start + token.span.end);
        let next = pair[1].start + tokens(&pair[1])[0].span.start;
        (last..=next).contains(&first)
    });
    let query = |part: &Span| Embedded::at(text[part.start..part.end].into(), *part, (part.start..part.end).collect());
    let better = left < problems.len() || left == problems.len() && another_begins;
    (parts.len() > 1 && better).then(|| parts.iter().map(query).collect())
}

/// Cuts a text at empty lines between what cannot belong together.
fn parts(text: &str) -> Vec<Span> {
    let tokens = tokenize(text);
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    for pair in tokens.windows(2) {
        use TokenKind::{
            Bar, CloseBrace, CloseBracket, CloseParen, Comma, OpenBrace, OpenBracket, OpenParen, Semicolon,
        };
        match pair[0].kind {
            OpenParen | OpenBracket | OpenBrace => depth += 1,
            CloseParen | CloseBracket | CloseBrace => depth = depth.saturating_sub(1),
            _ => {}
        }
        let joined = matches!(pair[0].kind, Semicolon | Bar | Comma) || pair[1].kind == Bar || depth > 0;
        let between = &text[pair[0].span.end..pair[1].span.start];
        if joined || !has_empty_line(between) {
            continue;
        }
        // Comments above a query belong to it.
        let end = pair[0].span.end + between.find('\n').unwrap_or(0);
        parts.push(Span::new(start, end));
        start = end;
    }
    parts.push(Span::new(start, text.len()));
    parts
}

fn has_empty_line(between: &str) -> bool {
    // What comes first and last belongs to lines that hold more.
    let inner = between.split_once('\n').and_then(|(_, rest)| rest.rsplit_once('\n'));
    inner.is_some_and(|(lines, _)| lines.split('\n').any(|line| line.trim().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let found = several(text).unwrap_or_default();
        let found: Vec<_> = found.iter().map(|query| query.text.trim()).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn empty_lines_part_queries() {
        check("T\n| count\n\nU", &["T\n| count", "U"]);
        check(
            "let a = 1;\n\nT | take a\r\n\r\n// of U\nlet b = 2;\nU",
            &["let a = 1;\n\nT | take a", "// of U\nlet b = 2;\nU"],
        );
    }

    #[test]
    fn a_mistake_in_one_leaves_the_others_alone() {
        check("T\n| count\n\nU\n| take\n\nV", &["T\n| count", "U\n| take", "V"]);
    }

    #[test]
    fn one_query_with_a_mistake_stays_one() {
        check("T\n| where (a ==\n\n1\n| count", &[]);
        check("T\n\n| whree a", &[]);
        check("T\n| count\n\n#----#\n", &[]);
    }
}
