//! Comments, which the tree does not hold.

use super::{Token, TokenKind, tokenize};
use crate::diagnostic::Span;

/// A comment and what it stands beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comment<'a> {
    /// From `//` or `#` to the end of the line.
    pub text: &'a str,
    pub span: Span,
    /// Nothing stands before it on its line.
    pub alone: bool,
    /// Index of the token that follows, among those of [`tokens`].
    pub next: usize,
}

/// Returns the tokens that hold text: the end is none, nor is an instruction to the editor (`#connect`), which counts as
/// a comment.
pub fn tokens(text: &str) -> Vec<Token> {
    let is_text = |token: &Token| token.span.start < token.span.end && token.kind != TokenKind::Directive;
    tokenize(text).into_iter().filter(is_text).collect()
}

/// Finds the comments: all that stands between tokens and is not white space.
///
/// ```
/// use alertq::syntax::comment::{comments, tokens};
/// let text = "T // one\n| where a == '// none'\n// two";
/// let found = comments(text, &tokens(text));
/// assert_eq!(found.iter().map(|c| (c.text, c.alone)).collect::<Vec<_>>(), [("// one", false), ("// two", true)]);
/// ```
pub fn comments<'a>(text: &'a str, tokens: &[Token]) -> Vec<Comment<'a>> {
    let mut found = Vec::new();
    let starts = tokens.iter().map(|token| token.span.start).chain([text.len()]);
    let mut end = 0;
    for (next, start) in starts.enumerate() {
        let mut line_start = end;
        for (number, line) in text.get(end..start).unwrap_or_default().split_inclusive('\n').enumerate() {
            let comment = line.trim();
            if !comment.is_empty() {
                let at = line_start + (line.len() - line.trim_start().len());
                let span = Span::new(at, at + comment.len());
                found.push(Comment { text: comment, span, alone: number > 0 || next == 0, next });
            }
            line_start += line.len();
        }
        end = tokens.get(next).map_or(start, |token| token.span.end);
    }
    found
}
