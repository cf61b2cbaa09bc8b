//! `make_list`: all values of a group.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, ListArray, UInt32Array, new_empty_array};
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, Int64Type};

use super::{MAX_SIZE, each_element, weight, write_lists};
use crate::functions::aggregate::groups::{
    ByGroup, Result, array_size, arrow_error, chosen, chosen_rows, compact_text, each_list, front, list_type,
};
use crate::functions::aggregate::write::{self, Column};
use crate::functions::aggregate::{Accumulator, Setup};
use crate::types::ScalarType;
use crate::types::arrow::data_type;

/// All values, as the batches brought them.
#[derive(Debug)]
pub(super) struct Lists {
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
    pub(super) fn new(setup: &Setup, limit: u32, with_nulls: bool) -> Self {
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

#[cfg(test)]
mod tests {
    use crate::functions::aggregate::testing::*;
    use crate::types::ScalarType;

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
        assert_eq!(run_as("make_list", &columns, &[0, 0, 0, 1], &[ScalarType::Dynamic], true), ["[10,20,30]", "[40]"]);
    }
}
