//! `count`: rows of a group.

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::DataType;

use super::groups::{Longs, Plain, Result, each_row, front};
use super::{Accumulator, Aggregate, Overload, State};
use crate::functions::{Kind, Naming, Returns, one};
use crate::types::ScalarType;

/// The family.
pub const AGGREGATES: &[Aggregate] = &[Aggregate {
    name: "count",
    aliases: &["cnt"],
    summary: "Counts the rows of each group, whether values are null or not.",
    naming: Naming::PrefixAndFirstArgument("count"),
    overloads: &[
        Overload {
            parameters: &[],
            returns: Returns::Type(ScalarType::Long),
            state: State::New(|_| Ok(Box::<Count>::default())),
        },
        // A column with nulls counts whole (measured).
        Overload {
            parameters: &[one("value", Kind::Any)],
            returns: Returns::Type(ScalarType::Long),
            state: State::New(|_| Ok(Box::<Count>::default())),
        },
    ],
    ordered: false,
    several: false,
    examples: &[
        ("range x from 1 to 3 step 1 | summarize count()", "print count_ = 3"),
        ("datatable(x: long)[] | summarize count()", "print count_ = 0"),
        ("datatable(x: long)[1, long(null)] | summarize count(x)", "print count_x = 2"),
    ],
    page: "count-aggregation-function",
}];

#[derive(Debug, Default)]
struct Count {
    counts: Vec<i64>,
}

impl Accumulator for Count {
    fn update(&mut self, _: &[ArrayRef], groups: &[usize], filter: Option<&BooleanArray>, total: usize) -> Result<()> {
        self.counts.resize(total, 0);
        let counts = &mut self.counts;
        each_row(groups, filter, |_, group| counts[group] += 1);
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.counts.resize(total, 0);
        let more = Longs::array(&states[0]);
        for (row, group) in groups.iter().enumerate() {
            self.counts[*group] += more.value(row);
        }
        Ok(())
    }

    fn state_types(&self) -> Vec<DataType> {
        vec![DataType::Int64]
    }

    fn state(&mut self, take: usize) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.finish(take)?])
    }

    fn result_type(&self) -> DataType {
        DataType::Int64
    }

    fn finish(&mut self, take: usize) -> Result<ArrayRef> {
        Ok(Longs::build(front(&mut self.counts, take), None))
    }

    fn size(&self) -> usize {
        self.counts.capacity() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn counts_rows_that_pass_the_filter() {
        let mut count = Count::default();
        count.update(&[], &[0, 1, 0], Some(&vec![Some(true), Some(true), None].into()), 3).unwrap();
        let state = count.state(3).unwrap();
        let mut merged = Count::default();
        merged.merge(&state, &[0, 0, 1], 2).unwrap();
        assert_eq!(shown(&merged.finish(1).unwrap(), ScalarType::Long), ["2"]);
        assert_eq!(shown(&merged.finish(1).unwrap(), ScalarType::Long), ["0"]);
    }
}
