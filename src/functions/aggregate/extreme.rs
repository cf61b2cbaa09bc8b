//! `min`, `max`: the smallest and the largest value.

use std::fmt::Debug;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringViewArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;

use super::groups::{Plain, Result, TextSlots, by_plain, each_valid, front};
use super::{Accumulator, Aggregate, Overload, Setup, State};
use crate::functions::{Kind, Naming, Returns, one};
use crate::types::ScalarType;

/// The family.
pub const AGGREGATES: &[Aggregate] = &[
    Aggregate {
        name: "min",
        aliases: &[],
        summary: "Gives the smallest value of each group; nulls are skipped, NaN wins over everything.",
        naming: Naming::PrefixAndFirstArgument("min"),
        overloads: &[Overload {
            parameters: &[one("value", Kind::Orderable)],
            returns: Returns::Argument(0),
            state: State::New(extreme::<false>),
        }],
        ordered: false,
        several: false,
        examples: &[
            ("datatable(x: long)[3, 1, long(null)] | summarize min(x)", "print min_x = 1"),
            ("datatable(x: long)[] | summarize min(x)", "print min_x = long(null)"),
            ("datatable(x: string)['b', 'Z'] | summarize min(x)", "print min_x = 'Z'"),
        ],
        page: "min-aggregation-function",
    },
    Aggregate {
        name: "max",
        aliases: &[],
        summary: "Gives the largest value of each group; nulls are skipped, NaN wins over everything.",
        naming: Naming::PrefixAndFirstArgument("max"),
        overloads: &[Overload {
            parameters: &[one("value", Kind::Orderable)],
            returns: Returns::Argument(0),
            state: State::New(extreme::<true>),
        }],
        ordered: false,
        several: false,
        examples: &[
            ("datatable(x: long)[3, 1, long(null)] | summarize max(x)", "print max_x = 3"),
            ("datatable(x: long)[] | summarize max(x)", "print max_x = long(null)"),
            ("datatable(x: datetime)[datetime(2024-01-01)] | summarize max(x)", "print max_x = datetime(2024-01-01)"),
        ],
        page: "max-aggregation-function",
    },
];

fn extreme<const MAX: bool>(setup: &Setup) -> Result<Box<dyn Accumulator>> {
    let scalar_type = setup.types[0];
    Ok(by_plain!(scalar_type,
        P => Box::new(Extreme::<Plains<P>, MAX> { best: Plains::new(scalar_type), seen: Vec::new() }),
        text => Box::new(Extreme::<Texts, MAX> { best: Texts::new(scalar_type), seen: Vec::new() })))
}

/// The best value of each group so far.
pub(super) trait Best: Debug + Send + Sync + 'static {
    /// The array that values come from.
    type Array: Array + 'static;
    /// Makes one without groups.
    fn new(scalar_type: ScalarType) -> Self;
    /// Finds the array.
    fn array(array: &ArrayRef) -> &Self::Array;
    /// Makes room for so many groups.
    fn grow(&mut self, total: usize);
    /// Takes the value of a row if it beats that of the group, or if it is the `first`.
    fn offer<const MAX: bool>(&mut self, group: usize, array: &Self::Array, row: usize, first: bool) -> bool;
    /// Removes the first groups and returns their values, null (or `""`) where there is none.
    fn take(&mut self, take: usize, seen: &[bool]) -> ArrayRef;
    /// Arrow's type.
    fn data_type() -> DataType;
    /// Returns the bytes held.
    fn size(&self) -> usize;
}

/// Values of a plain type.
#[derive(Debug)]
pub(super) struct Plains<P: Plain> {
    values: Vec<P::Item>,
}

impl<P: Plain> Best for Plains<P> {
    type Array = P::Array;

    fn new(_: ScalarType) -> Self {
        Plains { values: Vec::new() }
    }

    fn array(array: &ArrayRef) -> &P::Array {
        P::array(array)
    }

    fn grow(&mut self, total: usize) {
        self.values.resize(total.max(self.values.len()), P::Item::default());
    }

    #[inline]
    fn offer<const MAX: bool>(&mut self, group: usize, array: &P::Array, row: usize, first: bool) -> bool {
        let value = P::get(array, row);
        let best = &mut self.values[group];
        let beats = if MAX { value > *best } else { value < *best };
        // NaN poisons both ends, and the first one stays (measured).
        let wins = first || beats || (P::is_nan(value) && !P::is_nan(*best));
        let wins = wins && (first || !P::is_nan(*best));
        if wins {
            *best = value;
        }
        wins
    }

    fn take(&mut self, take: usize, seen: &[bool]) -> ArrayRef {
        let values = front(&mut self.values, take);
        let nulls: NullBuffer = seen[..values.len()].to_vec().into();
        P::build(values, Some(nulls).filter(|nulls| nulls.null_count() > 0))
    }

    fn data_type() -> DataType {
        P::data_type()
    }

    fn size(&self) -> usize {
        self.values.capacity() * size_of::<P::Item>()
    }
}

/// Strings and guids, in the order of their code points.
#[derive(Debug)]
pub(super) struct Texts {
    slots: TextSlots,
    nulls: bool,
}

impl Best for Texts {
    type Array = StringViewArray;

    fn new(scalar_type: ScalarType) -> Self {
        Texts { slots: TextSlots::default(), nulls: scalar_type != ScalarType::String }
    }

    fn array(array: &ArrayRef) -> &StringViewArray {
        array.as_string_view()
    }

    fn grow(&mut self, total: usize) {
        self.slots.grow(total);
    }

    #[inline]
    fn offer<const MAX: bool>(&mut self, group: usize, array: &StringViewArray, row: usize, first: bool) -> bool {
        let value = array.value(row).as_bytes();
        let best = self.slots.get(group);
        let wins = first || if MAX { value > best } else { value < best };
        if wins {
            self.slots.set(group, value);
        }
        wins
    }

    fn take(&mut self, take: usize, seen: &[bool]) -> ArrayRef {
        self.slots.take(take, seen, self.nulls)
    }

    fn data_type() -> DataType {
        DataType::Utf8View
    }

    fn size(&self) -> usize {
        self.slots.size()
    }
}

#[derive(Debug)]
struct Extreme<B: Best, const MAX: bool> {
    best: B,
    seen: Vec<bool>,
}

impl<B: Best, const MAX: bool> Extreme<B, MAX> {
    fn add(&mut self, array: &ArrayRef, groups: &[usize], filter: Option<&BooleanArray>, total: usize) {
        self.best.grow(total);
        self.seen.resize(total, false);
        let values = B::array(array);
        let (best, seen) = (&mut self.best, &mut self.seen);
        each_valid(values, groups, filter, |row, group| {
            best.offer::<MAX>(group, values, row, !seen[group]);
            seen[group] = true;
        });
    }
}

impl<B: Best, const MAX: bool> Accumulator for Extreme<B, MAX> {
    fn update(
        &mut self,
        arguments: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.add(&arguments[0], groups, filter, total);
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.add(&states[0], groups, Some(states[1].as_boolean()), total);
        Ok(())
    }

    fn state_types(&self) -> Vec<DataType> {
        vec![B::data_type(), DataType::Boolean]
    }

    fn state(&mut self, take: usize) -> Result<Vec<ArrayRef>> {
        let values = self.best.take(take, &self.seen);
        let seen = BooleanArray::from(front(&mut self.seen, take));
        Ok(vec![values, std::sync::Arc::new(seen)])
    }

    fn result_type(&self) -> DataType {
        B::data_type()
    }

    fn finish(&mut self, take: usize) -> Result<ArrayRef> {
        let values = self.best.take(take, &self.seen);
        front(&mut self.seen, take);
        Ok(values)
    }

    fn size(&self) -> usize {
        self.best.size() + self.seen.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn finds_both_ends_of_each_group() {
        assert_eq!(run("max", &[longs(&[3, 7, 5, -1, -1])], &[0, 0, 1, 1, 2]), ["7", "5", "null"]);
        assert_eq!(run("min", &[longs(&[3, 7, 5, -1, -1])], &[0, 0, 1, 1, 2]), ["3", "5", "null"]);
    }

    #[test]
    fn nan_poisons() {
        assert_eq!(run("max", &[reals(&[1.0, f64::NAN, 2.0, 4.0])], &[0, 0, 0, 1]), ["NaN", "4"]);
        assert_eq!(run("min", &[reals(&[f64::NAN, 1.0, 2.0, 4.0])], &[0, 0, 0, 1]), ["NaN", "4"]);
    }

    #[test]
    fn strings_compare_by_code_point_and_none_is_empty() {
        let texts = strings(&["beta", "Omega", "alpha is a long text", "é", ""]);
        assert_eq!(run("min", std::slice::from_ref(&texts), &[0, 0, 0, 0, 2]), ["Omega", "", ""]);
        assert_eq!(run("max", &[texts], &[0, 0, 0, 0, 2]), ["é", "", ""]);
    }

    #[test]
    fn growing_texts_are_compacted() {
        let mut slots = TextSlots::default();
        slots.grow(2);
        for len in 1..300 {
            slots.set(len % 2, "x".repeat(len).as_bytes());
        }
        assert_eq!((slots.get(0).len(), slots.get(1).len()), (298, 299));
        assert!(slots.size() < 20_000);
    }
}
