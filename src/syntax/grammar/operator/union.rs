//! `union`.

use super::super::expression::{entity_path, parenthesized};
use super::super::parameter::{Known, Value, parameters};
use super::super::tokens::{List, Read, Tokens, comma_list};
use crate::syntax::ast::{Expr, OperatorKind};
use crate::syntax::lexer::TokenKind;

/// What `union` knows, and `macro-expand` with it.
pub(super) const PARAMETERS: Known = &[
    ("kind", Value::Any),
    ("withsource", Value::Name),
    ("with_source", Value::Name),
    ("isfuzzy", Value::Any),
    ("__isFuzzy", Value::Any),
    ("best_effort", Value::Any),
];

/// `union withsource=Source T*, (U | take 5)`
pub(super) fn union(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, parameters) = parameters(input, PARAMETERS)?;
    let (rest, tables) = comma_list(rest, List::SOME, table, |input| input.missing("a table"))?;
    Ok((rest, OperatorKind::Union { parameters, tables }))
}

/// `T`, `T*`, `(U | take 5)`
fn table(input: Tokens<'_>) -> Read<'_, Expr> {
    if input.kind() == TokenKind::OpenParen { parenthesized(input) } else { entity_path(input) }
}
