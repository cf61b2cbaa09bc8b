//! `make_list`, `make_set`, `make_bag`, `buildschema`: the values of a group as one dynamic.
//!
//! Values are kept as they are; JSON is written at the end, once for each group.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringViewBuilder};

use self::bags::Bags;
use self::lists::Lists;
use self::sets::Sets;
use super::distinct::{Bits, Words};
use super::groups::{Bools, ByGroup, Ints, Longs, Pairs, Reals, Result, arrow_error};
use super::{Accumulator, Aggregate, Overload, Setup, State, schema};
use crate::functions::{Kind, Naming, Returns, one};
use crate::types::{ScalarType, Value, json};

mod bags;
mod lists;
mod sets;

/// The family.
pub const AGGREGATES: &[Aggregate] = &[
    Aggregate {
        name: "make_list",
        aliases: &["makelist"],
        summary: "Collects the values of each group in an array; nulls are left out, arrays join with their elements.",
        naming: Naming::PrefixAndFirstArgument("list"),
        overloads: &[Overload {
            parameters: &[one("value", Kind::Any), one("maxSize", Kind::Integer).optional().constant()],
            returns: Returns::Type(ScalarType::Dynamic),
            state: State::New(make_list),
        }],
        ordered: true,
        several: false,
        examples: &[
            ("datatable(x: long)[2, long(null), 1, 2] | summarize make_list(x)", "print list_x = dynamic([2, 1, 2])"),
            ("datatable(x: long)[] | summarize make_list(x)", "print list_x = dynamic([])"),
            ("datatable(x: long)[3, 4, 5] | summarize make_list(x, 2)", "print list_x = dynamic([3, 4])"),
        ],
        page: "make-list-aggregation-function",
    },
    Aggregate {
        name: "make_list_with_nulls",
        aliases: &[],
        summary: "Collects the values of each group in an array, nulls too.",
        naming: Naming::PrefixAndFirstArgument("list"),
        overloads: &[Overload {
            parameters: &[one("value", Kind::Any)],
            returns: Returns::Type(ScalarType::Dynamic),
            state: State::New(make_list_with_nulls),
        }],
        ordered: true,
        several: false,
        examples: &[
            (
                "datatable(x: long)[2, long(null)] | summarize make_list_with_nulls(x)",
                "print list_x = dynamic([2, null])",
            ),
            ("range x from 1 to 3 step 1 | summarize make_list_with_nulls(x)", "print list_x = dynamic([1, 2, 3])"),
            ("datatable(x: long)[] | summarize make_list_with_nulls(x)", "print list_x = dynamic([])"),
        ],
        page: "make-list-with-nulls-aggregation-function",
    },
    Aggregate {
        name: "make_set",
        aliases: &["makeset"],
        summary: "Collects the different values of each group in an array, in the order of their first appearance.",
        naming: Naming::PrefixAndFirstArgument("set"),
        overloads: &[Overload {
            parameters: &[one("value", Kind::Any), one("maxSize", Kind::Integer).optional().constant()],
            returns: Returns::Type(ScalarType::Dynamic),
            state: State::New(make_set),
        }],
        ordered: true,
        several: false,
        examples: &[
            (
                "datatable(x: string)['b', '', 'b', 'a'] | summarize make_set(x)",
                "print set_x = dynamic(['b', '', 'a'])",
            ),
            ("datatable(x: long)[long(null)] | summarize make_set(x)", "print set_x = dynamic([])"),
            (
                "datatable(x: dynamic)[dynamic([1, 2]), dynamic([2, 3])] | summarize make_set(x)",
                "print set_x = dynamic([1, 2, 3])",
            ),
        ],
        page: "make-set-aggregation-function",
    },
    Aggregate {
        name: "make_bag",
        aliases: &["make_dictionary"],
        summary: "Merges the bags of each group into one; the first value of a key stays.",
        naming: Naming::PrefixAndFirstArgument("bag"),
        overloads: &[Overload {
            parameters: &[one("bag", Kind::Dynamic), one("maxSize", Kind::Integer).optional().constant()],
            returns: Returns::Type(ScalarType::Dynamic),
            state: State::New(make_bag),
        }],
        ordered: true,
        several: false,
        examples: &[
            (
                "datatable(x: dynamic)[dynamic({'a': 1}), dynamic({'a': 2, 'b': 3})] | summarize make_bag(x)",
                "print bag_x = dynamic({'a': 1, 'b': 3})",
            ),
            (
                "datatable(x: dynamic)[dynamic({'a': 1}), dynamic(null), dynamic(5)] | summarize make_bag(x)",
                "print bag_x = dynamic({'a': 1})",
            ),
            ("datatable(x: dynamic)[] | summarize make_bag(x)", "print bag_x = dynamic({})"),
        ],
        page: "make-bag-aggregation-function",
    },
    schema::BUILDSCHEMA,
];

/// What an array or bag holds at most: documented.
const MAX_SIZE: u32 = 1 << 20;

fn max_size(setup: &Setup) -> u32 {
    match setup.constants.get(1) {
        Some(Some(Value::Long(size))) => (*size).clamp(0, i64::from(MAX_SIZE)) as u32,
        _ => MAX_SIZE,
    }
}

fn make_list(setup: &Setup) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(Lists::new(setup, max_size(setup), false)))
}

fn make_list_with_nulls(setup: &Setup) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(Lists::new(setup, MAX_SIZE, true)))
}

fn make_set(setup: &Setup) -> Result<Box<dyn Accumulator>> {
    Ok(match setup.types[0] {
        ScalarType::Bool => Box::new(Sets::<Bits<Bools>>::new(setup)),
        ScalarType::Int => Box::new(Sets::<Bits<Ints>>::new(setup)),
        ScalarType::Real => Box::new(Sets::<Bits<Reals>>::new(setup)),
        ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan => Box::new(Sets::<Bits<Longs>>::new(setup)),
        _ => Box::new(Sets::<Words>::new(setup)),
    })
}

fn make_bag(setup: &Setup) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(Bags::new(setup)))
}

/// Calls `f` with the text of each element of a JSON array; false if it is none.
pub(super) fn each_element(value: &str, f: impl FnMut(&str)) -> bool {
    let array = value.trim_ascii_start().starts_with('[');
    if array {
        json::elements(value).for_each(f);
    }
    array
}

/// The number of elements that a dynamic value adds to a list.
fn weight(value: &str) -> u32 {
    let mut elements = 0;
    if each_element(value, |_| elements += 1) { elements } else { 1 }
}

/// Makes a column of arrays: `write` writes the elements of a group, each with a comma behind it.
fn write_lists(take: usize, write: impl FnMut(usize, &mut String)) -> Result<ArrayRef> {
    write_texts(take, ('[', ']'), write)
}

fn write_texts(take: usize, ends: (char, char), mut write: impl FnMut(usize, &mut String)) -> Result<ArrayRef> {
    let mut column = StringViewBuilder::with_capacity(take);
    let mut text = String::new();
    for group in 0..take {
        text.clear();
        text.push(ends.0);
        write(group, &mut text);
        if text.len() > 1 {
            text.pop();
        }
        text.push(ends.1);
        column.try_append_value(&text).map_err(arrow_error)?;
    }
    Ok(Arc::new(column.finish()))
}

/// Keeps the smallest row number of a pair.
#[inline]
fn first_row(rows: &mut Vec<i64>, index: usize, new: bool, row: i64) {
    if new {
        rows.push(row);
    } else {
        rows[index] = rows[index].min(row);
    }
}

fn sorted_by_group(pairs: &Pairs, rows: &[i64], ordered: bool, take: usize) -> ByGroup {
    let mut by_group = ByGroup::new(&pairs.groups, take);
    if ordered {
        for group in 0..take {
            by_group.items_mut(group).sort_by_key(|item| rows[*item as usize]);
        }
    }
    by_group
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::aggregate::testing::*;

    const DYNAMIC: &[ScalarType] = &[ScalarType::Dynamic];

    #[test]
    fn lists_leave_out_nulls_and_keep_empty_strings() {
        assert_eq!(run("make_list", &[longs(&[3, -1, 1, 3, -1])], &[0, 0, 0, 0, 1]), ["[3,1,3]", "[]"]);
        assert_eq!(run("make_list_with_nulls", &[longs(&[3, -1])], &[0, 0]), ["[3,null]"]);
        assert_eq!(run("make_list", &[strings(&["", "a\"b"])], &[0, 0]), [r#"["","a\"b"]"#]);
    }

    #[test]
    fn dynamic_lists_flatten_arrays_and_keep_nulls() {
        let values = dynamics(&["[1, 2]", "", "[ ]", "{\"a\":1}", "[[3]]"]);
        assert_eq!(run("make_list", &[values], &[0, 0, 0, 0, 1]), ["[1, 2,null,{\"a\":1}]", "[[3]]"]);
    }

    #[test]
    fn lists_have_a_limit() {
        assert_eq!(run("make_list", &[longs(&[1, 2, 3, 4]), longs(&[2; 4])], &[0, 0, 0, 1]), ["[1,2]", "[4]"]);
        let values = dynamics(&["[1,2]", "[3,4]", "5"]);
        assert_eq!(run("make_list", &[values, longs(&[3; 3])], &[0, 0, 0]), ["[1,2,3]"]);
    }

    #[test]
    fn ordered_lists_follow_the_row_numbers() {
        let columns = [longs(&[30, 10, 20, 40]), longs(&[3, 1, 2, 4])];
        assert_eq!(run_as("make_list", &columns, &[0, 0, 0, 1], DYNAMIC, true), ["[10,20,30]", "[40]"]);
        let columns = [strings(&["c", "a", "c", "b"]), longs(&[4, 3, 1, 2])];
        assert_eq!(run_as("make_set", &columns, &[0; 4], DYNAMIC, true), [r#"["c","b","a"]"#]);
        let columns = [dynamics(&[r#"{"k":1}"#, r#"{"k":2,"j":3}"#]), longs(&[8, 5])];
        assert_eq!(run_as("make_bag", &columns, &[0, 0], DYNAMIC, true), [r#"{"k":2,"j":3}"#]);
    }

    #[test]
    fn sets_hold_each_value_once() {
        assert_eq!(run("make_set", &[longs(&[3, -1, 1, 3, 3])], &[0, 0, 0, 0, 2]), ["[3,1]", "[]", "[3]"]);
        let texts = strings(&["b", "a", "b", "a text of some length", "a text of some length"]);
        assert_eq!(
            run("make_set", &[texts], &[0, 0, 0, 0, 1]),
            [r#"["b","a","a text of some length"]"#, r#"["a text of some length"]"#]
        );
        let reals = reals(&[1.0, f64::NAN, f64::NAN, f64::INFINITY]);
        assert_eq!(run("make_set", &[reals], &[0, 0, 0, 0]), [r#"[1.0,"NaN","Infinity"]"#]);
        let limited = [longs(&[1, 2, 2, 3]), longs(&[2; 4])];
        assert_eq!(run("make_set", &limited, &[0; 4]), ["[1,2]"]);
    }

    #[test]
    fn sets_of_arrays_are_unions() {
        let values = dynamics(&["[1, \"x\"]", "[\"x\",2]", "", "{\"a\":1}", "[[1]]"]);
        assert_eq!(run("make_set", &[values], &[0, 0, 0, 0, 1]), ["[1,\"x\",2,{\"a\":1}]", "[[1]]"]);
    }

    #[test]
    fn the_first_value_of_a_key_stays() {
        let bags = dynamics(&[r#"{"a":1}"#, r#"{"b":{"c":[2]},"a":3}"#, "", "[1]", r#"{"q\"":null}"#]);
        assert_eq!(run("make_bag", &[bags], &[0, 0, 0, 0, 1]), [r#"{"a":1,"b":{"c":[2]}}"#, r#"{"q\"":null}"#]);
    }
}
