//! Functions of each element of a series.

use super::super::rows::{self, Column, DYNAMIC, dynamic, function, overload};
use super::{Series, write_longs, write_reals};
use crate::functions::lift::{Json, Reader};
use crate::functions::{Call, Function, Naming};

/// Declares a function of each element.
macro_rules! element {
    ($name:literal, $summary:literal, $page:literal, $kernel:expr, $examples:tt) => {
        function!($name, $summary, $page, Naming::None, [overload!((dynamic("series")) -> DYNAMIC, $kernel)], $examples)
    };
}

/// Element-wise functions.
pub(super) const FUNCTIONS: &[Function] = &[
    element!(
        "series_abs",
        "Gives the absolute value of each element of a series.",
        "series-abs-function",
        |call| whole(call, i64::wrapping_abs, f64::abs),
        [
            ("tostring(series_abs(dynamic([-6.5, 0, 8.2])))", "'[6.5,0.0,8.2]'"),
            ("tostring(series_abs(dynamic([-6, null, 'a'])))", "'[6,null,null]'"),
            ("isnull(series_abs(dynamic({})))", "true")
        ]
    ),
    element!(
        "series_sign",
        "Gives the sign of each element of a series: -1, 0 or 1.",
        "series-sign-function",
        |call| whole(call, i64::signum, sign),
        [
            ("tostring(series_sign(dynamic([-6, 0, 8])))", "'[-1,0,1]'"),
            ("tostring(series_sign(dynamic([-6, null])))", "'[-1,null]'"),
            ("isnull(series_sign(dynamic(null)))", "true")
        ]
    ),
    element!(
        "series_floor",
        "Gives the floor of each element of a series.",
        "series-floor-function",
        |call| whole(call, |long| long, f64::floor),
        [
            ("tostring(series_floor(dynamic([-1.5, 1, 2.5])))", "'[-2.0,1.0,2.0]'"),
            ("tostring(series_floor(dynamic([1.5, null])))", "'[1.0,null]'"),
            ("isnull(series_floor(dynamic(null)))", "true")
        ]
    ),
    element!(
        "series_ceiling",
        "Gives the ceiling of each element of a series.",
        "series-ceiling-function",
        |call| whole(call, |long| long, f64::ceil),
        [
            ("tostring(series_ceiling(dynamic([-1.5, 1, 2.5])))", "'[-1.0,1.0,3.0]'"),
            ("tostring(series_ceiling(dynamic([1.5, null])))", "'[2.0,null]'"),
            ("isnull(series_ceiling(dynamic(null)))", "true")
        ]
    ),
    element!(
        "series_exp",
        "Gives the exponential of each element of a series.",
        "series-exp-function",
        |call| real(call, |x| Some(x.exp())),
        [
            ("tostring(series_exp(dynamic([0])))", "'[1.0]'"),
            ("tostring(series_exp(dynamic([0, null])))", "'[1.0,null]'"),
            ("isnull(series_exp(dynamic(null)))", "true")
        ]
    ),
    // As `log` has it: null for negative numbers.
    element!(
        "series_log",
        "Gives the natural logarithm of each element of a series.",
        "series-log-function",
        |call| real(call, |x| (x >= 0.0 || x.is_nan()).then(|| x.ln())),
        [
            ("tostring(series_log(dynamic([1])))", "'[0.0]'"),
            ("tostring(series_log(dynamic([1, -1, null])))", "'[0.0,null,null]'"),
            ("isnull(series_log(dynamic(null)))", "true")
        ]
    ),
    element!(
        "series_sin",
        "Gives the sine of each element of a series.",
        "series-sin-function",
        |call| real(call, |x| Some(x.sin())),
        [
            ("tostring(series_sin(dynamic([0])))", "'[0.0]'"),
            ("tostring(series_sin(dynamic([0, null])))", "'[0.0,null]'"),
            ("isnull(series_sin(dynamic(null)))", "true")
        ]
    ),
    element!(
        "series_cos",
        "Gives the cosine of each element of a series.",
        "series-cos-function",
        |call| real(call, |x| Some(x.cos())),
        [
            ("tostring(series_cos(dynamic([0])))", "'[1.0]'"),
            ("tostring(series_cos(dynamic([0, null])))", "'[1.0,null]'"),
            ("isnull(series_cos(dynamic(null)))", "true")
        ]
    ),
    element!(
        "series_tan",
        "Gives the tangent of each element of a series.",
        "series-tan-function",
        |call| real(call, |x| Some(x.tan())),
        [
            ("tostring(series_tan(dynamic([0])))", "'[0.0]'"),
            ("tostring(series_tan(dynamic([0, null])))", "'[0.0,null]'"),
            ("isnull(series_tan(dynamic(null)))", "true")
        ]
    ),
    // As `asin` has it: null outside of -1 to 1.
    element!(
        "series_asin",
        "Gives the arcsine of each element of a series.",
        "series-asin-function",
        |call| real(call, |x| unit(x).then(|| x.asin())),
        [
            ("tostring(series_asin(dynamic([0, 1])))", "'[0.0,1.5707963267948966]'"),
            ("tostring(series_asin(dynamic([0, null])))", "'[0.0,null]'"),
            ("isnull(series_asin(dynamic(null)))", "true")
        ]
    ),
    element!(
        "series_acos",
        "Gives the arccosine of each element of a series.",
        "series-acos-function",
        |call| real(call, |x| unit(x).then(|| x.acos())),
        [
            ("tostring(series_acos(dynamic([1])))", "'[0.0]'"),
            ("tostring(series_acos(dynamic([1, null])))", "'[0.0,null]'"),
            ("isnull(series_acos(dynamic(null)))", "true")
        ]
    ),
    element!(
        "series_atan",
        "Gives the arctangent of each element of a series.",
        "series-atan-function",
        |call| real(call, |x| Some(x.atan())),
        [
            ("tostring(series_atan(dynamic([0])))", "'[0.0]'"),
            ("tostring(series_atan(dynamic([0, null])))", "'[0.0,null]'"),
            ("isnull(series_atan(dynamic(null)))", "true")
        ]
    ),
];

fn sign(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() { 0.0 } else { x.signum() }
}

fn unit(x: f64) -> bool {
    (-1.0..=1.0).contains(&x) || x.is_nan()
}

/// Whole numbers stay whole.
fn whole(call: &Call, long: fn(i64) -> i64, real: fn(f64) -> f64) -> Column {
    let series = Reader::<Json>::new(call, 0);
    rows::json(call, |row, out| {
        match Series::read(series.get(row)?)? {
            Series::Longs(longs) => write_longs(longs.into_iter().map(|n| n.map(long)), out),
            Series::Reals(reals) => write_reals(reals.into_iter().map(|n| n.map(real)), out),
        }
        Some(())
    })
}

fn real(call: &Call, f: fn(f64) -> Option<f64>) -> Column {
    let series = Reader::<Json>::new(call, 0);
    rows::json(call, |row, out| {
        let reals = Series::read(series.get(row)?)?.into_reals();
        write_reals(reals.into_iter().map(|n| n.and_then(f)), out);
        Some(())
    })
}
