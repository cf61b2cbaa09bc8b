//! `join` and `lookup`.

use super::super::expression::{required_scalar, scalar};
use super::super::parameter::{Value, parameters};
use super::super::tokens::{List, Read, Tokens, comma_list};
use crate::syntax::ast::{JoinCondition, OperatorKind};

/// `join kind=inner (U) on a, $left.b == $right.c`
pub(super) fn join(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, parameters) = parameters(input, &[("kind", Value::Any)])?;
    let (rest, right) = required_scalar(rest)?;
    let (rest, condition) = condition(rest)?;
    Ok((rest, OperatorKind::Join { parameters, right: Box::new(right), condition }))
}

/// `lookup kind=leftouter (U) on a`
pub(super) fn lookup(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, parameters) = parameters(input, &[("kind", Value::Any)])?;
    let (rest, right) = required_scalar(rest)?;
    let condition = if rest.is_word("on") {
        condition(rest)?
    } else {
        rest.missing("`on` and the columns to match");
        (rest, JoinCondition::None)
    };
    let (rest, condition) = condition;
    Ok((rest, OperatorKind::Lookup { parameters, right: Box::new(right), condition }))
}

/// `on a, $left.b == $right.c`, `where a == b`, or nothing.
fn condition(input: Tokens<'_>) -> Read<'_, JoinCondition> {
    if input.is_word("on") {
        let (rest, keys) = comma_list(input.skip(1), List::OPEN, scalar, |input| input.missing("a column"))?;
        return Ok((rest, JoinCondition::On(keys)));
    }
    if input.is_word("where") {
        let (rest, predicate) = required_scalar(input.skip(1))?;
        return Ok((rest, JoinCondition::Where(Box::new(predicate))));
    }
    Ok((input, JoinCondition::None))
}
