//! Functions that make arrays: of their arguments, of numbers from a first to a last, of arrays side by side.

use super::array::{ANY, value, write_array};
use super::rows::{self, Column, DYNAMIC, dynamic, function, overload};
use crate::functions::lift::{Json, Long, Reader};
use crate::functions::{Call, Function, FunctionError, Kind, Naming, one};
use crate::types::{ScalarType, Value, convert, json};

/// Functions that make arrays.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "pack_array",
        "Makes an array of its arguments.",
        "pack-array-function",
        Naming::None,
        [overload!((ANY.repeated(1, 32767)) -> DYNAMIC, pack_array)],
        [
            ("tostring(pack_array(1, 'a', 2s))", "'[1,\"a\",\"00:00:02\"]'"),
            ("tostring(pack_array(1, 2))", "'[1,2]'"),
            ("tostring(pack_array(long(null)))", "'[null]'")
        ]
    ),
    function!(
        "zip",
        "Makes of several arrays one of tuples; shorter arrays are filled up with nulls.",
        "zip-function",
        Naming::None,
        [overload!((dynamic("array").repeated(2, 64)) -> DYNAMIC, zip)],
        [
            ("tostring(zip(dynamic([1, 2]), dynamic(['a'])))", "'[[1,\"a\"],[2,null]]'"),
            ("tostring(zip(dynamic([1, 2]), dynamic([3])))", "'[[1,3],[2,null]]'"),
            ("tostring(zip(dynamic([]), dynamic([])))", "'[]'")
        ]
    ),
    function!(
        "repeat",
        "Makes an array of one value, repeated.",
        "repeat-function",
        Naming::PrefixAndFirstArgument("repeat"),
        [overload!((one("value", Kind::NotDynamic), one("count", Kind::Is(ScalarType::Long))) -> DYNAMIC, repeat)],
        [
            ("tostring(repeat(1, 3))", "'[1,1,1]'"),
            ("tostring(repeat('a', 0))", "'[]'"),
            ("isnull(repeat(1, -1))", "true")
        ]
    ),
    function!(
        "range",
        "Makes an array of numbers, datetimes or timespans at equal steps, ends included.",
        "range-function",
        Naming::None,
        [overload!((one("start", Kind::Summable), one("stop", Kind::Summable), one("step", Kind::Summable).optional())
            -> DYNAMIC, range)],
        [
            ("tostring(range(1, 8, 3))", "'[1,4,7]'"),
            ("tostring(range(1h, 2h))", "'[\"01:00:00\",\"02:00:00\"]'"),
            ("tostring(range(2, 1))", "'[]'"),
            ("isnull(range(1, long(null)))", "true")
        ]
    ),
];

/// How many elements `range` gives at most (documented, measured).
const RANGE: i64 = 1 << 20;

fn pack_array(call: &Call) -> Column {
    rows::json(call, |row, out| {
        out.push('[');
        for index in 0..call.arguments.len() {
            if index > 0 {
                out.push(',');
            }
            json::write_value(&value(call, index, row), out);
        }
        out.push(']');
        Some(())
    })
}

fn zip(call: &Call) -> Column {
    let arrays: Vec<Reader<Json>> = (0..call.arguments.len()).map(|index| Reader::new(call, index)).collect();
    rows::json(call, |row, out| {
        let lists: Vec<Vec<&str>> =
            arrays.iter().map(|array| array.get(row).and_then(rows::elements).unwrap_or_default()).collect();
        out.push('[');
        for at in 0..lists.iter().map(Vec::len).max().unwrap_or(0) {
            if at > 0 {
                out.push(',');
            }
            write_array(lists.iter().map(|list| list.get(at).copied().unwrap_or("null")), out);
        }
        out.push(']');
        Some(())
    })
}

fn repeat(call: &Call) -> Column {
    let count = Reader::<Long>::new(call, 1);
    rows::json(call, |row, out| {
        let count = usize::try_from(count.get(row)?).ok()?.min(RANGE as usize);
        let element = json::from_value(&value(call, 0, row));
        write_array(std::iter::repeat_n(element.as_str(), count), out);
        Some(())
    })
}

/// Numbers of whole or real steps; datetimes and timespans step by an hour if nothing else is said (documented).
fn range(call: &Call) -> Column {
    const HOUR: i64 = 36_000_000_000;
    let stands = |row: usize| matches!(convert::convert(&value(call, 2, row), ScalarType::Real), Value::Real(0.0));
    if call.arguments.len() > 2 && (0..call.rows).any(stands) {
        return Err(FunctionError::argument(2, "AQ001", "`range()` with a step of zero is not supported yet"));
    }
    rows::json(call, |row, out| {
        let (start, stop) = (value(call, 0, row), value(call, 1, row));
        let step = if call.arguments.len() > 2 { Some(value(call, 2, row)) } else { None };
        let scalar_type = match (start.scalar_type(), stop.scalar_type()) {
            (ScalarType::DateTime, _) => ScalarType::DateTime,
            (ScalarType::TimeSpan, _) => ScalarType::TimeSpan,
            (a, b) => {
                let real = |t: ScalarType| !t.is_integer();
                if real(a) || real(b) || step.as_ref().is_some_and(|s| real(s.scalar_type())) {
                    ScalarType::Real
                } else {
                    ScalarType::Long
                }
            }
        };
        if scalar_type == ScalarType::Real {
            let real = |value: &Value| match convert::convert(value, ScalarType::Real) {
                Value::Real(value) => Some(value),
                _ => None,
            };
            let (start, stop, step) = (real(&start)?, real(&stop)?, step.map_or(Some(1.0), |step| real(&step))?);
            let goes_on = |at: &f64| if step > 0.0 { *at <= stop } else { step < 0.0 && *at >= stop };
            return write_list(out, (0..RANGE).map(|n| start + n as f64 * step).take_while(goes_on).map(Value::Real));
        }
        let whole = |value: &Value| match value {
            Value::Int(value) => Some(i64::from(*value)),
            Value::Long(value) | Value::DateTime(value) | Value::TimeSpan(value) => Some(*value),
            _ => None,
        };
        let default = if scalar_type == ScalarType::Long { 1 } else { HOUR };
        let (start, stop, step) = (whole(&start)?, whole(&stop)?, step.map_or(Some(default), |step| whole(&step))?);
        let goes_on = |at: &i64| if step > 0 { *at <= stop } else { step < 0 && *at >= stop };
        let values =
            std::iter::successors(Some(start), |at| at.checked_add(step)).take_while(goes_on).take(RANGE as usize);
        write_list(
            out,
            values.map(|value| match scalar_type {
                ScalarType::DateTime => Value::DateTime(value),
                ScalarType::TimeSpan => Value::TimeSpan(value),
                _ => Value::Long(value),
            }),
        )
    })
}

fn write_list(out: &mut String, values: impl Iterator<Item = Value>) -> Option<()> {
    out.push('[');
    for (index, value) in values.enumerate() {
        if index > 0 {
            out.push(',');
        }
        json::write_value(&value, out);
    }
    out.push(']');
    Some(())
}

#[cfg(test)]
mod tests {
    use super::super::rows::{evaluate, fails, json_value as json};
    use super::*;

    fn call(name: &str, arguments: &[Value]) -> Value {
        evaluate(FUNCTIONS, name, arguments)
    }

    #[test]
    fn ranges_end_with_their_end() {
        assert_eq!(call("range", &[Value::Long(8), Value::Long(1), Value::Long(-3)]), json("[8,5,2]"));
        assert_eq!(call("range", &[Value::Real(0.0), Value::Real(0.3), Value::Real(0.1)]), json("[0.0,0.1,0.2]"));
    }

    #[test]
    fn a_range_without_a_step_is_refused() {
        assert_eq!(fails(FUNCTIONS, "range", &[Value::Long(1), Value::Long(2), Value::Long(0)]), "AQ001");
        assert_eq!(fails(FUNCTIONS, "range", &[Value::Real(1.0), Value::Real(2.0), Value::Real(0.0)]), "AQ001");
        let (hour, still) = (Value::TimeSpan(36_000_000_000), Value::TimeSpan(0));
        assert_eq!(fails(FUNCTIONS, "range", &[hour.clone(), hour, still]), "AQ001");
    }
}
