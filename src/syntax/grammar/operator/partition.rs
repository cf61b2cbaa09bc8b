//! `partition`.

use super::super::expression::{call, required_expression, simple_path};
use super::super::literal::literal;
use super::super::parameter::{Value, sure_parameters};
use super::super::tokens::{Read, Tokens, bracketed, optional, or_missing, required_word};
use super::fork::required_operators;
use crate::syntax::ast::{Expr, OperatorKind, PartitionBody, Query, Statement, StatementKind};
use crate::syntax::lexer::TokenKind;

/// `partition hint.strategy=native by a (top 3 by b)`
pub(super) fn partition(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, parameters) = sure_parameters(input, &[("hint.strategy", Value::Any)])?;
    let (rest, by) = or_missing(required_word(rest, "by"), "a column", simple_path)?;
    let (rest, scope) = scope(rest)?;
    let (rest, body) = body(rest)?;
    Ok((rest, OperatorKind::Partition { parameters, by: Box::new(by), scope: scope.map(Box::new), body }))
}

/// `in dynamic(["x", "y"])`, or nothing.
fn scope(input: Tokens<'_>) -> Read<'_, Option<Expr>> {
    if !input.is_word("in") {
        return Ok((input, None));
    }
    let rest = input.skip(1);
    let (rest, value) = match optional(rest, call)? {
        (rest, Some(value)) => (rest, value),
        (_, None) => or_missing(rest, "the values", literal)?,
    };
    Ok((rest, Some(value)))
}

/// `(top 3 by b)`, `{ T | where x == a }`
fn body(input: Tokens<'_>) -> Read<'_, PartitionBody> {
    if input.kind() != TokenKind::OpenBrace {
        let (rest, operators) = bracketed(input, TokenKind::OpenParen, required_operators)?;
        return Ok((rest, PartitionBody::Operators(operators)));
    }
    let (rest, value) = bracketed(input, TokenKind::OpenBrace, required_expression)?;
    let statement = Statement { span: value.span, kind: StatementKind::Expr(value) };
    Ok((rest, PartitionBody::Query(Box::new(Query { statements: vec![statement] }))))
}
