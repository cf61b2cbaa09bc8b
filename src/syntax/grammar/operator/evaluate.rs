//! Operators that call: `evaluate` and `invoke`.

use super::super::expression::{arguments, call, is_call};
use super::super::name::{name, name_length};
use super::super::parameter::{Value, sure_parameters};
use super::super::statement::{column_declaration, missing_column};
use super::super::tokens::{List, Read, Tokens, bracketed, comma_list, or_missing};
use crate::syntax::ast::{EvaluateSchema, Expr, ExprKind, OperatorKind};
use crate::syntax::lexer::TokenKind;

/// `evaluate bag_unpack(d) : (*, a:long)`
pub(super) fn evaluate(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let own = &[("hint.distribution", Value::Any), ("hint.remote", Value::Any)];
    let (rest, parameters) = sure_parameters(input, own)?;
    let (rest, call) = required_call(rest)?;
    let (rest, schema) = schema(rest)?;
    Ok((rest, OperatorKind::Evaluate { parameters, call, schema }))
}

fn required_call(input: Tokens<'_>) -> Read<'_, Expr> {
    if is_call(input) || name_length(input, 0).is_none() {
        return or_missing(input, "a call of a plugin", call);
    }
    let (rest, name) = name(input)?;
    rest.expected("`(`");
    let kind = ExprKind::Call { name, arguments: Vec::new() };
    Ok((rest, Expr { span: input.span_to(rest), kind }))
}

/// `: (*, a:long)`, or nothing.
fn schema(input: Tokens<'_>) -> Read<'_, Option<EvaluateSchema>> {
    if input.kind() != TokenKind::Colon {
        return Ok((input, None));
    }
    let rest = input.skip(1);
    if rest.kind() != TokenKind::OpenParen {
        rest.missing("a list of columns");
        return Ok((rest, None));
    }
    let (rest, schema) = bracketed(rest, TokenKind::OpenParen, |input| {
        let rest = input.skip(usize::from(input.kind() == TokenKind::Comma));
        let star = rest.kind() == TokenKind::Star;
        let rest = rest.skip(usize::from(star));
        let rest = rest.skip(usize::from(rest.kind() == TokenKind::Comma));
        let (rest, columns) = comma_list(rest, List::TRAILING, column_declaration, missing_column)?;
        Ok((rest, EvaluateSchema { star, columns }))
    })?;
    Ok((rest, Some(schema)))
}

/// `invoke f(1)`, `invoke database("d").f(1)`
pub(super) fn invoke(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (mut rest, mut value) = or_missing(input, "a call of a function", call)?;
    while rest.kind() == TokenKind::Dot && is_call(rest.skip(1)) {
        let (next, name) = name(rest.skip(1))?;
        let (next, arguments) = arguments(next)?;
        next.raise(1)?;
        let kind = ExprKind::MethodCall { base: Box::new(value), name, arguments };
        value = Expr { span: input.span_to(next), kind };
        rest = next;
    }
    Ok((rest, OperatorKind::Invoke { call: value }))
}
