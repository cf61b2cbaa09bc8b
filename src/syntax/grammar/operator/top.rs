//! `top` and its kin.

use super::super::expression::{required_scalar, scalar};
use super::super::literal::literal;
use super::super::parameter::{Value, parameters};
use super::super::tokens::{List, Read, Tokens, absent, comma_list, optional, required, required_word};
use super::filter::unnamed;
use super::project::missing_column;
use super::sample::required_column;
use super::sort::required_key;
use crate::syntax::ast::{Expr, OperatorKind, TopNestedLevel};
use crate::syntax::lexer::TokenKind;

/// `top 5 by TimeGenerated desc`
pub(super) fn top(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, parameters) = parameters(input, &[("hint.progressive_top", Value::Any)])?;
    let (rest, count) = unnamed(rest, "how many rows to keep has no name")?;
    let (rest, key) = required_key(required_word(rest, "by"))?;
    Ok((rest, OperatorKind::Top { parameters, count: Box::new(count), by: vec![key] }))
}

/// `top-hitters 5 of AlertName by Weight`
pub(super) fn top_hitters(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, count) = unnamed(input, "how many values to keep has no name")?;
    let (rest, of) = required_column(required_word(rest, "of"))?;
    let (rest, by) = match rest.is_word("by") {
        true => required_column(rest.skip(1)).map(|(rest, by)| (rest, Some(Box::new(by))))?,
        false => (rest, None),
    };
    Ok((rest, OperatorKind::TopHitters { count: Box::new(count), of: Box::new(of), by }))
}

/// `top-nested 3 of a by count(), top-nested of b by sum(c)`; the first keyword is read already.
pub(super) fn top_nested(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, first) = level(input)?;
    let mut levels = vec![first];
    if rest.kind() != TokenKind::Comma {
        return Ok((rest, OperatorKind::TopNested { levels }));
    }
    let (rest, more) = comma_list(rest.skip(1), List::SOME, next_level, missing_level)?;
    levels.extend(more);
    Ok((rest, OperatorKind::TopNested { levels }))
}

fn next_level(input: Tokens<'_>) -> Read<'_, TopNestedLevel> {
    if input.is_word("top-nested") { level(input.skip(1)) } else { absent() }
}

fn missing_level(input: Tokens<'_>) -> TopNestedLevel {
    let of = missing_column(input);
    let by = of.clone();
    TopNestedLevel { count: None, of, others: None, by, ascending: None, nulls_first: None }
}

/// `3 of a with others = "rest" by count() desc`
fn level(input: Tokens<'_>) -> Read<'_, TopNestedLevel> {
    let (rest, count) = optional(input, scalar)?;
    let (rest, of) = required_column(required_word(rest, "of"))?;
    let (rest, others) = others(rest)?;
    let (rest, key) = required_key(required_word(rest, "by"))?;
    let (ascending, nulls_first) = (key.ascending, key.nulls_first);
    Ok((rest, TopNestedLevel { count, of, others, by: key.value, ascending, nulls_first }))
}

/// `with others = "rest"`, or nothing.
fn others(input: Tokens<'_>) -> Read<'_, Option<Expr>> {
    if !input.is_word("with") {
        return Ok((input, None));
    }
    let rest = required(required_word(input.skip(1), "others"), TokenKind::Assign);
    match optional(rest, literal)? {
        (rest, Some(value)) => Ok((rest, Some(value))),
        (_, None) => required_scalar(rest).map(|(rest, value)| (rest, Some(value))),
    }
}
