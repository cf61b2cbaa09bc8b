//! `percentile` and its many-valued and weighted forms: nearest rank, without interpolation.
//!
//! All values are kept, so the ranks are exact where Kusto's own turn approximate.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, ListArray, StringViewBuilder, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields, Int32Type, Int64Type};

use super::collect::each_element;
use super::groups::{
    ByGroup, Plain, Result, arrow_error, by_plain, chosen, dynamic_numbers, each_list, json_number, list_type,
};
use super::write::Column;
use super::{Accumulator, Aggregate, Overload, Setup, State};
use crate::functions::{FunctionError, Kind, Naming, Parameter, Returns, one};
use crate::types::convert::to_dynamic;
use crate::types::decimal;
use crate::types::{ScalarType, Value};

/// Of ints the percentiles are longs (Microsoft's parser).
const INTEGER: Parameter = one("value", Kind::Is(ScalarType::Long));

/// The family.
pub const AGGREGATES: &[Aggregate] = &[
    Aggregate {
        name: "percentile",
        aliases: &[],
        summary: "Gives the value of each group below which so many percent of its values lie.",
        naming: Naming::Special,
        overloads: &[
            Overload {
                parameters: &[INTEGER, one("percentile", Kind::Number).constant()],
                returns: Returns::Argument(0),
                state: State::New(|setup| percentiles(setup, 1, Shape::One)),
            },
            Overload {
                parameters: &[one("value", Kind::Summable), one("percentile", Kind::Number).constant()],
                returns: Returns::With(element_type),
                state: State::New(|setup| percentiles(setup, 1, Shape::One)),
            },
        ],
        ordered: false,
        several: false,
        examples: &[
            ("range x from 1 to 100 step 1 | summarize percentile(x, 95)", "print percentile_x_95 = 95"),
            (
                "datatable(x: real)[1.5, 2.5, 3.5, 4.5, real(null)] | summarize percentile(x, 50)",
                "print percentile_x_50 = 2.5",
            ),
            ("datatable(x: long)[] | summarize percentile(x, 50)", "print percentile_x_50 = long(null)"),
        ],
        page: "percentiles-aggregation-function",
    },
    Aggregate {
        name: "percentiles",
        aliases: &[],
        summary: "Gives one column for each of several percentiles.",
        naming: Naming::Special,
        overloads: &[Overload {
            parameters: &[one("value", Kind::Summable), SEVERAL],
            returns: Returns::With(element_type),
            state: State::New(|setup| percentiles(setup, 1, Shape::Fields)),
        }],
        ordered: false,
        several: true,
        examples: &[
            (
                "range x from 1 to 10 step 1 | summarize percentiles(x, 50, 99.9)",
                "print percentile_x_50 = 5, percentile_x_99_9 = 10",
            ),
            (
                "range x from 1 to 100 step 1 | summarize percentiles(x, 5, 99)",
                "print percentile_x_5 = 5, percentile_x_99 = 99",
            ),
            ("datatable(x: long)[] | summarize percentiles(x, 50)", "print percentile_x_50 = long(null)"),
        ],
        page: "percentiles-aggregation-function",
    },
    Aggregate {
        name: "percentiles_array",
        aliases: &[],
        summary: "Gives several percentiles as one array.",
        naming: Naming::PrefixAndFirstArgument("percentiles"),
        overloads: &[Overload {
            parameters: &[one("value", Kind::Summable), ARRAY],
            returns: Returns::Type(ScalarType::Dynamic),
            state: State::New(|setup| percentiles(setup, 1, Shape::Array)),
        }],
        ordered: false,
        several: false,
        examples: &[
            (
                "range x from 1 to 10 step 1 | summarize p = percentiles_array(x, dynamic([10, 50]))",
                "print p = dynamic([1, 5])",
            ),
            ("datatable(x: long)[3, long(null)] | summarize p = percentiles_array(x, 50)", "print p = dynamic([3])"),
            ("range x from 1 to 100 step 1 | summarize p = percentiles_array(x, 5, 99)", "print p = dynamic([5, 99])"),
        ],
        page: "percentiles-aggregation-function",
    },
    Aggregate {
        name: "percentilew",
        aliases: &[],
        summary: "Gives a percentile of values that count as often as their weight says.",
        naming: Naming::Special,
        overloads: &[
            Overload {
                parameters: &[INTEGER, one("weight", Kind::Integer), one("percentile", Kind::Number).constant()],
                returns: Returns::Argument(0),
                state: State::New(|setup| percentiles(setup, 2, Shape::One)),
            },
            Overload {
                parameters: &[
                    one("value", Kind::Summable),
                    one("weight", Kind::Integer),
                    one("percentile", Kind::Number).constant(),
                ],
                returns: Returns::With(element_type),
                state: State::New(|setup| percentiles(setup, 2, Shape::One)),
            },
        ],
        ordered: false,
        several: false,
        examples: &[
            ("datatable(n: long, x: long)[8, 10, 6, 20] | summarize p = percentilew(x, n, 50)", "print p = 10"),
            ("datatable(n: long, x: long)[] | summarize p = percentilew(x, n, 50)", "print p = long(null)"),
            ("datatable(n: long, x: long)[1, 10, 9, 20] | summarize p = percentilew(x, n, 50)", "print p = 20"),
        ],
        page: "percentiles-aggregation-function",
    },
    Aggregate {
        name: "percentilesw",
        aliases: &[],
        summary: "Gives one column for each of several weighted percentiles.",
        naming: Naming::Special,
        overloads: &[Overload {
            parameters: &[one("value", Kind::Summable), one("weight", Kind::Integer), SEVERAL],
            returns: Returns::With(element_type),
            state: State::New(|setup| percentiles(setup, 2, Shape::Fields)),
        }],
        ordered: false,
        several: true,
        examples: &[
            (
                "datatable(x: long, w: long)[10, 8, 20, 6, 30, 1] | summarize percentilesw(x, w, 50, 90)",
                "print percentile_x_50 = 10, percentile_x_90 = 20",
            ),
            ("datatable(x: long, w: long)[] | summarize percentilesw(x, w, 50)", "print percentile_x_50 = long(null)"),
            (
                "datatable(x: long, w: long)[10, 1, 20, 1] | summarize percentilesw(x, w, 50)",
                "print percentile_x_50 = 10",
            ),
        ],
        page: "percentiles-aggregation-function",
    },
    Aggregate {
        name: "percentilesw_array",
        aliases: &[],
        summary: "Gives several weighted percentiles as one array.",
        naming: Naming::PrefixAndFirstArgument("percentiles"),
        overloads: &[Overload {
            parameters: &[one("value", Kind::Summable), one("weight", Kind::Integer), ARRAY],
            returns: Returns::Type(ScalarType::Dynamic),
            state: State::New(|setup| percentiles(setup, 2, Shape::Array)),
        }],
        ordered: false,
        several: false,
        examples: &[
            (
                "datatable(x: long, w: long)[10, 8, 20, 6, 30, 1] | summarize percentilesw_array(x, w, dynamic([50, 90]))",
                "print percentiles_x = dynamic([10, 20])",
            ),
            (
                "datatable(x: long, w: long)[10, 1, long(null), 5] | summarize percentilesw_array(x, w, 90)",
                "print percentiles_x = dynamic([10])",
            ),
            (
                "datatable(x: long, w: long)[10, 1, 20, 1] | summarize percentilesw_array(x, w, 50)",
                "print percentiles_x = dynamic([10])",
            ),
        ],
        page: "percentiles-aggregation-function",
    },
];

const SEVERAL: Parameter = Parameter { max: u16::MAX, ..one("percentile", Kind::Number).constant() };
/// Numbers, or one array of them.
const ARRAY: Parameter = Parameter { max: u16::MAX, ..one("percentiles", Kind::Any).constant() };

fn element_type(types: &[ScalarType]) -> Option<ScalarType> {
    Some(match types.first()? {
        ScalarType::Dynamic => ScalarType::Real,
        other => *other,
    })
}

/// What comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    One,
    Fields,
    Array,
}

/// Makes an accumulator; the percentiles stand behind the first `skip` arguments.
fn percentiles(setup: &Setup, skip: usize, shape: Shape) -> Result<Box<dyn Accumulator>> {
    let mut percents = Vec::new();
    for (index, constant) in setup.constants.iter().enumerate().skip(skip) {
        let known = percents.len();
        match constant {
            Some(Value::Dynamic(json)) if !each_element(json, |element| percents.extend(json_number(element))) => {
                percents.extend(json_number(json));
            }
            Some(value) => percents.extend(number(value)),
            None => {}
        }
        if percents.len() == known || !percents[known..].iter().all(|percent| (0.0..=100.0).contains(percent)) {
            return Err(FunctionError::argument(index, "SEM0064", "a percentile is a number from 0 to 100"));
        }
    }
    let dynamic = setup.types[0] == ScalarType::Dynamic;
    let as_dynamic = shape != Shape::Array && setup.returns.first() == Some(&ScalarType::Dynamic);
    let scalar_type = element_type(&setup.types).unwrap_or(ScalarType::Real);
    let weighted = skip == 2;
    by_plain!(scalar_type,
        P => Ok(Box::new(Values::<P> {
            percents, scalar_type, dynamic, as_dynamic, weighted, shape,
            values: Vec::new(), groups: Vec::new(), weights: Vec::new(), total: 0,
        })),
        text => Err(FunctionError::argument(0, "SEM0064", "percentiles are taken of numbers, datetimes and timespans")))
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(v) => Some(f64::from(*v)),
        Value::Long(v) => Some(*v as f64),
        Value::Real(v) => Some(*v),
        Value::Decimal(v) => Some(decimal::to_real(*v)),
        _ => None,
    }
}

/// All values with their groups.
#[derive(Debug)]
struct Values<P: Plain> {
    percents: Vec<f64>,
    scalar_type: ScalarType,
    /// Numbers are taken out of dynamics.
    dynamic: bool,
    /// Results become dynamics again.
    as_dynamic: bool,
    weighted: bool,
    shape: Shape,
    values: Vec<P::Item>,
    groups: Vec<u32>,
    weights: Vec<i64>,
    total: usize,
}

impl<P: Plain> Values<P> {
    fn forget(&mut self, take: usize) {
        self.total -= take;
        if self.total == 0 {
            (self.values, self.groups, self.weights) = Default::default();
            return;
        }
        let keep: Vec<usize> = (0..self.groups.len()).filter(|i| self.groups[*i] as usize >= take).collect();
        self.values = keep.iter().map(|i| self.values[*i]).collect();
        if self.weighted {
            self.weights = keep.iter().map(|i| self.weights[*i]).collect();
        }
        self.groups = keep.iter().map(|i| self.groups[*i] - take as u32).collect();
    }

    /// Returns the percentiles of each group, one column for each.
    fn ranks(&self, take: usize) -> Vec<ArrayRef> {
        let by_group = ByGroup::new(&self.groups, take);
        let mut columns = vec![(Vec::with_capacity(take), Vec::with_capacity(take)); self.percents.len()];
        let mut sorted: Vec<(P::Item, i64)> = Vec::new();
        for group in 0..take {
            let weight = |item: usize| if self.weighted { self.weights[item] } else { 1 };
            sorted.clear();
            sorted.extend(by_group.items(group).iter().map(|i| (self.values[*i as usize], weight(*i as usize))));
            // A single rank needs no order of all.
            if let ([percent], false) = (self.percents.as_slice(), self.weighted) {
                let column = &mut columns[0];
                column.1.push(!sorted.is_empty());
                column.0.push(if sorted.is_empty() {
                    P::Item::default()
                } else {
                    let rank = nearest_rank(*percent, sorted.len() as i64) as usize - 1;
                    sorted.select_nth_unstable_by(rank, order::<P>).1.0
                });
                continue;
            }
            sorted.sort_unstable_by(order::<P>);
            let all: i64 = sorted.iter().fold(0, |sum, (_, weight)| sum.saturating_add(*weight));
            for (percent, column) in self.percents.iter().zip(&mut columns) {
                column.1.push(!sorted.is_empty());
                column.0.push(at_rank(&sorted, nearest_rank(*percent, all), self.weighted).unwrap_or_default());
            }
        }
        let build = |(values, seen): (Vec<P::Item>, Vec<bool>)| {
            let column = P::build(values, Some(NullBuffer::from(seen)).filter(|nulls| nulls.null_count() > 0));
            if self.as_dynamic { to_dynamic(&column, self.scalar_type) } else { column }
        };
        columns.into_iter().map(build).collect()
    }

    fn element(&self) -> DataType {
        if self.as_dynamic { DataType::Utf8View } else { P::data_type() }
    }

    fn fields(&self) -> Fields {
        (0..self.percents.len()).map(|index| Field::new(index.to_string(), self.element(), true)).collect()
    }

    fn arrays(&self, take: usize, columns: &[ArrayRef]) -> Result<ArrayRef> {
        let writers: Vec<Column> = columns.iter().map(|column| Column::new(self.scalar_type, column)).collect();
        let mut array = StringViewBuilder::with_capacity(take);
        let mut text = String::new();
        for group in 0..take {
            text.clear();
            for (column, writer) in columns.iter().zip(&writers) {
                text.push(if text.is_empty() { '[' } else { ',' });
                if column.is_null(group) { text.push_str("null") } else { writer.write(&mut text, group) }
            }
            text.push(']');
            array.try_append_value(&text).map_err(arrow_error)?;
        }
        Ok(Arc::new(array.finish()))
    }
}

/// Weights may come as `int`.
fn whole_numbers(array: &ArrayRef) -> Int64Array {
    match array.as_primitive_opt::<Int32Type>() {
        Some(ints) => ints.unary(i64::from),
        None => array.as_primitive::<Int64Type>().clone(),
    }
}

/// NaN comes last.
fn order<P: Plain>(a: &(P::Item, i64), b: &(P::Item, i64)) -> std::cmp::Ordering {
    a.0.partial_cmp(&b.0).unwrap_or_else(|| P::is_nan(a.0).cmp(&P::is_nan(b.0)))
}

/// Returns the rank, from 1, of the smallest of `count` values such that `percent` of them are no larger.
pub(in crate::functions) fn nearest_rank(percent: f64, count: i64) -> i64 {
    // Multiplied first: 55 / 100 * 100 is more than 55.
    let rank = percent * count as f64 / 100.0;
    ((rank - 1e-9).ceil() as i64).clamp(1, count.max(1))
}

fn at_rank<T: Copy>(sorted: &[(T, i64)], rank: i64, weighted: bool) -> Option<T> {
    if !weighted {
        return sorted.get(rank as usize - 1).map(|(value, _)| *value);
    }
    let mut seen = 0i64;
    let reached = sorted.iter().find(|(_, weight)| {
        seen = seen.saturating_add(*weight);
        seen >= rank
    });
    reached.or(sorted.last()).map(|(value, _)| *value)
}

impl<P: Plain> Accumulator for Values<P> {
    fn update(
        &mut self,
        arguments: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.total = total;
        let column = if self.dynamic { dynamic_numbers(&arguments[0]) } else { arguments[0].clone() };
        let values = P::array(&column);
        let weights = self.weighted.then(|| whole_numbers(&arguments[1]));
        let nulls = NullBuffer::union(column.nulls(), weights.as_ref().and_then(Array::nulls));
        let mut add = |row: usize| {
            if let Some(weights) = &weights {
                // Weights below one are no weights.
                if weights.value(row) < 1 {
                    return;
                }
                self.weights.push(weights.value(row));
            }
            self.values.push(P::get(values, row));
            self.groups.push(groups[row] as u32);
        };
        match chosen(filter, nulls) {
            None => (0..groups.len()).for_each(add),
            Some(chosen) => chosen.set_indices().for_each(&mut add),
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.total = total;
        let lists: &ListArray = states[0].as_list();
        let values = P::array(lists.values());
        let weights = states.get(1).map(|weights| weights.as_list::<i32>().values().as_primitive::<Int64Type>());
        each_list(lists, groups, |group, range| {
            if let Some(weights) = weights {
                self.weights.extend_from_slice(&weights.values()[range.clone()]);
            }
            self.groups.extend(std::iter::repeat_n(group as u32, range.len()));
            self.values.extend(range.map(|item| P::get(values, item)));
        });
        Ok(())
    }

    fn state_types(&self) -> Vec<DataType> {
        let mut types = vec![list_type(P::data_type())];
        types.extend(self.weighted.then(|| list_type(DataType::Int64)));
        types
    }

    fn state(&mut self, take: usize) -> Result<Vec<ArrayRef>> {
        let take = take.min(self.total);
        let by_group = ByGroup::new(&self.groups, take);
        let values = by_group.order.iter().map(|item| self.values[*item as usize]).collect();
        let mut state = vec![by_group.list(P::build(values, None))?];
        if self.weighted {
            let weights: Vec<i64> = by_group.order.iter().map(|item| self.weights[*item as usize]).collect();
            state.push(by_group.list(Arc::new(Int64Array::from(weights)))?);
        }
        self.forget(take);
        Ok(state)
    }

    fn result_type(&self) -> DataType {
        match self.shape {
            Shape::One => self.element(),
            Shape::Fields => DataType::Struct(self.fields()),
            Shape::Array => DataType::Utf8View,
        }
    }

    fn finish(&mut self, take: usize) -> Result<ArrayRef> {
        let take = take.min(self.total);
        let mut columns = self.ranks(take);
        self.forget(take);
        match self.shape {
            Shape::One => Ok(columns.swap_remove(0)),
            Shape::Array => self.arrays(take, &columns),
            Shape::Fields => {
                let array = StructArray::try_new_with_length(self.fields(), columns, None, take);
                Ok(Arc::new(array.map_err(arrow_error)?))
            }
        }
    }

    fn size(&self) -> usize {
        self.values.capacity() * size_of::<P::Item>() + self.groups.capacity() * 4 + self.weights.capacity() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn nearest_ranks() {
        let values: Vec<i64> = (1..=100).rev().collect();
        let percent = |p: i64| run("percentile", &[longs(&values), longs(&[p; 100])], &[0; 100]);
        assert_eq!([percent(5), percent(55), percent(99), percent(0)].concat(), ["5", "55", "99", "1"]);
        let columns = [reals(&[4.5, 1.5, 3.5, 2.5, 7.0]), longs(&[50; 5])];
        assert_eq!(run("percentile", &columns, &[0, 0, 0, 0, 2]), ["2.5", "null", "7"]);
    }

    #[test]
    fn several_at_once() {
        let columns = [longs(&[10, 20, 30, -1]), reals(&[50.0; 4]), reals(&[99.9; 4])];
        let returns = [ScalarType::Long; 2];
        assert_eq!(run_as("percentiles", &columns, &[0, 0, 0, 1], &returns, false), ["20 30", "null null"]);
        let columns = [longs(&[10, 20, 30, -1]), dynamics(&["[50, 100]"; 4])];
        assert_eq!(run("percentiles_array", &columns, &[0, 0, 0, 1]), ["[20,30]", "[null,null]"]);
    }

    #[test]
    fn weights_count() {
        let (values, weights) = (longs(&[10, 20, 30, 40]), longs(&[8, 6, 3, 1]));
        let columns = [values, weights, reals(&[50.0; 4]), reals(&[75.0; 4]), reals(&[99.9; 4])];
        assert_eq!(run_as("percentilesw", &columns, &[0; 4], &[ScalarType::Long; 3], false), ["20 20 40"]);
    }

    #[test]
    fn percents_are_checked() {
        let setup = Setup {
            types: vec![ScalarType::Long; 2],
            constants: vec![None, Some(Value::Long(101))],
            returns: vec![ScalarType::Long],
            ordered: false,
        };
        assert_eq!(percentiles(&setup, 1, Shape::One).unwrap_err().argument, Some(1));
    }
}
