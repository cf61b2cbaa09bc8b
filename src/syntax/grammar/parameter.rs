//! The parameters of operators: `kind=inner`, `hint.strategy=shuffle`.

use super::expression::path;
use super::literal::literal;
use super::name::{name_reference, plain};
use super::tokens::{List, Read, Tokens, absent, comma_list, optional, or_missing, required};
use crate::syntax::ast::{Expr, ExprKind, Name, OperatorParameter};
use crate::syntax::lexer::{Reach, TokenKind};

/// What stands behind `=`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// A literal, a word or a name.
    Any,
    /// A name, else as [`Value::Any`].
    Name,
    /// Names separated by commas.
    Names,
    /// A path or a call: `title=strcat("a", "b")`.
    Text,
}

/// The parameters that an operator knows.
pub(super) type Known = &'static [(&'static str, Value)];

/// What every operator accepts, be it of use or not.
const EVERYWHERE: Known = &[
    ("bagexpansion", Value::Any),
    ("bin_legacy", Value::Any),
    ("__crossCluster", Value::Any),
    ("__crossDB", Value::Any),
    ("cycles", Value::Any),
    ("decodeblocks", Value::Any),
    ("expandoutput", Value::Any),
    ("force_remote", Value::Any),
    ("hint.concurrency", Value::Any),
    ("hint.distribution", Value::Any),
    ("hint.materialized", Value::Any),
    ("hint.num_partitions", Value::Any),
    ("hint.pass_filters", Value::Any),
    ("hint.pass_filters_column", Value::Name),
    ("hint.progressive_top", Value::Any),
    ("hint.remote", Value::Any),
    ("hint.shufflekey", Value::Name),
    ("hint.spread", Value::Any),
    ("hint.strategy", Value::Any),
    ("__id", Value::Any),
    ("isfuzzy", Value::Any),
    ("__isFuzzy", Value::Any),
    ("kind", Value::Any),
    ("__noWithSource", Value::Any),
    ("__packedColumn", Value::Name),
    ("__sourceColumnIndex", Value::Any),
    ("with_itemindex", Value::Name),
    ("with_match_id", Value::Name),
    ("withsource", Value::Name),
    ("with_source", Value::Name),
    ("with_step_name", Value::Name),
];

/// Reads parameters while `=` follows their names.
///
/// `kind=inner hint.strategy=broadcast`
pub(super) fn parameters<'a>(input: Tokens<'a>, own: Known) -> Read<'a, Vec<OperatorParameter>> {
    several(input, own, true)
}

/// Reads parameters where nothing else could stand; a missing `=` is reported.
pub(super) fn sure_parameters<'a>(input: Tokens<'a>, own: Known) -> Read<'a, Vec<OperatorParameter>> {
    several(input, own, false)
}

fn several<'a>(input: Tokens<'a>, own: Known, assign_needed: bool) -> Read<'a, Vec<OperatorParameter>> {
    let mut found = Vec::new();
    let mut rest = input;
    while let Some((length, value)) = parameter_at(rest, own, true) {
        if assign_needed && rest.kind_at(length) != TokenKind::Assign {
            break;
        }
        rest = parameter(rest, length, value, &mut found)?.0;
    }
    Ok((rest, found))
}

/// Tells whether a parameter that every operator accepts begins at token `n`.
pub(super) fn is_parameter_at(input: Tokens<'_>, n: usize) -> bool {
    parameter_at(input.skip(n), &[], true).is_some()
}

/// Returns how many tokens the parameter's name has that begins here, and what follows it.
fn parameter_at(input: Tokens<'_>, own: Known, everywhere: bool) -> Option<(usize, Value)> {
    let length = match input.text() {
        "hint" if input.kind_at(1) == TokenKind::Dot && input.touches(1) && input.touches(2) => 3,
        _ => 1,
    };
    if !matches!(input.kind(), TokenKind::Identifier | TokenKind::Keyword(_)) {
        return None;
    }
    let name = input.text_of(input.span_to(input.skip(length)));
    let lists = [own, if everywhere { EVERYWHERE } else { &[] }];
    lists.into_iter().flatten().find(|(known, _)| *known == name).map(|(_, value)| (length, *value))
}

/// `kind=inner`; several values become several parameters of the same name.
fn parameter<'a>(input: Tokens<'a>, length: usize, value: Value, found: &mut Vec<OperatorParameter>) -> Read<'a, ()> {
    let (rest, name) = plain(input, length);
    parameter_value(required(rest, TokenKind::Assign), name, value, found)
}

pub(super) fn parameter_value<'a>(
    input: Tokens<'a>,
    name: Name,
    value: Value,
    found: &mut Vec<OperatorParameter>,
) -> Read<'a, ()> {
    let (rest, values) = match value {
        Value::Any | Value::Name => or_missing(input, "a value", any_value).map(|(rest, value)| (rest, vec![value]))?,
        Value::Text => or_missing(input, "a value", path).map(|(rest, value)| (rest, vec![value]))?,
        Value::Names => names(input)?,
    };
    found.extend(values.into_iter().map(|value| OperatorParameter { name: name.clone(), value }));
    Ok((rest, ()))
}

/// `a, b` up to the next `, name =` or the end.
fn names(input: Tokens<'_>) -> Read<'_, Vec<Expr>> {
    let mut values = Vec::new();
    let (mut rest, first) = or_missing(input, "a name", name_reference)?;
    values.push(first);
    while rest.kind() == TokenKind::Comma && rest.kind_at(2) != TokenKind::Assign {
        let (next, value) = or_missing(rest.skip(1), "a name", name_reference)?;
        rest = next;
        values.push(value);
    }
    Ok((rest, values))
}

/// `5`, `"a"`, `inner`, `['a b']`
pub(super) fn any_value(input: Tokens<'_>) -> Read<'_, Expr> {
    match optional(input, literal)? {
        (rest, Some(value)) => Ok((rest, value)),
        (_, None) if input.is_any_word(&["simple", "relaxed", "nooptimization"]) => Ok(word_value(input)),
        (_, None) => name_reference(input),
    }
}

fn word_value(input: Tokens<'_>) -> (Tokens<'_>, Expr) {
    let (rest, name) = plain(input, 1);
    (rest, Expr { span: name.span, kind: ExprKind::Name(name) })
}

/// Reads the parameters in `with (...)`, of which an operator has a closed list.
///
/// `title="Alerts", ycolumns=a, b`
pub(super) fn listed_parameters<'a>(input: Tokens<'a>, own: Known) -> Read<'a, Vec<OperatorParameter>> {
    properties(input, |input| {
        let Some((length, value)) = parameter_at(input, own, false) else { return absent() };
        let mut found = Vec::new();
        let (rest, ()) = parameter(input, length, value, &mut found)?;
        Ok((rest, found))
    })
}

/// Reads the properties in `with (...)`, whatever their names.
///
/// `format="csv", ignoreFirstRecord=true`
pub(super) fn free_parameters(input: Tokens<'_>) -> Read<'_, Vec<OperatorParameter>> {
    properties(input, |input| {
        if !matches!(input.kind(), TokenKind::Identifier | TokenKind::Keyword(Reach::Name | Reach::Declared)) {
            return absent();
        }
        let mut found = Vec::new();
        let (rest, ()) = parameter(input, 1, Value::Any, &mut found)?;
        Ok((rest, found))
    })
}

fn properties<'a>(
    input: Tokens<'a>,
    property: impl Fn(Tokens<'a>) -> Read<'a, Vec<OperatorParameter>>,
) -> Read<'a, Vec<OperatorParameter>> {
    let (rest, found) = comma_list(input, List::ANY, property, |input| {
        input.missing("a property");
        Vec::new()
    })?;
    Ok((rest, found.into_iter().flatten().collect()))
}
