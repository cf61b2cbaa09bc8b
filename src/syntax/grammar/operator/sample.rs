//! Operators that keep some rows.

use super::super::expression::named_expression;
use super::super::parameter::parameters;
use super::super::tokens::{Read, Tokens, optional, required_word};
use super::filter::unnamed;
use super::project::missing_column;
use crate::syntax::ast::{NamedExpr, OperatorKind};

const COUNT: &str = "how many rows to keep has no name";

/// `take 10`
pub(super) fn take(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, parameters) = parameters(input, &[])?;
    let (rest, count) = unnamed(rest, COUNT)?;
    Ok((rest, OperatorKind::Take { parameters, count: Box::new(count) }))
}

/// `sample 10`
pub(super) fn sample(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, parameters) = parameters(input, &[])?;
    let (rest, count) = unnamed(rest, COUNT)?;
    Ok((rest, OperatorKind::Sample { parameters, count: Box::new(count) }))
}

/// `sample-distinct 10 of AlertName`
pub(super) fn sample_distinct(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, parameters) = parameters(input, &[])?;
    let (rest, count) = unnamed(rest, COUNT)?;
    let (rest, of) = required_column(required_word(rest, "of"))?;
    Ok((rest, OperatorKind::SampleDistinct { parameters, count: Box::new(count), of: Box::new(of) }))
}

/// Reads `a` or `b = c`, or reports that it is missing.
pub(super) fn required_column(input: Tokens<'_>) -> Read<'_, NamedExpr> {
    let (rest, column) = optional(input, named_expression)?;
    Ok((rest, column.unwrap_or_else(|| missing_column(input))))
}
