//! Operators over two series, element by element.

use super::super::rows::{self, Column, DYNAMIC, dynamic, function, overload};
use super::{Series, write_array, write_longs, write_reals};
use crate::functions::lift::{Json, Reader};
use crate::functions::{Call, Function, Kind, Naming, Parameter, one};
use crate::types::{ScalarType, Value, arrow as columns, convert};

const FIRST: Parameter = dynamic("series1");
const SECOND: Parameter = dynamic("series2");
const FIRST_NUMBER: Parameter = one("series1", Kind::Number);
const SECOND_NUMBER: Parameter = one("series2", Kind::Number);

/// Declares an operator: of two series, or of a series and a number that stands for each element.
macro_rules! operator {
    ($name:literal, $summary:literal, $page:literal, $kernel:expr, $examples:tt) => {
        function!(
            $name,
            $summary,
            $page,
            Naming::None,
            [
                overload!((FIRST, SECOND) -> DYNAMIC, $kernel),
                overload!((FIRST, SECOND_NUMBER) -> DYNAMIC, $kernel),
                overload!((FIRST_NUMBER, SECOND) -> DYNAMIC, $kernel),
            ],
            $examples
        )
    };
}

/// Arithmetic and comparisons.
pub(super) const FUNCTIONS: &[Function] = &[
    operator!(
        "series_add",
        "Adds two series, element by element.",
        "series-add-function",
        |call| whole(call, i64::wrapping_add, |a, b| a + b),
        [
            ("tostring(series_add(dynamic([1, 2]), dynamic([3, 0.5])))", "'[4.0,2.5]'"),
            ("tostring(series_add(dynamic([1, 'a', 3]), 1))", "'[2,null,4]'"),
            ("isnull(series_add(dynamic({}), dynamic([1])))", "true")
        ]
    ),
    operator!(
        "series_subtract",
        "Subtracts two series, element by element.",
        "series-subtract-function",
        |call| whole(call, i64::wrapping_sub, |a, b| a - b),
        [
            ("tostring(series_subtract(dynamic([3, 3]), dynamic([1, 2])))", "'[2,1]'"),
            ("tostring(series_subtract(10, dynamic([1, 2])))", "'[9,8]'"),
            ("tostring(series_subtract(dynamic([3, 3]), dynamic([1])))", "'[2,null]'")
        ]
    ),
    operator!(
        "series_multiply",
        "Multiplies two series, element by element.",
        "series-multiply-function",
        |call| whole(call, i64::wrapping_mul, |a, b| a * b),
        [
            ("tostring(series_multiply(dynamic([3, 3]), dynamic([1, 2])))", "'[3,6]'"),
            ("tostring(series_multiply(dynamic([1.5]), 2))", "'[3.0]'"),
            ("tostring(series_multiply(dynamic([]), 2))", "'[]'")
        ]
    ),
    operator!(
        "series_divide",
        "Divides two series, element by element; the quotients are reals.",
        "series-divide-function",
        |call| real(call, |a, b| a / b),
        [
            ("tostring(series_divide(dynamic([1, 2]), dynamic([4, 2])))", "'[0.25,1.0]'"),
            ("tostring(series_divide(dynamic([1]), 0))", "'[\"Infinity\"]'"),
            ("tostring(series_divide(dynamic([1, null]), 2))", "'[0.5,null]'")
        ]
    ),
    operator!(
        "series_pow",
        "Raises a series to the power of another, element by element.",
        "series-pow-function",
        |call| real(call, f64::powf),
        [
            ("tostring(series_pow(dynamic([2, 9]), dynamic([3, 0.5])))", "'[8.0,3.0]'"),
            ("tostring(series_pow(2, dynamic([3])))", "'[8.0]'"),
            ("tostring(series_pow(dynamic([null]), 2))", "'[null]'")
        ]
    ),
    operator!(
        "series_greater",
        "Tells which elements of a series are greater than those of another.",
        "series-greater-function",
        |call| compare(call, |a, b| a > b, |a, b| a > b),
        [
            ("tostring(series_greater(dynamic([1, 2]), dynamic([2, 1])))", "'[false,true]'"),
            ("tostring(series_greater(dynamic([1, null]), 0))", "'[true,null]'"),
            ("isnull(series_greater(dynamic(null), 0))", "true")
        ]
    ),
    operator!(
        "series_greater_equals",
        "Tells which elements of a series are at least those of another.",
        "series-greater-equals-function",
        |call| compare(call, |a, b| a >= b, |a, b| a >= b),
        [
            ("tostring(series_greater_equals(dynamic([1, 2]), dynamic([1, 3])))", "'[true,false]'"),
            ("tostring(series_greater_equals(dynamic([1, null]), 1.5))", "'[false,null]'"),
            ("isnull(series_greater_equals(dynamic(null), 0))", "true")
        ]
    ),
    operator!(
        "series_less",
        "Tells which elements of a series are less than those of another.",
        "series-less-function",
        |call| compare(call, |a, b| a < b, |a, b| a < b),
        [
            ("tostring(series_less(dynamic([1, 2]), dynamic([2, 1])))", "'[true,false]'"),
            ("tostring(series_less(1, dynamic([1, null])))", "'[false,null]'"),
            ("isnull(series_less(dynamic(null), 0))", "true")
        ]
    ),
    operator!(
        "series_less_equals",
        "Tells which elements of a series are at most those of another.",
        "series-less-equals-function",
        |call| compare(call, |a, b| a <= b, |a, b| a <= b),
        [
            ("tostring(series_less_equals(dynamic([1, 2]), dynamic([1, 1])))", "'[true,false]'"),
            ("tostring(series_less_equals(dynamic([1, null]), 1.5))", "'[true,null]'"),
            ("isnull(series_less_equals(dynamic(null), 0))", "true")
        ]
    ),
    operator!(
        "series_equals",
        "Tells which elements of a series are equal to those of another.",
        "series-equals-function",
        |call| compare(call, |a, b| a == b, |a, b| a == b),
        [
            ("tostring(series_equals(dynamic([1, 2]), dynamic([1.0, 1])))", "'[true,false]'"),
            ("tostring(series_equals(dynamic([1, null]), 1))", "'[true,null]'"),
            ("isnull(series_equals(dynamic(null), 0))", "true")
        ]
    ),
    operator!(
        "series_not_equals",
        "Tells which elements of a series are different from those of another.",
        "series-not-equals-function",
        |call| compare(call, |a, b| a != b, |a, b| a != b),
        [
            ("tostring(series_not_equals(dynamic([1, 2]), dynamic([1.0, 1])))", "'[false,true]'"),
            ("tostring(series_not_equals(dynamic([1, null]), 1))", "'[false,null]'"),
            ("isnull(series_not_equals(dynamic(null), 0))", "true")
        ]
    ),
];

/// An operand: a series in each row, or a number.
enum Operand<'a> {
    Series(Reader<'a, Json>),
    Number(&'a Call<'a>, usize),
}

/// What an operand is in a row.
enum Term {
    Series(Series),
    Long(Option<i64>),
    Real(Option<f64>),
}

impl<'a> Operand<'a> {
    fn new(call: &'a Call, index: usize) -> Self {
        match call.arguments[index].scalar_type {
            ScalarType::Dynamic => Operand::Series(Reader::new(call, index)),
            _ => Operand::Number(call, index),
        }
    }

    fn term(&self, row: usize) -> Option<Term> {
        match self {
            Operand::Series(reader) => Series::read_with_ticks(reader.get(row)?).map(Term::Series),
            Operand::Number(call, index) => {
                let argument = &call.arguments[*index];
                let row = if argument.constant { 0 } else { row };
                let value = columns::value_at(&argument.array, row, argument.scalar_type);
                Some(match argument.scalar_type {
                    ScalarType::Int | ScalarType::Long => match convert::convert(&value, ScalarType::Long) {
                        Value::Long(long) => Term::Long(Some(long)),
                        _ => Term::Long(None),
                    },
                    _ => match convert::convert(&value, ScalarType::Real) {
                        Value::Real(real) => Term::Real(Some(real)),
                        _ => Term::Real(None),
                    },
                })
            }
        }
    }
}

impl Term {
    fn is_whole(&self) -> bool {
        matches!(self, Term::Long(_) | Term::Series(Series::Longs(_)))
    }

    fn len(&self) -> usize {
        match self {
            Term::Series(series) => series.len(),
            Term::Long(_) | Term::Real(_) => 0,
        }
    }

    fn long(&self, index: usize) -> Option<i64> {
        match self {
            Term::Series(Series::Longs(longs)) => *longs.get(index)?,
            Term::Long(long) => *long,
            Term::Series(Series::Reals(_)) | Term::Real(_) => None,
        }
    }

    fn real(&self, index: usize) -> Option<f64> {
        match self {
            Term::Series(Series::Longs(longs)) => longs.get(index)?.map(|long| long as f64),
            Term::Series(Series::Reals(reals)) => *reals.get(index)?,
            Term::Long(long) => long.map(|long| long as f64),
            Term::Real(real) => *real,
        }
    }
}

/// Combines two terms in each row; the shorter series counts as padded with nulls (documented).
fn combine(call: &Call, write: impl Fn(&Term, &Term, usize, &mut String)) -> Column {
    let (left, right) = (Operand::new(call, 0), Operand::new(call, 1));
    rows::json(call, |row, out| {
        let (left, right) = (left.term(row)?, right.term(row)?);
        write(&left, &right, left.len().max(right.len()), out);
        Some(())
    })
}

fn longs(left: &Term, right: &Term, n: usize, f: impl Fn(i64, i64) -> i64) -> Option<i64> {
    Some(f(left.long(n)?, right.long(n)?))
}

fn reals<T>(left: &Term, right: &Term, n: usize, f: impl Fn(f64, f64) -> T) -> Option<T> {
    Some(f(left.real(n)?, right.real(n)?))
}

/// Whole numbers stay whole, and wrap around as in arithmetic elsewhere.
fn whole(call: &Call, long: fn(i64, i64) -> i64, real: fn(f64, f64) -> f64) -> Column {
    combine(call, |left, right, length, out| {
        if left.is_whole() && right.is_whole() {
            write_longs((0..length).map(|n| longs(left, right, n, long)), out);
        } else {
            write_reals((0..length).map(|n| reals(left, right, n, real)), out);
        }
    })
}

fn real(call: &Call, f: fn(f64, f64) -> f64) -> Column {
    combine(call, |left, right, length, out| write_reals((0..length).map(|n| reals(left, right, n, f)), out))
}

fn compare(call: &Call, long: fn(i64, i64) -> bool, real: fn(f64, f64) -> bool) -> Column {
    combine(call, |left, right, length, out| {
        let whole = left.is_whole() && right.is_whole();
        let compared = |n: usize| {
            if whole { Some(long(left.long(n)?, right.long(n)?)) } else { reals(left, right, n, real) }
        };
        write_array((0..length).map(compared), out, |truth, out| out.push_str(if truth { "true" } else { "false" }));
    })
}
