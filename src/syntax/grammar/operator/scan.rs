//! `scan`.

use super::super::expression::{required_scalar, scalar};
use super::super::name::{declared_name, plain};
use super::super::parameter::{Value, sure_parameters};
use super::super::statement::{missing_parameter, parameter};
use super::super::tokens::{List, Read, Tokens, absent, bracketed, comma_list, optional, required, required_word};
use super::sort::keys;
use crate::syntax::ast::{Expr, Name, NamedExpr, OperatorKind, OrderedExpr, Parameter, Scan, ScanStep};
use crate::syntax::lexer::TokenKind;

/// `scan partition by u declare (n:long = 0) with (step s: a > 1 => n = s.n + 1;)`
pub(super) fn scan(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let own = &[("kind", Value::Any), ("with_match_id", Value::Name)];
    let (rest, parameters) = sure_parameters(input, own)?;
    let (rest, order_by) = order_by(rest)?;
    let (rest, partition_by) = partition_by(rest)?;
    let (rest, declare) = declare(rest)?;
    let (rest, steps) = bracketed(required_word(rest, "with"), TokenKind::OpenParen, steps)?;
    Ok((rest, OperatorKind::Scan(Scan { parameters, order_by, partition_by, declare, steps })))
}

fn ends_clause(input: Tokens<'_>) -> bool {
    input.is_any_word(&["partition", "order", "by", "declare", "with"]) || input.is_list_end()
}

/// `order by t asc`, or nothing.
fn order_by(input: Tokens<'_>) -> Read<'_, Vec<OrderedExpr>> {
    if !input.is_word("order") {
        return Ok((input, Vec::new()));
    }
    keys(required_word(input.skip(1), "by"), List::SOME.until(ends_clause))
}

/// `partition by u`, or nothing.
fn partition_by(input: Tokens<'_>) -> Read<'_, Vec<Expr>> {
    if !input.is_word("partition") {
        return Ok((input, Vec::new()));
    }
    let rest = required_word(input.skip(1), "by");
    comma_list(rest, List::SOME.until(ends_clause), scalar, |input| input.missing("an expression"))
}

/// `declare (n:long = 0)`, or nothing.
fn declare(input: Tokens<'_>) -> Read<'_, Vec<Parameter>> {
    if !input.is_word("declare") {
        return Ok((input, Vec::new()));
    }
    bracketed(input.skip(1), TokenKind::OpenParen, |input| comma_list(input, List::ANY, parameter, missing_parameter))
}

fn steps(input: Tokens<'_>) -> Read<'_, Vec<ScanStep>> {
    let mut steps = Vec::new();
    let mut rest = input;
    while let (next, Some(step)) = optional(rest, step)? {
        steps.push(step);
        rest = next;
    }
    Ok((rest, steps))
}

/// `step s optional output=last: a > 1 => n = s.n + 1;`
fn step(input: Tokens<'_>) -> Read<'_, ScanStep> {
    if !input.is_word("step") {
        return absent();
    }
    let (rest, name) = step_name(input.skip(1))?;
    let optional = rest.is_word("optional");
    let (rest, output) = output(rest.skip(usize::from(optional)));
    let (rest, condition) = required_scalar(required(rest, TokenKind::Colon))?;
    let (rest, assignments) = assignments(rest)?;
    let rest = required(rest, TokenKind::Semicolon);
    Ok((rest, ScanStep { name, optional, output, condition, assignments }))
}

fn step_name(input: Tokens<'_>) -> Read<'_, Name> {
    match optional(input, declared_name)? {
        (rest, Some(name)) => Ok((rest, name)),
        (_, None) => Ok((input, input.missing_name())),
    }
}

/// `output=last`, or nothing.
fn output(input: Tokens<'_>) -> (Tokens<'_>, Option<Name>) {
    if !input.is_word("output") {
        return (input, None);
    }
    let rest = required(input.skip(1), TokenKind::Assign);
    if ["all", "last", "none"].contains(&rest.text()) {
        let (rest, name) = plain(rest, 1);
        return (rest, Some(name));
    }
    rest.expected("`all`, `last` or `none`");
    (rest, None)
}

/// `=> n = s.n + 1, m = 2`, or nothing.
fn assignments(input: Tokens<'_>) -> Read<'_, Vec<NamedExpr>> {
    if input.kind() != TokenKind::Arrow {
        return Ok((input, Vec::new()));
    }
    comma_list(input.skip(1), List::SOME, assignment, super::project::missing_column)
}

fn assignment(input: Tokens<'_>) -> Read<'_, NamedExpr> {
    let (rest, name) = declared_name(input)?;
    let (rest, value) = required_scalar(required(rest, TokenKind::Assign))?;
    Ok((rest, NamedExpr { span: input.span_to(rest), names: vec![name], tuple: false, value }))
}
