//! Lines and polynomials through series, by least squares.
//!
//! The places of the elements count from 1, variances are those of samples: that is what the documented example shows,
//! whose slope is 2.730, whose interception is -1.666 and whose first fitted value is 1.064.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringViewArray};

use super::super::rows::{self, Column, DYNAMIC, dynamic, function, overload};
use super::{numbers, unsupported, write_reals};
use crate::functions::lift::{Int, Json, Reader};
use crate::functions::{Call, Function, FunctionError, Kind, Naming, Returns, one};
use crate::types::{ScalarType, json};

/// The highest degree of a polynomial: beyond, doubles hold no digit of its coefficients.
const MOST_DEGREES: i32 = 64;

/// Regressions.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "series_fit_line",
        "Fits a line to a series.",
        "series-fit-line-function",
        Naming::None,
        [overload!((dynamic("series")) -> Returns::Columns(&[
            ("rsquare", ScalarType::Real),
            ("slope", ScalarType::Real),
            ("variance", ScalarType::Real),
            ("rvariance", ScalarType::Real),
            ("interception", ScalarType::Real),
            ("line_fit", ScalarType::Dynamic),
        ]), line)],
        [
            ("series_fit_line(dynamic([2, 4, 6]))[1]", "2.0"),
            ("tostring(series_fit_line(dynamic([2, 4, 6]))[5])", "'[2.0,4.0,6.0]'"),
            ("isnull(series_fit_line(dynamic(null))[0])", "true")
        ]
    ),
    function!(
        "series_fit_line_dynamic",
        "Fits a line to a series, as a bag.",
        "series-fit-line-dynamic-function",
        Naming::None,
        [overload!((dynamic("series")) -> DYNAMIC, line_dynamic)],
        [
            ("series_fit_line_dynamic(dynamic([2, 4, 6])).slope", "dynamic(2.0)"),
            ("toreal(series_fit_line_dynamic(dynamic([1, 2, 4, 8])).rsquare)", "0.92"),
            ("isnull(series_fit_line_dynamic(dynamic(null)))", "true")
        ]
    ),
    function!(
        "series_fit_poly",
        "Fits a polynomial to a series.",
        "series-fit-poly-function",
        Naming::None,
        [overload!((dynamic("y_series"), dynamic("x_series").optional(),
            one("degree", Kind::Is(ScalarType::Int)).optional()) -> Returns::Columns(&[
            ("rsquare", ScalarType::Real),
            ("coefficients", ScalarType::Dynamic),
            ("variance", ScalarType::Real),
            ("rvariance", ScalarType::Real),
            ("poly_fit", ScalarType::Dynamic),
        ]), polynomial)],
        [
            ("round(toreal(series_fit_poly(dynamic([1, 4, 9, 16]), dynamic([1, 2, 3, 4]), 2)[1][0]), 9)", "1.0"),
            ("round(series_fit_poly(dynamic([1, 2, 4]))[0], 9)", "0.964285714"),
            ("isnull(series_fit_poly(dynamic(null))[0])", "true")
        ]
    ),
];

/// What a regression found.
struct Fit {
    /// From the lowest power to the highest.
    coefficients: Vec<f64>,
    values: Vec<f64>,
    variance: f64,
    residual: f64,
}

impl Fit {
    fn rsquare(&self) -> f64 {
        1.0 - self.residual / self.variance
    }

    fn of(x: &[f64], y: &[f64], coefficients: Vec<f64>) -> Fit {
        let values: Vec<f64> = x.iter().map(|x| coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)).collect();
        let mean = y.iter().sum::<f64>() / y.len() as f64;
        let freedom = (y.len() - 1) as f64;
        let variance = y.iter().map(|y| (y - mean) * (y - mean)).sum::<f64>() / freedom;
        let residual = y.iter().zip(&values).map(|(y, fit)| (y - fit) * (y - fit)).sum::<f64>() / freedom;
        Fit { coefficients, values, variance, residual }
    }
}

/// Reads a series that a line can be told of. What a constant one gives is not documented.
fn varied(array: &str, function: &str) -> Result<Option<Vec<f64>>, FunctionError> {
    let Some(y) = numbers(array, function)? else { return Ok(None) };
    if y.iter().all(|value| *value == y[0]) || y.iter().any(|value| !value.is_finite()) {
        return Err(unsupported(format!("`{function}()` of a series whose elements are all equal, or not finite")));
    }
    Ok(Some(y))
}

fn fit_line(y: &[f64]) -> Fit {
    let x: Vec<f64> = (1..=y.len()).map(|n| n as f64).collect();
    let (mean_x, mean_y) = ((y.len() + 1) as f64 / 2.0, y.iter().sum::<f64>() / y.len() as f64);
    let covered: f64 = x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let slope = covered / x.iter().map(|x| (x - mean_x) * (x - mean_x)).sum::<f64>();
    Fit::of(&x, y, vec![mean_y - slope * mean_x, slope])
}

fn lines(call: &Call, function: &str) -> Result<Vec<Option<Fit>>, FunctionError> {
    let series = Reader::<Json>::new(call, 0);
    (0..call.rows)
        .map(|row| {
            let Some(array) = series.get(row) else { return Ok(None) };
            Ok(varied(array, function)?.map(|y| fit_line(&y)))
        })
        .collect()
}

fn reals(fits: &[Option<Fit>], f: impl Fn(&Fit) -> f64) -> ArrayRef {
    Arc::new(fits.iter().map(|fit| fit.as_ref().map(&f)).collect::<Float64Array>())
}

fn arrays(fits: &[Option<Fit>], f: impl Fn(&Fit) -> Vec<f64>) -> ArrayRef {
    let text = |fit: &Fit| {
        let mut text = String::new();
        write_reals(f(fit).into_iter().map(Some), &mut text);
        text
    };
    Arc::new(fits.iter().map(|fit| fit.as_ref().map(text)).collect::<StringViewArray>())
}

fn line(call: &Call) -> Column {
    let fits = lines(call, "series_fit_line")?;
    rows::several(vec![
        reals(&fits, Fit::rsquare),
        reals(&fits, |fit| fit.coefficients[1]),
        reals(&fits, |fit| fit.variance),
        reals(&fits, |fit| fit.residual),
        reals(&fits, |fit| fit.coefficients[0]),
        arrays(&fits, |fit| fit.values.clone()),
    ])
}

fn line_dynamic(call: &Call) -> Column {
    let fits = lines(call, "series_fit_line_dynamic")?;
    rows::json(call, |row, out| {
        let fit = fits[row].as_ref()?;
        let members = [
            ("rsquare", fit.rsquare()),
            ("slope", fit.coefficients[1]),
            ("variance", fit.variance),
            ("rvariance", fit.residual),
            ("interception", fit.coefficients[0]),
        ];
        for (n, (key, value)) in members.into_iter().enumerate() {
            out.push(if n == 0 { '{' } else { ',' });
            json::write_string(key, out);
            out.push(':');
            json::write_real(value, out);
        }
        out.push_str(",\"line_fit\":");
        write_reals(fit.values.iter().copied().map(Some), out);
        out.push('}');
        Some(())
    })
}

fn polynomial(call: &Call) -> Column {
    let name = "series_fit_poly";
    let series = Reader::<Json>::new(call, 0);
    let places = rows::optional::<Json>(call, 1);
    let degrees = rows::optional::<Int>(call, 2);
    let fit = |row: usize| {
        let Some(y) = series.get(row).map_or(Ok(None), |array| varied(array, name))? else { return Ok(None) };
        let x = match &places {
            None => (1..=y.len()).map(|n| n as f64).collect(),
            Some(places) => match places.get(row).map_or(Ok(None), |array| numbers(array, name))? {
                Some(x) => x,
                None => return Ok(None),
            },
        };
        let degree = degrees.as_ref().map_or(Some(1), |degrees| degrees.get(row));
        let Some(degree) = degree.filter(|degree| (1..=MOST_DEGREES).contains(degree)) else {
            return Err(unsupported(format!("`{name}()` of another degree than 1 to {MOST_DEGREES}")));
        };
        if x.len() != y.len() || x.iter().any(|x| !x.is_finite()) {
            return Err(unsupported(format!("`{name}()` of series that do not go together")));
        }
        match least_squares(&x, &y, degree as usize + 1) {
            Some(coefficients) => Ok(Some(Fit::of(&x, &y, coefficients))),
            None => Err(unsupported(format!("`{name}()` of a series with too few different places for its degree"))),
        }
    };
    let fits = (0..call.rows).map(fit).collect::<Result<Vec<_>, _>>()?;
    rows::several(vec![
        reals(&fits, Fit::rsquare),
        // Ordered from the highest power to the lowest (documented).
        arrays(&fits, |fit| fit.coefficients.iter().rev().copied().collect()),
        reals(&fits, |fit| fit.variance),
        reals(&fits, |fit| fit.residual),
        arrays(&fits, |fit| fit.values.clone()),
    ])
}

/// Solves for the coefficients, lowest power first, by Householder's reflections; None where they are not determined.
fn least_squares(x: &[f64], y: &[f64], count: usize) -> Option<Vec<f64>> {
    let rows = x.len();
    if rows < count {
        return None;
    }
    // Columns of the matrix of powers.
    let mut columns: Vec<Vec<f64>> = vec![vec![1.0; rows]];
    for power in 1..count {
        columns.push(columns[power - 1].iter().zip(x).map(|(value, x)| value * x).collect());
    }
    let mut right = y.to_vec();
    let mut diagonal = Vec::with_capacity(count);
    for k in 0..count {
        let whole: f64 = columns[k].iter().map(|v| v * v).sum::<f64>().sqrt();
        let norm: f64 = columns[k][k..].iter().map(|v| v * v).sum::<f64>().sqrt();
        if norm.is_nan() || norm <= whole * 1e-13 {
            return None;
        }
        let alpha = if columns[k][k] > 0.0 { -norm } else { norm };
        let mut mirror = columns[k][k..].to_vec();
        mirror[0] -= alpha;
        let length: f64 = mirror.iter().map(|v| v * v).sum();
        let reflect = |target: &mut [f64]| {
            let scale = 2.0 * mirror.iter().zip(target.iter()).map(|(m, t)| m * t).sum::<f64>() / length;
            target.iter_mut().zip(&mirror).for_each(|(t, m)| *t -= scale * m);
        };
        columns[k + 1..].iter_mut().for_each(|column| reflect(&mut column[k..]));
        reflect(&mut right[k..]);
        diagonal.push(alpha);
    }
    let mut solution = vec![0.0; count];
    for k in (0..count).rev() {
        let known: f64 = (k + 1..count).map(|j| columns[j][k] * solution[j]).sum();
        solution[k] = (right[k] - known) / diagonal[k];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_line() {
        let fit = fit_line(&[2.0, 5.0, 6.0, 8.0, 11.0, 15.0, 17.0, 18.0, 25.0, 26.0, 30.0, 30.0]);
        let near = |value: f64, printed: f64| assert!((value - printed).abs() < 1e-3, "{value} {printed}");
        near(fit.rsquare(), 0.982);
        near(fit.coefficients[1], 2.730);
        near(fit.variance, 98.628);
        near(fit.residual, 1.686);
        near(fit.coefficients[0], -1.666);
        near(fit.values[0], 1.064);
    }

    #[test]
    fn a_polynomial_of_the_first_degree_is_a_line() {
        let y = [3.0, 1.0, 4.0, 1.0, 5.0];
        let x = [1.0, 2.0, 3.0, 4.0, 5.0];
        let (line, poly) = (fit_line(&y), least_squares(&x, &y, 2).expect("a solution"));
        assert!(line.coefficients.iter().zip(&poly).all(|(a, b)| (a - b).abs() < 1e-12));
    }
}
