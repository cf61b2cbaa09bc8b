//! Choices and tests: `iff`, `case`, `coalesce`, `isempty` ..., and the comparisons.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::interleave;

use super::rows::{self, BOOL, Column, function, overload, string};
use crate::functions::lift::{Bool, Decimal, Int, Json, Long, Opt, Read, Reader, Real, Text, lift1, lift3};
use crate::functions::{Call, Function, FunctionError, Kind, Naming, Parameter, Returns, one};
use crate::types::ScalarType;

const VALUE: Parameter = one("value", Kind::Any);
const IF: Parameter = one("if", Kind::Is(ScalarType::Bool));

/// Choices and tests.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "iff" | "iif",
        "Gives the second argument where the first is true, else the third.",
        "iff-function",
        Naming::None,
        [overload!((IF, one("then", Kind::Common), one("else", Kind::Common)) -> Returns::Common, case)],
        [
            ("iff(1 < 2, 'yes', 'no')", "'yes'"),
            ("iff(bool(null), 1, 2)", "2"),
            ("iff(bool(null), 'yes', 'no')", "'no'")
        ]
    ),
    function!(
        "case",
        "Gives the value behind the first condition that is true, else the last argument.",
        "case-function",
        Naming::None,
        [overload!((one("predicate", Kind::Is(ScalarType::Bool)).repeated(1, 32767),
            one("then", Kind::Common).repeated(1, 32767), one("else", Kind::Common)) -> Returns::Common, case)],
        [
            ("case(5 <= 3, 'low', 5 <= 6, 'medium', 'high')", "'medium'"),
            ("case(false, 1, true, 2, 3)", "2"),
            ("case(bool(null), 'a', true, 'b', 'c')", "'b'")
        ]
    ),
    function!(
        "coalesce",
        "Gives the first argument that is neither null nor an empty string.",
        "coalesce-function",
        Naming::None,
        [overload!((one("arg", Kind::Common).repeated(2, 64)) -> Returns::Common, coalesce)],
        [
            ("coalesce(tolong('x'), 33)", "33"),
            ("coalesce('', 'b')", "'b'"),
            ("isnull(coalesce(int(null), int(null)))", "true"),
            ("coalesce('', '')", "''")
        ]
    ),
    function!(
        "isnull",
        "Tells whether a value is null; a string never is.",
        "isnull-function",
        Naming::None,
        [overload!((VALUE) -> BOOL, |call| nulls(call, true))],
        [
            ("isnull(long(null))", "true"),
            ("isnull('')", "false"),
            ("isnull(parse_json(''))", "true"),
            ("isnull(5)", "false")
        ]
    ),
    function!(
        "isnotnull" | "notnull",
        "Tells whether a value is not null; a string never is.",
        "isnotnull-function",
        Naming::None,
        [overload!((VALUE) -> BOOL, |call| nulls(call, false))],
        [("isnotnull(5)", "true"), ("isnotnull(long(null))", "false"), ("isnotnull('')", "true")]
    ),
    function!(
        "isempty",
        "Tells whether a value is null or an empty string.",
        "isempty-function",
        Naming::None,
        [overload!((VALUE) -> BOOL, |call| empties(call, true))],
        [
            ("isempty('')", "true"),
            ("isempty(long(null))", "true"),
            ("isempty('x')", "false"),
            ("isempty(parse_json('[]'))", "false")
        ]
    ),
    function!(
        "isnotempty" | "notempty",
        "Tells whether a value is neither null nor an empty string.",
        "isnotempty-function",
        Naming::None,
        [overload!((VALUE) -> BOOL, |call| empties(call, false))],
        [("isnotempty('x')", "true"), ("isnotempty('')", "false"), ("isnotempty(long(null))", "false")]
    ),
    function!(
        "not",
        "Gives true for false and false for true.",
        "not-function",
        Naming::None,
        [overload!((one("expression", Kind::Is(ScalarType::Bool))) -> BOOL, |call| {
            lift1::<Bool, Bool, _, _>(call, |value: bool| !value)
        })],
        [("not(1 == 2)", "true"), ("not(true)", "false"), ("isnull(not(bool(null)))", "true")]
    ),
    function!(
        "assert",
        "Gives true where a condition holds, else ends the query with a message.",
        "assert-function",
        Naming::None,
        [overload!((one("predicate", Kind::Is(ScalarType::Bool)), string("message")) -> BOOL,
            assert)],
        [
            ("assert(1 > 0, 'must be positive')", "true"),
            ("assert(strlen('a') == 1, 'one letter')", "true"),
            ("assert(isnull(long(null)), '')", "true")
        ]
    ),
    function!(
        "around",
        "Tells whether a value lies within a distance of another, ends included.",
        "around-function",
        Naming::None,
        [
            overload!((one("value", Kind::Is(ScalarType::Long)), one("center", Kind::Is(ScalarType::Long)),
            one("delta", Kind::Is(ScalarType::Long))) -> BOOL, around),
            overload!((one("value", Kind::Is(ScalarType::Real)), one("center", Kind::Is(ScalarType::Real)),
            one("delta", Kind::Is(ScalarType::Real))) -> BOOL, |call| {
                lift3::<Real, Real, Real, Bool, _, _>(call, |value, center, delta| {
                    center - delta <= value && value <= center + delta
                })
            }),
            overload!((one("value", Kind::Is(ScalarType::DateTime)), one("center", Kind::Is(ScalarType::DateTime)),
            one("delta", Kind::Is(ScalarType::TimeSpan))) -> BOOL, around),
            overload!((one("value", Kind::Is(ScalarType::TimeSpan)), one("center", Kind::Is(ScalarType::TimeSpan)),
            one("delta", Kind::Is(ScalarType::TimeSpan))) -> BOOL, around)
        ],
        [
            ("around(5, 4, 1)", "true"),
            ("around(datetime(2024-01-01), datetime(2024-01-02), 1h)", "false"),
            ("isnull(around(long(null), 1, 1))", "true")
        ]
    ),
];

macro_rules! comparison {
    ($name:literal, $summary:literal, $page:literal, $compare:ident, $operator:tt, [$($example:expr),+]) => {
        function!($name, $summary, $page, Naming::None, [
            overload!((left(ScalarType::Bool), right(ScalarType::Bool)) -> BOOL,
                |call| $compare::<Bool>(call, |a, b| a $operator b)),
            overload!((left(ScalarType::Int), right(ScalarType::Int)) -> BOOL,
                |call| $compare::<Int>(call, |a, b| a $operator b)),
            overload!((left(ScalarType::Long), right(ScalarType::Long)) -> BOOL,
                |call| $compare::<Long>(call, |a, b| a $operator b)),
            overload!((left(ScalarType::Real), right(ScalarType::Real)) -> BOOL,
                |call| $compare::<Real>(call, |a, b| a $operator b)),
            overload!((left(ScalarType::Decimal), right(ScalarType::Decimal)) -> BOOL,
                |call| $compare::<Decimal>(call, |a, b| a $operator b)),
            overload!((left(ScalarType::DateTime), right(ScalarType::DateTime)) -> BOOL,
                |call| $compare::<Long>(call, |a, b| a $operator b)),
            overload!((left(ScalarType::TimeSpan), right(ScalarType::TimeSpan)) -> BOOL,
                |call| $compare::<Long>(call, |a, b| a $operator b)),
            overload!((left(ScalarType::Guid), right(ScalarType::Guid)) -> BOOL,
                |call| $compare::<Json>(call, |a, b| a $operator b)),
            overload!((left(ScalarType::String), right(ScalarType::String)) -> BOOL,
                |call| $compare::<Text>(call, |a, b| a $operator b)),
        ], [$($example),+])
    };
}

/// Comparisons with KQL's rules of null and NaN, called by their spelling; strings compare by code point.
pub(super) const COMPARISONS: &[Function] = &[
    comparison!("==", "Tells whether two values are equal; a null equals no value, and two give null.",
        "numerical-operators", equal, ==,
        [("1 == 1", "true"), ("long(null) == 1", "false"), ("isnull(long(null) == long(null))", "true"),
         ("real(nan) == real(nan)", "false")]),
    comparison!("!=", "Tells whether two values differ; a null differs from any value, and two give null.",
        "numerical-operators", different, !=,
        [("1 != 2", "true"), ("long(null) != 1", "true"), ("isnull(long(null) != long(null))", "true"),
         ("real(nan) != real(nan)", "true")]),
    comparison!("<", "Tells whether a value is less than another.", "numerical-operators", ordered, <,
        [("1 < 2", "true"), ("isnull(long(null) < 1)", "true"), ("real(nan) < 1.0", "false")]),
    comparison!("<=", "Tells whether a value is at most another.", "numerical-operators", ordered, <=,
        [("2 <= 2", "true"), ("3 <= 2", "false"), ("isnull(1 <= long(null))", "true")]),
    comparison!(">", "Tells whether a value is greater than another.", "numerical-operators", ordered, >,
        [("2 > 1", "true"), ("1 > 1", "false"), ("isnull(long(null) > 1)", "true")]),
    comparison!(">=", "Tells whether a value is at least another.", "numerical-operators", ordered, >=,
        [("2 >= 2", "true"), ("1 >= 2", "false"), ("isnull(long(null) >= 1)", "true")]),
    // The two halves of a range: a null bound makes the whole null (measured), which `and` and `or` would not.
    function!(
        "between",
        "Tells whether both comparisons hold; null if one of them is.",
        "between-operator",
        Naming::None,
        [overload!((left(ScalarType::Bool), right(ScalarType::Bool)) -> BOOL,
                |call| ordered::<Bool>(call, |a, b| a & b))],
        [
            ("3 between (1 .. 3)", "true"),
            ("4 between (1 .. 3)", "false"),
            ("isnull(3 between (5 .. long(null)))", "true")
        ]
    ),
    function!(
        "!between",
        "Tells whether one of two comparisons holds; null if one of them is.",
        "not-between-operator",
        Naming::None,
        [overload!((left(ScalarType::Bool), right(ScalarType::Bool)) -> BOOL,
                |call| ordered::<Bool>(call, |a, b| a | b))],
        [
            ("4 !between (1 .. 3)", "true"),
            ("3 !between (1 .. 3)", "false"),
            ("isnull(4 !between (1 .. long(null)))", "true")
        ]
    ),
];

const fn left(scalar_type: ScalarType) -> Parameter {
    one("left", Kind::Is(scalar_type))
}

const fn right(scalar_type: ScalarType) -> Parameter {
    one("right", Kind::Is(scalar_type))
}

/// Both null: null. One null: not equal (measured).
fn equal<T: Read>(call: &Call, same: impl for<'a> Fn(T::Item<'a>, T::Item<'a>) -> bool) -> Column {
    total::<T>(call, same, false)
}

fn different<T: Read>(call: &Call, differ: impl for<'a> Fn(T::Item<'a>, T::Item<'a>) -> bool) -> Column {
    total::<T>(call, differ, true)
}

fn total<T: Read>(call: &Call, compare: impl for<'a> Fn(T::Item<'a>, T::Item<'a>) -> bool, one_null: bool) -> Column {
    let (a, b) = (Reader::<T>::new(call, 0), Reader::<T>::new(call, 1));
    rows::bools(call, |row| match (a.get(row), b.get(row)) {
        (Some(a), Some(b)) => Some(compare(a, b)),
        (None, None) => None,
        _ => Some(one_null),
    })
}

fn ordered<T: Read>(call: &Call, compare: impl for<'a> Fn(T::Item<'a>, T::Item<'a>) -> bool) -> Column {
    let (a, b) = (Reader::<T>::new(call, 0), Reader::<T>::new(call, 1));
    rows::bools(call, |row| Some(compare(a.get(row)?, b.get(row)?)))
}

/// Picks for each row one of the arguments; they have one type.
fn pick(call: &Call, choose: impl Fn(usize) -> usize) -> Column {
    let arrays: Vec<&dyn Array> = call.arguments.iter().map(|argument| argument.array.as_ref()).collect();
    let indices: Vec<(usize, usize)> = (0..call.rows)
        .map(|row| {
            let argument = choose(row);
            (argument, if call.arguments[argument].constant { 0 } else { row })
        })
        .collect();
    pick_from(&arrays, &indices)
}

fn pick_from(arrays: &[&dyn Array], indices: &[(usize, usize)]) -> Column {
    interleave(arrays, indices).map_err(|error| FunctionError {
        code: "AQ900",
        message: format!("the branches do not fit together: {error}"),
        argument: None,
    })
}

/// `iff` and `case`: conditions and values in turn, then the value for when none holds.
fn case(call: &Call) -> Column {
    let pairs = call.arguments.len() / 2;
    let conditions: Vec<(&BooleanArray, bool)> = (0..pairs)
        .map(|pair| (call.arguments[2 * pair].array.as_boolean(), call.arguments[2 * pair].constant))
        .collect();
    let values: Vec<&crate::functions::Arg> =
        (0..pairs).map(|pair| &call.arguments[2 * pair + 1]).chain(call.arguments.last()).collect();
    let arrays: Vec<&dyn Array> = values.iter().map(|value| value.array.as_ref()).collect();
    let indices: Vec<(usize, usize)> = (0..call.rows)
        .map(|row| {
            let holds = |(condition, constant): &(&BooleanArray, bool)| {
                let row = if *constant { 0 } else { row };
                condition.is_valid(row) && condition.value(row)
            };
            let value = conditions.iter().position(holds).unwrap_or(pairs);
            (value, if values[value].constant { 0 } else { row })
        })
        .collect();
    pick_from(&arrays, &indices)
}

fn coalesce(call: &Call) -> Column {
    let last = call.arguments.len() - 1;
    let skipped: Vec<_> = call.arguments.iter().map(|argument| emptiness(argument, argument.scalar_type)).collect();
    pick(call, |row| (0..last).find(|index| !skipped[*index](row)).unwrap_or(last))
}

/// Returns what tells whether a row of an argument is null, or an empty string.
fn emptiness(argument: &crate::functions::Arg, scalar_type: ScalarType) -> Box<dyn Fn(usize) -> bool + '_> {
    let at = move |row: usize| if argument.constant { 0 } else { row };
    match scalar_type {
        ScalarType::String => {
            let array = argument.array.as_string_view();
            Box::new(move |row| array.is_null(at(row)) || array.value(at(row)).is_empty())
        }
        _ => Box::new(move |row| argument.array.is_null(at(row))),
    }
}

fn nulls(call: &Call, wanted: bool) -> Column {
    let argument = &call.arguments[0];
    if argument.scalar_type == ScalarType::String || argument.array.null_count() == 0 {
        return Ok(Arc::new(BooleanArray::from(vec![!wanted; call.rows])) as ArrayRef);
    }
    let is_null = |row: usize| argument.array.is_null(if argument.constant { 0 } else { row });
    rows::bools(call, |row| Some(is_null(row) == wanted))
}

fn empties(call: &Call, wanted: bool) -> Column {
    match call.arguments[0].scalar_type {
        ScalarType::String => lift1::<Text, Bool, _, _>(call, |text| text.is_empty() == wanted),
        // A dynamic counts by its text (measured), and that of `""` is empty.
        ScalarType::Dynamic => {
            lift1::<Opt<Json>, Bool, _, _>(call, |json: Option<&str>| json.is_none_or(|json| json == "\"\"") == wanted)
        }
        _ => nulls(call, wanted),
    }
}

fn assert(call: &Call) -> Column {
    let (condition, message) = (Reader::<Bool>::new(call, 0), Reader::<Text>::new(call, 1));
    match (0..call.rows).find(|row| condition.get(*row) != Some(true)) {
        Some(row) => Err(FunctionError::argument(0, "SEM0001", message.get(row).unwrap_or("").to_string())),
        None => rows::bools(call, |_| Some(true)),
    }
}

fn around(call: &Call) -> Column {
    lift3::<Long, Long, Long, Bool, _, _>(call, |value: i64, center: i64, delta: i64| {
        center.saturating_sub(delta) <= value && value <= center.saturating_add(delta)
    })
}

#[cfg(test)]
mod tests {
    use super::super::rows::evaluate;
    use super::*;
    use crate::types::Value;

    const NULL: Value = Value::Null(ScalarType::Long);
    const UNKNOWN: Value = Value::Null(ScalarType::Bool);

    #[test]
    fn comparisons_of_nulls() {
        let compare = |operator: &str, a: Value, b: Value| evaluate(COMPARISONS, operator, &[a, b]);
        assert_eq!(compare("==", NULL, Value::Long(5)), Value::Bool(false));
        assert_eq!(compare("!=", Value::Long(5), NULL), Value::Bool(true));
        assert_eq!(compare("==", NULL, NULL), UNKNOWN);
        assert_eq!(compare("!=", NULL, NULL), UNKNOWN);
        assert_eq!(compare("<", NULL, Value::Long(5)), UNKNOWN);
        assert_eq!(compare("!=", Value::Real(f64::NAN), Value::Real(f64::NAN)), Value::Bool(true));
        assert_eq!(compare(">=", Value::Real(f64::NAN), Value::Real(1.0)), Value::Bool(false));
        assert_eq!(compare("<", Value::String("Beta".into()), Value::String("alpha".into())), Value::Bool(true));
    }

    #[test]
    fn choices() {
        let case = |a: Value, b: Value| {
            let arguments = [a, Value::Long(1), b, Value::Long(2), Value::Long(3)];
            evaluate(FUNCTIONS, "case", &arguments)
        };
        assert_eq!(case(UNKNOWN, Value::Bool(true)), Value::Long(2));
        assert_eq!(case(Value::Bool(true), Value::Bool(true)), Value::Long(1));
        assert_eq!(case(Value::Bool(false), UNKNOWN), Value::Long(3));
        assert_eq!(evaluate(FUNCTIONS, "coalesce", &[NULL, Value::Long(4)]), Value::Long(4));
        assert_eq!(evaluate(FUNCTIONS, "coalesce", &[NULL, NULL]), NULL);
    }

    #[test]
    fn emptiness_of_dynamics() {
        let empty =
            |json: &str| evaluate(FUNCTIONS, "isempty", &[Value::Dynamic(json.to_string())]) == Value::Bool(true);
        assert!(empty("\"\""));
        assert!(!empty("[]"));
        assert_eq!(evaluate(FUNCTIONS, "isempty", &[Value::Null(ScalarType::Dynamic)]), Value::Bool(true));
        assert_eq!(evaluate(FUNCTIONS, "isnull", &[Value::String(String::new())]), Value::Bool(false));
    }
}
