//! Numbers: powers, angles, bits, extremes, and what is special about reals.

use std::sync::Arc;

use arrow::datatypes::i256;

use super::conversion::converted;
use super::rows::{BOOL, Column, LONG, REAL, function, integer, overload};
use crate::functions::lift::{Bool, Decimal, Int, Json, Long, Opt, Read, Reader, Real, Text, Write, lift1, lift2};
use crate::functions::{Call, Function, FunctionError, Kind, Naming, Parameter, Returns, one};
use crate::types::ScalarType;

const NUMBER: Parameter = one("number", Kind::Number);
const SAME: Returns = Returns::Argument(0);
const TIMESPAN: Returns = Returns::Type(ScalarType::TimeSpan);

const fn is(name: &'static str, scalar_type: ScalarType) -> Parameter {
    one(name, Kind::Is(scalar_type))
}

/// A function from real to real: `real!("sin", "summary", "page", naming, f, [examples])`.
macro_rules! real {
    ($name:literal, $summary:literal, $page:literal, $naming:ident, $f:expr, [$($example:expr),+ $(,)?]) => {
        function!($name, $summary, $page, Naming::$naming,
            [overload!((NUMBER) -> REAL, |call| real(call, $f))], [$($example),+])
    };
}

macro_rules! bits {
    ($name:literal, $summary:literal, $page:literal, $f:expr, [$($example:expr),+ $(,)?]) => {
        function!($name, $summary, $page, Naming::FirstArgument,
            [overload!((integer("value1"), integer("value2")) -> LONG, |call| {
                lift2::<Long, Long, Long, _, _>(call, $f)
            })],
            [$($example),+])
    };
}

macro_rules! test {
    ($name:literal, $summary:literal, $page:literal, $f:expr, [$($example:expr),+ $(,)?]) => {
        function!($name, $summary, $page, Naming::None,
            [overload!((is("number", ScalarType::Real)) -> BOOL, |call| lift1::<Real, Bool, _, _>(call, $f))],
            [$($example),+])
    };
}

/// Numbers.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "abs",
        "Gives the distance from zero.",
        "abs-function",
        Naming::FirstArgument,
        [
            overload!((integer("number")) -> LONG, |call| lift1::<Long, Long, _, _>(call, i64::wrapping_abs)),
            overload!((NUMBER) -> SAME, abs),
            overload!((is("number", ScalarType::TimeSpan)) -> TIMESPAN, |call| {
                lift1::<Long, Long, _, _>(call, i64::wrapping_abs)
            })
        ],
        [("abs(-5)", "5"), ("abs(-1.5)", "1.5"), ("abs(-1d)", "1d"), ("isnull(abs(long(null)))", "true")]
    ),
    function!(
        "max_of",
        "Gives the greatest argument that is not null.",
        "max-of-function",
        Naming::None,
        [overload!((one("arg", Kind::Common).repeated(2, 64)) -> Returns::Common, |call| extreme(call, true))],
        [
            ("max_of(10, 1, -3, 17)", "17"),
            ("max_of(1, long(null))", "1"),
            ("isnull(max_of(long(null), long(null)))", "true")
        ]
    ),
    function!(
        "min_of",
        "Gives the least argument that is not null.",
        "min-of-function",
        Naming::None,
        [overload!((one("arg", Kind::Common).repeated(2, 64)) -> Returns::Common, |call| extreme(call, false))],
        [
            ("min_of(10, 1, -3, 17)", "-3"),
            ("min_of(long(null), 5)", "5"),
            ("isnull(min_of(long(null), long(null)))", "true")
        ]
    ),
    function!(
        "pow",
        "Raises a number to a power.",
        "pow-function",
        Naming::None,
        [overload!((one("base", Kind::Number), one("exponent", Kind::Number)) -> REAL, |call| real2(call, f64::powf))],
        [("pow(2, 3)", "8.0"), ("isnan(pow(-8, 0.5))", "true"), ("isnull(pow(real(null), 2))", "true")]
    ),
    function!(
        "atan2",
        "Gives the angle of a point in radians: `atan2(y, x)`.",
        "atan2-function",
        Naming::FirstArgument,
        [overload!((one("y", Kind::Number), one("x", Kind::Number)) -> REAL, |call| real2(call, f64::atan2))],
        [("atan2(0, 0)", "0.0"), ("atan2(1, 1) == pi() / 4", "true"), ("isnull(atan2(real(null), 1))", "true")]
    ),
    real!(
        "sqrt",
        "Gives the square root.",
        "sqrt-function",
        FirstArgument,
        f64::sqrt,
        [("sqrt(256)", "16.0"), ("isnan(sqrt(-1))", "true"), ("isnull(sqrt(real(null)))", "true")]
    ),
    real!(
        "exp",
        "Raises e to a power.",
        "exp-function",
        FirstArgument,
        f64::exp,
        [("exp(0)", "1.0"), ("exp(real(-inf))", "0.0"), ("isnull(exp(real(null)))", "true")]
    ),
    real!(
        "exp2",
        "Raises 2 to a power.",
        "exp2-function",
        FirstArgument,
        f64::exp2,
        [("exp2(3)", "8.0"), ("exp2(0)", "1.0"), ("isnull(exp2(real(null)))", "true")]
    ),
    real!(
        "exp10",
        "Raises 10 to a power.",
        "exp10-function",
        None,
        |x| 10_f64.powf(x),
        [("exp10(2)", "100.0"), ("exp10(0)", "1.0"), ("isnull(exp10(real(null)))", "true")]
    ),
    // Of a negative number it is null (measured for `log`, inferred for the others), of zero -inf.
    real!(
        "log",
        "Gives the natural logarithm; null for negative numbers.",
        "log-function",
        FirstArgument,
        |x| not_negative(x, f64::ln),
        [("log(1)", "0.0"), ("log(0)", "real(-inf)"), ("isnull(log(-1))", "true")]
    ),
    real!(
        "log2",
        "Gives the logarithm to base 2; null for negative numbers.",
        "log2-function",
        FirstArgument,
        |x| not_negative(x, f64::log2),
        [("log2(8)", "3.0"), ("log2(1)", "0.0"), ("isnull(log2(-1))", "true")]
    ),
    real!(
        "log10",
        "Gives the logarithm to base 10; null for negative numbers.",
        "log10-function",
        FirstArgument,
        |x| not_negative(x, f64::log10),
        [("log10(1000)", "3.0"), ("log10(1)", "0.0"), ("isnull(log10(-1))", "true")]
    ),
    real!(
        "sin",
        "Gives the sine of an angle in radians.",
        "sin-function",
        FirstArgument,
        f64::sin,
        [("sin(0)", "0.0"), ("round(sin(pi() / 2), 9)", "1.0"), ("isnull(sin(real(null)))", "true")]
    ),
    real!(
        "cos",
        "Gives the cosine of an angle in radians.",
        "cos-function",
        FirstArgument,
        f64::cos,
        [("cos(0)", "1.0"), ("cos(pi())", "-1.0"), ("isnull(cos(real(null)))", "true")]
    ),
    real!(
        "tan",
        "Gives the tangent of an angle in radians.",
        "tan-function",
        FirstArgument,
        f64::tan,
        [("tan(0)", "0.0"), ("round(tan(pi() / 4), 9)", "1.0"), ("isnull(tan(real(null)))", "true")]
    ),
    real!(
        "cot",
        "Gives the cotangent of an angle in radians.",
        "cot-function",
        None,
        |x| 1.0 / x.tan(),
        [("cot(0)", "real(+inf)"), ("isnan(cot(real(nan)))", "true"), ("isnull(cot(real(null)))", "true")]
    ),
    // Outside of [-1, 1] null, NaN stays NaN (measured).
    real!(
        "asin",
        "Gives the angle whose sine is given; null outside of -1 to 1.",
        "asin-function",
        FirstArgument,
        |x| unit(x, f64::asin),
        [("asin(0)", "0.0"), ("asin(1) == pi() / 2", "true"), ("isnull(asin(2))", "true")]
    ),
    real!(
        "acos",
        "Gives the angle whose cosine is given; null outside of -1 to 1.",
        "acos-function",
        FirstArgument,
        |x| unit(x, f64::acos),
        [("acos(1)", "0.0"), ("acos(-1) == pi()", "true"), ("isnull(acos(2))", "true")]
    ),
    real!(
        "atan",
        "Gives the angle whose tangent is given.",
        "atan-function",
        FirstArgument,
        f64::atan,
        [("atan(0)", "0.0"), ("isnan(atan(real(nan)))", "true"), ("isnull(atan(real(null)))", "true")]
    ),
    real!(
        "degrees",
        "Turns radians into degrees.",
        "degrees-function",
        None,
        |x| 180.0 / std::f64::consts::PI * x,
        [("degrees(pi())", "180.0"), ("degrees(0)", "0.0"), ("isnull(degrees(real(null)))", "true")]
    ),
    real!(
        "radians",
        "Turns degrees into radians.",
        "radians-function",
        None,
        |x| std::f64::consts::PI / 180.0 * x,
        [("radians(180) == pi()", "true"), ("radians(0)", "0.0"), ("isnull(radians(real(null)))", "true")]
    ),
    real!(
        "gamma",
        "Gives the gamma function: of n + 1 the factorial of n.",
        "gamma-function",
        FirstArgument,
        gamma,
        [("gamma(5)", "24.0"), ("round(gamma(4), 9)", "6.0"), ("isnull(gamma(real(null)))", "true")]
    ),
    real!(
        "loggamma",
        "Gives the natural logarithm of the gamma function.",
        "log-gamma-function",
        FirstArgument,
        libm::lgamma,
        [("loggamma(1)", "0.0"), ("loggamma(2)", "0.0"), ("isnull(loggamma(real(null)))", "true")]
    ),
    real!(
        "erf",
        "Gives the error function.",
        "erf-function",
        FirstArgument,
        libm::erf,
        [("erf(0)", "0.0"), ("round(erf(1), 6)", "0.842701"), ("isnull(erf(real(null)))", "true")]
    ),
    real!(
        "erfc",
        "Gives what the error function lacks to 1.",
        "erfc-function",
        FirstArgument,
        libm::erfc,
        [("erfc(0)", "1.0"), ("erfc(real(+inf))", "0.0"), ("isnull(erfc(real(null)))", "true")]
    ),
    function!(
        "sign",
        "Gives -1, 0 or 1; 0 for null and NaN.",
        "sign-function",
        Naming::None,
        [overload!((NUMBER) -> REAL, |call| {
            let arguments = converted(call, &[ScalarType::Real]);
            let call = &Call { arguments: &arguments, ..*call };
            lift1::<Opt<Real>, Real, _, _>(call, |x: Option<f64>| sign(x.unwrap_or(0.0)))
        })],
        [("sign(-42)", "-1.0"), ("sign(0)", "0.0"), ("sign(real(null))", "0.0")]
    ),
    function!(
        "pi",
        "Gives pi.",
        "pi-function",
        Naming::None,
        [overload!(() -> REAL, |call| {
            Ok(Arc::new(arrow::array::Float64Array::from_value(std::f64::consts::PI, call.rows)))
        })],
        [("round(pi(), 5)", "3.14159"), ("round(pi(), 4)", "3.1416"), ("isnull(pi())", "false")]
    ),
    test!(
        "isnan",
        "Tells whether a real is no number.",
        "isnan-function",
        f64::is_nan,
        [("isnan(0.0 / 0.0)", "true"), ("isnan(1.0)", "false"), ("isnull(isnan(real(null)))", "true")]
    ),
    test!(
        "isinf",
        "Tells whether a real is infinite.",
        "isinf-function",
        f64::is_infinite,
        [("isinf(1.0 / 0.0)", "true"), ("isinf(1.0)", "false"), ("isnull(isinf(real(null)))", "true")]
    ),
    test!(
        "isfinite",
        "Tells whether a real is neither infinite nor NaN.",
        "isfinite-function",
        f64::is_finite,
        [("isfinite(1.0)", "true"), ("isfinite(real(nan))", "false"), ("isnull(isfinite(real(null)))", "true")]
    ),
    bits!(
        "binary_and",
        "Gives the bits that both numbers have.",
        "binary-and-function",
        |a: i64, b| a & b,
        [("binary_and(6, 3)", "2"), ("binary_and(5, 0)", "0"), ("isnull(binary_and(long(null), 1))", "true")]
    ),
    bits!(
        "binary_or",
        "Gives the bits that either number has.",
        "binary-or-function",
        |a: i64, b| a | b,
        [("binary_or(6, 3)", "7"), ("binary_or(0, 5)", "5"), ("isnull(binary_or(long(null), 1))", "true")]
    ),
    bits!(
        "binary_xor",
        "Gives the bits that exactly one number has.",
        "binary-xor-function",
        |a: i64, b| a ^ b,
        [("binary_xor(6, 3)", "5"), ("binary_xor(5, 5)", "0"), ("isnull(binary_xor(long(null), 1))", "true")]
    ),
    // The count is taken modulo 64 (documented).
    bits!(
        "binary_shift_left",
        "Moves the bits to the left.",
        "binary-shift-left-function",
        |a: i64, b: i64| Some(a.wrapping_shl(places(b)?)),
        [
            ("binary_shift_left(1, 4)", "16"),
            ("binary_shift_left(1, 3)", "8"),
            ("isnull(binary_shift_left(1, -1))", "true"),
            ("isnull(binary_shift_left(1, long(null)))", "true")
        ]
    ),
    bits!(
        "binary_shift_right",
        "Moves the bits to the right, keeping the sign.",
        "binary-shift-right-function",
        |a: i64, b: i64| Some(a.wrapping_shr(places(b)?)),
        [
            ("binary_shift_right(16, 2)", "4"),
            ("isnull(binary_shift_right(16, -2))", "true"),
            ("binary_shift_right(8, 3)", "1"),
            ("isnull(binary_shift_right(1, long(null)))", "true")
        ]
    ),
    function!(
        "binary_not",
        "Turns every bit over.",
        "binary-not-function",
        Naming::FirstArgument,
        [overload!((integer("value")) -> LONG, |call| lift1::<Long, Long, _, _>(call, |value: i64| !value))],
        [("binary_not(100)", "-101"), ("binary_not(0)", "-1"), ("isnull(binary_not(long(null)))", "true")]
    ),
    function!(
        "bitset_count_ones",
        "Counts the bits that are set.",
        "bitset-count-ones-function",
        Naming::FirstArgument,
        [overload!((integer("value")) -> LONG, |call| {
            lift1::<Long, Long, _, _>(call, |value: i64| i64::from(value.count_ones()))
        })],
        [
            ("bitset_count_ones(42)", "3"),
            ("bitset_count_ones(7)", "3"),
            ("isnull(bitset_count_ones(long(null)))", "true")
        ]
    ),
];

/// Lifts a function of one real; an int or long is taken as real.
pub(super) fn real<O: Into<Option<f64>>>(call: &Call, f: impl Fn(f64) -> O) -> Column {
    let arguments = converted(call, &[ScalarType::Real]);
    lift1::<Real, Real, _, _>(&Call { arguments: &arguments, ..*call }, f)
}

fn real2(call: &Call, f: impl Fn(f64, f64) -> f64) -> Column {
    let arguments = converted(call, &[ScalarType::Real]);
    lift2::<Real, Real, Real, _, _>(&Call { arguments: &arguments, ..*call }, f)
}

/// Returns the widest type of number among the arguments, at least long.
pub(super) fn widest(call: &Call) -> ScalarType {
    let types = || call.arguments.iter().map(|argument| argument.scalar_type);
    [ScalarType::Decimal, ScalarType::Real]
        .into_iter()
        .find(|wide| types().any(|t| t == *wide))
        .unwrap_or(ScalarType::Long)
}

fn abs(call: &Call) -> Column {
    match call.arguments[0].scalar_type {
        ScalarType::Decimal => lift1::<Decimal, Decimal, _, _>(call, i256::wrapping_abs),
        ScalarType::Int => lift1::<Int, Int, _, _>(call, i32::wrapping_abs),
        ScalarType::Long => lift1::<Long, Long, _, _>(call, i64::wrapping_abs),
        _ => real(call, f64::abs),
    }
}

/// `max_of` and `min_of`: nulls are skipped, NaN wins (measured).
fn extreme(call: &Call, greatest: bool) -> Column {
    match call.arguments[0].scalar_type {
        ScalarType::Bool => pick::<Bool>(call, greatest, |v| v),
        ScalarType::Int => pick::<Int>(call, greatest, |v| v),
        ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan => pick::<Long>(call, greatest, |v| v),
        ScalarType::Real => pick::<Real>(call, greatest, |v| v),
        ScalarType::Decimal => pick::<Decimal>(call, greatest, |v| v),
        ScalarType::String => pick::<Text>(call, greatest, str::to_string),
        ScalarType::Guid => pick::<Json>(call, greatest, str::to_string),
        ScalarType::Dynamic => Err(FunctionError {
            code: "SEM0064",
            message: "dynamic values have no order: convert them first".into(),
            argument: Some(0),
        }),
    }
}

fn pick<T>(call: &Call, greatest: bool, own: impl for<'a> Fn(<T as Read>::Item<'a>) -> <T as Write>::Item) -> Column
where
    T: Read + Write,
    for<'a> <T as Read>::Item<'a>: PartialOrd,
{
    let readers: Vec<Reader<T>> = (0..call.arguments.len()).map(|index| Reader::new(call, index)).collect();
    let mut builder = <T as Write>::builder(call.rows);
    for row in 0..call.rows {
        let mut best: Option<<T as Read>::Item<'_>> = None;
        for value in readers.iter().filter_map(|reader| reader.get(row)) {
            best = Some(match best {
                // Only NaN has no order with itself.
                Some(best) if best.partial_cmp(&best).is_none() => best,
                Some(best) if value.partial_cmp(&value).is_some() && (value > best) != greatest => best,
                _ => value,
            });
        }
        <T as Write>::push(&mut builder, best.map(&own));
    }
    Ok(<T as Write>::finish(builder))
}

fn sign(x: f64) -> f64 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        0.0
    }
}

fn not_negative(x: f64, f: impl Fn(f64) -> f64) -> Option<f64> {
    if x < 0.0 { None } else { Some(f(x)) }
}

fn unit(x: f64, f: impl Fn(f64) -> f64) -> Option<f64> {
    if x.abs() > 1.0 { None } else { Some(f(x)) }
}

/// The gamma function; whole numbers are multiplied out.
fn gamma(x: f64) -> f64 {
    if x.fract() == 0.0 && x <= 0.0 {
        return f64::NAN;
    }
    if x.fract() == 0.0 && x <= 171.0 {
        return (2..x as u32).fold(1.0, |product, factor| product * f64::from(factor));
    }
    libm::tgamma(x)
}

/// By how many places bits move: what a word has no room for is taken off; None for a negative number (documented).
fn places(shift: i64) -> Option<u32> {
    u64::try_from(shift).ok().map(|shift| (shift % 64) as u32)
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
    fn close(name: &str, x: f64, expected: f64) {
        let Value::Real(got) = call(name, &[Value::Real(x)]) else { panic!("{name}") };
        assert!((got - expected).abs() <= expected.abs() * 1e-12, "{name}({x}) = {got}, not {expected}");
    }

    #[test]
    fn error_functions() {
        close("erf", 3.0, 0.999_977_909_503_001_4);
        close("erf", -2.0, -0.995_322_265_018_952_7);
        close("erf", 1.0, 0.842_700_792_949_714_9);
        close("erfc", 1.0, 0.157_299_207_050_285_13);
        close("erfc", 2.0, 0.004_677_734_981_047_265);
        close("erfc", 3.0, 2.209_049_699_858_544e-5);
        close("erfc", -3.0, 1.999_977_909_503_001_5);
        close("erfc", 0.0, 1.0);
    }

    #[test]
    fn gammas() {
        close("gamma", 5.0, 24.0);
        close("gamma", 0.5, 1.772_453_850_905_516);
        close("gamma", 2.5, 1.329_340_388_179_137);
        close("loggamma", 10.0, 12.801_827_480_081_469);
        close("loggamma", 0.5, 0.572_364_942_924_700_1);
    }

    #[test]
    fn extremes_skip_nulls_and_keep_nan() {
        let null = Value::Null(ScalarType::Real);
        assert_eq!(call("max_of", &[Value::Real(1.0), null.clone(), Value::Real(3.0)]), Value::Real(3.0));
        for name in ["max_of", "min_of"] {
            for values in [[Value::Real(f64::NAN), Value::Real(1.0)], [Value::Real(1.0), Value::Real(f64::NAN)]] {
                assert!(matches!(call(name, &values), Value::Real(v) if v.is_nan()), "{name}");
            }
            assert_eq!(call(name, &[null.clone(), null.clone()]), null);
        }
        assert_eq!(call("min_of", &[Value::String("b".into()), Value::String("B".into())]), Value::String("B".into()));
    }

    #[test]
    fn null_where_not_defined() {
        for name in ["log", "log2", "log10", "asin", "acos"] {
            assert_eq!(call(name, &[Value::Real(-2.0)]), Value::Null(ScalarType::Real), "{name}");
        }
        assert_eq!(call("sign", &[Value::Null(ScalarType::Real)]), Value::Real(0.0));
        assert_eq!(call("abs", &[Value::Long(i64::MIN)]), Value::Long(i64::MIN));
        assert_eq!(call("binary_shift_left", &[Value::Long(1), Value::Long(65)]), Value::Long(2));
    }
}
