//! Aggregates, one file per family: the declaration beside the accumulator that computes it.
//!
//! An accumulator holds all groups of one aggregate at once, column-wise, so that no call is made per row.

mod arg;
mod bitwise;
mod collect;
mod count;
mod distinct;
mod extreme;
mod groups;
mod quantile;
mod schema;
mod sketch;
mod statistics;
mod sum;
#[cfg(test)]
mod testing;
mod write;

pub(super) use quantile::nearest_rank;

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::LazyLock;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::DataType;

use super::{FunctionError, Naming, Parameter, Returns};
use crate::types::{ScalarType, Value};

/// An aggregate.
#[derive(Debug)]
pub struct Aggregate {
    pub name: &'static str,
    /// Older names of the same aggregate.
    pub aliases: &'static [&'static str],
    /// One sentence: what it gives.
    pub summary: &'static str,
    pub naming: Naming,
    pub overloads: &'static [Overload],
    /// Its result depends on the order of the rows where the input is serialized. Its accumulator gets one more
    /// argument then: the number of the row, a `long`.
    pub ordered: bool,
    /// Gives one column for each argument that it returns (`arg_max`, `take_any`, `percentiles`): the accumulator's
    /// array is a struct with one field for each, in order.
    pub several: bool,
    /// Pairs of a query and the rows that must come out of another query.
    pub examples: &'static [(&'static str, &'static str)],
    /// The name of its page in the language reference, without ending.
    pub page: &'static str,
}

/// Which row of a group an aggregate takes its results from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// That with the greatest first argument.
    Greatest,
    /// That with the least first argument.
    Least,
    Any,
}

impl Aggregate {
    /// Tells from which row it takes its results, if it takes all of them from one.
    pub fn picks(&self) -> Option<Pick> {
        match self.name {
            "arg_max" => Some(Pick::Greatest),
            "arg_min" => Some(Pick::Least),
            "take_any" => Some(Pick::Any),
            _ => None,
        }
    }

    /// Tells whether its result tells the form of its values, and not just the values.
    pub fn shows_form(&self) -> bool {
        self.name == "buildschema"
    }
}

/// One signature of an aggregate.
#[derive(Debug)]
pub struct Overload {
    pub parameters: &'static [Parameter],
    pub returns: Returns,
    pub state: State,
}

/// Makes accumulators.
#[derive(Debug, Clone, Copy)]
pub enum State {
    New(fn(&Setup) -> Result<Box<dyn Accumulator>, FunctionError>),
    /// The signature is known, the aggregate is not built yet: queries that use it are refused by name.
    Unbuilt,
}

/// What an accumulator is made for.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Types of the arguments as they arrive.
    pub types: Vec<ScalarType>,
    /// The values of those that are constant.
    pub constants: Vec<Option<Value>>,
    /// Type of the result; of [`Aggregate::several`] those of its fields.
    pub returns: Vec<ScalarType>,
    /// The row's number comes as one more argument, see [`Aggregate::ordered`].
    pub ordered: bool,
}

/// State of one aggregate for all groups.
///
/// Groups are numbered from 0; a call says how many there are by now, and new ones start empty. `take` of
/// [`Self::finish`] and [`Self::state`] is a number of groups to emit and forget, counted from group 0; the rest moves
/// down. Constant arguments arrive as arrays too.
pub trait Accumulator: Send + Sync + Debug {
    /// Adds rows: row `i` belongs to group `groups[i]`; where `filter` is given, only rows with true count.
    fn update(
        &mut self,
        arguments: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<(), FunctionError>;

    /// Adds what [`Self::state`] of another accumulator gave: state `i` belongs to group `groups[i]`.
    fn merge(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<(), FunctionError>;

    /// Returns the Arrow types of the columns of [`Self::state`].
    fn state_types(&self) -> Vec<DataType>;

    /// Emits what another accumulator can merge.
    fn state(&mut self, take: usize) -> Result<Vec<ArrayRef>, FunctionError>;

    /// Returns the Arrow type of [`Self::finish`].
    fn result_type(&self) -> DataType;

    /// Emits results.
    fn finish(&mut self, take: usize) -> Result<ArrayRef, FunctionError>;

    /// Returns the bytes that the state holds, roughly; cheap, for it is asked after every batch.
    fn size(&self) -> usize;
}

/// `sumif(x, p)` is `sum(x)` over the rows where `p` is true: name, aggregate, index of the condition.
pub const CONDITIONAL: &[(&str, &str, usize)] = &[
    ("countif", "count", 0),
    ("sumif", "sum", 1),
    ("avgif", "avg", 1),
    ("minif", "min", 1),
    ("maxif", "max", 1),
    ("dcountif", "dcount", 1),
    ("count_distinctif", "count_distinct", 1),
    ("make_list_if", "make_list", 1),
    ("make_set_if", "make_set", 1),
    ("make_bag_if", "make_bag", 1),
    ("stdevif", "stdev", 1),
    ("stdevpif", "stdevp", 1),
    ("varianceif", "variance", 1),
    ("variancepif", "variancep", 1),
    ("take_anyif", "take_any", 1),
    ("anyif", "take_any", 1),
    ("percentileif", "percentile", 2),
    ("hll_if", "hll", 1),
    ("covarianceif", "covariance", 2),
    ("covariancepif", "covariancep", 2),
];

static BY_NAME: LazyLock<HashMap<&'static str, &'static Aggregate>> = LazyLock::new(|| {
    let mut names = HashMap::new();
    for aggregate in families().into_iter().flatten() {
        for name in aggregate.aliases.iter().chain([&aggregate.name]) {
            names.insert(*name, aggregate);
        }
    }
    names
});

fn families() -> Vec<&'static [Aggregate]> {
    vec![
        arg::AGGREGATES,
        bitwise::AGGREGATES,
        collect::AGGREGATES,
        count::AGGREGATES,
        distinct::AGGREGATES,
        extreme::AGGREGATES,
        quantile::AGGREGATES,
        sketch::AGGREGATES,
        statistics::AGGREGATES,
        sum::AGGREGATES,
    ]
}

/// Finds an aggregate by its name or an older name of it; not the conditional forms, see [`CONDITIONAL`].
pub fn aggregate(name: &str) -> Option<&'static Aggregate> {
    BY_NAME.get(name).copied()
}

/// Returns every aggregate, sorted by name.
pub fn aggregates() -> Vec<&'static Aggregate> {
    let mut all: Vec<_> = BY_NAME.iter().filter(|(name, a)| **name == a.name).map(|(_, a)| *a).collect();
    all.sort_by_key(|a| a.name);
    all
}
