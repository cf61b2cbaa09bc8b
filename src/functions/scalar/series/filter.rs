//! Filters of series: finite and infinite impulse response.

use super::super::rows::{self, Column, DYNAMIC, dynamic, function, optional, overload};
use super::{Series, numbers, unsupported, write_longs, write_reals};
use crate::functions::lift::{Bool, Json, Reader};
use crate::functions::{Call, Function, FunctionError, Kind, Naming, one};
use crate::types::ScalarType;

/// How many products a filter is computed with at most for one array.
const MOST_PRODUCTS: usize = 1 << 30;

/// The filters.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "series_fir",
        "Filters a series by a finite impulse response: each element becomes a weighted sum of itself and those before.",
        "series-fir-function",
        Naming::FirstArgument,
        [overload!((dynamic("series"), dynamic("filter"), one("normalize", Kind::Is(ScalarType::Bool)).optional(),
            one("center", Kind::Is(ScalarType::Bool)).optional()) -> DYNAMIC, fir)],
        [
            ("tostring(series_fir(dynamic([5, 15, 10]), dynamic([1, -1]), false, false))", "'[5,10,-5]'"),
            ("tostring(series_fir(dynamic([0, 4, 0]), dynamic([1, 1]), true))", "'[0.0,2.0,2.0]'"),
            ("tostring(series_fir(dynamic([0, 3, 0]), dynamic([1, 1, 1]), true, true))", "'[1.0,1.0,1.0]'"),
            ("isnull(series_fir(dynamic(null), dynamic([1])))", "true")
        ]
    ),
    function!(
        "series_iir",
        "Filters a series by an infinite impulse response: each element is computed from the input and the output so far.",
        "series-iir-function",
        Naming::FirstArgument,
        [overload!((dynamic("series"), dynamic("numerators"), dynamic("denominators")) -> DYNAMIC, iir)],
        [
            ("tostring(series_iir(dynamic([1, 2, 3]), dynamic([1]), dynamic([1, -1])))", "'[1.0,3.0,6.0]'"),
            ("tostring(series_iir(dynamic([2, 2]), dynamic([1]), dynamic([2])))", "'[1.0,1.0]'"),
            ("isnull(series_iir(dynamic(null), dynamic([1]), dynamic([1])))", "true")
        ]
    ),
];

/// Reads the arrays of each row, which hold numbers alone; None where one of them is no array.
fn arrays<const N: usize>(
    readers: &[Reader<Json>; N],
    row: usize,
    function: &str,
) -> Result<Option<[Vec<f64>; N]>, FunctionError> {
    let mut arrays = [const { Vec::new() }; N];
    for (array, reader) in arrays.iter_mut().zip(readers) {
        match reader.get(row).map_or(Ok(None), |array| numbers(array, function))? {
            Some(numbers) => *array = numbers,
            None => return Ok(None),
        }
    }
    Ok(Some(arrays))
}

fn bounded(length: usize, coefficients: usize, function: &str) -> Result<(), FunctionError> {
    if length.saturating_mul(coefficients) > MOST_PRODUCTS {
        return Err(unsupported(format!("`{function}()` of an array as long as this")));
    }
    Ok(())
}

/// A filtered row.
enum Filtered {
    Null,
    Longs(Vec<i64>),
    Reals(Vec<f64>),
}

fn write(call: &Call, filtered: &[Filtered]) -> Column {
    rows::json(call, |row, out| {
        match &filtered[row] {
            Filtered::Null => return None,
            Filtered::Longs(longs) => write_longs(longs.iter().copied().map(Some), out),
            Filtered::Reals(reals) => write_reals(reals.iter().copied().map(Some), out),
        }
        Some(())
    })
}

fn fir(call: &Call) -> Column {
    let readers = [Reader::<Json>::new(call, 0), Reader::<Json>::new(call, 1)];
    let (normalize, center) = (optional::<Bool>(call, 2), optional::<Bool>(call, 3));
    let filtered = (0..call.rows).map(|row| {
        let Some([series, filter]) = arrays(&readers, row, "series_fir")? else { return Ok(Filtered::Null) };
        bounded(series.len(), filter.len(), "series_fir")?;
        if filter.is_empty() {
            return Err(unsupported("`series_fir()` with an empty filter"));
        }
        let negative = filter.iter().any(|coefficient| *coefficient < 0.0);
        let normalize = normalize.as_ref().and_then(|given| given.get(row));
        // Documented: negative coefficients can't be normalized, and are not unless it is asked for.
        if negative && normalize == Some(true) {
            return Ok(Filtered::Null);
        }
        let centered = center.as_ref().and_then(|given| given.get(row)).unwrap_or(false);
        if centered && filter.len() % 2 == 0 {
            return Err(unsupported("`series_fir()` with a centered filter of an even number of coefficients"));
        }
        let ahead = if centered { filter.len() / 2 } else { 0 };
        if normalize.unwrap_or(!negative) {
            let sum: f64 = filter.iter().sum();
            let filter: Vec<f64> = filter.iter().map(|coefficient| coefficient / sum).collect();
            return Ok(Filtered::Reals(convolve(&series, &filter, ahead)));
        }
        // Measured: whole numbers stay whole.
        if let (Some(series), Some(filter)) = (whole(&readers[0], row), whole(&readers[1], row)) {
            return Ok(Filtered::Longs(convolve_whole(&series, &filter, ahead)));
        }
        Ok(Filtered::Reals(convolve(&series, &filter, ahead)))
    });
    write(call, &filtered.collect::<Result<Vec<_>, _>>()?)
}

fn whole(reader: &Reader<Json>, row: usize) -> Option<Vec<i64>> {
    match Series::read(reader.get(row)?)? {
        Series::Longs(longs) => longs.into_iter().collect(),
        Series::Reals(_) => None,
    }
}

/// Elements before the first and behind the last count as 0 (measured for those before).
fn convolve(series: &[f64], filter: &[f64], ahead: usize) -> Vec<f64> {
    let at = |n: usize| filter.iter().enumerate().map(|(k, c)| c * before(series, n + ahead, k)).sum();
    (0..series.len()).map(at).collect()
}

fn convolve_whole(series: &[i64], filter: &[i64], ahead: usize) -> Vec<i64> {
    let product = |n: usize, (k, c): (usize, &i64)| c.wrapping_mul(before(series, n + ahead, k));
    let at = |n: usize| filter.iter().enumerate().map(|term| product(n, term)).fold(0, i64::wrapping_add);
    (0..series.len()).map(at).collect()
}

/// Returns the element that stands `back` places before a place.
fn before<T: Copy + Default>(series: &[T], place: usize, back: usize) -> T {
    place.checked_sub(back).and_then(|n| series.get(n)).copied().unwrap_or_default()
}

fn iir(call: &Call) -> Column {
    let readers = [0, 1, 2].map(|index| Reader::<Json>::new(call, index));
    let filtered = (0..call.rows).map(|row| {
        let Some([series, numerators, denominators]) = arrays(&readers, row, "series_iir")? else {
            return Ok(Filtered::Null);
        };
        bounded(series.len(), numerators.len() + denominators.len(), "series_iir")?;
        let Some(divisor) = denominators.first().copied().filter(|divisor| *divisor != 0.0) else {
            return Err(unsupported("`series_iir()` whose first denominator is 0"));
        };
        let mut output: Vec<f64> = Vec::with_capacity(series.len());
        for n in 0..series.len() {
            let input: f64 = numerators.iter().enumerate().map(|(k, b)| b * before(&series, n, k)).sum();
            let earlier = denominators.iter().enumerate().skip(1);
            let feedback: f64 = earlier.map(|(k, a)| a * before(&output, n, k)).sum();
            output.push((input - feedback) / divisor);
        }
        Ok(Filtered::Reals(output))
    });
    write(call, &filtered.collect::<Result<Vec<_>, _>>()?)
}
