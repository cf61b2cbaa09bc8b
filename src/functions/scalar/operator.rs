//! The arithmetic operators, called by their spelling; the binder brings both sides to one of these pairs of types.
//!
//! Longs wrap around (measured); what a datetime, timespan or decimal can't hold is null.

use std::sync::Arc;

use arrow::array::{Array, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::datatypes::{Float64Type, Int64Type, i256};

use super::rows::{Column, LONG, REAL, function, overload};
use crate::functions::lift::{Decimal, Long, Real, lift2};
use crate::functions::{Call, Function, FunctionError, Kind, Naming, Parameter, Returns, one};
use crate::types::{ScalarType, decimal, number, ticks};

const DATETIME: Returns = Returns::Type(ScalarType::DateTime);
const TIMESPAN: Returns = Returns::Type(ScalarType::TimeSpan);
const DECIMAL: Returns = Returns::Type(ScalarType::Decimal);

const fn left(scalar_type: ScalarType) -> Parameter {
    one("left", Kind::Is(scalar_type))
}

const fn right(scalar_type: ScalarType) -> Parameter {
    one("right", Kind::Is(scalar_type))
}

macro_rules! pair {
    ($left:ident, $right:ident -> $returns:expr, $kernel:expr) => {
        overload!((left(ScalarType::$left), right(ScalarType::$right)) -> $returns, $kernel)
    };
}

/// `+`, `-`, `*`, `/` and `%`.
pub const FUNCTIONS: &[Function] = &[
    function!(
        "+",
        "Adds numbers or timespans, or a timespan to a datetime.",
        "numerical-operators",
        Naming::None,
        [
            pair!(Long, Long -> LONG, |call| plain::<Int64Type>(call, i64::wrapping_add)),
            pair!(Real, Real -> REAL, |call| plain::<Float64Type>(call, |a, b| a + b)),
            pair!(Decimal, Decimal -> DECIMAL, |call| decimals(call, decimal::add)),
            pair!(TimeSpan, TimeSpan -> TIMESPAN, |call| lift2::<Long, Long, Long, _, _>(call, i64::checked_add)),
            pair!(DateTime, TimeSpan -> DATETIME, add_time),
            pair!(TimeSpan, DateTime -> DATETIME, add_time),
        ],
        [
            ("1 + 2", "3"),
            ("9223372036854775807 + 1", "long(-9223372036854775808)"),
            ("datetime(2024-01-01) + 1d", "datetime(2024-01-02)"),
            ("isnull(1 + long(null))", "true"),
        ]
    ),
    function!(
        "-",
        "Subtracts numbers or timespans, a timespan from a datetime, or two datetimes.",
        "numerical-operators",
        Naming::None,
        [
            pair!(Long, Long -> LONG, |call| plain::<Int64Type>(call, i64::wrapping_sub)),
            pair!(Real, Real -> REAL, |call| plain::<Float64Type>(call, |a, b| a - b)),
            pair!(Decimal, Decimal -> DECIMAL, |call| decimals(call, decimal::sub)),
            pair!(TimeSpan, TimeSpan -> TIMESPAN, |call| lift2::<Long, Long, Long, _, _>(call, i64::checked_sub)),
            pair!(DateTime, DateTime -> TIMESPAN, |call| lift2::<Long, Long, Long, _, _>(call, i64::checked_sub)),
            pair!(DateTime, TimeSpan -> DATETIME, |call| lift2::<Long, Long, Long, _, _>(call, |a: i64, b| {
                a.checked_sub(b).and_then(ticks::in_range)
            })),
        ],
        [
            ("1 - 2.5", "-1.5"),
            ("datetime(2024-01-02) - datetime(2024-01-01)", "1d"),
            ("isnull(datetime(0001-01-01) - 1tick)", "true"),
        ]
    ),
    function!(
        "*",
        "Multiplies numbers, or a timespan with a number.",
        "numerical-operators",
        Naming::None,
        [
            pair!(Long, Long -> LONG, |call| plain::<Int64Type>(call, i64::wrapping_mul)),
            pair!(Real, Real -> REAL, |call| plain::<Float64Type>(call, |a, b| a * b)),
            pair!(Decimal, Decimal -> DECIMAL, |call| decimals(call, decimal::mul)),
            pair!(TimeSpan, Long -> TIMESPAN, |call| lift2::<Long, Long, Long, _, _>(call, i64::checked_mul)),
            pair!(Long, TimeSpan -> TIMESPAN, |call| lift2::<Long, Long, Long, _, _>(call, i64::checked_mul)),
            pair!(TimeSpan, Real -> TIMESPAN, |call| lift2::<Long, Real, Long, _, _>(call, times)),
            pair!(Real, TimeSpan -> TIMESPAN, |call| lift2::<Real, Long, Long, _, _>(call, |a, b| times(b, a))),
            pair!(TimeSpan, Decimal -> TIMESPAN, |call| lift2::<Long, Decimal, Long, _, _>(call, scaled)),
            pair!(Decimal, TimeSpan -> TIMESPAN, |call| lift2::<Decimal, Long, Long, _, _>(call, |a, b| scaled(b, a))),
        ],
        [("2 * 3", "6"), ("1d * 2.5", "60h"), ("-2 * 1h", "-2h"), ("isnull(2.0 * real(null))", "true"),]
    ),
    function!(
        "/",
        "Divides numbers, or a timespan by a number; integers towards zero, and by zero to null.",
        "numerical-operators",
        Naming::None,
        [
            pair!(Long, Long -> LONG, |call| lift2::<Long, Long, Long, _, _>(call, number::long_div)),
            pair!(Real, Real -> REAL, |call| plain::<Float64Type>(call, |a, b| a / b)),
            pair!(Decimal, Decimal -> DECIMAL, |call| decimals(call, decimal::div)),
            pair!(TimeSpan, TimeSpan -> REAL, |call| lift2::<Long, Long, Real, _, _>(call, ratio)),
            pair!(TimeSpan, Long -> TIMESPAN, |call| lift2::<Long, Long, Long, _, _>(call, i64::checked_div)),
            pair!(TimeSpan, Real -> TIMESPAN, |call| lift2::<Long, Real, Long, _, _>(call, over)),
            pair!(TimeSpan, Decimal -> TIMESPAN, |call| lift2::<Long, Decimal, Long, _, _>(call, |a: i64, b| {
                decimal::to_long(decimal::div(decimal::from_long(a), b)?)
            })),
        ],
        [("-7 / 2", "-3"), ("1d / 1h", "24.0"), ("1.0 / 0", "real(+inf)"), ("isnull(1 / 0)", "true"),]
    ),
    function!(
        "%",
        "Gives the remainder of a division, which is never negative.",
        "numerical-operators",
        Naming::None,
        [
            pair!(Long, Long -> LONG, |call| lift2::<Long, Long, Long, _, _>(call, number::long_rem)),
            pair!(Real, Real -> REAL, |call| plain::<Float64Type>(call, f64::rem_euclid)),
            pair!(Decimal, Decimal -> DECIMAL, |call| decimals(call, decimal::rem)),
            pair!(TimeSpan, TimeSpan -> TIMESPAN, |call| lift2::<Long, Long, Long, _, _>(call, number::long_rem)),
        ],
        [("-10 % -4", "2"), ("-7.5 % 2", "0.5"), ("1d % 5h", "4h"), ("isnull(5 % 0)", "true"),]
    ),
];

/// Computes over whole columns what gives no null but where a side is one.
fn plain<T: ArrowPrimitiveType>(call: &Call, f: impl Fn(T::Native, T::Native) -> T::Native) -> Column {
    let (left, right) = (&call.arguments[0], &call.arguments[1]);
    let (a, b) = (left.array.as_primitive::<T>(), right.array.as_primitive::<T>());
    let constant = |array: &PrimitiveArray<T>| array.is_valid(0).then(|| array.value(0));
    let computed: Option<PrimitiveArray<T>> = match (left.constant, right.constant) {
        (false, false) => Some(arrow::compute::binary(a, b, f).map_err(|error| FunctionError {
            code: "AQ900",
            message: format!("columns of different lengths: {error}"),
            argument: None,
        })?),
        (false, true) => constant(b).map(|b| a.unary(|a| f(a, b))),
        (true, false) => constant(a).map(|a| b.unary(|b| f(a, b))),
        (true, true) => constant(a).zip(constant(b)).map(|(a, b)| PrimitiveArray::from_value(f(a, b), call.rows)),
    };
    Ok(Arc::new(computed.unwrap_or_else(|| PrimitiveArray::new_null(call.rows))))
}

fn decimals(call: &Call, f: impl Fn(i256, i256) -> Option<i256>) -> Column {
    lift2::<Decimal, Decimal, Decimal, _, _>(call, f)
}

fn times(ticks: i64, factor: f64) -> Option<i64> {
    span(ticks as f64 * factor)
}

fn over(ticks: i64, divisor: f64) -> Option<i64> {
    span(ticks as f64 / divisor)
}

fn ratio(a: i64, b: i64) -> f64 {
    a as f64 / b as f64
}

fn add_time(call: &Call) -> Column {
    lift2::<Long, Long, Long, _, _>(call, |a: i64, b| a.checked_add(b).and_then(ticks::in_range))
}

/// Drops what is less than a tick; None where no timespan holds it.
fn span(ticks: f64) -> Option<i64> {
    (ticks.abs() < 9.223_372_036_854_775e18).then_some(ticks as i64)
}

fn scaled(ticks: i64, factor: i256) -> Option<i64> {
    decimal::to_long(decimal::mul(decimal::from_long(ticks), factor)?)
}

#[cfg(test)]
mod tests {
    use super::super::conversion::evaluate;
    use crate::types::{ScalarType, Value, ticks};

    fn op(name: &str, a: Value, b: Value) -> Value {
        evaluate(super::FUNCTIONS, name, &[a, b])
    }

    #[test]
    fn longs() {
        assert_eq!(op("+", Value::Long(i64::MAX), Value::Long(1)), Value::Long(i64::MIN));
        assert_eq!(op("*", Value::Long(i64::MAX), Value::Long(2)), Value::Long(-2));
        assert_eq!(op("/", Value::Long(7), Value::Long(-2)), Value::Long(-3));
        assert_eq!(op("/", Value::Long(0), Value::Long(0)), Value::Null(ScalarType::Long));
        assert_eq!(op("%", Value::Long(7), Value::Long(-3)), Value::Long(1));
        assert_eq!(op("-", Value::Long(1), Value::Null(ScalarType::Long)), Value::Null(ScalarType::Long));
    }

    #[test]
    fn times() {
        let day = ticks::TICKS_PER_DAY;
        assert_eq!(op("+", Value::DateTime(0), Value::TimeSpan(day)), Value::DateTime(day));
        assert_eq!(op("-", Value::DateTime(0), Value::TimeSpan(1)), Value::Null(ScalarType::DateTime));
        assert_eq!(op("-", Value::DateTime(day), Value::DateTime(0)), Value::TimeSpan(day));
        assert_eq!(op("*", Value::TimeSpan(day), Value::Real(2.5)), Value::TimeSpan(day * 5 / 2));
        assert_eq!(op("/", Value::TimeSpan(-day), Value::TimeSpan(-day / 24)), Value::Real(24.0));
        assert_eq!(op("/", Value::TimeSpan(day), Value::Real(0.0)), Value::Null(ScalarType::TimeSpan));
        assert_eq!(op("*", Value::TimeSpan(i64::MAX), Value::Long(2)), Value::Null(ScalarType::TimeSpan));
    }

    #[test]
    fn reals() {
        assert_eq!(op("/", Value::Real(1.0), Value::Real(0.0)), Value::Real(f64::INFINITY));
        assert_eq!(op("%", Value::Real(-7.5), Value::Real(2.0)), Value::Real(0.5));
    }
}
