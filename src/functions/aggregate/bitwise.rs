//! `binary_all_and`, `binary_all_or`, `binary_all_xor`: bits of all values of a group.

use std::fmt::Debug;

use arrow::array::{ArrayRef, AsArray, BooleanArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;

use super::groups::{Longs, Plain, Result, each_value, front};
use super::{Accumulator, Aggregate, Overload, State};
use crate::functions::{Kind, Naming, Parameter, Returns, one};
use crate::types::ScalarType;

/// The family.
pub const AGGREGATES: &[Aggregate] = &[
    bits(
        "binary_all_and",
        "Gives the bits that all values of the group have.",
        AND,
        &[
            ("datatable(x: long)[6, 3] | summarize r = binary_all_and(x)", "print r = 2"),
            ("datatable(x: long)[7, 6, long(null)] | summarize r = binary_all_and(x)", "print r = 6"),
            ("datatable(x: long)[] | summarize r = binary_all_and(x)", "print r = long(null)"),
        ],
        "binary-all-and-aggregation-function",
    ),
    bits(
        "binary_all_or",
        "Gives the bits that some value of the group has.",
        OR,
        &[
            ("datatable(x: long)[6, 3] | summarize r = binary_all_or(x)", "print r = 7"),
            (
                "range x from 1 to 4 step 1 | summarize binary_all_or(x) by g = x % 2",
                "datatable(g: long, x: long)[1, 3, 0, 6]",
            ),
            ("datatable(x: long)[1, 8, long(null)] | summarize r = binary_all_or(x)", "print r = 9"),
        ],
        "binary-all-or-aggregation-function",
    ),
    bits(
        "binary_all_xor",
        "Gives the bits that an odd number of values of the group have.",
        XOR,
        &[
            ("datatable(x: long)[6, 3] | summarize r = binary_all_xor(x)", "print r = 5"),
            ("datatable(x: long)[5, 5] | summarize r = binary_all_xor(x)", "print r = 0"),
            ("datatable(x: long)[1, 8, long(null)] | summarize r = binary_all_xor(x)", "print r = 9"),
        ],
        "binary-all-xor-aggregation-function",
    ),
];

const fn bits(
    name: &'static str,
    summary: &'static str,
    overloads: &'static [Overload],
    examples: &'static [(&'static str, &'static str)],
    page: &'static str,
) -> Aggregate {
    let naming = Naming::FirstArgument;
    Aggregate { name, aliases: &[], summary, naming, overloads, ordered: false, several: false, examples, page }
}

const ONE: &[Parameter] = &[one("value", Kind::Integer)];
const AND: &[Overload] = &[overload(State::New(|_| Ok(Box::new(Bits::new(|a, b| a & b)))))];
const OR: &[Overload] = &[overload(State::New(|_| Ok(Box::new(Bits::new(|a, b| a | b)))))];
const XOR: &[Overload] = &[overload(State::New(|_| Ok(Box::new(Bits::new(|a, b| a ^ b)))))];

const fn overload(state: State) -> Overload {
    Overload { parameters: ONE, returns: Returns::Type(ScalarType::Long), state }
}

struct Bits<F> {
    values: Vec<i64>,
    seen: Vec<bool>,
    join: F,
}

impl<F> Debug for Bits<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bits of {} groups", self.values.len())
    }
}

impl<F: Fn(i64, i64) -> i64> Bits<F> {
    fn new(join: F) -> Self {
        Bits { values: Vec::new(), seen: Vec::new(), join }
    }

    fn add(&mut self, array: &ArrayRef, groups: &[usize], filter: Option<&BooleanArray>, total: usize) {
        self.values.resize(total, 0);
        self.seen.resize(total, false);
        let (values, seen, join) = (&mut self.values, &mut self.seen, &self.join);
        each_value::<Longs>(array, groups, filter, |group, value| {
            values[group] = if seen[group] { join(values[group], value) } else { value };
            seen[group] = true;
        });
    }
}

impl<F: Fn(i64, i64) -> i64 + Send + Sync> Accumulator for Bits<F> {
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
        vec![DataType::Int64, DataType::Boolean]
    }

    fn state(&mut self, take: usize) -> Result<Vec<ArrayRef>> {
        let seen = BooleanArray::from(front(&mut self.seen, take));
        Ok(vec![Longs::build(front(&mut self.values, take), None), std::sync::Arc::new(seen)])
    }

    fn result_type(&self) -> DataType {
        DataType::Int64
    }

    fn finish(&mut self, take: usize) -> Result<ArrayRef> {
        let nulls = NullBuffer::from(front(&mut self.seen, take));
        Ok(Longs::build(front(&mut self.values, take), Some(nulls)))
    }

    fn size(&self) -> usize {
        self.values.capacity() * 9
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    #[test]
    fn joins_bits_and_skips_nulls() {
        let values = longs(&[0b110, 0b011, -1, 0b1000, -1]);
        let groups = [0, 0, 0, 1, 2];
        let of = |name: &str| run(name, std::slice::from_ref(&values), &groups);
        assert_eq!(of("binary_all_and"), ["2", "8", "null"]);
        assert_eq!(of("binary_all_or"), ["7", "8", "null"]);
        assert_eq!(of("binary_all_xor"), ["5", "8", "null"]);
    }
}
