//! What reads sketches of `hll` and `tdigest`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, StringViewBuilder};
use arrow::datatypes::Float64Type;

use super::rows::{DYNAMIC, LONG, REAL, function, overload};
use crate::functions::lift::Json;
use crate::functions::lift::Reader;
use crate::functions::sketch::{Digest, Hll, Number};
use crate::functions::{Call, Function, FunctionError, Kind, Naming, Parameter, Returns, one};
use crate::types::arrow::{from_values, value_at};
use crate::types::{ScalarType, Value, convert, json};

const SKETCH: Parameter = one("sketch", Kind::Dynamic);
const PERCENT: Parameter = one("percentile", Kind::Is(ScalarType::Real));

pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "dcount_hll",
        "Counts the different values that a sketch of hll() has seen.",
        "dcount-hll-function",
        Naming::NameAndFirstArgument,
        [overload!((SKETCH) -> LONG, dcount_hll)],
        [
            ("toscalar(range x from 1 to 9 step 1 | summarize h = hll(x % 4) | project dcount_hll(h))", "4"),
            ("toscalar(print h = dcount_hll(dynamic(null)))", "long(null)"),
            ("toscalar(datatable(x: string)['a', 'A', ''] | summarize h = hll(x) | project dcount_hll(h))", "3"),
        ]
    ),
    function!(
        "hll_merge",
        "Merges sketches of hll().",
        "hll-merge-function",
        Naming::Prefix("hll_merged_result"),
        [overload!((SKETCH.repeated(2, 16)) -> DYNAMIC, hll_merge)],
        [
            (
                "toscalar(range x from 1 to 9 step 1 | summarize a = hll(x % 4), b = hll(x) | project \
                 dcount_hll(hll_merge(a, b)))",
                "10",
            ),
            ("hll_merge(dynamic(null), dynamic(null))", "dynamic(null)"),
            (
                "toscalar(range x from 1 to 3 step 1 | summarize a = hll(x) | project dcount_hll(hll_merge(a, \
                 dynamic(null))))",
                "3",
            ),
        ]
    ),
    function!(
        "tdigest_merge" | "merge_tdigest",
        "Merges sketches of tdigest().",
        "tdigest-merge-function",
        Naming::Prefix("tdigests_merge_result"),
        [overload!((SKETCH.repeated(2, 16)) -> DYNAMIC, tdigest_merge)],
        [
            (
                "toscalar(range x from 1 to 9 step 1 | summarize a = tdigest(x), b = tdigest(x + 9) | project \
                 rank_tdigest(tdigest_merge(a, b), 12))",
                "12.0",
            ),
            ("tdigest_merge(dynamic(null), dynamic(null))", "dynamic(null)"),
            (
                "toscalar(range x from 1 to 3 step 1 | summarize a = tdigest(x) | project rank_tdigest(merge_tdigest(a, \
                 dynamic(null)), 2))",
                "2.0",
            ),
        ]
    ),
    function!(
        "percentile_tdigest",
        "Gives a percentile of the values that a sketch of tdigest() has seen.",
        "percentile-tdigest-function",
        Naming::NameAndFirstArgument,
        [
            overload!((SKETCH, PERCENT) -> DYNAMIC, percentile_tdigest),
            overload!(
                (SKETCH, PERCENT, one("type", Kind::TypeName).literal()) -> Returns::TypeName(2),
                percentile_tdigest
            ),
        ],
        [
            (
                "toscalar(range x from 1 to 9 step 1 | summarize t = tdigest(x) | project percentile_tdigest(t, 50, \
                 typeof(long)))",
                "5",
            ),
            ("percentile_tdigest(dynamic(null), 50, typeof(long))", "long(null)"),
            (
                "toscalar(range x from 1 to 3 step 1 | summarize t = tdigest(datetime(2024-03-01) + x * 1d) | project \
                 percentile_tdigest(t, 100, typeof(datetime)))",
                "datetime(2024-03-04)",
            ),
        ]
    ),
    function!(
        "percentiles_array_tdigest",
        "Gives several percentiles of the values that a sketch of tdigest() has seen, as an array.",
        "percentiles-array-tdigest-function",
        Naming::PrefixAndFirstArgument("percentile_tdigest"),
        [
            overload!((SKETCH, PERCENT.repeated(1, 32767)) -> DYNAMIC, percentiles_array),
            overload!((SKETCH, one("percentiles", Kind::Dynamic)) -> DYNAMIC, percentiles_array),
        ],
        [
            (
                "toscalar(range x from 1 to 9 step 1 | summarize t = tdigest(x) | project \
                 tostring(percentiles_array_tdigest(t, 50, 100)))",
                "'[5,9]'",
            ),
            (
                "toscalar(range x from 1 to 9 step 1 | summarize t = tdigest(x) | project \
                 tostring(percentiles_array_tdigest(t, dynamic([50, 100]))))",
                "'[5,9]'",
            ),
            ("percentiles_array_tdigest(dynamic(null), 50)", "dynamic(null)"),
        ]
    ),
    function!(
        "rank_tdigest",
        "Counts the values that are no larger than one, by a sketch of tdigest().",
        "rank-tdigest-function",
        Naming::None,
        [overload!((SKETCH, one("value", Kind::Any)) -> REAL, rank_tdigest)],
        [
            ("toscalar(range x from 1 to 9 step 1 | summarize t = tdigest(x) | project rank_tdigest(t, 4))", "4.0",),
            ("toscalar(range x from 1 to 9 step 1 | summarize t = tdigest(x) | project rank_tdigest(t, 4.5))", "4.0",),
            ("rank_tdigest(dynamic(null), 4)", "real(null)"),
        ]
    ),
    function!(
        "percentrank_tdigest",
        "Gives the percentage of values that are no larger than one, by a sketch of tdigest().",
        "percentrank-tdigest-function",
        Naming::None,
        [overload!((SKETCH, one("value", Kind::Any)) -> REAL, percentrank_tdigest)],
        [
            (
                "toscalar(range x from 1 to 10 step 1 | summarize t = tdigest(x) | project percentrank_tdigest(t, 4))",
                "40.0",
            ),
            (
                "toscalar(range x from 1 to 10 step 1 | summarize t = tdigest(x) | project percentrank_tdigest(t, 99))",
                "100.0",
            ),
            ("percentrank_tdigest(dynamic(null), 4)", "real(null)"),
        ]
    ),
];

/// A dynamic that this query made no sketch of: perhaps one of Kusto's own, whose form is not documented.
fn unreadable(argument: usize) -> FunctionError {
    FunctionError::argument(argument, "AQ001", "only sketches that this query made with hll() or tdigest() can be read")
}

fn differing(what: &str) -> FunctionError {
    FunctionError { code: "AQ001", message: format!("sketches of different {what} can't be merged"), argument: None }
}

/// Calls `f` with the sketch of each row, None where there is none.
fn each<S, T>(
    call: &Call,
    read: fn(&str) -> Option<S>,
    f: impl Fn(usize, &S) -> Result<Option<T>, FunctionError>,
) -> Result<Vec<Option<T>>, FunctionError> {
    let sketches = Reader::<Json>::new(call, 0);
    let value = |row| match sketches.get(row) {
        None => Ok(None),
        Some(text) => f(row, &read(text).ok_or_else(|| unreadable(0))?),
    };
    (0..call.rows).map(value).collect()
}

fn dcount_hll(call: &Call) -> Result<ArrayRef, FunctionError> {
    let counts = each(call, Hll::read, |_, hll| Ok(Some(hll.count())))?;
    Ok(Arc::new(counts.into_iter().collect::<Int64Array>()))
}

fn hll_merge(call: &Call) -> Result<ArrayRef, FunctionError> {
    merged(call, Hll::read, |own, more| own.merge(more).ok_or_else(|| differing("accuracy")), Hll::text)
}

fn tdigest_merge(call: &Call) -> Result<ArrayRef, FunctionError> {
    merged(call, Digest::read, |own, more| own.merge(more).ok_or_else(|| differing("types")), Digest::text)
}

/// Merges the sketches of each row; nulls add nothing.
fn merged<S>(
    call: &Call,
    read: fn(&str) -> Option<S>,
    merge: fn(&mut S, &S) -> Result<(), FunctionError>,
    text: fn(&S) -> String,
) -> Result<ArrayRef, FunctionError> {
    let arguments: Vec<Reader<Json>> = (0..call.arguments.len()).map(|index| Reader::new(call, index)).collect();
    let mut texts = StringViewBuilder::with_capacity(call.rows);
    for row in 0..call.rows {
        let mut all: Option<S> = None;
        for (index, argument) in arguments.iter().enumerate() {
            let Some(sketch) = argument.get(row) else { continue };
            let sketch = read(sketch).ok_or_else(|| unreadable(index))?;
            match &mut all {
                Some(all) => merge(all, &sketch)?,
                None => all = Some(sketch),
            }
        }
        texts.append_option(all.map(|all| text(&all)));
    }
    Ok(Arc::new(texts.finish()))
}

/// Tells whether a number is a percentage.
fn is_percent(percent: &f64) -> bool {
    (0.0..=100.0).contains(percent)
}

fn percentile_tdigest(call: &Call) -> Result<ArrayRef, FunctionError> {
    let percents = Reader::<crate::functions::lift::Real>::new(call, 1);
    let returns = call.arguments.get(2).map_or(ScalarType::Dynamic, |named| named.scalar_type);
    let values = each(call, Digest::read, |row, digest| {
        let value = percents.get(row).filter(is_percent).and_then(|percent| digest.percentile(percent));
        Ok(value.map(|value| convert::convert(&value, returns)))
    })?;
    let values: Vec<Value> = values.into_iter().map(|value| value.unwrap_or(Value::missing(returns))).collect();
    Ok(from_values(returns, &values))
}

fn percentiles_array(call: &Call) -> Result<ArrayRef, FunctionError> {
    let texts = each(call, Digest::read, |row, digest| {
        let mut text = String::from("[");
        for percent in percents_of(call, row) {
            if text.len() > 1 {
                text.push(',');
            }
            let value = Some(percent).filter(is_percent).and_then(|percent| digest.percentile(percent));
            json::write_value(&value.unwrap_or(Value::Null(ScalarType::Long)), &mut text);
        }
        text.push(']');
        Ok(Some(text))
    })?;
    let mut column = StringViewBuilder::with_capacity(call.rows);
    texts.into_iter().for_each(|text| column.append_option(text));
    Ok(Arc::new(column.finish()))
}

/// Returns the percentages of a row: each an argument, or all of them in one array.
fn percents_of(call: &Call, row: usize) -> Vec<f64> {
    let mut percents = Vec::new();
    for argument in &call.arguments[1..] {
        let row = if argument.constant { 0 } else { row };
        if argument.array.is_null(row) {
            continue;
        }
        match argument.array.as_primitive_opt::<Float64Type>() {
            Some(reals) => percents.push(reals.value(row)),
            None => {
                let text = argument.array.as_string_view().value(row);
                let numbers: Vec<serde_json::Number> = serde_json::from_str(text).unwrap_or_default();
                percents.extend(numbers.iter().filter_map(serde_json::Number::as_f64));
            }
        }
    }
    percents
}

/// Calls `f` with the sketch and the value of each row.
fn ranked(call: &Call, f: impl Fn(&Digest, Number) -> f64) -> Result<ArrayRef, FunctionError> {
    let argument = &call.arguments[1];
    let ranks = each(call, Digest::read, |row, digest| {
        let row = if argument.constant { 0 } else { row };
        let value = value_at(&argument.array, row, argument.scalar_type);
        let value = match &value {
            Value::Dynamic(_) => convert::convert(&value, ScalarType::Real),
            _ => value,
        };
        Ok(Number::of(&value).map(|value| f(digest, value)))
    })?;
    Ok(Arc::new(ranks.into_iter().collect::<Float64Array>()))
}

fn rank_tdigest(call: &Call) -> Result<ArrayRef, FunctionError> {
    ranked(call, Digest::rank)
}

fn percentrank_tdigest(call: &Call) -> Result<ArrayRef, FunctionError> {
    ranked(call, |digest, value| 100.0 * digest.rank(value) / digest.count())
}
