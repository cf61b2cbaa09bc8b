//! Comments, which the tree does not hold, put back into the canonical layout.

use crate::syntax::ast::Query;
use crate::syntax::comment::{comments, tokens};
use crate::syntax::{self, Token};

/// Lays out a query with its comments; None where one finds no place.
pub(super) fn layout(original: &str, query: &Query) -> Option<String> {
    let tokens = tokens(original);
    let comments = comments(original, &tokens);
    let places: Vec<usize> = comments.iter().map(|comment| comment.span.start).collect();
    let laid_out = &syntax::print::query_of(original, query, &places);
    if comments.is_empty() {
        return Some(laid_out.to_string());
    }
    if tokens.is_empty() {
        return Some(comments.iter().map(|comment| format!("{}\n", comment.text)).collect());
    }
    let printed = syntax::comment::tokens(laid_out);
    let places = matches(original, &tokens, laid_out, &printed);
    // What goes in, by the offset where it goes.
    let mut insertions: Vec<(usize, String)> = Vec::new();
    for comment in comments {
        let before = places[..comment.next].iter().rev().find_map(|place| *place);
        let after = places[comment.next..].iter().find_map(|place| *place);
        insertions.push(match (comment.alone, before, after) {
            (false, Some(token), _) => {
                let end = line_end(laid_out, printed[token].span.end);
                (end, format!(" {}", comment.text))
            }
            (_, _, Some(token)) => {
                let start = line_start(laid_out, printed[token].span.start);
                let line = &laid_out[start..];
                let indent = &line[..line.len() - line.trim_start().len()];
                (start, format!("{indent}{}\n", comment.text))
            }
            (_, _, None) => (laid_out.len(), format!("{}\n", comment.text)),
        });
    }
    let inside = |at: usize| printed.iter().any(|token| token.span.start < at && at < token.span.end);
    if insertions.iter().any(|(at, _)| inside(*at)) {
        return None;
    }
    insertions.sort_by_key(|(at, _)| *at);
    let mut text = String::new();
    let mut done = 0;
    for (at, comment) in insertions {
        text.push_str(&laid_out[done..at]);
        text.push_str(&comment);
        done = at;
    }
    text.push_str(&laid_out[done..]);
    // The last word has the parser: the text must still be the same query.
    (syntax::print::query(&syntax::parse(&text).query) == syntax::print::query(query)).then_some(text)
}

/// Finds the token of the new text that each of the old one has become.
fn matches(old_text: &str, old: &[Token], new_text: &str, new: &[Token]) -> Vec<Option<usize>> {
    /// How far one text may be ahead of the other: parentheses, a comma, another spelling.
    const AHEAD: usize = 8;
    let same = |a: usize, b: usize| match (old.get(a), new.get(b)) {
        (Some(a), Some(b)) => {
            let texts = || old_text.get(a.span.start..a.span.end) == new_text.get(b.span.start..b.span.end);
            a.kind == b.kind && (a.kind == syntax::TokenKind::String || texts())
        }
        _ => false,
    };
    let mut places = vec![None; old.len()];
    let (mut a, mut b) = (0, 0);
    while a < old.len() && b < new.len() {
        let steps = (0..=AHEAD).flat_map(|sum| (0..=sum).map(move |left| (left, sum - left)));
        if let Some((left, right)) = steps.into_iter().find(|(left, right)| same(a + left, b + right)) {
            (a, b) = (a + left, b + right);
            places[a] = Some(b);
        }
        (a, b) = (a + 1, b + 1);
    }
    places
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |end| end + 1)
}

fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |length| at + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(original: &str, wanted: &str) {
        let layout = |text: &str| layout(text, &syntax::parse(text).query);
        assert_eq!(layout(original).as_deref(), Some(wanted));
        assert_eq!(layout(wanted).as_deref(), Some(wanted), "not stable");
    }

    #[test]
    fn comments_stay_beside_what_they_are_about() {
        check("// a\nT|take 5//b\n// c\n|count\n//d", "// a\nT\n| take 5 //b\n// c\n| count\n//d\n");
        check("T // 'x' | y\n| where a == 'http://b'", "T // 'x' | y\n| where a == \"http://b\"\n");
    }

    #[test]
    fn comments_of_items_stay_with_their_items() {
        check("T | project a, // first\n  b // second", "T\n| project\n    a, // first\n    b // second\n");
        check(
            "print dynamic(['a', // one\n'b' // two\n])",
            "print dynamic([\n    \"a\", // one\n    \"b\" // two\n])\n",
        );
        check("T | where a in (1, // x\n2)", "T\n| where a in (\n    1, // x\n    2)\n");
    }

    #[test]
    fn strings_that_say_more_than_their_value_stay() {
        check("print h'a', H@\"b\"", "print h'a', H@\"b\"\n");
        check(r"print 'C:\\\u2000', 'a' 'b', 'c'", "print 'C:\\\\\\u2000', 'a' 'b', \"c\"\n");
        check("print 'a' // one\n 'b'", "print \"ab\" // one\n");
        check("T | where a == ```x\n  y```", "T\n| where a == ```x\n  y```\n");
        check(r"print dynamic(['\u200b'])", "print dynamic([\"\\u200b\"])\n");
    }

    #[test]
    fn parameters_stay_with_every_operator() {
        let text = "externaldata hint.spread=1 (a:long) [\"b\"]\n| sample kind=1 2\n| sample-distinct kind=1 2 of a\n\
                    | serialize kind=1 b = 2\n";
        check(text, text);
    }

    #[test]
    fn an_instruction_to_the_editor_stays() {
        check("#connect x\n\nT|count", "#connect x\nT\n| count\n");
    }

    #[test]
    fn a_text_of_comments_alone_stays() {
        check("// a\n// b", "// a\n// b\n");
    }
}
