//! Comparisons of the number that a dynamic holds with a number; the binder brings the number to the right.
//!
//! Only what JSON has as a number is one: `==` finds none in a text, although `tolong` does (measured). Where a dynamic
//! is put in order with a whole number its fraction is cut off first: the distances printed for `pairwise_dist_fl` of
//! the documentation's library come out only so. Nothing tells whether it is for equality too, nor whether true and
//! false count as 1 and 0. Where both ways of reading give one answer it is the answer; elsewhere the comparison is
//! refused.

use std::cmp::Ordering;
use std::sync::Arc;

use super::rows::{BOOL, Column, LONG, REAL, constant_text, dynamic, function, overload};
use crate::functions::lift::{Bool, Json, Long, Read, Reader, Real, Write};
use crate::functions::{Call, Function, FunctionError, Kind, Naming, Parameter, PreparedKernel, one};
use crate::types::{ScalarType, Value, convert, json};

const HELD: Parameter = dynamic("held");
const WHOLE: Parameter = one("number", Kind::Is(ScalarType::Long));
const ANY: Parameter = one("number", Kind::Is(ScalarType::Real));
/// Below it, each whole number is a real: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// What a comparison asks of the order of its sides.
#[derive(Clone, Copy)]
struct Test {
    holds: fn(Ordering) -> bool,
    /// The answer where one side alone is null; where both are, it is null.
    one_null: Option<bool>,
}

const EQUAL: Test = Test { holds: Ordering::is_eq, one_null: Some(false) };
const NOT_EQUAL: Test = Test { holds: Ordering::is_ne, one_null: Some(true) };
const LESS: Test = Test { holds: Ordering::is_lt, one_null: None };
const LESS_OR_EQUAL: Test = Test { holds: Ordering::is_le, one_null: None };
const GREATER: Test = Test { holds: Ordering::is_gt, one_null: None };
const GREATER_OR_EQUAL: Test = Test { holds: Ordering::is_ge, one_null: None };

impl Test {
    /// Tells `<`, `<=`, `>` and `>=` from the tests for equality.
    fn is_order(self) -> bool {
        self.one_null.is_none()
    }

    fn answer<T: PartialOrd>(self, left: Option<T>, right: Option<T>) -> Option<bool> {
        match (left, right) {
            (Some(left), Some(right)) => Some(match left.partial_cmp(&right) {
                Some(ordering) => (self.holds)(ordering),
                // NaN differs from all, and is neither less nor greater.
                None => self.one_null == Some(true),
            }),
            (None, None) => None,
            _ => self.one_null,
        }
    }
}

macro_rules! comparison {
    ($name:literal, $test:expr, [$($example:expr),* $(,)?]) => {
        function!(
            $name,
            "Compares the number that a dynamic holds with a number: a text is none.",
            "dynamic",
            Naming::None,
            [
                overload!((HELD, WHOLE) -> BOOL, |call| compared::<Long>(call, |held, number| with_whole($test, held, number))),
                overload!((HELD, ANY) -> BOOL, |call| compared::<Real>(call, |held, number| with_any($test, held, number))),
            ],
            [$($example),*]
        )
    };
}

/// The comparisons, called by their operators with `dynamic` before them.
pub(super) const FUNCTIONS: &[Function] = &[
    comparison!(
        "dynamic ==",
        EQUAL,
        [
            ("dynamic(1) == 1", "true"),
            ("dynamic('1') == 1", "false"),
            ("dynamic(null) == 1", "false"),
            ("isnull(dynamic(null) == long(null))", "true"),
            ("dynamic(1.5) == 2", "false"),
            ("dynamic(true) == 2", "false"),
        ]
    ),
    comparison!(
        "dynamic !=",
        NOT_EQUAL,
        [("dynamic(1) != 1.5", "true"), ("dynamic([1]) != 1", "true"), ("dynamic(null) != 1", "true")]
    ),
    comparison!(
        "dynamic <",
        LESS,
        [("dynamic(1.5) < 2", "true"), ("dynamic(1.5) < 2.0", "true"), ("isnull(dynamic('1') < 2)", "true")]
    ),
    comparison!(
        "dynamic <=",
        LESS_OR_EQUAL,
        [("2 >= dynamic(2.0)", "true"), ("dynamic(-1.5) <= -2", "false"), ("isnull(dynamic(null) <= 2)", "true")]
    ),
    comparison!(
        "dynamic >",
        GREATER,
        [("dynamic(7.25) > 3", "true"), ("3 < dynamic(2)", "false"), ("isnull(dynamic(2) > long(null))", "true")]
    ),
    comparison!(
        "dynamic >=",
        GREATER_OR_EQUAL,
        [
            ("dynamic([2.0, 'a'])[0] >= 2", "true"),
            ("dynamic(2.5) >= 2.5", "true"),
            ("isnull(dynamic([2.0, 'a'])[1] >= 2)", "true"),
        ]
    ),
    function!(
        "dynamic in whole numbers",
        "Tells whether the number that a dynamic holds is in a list of whole numbers.",
        "in-cs-operator",
        Naming::None,
        [overload!((HELD, dynamic("numbers").constant()) -> BOOL, prepared in_whole)],
        [("dynamic(2) in (1, 2)", "true"), ("dynamic(1.5) in (2, 3)", "false"), ("dynamic(null) in (1, 2)", "false")]
    ),
    function!(
        "dynamic in numbers",
        "Tells whether the number that a dynamic holds is in a list of numbers.",
        "in-cs-operator",
        Naming::None,
        [overload!((HELD, dynamic("numbers").constant()) -> BOOL, prepared in_any)],
        [
            ("dynamic(2.5) in (1, 2.5)", "true"),
            ("dynamic('2.5') in (1.0, 2.5)", "false"),
            ("dynamic(null) in (0.5)", "false")
        ]
    ),
    function!(
        "dynamic as long",
        "Gives the whole number that a dynamic holds, to look it up among others: a text is none.",
        "in-cs-operator",
        Naming::None,
        [overload!((HELD) -> LONG, |call| numbers::<Long>(call, sure_whole))],
        [
            ("dynamic(2) in ((print 2))", "true"),
            ("dynamic('2') in ((print 2))", "false"),
            ("dynamic(null) in ((print 2))", "false")
        ]
    ),
    function!(
        "dynamic as real",
        "Gives the number that a dynamic holds, to look it up among others: a text is none.",
        "in-cs-operator",
        Naming::None,
        [overload!((HELD) -> REAL, |call| numbers::<Real>(call, sure_number))],
        [
            ("dynamic(2) in ((print 2.0))", "true"),
            ("dynamic('2') in ((print 2.0))", "false"),
            ("dynamic(null) in ((print 2.0))", "false")
        ]
    ),
];

/// What both ways of reading say, or which kind of value they read in two ways.
type Answer = Result<Option<bool>, &'static str>;

fn agreed(one: Option<bool>, other: Option<bool>, what: &'static str) -> Answer {
    if one == other { Ok(one) } else { Err(what) }
}

/// Answers for true or false as a number and as none.
fn with_bool(held: &str, answer: impl Fn(Option<i64>) -> Option<bool>) -> Answer {
    agreed(answer(convert::dynamic_to_long(held)), answer(None), "true or false")
}

fn with_whole(test: Test, held: &str, number: Option<i64>) -> Answer {
    let cut = || convert::dynamic_to_long(held);
    match json::kind(held) {
        json::Kind::Long => Ok(test.answer(cut(), number)),
        json::Kind::Real if test.is_order() => Ok(test.answer(cut(), number)),
        json::Kind::Real => {
            let as_real = test.answer(convert::dynamic_to_real(held), number.map(|number| number as f64));
            agreed(test.answer(cut(), number), as_real, "a real")
        }
        json::Kind::Bool => with_bool(held, |value| test.answer(value, number)),
        _ => Ok(test.answer(None, number)),
    }
}

fn with_any(test: Test, held: &str, number: Option<f64>) -> Answer {
    match json::kind(held) {
        json::Kind::Long | json::Kind::Real => Ok(test.answer(convert::dynamic_to_real(held), number)),
        json::Kind::Bool => with_bool(held, |value| test.answer(value.map(|value| value as f64), number)),
        _ => Ok(test.answer(None, number)),
    }
}

/// Compares row by row; a null dynamic holds no number.
fn compared<T: Read>(call: &Call, answer: impl Fn(&str, Option<T::Item<'_>>) -> Answer) -> Column {
    let number = Reader::<T>::new(call, 1);
    each::<Bool>(call, |held, row| answer(held, number.get(row)))
}

/// Reads the numbers that dynamics hold, where there is one way to.
fn numbers<T: Write>(call: &Call, read: fn(&str) -> Result<Option<T::Item>, &'static str>) -> Column {
    each::<T>(call, |held, _| read(held))
}

fn sure_whole(held: &str) -> Result<Option<i64>, &'static str> {
    match json::kind(held) {
        json::Kind::Long => Ok(convert::dynamic_to_long(held)),
        json::Kind::Real => match convert::dynamic_to_real(held) {
            Some(real) if real.fract() == 0.0 && real.abs() < EXACT => Ok(convert::dynamic_to_long(held)),
            _ => Err("a real"),
        },
        json::Kind::Bool => Err("true or false"),
        _ => Ok(None),
    }
}

fn sure_number(held: &str) -> Result<Option<f64>, &'static str> {
    match json::kind(held) {
        json::Kind::Long | json::Kind::Real => Ok(convert::dynamic_to_real(held)),
        json::Kind::Bool => Err("true or false"),
        _ => Ok(None),
    }
}

/// Computes row by row from what the dynamics hold, with `null` for a null.
fn each<T: Write>(call: &Call, value: impl Fn(&str, usize) -> Result<Option<T::Item>, &'static str>) -> Column {
    let held = Reader::<Json>::new(call, 0);
    let mut builder = T::builder(call.rows);
    for row in 0..call.rows {
        let value = value(held.get(row).unwrap_or("null"), row).map_err(|what| {
            let message = format!(
                "what Kusto makes of a dynamic value that holds {what}, compared with this number, is not documented: \
                 convert it first, with tolong(), toreal() or tobool()"
            );
            FunctionError::argument(0, "AQ001", message)
        })?;
        T::push(&mut builder, value);
    }
    Ok(T::finish(builder))
}

/// Prepares a search in a constant list.
fn in_list<T: Copy + Send + Sync + 'static>(
    constants: &[Option<Value>],
    read: fn(&str) -> Option<T>,
    is_equal: fn(Test, &str, Option<T>) -> Answer,
) -> Result<PreparedKernel, FunctionError> {
    let list = match constants.get(1) {
        Some(Some(Value::Dynamic(text))) => text.as_str(),
        _ => constant_text(constants, 1).unwrap_or("[]"),
    };
    let numbers: Vec<T> = json::elements(list).filter_map(read).collect();
    Ok(Arc::new(move |call: &Call| {
        each::<Bool>(call, |held, _| {
            let mut found = false;
            for number in &numbers {
                found |= is_equal(EQUAL, held, Some(*number))? == Some(true);
            }
            Ok(Some(found))
        })
    }))
}

fn in_whole(constants: &[Option<Value>]) -> Result<PreparedKernel, FunctionError> {
    in_list(constants, convert::dynamic_to_long, with_whole)
}

fn in_any(constants: &[Option<Value>]) -> Result<PreparedKernel, FunctionError> {
    in_list(constants, convert::dynamic_to_real, with_any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_is_refused_only_where_the_cut_decides() {
        assert_eq!(with_whole(EQUAL, "1.5", Some(1)), Err("a real"));
        assert_eq!(with_whole(EQUAL, "1.5", Some(2)), Ok(Some(false)));
        assert_eq!(with_whole(EQUAL, "2.0", Some(2)), Ok(Some(true)));
        assert_eq!(with_whole(EQUAL, "1e300", Some(1)), Ok(Some(false)));
        assert_eq!(with_whole(EQUAL, "1e300", Some(i64::MAX)), Err("a real"));
        assert_eq!(with_whole(NOT_EQUAL, "1.5", None), Ok(Some(true)));
    }

    #[test]
    fn a_fraction_is_cut_to_be_put_in_order() {
        assert_eq!(with_whole(GREATER, "0.75", Some(0)), Ok(Some(false)));
        assert_eq!(with_whole(LESS, "-0.5", Some(0)), Ok(Some(false)));
        assert_eq!(with_whole(LESS_OR_EQUAL, "1.5", Some(1)), Ok(Some(true)));
        assert_eq!(with_whole(GREATER_OR_EQUAL, "1.5", Some(1)), Ok(Some(true)));
    }

    #[test]
    fn a_bool_is_refused_only_where_it_counts() {
        assert_eq!(with_whole(EQUAL, "true", Some(1)), Err("true or false"));
        assert_eq!(with_whole(EQUAL, "true", Some(0)), Ok(Some(false)));
        assert_eq!(with_whole(LESS, "false", Some(3)), Err("true or false"));
        assert_eq!(with_any(NOT_EQUAL, "false", Some(0.5)), Ok(Some(true)));
        assert_eq!(with_any(EQUAL, "false", Some(0.0)), Err("true or false"));
    }

    #[test]
    fn nan_equals_nothing() {
        assert_eq!(with_any(EQUAL, "1", Some(f64::NAN)), Ok(Some(false)));
        assert_eq!(with_any(NOT_EQUAL, "1", Some(f64::NAN)), Ok(Some(true)));
        assert_eq!(with_any(LESS, "1", Some(f64::NAN)), Ok(Some(false)));
    }
}
