//! Operators that read text: `parse`, `parse-where`, `parse-kv`.

use super::super::expression::required_scalar;
use super::super::literal::string_text;
use super::super::parameter::{Known, Value, listed_parameters, parameters};
use super::super::statement::{column_declarations, optional_type_declaration};
use super::super::tokens::{Read, Tokens, bracketed, optional, required_word};
use crate::syntax::ast::{OperatorKind, Parse, ParsePart};
use crate::syntax::lexer::TokenKind;

const PARAMETERS: Known = &[("kind", Value::Any), ("flags", Value::Any)];

/// `parse kind=regex flags=i a with * "x" b:long *`
pub(super) fn parse(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    any_parse(input, false)
}

/// `parse-where a with "x" b`
pub(super) fn parse_where(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    any_parse(input, true)
}

fn any_parse(input: Tokens<'_>, filter: bool) -> Read<'_, OperatorKind> {
    let (rest, parameters) = parameters(input, PARAMETERS)?;
    let (rest, subject) = required_scalar(rest)?;
    let mut rest = required_word(rest, "with");
    let mut pattern = Vec::new();
    while let (next, Some(part)) = optional(rest, part)? {
        pattern.push(part);
        rest = next;
    }
    Ok((rest, OperatorKind::Parse(Parse { filter, parameters, input: Box::new(subject), pattern })))
}

/// `*`, `"x"`, `b`, `c:long`
fn part(input: Tokens<'_>) -> Read<'_, ParsePart> {
    match input.kind() {
        TokenKind::Star => Ok((input.skip(1), ParsePart::Star(input.nth(0).span))),
        TokenKind::String => {
            let (rest, text) = string_text(input)?;
            Ok((rest, ParsePart::Text { span: input.span_to(rest), text }))
        }
        _ => optional_type_declaration(input).map(|(rest, column)| (rest, ParsePart::Column(column))),
    }
}

const KV_PROPERTIES: Known = &[
    ("pair_delimiter", Value::Any),
    ("kv_delimiter", Value::Any),
    ("regex", Value::Any),
    ("quote", Value::Any),
    ("escape", Value::Any),
    ("greedy", Value::Any),
];

/// `parse-kv a as (b:long, c:string) with (pair_delimiter=",", kv_delimiter=":")`
pub(super) fn parse_kv(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, subject) = required_scalar(input)?;
    let (rest, columns) = column_declarations(required_word(rest, "as"))?;
    let (rest, properties) = match rest.is_word("with") {
        true => bracketed(rest.skip(1), TokenKind::OpenParen, |input| listed_parameters(input, KV_PROPERTIES))?,
        false => (rest, Vec::new()),
    };
    Ok((rest, OperatorKind::ParseKv { input: Box::new(subject), columns, properties }))
}
