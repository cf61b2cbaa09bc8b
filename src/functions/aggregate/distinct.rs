//! `dcount`, `count_distinct`: how many different values there are.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, BooleanArray, ListArray, StringViewArray, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, UInt64Type, i256};
use xxhash_rust::xxh64::xxh64;

use super::groups::{
    Bools, ByGroup, Decimals, Dictionary, Ints, Longs, Pairs, Plain, Reals, Result, chosen_rows, each_list, front,
    list_type,
};
use super::{Accumulator, Aggregate, Overload, Setup, State};
use crate::functions::sketch::{self, cardinality, register};
use crate::functions::{FunctionError, Kind, Naming, Returns, one};
use crate::types::{ScalarType, Value};

/// The family.
pub const AGGREGATES: &[Aggregate] = &[
    Aggregate {
        name: "dcount",
        aliases: &[],
        summary: "Counts the different values of each group, exactly up to 16384 of them, beyond that approximately.",
        naming: Naming::PrefixAndFirstArgument("dcount"),
        overloads: &[Overload {
            parameters: &[one("value", Kind::Any), one("accuracy", Kind::Integer).optional().constant()],
            returns: Returns::Type(ScalarType::Long),
            state: State::New(dcount),
        }],
        ordered: false,
        several: false,
        examples: &[
            ("datatable(x: string)['a', 'b', 'a'] | summarize dcount(x)", "print dcount_x = 2"),
            ("range x from 1 to 9 step 1 | summarize dcount(x % 3, 2)", "print dcount_ = 3"),
            ("datatable(x: long)[long(null)] | summarize dcount(x)", "print dcount_x = 0"),
        ],
        page: "dcount-aggregation-function",
    },
    Aggregate {
        name: "count_distinct",
        aliases: &[],
        summary: "Counts the different values of each group exactly.",
        naming: Naming::PrefixAndFirstArgument("count_distinct"),
        overloads: &[Overload {
            parameters: &[one("value", Kind::NotDynamic)],
            returns: Returns::Type(ScalarType::Long),
            state: State::New(count_distinct),
        }],
        ordered: false,
        several: false,
        examples: &[
            ("range x from 1 to 9 step 1 | summarize count_distinct(x % 3)", "print count_distinct_ = 3"),
            ("datatable(x: string)['a', 'A', 'a'] | summarize count_distinct(x)", "print count_distinct_x = 2"),
            ("datatable(x: long)[long(null)] | summarize count_distinct(x)", "print count_distinct_x = 0"),
        ],
        page: "count-distinct-aggregation-function",
    },
];

/// Groups hold their values' hashes one by one up to so many, then a sketch.
const EXACT: u32 = sketch::EXACT as u32;

fn dcount(setup: &Setup) -> Result<Box<dyn Accumulator>> {
    let accuracy = match setup.constants.get(1) {
        None => 1,
        Some(Some(Value::Long(accuracy @ 0..=4))) => *accuracy as usize,
        Some(_) => return Err(FunctionError::argument(1, "SEM0064", "the accuracy of dcount is a number from 0 to 4")),
    };
    let bits = sketch::ACCURACY_BITS[accuracy];
    Ok(match setup.types[0] {
        ScalarType::Bool => Box::new(Estimate::<Bits<Bools>>::new(bits)),
        ScalarType::Int => Box::new(Estimate::<Bits<Ints>>::new(bits)),
        ScalarType::Real => Box::new(Estimate::<Bits<Reals>>::new(bits)),
        ScalarType::Decimal => Box::new(Estimate::<Bits<Decimals>>::new(bits)),
        ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan => Box::new(Estimate::<Bits<Longs>>::new(bits)),
        ScalarType::String | ScalarType::Guid | ScalarType::Dynamic => Box::new(Estimate::<Hashes>::new(bits)),
    })
}

fn count_distinct(setup: &Setup) -> Result<Box<dyn Accumulator>> {
    Ok(match setup.types[0] {
        ScalarType::Bool => Box::new(Exact::<Bits<Bools>>::default()),
        ScalarType::Int => Box::new(Exact::<Bits<Ints>>::default()),
        ScalarType::Real => Box::new(Exact::<Bits<Reals>>::default()),
        ScalarType::Decimal => Box::new(Exact::<Bits<Decimals>>::default()),
        ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan => Box::new(Exact::<Bits<Longs>>::default()),
        ScalarType::String | ScalarType::Guid | ScalarType::Dynamic => Box::new(Exact::<Words>::default()),
    })
}

/// Turns values into words such that equal values have equal words.
pub(super) trait Coder: Debug + Default + Send + Sync + 'static {
    /// The array that values come from.
    type Array: Array + 'static;
    /// Finds the array.
    fn array(array: &ArrayRef) -> &Self::Array;
    /// Returns the word of a value.
    fn code(&mut self, array: &Self::Array, row: usize) -> u64;
    /// Appends the words of rows.
    fn codes(&mut self, array: &Self::Array, rows: &[u32], codes: &mut Vec<u64>) {
        codes.extend(rows.iter().map(|row| self.code(array, *row as usize)));
    }
    /// Returns the words as a column that another coder of this kind can read.
    fn decode(&self, codes: &[u64]) -> ArrayRef;
    /// The type of such a column.
    fn data_type() -> DataType;
    /// Reads such a column.
    fn recode(&mut self, array: &ArrayRef) -> Vec<u64>;
    /// Returns the word of a text, where words are numbers of texts.
    fn code_text(&mut self, _: &str) -> u64 {
        0
    }
    /// Returns the texts that words stand for, where words are numbers of texts.
    fn words(&self, _: &[u64]) -> Option<Vec<&str>> {
        None
    }
    /// Returns the bytes held.
    fn size(&self) -> usize {
        0
    }
}

/// Plain values as they lie in memory (a decimal as the hash of that).
#[derive(Debug)]
pub(super) struct Bits<P>(PhantomData<P>);

impl<P> Default for Bits<P> {
    fn default() -> Self {
        Bits(PhantomData)
    }
}

/// The word of a plain value; different values have different words, but for decimals, which are hashed.
pub(super) trait Word {
    fn word(self) -> u64;
}

impl Word for i64 {
    #[inline]
    fn word(self) -> u64 {
        self as u64
    }
}

impl Word for i32 {
    #[inline]
    fn word(self) -> u64 {
        i64::from(self) as u64
    }
}

impl Word for bool {
    #[inline]
    fn word(self) -> u64 {
        u64::from(self)
    }
}

impl Word for f64 {
    #[inline]
    fn word(self) -> u64 {
        // One NaN, one zero.
        if self.is_nan() { f64::NAN.to_bits() } else { (self + 0.0).to_bits() }
    }
}

impl Word for i256 {
    #[inline]
    fn word(self) -> u64 {
        xxh64(&self.to_le_bytes(), 0)
    }
}

impl<P: Plain<Item: Word>> Coder for Bits<P> {
    type Array = P::Array;

    fn array(array: &ArrayRef) -> &P::Array {
        P::array(array)
    }

    #[inline]
    fn code(&mut self, array: &P::Array, row: usize) -> u64 {
        P::get(array, row).word()
    }

    fn decode(&self, codes: &[u64]) -> ArrayRef {
        Arc::new(UInt64Array::from(codes.to_vec()))
    }

    fn data_type() -> DataType {
        DataType::UInt64
    }

    fn recode(&mut self, array: &ArrayRef) -> Vec<u64> {
        array.as_primitive::<UInt64Type>().values().to_vec()
    }
}

/// Texts by their hash.
#[derive(Debug, Default)]
pub(super) struct Hashes;

impl Coder for Hashes {
    type Array = StringViewArray;

    fn array(array: &ArrayRef) -> &StringViewArray {
        array.as_string_view()
    }

    #[inline]
    fn code(&mut self, array: &StringViewArray, row: usize) -> u64 {
        xxh64(array.value(row).as_bytes(), 0)
    }

    fn decode(&self, codes: &[u64]) -> ArrayRef {
        Arc::new(UInt64Array::from(codes.to_vec()))
    }

    fn data_type() -> DataType {
        DataType::UInt64
    }

    fn recode(&mut self, array: &ArrayRef) -> Vec<u64> {
        array.as_primitive::<UInt64Type>().values().to_vec()
    }
}

/// Texts by their number in a dictionary.
#[derive(Debug, Default)]
pub(super) struct Words(pub(super) Dictionary);

impl Coder for Words {
    type Array = StringViewArray;

    fn array(array: &ArrayRef) -> &StringViewArray {
        array.as_string_view()
    }

    #[inline]
    fn code(&mut self, array: &StringViewArray, row: usize) -> u64 {
        self.0.intern(array.value(row))
    }

    fn codes(&mut self, array: &StringViewArray, rows: &[u32], codes: &mut Vec<u64>) {
        self.0.intern_all(rows.iter().map(|row| array.value(*row as usize)), codes);
    }

    fn decode(&self, codes: &[u64]) -> ArrayRef {
        if codes.len() < self.0.len() {
            return Arc::new(StringViewArray::from_iter_values(codes.iter().map(|code| self.0.get(*code))));
        }
        // Each text once, the views share it.
        let words: ArrayRef =
            Arc::new(StringViewArray::from_iter_values((0..self.0.len()).map(|word| self.0.get(word as u64))));
        take(&words, &UInt64Array::from(codes.to_vec()), None).unwrap_or(words)
    }

    fn data_type() -> DataType {
        DataType::Utf8View
    }

    fn recode(&mut self, array: &ArrayRef) -> Vec<u64> {
        let texts = array.as_string_view();
        let mut codes = Vec::with_capacity(texts.len());
        self.codes(texts, &(0..texts.len() as u32).collect::<Vec<_>>(), &mut codes);
        codes
    }

    fn code_text(&mut self, text: &str) -> u64 {
        self.0.intern(text)
    }

    fn words(&self, codes: &[u64]) -> Option<Vec<&str>> {
        Some(codes.iter().map(|code| self.0.get(*code)).collect())
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}

/// Returns the state of pairs: a list of values for each group.
pub(super) fn pairs_state<C: Coder>(coder: &C, pairs: &Pairs, take: usize) -> Result<ArrayRef> {
    let by_group = ByGroup::new(&pairs.groups, take);
    let codes: Vec<u64> = by_group.order.iter().map(|index| pairs.codes[*index as usize]).collect();
    by_group.list(coder.decode(&codes))
}

/// Every pair of group and value.
#[derive(Debug, Default)]
struct Exact<C: Coder> {
    coder: C,
    pairs: Pairs,
    /// Of the batch at hand.
    codes: Vec<u64>,
}

impl<C: Coder> Accumulator for Exact<C> {
    fn update(
        &mut self,
        arguments: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.pairs.grow(total);
        let values = C::array(&arguments[0]);
        let rows = chosen_rows(values.logical_nulls(), filter, groups.len());
        self.codes.clear();
        self.coder.codes(values, &rows, &mut self.codes);
        for (row, code) in rows.iter().zip(&self.codes) {
            self.pairs.insert(groups[*row as usize], *code, u32::MAX);
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.pairs.grow(total);
        let lists: &ListArray = states[0].as_list();
        let codes = self.coder.recode(lists.values());
        each_list(lists, groups, |group, range| {
            for code in &codes[range] {
                self.pairs.insert(group, *code, u32::MAX);
            }
        });
        Ok(())
    }

    fn state_types(&self) -> Vec<DataType> {
        vec![list_type(C::data_type())]
    }

    fn state(&mut self, take: usize) -> Result<Vec<ArrayRef>> {
        let take = take.min(self.pairs.counts.len());
        let state = pairs_state(&self.coder, &self.pairs, take)?;
        self.pairs.forget(take, |_| {});
        Ok(vec![state])
    }

    fn result_type(&self) -> DataType {
        DataType::Int64
    }

    fn finish(&mut self, take: usize) -> Result<ArrayRef> {
        let take = take.min(self.pairs.counts.len());
        let counts = self.pairs.counts[..take].iter().map(|count| i64::from(*count)).collect();
        self.pairs.forget(take, |_| {});
        Ok(Longs::build(counts, None))
    }

    fn size(&self) -> usize {
        self.coder.size() + self.pairs.size()
    }
}

/// Hashes of a group's values, then registers of a HyperLogLog.
#[derive(Debug)]
struct Estimate<C: Coder> {
    coder: C,
    pairs: Pairs,
    sketches: Vec<Option<Box<[u8]>>>,
    any_sketch: bool,
    bits: u32,
    full: Vec<u32>,
    /// Of the batch at hand.
    codes: Vec<u64>,
}

impl<C: Coder> Estimate<C> {
    fn new(bits: u32) -> Self {
        let (coder, pairs) = (C::default(), Pairs::default());
        Estimate { coder, pairs, sketches: Vec::new(), any_sketch: false, bits, full: Vec::new(), codes: Vec::new() }
    }

    fn grow(&mut self, total: usize) {
        self.pairs.grow(total);
        self.sketches.resize(total, None);
    }

    #[inline]
    fn add(&mut self, group: usize, code: u64) {
        if self.any_sketch
            && let Some(registers) = &mut self.sketches[group]
        {
            register(registers, self.bits, code);
            return;
        }
        if let Some((_, true)) = self.pairs.insert(group, code, u32::MAX)
            && self.pairs.counts[group] == EXACT + 1
        {
            self.full.push(group as u32);
        }
    }

    /// Turns the groups that have outgrown the list into sketches.
    fn sketch_full(&mut self) {
        if self.full.is_empty() {
            return;
        }
        for group in self.full.drain(..) {
            self.sketches[group as usize] = Some(vec![0; 1 << self.bits].into());
        }
        self.any_sketch = true;
        for (code, group) in self.pairs.codes.iter().zip(&self.pairs.groups) {
            if let Some(registers) = &mut self.sketches[*group as usize] {
                register(registers, self.bits, *code);
            }
        }
        let sketches = &self.sketches;
        self.pairs.rebuild(|group| sketches[group as usize].is_none().then_some(group), |_| {});
    }

    fn forget(&mut self, take: usize) {
        front(&mut self.sketches, take);
        self.pairs.forget(take, |_| {});
    }
}

impl<C: Coder> Accumulator for Estimate<C> {
    fn update(
        &mut self,
        arguments: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        let values = C::array(&arguments[0]);
        let rows = chosen_rows(values.logical_nulls(), filter, groups.len());
        let mut codes = std::mem::take(&mut self.codes);
        codes.clear();
        self.coder.codes(values, &rows, &mut codes);
        rows.iter().zip(&codes).for_each(|(row, code)| self.add(groups[*row as usize], *code));
        self.codes = codes;
        self.sketch_full();
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.grow(total);
        let sketches = states[1].as_binary::<i32>();
        for (row, group) in groups.iter().enumerate() {
            let more = sketches.value(row);
            if more.is_empty() {
                continue;
            }
            if self.sketches[*group].is_none() && self.pairs.counts[*group] <= EXACT {
                self.full.push(*group as u32);
                self.sketch_full();
            }
            if let Some(registers) = &mut self.sketches[*group] {
                registers.iter_mut().zip(more).for_each(|(register, more)| *register = (*register).max(*more));
            }
        }
        let lists: &ListArray = states[0].as_list();
        let codes = self.coder.recode(lists.values());
        each_list(lists, groups, |group, range| codes[range].iter().for_each(|code| self.add(group, *code)));
        self.sketch_full();
        Ok(())
    }

    fn state_types(&self) -> Vec<DataType> {
        vec![list_type(C::data_type()), DataType::Binary]
    }

    fn state(&mut self, take: usize) -> Result<Vec<ArrayRef>> {
        let take = take.min(self.sketches.len());
        let lists = pairs_state(&self.coder, &self.pairs, take)?;
        let mut sketches = BinaryBuilder::new();
        for sketch in &self.sketches[..take] {
            sketches.append_value(sketch.as_deref().unwrap_or_default());
        }
        self.forget(take);
        Ok(vec![lists, Arc::new(sketches.finish())])
    }

    fn result_type(&self) -> DataType {
        DataType::Int64
    }

    fn finish(&mut self, take: usize) -> Result<ArrayRef> {
        let take = take.min(self.sketches.len());
        let counts = self.sketches[..take].iter().zip(&self.pairs.counts).map(|(sketch, count)| match sketch {
            Some(registers) => cardinality(registers, self.bits),
            None => i64::from(*count),
        });
        let counts = counts.collect();
        self.forget(take);
        Ok(Longs::build(counts, None))
    }

    fn size(&self) -> usize {
        let sketches = if self.any_sketch { self.sketches.iter().flatten().count() << self.bits } else { 0 };
        self.pairs.size() + self.sketches.capacity() * 16 + sketches
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn counts_each_value_once() {
        let values = longs(&[1, 2, 1, -1, 1, 5]);
        let groups = [0, 0, 0, 0, 1, 3];
        for name in ["dcount", "count_distinct"] {
            assert_eq!(run(name, std::slice::from_ref(&values), &groups), ["2", "1", "0", "1"]);
            assert_eq!(run(name, &[strings(&["a", "", "a", "b", "b"])], &[0, 0, 0, 0, 1]), ["3", "1"]);
            assert_eq!(run(name, &[reals(&[0.0, -0.0, f64::NAN, f64::NAN])], &[0, 0, 0, 0]), ["2"]);
        }
    }

    #[test]
    fn large_groups_are_estimated_within_the_documented_error() {
        let values: Vec<i64> = (0..100_000).collect();
        let groups: Vec<usize> = values.iter().map(|v| usize::from(*v >= 90_000)).collect();
        let counts = run("dcount", &[longs(&values)], &groups);
        let first: f64 = counts[0].parse().unwrap();
        assert!((first / 90_000.0 - 1.0).abs() < 0.02, "{first}");
        assert_eq!(counts[1], "10000");
    }

    #[test]
    fn accuracy_is_checked() {
        let columns = [longs(&[1]), longs(&[7])];
        let State::New(new) = AGGREGATES[0].overloads[0].state else { panic!() };
        let setup = Setup {
            types: vec![ScalarType::Long; 2],
            constants: vec![None, Some(Value::Long(7))],
            returns: vec![ScalarType::Long],
            ordered: false,
        };
        assert_eq!(new(&setup).unwrap_err().argument, Some(1));
        assert_eq!(run("dcount", &[columns[0].clone(), longs(&[4])], &[0]), ["1"]);
    }
}
