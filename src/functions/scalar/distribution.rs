//! Distributions of probability.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};

use super::rows::{Column, REAL, function, overload};
use crate::functions::lift::{Reader, Real};
use crate::functions::{Call, Function, FunctionError, Kind, Naming, Parameter, one};

const ALPHA: Parameter = one("alpha", Kind::AsReal);
const BETA: Parameter = one("beta", Kind::AsReal);

/// The beta distribution, and Welch's test.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "beta_cdf",
        "Gives the cumulative beta distribution; NaN outside of 0 to 1.",
        "beta-cdf-function",
        Naming::None,
        [overload!((one("x", Kind::AsReal), ALPHA, BETA) -> REAL, |call| each(call, |[x, a, b]| cumulative(x, a, b)))],
        [
            ("round(beta_cdf(0.9, 10.0, 20.0), 12)", "1.0"),
            ("round(beta_cdf(0.25, 1, 1), 12)", "0.25"),
            ("isnan(beta_cdf(1.5, 10.0, 20.0))", "true"),
            ("isnull(beta_cdf(real(null), 10.0, 20.0))", "true")
        ]
    ),
    function!(
        "beta_inv",
        "Gives the inverse of the cumulative beta distribution; null for what is no probability.",
        "beta-inv-function",
        Naming::None,
        [
            overload!((one("probability", Kind::AsReal), ALPHA, BETA) -> REAL, |call| each(call, |[p, a, b]| inverse(p, a, b)))
        ],
        [
            ("round(beta_inv(0.1, 10.0, 20.0), 12)", "0.226415022389"),
            ("isnull(beta_inv(1.5, 10.0, 20.0))", "true"),
            ("isnan(beta_inv(0.1, -1.0, 20.0))", "true")
        ]
    ),
    function!(
        "beta_pdf",
        "Gives the density of the beta distribution; NaN outside of 0 to 1.",
        "beta-pdf-function",
        Naming::None,
        [overload!((one("x", Kind::AsReal), ALPHA, BETA) -> REAL, |call| each(call, |[x, a, b]| density(x, a, b)))],
        [
            ("round(beta_pdf(0.5, 10.0, 20.0), 12)", "0.746176019311"),
            ("isnan(beta_pdf(1.5, 10.0, 20.0))", "true"),
            ("isnull(beta_pdf(real(null), 10.0, 20.0))", "true")
        ]
    ),
    function!(
        "welch_test",
        "Gives the p-value of Welch's test: how likely two samples with one mean differ as much.",
        "welch-test-function",
        Naming::None,
        [overload!((one("mean1", Kind::AsReal), one("variance1", Kind::AsReal), one("count1", Kind::AsReal),
            one("mean2", Kind::AsReal), one("variance2", Kind::AsReal), one("count2", Kind::AsReal))
            -> REAL, |call| each(call, welch))],
        [
            ("round(welch_test(10, 4, 8, 12, 9, 10), 9)", "0.110859481"),
            ("round(welch_test(5, 1, 10, 5, 2, 10), 9)", "1.0"),
            ("isnull(welch_test(real(null), 1, 10, 5, 2, 10))", "true")
        ]
    ),
];

/// Computes a number of numbers; null where one of them is.
fn each<const N: usize>(call: &Call, f: impl Fn([f64; N]) -> Result<Option<f64>, FunctionError>) -> Column {
    let readers: [Reader<Real>; N] = std::array::from_fn(|index| Reader::new(call, index));
    let compute = |row: usize| {
        let mut numbers = [0.0; N];
        for (number, reader) in numbers.iter_mut().zip(&readers) {
            let Some(real) = reader.get(row) else { return Ok(None) };
            *number = real;
        }
        f(numbers)
    };
    let computed: Result<Float64Array, FunctionError> = (0..call.rows).map(compute).collect();
    Ok(Arc::new(computed?) as ArrayRef)
}

fn unsettled(what: &str) -> FunctionError {
    FunctionError { code: "AQ001", message: format!("{what} is not supported yet"), argument: None }
}

fn log_beta(a: f64, b: f64) -> f64 {
    libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b)
}

/// The regularized incomplete beta function, by its continued fraction.
fn regularized(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front = (a * x.ln() + b * (-x).ln_1p() - log_beta(a, b)).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        front * fraction(x, a, b) / a
    } else {
        1.0 - front * fraction(1.0 - x, b, a) / b
    }
}

/// Lentz's method.
fn fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let guard = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / guard(1.0 - (a + b) * x / (a + 1.0));
    let mut result = d;
    for m in 1..100_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / guard(1.0 + even * d);
        c = guard(1.0 + even / c);
        result *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / guard(1.0 + odd * d);
        c = guard(1.0 + odd / c);
        let change = d * c;
        result *= change;
        if (change - 1.0).abs() < 1e-16 {
            break;
        }
    }
    result
}

/// Measured: NaN below 0 and above 1. The page says NaN for a parameter that is not positive, and the engine answers
/// otherwise (1.0 for an alpha of -1).
fn cumulative(x: f64, a: f64, b: f64) -> Result<Option<f64>, FunctionError> {
    if x.is_nan() || !(0.0..=1.0).contains(&x) {
        return Ok(Some(f64::NAN));
    }
    if x == 0.0 || x == 1.0 {
        return Err(unsettled("`beta_cdf()` of 0 or 1"));
    }
    // The gamma function has a pole at each whole number below 1, which makes the front of the formula 0.
    if a <= 0.0 && a.fract() == 0.0 && b > 0.0 {
        return Ok(Some(if x < (a + 1.0) / (a + b + 2.0) { 0.0 } else { 1.0 }));
    }
    if a.is_nan() || b.is_nan() || a <= 0.0 || b <= 0.0 {
        return Err(unsettled("`beta_cdf()` of a parameter that is not positive"));
    }
    Ok(Some(regularized(x, a, b)))
}

/// Measured: null above 1, NaN for an alpha of -1.
fn inverse(p: f64, a: f64, b: f64) -> Result<Option<f64>, FunctionError> {
    if p > 1.0 {
        return Ok(None);
    }
    if p.is_nan() || p <= 0.0 || p == 1.0 {
        return Err(unsettled("`beta_inv()` of a probability that is not between 0 and 1"));
    }
    if a <= 0.0 || b <= 0.0 {
        return Ok(Some(f64::NAN));
    }
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    let mut x = a / (a + b);
    for _ in 0..200 {
        let error = regularized(x, a, b) - p;
        if error > 0.0 {
            high = x;
        } else {
            low = x;
        }
        // Newton's step, or half of what is left where it leads outside.
        let slope = ((a - 1.0) * x.ln() + (b - 1.0) * (-x).ln_1p() - log_beta(a, b)).exp();
        let next = x - error / slope;
        let next = if next > low && next < high { next } else { f64::midpoint(low, high) };
        if (next - x).abs() <= f64::EPSILON * x {
            return Ok(Some(next));
        }
        x = next;
    }
    Ok(Some(x))
}

fn density(x: f64, a: f64, b: f64) -> Result<Option<f64>, FunctionError> {
    if x.is_nan() || x <= 0.0 || x >= 1.0 {
        // Documented; what the engine answers for 0 and 1 is not measured.
        return if x == 0.0 || x == 1.0 { Err(unsettled("`beta_pdf()` of 0 or 1")) } else { Ok(Some(f64::NAN)) };
    }
    if a.is_nan() || b.is_nan() || a <= 0.0 || b <= 0.0 {
        return Err(unsettled("`beta_pdf()` of a parameter that is not positive"));
    }
    Ok(Some(((a - 1.0) * x.ln() + (b - 1.0) * (-x).ln_1p() - log_beta(a, b)).exp()))
}

fn welch([mean1, variance1, count1, mean2, variance2, count2]: [f64; 6]) -> Result<Option<f64>, FunctionError> {
    let (share1, share2) = (variance1 / count1, variance2 / count2);
    let both = share1 + share2;
    let t_squared = (mean1 - mean2) * (mean1 - mean2) / both;
    let freedom = both * both / (share1 * share1 / (count1 - 1.0) + share2 * share2 / (count2 - 1.0));
    if !(count1 > 1.0 && count2 > 1.0 && variance1 >= 0.0 && variance2 >= 0.0 && freedom.is_finite()) {
        return Err(unsettled("`welch_test()` of samples without a variance, or of less than two values"));
    }
    Ok(Some(regularized(freedom / (freedom + t_squared), freedom / 2.0, 0.5)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(value: f64, printed: f64) {
        assert!((value / printed - 1.0).abs() < 1e-12, "{value} {printed}");
    }

    #[test]
    fn the_documented_values() {
        near(cumulative(0.9, 10.0, 20.0).unwrap().unwrap(), 0.999_999_999_999_959_3);
        near(inverse(0.1, 10.0, 20.0).unwrap().unwrap(), 0.226_415_022_388_748_97);
        near(density(0.5, 10.0, 20.0).unwrap().unwrap(), 0.746_176_019_310_951);
    }

    #[test]
    fn the_inverse_inverts() {
        for (p, a, b) in [(0.001, 0.5, 0.5), (0.5, 2.0, 3.0), (0.999, 30.0, 1.5), (0.3, 1.0, 1.0), (0.7, 200.0, 300.0)]
        {
            let x = inverse(p, a, b).unwrap().unwrap();
            assert!((regularized(x, a, b) - p).abs() < 1e-12, "{p} {a} {b}: {x}");
        }
    }
}
