//! Names: as they are, in brackets, and with `*` in them.

use nom::Parser;
use nom::branch::alt;

use super::expression::has_name_position;
use super::tokens::{Read, Tokens, absent, optional};
use crate::diagnostic::Diagnostic;
use crate::syntax::ast::{Expr, ExprKind, Name};
use crate::syntax::lexer::{Reach, TokenKind, string_content};

/// A name that refers to something.
///
/// `AlertName`, `count`, `['a b']`, `["a b"]`, `{TimeRange}`
pub(super) fn name(input: Tokens<'_>) -> Read<'_, Name> {
    match input.kind() {
        TokenKind::OpenBracket => bracketed_name(input),
        TokenKind::OpenBrace => braced_name(input),
        TokenKind::Identifier | TokenKind::Keyword(Reach::Name) => Ok(plain(input, 1)),
        _ => absent(),
    }
}

/// A name that is given to something; a few keywords more may be used.
///
/// `title`, `by`
pub(super) fn declared_name(input: Tokens<'_>) -> Read<'_, Name> {
    match input.kind() {
        TokenKind::Keyword(Reach::Declared) => Ok(plain(input, 1)),
        _ => name(input),
    }
}

/// Reads a name, or reports that it is missing.
pub(super) fn required_name(input: Tokens<'_>) -> Read<'_, Name> {
    let (rest, found) = optional(input, name)?;
    Ok((rest, found.unwrap_or_else(|| input.missing_name())))
}

/// Takes `n` tokens as a name, as they are.
pub(super) fn plain(input: Tokens<'_>, n: usize) -> (Tokens<'_>, Name) {
    let rest = input.skip(n);
    let span = input.span_to(rest);
    (rest, Name { span, text: input.text_of(span).to_string(), quoted: false })
}

/// `['a b']`, `["a b"]`
pub(super) fn bracketed_name(input: Tokens<'_>) -> Read<'_, Name> {
    let strings = strings_at(input, 1);
    if input.kind() != TokenKind::OpenBracket || strings == 0 || input.kind_at(strings + 1) != TokenKind::CloseBracket {
        return absent();
    }
    let text = (1..=strings).map(|n| string_content(input.text_at(n))).collect();
    let rest = input.skip(strings + 2);
    Ok((rest, Name { span: input.span_to(rest), text, quoted: true }))
}

/// Returns how many strings stand from token `n` on.
pub(super) fn strings_at(input: Tokens<'_>, n: usize) -> usize {
    (n..).take_while(|n| input.kind_at(*n) == TokenKind::String).count()
}

/// A placeholder of a dashboard; its text keeps the braces.
///
/// `{TimeRange}`, `{List[2]}`
pub(super) fn braced_name(input: Tokens<'_>) -> Read<'_, Name> {
    match braced_length(input, 0) {
        Some(length) => Ok(plain(input, length)),
        None => absent(),
    }
}

/// Returns how many tokens the placeholder at token `n` has; none of them has a space before it.
pub(super) fn braced_length(input: Tokens<'_>, n: usize) -> Option<usize> {
    let is = |at: usize, kind: TokenKind| input.kind_at(at) == kind && input.touches(at);
    let is_word = matches!(input.kind_at(n + 1), TokenKind::Identifier | TokenKind::Keyword(_)) && input.touches(n + 1);
    if input.kind_at(n) != TokenKind::OpenBrace || !is_word {
        return None;
    }
    let mut at = n + 2;
    if is(at, TokenKind::OpenBracket) {
        at += 1 + usize::from(is(at + 1, TokenKind::Minus));
        if !is(at, TokenKind::Long) || !is(at + 1, TokenKind::CloseBracket) {
            return None;
        }
        at += 2;
    }
    is(at, TokenKind::CloseBrace).then_some(at + 1 - n)
}

/// Returns how many tokens the name at token `n` has.
pub(super) fn name_length(input: Tokens<'_>, n: usize) -> Option<usize> {
    match input.kind_at(n) {
        TokenKind::Identifier | TokenKind::Keyword(Reach::Name) => Some(1),
        TokenKind::OpenBracket => {
            let strings = strings_at(input, n + 1);
            (strings > 0 && input.kind_at(n + 1 + strings) == TokenKind::CloseBracket).then_some(strings + 2)
        }
        TokenKind::OpenBrace => braced_length(input, n),
        _ => None,
    }
}

/// As [`name_length`], for a name that is given.
pub(super) fn declared_name_length(input: Tokens<'_>, n: usize) -> Option<usize> {
    match input.kind_at(n) {
        TokenKind::Keyword(Reach::Declared) => Some(1),
        _ => name_length(input, n),
    }
}

/// A name with `*` in it, without spaces.
///
/// `Sec*`, `*_d`, `a*b*`, `*`
pub(super) fn wildcard_name(input: Tokens<'_>) -> Read<'_, Name> {
    match wildcard_length(input) {
        Some(length) => Ok(plain(input, length)),
        None => absent(),
    }
}

fn wildcard_length(input: Tokens<'_>) -> Option<usize> {
    let is_part = |n: usize| {
        use TokenKind::*;
        matches!(input.kind_at(n), Identifier | Keyword(Reach::Name | Reach::Declared))
    };
    let start = match input.kind() {
        TokenKind::Star => 1,
        _ if is_part(0) && input.kind_at(1) == TokenKind::Star && input.touches(1) => 2,
        _ => return None,
    };
    let more = (start..).take_while(|n| {
        input.touches(*n) && (is_part(*n) || matches!(input.kind_at(*n), TokenKind::Long | TokenKind::Star))
    });
    Some(start + more.count())
}

/// A name with `*` in it, as an expression.
pub(super) fn wildcard(input: Tokens<'_>) -> Read<'_, Expr> {
    let (rest, name) = wildcard_name(input)?;
    let kind = if name.text == "*" { ExprKind::Star } else { ExprKind::Wildcard(name.text) };
    Ok((rest, Expr { span: name.span, kind }))
}

/// A name as an expression.
pub(super) fn name_reference(input: Tokens<'_>) -> Read<'_, Expr> {
    let (rest, name) = name(input)?;
    Ok((rest, Expr { span: name.span, kind: ExprKind::Name(name) }))
}

/// A column, or several at once.
///
/// `AlertName`, `Ext*`
pub(super) fn name_or_wildcard(input: Tokens<'_>) -> Read<'_, Expr> {
    alt((wildcard, name_reference)).parse(input)
}

/// A keyword that stands where only a name makes sense.
///
/// `string == "a"`
pub(super) fn keyword_as_name(input: Tokens<'_>) -> Read<'_, Expr> {
    if !matches!(input.kind(), TokenKind::Keyword(_)) || !has_name_position(input) {
        return absent();
    }
    let (rest, name) = plain(input, 1);
    report_brackets_needed(input, &name);
    Ok((rest, Expr { span: name.span, kind: ExprKind::Name(name) }))
}

/// Reports a name that is one only within brackets.
pub(super) fn report_brackets_needed(input: Tokens<'_>, name: &Name) {
    let text = &name.text;
    let problem = Diagnostic::error("KS228", name.span, format!("`{text}` cannot be a name here as it stands"));
    input.report(problem.help(format!("write ['{text}']")));
}
