//! Functions over arrays: JSON text in, JSON text out. Elements are slices of the text, so numbers stay as they were
//! written.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringViewBuilder};

use super::needle::fold;
use super::rows::{
    self, BOOL, Column, DYNAMIC, LONG, REAL, STRING, as_text, dynamic, function, integer, optional, overload,
};
use crate::functions::lift::{Bool, Json, Long, Opt, Reader, Text, lift1};
use crate::functions::{Call, Function, Kind, Naming, Parameter, Returns, one};
use crate::types::{ScalarType, Value, arrow as columns, json};

pub(super) const ARRAY: Parameter = dynamic("array");
pub(super) const ANY: Parameter = one("value", Kind::Any);
const NULLS_LAST: Parameter = one("nulls_last", Kind::Is(ScalarType::Bool)).constant().optional();

/// Functions over arrays.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "array_length" | "arraylength",
        "Counts the elements of an array.",
        "array-length-function",
        Naming::None,
        [overload!((ARRAY) -> LONG,
                |call| lift1::<Json, Long, _, _>(call, |array| json::array_length(array).map(|n| n as i64)))],
        [
            ("array_length(dynamic([1, 'a']))", "2"),
            ("array_length(dynamic([]))", "0"),
            ("isnull(array_length(dynamic({})))", "true")
        ]
    ),
    function!(
        "in array",
        "Tells whether a value is among the elements of an array; a null is in none.",
        "in-cs-operator",
        Naming::None,
        [overload!((ARRAY, ANY) -> BOOL, |call| in_array(call, same))],
        [
            ("1 in (dynamic([1, 2]))", "true"),
            ("3 in (dynamic([1, 2]))", "false"),
            ("long(null) in (dynamic([1, 2]))", "false")
        ]
    ),
    function!(
        "in~ array",
        "Tells whether a text is among the elements of an array, whatever its case.",
        "in-operator",
        Naming::None,
        [overload!((ARRAY, ANY) -> BOOL, |call| in_array(call, same_folded))],
        [
            ("'A' in~ (dynamic(['a', 'b']))", "true"),
            ("'c' in~ (dynamic(['a', 'b']))", "false"),
            ("'' in~ (dynamic(['a', 'b']))", "false")
        ]
    ),
    function!(
        "strcat_array" | "array_strcat",
        "Joins the texts of an array's elements with a delimiter.",
        "strcat-array-function",
        Naming::None,
        [overload!((ARRAY, as_text("delimiter")) -> STRING, strcat_array)],
        [
            ("strcat_array(dynamic(['a', 1, true]), '-')", "'a-1-true'"),
            ("strcat_array(dynamic([1, null]), ',')", "'1,'"),
            ("strcat_array(dynamic(null), ',')", "''")
        ]
    ),
    function!(
        "array_concat",
        "Joins arrays to one.",
        "array-concat-function",
        Naming::None,
        [overload!((ARRAY.repeated(1, 64)) -> DYNAMIC, array_concat)],
        [
            ("tostring(array_concat(dynamic([1]), dynamic([2, 3])))", "'[1,2,3]'"),
            ("tostring(array_concat(dynamic([1]), dynamic([])))", "'[1]'"),
            ("tostring(array_concat(dynamic([])))", "'[]'")
        ]
    ),
    function!(
        "array_slice",
        "Gives the part of an array from a position to another, both included; negative ones count \
        from the end.",
        "array-slice-function",
        Naming::None,
        [overload!((ARRAY, integer("start"), integer("end")) -> DYNAMIC, array_slice)],
        [
            ("tostring(array_slice(dynamic([1,2,3]), 1, 2))", "'[2,3]'"),
            ("tostring(array_slice(dynamic([1,2,3]), -2, -1))", "'[2,3]'"),
            ("isnull(array_slice(dynamic(null), 0, 1))", "true")
        ]
    ),
    function!(
        "array_split",
        "Cuts an array at positions, into an array of arrays.",
        "array-split-function",
        Naming::None,
        [
            overload!((ARRAY, integer("index")) -> DYNAMIC, array_split),
            overload!((ARRAY, dynamic("indices")) -> DYNAMIC, array_split)
        ],
        [
            ("tostring(array_split(dynamic([1,2,3,4,5]), 2))", "'[[1,2],[3,4,5]]'"),
            ("tostring(array_split(dynamic([1,2,3,4,5]), dynamic([1,3])))", "'[[1],[2,3],[4,5]]'"),
            ("isnull(array_split(dynamic(null), 1))", "true")
        ]
    ),
    function!(
        "array_reverse",
        "Gives the elements of an array in reverse order.",
        "array-reverse-function",
        Naming::None,
        [overload!((dynamic("value")) -> DYNAMIC, |call| over_array(call, |elements, _| elements.reverse()))],
        [
            ("tostring(array_reverse(dynamic([1,2,3])))", "'[3,2,1]'"),
            ("tostring(array_reverse(dynamic([1, 2, 3])))", "'[3,2,1]'"),
            ("isnull(array_reverse(dynamic(null)))", "true")
        ]
    ),
    function!(
        "array_rotate_left",
        "Moves elements to the left; those that fall off come back on the right.",
        "array-rotate-left-function",
        Naming::None,
        [overload!((ARRAY, integer("rotate_count")) -> DYNAMIC, |call| rotate(call, 1))],
        [
            ("tostring(array_rotate_left(dynamic([1,2,3]), 1))", "'[2,3,1]'"),
            ("tostring(array_rotate_left(dynamic([1, 2, 3]), 1))", "'[2,3,1]'"),
            ("isnull(array_rotate_left(dynamic(null), 1))", "true")
        ]
    ),
    function!(
        "array_rotate_right",
        "Moves elements to the right; those that fall off come back on the left.",
        "array-rotate-right-function",
        Naming::None,
        [overload!((ARRAY, integer("rotate_count")) -> DYNAMIC, |call| rotate(call, -1))],
        [
            ("tostring(array_rotate_right(dynamic([1,2,3]), 1))", "'[3,1,2]'"),
            ("tostring(array_rotate_right(dynamic([1, 2, 3]), 1))", "'[3,1,2]'"),
            ("isnull(array_rotate_right(dynamic(null), 1))", "true")
        ]
    ),
    function!(
        "array_shift_left",
        "Moves elements to the left; the right is filled with nulls or a value.",
        "array-shift-left-function",
        Naming::None,
        [overload!((ARRAY, integer("shift_count"), one("default_value", Kind::Any).optional()) -> DYNAMIC,
                |call| shift(call, 1))],
        [
            ("tostring(array_shift_left(dynamic([1,2,3]), 1))", "'[2,3,null]'"),
            ("tostring(array_shift_left(dynamic([1,2,3]), 2, 0))", "'[3,0,0]'"),
            ("isnull(array_shift_left(dynamic(null), 1))", "true")
        ]
    ),
    function!(
        "array_shift_right",
        "Moves elements to the right; the left is filled with nulls or a value.",
        "array-shift-right-function",
        Naming::None,
        [overload!((ARRAY, integer("shift_count"), one("default_value", Kind::Any).optional()) -> DYNAMIC,
                |call| shift(call, -1))],
        [
            ("tostring(array_shift_right(dynamic([1,2,3]), 1))", "'[null,1,2]'"),
            ("tostring(array_shift_right(dynamic([1, 2, 3]), 1))", "'[null,1,2]'"),
            ("isnull(array_shift_right(dynamic(null), 1))", "true")
        ]
    ),
    function!(
        "array_index_of",
        "Gives the index of the first element (or n-th) that equals a value; -1 if none does.",
        "array-index-of-function",
        Naming::None,
        [overload!((ARRAY, ANY, integer("start").optional(), integer("length").optional(),
            integer("occurrence").constant().optional()) -> LONG, array_index_of)],
        [
            ("array_index_of(dynamic(['a', 'b', 'a']), 'a')", "0"),
            ("array_index_of(dynamic(['a', 'b', 'a']), 'a', 1)", "2"),
            ("array_index_of(dynamic([]), 1)", "-1"),
            ("isnull(array_index_of(dynamic(null), 1))", "true")
        ]
    ),
    function!(
        "array_iff" | "array_iif",
        "Picks element by element from two arrays, or values, by an array of conditions.",
        "array-iff-function",
        Naming::None,
        [overload!((dynamic("condition_array"), one("when_true", Kind::Any), one("when_false", Kind::Any))
                -> DYNAMIC, array_iff)],
        [
            ("tostring(array_iff(dynamic([true, false]), dynamic([1, 2]), dynamic([3, 4])))", "'[1,4]'"),
            ("tostring(array_iff(dynamic([1, 0]), dynamic([1, 2]), dynamic([3, 4])))", "'[1,4]'"),
            ("tostring(array_iff(dynamic([1, 0, 'x']), 'y', 'n'))", "'[\"y\",\"n\",null]'")
        ]
    ),
    function!(
        "array_sort_asc",
        "Sorts an array in ascending order, and further arrays by it.",
        "array-sort-asc-function",
        Naming::Special,
        [
            overload!((ARRAY, NULLS_LAST) -> DYNAMIC, |call| sort(call, false)),
            overload!((dynamic("arrays").repeated(2, 64)) -> Returns::Arrays, |call| sort(call, false)),
            overload!((dynamic("arrays").repeated(2, 64), one("nulls_last", Kind::Is(ScalarType::Bool)).constant())
                -> Returns::Arrays, |call| sort(call, false)),
        ],
        [
            ("tostring(array_sort_asc(dynamic([3, null, 1])))", "'[1,3,null]'"),
            ("tostring(array_sort_asc(dynamic([2, 1, 3]), dynamic(['a', 'b', 'c']))[1])", "'[\"b\",\"a\",\"c\"]'"),
            ("isnull(array_sort_asc(dynamic([2, 1]), dynamic(['a']))[1])", "true"),
            ("isnull(array_sort_asc(dynamic(null)))", "true")
        ]
    ),
    function!(
        "array_sort_desc",
        "Sorts an array in descending order, and further arrays by it.",
        "array-sort-desc-function",
        Naming::Special,
        [
            overload!((ARRAY, NULLS_LAST) -> DYNAMIC, |call| sort(call, true)),
            overload!((dynamic("arrays").repeated(2, 64)) -> Returns::Arrays, |call| sort(call, true)),
            overload!((dynamic("arrays").repeated(2, 64), one("nulls_last", Kind::Is(ScalarType::Bool)).constant())
                -> Returns::Arrays, |call| sort(call, true)),
        ],
        [
            ("tostring(array_sort_desc(dynamic(['a', null, 'b'])))", "'[\"b\",\"a\",null]'"),
            ("tostring(array_sort_desc(dynamic([1, 3, 2])))", "'[3,2,1]'"),
            ("isnull(array_sort_desc(dynamic(null)))", "true")
        ]
    ),
    function!(
        "array_sum",
        "Adds the numbers of an array.",
        "array-sum-function",
        Naming::None,
        [overload!((ARRAY) -> REAL, |call| lift1::<Json, crate::functions::lift::Real, _, _>(call, array_sum))],
        [
            ("array_sum(dynamic([1, 2, 3]))", "6.0"),
            ("array_sum(dynamic([0.5, 0.25]))", "0.75"),
            ("isnull(array_sum(dynamic([])))", "true")
        ]
    ),
];

/// Writes elements as an array.
pub(super) fn write_array<'a>(elements: impl IntoIterator<Item = &'a str>, out: &mut String) {
    out.push('[');
    for (index, element) in elements.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(element);
    }
    out.push(']');
}

/// Reads an argument that may be of any type.
pub(super) fn value(call: &Call, index: usize, row: usize) -> Value {
    let argument = &call.arguments[index];
    columns::value_at(&argument.array, if argument.constant { 0 } else { row }, argument.scalar_type)
}

/// Changes the elements of the first argument; what is no array gives null.
fn over_array(call: &Call, mut change: impl FnMut(&mut Vec<&str>, usize)) -> Column {
    let array = Reader::<Json>::new(call, 0);
    rows::json(call, |row, out| {
        let mut elements = rows::elements(array.get(row)?)?;
        change(&mut elements, row);
        write_array(elements, out);
        Some(())
    })
}

fn strcat_array(call: &Call) -> Column {
    let (array, delimiter) = (Reader::<Json>::new(call, 0), Reader::<Text>::new(call, 1));
    rows::text(call, |row, out| {
        let Some(array) = array.get(row) else { return };
        // What is no array is written as a whole (measured).
        let Some(elements) = rows::elements(array) else { return out.push_str(&json::as_text(array)) };
        for (index, element) in elements.into_iter().enumerate() {
            if index > 0 {
                out.push_str(delimiter.get(row).unwrap_or(""));
            }
            out.push_str(&json::as_text(element));
        }
    })
}

/// Arguments that are no arrays add nothing; null if none is one (inferred).
fn array_concat(call: &Call) -> Column {
    let arrays: Vec<Reader<Json>> = (0..call.arguments.len()).map(|index| Reader::new(call, index)).collect();
    rows::json(call, |row, out| {
        let mut lists = arrays.iter().filter_map(|array| array.get(row)).filter_map(rows::elements).peekable();
        lists.peek()?;
        write_array(lists.flatten(), out);
        Some(())
    })
}

fn array_slice(call: &Call) -> Column {
    let (array, start, end) =
        (Reader::<Json>::new(call, 0), Reader::<Long>::new(call, 1), Reader::<Long>::new(call, 2));
    rows::json(call, |row, out| {
        let elements = rows::elements(array.get(row)?)?;
        let length = elements.len() as i64;
        let from_start = |at: i64| if at < 0 { at.saturating_add(length) } else { at };
        let start = from_start(start.get(row)?).clamp(0, length) as usize;
        let end = from_start(end.get(row)?).saturating_add(1).clamp(start as i64, length) as usize;
        write_array(elements[start..end].iter().copied(), out);
        Some(())
    })
}

fn array_split(call: &Call) -> Column {
    let array = Reader::<Json>::new(call, 0);
    rows::json(call, |row, out| {
        let elements = rows::elements(array.get(row)?)?;
        let length = elements.len() as i64;
        let indices = match value(call, 1, row) {
            Value::Long(index) => vec![index],
            Value::Dynamic(indices) => json::elements(&indices).filter_map(|index| index.parse().ok()).collect(),
            _ => return None,
        };
        let mut from = 0;
        out.push('[');
        for index in indices {
            let index = if index < 0 { index.saturating_add(length) } else { index };
            let to = index.clamp(from as i64, length) as usize;
            write_array(elements[from..to].iter().copied(), out);
            out.push(',');
            from = to;
        }
        write_array(elements[from..].iter().copied(), out);
        out.push(']');
        Some(())
    })
}

fn rotate(call: &Call, direction: i64) -> Column {
    let count = Reader::<Long>::new(call, 1);
    over_array(call, |elements, row| {
        if !elements.is_empty() {
            let count = count.get(row).unwrap_or(0).wrapping_mul(direction);
            let count = count.rem_euclid(elements.len() as i64) as usize;
            elements.rotate_left(count);
        }
    })
}

fn shift(call: &Call, direction: i64) -> Column {
    let (array, count) = (Reader::<Json>::new(call, 0), Reader::<Long>::new(call, 1));
    rows::json(call, |row, out| {
        let elements = rows::elements(array.get(row)?)?;
        let filler = if call.arguments.len() > 2 { json::from_value(&value(call, 2, row)) } else { "null".to_string() };
        let count = count.get(row)?.saturating_mul(direction);
        let shifted = (0..elements.len() as i64).map(|at| {
            let from = usize::try_from(at.saturating_add(count)).ok();
            from.and_then(|from| elements.get(from).copied()).unwrap_or(&filler)
        });
        write_array(shifted, out);
        Some(())
    })
}

/// Tells whether two values are the same: numbers by what they count, other values by their text.
pub(super) fn same(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    match (number_of(a), number_of(b)) {
        (Some(a), Some(b)) => a == b,
        (None, None) => json::compact(a) == json::compact(b),
        _ => false,
    }
}

fn number_of(json: &str) -> Option<f64> {
    json.starts_with(|c: char| c == '-' || c.is_ascii_digit()).then(|| json.parse().ok()).flatten()
}

fn array_index_of(call: &Call) -> Column {
    let array = Reader::<Json>::new(call, 0);
    let [start, length, occurrence] = [2, 3, 4].map(|index| optional::<Opt<Long>>(call, index));
    rows::longs(call, |row| {
        let elements = rows::elements(array.get(row)?)?;
        let wanted = json::from_value(&value(call, 1, row));
        let number = |reader: &Option<Reader<Opt<Long>>>, default: i64| match reader {
            Some(reader) => reader.get(row).flatten(),
            None => Some(default),
        };
        let (start, length, occurrence) = (number(&start, 0)?, number(&length, -1)?, number(&occurrence, 1)?);
        if length < -1 || occurrence < 0 {
            return None;
        }
        let start = if start < 0 { start.saturating_add(elements.len() as i64) } else { start };
        let start = usize::try_from(start).ok()?;
        let count = if length < 0 { usize::MAX } else { length as usize };
        let mut found =
            elements.iter().enumerate().skip(start).take(count).filter(|(_, element)| same(element, &wanted));
        Some(found.nth(occurrence.max(1) as usize - 1).map_or(-1, |(index, _)| index as i64))
    })
}

fn array_iff(call: &Call) -> Column {
    let conditions = Reader::<Json>::new(call, 0);
    rows::json(call, |row, out| {
        let conditions = rows::elements(conditions.get(row)?)?;
        let branches = [1, 2].map(|index| json::from_value(&value(call, index, row)));
        let lists = [rows::elements(&branches[0]), rows::elements(&branches[1])];
        let pick = |at: usize, condition: &str| {
            let holds = match condition {
                "true" => true,
                "false" => false,
                // Numbers are conditions too, other values give null (documented).
                other => number_of(other)? != 0.0,
            };
            let branch = usize::from(!holds);
            match &lists[branch] {
                Some(list) => list.get(at).copied(),
                None => Some(branches[branch].as_str()),
            }
        };
        write_array(conditions.iter().enumerate().map(|(at, condition)| pick(at, condition).unwrap_or("null")), out);
        Some(())
    })
}

/// Orders elements: numbers, then strings, then the rest as it stands (documented); nulls are dealt with elsewhere.
fn order(a: &str, b: &str) -> Ordering {
    match (number_of(a), number_of(b)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => match (json::as_string(a), json::as_string(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => a.cmp(b),
        },
    }
}

fn sort(call: &Call, descending: bool) -> Column {
    let option = call.arguments.last().is_some_and(|argument| argument.scalar_type == ScalarType::Bool);
    let count = call.arguments.len() - usize::from(option);
    let nulls_last = option.then(|| Reader::<Bool>::new(call, count));
    let arrays: Vec<Reader<Json>> = (0..count).map(|index| Reader::new(call, index)).collect();
    let mut columns: Vec<StringViewBuilder> =
        arrays.iter().map(|_| StringViewBuilder::with_capacity(call.rows)).collect();
    let mut text = String::new();
    for row in 0..call.rows {
        let nulls_last = nulls_last.as_ref().and_then(|option| option.get(row)).unwrap_or(true);
        let keys = arrays[0].get(row).and_then(rows::elements);
        let places = keys.as_deref().map(|keys| order_of(keys, descending, nulls_last)).unwrap_or_default();
        for (array, column) in arrays.iter().zip(&mut columns) {
            // An array of another length than the first one becomes null (documented).
            let elements = array.get(row).and_then(rows::elements).filter(|elements| elements.len() == places.len());
            match elements.filter(|_| keys.is_some()) {
                Some(elements) => {
                    text.clear();
                    write_array(places.iter().map(|&place| elements[place]), &mut text);
                    column.append_value(&text);
                }
                None => column.append_null(),
            }
        }
    }
    let mut columns: Vec<ArrayRef> = columns.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
    if count == 1 { Ok(columns.swap_remove(0)) } else { rows::several(columns) }
}

/// Returns the places of elements in their order.
fn order_of(keys: &[&str], descending: bool, nulls_last: bool) -> Vec<usize> {
    let nulls = if nulls_last { Ordering::Greater } else { Ordering::Less };
    let mut places: Vec<usize> = (0..keys.len()).collect();
    places.sort_by(|&a, &b| match (keys[a] == "null", keys[b] == "null") {
        (true, true) => Ordering::Equal,
        (true, false) => nulls,
        (false, true) => nulls.reverse(),
        (false, false) if descending => order(keys[b], keys[a]),
        (false, false) => order(keys[a], keys[b]),
    });
    places
}

fn array_sum(array: &str) -> Option<f64> {
    let elements = rows::elements(array)?;
    if elements.is_empty() {
        return None;
    }
    // A null counts for nothing (measured), anything else that is no number spoils the sum.
    elements.into_iter().filter(|element| json::kind(element) != json::Kind::Null).map(number_of).sum()
}

/// Tells whether the texts of two values are the same, whatever their case.
fn same_folded(a: &str, b: &str) -> bool {
    let (a, b) = (json::as_text(a), json::as_text(b));
    a.chars().map(fold).eq(b.chars().map(fold))
}

/// A dynamic that is no array is its only element; a null is in nothing (measured).
fn in_array(call: &Call, same: fn(&str, &str) -> bool) -> Column {
    let array = Reader::<Json>::new(call, 0);
    rows::bools(call, |row| {
        let (wanted, Some(array)) = (value(call, 1, row), array.get(row)) else { return Some(false) };
        if wanted.is_null() {
            return Some(false);
        }
        let wanted = json::from_value(&wanted);
        let elements = rows::elements(array).unwrap_or_else(|| vec![array]);
        Some(elements.iter().any(|element| *element != "null" && same(element, &wanted)))
    })
}

#[cfg(test)]
mod tests {
    use super::super::rows::{evaluate, json_value as json};
    use super::*;

    fn call(name: &str, arguments: &[Value]) -> Value {
        evaluate(FUNCTIONS, name, arguments)
    }

    #[test]
    fn positions_in_arrays() {
        let array = json(r#"["this","is","an","example","an","example"]"#);
        let find = |wanted: &str, numbers: &[i64]| {
            let mut arguments = vec![array.clone(), Value::String(wanted.to_string())];
            arguments.extend(numbers.iter().map(|number| Value::Long(*number)));
            call("array_index_of", &arguments)
        };
        assert_eq!(find("an", &[]), Value::Long(2));
        assert_eq!(find("example", &[1, 3]), Value::Long(3));
        assert_eq!(find("example", &[1, 2]), Value::Long(-1));
        assert_eq!(find("an", &[1, -1, 2]), Value::Long(4));
        assert_eq!(find("an", &[-3]), Value::Long(4));
    }

    #[test]
    fn parts_of_arrays() {
        let numbers = json("[1,2,3,4,5]");
        let slice = |from, to| call("array_slice", &[numbers.clone(), Value::Long(from), Value::Long(to)]);
        assert_eq!(slice(2, -1), json("[3,4,5]"));
        assert_eq!(slice(3, 1), json("[]"));
        assert_eq!(slice(i64::MIN, i64::MAX), numbers);
        assert_eq!(call("array_rotate_left", &[numbers.clone(), Value::Long(-2)]), json("[4,5,1,2,3]"));
        assert_eq!(
            call("array_shift_right", &[numbers.clone(), Value::Long(-2), Value::Long(-1)]),
            json("[3,4,5,-1,-1]")
        );
        assert_eq!(call("array_split", &[numbers, json("[1,3]")]), json("[[1],[2,3],[4,5]]"));
    }

    #[test]
    fn orders() {
        let nulls = [json(r#"[null,"blue","yellow",null]"#), Value::Bool(false)];
        assert_eq!(call("array_sort_desc", &nulls), json(r#"[null,null,"yellow","blue"]"#));
        assert_eq!(call("array_sort_asc", &[json(r#"["b",10,9,"a"]"#)]), json(r#"[9,10,"a","b"]"#));
    }

    #[test]
    fn choices_by_element() {
        let choose = |conditions: &str| call("array_iff", &[json(conditions), json("[1,2]"), Value::Long(0)]);
        assert_eq!(choose(r#"[true,2,false,"x",true]"#), json("[1,2,0,null,null]"));
    }
}
