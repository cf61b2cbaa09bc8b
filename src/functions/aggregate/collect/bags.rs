//! `make_bag`: the keys of a group, each with its first value.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array, ListArray, StringViewArray};
use arrow::datatypes::{DataType, Int64Type};

use super::{first_row, max_size, sorted_by_group, write_texts};
use crate::functions::aggregate::groups::{ByGroup, Dictionary, Pairs, Result, each_list, each_row, list_type};
use crate::functions::aggregate::write;
use crate::functions::aggregate::{Accumulator, Setup};
use crate::types::json;

/// Keys of each group, each with its first value.
#[derive(Debug)]
pub(super) struct Bags {
    keys: Dictionary,
    pairs: Pairs,
    values: Vec<Range<usize>>,
    bytes: Vec<u8>,
    rows: Vec<i64>,
    ordered: bool,
    limit: u32,
}

impl Bags {
    pub(super) fn new(setup: &Setup) -> Self {
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
    use crate::functions::aggregate::testing::*;
    use crate::types::ScalarType;

    #[test]
    fn the_first_value_of_a_key_stays() {
        let bags = dynamics(&[r#"{"a":1}"#, r#"{"b":{"c":[2]},"a":3}"#, "", "[1]", r#"{"q\"":null}"#]);
        assert_eq!(run("make_bag", &[bags], &[0, 0, 0, 0, 1]), [r#"{"a":1,"b":{"c":[2]}}"#, r#"{"q\"":null}"#]);
    }

    #[test]
    fn ordered_bags_follow_the_row_numbers() {
        let columns = [dynamics(&[r#"{"k":1}"#, r#"{"k":2,"j":3}"#]), longs(&[8, 5])];
        assert_eq!(run_as("make_bag", &columns, &[0, 0], &[ScalarType::Dynamic], true), [r#"{"k":2,"j":3}"#]);
    }
}
