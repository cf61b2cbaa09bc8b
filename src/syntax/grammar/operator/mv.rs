//! Operators that take arrays apart: `mv-expand` and `mv-apply`.

use super::super::expression::{named_expression, required_scalar};
use super::super::name::plain;
use super::super::parameter::{Known, Value, parameters};
use super::super::statement::any_type_name;
use super::super::tokens::{List, Read, Tokens, absent, bracketed, comma_list, optional, required_word};
use super::fork::required_operators;
use super::project::missing_column;
use crate::syntax::ast::{Expr, MvApply, MvColumn, Name, OperatorKind};
use crate::syntax::lexer::TokenKind;

const PARAMETERS: Known = &[("kind", Value::Any), ("bagexpansion", Value::Any), ("with_itemindex", Value::Name)];

/// `mv-expand kind=array x = a to typeof(long), b limit 10`
pub(super) fn mv_expand(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, parameters) = parameters(input, PARAMETERS)?;
    let list = List::SOME.until(|input| input.is_word("limit") || input.is_list_end());
    let (rest, columns) =
        comma_list(rest, list, column, |input| MvColumn { value: missing_column(input), to_type: None })?;
    let (rest, limit) = clause(rest, "limit")?;
    Ok((rest, OperatorKind::MvExpand { parameters, columns, limit }))
}

/// `mv-apply x = a to typeof(long) on (where x > 1)`
pub(super) fn mv_apply(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, parameters) = parameters(input, PARAMETERS)?;
    let list = List::SOME.until(ends_applied);
    let (rest, columns) =
        comma_list(rest, list, column, |input| MvColumn { value: missing_column(input), to_type: None })?;
    let (rest, limit) = clause(rest, "limit")?;
    let (rest, context_id) = clause(rest, "id")?;
    let rest = required_word(rest, "on");
    let opening = rest;
    let (rest, body) = bracketed(rest, TokenKind::OpenParen, required_operators)?;
    let body_span = opening.span_to(rest);
    Ok((rest, OperatorKind::MvApply(MvApply { parameters, columns, limit, context_id, body, body_span })))
}

/// `limit`, `id` and `on` end the columns, unless what follows shows that they are columns.
fn ends_applied(input: Tokens<'_>) -> bool {
    let is_clause = input.is_any_word(&["limit", "id", "on"]);
    let is_name = matches!(input.kind_at(1), TokenKind::Comma | TokenKind::Assign) || input.is_word_at(1, "to");
    (is_clause && !is_name) || input.is_list_end()
}

/// `x = a to typeof(long)`
fn column(input: Tokens<'_>) -> Read<'_, MvColumn> {
    if input.is_word("to") {
        let value = missing_column(input);
        let (rest, to_type) = to_type(input)?;
        return Ok((rest, MvColumn { value, to_type }));
    }
    let (rest, value) = named_expression(input)?;
    let (rest, to_type) = to_type(rest)?;
    Ok((rest, MvColumn { value, to_type }))
}

/// `to typeof(long)`, or nothing.
fn to_type(input: Tokens<'_>) -> Read<'_, Option<Name>> {
    if !input.is_word("to") {
        return Ok((input, None));
    }
    let rest = input.skip(1);
    if !rest.is_word("typeof") || rest.kind_at(1) != TokenKind::OpenParen {
        rest.missing("`typeof`");
        return Ok((rest, None));
    }
    let (rest, name) = bracketed(rest.skip(1), TokenKind::OpenParen, |input| match optional(input, any_type_name)? {
        (rest, Some(name)) => Ok((rest, name)),
        (_, None) => Ok((input, missing_type(input))),
    })?;
    Ok((rest, Some(name)))
}

fn missing_type(input: Tokens<'_>) -> Name {
    input.missing("a type");
    plain(input, 0).1
}

/// Reads `word` and an expression, or nothing.
fn clause<'a>(input: Tokens<'a>, word: &'static str) -> Read<'a, Option<Box<Expr>>> {
    match optional(input, |input| if input.is_word(word) { Ok((input.skip(1), ())) } else { absent() })? {
        (rest, Some(())) => required_scalar(rest).map(|(rest, value)| (rest, Some(Box::new(value)))),
        (_, None) => Ok((input, None)),
    }
}
