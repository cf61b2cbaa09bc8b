//! `make_set`: the values of a group, each once.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, ListArray, StringViewArray};
use arrow::datatypes::{DataType, Int64Type};

use super::{each_element, first_row, max_size, sorted_by_group, write_lists};
use crate::functions::aggregate::distinct::{Coder, pairs_state};
use crate::functions::aggregate::groups::{ByGroup, Pairs, Result, chosen_rows, each_list, each_valid, list_type};
use crate::functions::aggregate::write;
use crate::functions::aggregate::{Accumulator, Setup};
use crate::types::ScalarType;

/// Every pair of group and value, each once.
#[derive(Debug)]
pub(super) struct Sets<C: Coder> {
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
    pub(super) fn new(setup: &Setup) -> Self {
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

#[cfg(test)]
mod tests {
    use crate::functions::aggregate::testing::*;
    use crate::types::ScalarType;

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
    fn ordered_sets_follow_the_row_numbers() {
        let columns = [strings(&["c", "a", "c", "b"]), longs(&[4, 3, 1, 2])];
        assert_eq!(run_as("make_set", &columns, &[0; 4], &[ScalarType::Dynamic], true), [r#"["c","b","a"]"#]);
    }
}
