//! Operators that are a list of columns.

use super::super::expression::{named_expression, scalar};
use super::super::name::name_or_wildcard;
use super::super::parameter::Value;
use super::super::parameter::parameters;
use super::super::tokens::{List, Read, Tokens, comma_list, optional};
use crate::syntax::ast::{Expr, ExprKind, NamedExpr, OperatorKind, OrderedExpr};
use crate::syntax::lexer::TokenKind;

/// A column that stands where one is missing.
pub(super) fn missing_column(input: Tokens<'_>) -> NamedExpr {
    unnamed(input.missing("an expression"))
}

/// Takes an expression as a column without a name of its own.
pub(super) fn unnamed(value: Expr) -> NamedExpr {
    NamedExpr { span: value.span, names: Vec::new(), tuple: false, value }
}

/// `a, b = c + 1`
pub(super) fn columns<'a>(input: Tokens<'a>, list: List) -> Read<'a, Vec<NamedExpr>> {
    comma_list(input, list, named_expression, missing_column)
}

/// `project a, b = c`
pub(super) fn project(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, columns) = columns(input, List::ANY)?;
    Ok((rest, OperatorKind::Project { columns }))
}

/// `extend a = b + 1, c`
pub(super) fn extend(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, columns) = columns(input, List::SOME)?;
    Ok((rest, OperatorKind::Extend { columns }))
}

/// `print x = 1, 2`
pub(super) fn print(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, columns) = columns(input, List::SOME)?;
    Ok((rest, OperatorKind::Print { columns }))
}

/// `serialize`, `serialize n = row_number()`
pub(super) fn serialize(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, parameters) = parameters(input, &[])?;
    let (rest, columns) = columns(rest, List::ANY)?;
    Ok((rest, OperatorKind::Serialize { parameters, columns }))
}

/// `project-rename new = old`
pub(super) fn project_rename(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, columns) = columns(input, List::ANY)?;
    Ok((rest, OperatorKind::ProjectRename { columns }))
}

/// `distinct *`, `distinct hint.strategy=shuffle a, b`
pub(super) fn distinct(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let own = &[("hint.shufflekey", Value::Name), ("hint.strategy", Value::Any), ("hint.num_partitions", Value::Any)];
    let (rest, parameters) = parameters(input, own)?;
    let (rest, columns) = comma_list(rest, List::SOME, distinct_column, missing_column)?;
    Ok((rest, OperatorKind::Distinct { parameters, columns }))
}

/// `*`, `a`, `b = c`
fn distinct_column(input: Tokens<'_>) -> Read<'_, NamedExpr> {
    if input.kind() == TokenKind::Star {
        return Ok((input.skip(1), unnamed(Expr { span: input.nth(0).span, kind: ExprKind::Star })));
    }
    named_expression(input)
}

/// `a, b*`
fn existing_columns(input: Tokens<'_>) -> Read<'_, Vec<Expr>> {
    comma_list(input, List::ANY, name_or_wildcard, |input| input.missing("a column"))
}

/// `project-away a, b*`
pub(super) fn project_away(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, columns) = existing_columns(input)?;
    Ok((rest, OperatorKind::ProjectAway { columns }))
}

/// `project-keep a, b*`
pub(super) fn project_keep(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, columns) = existing_columns(input)?;
    Ok((rest, OperatorKind::ProjectKeep { columns }))
}

/// `project-by-names a, "b*", dynamic(["c"])`
pub(super) fn project_by_names(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, columns) = comma_list(input, List::ANY, scalar, |input| input.missing("a name"))?;
    Ok((rest, OperatorKind::ProjectByNames { columns }))
}

/// `project-reorder a, b* desc, c granny-asc`
pub(super) fn project_reorder(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, columns) = comma_list(input, List::ANY, reordered_column, |input| OrderedExpr {
        value: missing_column(input),
        ascending: None,
        nulls_first: None,
        granny: false,
    })?;
    Ok((rest, OperatorKind::ProjectReorder { columns }))
}

/// `b* desc`
fn reordered_column(input: Tokens<'_>) -> Read<'_, OrderedExpr> {
    let (rest, value) = name_or_wildcard(input)?;
    let (rest, direction) = optional(rest, super::sort::direction)?;
    let (ascending, granny) = direction.map_or((None, false), |(ascending, granny)| (Some(ascending), granny));
    Ok((rest, OrderedExpr { value: unnamed(value), ascending, nulls_first: None, granny }))
}
