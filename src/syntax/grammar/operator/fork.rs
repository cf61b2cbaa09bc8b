//! Operators that give several results: `fork` and `facet`.

use super::super::expression::{leading, pipeline, required_expression, simple_path};
use super::super::name::{name, name_length};
use super::super::tokens::{List, Read, Tokens, absent, bracketed, comma_list, nested, optional, required_word};
use super::{operator, required_operator};
use crate::diagnostic::Diagnostic;
use crate::syntax::ast::{Expr, ExprKind, ForkBranch, Name, Operator, OperatorKind};
use crate::syntax::lexer::TokenKind;

/// `fork (take 5) Names=(distinct AlertName)`
pub(super) fn fork(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let mut branches = Vec::new();
    let mut rest = input;
    while let (next, Some(branch)) = optional(rest, branch)? {
        branches.push(branch);
        rest = next;
    }
    if branches.is_empty() {
        rest.expected("`(`");
    }
    Ok((rest, OperatorKind::Fork { branches }))
}

/// `(take 5)`, `Names=(distinct AlertName)`
fn branch(input: Tokens<'_>) -> Read<'_, ForkBranch> {
    let (rest, name) = branch_name(input)?;
    if name.is_none() && rest.kind() != TokenKind::OpenParen {
        return absent();
    }
    let (rest, operators) = bracketed(rest, TokenKind::OpenParen, operators)?;
    Ok((rest, ForkBranch { name, operators, span: input.span_to(rest) }))
}

fn branch_name(input: Tokens<'_>) -> Read<'_, Option<Name>> {
    match name_length(input, 0) {
        Some(length) if input.kind_at(length) == TokenKind::Assign => {
            let (rest, name) = name(input)?;
            Ok((rest.skip(1), Some(name)))
        }
        _ => Ok((input, None)),
    }
}

/// A pipeline without a source.
///
/// `where a > 1 | count`
fn operators(input: Tokens<'_>) -> Read<'_, Vec<Operator>> {
    let (mut rest, first) = match optional(input, operator)? {
        (rest, Some(first)) => (rest, first),
        (_, None) => {
            let (rest, value) = required_expression(input)?;
            if value.kind != ExprKind::Error {
                let problem = Diagnostic::error("AQ005", value.span, "a branch begins with an operator");
                input.report(problem.help("its rows are those before `fork`"));
            }
            return Ok((rest, Vec::new()));
        }
    };
    let mut operators = vec![first];
    while rest.kind() == TokenKind::Bar {
        let (next, operator) = required_operator(rest.skip(1))?;
        rest = next;
        operators.push(operator);
    }
    Ok((rest, operators))
}

/// A pipeline without a source, which must have an operator.
///
/// `where a > 1 | count`
pub(super) fn required_operators(input: Tokens<'_>) -> Read<'_, Vec<Operator>> {
    if input.is_list_end() && input.kind() != TokenKind::Bar {
        input.missing("an operator");
        return Ok((input, Vec::new()));
    }
    let (mut rest, first) = required_operator(input)?;
    let mut operators = vec![first];
    while rest.kind() == TokenKind::Bar {
        let (next, operator) = required_operator(rest.skip(1))?;
        rest = next;
        operators.push(operator);
    }
    Ok((rest, operators))
}

/// `facet by a, b with (take 5 | count)`
pub(super) fn facet(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let rest = required_word(input, "by");
    let list = List::SOME.until(|input| input.is_word("with") || input.is_list_end());
    let (rest, by) = comma_list(rest, list, simple_path, |input| input.missing("a column"))?;
    let (rest, with) = facet_with(rest)?;
    Ok((rest, OperatorKind::Facet { by, with: with.map(Box::new) }))
}

/// `with (take 5 | count)`, `with take 5`, or nothing. Its first operator is the source of the pipeline.
fn facet_with(input: Tokens<'_>) -> Read<'_, Option<Expr>> {
    if !input.is_word("with") {
        return Ok((input, None));
    }
    let rest = input.skip(1);
    if rest.kind() == TokenKind::OpenParen {
        let (rest, value) = bracketed(rest, TokenKind::OpenParen, |input| {
            let (rest, first) = required_leading(input)?;
            pipeline(input, rest, first)
        })?;
        return Ok((rest, Some(value)));
    }
    // `facet by a with facet by a with ...` nests without a bracket.
    nested(rest, required_leading).map(|(rest, value)| (rest, Some(value)))
}

fn required_leading(input: Tokens<'_>) -> Read<'_, Expr> {
    match optional(input, leading)? {
        (rest, Some(value)) => Ok((rest, value)),
        (_, None) => {
            let (rest, operator) = required_operator(input)?;
            Ok((rest, Expr { span: operator.span, kind: ExprKind::Leading(Box::new(operator)) }))
        }
    }
}
