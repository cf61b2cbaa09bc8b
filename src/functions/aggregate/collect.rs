//! `make_list`, `make_set`, `make_bag`, `buildschema`: the values of a group as one dynamic.
//!
//! Values are kept as they are; JSON is written at the end, once for each group.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, ListArray, StringViewArray, StringViewBuilder, UInt32Array,
    new_empty_array,
};
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, Int64Type};

use super::distinct::{Bits, Coder, Words, pairs_state};
use super::groups::{
    Bools, ByGroup, Dictionary, Ints, Longs, Pairs, Reals, Result, array_size, arrow_error, chosen, chosen_rows,
    compact_text, each_list, each_row, each_valid, front, list_type,
};
use super::write::{self, Column};
use super::{Accumulator, Aggregate, Overload, Setup, State, schema};
use crate::functions::{Kind, Naming, Returns, one};
use crate::types::arrow::data_type;
use crate::types::{ScalarType, Value, json};

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

/// All values, as the batches brought them.
#[derive(Debug)]
struct Lists {
    scalar_type: ScalarType,
    chunks: Vec<ArrayRef>,
    groups: Vec<u32>,
    /// The number of each value's row, if the order matters.
    rows: Vec<i64>,
    ordered: bool,
    with_nulls: bool,
    limit: u32,
    /// How many values each group holds; kept up only under a limit of the user's.
    counts: Vec<u32>,
    total: usize,
    bytes: usize,
}

impl Lists {
    fn new(setup: &Setup, limit: u32, with_nulls: bool) -> Self {
        let scalar_type = setup.types[0];
        Lists {
            scalar_type,
            chunks: Vec::new(),
            groups: Vec::new(),
            rows: Vec::new(),
            ordered: setup.ordered,
            // A dynamic null is an element like others (measured).
            with_nulls: with_nulls || scalar_type == ScalarType::Dynamic,
            limit,
            counts: Vec::new(),
            total: 0,
            bytes: 0,
        }
    }

    fn push(&mut self, chunk: ArrayRef) {
        let chunk = compact_text(chunk);
        self.bytes += array_size(&chunk);
        self.chunks.push(chunk);
    }

    /// Removes the values of the first groups and returns them in the order of the groups.
    fn take(&mut self, take: usize) -> Result<Taken> {
        let take = take.min(self.total);
        let mut by_group = ByGroup::new(&self.groups, take);
        if self.ordered {
            for group in 0..take {
                let (items, rows) = (by_group.items_mut(group), &self.rows);
                if !items.is_sorted_by_key(|item| rows[*item as usize]) {
                    items.sort_by_key(|item| rows[*item as usize]);
                }
            }
        }
        let rows =
            if self.ordered { by_group.order.iter().map(|item| self.rows[*item as usize]).collect() } else { vec![] };
        let parts: Vec<&dyn Array> = self.chunks.iter().map(AsRef::as_ref).collect();
        // One array is read faster than many: a value's place is its number.
        let values = match parts.as_slice() {
            [] => new_empty_array(&data_type(self.scalar_type)),
            [_] => self.chunks[0].clone(),
            parts => concat(parts).map_err(arrow_error)?,
        };
        let taken = Taken { by_group, values, rows };
        self.total -= take;
        if self.total == 0 {
            self.chunks.clear();
            (self.groups, self.rows) = (Vec::new(), Vec::new());
            self.bytes = 0;
        } else {
            self.drop_groups(take as u32, &taken)?;
        }
        front(&mut self.counts, take);
        Ok(taken)
    }

    fn drop_groups(&mut self, take: u32, taken: &Taken) -> Result<()> {
        let keep: Vec<u32> = (0..self.groups.len() as u32).filter(|i| self.groups[*i as usize] >= take).collect();
        let values = taken.values(&keep)?;
        self.groups = keep.iter().map(|item| self.groups[*item as usize] - take).collect();
        if self.ordered {
            self.rows = keep.iter().map(|item| self.rows[*item as usize]).collect();
        }
        self.chunks.clear();
        self.bytes = 0;
        self.push(values);
        Ok(())
    }
}

/// Values, and their numbers in the order of the groups.
struct Taken {
    by_group: ByGroup,
    values: ArrayRef,
    rows: Vec<i64>,
}

impl Taken {
    fn values(&self, items: &[u32]) -> Result<ArrayRef> {
        take(&self.values, &UInt32Array::from(items.to_vec()), None).map_err(arrow_error)
    }
}

impl Accumulator for Lists {
    fn update(
        &mut self,
        arguments: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.total = total;
        let values = &arguments[0];
        let rows = self.ordered.then(|| arguments[arguments.len() - 1].as_primitive::<Int64Type>());
        let nulls = if self.with_nulls { None } else { values.logical_nulls() };
        let limited = self.limit < MAX_SIZE;
        if !limited && chosen(filter, nulls.clone()).is_none() {
            self.push(values.clone());
            self.groups.extend(groups.iter().map(|group| *group as u32));
            if let Some(rows) = rows {
                self.rows.extend_from_slice(rows.values());
            }
            return Ok(());
        }
        let mut picked = chosen_rows(nulls, filter, groups.len());
        if limited {
            self.counts.resize(total, 0);
            let (counts, limit) = (&mut self.counts, self.limit);
            picked.retain(|row| {
                let count = &mut counts[groups[*row as usize]];
                *count += 1;
                *count <= limit
            });
        }
        if picked.is_empty() {
            return Ok(());
        }
        self.groups.extend(picked.iter().map(|row| groups[*row as usize] as u32));
        if let Some(rows) = rows {
            self.rows.extend(picked.iter().map(|row| rows.value(*row as usize)));
        }
        let values = take(values, &UInt32Array::from(picked), None).map_err(arrow_error)?;
        self.push(values);
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.total = total;
        let lists: &ListArray = states[0].as_list();
        let offsets = lists.value_offsets();
        let (first, last) = (offsets[0] as usize, offsets[offsets.len() - 1] as usize);
        self.push(lists.values().slice(first, last - first));
        each_list(lists, groups, |group, range| {
            self.groups.extend(std::iter::repeat_n(group as u32, range.len()));
        });
        if self.ordered {
            let rows: &ListArray = states[1].as_list();
            each_list(rows, groups, |_, range| {
                self.rows.extend_from_slice(&rows.values().as_primitive::<Int64Type>().values()[range]);
            });
        }
        Ok(())
    }

    fn state_types(&self) -> Vec<DataType> {
        let mut types = vec![list_type(data_type(self.scalar_type))];
        types.extend(self.ordered.then(|| list_type(DataType::Int64)));
        types
    }

    fn state(&mut self, take: usize) -> Result<Vec<ArrayRef>> {
        let taken = self.take(take)?;
        let values = taken.values(&taken.by_group.order)?;
        let mut state = vec![taken.by_group.list(values)?];
        if self.ordered {
            state.push(taken.by_group.list(Arc::new(Int64Array::from(taken.rows)))?);
        }
        Ok(state)
    }

    fn result_type(&self) -> DataType {
        DataType::Utf8View
    }

    fn finish(&mut self, take: usize) -> Result<ArrayRef> {
        let take = take.min(self.total);
        let taken = self.take(take)?;
        // Gathered first, then read in order.
        let values = taken.values(&taken.by_group.order)?;
        let column = Column::new(self.scalar_type, &values);
        let nulls = values.nulls().filter(|nulls| nulls.null_count() > 0);
        write_lists(take, |group, text| {
            let mut room = self.limit;
            for row in taken.by_group.range(group) {
                if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                    text.push_str("null");
                } else if let Column::Dynamic(values) = column
                    && let Some(elements) = write::elements(values.value(row))
                {
                    // Arrays join with their elements (measured).
                    match weight(values.value(row)) {
                        0 => continue,
                        more if more > room => {
                            each_element(values.value(row), |element| {
                                if room > 0 {
                                    room -= 1;
                                    text.push_str(element);
                                    text.push(',');
                                }
                            });
                            break;
                        }
                        more => room -= more - 1,
                    }
                    text.push_str(elements);
                } else {
                    column.write(text, row);
                }
                text.push(',');
                room -= 1;
                if room == 0 {
                    break;
                }
            }
        })
    }

    fn size(&self) -> usize {
        self.bytes + self.groups.capacity() * 4 + self.rows.capacity() * 8 + self.counts.capacity() * 4
    }
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

/// Every pair of group and value, each once.
#[derive(Debug)]
struct Sets<C: Coder> {
    scalar_type: ScalarType,
    coder: C,
    pairs: Pairs,
    /// The first row of each pair, if the order matters.
    rows: Vec<i64>,
    ordered: bool,
    limit: u32,
    /// Of the batch at hand.
    codes: Vec<u64>,
}

impl<C: Coder> Sets<C> {
    fn new(setup: &Setup) -> Self {
        Sets {
            scalar_type: setup.types[0],
            coder: C::default(),
            pairs: Pairs::default(),
            rows: Vec::new(),
            ordered: setup.ordered,
            limit: max_size(setup),
            codes: Vec::new(),
        }
    }

    #[inline]
    fn insert(&mut self, group: usize, code: u64, row: Option<i64>) {
        let added = self.pairs.insert(group, code, self.limit);
        if let (Some(row), Some((index, new))) = (row, added) {
            first_row(&mut self.rows, index, new, row);
        }
    }

    fn by_group(&self, take: usize) -> ByGroup {
        sorted_by_group(&self.pairs, &self.rows, self.ordered, take)
    }

    fn forget(&mut self, take: usize) {
        let rows = std::mem::take(&mut self.rows);
        self.pairs.forget(take, |index| self.rows.extend(rows.get(index)));
    }
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

/// Decimals are texts in JSON, so their text is what is kept.
fn decimal_texts(array: &ArrayRef) -> ArrayRef {
    let values = array.as_primitive::<arrow::datatypes::Decimal256Type>();
    Arc::new(values.iter().map(|value| value.map(crate::types::decimal::format)).collect::<StringViewArray>())
}

impl<C: Coder> Accumulator for Sets<C> {
    fn update(
        &mut self,
        arguments: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.pairs.grow(total);
        let rows = self.ordered.then(|| arguments[arguments.len() - 1].as_primitive::<Int64Type>());
        let row_number = |row: usize| rows.map(|rows| rows.value(row));
        if self.scalar_type == ScalarType::Dynamic {
            let values: &StringViewArray = arguments[0].as_string_view();
            each_valid(values, groups, filter, |row, group| {
                let mut add = |element: &str| {
                    let code = self.coder.code_text(element.trim_ascii());
                    self.insert(group, code, row_number(row));
                };
                if !each_element(values.value(row), &mut add) {
                    add(values.value(row));
                }
            });
            return Ok(());
        }
        let decimals;
        let values = if self.scalar_type == ScalarType::Decimal {
            decimals = decimal_texts(&arguments[0]);
            C::array(&decimals)
        } else {
            C::array(&arguments[0])
        };
        let mut codes = std::mem::take(&mut self.codes);
        codes.clear();
        let chosen = chosen_rows(values.logical_nulls(), filter, groups.len());
        self.coder.codes(values, &chosen, &mut codes);
        for (row, code) in chosen.iter().zip(&codes) {
            self.insert(groups[*row as usize], *code, row_number(*row as usize));
        }
        self.codes = codes;
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.pairs.grow(total);
        let lists: &ListArray = states[0].as_list();
        let codes = self.coder.recode(lists.values());
        let rows = states.get(1).map(|rows| rows.as_list::<i32>().values().as_primitive::<Int64Type>().clone());
        each_list(lists, groups, |group, range| {
            for item in range {
                self.insert(group, codes[item], rows.as_ref().map(|rows| rows.value(item)));
            }
        });
        Ok(())
    }

    fn state_types(&self) -> Vec<DataType> {
        let mut types = vec![list_type(C::data_type())];
        types.extend(self.ordered.then(|| list_type(DataType::Int64)));
        types
    }

    fn state(&mut self, take: usize) -> Result<Vec<ArrayRef>> {
        let take = take.min(self.pairs.counts.len());
        let mut state = vec![pairs_state(&self.coder, &self.pairs, take)?];
        if self.ordered {
            let by_group = ByGroup::new(&self.pairs.groups, take);
            let rows: Vec<i64> = by_group.order.iter().map(|item| self.rows[*item as usize]).collect();
            state.push(by_group.list(Arc::new(Int64Array::from(rows)))?);
        }
        self.forget(take);
        Ok(state)
    }

    fn result_type(&self) -> DataType {
        DataType::Utf8View
    }

    fn finish(&mut self, take: usize) -> Result<ArrayRef> {
        let take = take.min(self.pairs.counts.len());
        let by_group = self.by_group(take);
        // Gathered first, then read in order.
        let codes: Vec<u64> = by_group.order.iter().map(|item| self.pairs.codes[*item as usize]).collect();
        let words = self.coder.words(&codes);
        let column = write_lists(take, |group, text| {
            for item in by_group.range(group) {
                match (&words, self.scalar_type) {
                    (Some(words), ScalarType::Dynamic) => text.push_str(words[item]),
                    (Some(words), _) => write::text(text, words[item]),
                    (None, scalar_type) => write::word(text, scalar_type, codes[item]),
                }
                text.push(',');
            }
        })?;
        self.forget(take);
        Ok(column)
    }

    fn size(&self) -> usize {
        self.coder.size() + self.pairs.size() + self.rows.capacity() * 8
    }
}

/// Keys of each group, each with its first value.
#[derive(Debug)]
struct Bags {
    keys: Dictionary,
    pairs: Pairs,
    values: Vec<Range<usize>>,
    bytes: Vec<u8>,
    rows: Vec<i64>,
    ordered: bool,
    limit: u32,
}

impl Bags {
    fn new(setup: &Setup) -> Self {
        Bags {
            keys: Dictionary::default(),
            pairs: Pairs::default(),
            values: Vec::new(),
            bytes: Vec::new(),
            rows: Vec::new(),
            ordered: setup.ordered,
            limit: max_size(setup),
        }
    }

    fn insert(&mut self, group: usize, key: &str, value: &str, row: Option<i64>) {
        let code = self.keys.intern(key);
        let Some((index, new)) = self.pairs.insert(group, code, self.limit) else { return };
        // Without an order the first to come wins, else the one with the first row.
        if !new && row.is_none_or(|row| row >= self.rows[index]) {
            return;
        }
        let range = self.bytes.len()..self.bytes.len() + value.len();
        self.bytes.extend_from_slice(value.as_bytes());
        if new {
            self.values.push(range);
        } else {
            self.values[index] = range;
        }
        if let Some(row) = row {
            first_row(&mut self.rows, index, new, row);
        }
    }

    fn value(&self, index: u32) -> &str {
        // Only whole strings were put in.
        std::str::from_utf8(&self.bytes[self.values[index as usize].clone()]).unwrap_or("null")
    }

    fn forget(&mut self, take: usize) {
        let (rows, values) = (std::mem::take(&mut self.rows), std::mem::take(&mut self.values));
        let bytes = std::mem::take(&mut self.bytes);
        self.pairs.forget(take, |index| {
            self.rows.extend(rows.get(index));
            let start = self.bytes.len();
            self.bytes.extend_from_slice(&bytes[values[index].clone()]);
            self.values.push(start..self.bytes.len());
        });
    }
}

impl Accumulator for Bags {
    fn update(
        &mut self,
        arguments: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.pairs.grow(total);
        let rows = self.ordered.then(|| arguments[arguments.len() - 1].as_primitive::<Int64Type>());
        let bags: &StringViewArray = arguments[0].as_string_view();
        each_row(groups, filter, |row, group| {
            if write::is_null(bags, row) {
                return;
            }
            for (key, value) in json::members(bags.value(row)) {
                self.insert(group, &key, value, rows.map(|rows| rows.value(row)));
            }
        });
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.pairs.grow(total);
        let (keys, values): (&ListArray, &ListArray) = (states[0].as_list(), states[1].as_list());
        let rows = states.get(2).map(|rows| rows.as_list::<i32>().values().as_primitive::<Int64Type>().clone());
        let (texts, values) = (keys.values().as_string_view(), values.values().as_string_view());
        each_list(keys, groups, |group, range| {
            for item in range {
                self.insert(group, texts.value(item), values.value(item), rows.as_ref().map(|rows| rows.value(item)));
            }
        });
        Ok(())
    }

    fn state_types(&self) -> Vec<DataType> {
        let mut types = vec![list_type(DataType::Utf8View); 2];
        types.extend(self.ordered.then(|| list_type(DataType::Int64)));
        types
    }

    fn state(&mut self, take: usize) -> Result<Vec<ArrayRef>> {
        let take = take.min(self.pairs.counts.len());
        let by_group = ByGroup::new(&self.pairs.groups, take);
        let keys = by_group.order.iter().map(|item| self.keys.get(self.pairs.codes[*item as usize]));
        let values = by_group.order.iter().map(|item| self.value(*item));
        let mut state = vec![
            by_group.list(Arc::new(StringViewArray::from_iter_values(keys)))?,
            by_group.list(Arc::new(StringViewArray::from_iter_values(values)))?,
        ];
        if self.ordered {
            let rows: Vec<i64> = by_group.order.iter().map(|item| self.rows[*item as usize]).collect();
            state.push(by_group.list(Arc::new(Int64Array::from(rows)))?);
        }
        self.forget(take);
        Ok(state)
    }

    fn result_type(&self) -> DataType {
        DataType::Utf8View
    }

    fn finish(&mut self, take: usize) -> Result<ArrayRef> {
        let take = take.min(self.pairs.counts.len());
        let by_group = sorted_by_group(&self.pairs, &self.rows, self.ordered, take);
        let column = write_texts(take, ('{', '}'), |group, text| {
            for item in by_group.items(group) {
                write::text(text, self.keys.get(self.pairs.codes[*item as usize]));
                text.push(':');
                text.push_str(self.value(*item));
                text.push(',');
            }
        })?;
        self.forget(take);
        Ok(column)
    }

    fn size(&self) -> usize {
        self.keys.size()
            + self.pairs.size()
            + self.bytes.capacity()
            + self.values.capacity() * 16
            + self.rows.capacity() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

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
        let reals = reals(&[1.0, f64::NAN, f64::NAN]);
        assert_eq!(run("make_set", &[reals], &[0, 0, 0]), [r#"[1.0,"NaN"]"#]);
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
