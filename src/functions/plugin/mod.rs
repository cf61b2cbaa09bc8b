//! What `evaluate` calls: plugins, as data.
//!
//! A plugin is one value like a function: its name, what it means, its parameters, which columns come out of it, what
//! computes it, and examples that are run. Of an *open* plugin only the data tell the columns: the part of the query
//! before it runs first, and the rest is bound when they are known.

mod activity;
mod bag_unpack;
mod dcount_intersect;
mod geo_lookup;
mod ip_lookup;
mod narrow;
mod new_activity;
pub mod parts;
pub mod pivot;
mod refused;
mod rolling_percentile;
mod rows;
mod rows_near;
mod schema_merge;
mod timeline;

use std::collections::HashMap;
use std::sync::LazyLock;

use arrow::array::RecordBatch;

use super::{FunctionError, Kind};
use crate::types::{Column, ScalarType, Value};

/// A plugin.
#[derive(Debug)]
pub struct Plugin {
    pub name: &'static str,
    /// One sentence: what it gives.
    pub summary: &'static str,
    /// In the order in which they are tried.
    pub signatures: &'static [&'static [Parameter]],
    pub columns: Columns,
    pub run: Run,
    /// Pairs of a query and a query that gives the same rows.
    pub examples: &'static [(&'static str, &'static str)],
    /// The name of its page in the language reference, without ending.
    pub page: &'static str,
    /// Microsoft's parser does not know it, Kusto's engine does.
    pub unlisted: bool,
    /// It runs over serialized rows and keeps their order.
    pub ordered: bool,
}

/// A parameter of a plugin.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    pub name: &'static str,
    pub takes: Takes,
    /// How many arguments it takes at least: 0 where it may be left out.
    pub min: u16,
    /// How many arguments it takes at most.
    pub max: u16,
    /// Microsoft's parser does not know it, Kusto's engine does.
    pub unlisted: bool,
    /// It may be left out by a `"~"` in its place, where others follow (documented).
    pub tilde: bool,
}

/// What a parameter of a plugin takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// A column of the input, by its bare name.
    Column(Kind),
    /// A column of the table that is the first argument.
    ColumnOfTable,
    /// A column that the input and that table have both.
    ColumnOfBoth,
    /// A constant: literals, scalar `let`s and foldable calls of them.
    Constant(Kind),
    /// A literal.
    Literal(Kind),
    /// Any expression over a row of the input: arrives as a column.
    Expression(Kind),
    /// A relation.
    Table,
    /// The call of an aggregate.
    Aggregate,
    /// Whatever it is: the plugin is refused.
    Anything,
}

/// Which columns come out.
#[derive(Debug, Clone, Copy)]
pub enum Columns {
    /// The input and the arguments tell.
    Closed(fn(&Invocation) -> Result<Vec<Column>, FunctionError>),
    /// Only the data tell.
    Open {
        /// The columns that are known without them.
        known: fn(&Invocation) -> Result<Vec<Column>, FunctionError>,
        /// The parameter whose column is looked at to find the others.
        reads: &'static str,
        /// All columns, in their order.
        discover: Discover,
    },
}

/// Finds columns in rows, which come once.
pub type Discover = fn(&Invocation, &mut dyn Iterator<Item = RecordBatch>) -> Result<Vec<Column>, FunctionError>;

/// Makes what computes a call, with the rows of the tables among its arguments.
pub type Make = fn(&Invocation, Vec<Vec<RecordBatch>>) -> Result<Box<dyn Process>, FunctionError>;

/// What computes a plugin.
#[derive(Debug, Clone, Copy)]
pub enum Run {
    /// Over batches, in the order of the rows.
    Batches(Make),
    /// The binder makes relational operators of it.
    Operators,
    /// It is known and not computed, for this reason.
    Refused(&'static str),
}

/// The call of a plugin, its arguments in place.
#[derive(Debug, Clone)]
pub struct Invocation {
    pub plugin: &'static Plugin,
    pub arguments: Vec<Argument>,
    /// The columns of the input, then those that are computed for the arguments.
    pub input: Vec<Column>,
    /// How many of them the input has of its own.
    pub own: usize,
    /// The columns of the tables among the arguments.
    pub tables: Vec<Vec<Column>>,
    /// What comes out, once that is known.
    pub columns: Vec<Column>,
}

/// One argument.
#[derive(Debug, Clone)]
pub struct Argument {
    /// The name of its parameter.
    pub parameter: &'static str,
    /// What a column made of it is called: `graph` of `graph = (Url has 'graph')`.
    pub name: String,
    pub value: Given,
}

/// The value of an argument.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// The place of a column of the input.
    Column(usize),
    /// The place of a column of the first table.
    ColumnOfTable(usize),
    Constant(Value),
    /// An index into the invocation's tables.
    Table(usize),
}

/// A stateful transformation of a stream of batches, whose columns are those of [`Invocation::columns`].
pub trait Process: Send {
    /// Takes the next batch and gives what is ready.
    fn push(&mut self, batch: &RecordBatch) -> Result<Vec<RecordBatch>, FunctionError>;

    /// Ends the input and gives the rest.
    fn finish(&mut self) -> Result<Vec<RecordBatch>, FunctionError> {
        Ok(Vec::new())
    }

    /// Returns the bytes that the state holds, roughly.
    fn size(&self) -> usize {
        0
    }
}

impl Parameter {
    const fn new(name: &'static str, takes: Takes) -> Self {
        Parameter { name, takes, min: 1, max: 1, unlisted: false, tilde: false }
    }

    /// It may be left out.
    const fn optional(self) -> Self {
        Parameter { min: 0, ..self }
    }

    /// It takes any number of arguments, but at least so many.
    const fn repeated(self, min: u16) -> Self {
        Parameter { min, max: 32767, ..self }
    }

    /// It may be left out, by a `"~"` too: its place tells what is meant for it.
    const fn or_tilde(self) -> Self {
        Parameter { min: 0, tilde: true, ..self }
    }

    /// Microsoft's parser does not know it.
    const fn unlisted(self) -> Self {
        Parameter { unlisted: true, ..self }
    }
}

impl Invocation {
    fn given(&self, parameter: &str) -> impl Iterator<Item = &Argument> {
        self.arguments.iter().filter(move |argument| argument.parameter == parameter)
    }

    /// Returns the places of the input's columns that a parameter was given.
    pub fn places(&self, parameter: &str) -> Vec<usize> {
        let place = |argument: &Argument| match argument.value {
            Given::Column(place) => Some(place),
            _ => None,
        };
        self.given(parameter).filter_map(place).collect()
    }

    /// Returns the place of the one column that a parameter was given; 0 where a call that is wrong lacks it.
    pub fn place(&self, parameter: &str) -> usize {
        self.places(parameter).first().copied().unwrap_or(0)
    }

    /// Returns the input's column that a parameter was given.
    pub fn column(&self, parameter: &str) -> Option<&Column> {
        self.places(parameter).first().and_then(|place| self.input.get(*place))
    }

    /// Returns the constant that a parameter was given.
    pub fn constant(&self, parameter: &str) -> Option<&Value> {
        self.given(parameter).find_map(|argument| match &argument.value {
            Given::Constant(value) => Some(value),
            _ => None,
        })
    }

    /// Returns the bool that a parameter was given, false without one.
    pub fn flag(&self, parameter: &str) -> bool {
        self.constant(parameter) == Some(&Value::Bool(true))
    }

    /// Returns the place in the input of each column that comes out under its own name and type.
    pub fn same_columns(&self) -> Vec<Option<usize>> {
        self.columns.iter().map(|column| self.input.iter().position(|own| own == column)).collect()
    }

    /// Makes an error about the argument of a parameter.
    pub fn error(&self, parameter: &str, code: &'static str, message: impl Into<String>) -> FunctionError {
        let argument = self.arguments.iter().position(|argument| argument.parameter == parameter);
        FunctionError { code, message: message.into(), argument }
    }

    /// Finds the columns of an open plugin.
    pub fn discover(&self, batches: &mut dyn Iterator<Item = RecordBatch>) -> Result<Vec<Column>, FunctionError> {
        match self.plugin.columns {
            Columns::Closed(columns) => columns(self),
            Columns::Open { discover, .. } => discover(self, batches),
        }
    }

    /// Makes what computes the call; `tables` are the rows of the tables among the arguments.
    pub fn process(&self, tables: Vec<Vec<RecordBatch>>) -> Result<Box<dyn Process>, FunctionError> {
        match self.plugin.run {
            Run::Batches(make) => make(self, tables),
            Run::Operators | Run::Refused(_) => Err(FunctionError {
                code: "AQ001",
                message: format!("the plugin `{}` is not computed", self.plugin.name),
                argument: None,
            }),
        }
    }
}

/// Any column that is not dynamic.
const PLAIN: Takes = Takes::Column(Kind::NotDynamic);
/// A column of numbers, datetimes or timespans.
const SUMMABLE: Takes = Takes::Column(Kind::Summable);
/// A constant number, datetime or timespan.
const AMOUNT: Takes = Takes::Constant(Kind::Summable);
const STRING: Kind = Kind::Is(ScalarType::String);
const BOOL: Kind = Kind::Is(ScalarType::Bool);

static ALL: &[&[&Plugin]] = &[
    &[
        &bag_unpack::BAG_UNPACK,
        &dcount_intersect::DCOUNT_INTERSECT,
        &geo_lookup::GEO_LINE_LOOKUP,
        &geo_lookup::GEO_POLYGON_LOOKUP,
        &ip_lookup::IPV4_LOOKUP,
        &ip_lookup::IPV6_LOOKUP,
        &narrow::NARROW,
        &new_activity::NEW_ACTIVITY_METRICS,
        &pivot::PIVOT,
        &rolling_percentile::ROLLING_PERCENTILE,
        &rows_near::ROWS_NEAR,
        &schema_merge::SCHEMA_MERGE,
    ],
    activity::PLUGINS,
    refused::PLUGINS,
];

static BY_NAME: LazyLock<HashMap<&'static str, &'static Plugin>> =
    LazyLock::new(|| ALL.iter().flat_map(|family| family.iter()).map(|plugin| (plugin.name, *plugin)).collect());

/// Finds a plugin by its name.
///
/// ```
/// use alertq::functions::plugin::plugin;
/// assert_eq!(plugin("bag_unpack").map(|p| p.name), Some("bag_unpack"));
/// assert!(plugin("no_such").is_none());
/// ```
pub fn plugin(name: &str) -> Option<&'static Plugin> {
    BY_NAME.get(name).copied()
}

/// Returns every plugin, sorted by name.
pub fn plugins() -> Vec<&'static Plugin> {
    let mut all: Vec<_> = BY_NAME.values().copied().collect();
    all.sort_by_key(|plugin| plugin.name);
    all
}
