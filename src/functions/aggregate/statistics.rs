//! `stdev`, `variance`, `covariance` and their population forms.

use std::fmt::Debug;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Decimal256Type, Float64Type, Int32Type, Int64Type};

use super::groups::{Longs, Plain, Reals, Result, chosen, dynamic_numbers, front};
use super::{Accumulator, Aggregate, Overload, Setup, State};
use crate::functions::{Kind, Naming, Parameter, Returns, one};
use crate::types::ScalarType;
use crate::types::decimal;

/// The family.
pub const AGGREGATES: &[Aggregate] = &[
    spread("stdev", "Gives the standard deviation of a sample.", STDEV, STDEV_EXAMPLES, "stdev-aggregation-function"),
    spread(
        "stdevp",
        "Gives the standard deviation of a whole population.",
        STDEVP,
        &[
            ("range x from 1 to 3 step 2 | summarize stdevp(x)", "print stdevp_x = 1.0"),
            ("datatable(x: long)[1, 3, long(null)] | summarize stdevp(x)", "print stdevp_x = 1.0"),
            ("datatable(x: long)[] | summarize stdevp(x)", "print stdevp_x = 0.0"),
        ],
        "stdevp-aggregation-function",
    ),
    spread("variance", "Gives the variance of a sample.", VARIANCE, VARIANCE_EXAMPLES, "variance-aggregation-function"),
    spread(
        "variancep",
        "Gives the variance of a whole population.",
        VARIANCEP,
        &[
            ("range x from 1 to 3 step 2 | summarize variancep(x)", "print variancep_x = 1.0"),
            ("datatable(x: long)[1, 3, long(null)] | summarize variancep(x)", "print variancep_x = 1.0"),
            ("datatable(x: long)[] | summarize variancep(x)", "print variancep_x = 0.0"),
        ],
        "variancep-aggregation-function",
    ),
    spread(
        "covariance",
        "Gives the covariance of a sample.",
        COVARIANCE,
        &[
            ("range x from 1 to 3 step 1 | summarize covariance(x, 2 * x)", "print covariance_x = 2.0"),
            (
                "datatable(x: long, y: long)[1, 1, 2, 2, long(null), 5] | summarize covariance(x, y)",
                "print covariance_x = 0.5",
            ),
            ("datatable(x: long, y: long)[1, 3, 2, 2, 3, 1] | summarize covariance(x, y)", "print covariance_x = -1.0"),
        ],
        "covariance-aggregation-function",
    ),
    spread(
        "covariancep",
        "Gives the covariance of a population.",
        COVARIANCEP,
        &[
            ("range x from 1 to 3 step 2 | summarize covariancep(x, -x)", "print covariancep_x = -1.0"),
            (
                "datatable(x: long, y: long)[1, 1, 3, 3, long(null), 5] | summarize covariancep(x, y)",
                "print covariancep_x = 1.0",
            ),
            ("range x from 1 to 3 step 2 | summarize covariancep(x, x)", "print covariancep_x = 1.0"),
        ],
        "covariancep-aggregation-function",
    ),
];

const STDEV_EXAMPLES: &[(&str, &str)] = &[
    ("datatable(x: long)[1, 3, long(null)] | summarize round(stdev(x), 4)", "print stdev_x = 1.4142"),
    ("datatable(x: long)[5] | summarize stdev(x)", "print stdev_x = 0.0"),
    // Nothing has no spread, and neither has one row (measured).
    ("datatable(x: long)[] | summarize stdev(x)", "print stdev_x = 0.0"),
];
const VARIANCE_EXAMPLES: &[(&str, &str)] = &[
    ("range x from 1 to 3 step 1 | summarize variance(x)", "print variance_x = 1.0"),
    ("datatable(x: long)[1, 3, long(null)] | summarize variance(x)", "print variance_x = 2.0"),
    ("datatable(x: long)[] | summarize variance(x)", "print variance_x = 0.0"),
];

const fn spread(
    name: &'static str,
    summary: &'static str,
    overloads: &'static [Overload],
    examples: &'static [(&'static str, &'static str)],
    page: &'static str,
) -> Aggregate {
    let naming = Naming::PrefixAndFirstArgument(name);
    Aggregate { name, aliases: &[], summary, naming, overloads, ordered: false, several: false, examples, page }
}

const fn overload(parameters: &'static [Parameter], state: fn(&Setup) -> Result<Box<dyn Accumulator>>) -> Overload {
    Overload { parameters, returns: Returns::Type(ScalarType::Real), state: State::New(state) }
}

const ONE: &[Parameter] = &[one("value", Kind::Summable)];
const TWO: &[Parameter] = &[one("value", Kind::Summable), one("other", Kind::Summable)];
const STDEV: &[Overload] = &[overload(ONE, |setup| moments(setup, |sum, n| (sum / (n - 1.0)).sqrt()))];
const STDEVP: &[Overload] = &[overload(ONE, |setup| moments(setup, |sum, n| (sum / n).sqrt()))];
const VARIANCE: &[Overload] = &[overload(ONE, |setup| moments(setup, |sum, n| sum / (n - 1.0)))];
const VARIANCEP: &[Overload] = &[overload(ONE, |setup| moments(setup, |sum, n| sum / n))];
const COVARIANCE: &[Overload] = &[overload(TWO, |setup| moments(setup, |sum, n| sum / (n - 1.0)))];
const COVARIANCEP: &[Overload] = &[overload(TWO, |setup| moments(setup, |sum, n| sum / n))];

fn moments(setup: &Setup, result: fn(f64, f64) -> f64) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(Moments {
        types: setup.types.clone(),
        result,
        counts: Vec::new(),
        means: vec![Vec::new(); setup.types.len()],
        products: Vec::new(),
    }))
}

/// Returns a column as reals; ticks and decimals lose what does not fit.
pub(super) fn as_reals(scalar_type: ScalarType, array: &ArrayRef) -> Float64Array {
    match scalar_type {
        ScalarType::Real => array.as_primitive::<Float64Type>().clone(),
        ScalarType::Int => array.as_primitive::<Int32Type>().unary(f64::from),
        ScalarType::Decimal => array.as_primitive::<Decimal256Type>().unary(decimal::to_real),
        ScalarType::Dynamic => dynamic_numbers(array).as_primitive::<Float64Type>().clone(),
        _ => array.as_primitive::<Int64Type>().unary(|value| value as f64),
    }
}

/// Means and the sum of the products of the distances from them, by Welford's method.
struct Moments {
    types: Vec<ScalarType>,
    result: fn(f64, f64) -> f64,
    counts: Vec<i64>,
    /// One for each argument.
    means: Vec<Vec<f64>>,
    products: Vec<f64>,
}

impl Debug for Moments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Moments of {} groups", self.counts.len())
    }
}

impl Moments {
    fn grow(&mut self, total: usize) {
        self.counts.resize(total, 0);
        self.products.resize(total, 0.0);
        self.means.iter_mut().for_each(|means| means.resize(total, 0.0));
    }
}

impl Accumulator for Moments {
    fn update(
        &mut self,
        arguments: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        let columns: Vec<Float64Array> =
            self.types.iter().zip(arguments).map(|(t, array)| as_reals(*t, array)).collect();
        let (first, last) = (&columns[0], &columns[columns.len() - 1]);
        let nulls = NullBuffer::union(first.nulls(), last.nulls());
        let (counts, products) = (&mut self.counts, &mut self.products);
        let (means, others) = self.means.split_at_mut(1);
        let mut add = |row: usize| {
            let group = groups[row];
            counts[group] += 1;
            let n = counts[group] as f64;
            let mean = &mut means[0][group];
            let before = first.value(row) - *mean;
            *mean += before / n;
            let after = match others.first_mut() {
                None => first.value(row) - *mean,
                Some(others) => {
                    let other = &mut others[group];
                    *other += (last.value(row) - *other) / n;
                    last.value(row) - *other
                }
            };
            products[group] += before * after;
        };
        match chosen(filter, nulls) {
            None => (0..groups.len()).for_each(add),
            Some(chosen) => chosen.set_indices().for_each(&mut add),
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.grow(total);
        let counts = Longs::array(&states[0]);
        let products = Reals::array(&states[1]);
        let means: Vec<&Float64Array> = states[2..].iter().map(Reals::array).collect();
        for (row, group) in groups.iter().enumerate().filter(|(row, _)| counts.value(*row) > 0) {
            let (a, b) = (self.counts[*group] as f64, counts.value(row) as f64);
            let mut distances = 1.0;
            for (known, more) in self.means.iter_mut().zip(&means) {
                let distance = more.value(row) - known[*group];
                known[*group] += distance * b / (a + b);
                distances *= if means.len() == 1 { distance * distance } else { distance };
            }
            self.products[*group] += products.value(row) + distances * a * b / (a + b);
            self.counts[*group] += counts.value(row);
        }
        Ok(())
    }

    fn state_types(&self) -> Vec<DataType> {
        let mut types = vec![DataType::Int64];
        types.resize(2 + self.means.len(), DataType::Float64);
        types
    }

    fn state(&mut self, take: usize) -> Result<Vec<ArrayRef>> {
        let mut state = vec![
            Longs::build(front(&mut self.counts, take), None),
            Reals::build(front(&mut self.products, take), None),
        ];
        state.extend(self.means.iter_mut().map(|means| Reals::build(front(means, take), None)));
        Ok(state)
    }

    fn result_type(&self) -> DataType {
        DataType::Float64
    }

    fn finish(&mut self, take: usize) -> Result<ArrayRef> {
        let (counts, products) = (front(&mut self.counts, take), front(&mut self.products, take));
        self.means.iter_mut().for_each(|means| drop(front(means, take)));
        let one = |(n, sum): (i64, f64)| if n < 2 { 0.0 } else { (self.result)(sum, n as f64) };
        Ok(Reals::build(counts.into_iter().zip(products).map(one).collect(), None))
    }

    fn size(&self) -> usize {
        self.counts.capacity() * 8 * (2 + self.means.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    fn rounded(results: &[String]) -> Vec<String> {
        results.iter().map(|text| format!("{:.4}", text.parse::<f64>().unwrap())).collect()
    }

    #[test]
    fn samples_and_populations() {
        let values = longs(&[1, 2, 3, -1, 4, 5, 7, -1]);
        let groups = [0, 0, 0, 0, 0, 0, 1, 2];
        let one = |name: &str| rounded(&run(name, std::slice::from_ref(&values), &groups));
        assert_eq!(one("variance"), ["2.5000", "0.0000", "0.0000"]);
        assert_eq!(one("variancep"), ["2.0000", "0.0000", "0.0000"]);
        assert_eq!(one("stdev"), ["1.5811", "0.0000", "0.0000"]);
        assert_eq!(one("stdevp"), ["1.4142", "0.0000", "0.0000"]);
    }

    #[test]
    fn covariance_needs_both_values() {
        let columns = [longs(&[1, 2, 3, 9, 1]), reals(&[2.0, 4.0, 6.5, 8.0, 1.0])];
        let mut with_null = columns.clone();
        with_null[0] = longs(&[1, 2, 3, -1, 1]);
        assert_eq!(rounded(&run("covariance", &with_null, &[0, 0, 0, 0, 1])), ["2.2500", "0.0000"]);
        assert_eq!(rounded(&run("covariancep", &with_null, &[0, 0, 0, 0, 1])), ["1.5000", "0.0000"]);
    }
}
