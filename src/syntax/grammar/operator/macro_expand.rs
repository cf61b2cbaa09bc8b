//! `macro-expand`.

use super::super::expression::{entity_group, entity_path};
use super::super::name::required_name;
use super::super::parameter::parameters;
use super::super::statement::block;
use super::super::tokens::{Read, Tokens, bracketed, optional, or_missing};
use crate::syntax::ast::{Name, OperatorKind};
use crate::syntax::lexer::TokenKind;

/// `macro-expand entity_group [database("d"), database("e")] as X (X.T | count)`
pub(super) fn macro_expand(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, parameters) = parameters(input, super::union::PARAMETERS)?;
    let (rest, group) = match optional(rest, entity_group)? {
        (rest, Some(group)) => (rest, group),
        (_, None) => or_missing(rest, "a group of databases", entity_path)?,
    };
    let (rest, scope) = scope(rest)?;
    let (rest, body) = bracketed(rest, TokenKind::OpenParen, block)?;
    let (group, body) = (Box::new(group), Box::new(body));
    Ok((rest, OperatorKind::MacroExpand { parameters, group, scope, body }))
}

/// `as X`, or a name without text.
fn scope(input: Tokens<'_>) -> Read<'_, Name> {
    if input.is_word("as") {
        return required_name(input.skip(1));
    }
    Ok((input, Name { span: input.here(), text: String::new(), quoted: false }))
}
