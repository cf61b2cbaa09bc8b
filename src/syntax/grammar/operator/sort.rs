//! `sort`, and how a key says its order.

use super::super::expression::named_expression;
use super::super::parameter::{Value, sure_parameters};
use super::super::tokens::{List, Read, Tokens, absent, comma_list, optional, required_word};
use super::project::missing_column;
use crate::diagnostic::Diagnostic;
use crate::syntax::ast::{OperatorKind, OrderedExpr};
use crate::syntax::lexer::TokenKind;

/// `sort by a asc, b desc nulls last`
pub(super) fn sort(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, parameters) = sure_parameters(input, &[("hint.strategy", Value::Any)])?;
    let (rest, by) = keys(required_word(rest, "by"), List::SOME)?;
    Ok((rest, OperatorKind::Sort { parameters, by }))
}

/// `a asc, b desc nulls last`
pub(super) fn keys<'a>(input: Tokens<'a>, list: List) -> Read<'a, Vec<OrderedExpr>> {
    comma_list(input, list, ordered_expression, missing_key)
}

/// A sort key that stands where one is missing.
pub(super) fn missing_key(input: Tokens<'_>) -> OrderedExpr {
    OrderedExpr { value: missing_column(input), ascending: None, nulls_first: None, granny: false }
}

/// Reads a sort key, or reports that it is missing.
pub(super) fn required_key(input: Tokens<'_>) -> Read<'_, OrderedExpr> {
    let (rest, key) = optional(input, ordered_expression)?;
    Ok((rest, key.unwrap_or_else(|| missing_key(input))))
}

/// `a`, `b desc`, `c = d nulls first`
pub(super) fn ordered_expression(input: Tokens<'_>) -> Read<'_, OrderedExpr> {
    let (rest, value) = named_expression(input)?;
    let (rest, direction) = optional(rest, direction)?;
    let (ascending, granny) = direction.map_or((None, false), |(ascending, granny)| (Some(ascending), granny));
    let (rest, nulls_first) = nulls(rest);
    Ok((rest, OrderedExpr { value, ascending, nulls_first, granny }))
}

/// `asc`, `desc`, `granny-asc`: whether it ascends, and whether numbers in names count as numbers.
pub(super) fn direction(input: Tokens<'_>) -> Read<'_, (bool, bool)> {
    if !matches!(input.kind(), TokenKind::Keyword(_)) {
        return absent();
    }
    let direction = match input.text() {
        "asc" => (true, false),
        "desc" => (false, false),
        "granny-asc" => (true, true),
        "granny-desc" => (false, true),
        _ => return absent(),
    };
    Ok((input.skip(1), direction))
}

/// `nulls first`, `nulls last`, or nothing.
fn nulls(input: Tokens<'_>) -> (Tokens<'_>, Option<bool>) {
    if !input.is_word("nulls") {
        return (input, None);
    }
    let rest = input.skip(1);
    match rest.text() {
        "first" => (rest.skip(1), Some(true)),
        "last" => (rest.skip(1), Some(false)),
        _ => {
            rest.report(Diagnostic::error("KS006", rest.here(), "`first` or `last` is missing behind `nulls`"));
            (rest, None)
        }
    }
}
