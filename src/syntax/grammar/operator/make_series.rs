//! `make-series`.

use super::super::expression::{after_word, named_expression, required_scalar};
use super::super::parameter::{Value, parameters};
use super::super::tokens::{List, Read, Tokens, bracketed, comma_list, required, required_word};
use super::filter::unnamed;
use super::project::{columns, missing_column};
use super::sample::required_column;
use crate::syntax::ast::{Expr, MakeSeries, MakeSeriesAggregate, NamedExpr, OperatorKind};
use crate::syntax::lexer::TokenKind;

/// `make-series n = count() default = 0 on TimeGenerated from a to b step 1h by AlertName`
pub(super) fn make_series(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, parameters) = parameters(input, &[("kind", Value::Any), ("hint.shufflekey", Value::Name)])?;
    let list = List::SOME.until(|input| input.is_any_word(&["on", "from", "in"]) || input.is_list_end());
    let (rest, aggregates) =
        comma_list(rest, list, aggregate, |input| MakeSeriesAggregate { value: missing_column(input), default: None })?;
    let (rest, on) = required_column(required_word(rest, "on"))?;
    let (rest, axis) = axis(rest)?;
    let (rest, by) = by(rest)?;
    let Axis { from, to, step, in_range } = axis;
    let series = MakeSeries { parameters, aggregates, on: Box::new(on), from, to, step, in_range, by };
    Ok((rest, OperatorKind::MakeSeries(series)))
}

/// `n = count() default = 0`
fn aggregate(input: Tokens<'_>) -> Read<'_, MakeSeriesAggregate> {
    let (rest, value) = named_expression(input)?;
    if !rest.is_word("default") {
        return Ok((rest, MakeSeriesAggregate { value, default: None }));
    }
    let rest = required(rest.skip(1), TokenKind::Assign);
    let (rest, default) = unnamed(rest, "the default value has no name")?;
    Ok((rest, MakeSeriesAggregate { value, default: Some(default) }))
}

/// Where a series begins and ends, and how far its points are apart.
struct Axis {
    from: Option<Box<Expr>>,
    to: Option<Box<Expr>>,
    step: Option<Box<Expr>>,
    in_range: bool,
}

/// `from a to b step 1h`, `in range(a, b, 1h)`
fn axis(input: Tokens<'_>) -> Read<'_, Axis> {
    if !input.is_any_word(&["from", "to", "step"]) {
        return range_axis(input);
    }
    let (rest, from) = bound(input, "from")?;
    let (rest, to) = bound(rest, "to")?;
    let (rest, step) = after_word(rest, "step")?;
    Ok((rest, Axis { from, to, step: Some(Box::new(step)), in_range: false }))
}

fn bound<'a>(input: Tokens<'a>, word: &'static str) -> Read<'a, Option<Box<Expr>>> {
    if !input.is_word(word) {
        return Ok((input, None));
    }
    required_scalar(input.skip(1)).map(|(rest, value)| (rest, Some(Box::new(value))))
}

/// `in range(a, b, 1h)`: the older form.
fn range_axis(input: Tokens<'_>) -> Read<'_, Axis> {
    let rest = required_word(required_word(input, "in"), "range");
    let (rest, values) = bracketed(rest, TokenKind::OpenParen, |input| columns(input, List::ANY))?;
    let mut values = values.into_iter().map(|column| Box::new(column.value));
    let axis = Axis { from: values.next(), to: values.next(), step: values.next(), in_range: true };
    if values.next().is_some() {
        let span = input.span_to(rest);
        let message = "`range` takes a start, an end and a step";
        input.report(crate::diagnostic::Diagnostic::error("KS121", span, message));
    }
    Ok((rest, axis))
}

/// `by AlertName`, or nothing.
fn by(input: Tokens<'_>) -> Read<'_, Vec<NamedExpr>> {
    if input.is_word("by") { columns(input.skip(1), List::OPEN) } else { Ok((input, Vec::new())) }
}
