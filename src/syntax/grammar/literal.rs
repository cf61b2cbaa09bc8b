//! Literals.

use super::name::{braced_name, strings_at};
use super::tokens::{List, Read, Tokens, absent, bracketed, comma_list, optional, required};
use crate::diagnostic::Diagnostic;
use crate::syntax::ast::{DynamicLiteral, Expr, ExprKind, Literal, LiteralKind};
use crate::syntax::lexer::{TokenKind, string_content};

/// A value that stands for itself.
///
/// `5`, `-1.5`, `"a" "b"`, `1d`, `datetime(2020-01-01)`, `dynamic([1, 2])`
pub(super) fn literal(input: Tokens<'_>) -> Read<'_, Expr> {
    match input.kind() {
        TokenKind::String => string(input),
        TokenKind::Plus | TokenKind::Minus => signed_number(input),
        TokenKind::OpenBrace => placeholder(input),
        _ if input.is_word("dynamic") => dynamic(input),
        _ => scalar(input).map(|(rest, value)| (rest, as_expr(input, rest, value))),
    }
}

fn as_expr<'a>(input: Tokens<'a>, rest: Tokens<'a>, value: Literal) -> Expr {
    Expr { span: input.span_to(rest), kind: ExprKind::Literal(value) }
}

/// A string, or several that stand side by side.
fn string(input: Tokens<'_>) -> Read<'_, Expr> {
    let (rest, content) = string_text(input)?;
    Ok((rest, as_expr(input, rest, Literal::String(content))))
}

/// The content of a string, or of several that stand side by side.
pub(super) fn string_text(input: Tokens<'_>) -> Read<'_, String> {
    match strings_at(input, 0) {
        0 => absent(),
        count => Ok((input.skip(count), (0..count).map(|n| string_content(input.text_at(n))).collect())),
    }
}

/// A literal of one token that is not a string.
fn scalar(input: Tokens<'_>) -> Read<'_, Literal> {
    let text = input.text();
    let (kind, text, wrapped) = match input.kind() {
        TokenKind::Bool => (LiteralKind::Bool, text, false),
        TokenKind::Long => (LiteralKind::Long, text, false),
        TokenKind::Real => (LiteralKind::Real, text, false),
        TokenKind::TimeSpan => (LiteralKind::TimeSpan, text, false),
        TokenKind::Wrapped(kind) => (kind, unwrapped(text), true),
        TokenKind::RawGuid => {
            let problem = Diagnostic::error("KS214", input.nth(0).span, "a guid cannot stand here by itself");
            input.report(problem.help(format!("write guid({text})")));
            (LiteralKind::Guid, text, true)
        }
        _ => return absent(),
    };
    Ok((input.skip(1), Literal::Typed { kind, text: text.to_string(), wrapped }))
}

/// Returns what stands between the parentheses of `type(...)`.
fn unwrapped(text: &str) -> &str {
    let inner = text.split_once('(').map_or("", |(_, inner)| inner);
    inner.strip_suffix(')').unwrap_or(inner).trim()
}

/// A number with its sign; the two belong together where only literals may stand.
///
/// `-1`, `+1.5`, `-2d`
fn signed_number(input: Tokens<'_>) -> Read<'_, Expr> {
    let is_number = matches!(input.kind_at(1), TokenKind::Long | TokenKind::Real | TokenKind::TimeSpan);
    if !is_number || !input.touches(1) {
        return absent();
    }
    let (rest, value) = scalar(input.skip(1))?;
    let value = match value {
        Literal::Typed { kind, text, wrapped } => {
            let text = if input.kind() == TokenKind::Minus { format!("-{text}") } else { text };
            Literal::Typed { kind, text, wrapped }
        }
        other => other,
    };
    Ok((rest, as_expr(input, rest, value)))
}

fn placeholder(input: Tokens<'_>) -> Read<'_, Expr> {
    let (rest, name) = braced_name(input)?;
    Ok((rest, Expr { span: name.span, kind: ExprKind::Name(name) }))
}

/// `dynamic({"a": [1, null]})`
fn dynamic(input: Tokens<'_>) -> Read<'_, Expr> {
    if !input.is_word("dynamic") || input.kind_at(1) != TokenKind::OpenParen {
        return absent();
    }
    let (rest, value) = bracketed(input.skip(1), TokenKind::OpenParen, required_dynamic_value)?;
    Ok((rest, as_expr(input, rest, Literal::Dynamic(value))))
}

fn required_dynamic_value(input: Tokens<'_>) -> Read<'_, DynamicLiteral> {
    let (rest, value) = optional(input, dynamic_value)?;
    Ok((rest, value.unwrap_or_else(|| missing_value(input))))
}

fn missing_value(input: Tokens<'_>) -> DynamicLiteral {
    input.missing("a value");
    DynamicLiteral::Null
}

/// A value within `dynamic(...)`.
///
/// `{"a": 1}`, `[1, 2]`, `-1`, `null`, `datetime(2020-01-01)`
fn dynamic_value(input: Tokens<'_>) -> Read<'_, DynamicLiteral> {
    match input.kind() {
        TokenKind::OpenBracket => dynamic_array(input),
        TokenKind::OpenBrace => match braced_name(input) {
            Ok((rest, name)) => Ok((rest, DynamicLiteral::Placeholder(name))),
            Err(_) => dynamic_bag(input),
        },
        TokenKind::Minus => dynamic_negative(input),
        TokenKind::String => {
            string_text(input).map(|(rest, text)| (rest, DynamicLiteral::Scalar(Box::new(Literal::String(text)))))
        }
        _ if input.is_word("null") => Ok((input.skip(1), DynamicLiteral::Null)),
        _ if input.is_word("dynamic") => nested_dynamic(input),
        // Of the types alone `int` is left out (so Microsoft's parser).
        TokenKind::Wrapped(LiteralKind::Int) => absent(),
        _ => scalar(input).map(|(rest, value)| (rest, DynamicLiteral::Scalar(Box::new(value)))),
    }
}

fn nested_dynamic(input: Tokens<'_>) -> Read<'_, DynamicLiteral> {
    match dynamic(input)? {
        (rest, Expr { kind: ExprKind::Literal(Literal::Dynamic(value)), .. }) => Ok((rest, value)),
        _ => absent(),
    }
}

/// `-1`, `- 1.5`
fn dynamic_negative(input: Tokens<'_>) -> Read<'_, DynamicLiteral> {
    if !matches!(input.kind_at(1), TokenKind::Long | TokenKind::Real) {
        return absent();
    }
    let (rest, value) = scalar(input.skip(1))?;
    match value {
        Literal::Typed { kind, text, wrapped } => {
            let value = Literal::Typed { kind, text: format!("-{text}"), wrapped };
            Ok((rest, DynamicLiteral::Scalar(Box::new(value))))
        }
        _ => absent(),
    }
}

/// `[1, "a", {}]`
fn dynamic_array(input: Tokens<'_>) -> Read<'_, DynamicLiteral> {
    let (rest, values) =
        bracketed(input, TokenKind::OpenBracket, |input| comma_list(input, List::ANY, dynamic_value, missing_value))?;
    Ok((rest, DynamicLiteral::Array(values)))
}

/// `{"a": 1, "b": 2}`
fn dynamic_bag(input: Tokens<'_>) -> Read<'_, DynamicLiteral> {
    let (rest, pairs) = bracketed(input, TokenKind::OpenBrace, |input| {
        comma_list(input, List::ANY, dynamic_pair, |input| (String::new(), missing_value(input)))
    })?;
    Ok((rest, DynamicLiteral::Bag(pairs)))
}

/// `"a": 1`
fn dynamic_pair(input: Tokens<'_>) -> Read<'_, (String, DynamicLiteral)> {
    if input.kind() == TokenKind::String {
        let rest = required(input.skip(1), TokenKind::Colon);
        let (rest, value) = required_dynamic_value(rest)?;
        return Ok((rest, (string_content(input.text()), value)));
    }
    if input.kind() == TokenKind::Colon {
        input.missing("a string");
        let (rest, value) = required_dynamic_value(input.skip(1))?;
        return Ok((rest, (String::new(), value)));
    }
    let (rest, value) = dynamic_value(input)?;
    input.missing("a string and `:`");
    Ok((rest, (String::new(), value)))
}
