//! `reduce`.

use super::super::parameter::{Value, is_parameter_at, sure_parameters};
use super::super::tokens::{Read, Tokens, required_word};
use super::sample::required_column;
use crate::syntax::ast::{OperatorKind, OperatorParameter};
use crate::syntax::lexer::TokenKind;

/// `reduce by a with threshold=0.1, characters="x"`
pub(super) fn reduce(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let own = &[("threshold", Value::Any), ("characters", Value::Any)];
    let (rest, parameters) = sure_parameters(input, own)?;
    let (rest, by) = required_column(required_word(rest, "by"))?;
    let (rest, with) = with(rest)?;
    Ok((rest, OperatorKind::Reduce { parameters, by: Box::new(by), with }))
}

/// `with threshold=0.1, characters="x"`, or nothing.
fn with(input: Tokens<'_>) -> Read<'_, Vec<OperatorParameter>> {
    let mut found = Vec::new();
    if !input.is_word("with") {
        return Ok((input, found));
    }
    let mut rest = input.skip(1);
    loop {
        let own = &[("threshold", Value::Any), ("characters", Value::Any)];
        let (next, more) = sure_parameters(rest, own)?;
        if more.is_empty() && (!found.is_empty() || rest.kind() == TokenKind::Comma) {
            next.missing("a parameter");
        }
        found.extend(more);
        if next.kind() != TokenKind::Comma || is_parameter_at(next, 0) {
            return Ok((next, found));
        }
        rest = next.skip(1);
    }
}
