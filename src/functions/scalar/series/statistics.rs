//! Numbers about whole series.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array};

use super::super::rows::{self, Column, DYNAMIC, REAL, dynamic, function, optional, overload};
use super::{Series, numbers, unsupported};
use crate::functions::lift::{Bool, Json, Reader};
use crate::functions::{Call, Function, FunctionError, Kind, Naming, Parameter, Returns, one};
use crate::types::{ScalarType, Value, arrow as columns, convert, json};

const SERIES: Parameter = dynamic("series");
const FIRST: Parameter = dynamic("series1");
const SECOND: Parameter = dynamic("series2");
const IGNORE: Parameter = one("ignore_nonfinite", Kind::Is(ScalarType::Bool)).constant().optional();

/// Sums, products, likeness and statistics.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "series_sum",
        "Adds the numbers of a series.",
        "series-sum-function",
        Naming::None,
        [overload!((SERIES) -> REAL, |call| fold(call, "series_sum", |all| all.iter().sum()))],
        [
            ("series_sum(dynamic([1, 2, 3, 4]))", "10.0"),
            ("series_sum(dynamic([0.5]))", "0.5"),
            ("isnull(series_sum(dynamic(null)))", "true")
        ]
    ),
    function!(
        "series_product",
        "Multiplies the numbers of a series.",
        "series-product-function",
        Naming::None,
        [overload!((SERIES) -> REAL, |call| fold(call, "series_product", |all| all.iter().product()))],
        [
            ("series_product(dynamic([1, 2, 3, 4]))", "24.0"),
            ("series_product(dynamic([0.5, 2]))", "1.0"),
            ("isnull(series_product(dynamic(null)))", "true")
        ]
    ),
    function!(
        "series_magnitude",
        "Gives the length of a series as a vector.",
        "series-magnitude-function",
        Naming::None,
        [overload!((SERIES) -> REAL, |call| fold(call, "series_magnitude", magnitude))],
        [
            ("series_magnitude(dynamic([3, 4]))", "5.0"),
            ("series_magnitude(dynamic([-2.5]))", "2.5"),
            ("isnull(series_magnitude(dynamic(null)))", "true")
        ]
    ),
    function!(
        "series_dot_product",
        "Gives the dot product of two series.",
        "series-dot-product-function",
        Naming::None,
        [
            overload!((FIRST, SECOND) -> REAL, dot_product),
            overload!((FIRST, one("series2", Kind::Number)) -> REAL, |call| dot_product_by(call, 0, 1)),
            overload!((one("series1", Kind::Number), SECOND) -> REAL, |call| dot_product_by(call, 1, 0)),
        ],
        [
            ("series_dot_product(dynamic([1, 2, 4]), dynamic([4, 2, 1]))", "12.0"),
            ("series_dot_product(dynamic([1, null, 4]), 2)", "10.0"),
            ("isnull(series_dot_product(dynamic([]), dynamic([1])))", "true")
        ]
    ),
    function!(
        "series_cosine_similarity",
        "Gives the cosine of the angle between two series; their lengths may be given where they are known.",
        "series-cosine-similarity-function",
        Naming::None,
        [overload!((FIRST, SECOND, one("series1_magnitude", Kind::Is(ScalarType::Real)).optional(),
            one("series2_magnitude", Kind::Is(ScalarType::Real)).optional()) -> REAL, cosine)],
        [
            ("series_cosine_similarity(dynamic([1, 0]), dynamic([0, 1]))", "0.0"),
            ("series_cosine_similarity(dynamic([3, 4]), dynamic([3, 4]))", "1.0"),
            ("isnull(series_cosine_similarity(dynamic([]), dynamic([1])))", "true")
        ]
    ),
    function!(
        "series_pearson_correlation",
        "Gives the correlation of two series.",
        "series-pearson-correlation-function",
        Naming::None,
        [overload!((FIRST, SECOND) -> REAL, pearson)],
        [
            ("series_pearson_correlation(dynamic([1, 2, 3]), dynamic([2, 4, 6]))", "1.0"),
            ("isnull(series_pearson_correlation(dynamic([1, 2]), dynamic([2])))", "true"),
            ("isnull(series_pearson_correlation(dynamic([1, null]), dynamic([2, 3])))", "true")
        ]
    ),
    function!(
        "series_stats",
        "Gives statistics of a series, as columns.",
        "series-stats-function",
        Naming::None,
        [overload!((SERIES, IGNORE) -> Returns::Columns(&[
            ("min", ScalarType::Real),
            ("min_idx", ScalarType::Long),
            ("max", ScalarType::Real),
            ("max_idx", ScalarType::Long),
            ("avg", ScalarType::Real),
            ("stdev", ScalarType::Real),
            ("variance", ScalarType::Real),
        ]), stats)],
        [
            ("series_stats(dynamic([23, 46, 8]))[0]", "8.0"),
            ("series_stats(dynamic([23, 46, 8]))[3]", "1"),
            ("isnull(series_stats(dynamic([23, null]))[4])", "true")
        ]
    ),
    function!(
        "series_stats_dynamic",
        "Gives statistics of a series, as a bag.",
        "series-stats-dynamic-function",
        Naming::None,
        [overload!((SERIES, IGNORE) -> DYNAMIC, stats_dynamic)],
        [
            (
                "tostring(series_stats_dynamic(dynamic([1, 3])))",
                "'{\"min\":1.0,\"min_idx\":0,\"max\":3.0,\"max_idx\":1,\"avg\":2.0,\"stdev\":1.4142135623730952,\
                 \"variance\":2.0,\"sum\":4.0,\"len\":2}'"
            ),
            ("series_stats_dynamic(dynamic([1, null, 3]), true).max_idx", "dynamic(2)"),
            ("isnull(series_stats_dynamic(dynamic([1, null, 3])))", "true")
        ]
    ),
];

fn reals(call: &Call, mut value: impl FnMut(usize) -> Result<Option<f64>, FunctionError>) -> Column {
    let reals: Result<Float64Array, _> = (0..call.rows).map(&mut value).collect();
    Ok(Arc::new(reals?))
}

/// Computes one number of all. What an array without numbers gives is not documented.
fn fold(call: &Call, function: &str, f: fn(&[f64]) -> f64) -> Column {
    let series = Reader::<Json>::new(call, 0);
    reals(call, |row| {
        let Some(array) = series.get(row) else { return Ok(None) };
        match numbers(array, function)? {
            Some(all) if all.is_empty() => Err(unsupported(format!("`{function}()` of an empty array"))),
            all => Ok(all.map(|all| f(&all))),
        }
    })
}

fn magnitude(all: &[f64]) -> f64 {
    all.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Documented: the longer series is cut, what is no number is left out, and empty arrays give null.
fn dot_product(call: &Call) -> Column {
    let (a, b) = (Reader::<Json>::new(call, 0), Reader::<Json>::new(call, 1));
    reals(call, |row| {
        let read = |array: Option<&str>| Series::read(array?).map(Series::into_reals).filter(|all| !all.is_empty());
        let (Some(a), Some(b)) = (read(a.get(row)), read(b.get(row))) else { return Ok(None) };
        Ok(Some(a.into_iter().zip(b).filter_map(|(a, b)| Some(a? * b?)).sum()))
    })
}

fn dot_product_by(call: &Call, series: usize, number: usize) -> Column {
    let array = Reader::<Json>::new(call, series);
    let argument = &call.arguments[number];
    reals(call, |row| {
        let all = array.get(row).and_then(Series::read).map(Series::into_reals).filter(|all| !all.is_empty());
        let value = columns::value_at(&argument.array, if argument.constant { 0 } else { row }, argument.scalar_type);
        let (Some(all), Value::Real(number)) = (all, convert::convert(&value, ScalarType::Real)) else {
            return Ok(None);
        };
        Ok(Some(all.into_iter().flatten().map(|x| x * number).sum()))
    })
}

fn cosine(call: &Call) -> Column {
    let (a, b) = (Reader::<Json>::new(call, 0), Reader::<Json>::new(call, 1));
    let lengths = [2, 3].map(|index| optional::<crate::functions::lift::Real>(call, index));
    reals(call, |row| {
        let (Some(a), Some(b)) = (a.get(row), b.get(row)) else { return Ok(None) };
        let name = "series_cosine_similarity";
        let (Some(a), Some(b)) = (numbers(a, name)?, numbers(b, name)?) else { return Ok(None) };
        let length = a.len().min(b.len());
        if length == 0 {
            return Ok(None);
        }
        let (a, b) = (&a[..length], &b[..length]);
        let of = |index: usize, series: &[f64]| match &lengths[index] {
            Some(given) => given.get(row),
            None => Some(magnitude(series)),
        };
        Ok(of(0, a).zip(of(1, b)).map(|(length_a, length_b)| dot(a, b) / (length_a * length_b)))
    })
}

/// Documented: null where an element is no number, or one series is longer.
fn pearson(call: &Call) -> Column {
    let (a, b) = (Reader::<Json>::new(call, 0), Reader::<Json>::new(call, 1));
    reals(call, |row| {
        let read = |array: Option<&str>| Series::read(array?)?.into_reals().into_iter().collect::<Option<Vec<f64>>>();
        let (Some(a), Some(b)) = (read(a.get(row)), read(b.get(row))) else { return Ok(None) };
        if a.len() != b.len() {
            return Ok(None);
        }
        let (a, b) = (deviations(&a), deviations(&b));
        let spread = (dot(&a, &a) * dot(&b, &b)).sqrt();
        if spread == 0.0 || a.len() < 2 {
            return Err(unsupported("`series_pearson_correlation()` of a series whose elements are all equal"));
        }
        Ok(Some(dot(&a, &b) / spread))
    })
}

fn deviations(all: &[f64]) -> Vec<f64> {
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    all.iter().map(|x| x - mean).collect()
}

/// What is known about the numbers of a series.
struct Statistics {
    least: (f64, i64),
    greatest: (f64, i64),
    mean: f64,
    variance: f64,
    sum: f64,
    length: i64,
}

impl Statistics {
    /// None where a value is not finite, unless such are left out: the result is null (documented).
    fn of(array: &str, ignore: bool) -> Result<Option<Statistics>, FunctionError> {
        let Some(series) = Series::read(array) else { return Ok(None) };
        let all = series.into_reals();
        let length = all.len() as i64;
        let finite: Vec<(f64, i64)> =
            all.iter().zip(0..).filter_map(|(x, n)| x.filter(|x| x.is_finite()).map(|x| (x, n))).collect();
        if finite.len() < all.len() && !ignore {
            return Ok(None);
        }
        if finite.len() < 2 {
            return Err(unsupported("statistics of a series of less than two numbers"));
        }
        let sum: f64 = finite.iter().map(|(x, _)| x).sum();
        let mean = sum / finite.len() as f64;
        let squares: f64 = finite.iter().map(|(x, _)| (x - mean) * (x - mean)).sum();
        // The first of equal ones.
        let least = finite.iter().copied().reduce(|a, b| if b.0 < a.0 { b } else { a });
        let greatest = finite.iter().copied().reduce(|a, b| if b.0 > a.0 { b } else { a });
        let variance = squares / (finite.len() - 1) as f64;
        Ok(least.zip(greatest).map(|(least, greatest)| Statistics { least, greatest, mean, variance, sum, length }))
    }
}

fn each_statistics(call: &Call) -> Result<Vec<Option<Statistics>>, FunctionError> {
    let (series, ignore) = (Reader::<Json>::new(call, 0), optional::<Bool>(call, 1));
    let ignores = |row| ignore.as_ref().and_then(|ignore| ignore.get(row)).unwrap_or(false);
    (0..call.rows).map(|row| series.get(row).map_or(Ok(None), |array| Statistics::of(array, ignores(row)))).collect()
}

fn stats(call: &Call) -> Column {
    let all = each_statistics(call)?;
    let reals = |f: fn(&Statistics) -> f64| -> ArrayRef {
        Arc::new(all.iter().map(|s| s.as_ref().map(f)).collect::<Float64Array>())
    };
    let longs = |f: fn(&Statistics) -> i64| -> ArrayRef {
        Arc::new(all.iter().map(|s| s.as_ref().map(f)).collect::<Int64Array>())
    };
    rows::several(vec![
        reals(|s| s.least.0),
        longs(|s| s.least.1),
        reals(|s| s.greatest.0),
        longs(|s| s.greatest.1),
        reals(|s| s.mean),
        reals(|s| s.variance.sqrt()),
        reals(|s| s.variance),
    ])
}

fn stats_dynamic(call: &Call) -> Column {
    use std::fmt::Write as _;

    let all = each_statistics(call)?;
    rows::json(call, |row, out| {
        let s = all[row].as_ref()?;
        let real = |key: &str, value: f64, out: &mut String| {
            out.push_str(key);
            json::write_real(value, out);
        };
        real("{\"min\":", s.least.0, out);
        // Writing to a string can't fail.
        let _ = write!(out, ",\"min_idx\":{}", s.least.1);
        real(",\"max\":", s.greatest.0, out);
        let _ = write!(out, ",\"max_idx\":{}", s.greatest.1);
        real(",\"avg\":", s.mean, out);
        real(",\"stdev\":", s.variance.sqrt(), out);
        real(",\"variance\":", s.variance, out);
        real(",\"sum\":", s.sum, out);
        let _ = write!(out, ",\"len\":{}}}", s.length);
        Some(())
    })
}
