//! Fourier transforms of series.
//!
//! The documentation takes the definition of the transform from the article that it links: sums over the elements times
//! `exp(-2πikn/N)`, not divided; and the inverse of the transform of a series is the series (documented), so that it is
//! the inverse that divides by the number of elements.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringViewArray};
use rustfft::FftPlanner;
use rustfft::num_complex::Complex64;

use super::super::rows::{self, Column, dynamic, function, optional, overload};
use super::{numbers, unsupported, write_reals};
use crate::functions::lift::{Json, Reader};
use crate::functions::{Call, Function, FunctionError, Naming, Returns};
use crate::types::ScalarType;

const COMPLEX: Returns = Returns::Columns(&[("real", ScalarType::Dynamic), ("imag", ScalarType::Dynamic)]);

/// The transforms.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "series_fft",
        "Gives the Fourier transform of a series of numbers, or of complex ones: their real and their imaginary parts.",
        "series-fft-function",
        Naming::None,
        [overload!((dynamic("series"), dynamic("series_imaginary").optional()) -> COMPLEX, forward)],
        [
            ("tostring(series_fft(dynamic([1, 0, 0, 0]))[0])", "'[1.0,1.0,1.0,1.0]'"),
            ("tostring(series_fft(dynamic([3, 3]), dynamic([1, -1]))[1])", "'[0.0,2.0]'"),
            ("isnull(series_fft(dynamic(null))[0])", "true")
        ]
    ),
    function!(
        "series_ifft",
        "Gives the series that a Fourier transform was made of.",
        "series-ifft-function",
        Naming::None,
        [overload!((dynamic("series"), dynamic("series_imaginary").optional()) -> COMPLEX, backward)],
        [
            ("tostring(series_ifft(dynamic([1, 1, 1, 1]))[0])", "'[1.0,0.0,0.0,0.0]'"),
            ("tostring(series_ifft(dynamic([6, 0]), dynamic([0, 2]))[1])", "'[1.0,-1.0]'"),
            ("isnull(series_ifft(dynamic(null))[0])", "true")
        ]
    ),
];

fn forward(call: &Call) -> Column {
    transform(call, "series_fft", |planner, values| {
        planner.plan_fft_forward(values.len()).process(values);
    })
}

fn backward(call: &Call) -> Column {
    transform(call, "series_ifft", |planner, values| {
        planner.plan_fft_inverse(values.len()).process(values);
        let count = values.len() as f64;
        values.iter_mut().for_each(|value| *value /= count);
    })
}

/// Transforms each row; null where an argument is no array.
fn transform(call: &Call, function: &str, apply: impl Fn(&mut FftPlanner<f64>, &mut [Complex64])) -> Column {
    let (real, imaginary) = (Reader::<Json>::new(call, 0), optional::<Json>(call, 1));
    let mut planner = FftPlanner::new();
    let rows = (0..call.rows).map(|row| {
        let Some(mut values) = read(&real, imaginary.as_ref(), row, function)? else { return Ok(None) };
        apply(&mut planner, &mut values);
        Ok(Some(values))
    });
    let rows = rows.collect::<Result<Vec<_>, FunctionError>>()?;
    rows::several(vec![parts(&rows, |value| value.re), parts(&rows, |value| value.im)])
}

fn read(
    real: &Reader<Json>,
    imaginary: Option<&Reader<Json>>,
    row: usize,
    function: &str,
) -> Result<Option<Vec<Complex64>>, FunctionError> {
    let part = |reader: &Reader<Json>| reader.get(row).map_or(Ok(None), |array| numbers(array, function));
    let Some(real) = part(real)? else { return Ok(None) };
    let imaginary = match imaginary {
        None => vec![0.0; real.len()],
        Some(reader) => match part(reader)? {
            Some(imaginary) => imaginary,
            None => return Ok(None),
        },
    };
    if real.len() != imaginary.len() {
        return Err(unsupported(format!("`{function}()` of a real and an imaginary part of different lengths")));
    }
    Ok(Some(real.into_iter().zip(imaginary).map(|(re, im)| Complex64::new(re, im)).collect()))
}

fn parts(rows: &[Option<Vec<Complex64>>], part: impl Fn(&Complex64) -> f64) -> ArrayRef {
    let text = |values: &Vec<Complex64>| {
        let mut text = String::new();
        write_reals(values.iter().map(|value| Some(part(value))), &mut text);
        text
    };
    Arc::new(rows.iter().map(|values| values.as_ref().map(text)).collect::<StringViewArray>())
}

#[cfg(test)]
mod tests {
    use super::super::super::rows::{fails, json_value};
    use super::*;

    fn transformed(values: &[Complex64], apply: impl Fn(&mut FftPlanner<f64>, &mut [Complex64])) -> Vec<Complex64> {
        let mut values = values.to_vec();
        apply(&mut FftPlanner::new(), &mut values);
        values
    }

    /// The sums that the transform is defined by, for lengths that are a power of two, prime and neither.
    #[test]
    fn a_transform_is_its_definition() {
        for length in [1, 2, 7, 12, 64] {
            let series: Vec<Complex64> =
                (0..length).map(|n| Complex64::new(f64::from(n * n % 11), f64::from(n % 3) - 1.0)).collect();
            let computed = transformed(&series, |planner, values| {
                planner.plan_fft_forward(values.len()).process(values);
            });
            for (k, value) in computed.iter().enumerate() {
                let term = |(n, x): (usize, &Complex64)| {
                    let turn = -std::f64::consts::TAU * ((k * n) as f64) / f64::from(length);
                    x * Complex64::new(turn.cos(), turn.sin())
                };
                let defined: Complex64 = series.iter().enumerate().map(term).sum();
                assert!((value - defined).norm() < 1e-9, "{length} {k}: {value} {defined}");
            }
        }
    }

    #[test]
    fn what_has_no_transform_is_refused() {
        let array = |text: &str| json_value(text);
        assert_eq!(fails(FUNCTIONS, "series_fft", &[array("[1,2]"), array("[1]")]), "AQ001");
        assert_eq!(fails(FUNCTIONS, "series_fft", &[array("[1,null]")]), "AQ001");
        assert_eq!(fails(FUNCTIONS, "series_ifft", &[array("[\"x\"]")]), "AQ001");
    }
}
