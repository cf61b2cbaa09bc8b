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
