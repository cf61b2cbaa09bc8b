//! `sum`, `avg`: totals.

use std::fmt::Debug;
use std::marker::PhantomData;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, i256};

use super::groups::{Decimals, Ints, Longs, Plain, Reals, Result, Wholes, dynamic_numbers, each_value, front};
use super::{Accumulator, Aggregate, Overload, Setup, State};
use crate::functions::{Kind, Naming, Returns, one};
use crate::types::{ScalarType, decimal};

/// The family.
pub const AGGREGATES: &[Aggregate] = &[
    Aggregate {
        name: "sum",
        aliases: &[],
        summary: "Adds up the values of each group; nulls are skipped, nothing gives 0.",
        naming: Naming::PrefixAndFirstArgument("sum"),
        overloads: &[Overload {
            parameters: &[one("value", Kind::Summable)],
            returns: Returns::With(sum_type),
            state: State::New(sum),
        }],
        ordered: false,
        several: false,
        examples: &[
            ("datatable(x: int)[1, 2, int(null)] | summarize sum(x)", "print sum_x = 3"),
            ("datatable(x: real)[] | summarize sum(x)", "print sum_x = 0.0"),
            ("datatable(x: timespan)[1h, 30m] | summarize sum(x)", "print sum_x = 1h + 30m"),
        ],
        page: "sum-aggregation-function",
    },
    Aggregate {
        name: "avg",
        aliases: &[],
        summary: "Gives the mean of the values of each group; nulls are skipped, nothing gives NaN.",
        naming: Naming::PrefixAndFirstArgument("avg"),
        overloads: &[Overload {
            parameters: &[one("value", Kind::Summable)],
            returns: Returns::With(average_type),
            state: State::New(average),
        }],
        ordered: false,
        several: false,
        examples: &[
            ("datatable(x: int)[1, 2, int(null)] | summarize avg(x)", "print avg_x = 1.5"),
            ("datatable(x: int)[] | summarize avg(x)", "print avg_x = real(nan)"),
            ("datatable(x: timespan)[1h, 2h] | summarize avg(x)", "print avg_x = 90m"),
        ],
        page: "avg-aggregation-function",
    },
];

fn sum_type(types: &[ScalarType]) -> Option<ScalarType> {
    Some(match types.first()? {
        ScalarType::Int | ScalarType::Long => ScalarType::Long,
        ScalarType::Real | ScalarType::Dynamic => ScalarType::Real,
        other @ (ScalarType::Decimal | ScalarType::TimeSpan | ScalarType::DateTime) => *other,
        _ => return None,
    })
}

fn average_type(types: &[ScalarType]) -> Option<ScalarType> {
    Some(match sum_type(types)? {
        ScalarType::Long => ScalarType::Real,
        other => other,
    })
}

fn sum(setup: &Setup) -> Result<Box<dyn Accumulator>> {
    Ok(match setup.types[0] {
        ScalarType::Int => Box::new(Total::<Ints, Longs, Longs>::new(setup, |sum, _| Some(sum))),
        ScalarType::Real | ScalarType::Dynamic => {
            Box::new(Total::<Reals, Reals, Reals>::new(setup, |sum, _| Some(sum)))
        }
        ScalarType::Decimal => {
            Box::new(Total::<Decimals, Decimals, Decimals>::new(setup, |sum, _| decimal::in_range(sum)))
        }
        _ => Box::new(Total::<Longs, Longs, Longs>::new(setup, |sum, _| Some(sum))),
    })
}

fn average(setup: &Setup) -> Result<Box<dyn Accumulator>> {
    Ok(match setup.types[0] {
        ScalarType::Int => Box::new(Total::<Ints, Longs, Reals>::new(setup, |sum, n| Some(sum as f64 / n as f64))),
        // The sum of longs wraps around before it is divided (measured).
        ScalarType::Long => Box::new(Total::<Longs, Longs, Reals>::new(setup, |sum, n| Some(sum as f64 / n as f64))),
        ScalarType::Real | ScalarType::Dynamic => {
            Box::new(Total::<Reals, Reals, Reals>::new(setup, |sum, n| Some(sum / n as f64)))
        }
        ScalarType::Decimal => Box::new(Total::<Decimals, Decimals, Decimals>::new(setup, |sum, n| {
            if sum == TOO_LARGE { None } else { decimal::mean(sum, n) }
        })),
        // A few datetimes exceed 64 bits.
        _ => Box::new(Total::<Longs, Wholes, Longs>::new(setup, |sum, n| {
            sum.checked_div(i128::from(n)).map(|mean| mean as i64)
        })),
    })
}

/// How a value joins a sum.
trait Add<I>: Copy + Default {
    fn plus(self, value: I) -> Self;
}

macro_rules! add {
    ($sum:ty, $($value:ty),+) => {$(
        impl Add<$value> for $sum {
            #[inline]
            fn plus(self, value: $value) -> Self {
                self.wrapping_add(<$sum>::from(value))
            }
        }
    )+};
}
add!(i64, i32, i64);
add!(i128, i64, i128);

/// The sum of decimals that left 256 bits: out of their range, whatever else is added.
const TOO_LARGE: i256 = i256::MAX;

impl Add<i256> for i256 {
    #[inline]
    fn plus(self, value: i256) -> Self {
        if self == TOO_LARGE || value == TOO_LARGE {
            return TOO_LARGE;
        }
        self.checked_add(value).unwrap_or(TOO_LARGE)
    }
}

impl Add<f64> for f64 {
    #[inline]
    fn plus(self, value: f64) -> Self {
        self + value
    }
}

/// Sum and number of the values that are not null.
struct Total<I: Plain, S: Plain, R: Plain> {
    sums: Vec<S::Item>,
    counts: Vec<i64>,
    result: fn(S::Item, i64) -> Option<R::Item>,
    dynamic: bool,
    input: PhantomData<I>,
}

impl<I: Plain, S: Plain, R: Plain> Debug for Total<I, S, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Total of {} groups", self.sums.len())
    }
}

impl<I: Plain, S: Plain, R: Plain> Total<I, S, R> {
    fn new(setup: &Setup, result: fn(S::Item, i64) -> Option<R::Item>) -> Self {
        let dynamic = setup.types[0] == ScalarType::Dynamic;
        Total { sums: Vec::new(), counts: Vec::new(), result, dynamic, input: PhantomData }
    }
}

impl<I: Plain, S: Plain, R: Plain> Accumulator for Total<I, S, R>
where
    S::Item: Add<I::Item> + Add<S::Item>,
{
    fn update(
        &mut self,
        arguments: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.sums.resize(total, S::Item::default());
        self.counts.resize(total, 0);
        let values = if self.dynamic { dynamic_numbers(&arguments[0]) } else { arguments[0].clone() };
        let (sums, counts) = (&mut self.sums, &mut self.counts);
        each_value::<I>(&values, groups, filter, |group, value| {
            sums[group] = sums[group].plus(value);
            counts[group] += 1;
        });
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.sums.resize(total, S::Item::default());
        self.counts.resize(total, 0);
        let (sums, counts) = (S::array(&states[0]), Longs::array(&states[1]));
        for (row, group) in groups.iter().enumerate() {
            self.sums[*group] = self.sums[*group].plus(S::get(sums, row));
            self.counts[*group] += counts.value(row);
        }
        Ok(())
    }

    fn state_types(&self) -> Vec<DataType> {
        vec![S::data_type(), DataType::Int64]
    }

    fn state(&mut self, take: usize) -> Result<Vec<ArrayRef>> {
        Ok(vec![S::build(front(&mut self.sums, take), None), Longs::build(front(&mut self.counts, take), None)])
    }

    fn result_type(&self) -> DataType {
        R::data_type()
    }

    fn finish(&mut self, take: usize) -> Result<ArrayRef> {
        let (sums, counts) = (front(&mut self.sums, take), front(&mut self.counts, take));
        let results: Vec<Option<R::Item>> = sums.into_iter().zip(counts).map(|(s, n)| (self.result)(s, n)).collect();
        let nulls: NullBuffer = results.iter().map(Option::is_some).collect::<Vec<_>>().into();
        let nulls = Some(nulls).filter(|nulls| nulls.null_count() > 0);
        Ok(R::build(results.into_iter().map(Option::unwrap_or_default).collect(), nulls))
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<S::Item>() + self.counts.capacity() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::types::Value;

    #[test]
    fn long_sums_wrap_and_nothing_is_zero() {
        let column = column(ScalarType::Long, &[Value::Long(i64::MAX), Value::Long(1), Value::Null(ScalarType::Long)]);
        assert_eq!(run("sum", &[column], &[0, 0, 1]), [i64::MIN.to_string(), "0".into()]);
    }

    #[test]
    fn averages_by_type() {
        let ints = column(ScalarType::Int, &[Value::Int(1), Value::Int(2), Value::Null(ScalarType::Int)]);
        assert_eq!(run("avg", &[ints], &[0, 0, 1]), ["1.5", "NaN"]);
        let spans = column(ScalarType::TimeSpan, &[Value::TimeSpan(10), Value::TimeSpan(20)]);
        assert_eq!(run("avg", &[spans], &[0, 0]), ["15"]);
        let none = column(ScalarType::DateTime, &[Value::Null(ScalarType::DateTime)]);
        assert_eq!(run("avg", &[none], &[0]), ["null"]);
        let wrapping = column(ScalarType::Long, &[Value::Long(i64::MAX - 1), Value::Long(1), Value::Long(i64::MAX)]);
        assert_eq!(run("avg", &[wrapping], &[0, 0, 0]), ["-0.6666666666666666"]);
    }

    #[test]
    fn decimals_out_of_range_are_null_as_with_plus() {
        let most = decimal::parse(&"8".repeat(37)).unwrap();
        for (count, expected) in [(1, most.to_string()), (2, "null".into()), (1200, "null".into())] {
            let values = column(ScalarType::Decimal, &vec![Value::Decimal(most); count]);
            assert_eq!(run("sum", std::slice::from_ref(&values), &vec![0; count]), [expected]);
            assert_eq!(run("avg", &[values], &vec![0; count]) == ["null"], count > 1000, "{count}");
        }
    }

    #[test]
    fn dynamic_numbers_add_up_as_reals() {
        let column = column(ScalarType::Dynamic, &["1", "2.5", "\"3\""].map(|t| Value::Dynamic(t.into())));
        assert_eq!(run("sum", &[column], &[0, 0, 0]), ["3.5"]);
    }
}
