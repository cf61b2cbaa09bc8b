//! Operators of a few words.

use super::super::expression::after_word;
use super::super::name::{plain, required_name};
use super::super::parameter::{Value, any_value, parameters, sure_parameters};
use super::super::statement::column_declarations;
use super::super::tokens::{Read, Tokens, or_missing};
use crate::syntax::ast::{ExprKind, Name, OperatorKind};
use crate::syntax::lexer::TokenKind;

/// `as hint.materialized=true X`
pub(super) fn as_name(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, parameters) = parameters(input, &[("hint.materialized", Value::Any)])?;
    let (rest, name) = required_name(rest)?;
    Ok((rest, OperatorKind::As { name, parameters }))
}

/// `count`, `count as n`
pub(super) fn count(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    if !input.is_word("as") {
        return Ok((input, OperatorKind::Count { as_name: None }));
    }
    let rest = input.skip(1);
    if rest.kind() != TokenKind::Identifier {
        rest.expected("a name");
        return Ok((rest, OperatorKind::Count { as_name: None }));
    }
    let (rest, name) = plain(rest, 1);
    Ok((rest, OperatorKind::Count { as_name: Some(name) }))
}

/// `range x from 1 to 10 step 1`
pub(super) fn range(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, name) = required_name(input)?;
    let (rest, from) = after_word(rest, "from")?;
    let (rest, to) = after_word(rest, "to")?;
    let (rest, step) = after_word(rest, "step")?;
    Ok((rest, OperatorKind::Range { name, from: Box::new(from), to: Box::new(to), step: Box::new(step) }))
}

/// `getschema`, `getschema kind=csl`
pub(super) fn getschema(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    if !input.is_word("kind") || input.kind_at(1) != TokenKind::Assign {
        return Ok((input, OperatorKind::GetSchema { kind: None }));
    }
    let (rest, value) = or_missing(input.skip(2), "a kind", any_value)?;
    let kind = match value.kind {
        ExprKind::Name(name) => name,
        _ => Name { span: value.span, text: input.text_of(value.span).to_string(), quoted: false },
    };
    Ok((rest, OperatorKind::GetSchema { kind: Some(kind) }))
}

/// `consume decodeblocks=true`
pub(super) fn consume(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, parameters) = sure_parameters(input, &[("decodeblocks", Value::Any)])?;
    Ok((rest, OperatorKind::Consume { parameters }))
}

/// `assert-schema (a:long, b:string)`
pub(super) fn assert_schema(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, columns) = column_declarations(input)?;
    Ok((rest, OperatorKind::AssertSchema { columns }))
}

/// `__executeAndCache`
pub(super) fn execute_and_cache(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    Ok((input, OperatorKind::ExecuteAndCache))
}
