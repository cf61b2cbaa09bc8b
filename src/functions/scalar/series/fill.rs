//! Filling the gaps of a series.
//!
//! A gap is a null, or a number that the query names instead; elements that are no gap stay as they were written.

use super::super::rows::{self, Column, function, optional, overload};
use super::{real, unsupported};
use crate::functions::lift::{Bool, Json, Reader};
use crate::functions::{Call, Function, FunctionError, Kind, Naming, Parameter, Returns, one};
use crate::types::{ScalarType, Value, arrow as columns, convert, json, number};

const SERIES: Parameter = super::super::rows::dynamic("series");
const SAME: Returns = Returns::Argument(0);
const MISSING: Parameter = one("missing_value_placeholder", Kind::Number).optional();

/// The ways to fill.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "series_fill_forward",
        "Fills gaps of a series with the last value before.",
        "series-fill-forward-function",
        Naming::FirstArgument,
        [overload!((SERIES, MISSING) -> SAME, |call| fill(call, "series_fill_forward", forward))],
        [
            ("tostring(series_fill_forward(dynamic([null, 36, null, 41.5, null])))", "'[null,36,36,41.5,41.5]'"),
            ("tostring(series_fill_forward(dynamic([1, 0, 2]), 0))", "'[1,1,2]'"),
            ("isnull(series_fill_forward(dynamic(null)))", "true")
        ]
    ),
    function!(
        "series_fill_backward",
        "Fills gaps of a series with the next value.",
        "series-fill-backward-function",
        Naming::FirstArgument,
        [overload!((SERIES, MISSING) -> SAME, |call| fill(call, "series_fill_backward", backward))],
        [
            ("tostring(series_fill_backward(dynamic([null, 36, null, 41.5, null])))", "'[36,36,41.5,41.5,null]'"),
            ("tostring(series_fill_backward(dynamic([1, 0, 2]), 0))", "'[1,2,2]'"),
            ("isnull(series_fill_backward(dynamic(null)))", "true")
        ]
    ),
    function!(
        "series_fill_const",
        "Fills gaps of a series with a value.",
        "series-fill-const-function",
        Naming::FirstArgument,
        [overload!((SERIES, one("constant_value", Kind::Number).optional(), MISSING) -> SAME, constant)],
        [
            ("tostring(series_fill_const(dynamic([111, null, 36]), 0.0))", "'[111,0.0,36]'"),
            ("tostring(series_fill_const(dynamic([0, 5, null]), -1, 0))", "'[-1,5,null]'"),
            ("isnull(series_fill_const(dynamic(null), 1))", "true")
        ]
    ),
    function!(
        "series_fill_linear",
        "Fills gaps of a series with values on the line between their neighbours.",
        "series-fill-linear-function",
        Naming::FirstArgument,
        [overload!((SERIES, MISSING, one("fill_edges", Kind::Is(ScalarType::Bool)).optional(),
            one("constant_value", Kind::Number).optional()) -> SAME, linear)],
        [
            ("tostring(series_fill_linear(dynamic([null, 1.0, null, 2.0])))", "'[1.0,1.0,1.5,2.0]'"),
            ("tostring(series_fill_linear(dynamic([null, 1, null, 4]), real(null), false))", "'[null,1,2,4]'"),
            ("tostring(series_fill_linear(dynamic([null, null])))", "'[0.0,0.0]'")
        ]
    ),
];

/// Elements of a series; None for a gap.
type Elements<'a> = [Option<&'a str>];

/// What counts as a gap: the number that the query names; None for null, which is the rule.
struct Gap(Option<f64>);

impl Gap {
    fn read(call: &Call, index: usize, row: usize) -> Gap {
        match (index < call.arguments.len()).then(|| convert::convert(&value(call, index, row), ScalarType::Real)) {
            Some(Value::Real(gap)) => Gap(Some(gap)),
            _ => Gap(None),
        }
    }

    fn is(&self, element: &str) -> bool {
        match self.0 {
            None => json::kind(element) == json::Kind::Null,
            Some(gap) => real(element) == Some(gap),
        }
    }
}

fn value(call: &Call, index: usize, row: usize) -> Value {
    let argument = &call.arguments[index];
    columns::value_at(&argument.array, if argument.constant { 0 } else { row }, argument.scalar_type)
}

/// Splits an array; None if it is none. What becomes of elements that are no numbers is not documented.
fn split<'a>(array: &'a str, gap: &Gap, function: &str) -> Result<Option<Vec<Option<&'a str>>>, FunctionError> {
    let Some(elements) = rows::elements(array) else { return Ok(None) };
    if elements.iter().any(|element| json::kind(element) != json::Kind::Null && real(element).is_none()) {
        return Err(unsupported(format!("`{function}()` of an array with elements that are no numbers")));
    }
    Ok(Some(elements.into_iter().map(|element| (!gap.is(element)).then_some(element)).collect()))
}

/// Writes an array of texts; a gap that is left is written as it was.
fn write(elements: &[String], out: &mut String) {
    out.push('[');
    out.push_str(&elements.join(","));
    out.push(']');
}

fn over(call: &Call, mut filled: impl FnMut(usize) -> Result<Option<Vec<String>>, FunctionError>) -> Column {
    let rows: Vec<Option<Vec<String>>> = (0..call.rows).map(&mut filled).collect::<Result<_, _>>()?;
    rows::json(call, |row, out| rows[row].as_ref().map(|elements| write(elements, out)))
}

fn fill(call: &Call, function: &str, neighbour: fn(&Elements, usize) -> Option<String>) -> Column {
    let series = Reader::<Json>::new(call, 0);
    over(call, |row| {
        let Some(array) = series.get(row) else { return Ok(None) };
        let gap = Gap::read(call, 1, row);
        let Some(elements) = split(array, &gap, function)? else { return Ok(None) };
        let original: Vec<&str> = json::elements(array).collect();
        let at = |n: usize| match elements[n] {
            Some(element) => element.to_string(),
            None => neighbour(&elements, n).unwrap_or_else(|| original[n].to_string()),
        };
        Ok(Some((0..elements.len()).map(at).collect()))
    })
}

fn forward(elements: &Elements, n: usize) -> Option<String> {
    elements[..n].iter().rev().find_map(|element| element.map(str::to_string))
}

fn backward(elements: &Elements, n: usize) -> Option<String> {
    elements[n..].iter().find_map(|element| element.map(str::to_string))
}

fn constant(call: &Call) -> Column {
    if call.arguments.len() < 2 {
        return Err(unsupported("`series_fill_const()` without a value"));
    }
    let series = Reader::<Json>::new(call, 0);
    over(call, |row| {
        let Some(array) = series.get(row) else { return Ok(None) };
        let gap = Gap::read(call, 2, row);
        let Some(elements) = split(array, &gap, "series_fill_const")? else { return Ok(None) };
        let filler = json::from_value(&value(call, 1, row));
        Ok(Some(elements.into_iter().map(|element| element.map_or_else(|| filler.clone(), str::to_string)).collect()))
    })
}

fn linear(call: &Call) -> Column {
    let (series, edges) = (Reader::<Json>::new(call, 0), optional::<Bool>(call, 2));
    over(call, |row| {
        let Some(array) = series.get(row) else { return Ok(None) };
        let gap = Gap::read(call, 1, row);
        let Some(elements) = split(array, &gap, "series_fill_linear")? else { return Ok(None) };
        let original: Vec<&str> = json::elements(array).collect();
        if gap.0.is_some() && original.iter().any(|element| json::kind(element) == json::Kind::Null) {
            return Err(unsupported("`series_fill_linear()` of nulls that do not count as gaps"));
        }
        if elements.iter().all(Option::is_none) {
            let filler = if call.arguments.len() > 3 { value(call, 3, row) } else { Value::Real(0.0) };
            // A null preserves the gaps (documented).
            let filled =
                |element: &&str| if filler.is_null() { element.to_string() } else { json::from_value(&filler) };
            return Ok(Some(original.iter().map(filled).collect()));
        }
        let edges = edges.as_ref().is_none_or(|edges| edges.get(row).unwrap_or(true));
        let whole = elements.iter().flatten().all(|element| number::parse_long(element).is_some());
        let places: Vec<usize> = (0..elements.len()).filter(|&n| elements[n].is_some()).collect();
        let at = |n: usize| match (elements[n], places.partition_point(|&place| place < n)) {
            (Some(element), _) => element.to_string(),
            (None, 0) if edges => elements[places[0]].unwrap_or("null").to_string(),
            (None, end) if end == places.len() && edges => elements[places[end - 1]].unwrap_or("null").to_string(),
            (None, end) if end == 0 || end == places.len() => original[n].to_string(),
            (None, end) => between(&elements, places[end - 1], places[end], n, whole),
        };
        Ok(Some((0..elements.len()).map(at).collect()))
    })
}

/// Whole numbers stay whole: the fraction is cut off (measured).
fn between(elements: &Elements, left: usize, right: usize, n: usize, whole: bool) -> String {
    let at = |n: usize| elements[n].and_then(real).unwrap_or(f64::NAN);
    let slope = (at(right) - at(left)) / (right - left) as f64;
    let value = at(left) + slope * (n - left) as f64;
    if whole { (value.trunc() as i64).to_string() } else { json::from_value(&Value::Real(value)) }
}
