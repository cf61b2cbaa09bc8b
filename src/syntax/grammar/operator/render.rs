//! `render`.

use super::super::name::plain;
use super::super::parameter::{Known, Value, listed_parameters, parameter_value};
use super::super::tokens::{Read, Tokens, bracketed};
use crate::syntax::ast::{Name, OperatorKind, OperatorParameter};
use crate::syntax::lexer::TokenKind;

const PROPERTIES: Known = &[
    ("kind", Value::Any),
    ("title", Value::Text),
    ("accumulate", Value::Any),
    ("xcolumn", Value::Name),
    ("ycolumns", Value::Names),
    ("anomalycolumns", Value::Names),
    ("series", Value::Names),
    ("xtitle", Value::Text),
    ("ytitle", Value::Text),
    ("xaxis", Value::Any),
    ("yaxis", Value::Any),
    ("legend", Value::Any),
    ("ysplit", Value::Any),
    ("ymin", Value::Any),
    ("ymax", Value::Any),
    ("xmin", Value::Any),
    ("xmax", Value::Any),
];

/// Charts whose names are words of the language.
pub const CHARTS: &[&str] = &[
    "barchart",
    "piechart",
    "ladderchart",
    "timechart",
    "linechart",
    "anomalychart",
    "pivotchart",
    "areachart",
    "stackedareachart",
    "scatterchart",
    "timepivot",
    "columnchart",
    "timeline",
    "3Dchart",
    "card",
    "treemap",
    "plotly",
    "graph",
];

/// `render timechart with (title="Alerts", ycolumns=a, b)`, `render timechart kind=stacked by a`
pub(super) fn render(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, chart) = chart(input);
    let mut properties = Vec::new();
    let (rest, ()) = old_properties(rest, &mut properties)?;
    if !rest.is_word("with") {
        return Ok((rest, OperatorKind::Render { chart, properties }));
    }
    let (rest, more) = bracketed(rest.skip(1), TokenKind::OpenParen, |input| {
        let input = input.skip(usize::from(input.kind() == TokenKind::Comma));
        listed_parameters(input, PROPERTIES)
    })?;
    properties.extend(more);
    Ok((rest, OperatorKind::Render { chart, properties }))
}

fn chart(input: Tokens<'_>) -> (Tokens<'_>, Option<Name>) {
    if input.kind() == TokenKind::Identifier || input.is_any_word(CHARTS) {
        let (rest, name) = plain(input, 1);
        return (rest, Some(name));
    }
    input.expected("a kind of chart, such as `timechart`,");
    (input, None)
}

/// `kind=stacked title="x" with "y" by a, b`: the form before `with (...)`.
fn old_properties<'a>(input: Tokens<'a>, found: &mut Vec<OperatorParameter>) -> Read<'a, ()> {
    let mut rest = input;
    loop {
        let is_assigned = rest.kind_at(1) == TokenKind::Assign;
        let (value, length) = match rest.text() {
            "kind" | "accumulate" if is_assigned => (Value::Any, 2),
            "title" if is_assigned => (Value::Text, 2),
            "with" if rest.kind_at(1) != TokenKind::OpenParen => (Value::Any, 1),
            "by" => (Value::Names, 1),
            _ => return Ok((rest, ())),
        };
        let name = plain(rest, 1).1;
        rest = parameter_value(rest.skip(length), name, value, found)?.0;
    }
}
