//! Numbers rounded: to bins, to digits, to whole ones.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Float64Type;

use super::conversion::{converted, rows_of};
use super::math::{real, widest};
use super::rows::{self, Column, function, overload};
use crate::functions::lift::{Decimal, Int, Long, Real, lift1, lift2, lift3};
use crate::functions::{Call, Function, Kind, Naming, Parameter, Returns, one};
use crate::types::{ScalarType, decimal, number, ticks};

const NUMBER: Parameter = one("number", Kind::Number);
const SAME: Returns = Returns::Argument(0);
const TIMESPAN: Returns = Returns::Type(ScalarType::TimeSpan);
const DATETIME: Returns = Returns::Type(ScalarType::DateTime);

const fn is(name: &'static str, scalar_type: ScalarType) -> Parameter {
    one(name, Kind::Is(scalar_type))
}

macro_rules! binning {
    ($name:literal, [$($example:expr),+ $(,)?]) => {
        function!($name, "Rounds a value down to a multiple of a size.", "bin-function", Naming::FirstArgument,
            [overload!((is("value", ScalarType::TimeSpan), is("roundTo", ScalarType::TimeSpan)) -> TIMESPAN, |call| {
                 lift2::<Long, Long, Long, _, _>(call, time_bin)
             }),
             overload!((is("value", ScalarType::DateTime), is("roundTo", ScalarType::TimeSpan)) -> DATETIME, |call| {
                 lift2::<Long, Long, Long, _, _>(call, |value, size| time_bin(value, size).and_then(ticks::in_range))
             }),
             overload!((one("value", Kind::Number), one("roundTo", Kind::Number)) -> Returns::Widest, bin)],
            [$($example),+])
    };
}

/// Functions that round.
pub(super) const FUNCTIONS: &[Function] = &[
    binning!(
        "bin",
        [
            ("bin(-7, 5)", "-10"),
            ("bin(4.5, 2)", "4.0"),
            ("bin(16d, 7d)", "14d"),
            ("bin(datetime(2024-05-01T13:45:00Z), 1h)", "datetime(2024-05-01T13:00:00Z)"),
            ("isnull(bin(5, 0))", "true")
        ]
    ),
    binning!("floor", [("floor(7.9, 1)", "7.0"), ("floor(-7, 5)", "-10"), ("isnull(floor(long(null), 1))", "true")]),
    function!(
        "bin_at",
        "Rounds a value down to a multiple of a size, counted from a fixed point.",
        "bin-at-function",
        Naming::FirstArgument,
        [
            overload!((is("value", ScalarType::TimeSpan), is("bin_size", ScalarType::TimeSpan),
                is("fixed_point", ScalarType::TimeSpan)) -> TIMESPAN, |call| {
                lift3::<Long, Long, Long, Long, _, _>(call, bin_at_long)
            }),
            overload!((is("value", ScalarType::DateTime), is("bin_size", ScalarType::TimeSpan),
                is("fixed_point", ScalarType::DateTime)) -> DATETIME, |call| {
                lift3::<Long, Long, Long, Long, _, _>(call, |value, size, point| {
                    bin_at_long(value, size, point).and_then(ticks::in_range)
                })
            }),
            overload!((one("value", Kind::Number), one("bin_size", Kind::Number), one("fixed_point", Kind::Number))
                -> Returns::Widest, bin_at),
        ],
        [
            ("bin_at(6.5, 2.5, 7)", "4.5"),
            ("bin_at(1h, 1d, 12h)", "-12h"),
            (
                "bin_at(datetime(2017-05-15T10:20:00Z), 1d, datetime(1970-01-01T12:00:00Z))",
                "datetime(2017-05-14T12:00:00Z)"
            ),
            ("isnull(bin_at(long(null), 1, 0))", "true")
        ]
    ),
    function!(
        "round",
        "Rounds to a number of digits behind the point, half away from zero.",
        "round-function",
        Naming::FirstArgument,
        [overload!((NUMBER, is("precision", ScalarType::Long).optional().constant()) -> SAME, round)],
        [
            ("round(2.15, 1)", "2.2"),
            ("round(-2.5)", "-3.0"),
            ("round(-50.55, -2)", "-100.0"),
            ("isnull(round(real(null)))", "true")
        ]
    ),
    function!(
        "ceiling",
        "Gives the least whole number that is not below.",
        "ceiling-function",
        Naming::FirstArgument,
        [overload!((NUMBER) -> SAME, ceiling)],
        [("ceiling(1.2)", "2.0"), ("ceiling(5)", "5"), ("isnull(ceiling(real(null)))", "true")]
    ),
];

fn bin(call: &Call) -> Column {
    let wide = widest(call);
    let arguments = converted(call, &[wide]);
    let call = &Call { arguments: &arguments, ..*call };
    match wide {
        ScalarType::Real => lift2::<Real, Real, Real, _, _>(call, number::real_bin),
        ScalarType::Decimal => lift2::<Decimal, Decimal, Decimal, _, _>(call, decimal::bin),
        _ => lift2::<Long, Long, Long, _, _>(call, number::long_bin),
    }
}

/// Bins of time have a positive size: `bin(t, -1h)` is null (measured for a datetime), other than with numbers.
fn time_bin(value: i64, size: i64) -> Option<i64> {
    if size > 0 { number::long_bin(value, size) } else { None }
}

fn bin_at(call: &Call) -> Column {
    let wide = widest(call);
    let arguments = converted(call, &[wide]);
    let call = &Call { arguments: &arguments, ..*call };
    match wide {
        ScalarType::Real => lift3::<Real, Real, Real, Real, _, _>(call, |value: f64, size: f64, point: f64| {
            number::real_bin(value - point, size) + point
        }),
        ScalarType::Decimal => lift3::<Decimal, Decimal, Decimal, Decimal, _, _>(call, |value, size, point| {
            decimal::add(decimal::bin(decimal::sub(value, point)?, size)?, point)
        }),
        _ => lift3::<Long, Long, Long, Long, _, _>(call, bin_at_long),
    }
}

fn bin_at_long(value: i64, size: i64, point: i64) -> Option<i64> {
    number::long_bin(value.wrapping_sub(point), size).map(|bin| bin.wrapping_add(point))
}

fn ceiling(call: &Call) -> Column {
    match call.arguments[0].scalar_type {
        ScalarType::Int | ScalarType::Long => rows_of(call, call.arguments[0].array.clone()),
        ScalarType::Decimal => lift1::<Decimal, Decimal, _, _>(call, |value| {
            decimal::bin(value, decimal::ONE).and_then(|floor| decimal::add(floor, decimal::from_bool(floor != value)))
        }),
        _ => real(call, f64::ceil),
    }
}

fn round(call: &Call) -> Column {
    let digits = match rows::optional::<Long>(call, 1) {
        None => Some(0),
        Some(digits) => digits.get(0),
    };
    let argument = &call.arguments[0];
    let Some(digits) = digits else {
        let nulls = arrow::array::new_null_array(&crate::types::arrow::data_type(argument.scalar_type), call.rows);
        return Ok(nulls);
    };
    let value = std::slice::from_ref(argument);
    let call = &Call { arguments: value, ..*call };
    match argument.scalar_type {
        ScalarType::Real => {
            let values = argument.array.as_primitive::<Float64Type>();
            rows_of(call, Arc::new(values.unary::<_, Float64Type>(|value| number::round(value, digits))))
        }
        ScalarType::Int | ScalarType::Long if digits >= 0 => rows_of(call, argument.array.clone()),
        ScalarType::Int => {
            lift1::<Int, Int, _, _>(call, |value: i32| round_whole(value.into(), -digits).map(|v| v as i32))
        }
        ScalarType::Decimal => lift1::<Decimal, Decimal, _, _>(call, |value| decimal::round(value, digits)),
        _ => lift1::<Long, Long, _, _>(call, |value: i64| round_whole(value.into(), -digits).map(|v| v as i64)),
    }
}

/// Rounds to a multiple of a power of ten, half away from zero.
fn round_whole(value: i128, zeros: i64) -> Option<i128> {
    if zeros <= 0 {
        return Some(value);
    }
    let Some(unit) = u32::try_from(zeros).ok().and_then(|zeros| 10_i128.checked_pow(zeros)) else { return Some(0) };
    let half = unit / 2 * value.signum();
    Some(value.checked_add(half)? / unit * unit)
}

#[cfg(test)]
mod tests {
    use super::super::conversion::evaluate;
    use super::*;
    use crate::types::Value;

    fn call(name: &str, values: &[Value]) -> Value {
        evaluate(FUNCTIONS, name, values)
    }

    #[track_caller]
    #[test]
    fn bins_keep_the_type() {
        assert_eq!(call("bin", &[Value::Int(7), Value::Int(5)]), Value::Long(5));
        assert_eq!(call("bin", &[Value::Long(7), Value::Real(2.5)]), Value::Real(5.0));
        assert_eq!(call("bin", &[Value::Long(7), Value::Long(0)]), Value::Null(ScalarType::Long));
        assert_eq!(call("bin_at", &[Value::Real(6.5), Value::Real(2.5), Value::Long(7)]), Value::Real(4.5));
        let week = 7 * ticks::TICKS_PER_DAY;
        let at = |text| Value::DateTime(ticks::parse_datetime(text).unwrap());
        assert_eq!(call("bin", &[at("1955-11-05 06:15"), Value::TimeSpan(week)]), at("1955-10-31"));
        let null = Value::Null(ScalarType::DateTime);
        assert_eq!(call("bin", &[at("2020-10-25 02:30"), Value::TimeSpan(-week)]), null);
        assert_eq!(
            call("bin_at", &[at("2023-06-14 12:00"), Value::TimeSpan(week), at("2023-01-01 03:00")]),
            at("2023-06-11 03:00")
        );
    }

    #[test]
    fn rounding() {
        assert_eq!(call("round", &[Value::Long(-25), Value::Long(-1)]), Value::Long(-30));
        assert_eq!(call("round", &[Value::Long(i64::MAX), Value::Long(-40)]), Value::Long(0));
        assert_eq!(call("round", &[Value::Real(0.5)]), Value::Real(1.0));
        assert_eq!(call("ceiling", &[Value::Real(-5.5)]), Value::Real(-5.0));
        let decimal = |text| Value::Decimal(decimal::parse(text).unwrap());
        assert_eq!(call("round", &[decimal("2.15"), Value::Long(1)]), decimal("2.2"));
        assert_eq!(call("ceiling", &[decimal("-1.5")]), decimal("-1"));
    }
}
