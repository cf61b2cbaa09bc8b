//! The typed relational tree between KQL and an engine.
//!
//! Names are resolved, types are known, implicit conversions are calls. Every node says which columns it gives; within a
//! node their names are unique. The tree knows nothing of syntax and nothing of the engine that runs it.

pub mod fold;
pub mod graph;
pub mod period;
pub mod print;
pub mod rewrite;
pub mod visit;

use std::sync::Arc;

use crate::catalog::External;
use crate::diagnostic::Span;
use crate::functions::aggregate::Aggregate;
use crate::functions::plugin::Invocation;
use crate::functions::{Function, Kernel};
use crate::types::whereabouts::Places;
use crate::types::{Column, ScalarType, Value};

/// A query, ready to run.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// One result for each tabular expression statement (and each branch of `fork`), in order.
    pub results: Vec<QueryResult>,
    /// Subplans that several places share: `let x = materialize(...)`. Node [`Kind::Shared`] names them by index.
    pub shared: Vec<Node>,
    /// `set query_now = ...`, in ticks.
    pub now: Option<i64>,
    /// `set truncationmaxrecords = ...`: with more rows in a result the query fails.
    pub most_records: Option<usize>,
    /// Who knows where IP addresses are.
    pub places: Option<Arc<dyn Places>>,
    /// Files that the query names itself; [`Kind::Scan`] reads them by the name of their table.
    pub externals: Vec<External>,
}

impl Plan {
    /// Makes the plan that gives the rows of a relation.
    pub fn of(node: Node) -> Plan {
        let results = vec![QueryResult { name: "PrimaryResult".into(), node, render: None }];
        Plan { results, ..Plan::default() }
    }
}

/// One result of a query.
#[derive(Debug, Clone)]
pub struct QueryResult {
    /// `PrimaryResult`, or the name of a `fork` branch.
    pub name: String,
    pub node: Node,
    /// What `render` asked for.
    pub render: Option<Render>,
}

/// `render chart with (name = value)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Render {
    pub chart: String,
    pub properties: Vec<(String, String)>,
}

/// A relation.
#[derive(Debug, Clone)]
pub struct Node {
    pub columns: Vec<Column>,
    /// The rows stand in an order that KQL defines (`sort`, `top`, `range`, `serialize`, `datatable`... then row-wise
    /// operators): window functions may run over it.
    pub serialized: bool,
    pub kind: Kind,
}

#[derive(Debug, Clone)]
pub enum Kind {
    /// A table of the catalog. `columns` of the node are those that are read.
    Scan {
        table: String,
    },
    /// Rows of literals: `datatable`, `print`.
    Values {
        rows: Vec<Vec<Value>>,
    },
    /// `range name from start to stop step step`, ends included; all of the column's type; numbers or ticks.
    Range {
        start: Expr,
        stop: Expr,
        step: Expr,
    },
    /// One row without columns: what `print` computes on.
    Unit,
    /// A shared subplan, by index into [`Plan::shared`].
    Shared {
        index: usize,
    },
    Filter {
        input: Box<Node>,
        predicate: Expr,
    },
    /// The columns of the node, computed from the input's.
    Project {
        input: Box<Node>,
        expressions: Vec<Expr>,
    },
    /// Keys come first, then the outputs of the aggregates. Without keys: one row, whatever the input.
    Aggregate {
        input: Box<Node>,
        keys: Vec<Expr>,
        aggregates: Vec<AggregateCall>,
    },
    /// A stable sort; with `limit` only so many first rows.
    Sort {
        input: Box<Node>,
        keys: Vec<SortKey>,
        limit: Option<usize>,
    },
    /// The first `count` rows.
    Limit {
        input: Box<Node>,
        count: usize,
    },
    /// The columns of the left side, then those of the right (one side's only for semi and anti kinds): renamed by the
    /// node's `columns`, which stand in that order.
    Join {
        left: Box<Node>,
        right: Box<Node>,
        kind: JoinKind,
        on: Vec<(Expr, Expr)>,
    },
    /// All inputs have the columns of the node, in order.
    Union {
        inputs: Vec<Node>,
    },
    /// The input's columns with those of `arrays` replaced in place (`replaces`) or appended, then the index column.
    Expand {
        input: Box<Node>,
        arrays: Vec<ExpandColumn>,
        index: Option<String>,
        limit: Option<i64>,
        bag_arrays: bool,
    },
    /// The input's columns, then one column for each capture. See [`ParsePattern`].
    Parse {
        input: Box<Node>,
        source: Expr,
        pattern: ParsePattern,
        filter: bool,
    },
    /// The input's columns, then one for each function, over the serialized input.
    Window {
        input: Box<Node>,
        functions: Vec<WindowCall>,
    },
    /// `make-series`: one row for each combination of the keys, with an array for each aggregate and the axis last.
    /// The input has the columns: keys, then `axis` (the start of each row's bin), then one for each aggregate.
    Series {
        input: Box<Node>,
        keys: usize,
        axis: SeriesAxis,
        defaults: Vec<Value>,
        non_empty: bool,
    },
    /// The rows as they stand, in the order that the engine finds them; from here on the order is fixed.
    Serialize {
        input: Box<Node>,
    },
    /// `scan`: the rows that match steps, one for each match. The input's columns, then those that are declared, then the
    /// number of the match.
    Sequence {
        input: Box<Node>,
        sequence: Box<Sequence>,
    },
    /// `top-nested`, and with `definite` `top-hitters`, where a tie for the last place is an error. For each level its
    /// value and its measure.
    TopNested {
        input: Box<Node>,
        levels: Vec<TopNestedLevel>,
        definite: bool,
    },
    /// `evaluate`: a plugin over the rows of the input and of the tables among its arguments, each with the columns that
    /// the call was bound over.
    Plugin {
        input: Box<Node>,
        tables: Vec<Node>,
        call: Box<Invocation>,
    },
    /// Rows that an earlier part of the query gave, by index into the session's.
    Materialized {
        index: usize,
    },
    /// The matches of a pattern in a graph. The columns are those of its values that are asked for.
    Graph(Box<graph::Graph>),
}

/// One level of `top-nested`.
#[derive(Debug, Clone)]
pub struct TopNestedLevel {
    pub value: Expr,
    /// How many values stay within each one of the level above; None for all.
    pub count: Option<usize>,
    /// What stands for the values that do not stay.
    pub others: Option<Value>,
    pub aggregates: Vec<AggregateCall>,
    /// Made of the outputs of the aggregates.
    pub measure: Expr,
    pub ascending: bool,
    pub nulls_first: bool,
}

/// What `scan` looks for in rows that come in order.
#[derive(Debug, Clone)]
pub struct Sequence {
    /// Columns beyond those of the input, each with its value where no step assigns one.
    pub declared: Vec<(Column, Value)>,
    /// The column that numbers matches from 0.
    pub match_id: Option<String>,
    /// Rows that agree in these are looked at by themselves.
    pub partition: Vec<Expr>,
    pub steps: Vec<SequenceStep>,
    /// What the steps' expressions read of the state.
    pub states: Vec<StateColumn>,
}

/// One step of `scan`.
#[derive(Debug, Clone)]
pub struct SequenceStep {
    pub condition: Expr,
    /// Columns of the input or declared ones, with what they become in a row that matches.
    pub assignments: Vec<(String, Expr)>,
    pub output: StepOutput,
}

/// Which rows that match a step come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepOutput {
    All,
    /// The last one of a row of matches.
    Last,
    None,
}

/// `step.column`: what a column was in the last row that matched a step.
#[derive(Debug, Clone)]
pub struct StateColumn {
    /// Stands for it in expressions; the name is one that no text can spell.
    pub column: Column,
    pub step: usize,
    /// The column's own name.
    pub of: String,
}

/// The axis of `make-series`. Bounds that were not written come from the data: the first bin, and behind the last.
#[derive(Debug, Clone)]
pub struct SeriesAxis {
    pub from: Option<Expr>,
    /// Exclusive.
    pub to: Option<Expr>,
    pub step: Expr,
    pub scalar_type: ScalarType,
}

/// A join's kind; the names are KQL's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    InnerUnique,
    Inner,
    LeftOuter,
    RightOuter,
    FullOuter,
    LeftSemi,
    LeftAnti,
    RightSemi,
    RightAnti,
}

/// One expanded column of `mv-expand`.
#[derive(Debug, Clone)]
pub struct ExpandColumn {
    /// A dynamic array or bag (or anything, which counts as one element).
    pub array: Expr,
    /// The column of the input that it takes the place of; else it is appended.
    pub replaces: Option<String>,
    /// Its name in the result.
    pub name: String,
    /// What each element is converted to; `dynamic` leaves it.
    pub scalar_type: ScalarType,
}

/// What `parse` looks for.
#[derive(Debug, Clone)]
pub struct ParsePattern {
    pub mode: ParseMode,
    /// Regex flags as written: a subset of `imsUx`.
    pub flags: String,
    pub parts: Vec<ParsePart>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseMode {
    Simple,
    Relaxed,
    Regex,
}

#[derive(Debug, Clone)]
pub enum ParsePart {
    Star,
    Text(String),
    /// A capture: name and type of the column. A name that the input has is replaced in place.
    Column(Column),
}

/// One aggregate of a `summarize`.
#[derive(Debug, Clone)]
pub struct AggregateCall {
    pub aggregate: &'static Aggregate,
    /// Index of the overload.
    pub overload: usize,
    pub arguments: Vec<Expr>,
    /// Only rows where it is true count.
    pub filter: Option<Expr>,
    /// One column, or one for each field where the aggregate gives several.
    pub outputs: Vec<Column>,
}

/// One sort key.
#[derive(Debug, Clone)]
pub struct SortKey {
    pub value: Expr,
    pub ascending: bool,
    pub nulls_first: bool,
}

/// A function of the row's neighbours.
#[derive(Debug, Clone)]
pub struct WindowCall {
    pub function: WindowFunction,
    pub arguments: Vec<Expr>,
    pub output: Column,
}

/// KQL's window functions; arguments as documented, defaults filled in by the binder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowFunction {
    /// `row_number(start, restart)`
    RowNumber,
    /// `row_rank_min(term, restart)`
    RowRankMin,
    /// `row_rank_dense(term, restart)`
    RowRankDense,
    /// `row_cumsum(term, restart)`
    RowCumsum,
    /// `row_window_session(expr, max_from_first, max_between, restart)`
    RowWindowSession,
    /// `prev(column, offset, default)`
    Prev,
    /// `next(column, offset, default)`
    Next,
}

/// A scalar expression over one row of a relation.
#[derive(Debug, Clone)]
pub enum Expr {
    /// A column of the input.
    Column(Column),
    Literal(Value),
    /// A call of the library. Arguments have been converted to what the overload asks for.
    Call {
        function: &'static Function,
        overload: usize,
        arguments: Vec<Expr>,
        returns: ScalarType,
        /// Where the query calls it; None for calls that nobody wrote.
        at: Option<Span>,
    },
    /// One column of a call that gives several.
    Part {
        function: &'static Function,
        overload: usize,
        arguments: Vec<Expr>,
        index: usize,
        returns: ScalarType,
        at: Option<Span>,
    },
    /// Conversion with the semantics of `tostring`, `tolong` ... (null where it fails).
    Convert {
        value: Box<Expr>,
        to: ScalarType,
    },
    /// Three-valued; at least two operands.
    And(Vec<Expr>),
    /// Three-valued; at least two operands.
    Or(Vec<Expr>),
    Not(Box<Expr>),
    /// Both sides have one type, not dynamic.
    Compare {
        operator: Comparison,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `value in (set)`: literals of the value's type. With `fold_case` strings compare as `=~` does.
    In {
        value: Box<Expr>,
        set: Vec<Value>,
        fold_case: bool,
        negated: bool,
    },
    /// `value in (subquery)`: against the first column of the relation, converted to the value's type.
    InQuery {
        value: Box<Expr>,
        query: Box<Node>,
        fold_case: bool,
        negated: bool,
    },
    /// `base.a["b"][0]`: a dynamic within a dynamic; null where a step is missing.
    Path {
        base: Box<Expr>,
        steps: Vec<Step>,
    },
    /// `parse_json(text)` of a string: a path right above it is one fused function.
    ParseJson(Box<Expr>),
    /// `toscalar(query)`: first row, first column, once per query.
    ScalarQuery {
        query: Box<Node>,
        returns: ScalarType,
    },
    /// The query's clock, in ticks: a datetime.
    Now,
}

/// A step of a path into a dynamic value.
#[derive(Debug, Clone)]
pub enum Step {
    Key(String),
    /// Negative: from the end.
    Index(i64),
    /// A key or an index that is computed for each row: string or long.
    Computed(Box<Expr>),
}

/// Comparisons by KQL's rules for nulls: one null side makes `==` false and `!=` true, two make them null; the others
/// are null as soon as one side is. NaN equals nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    /// Returns the comparison that holds when the sides change places.
    pub fn flipped(self) -> Comparison {
        match self {
            Comparison::Less => Comparison::Greater,
            Comparison::LessOrEqual => Comparison::GreaterOrEqual,
            Comparison::Greater => Comparison::Less,
            Comparison::GreaterOrEqual => Comparison::LessOrEqual,
            Comparison::Equal | Comparison::NotEqual => self,
        }
    }

    /// Returns the sign that stands for it in a query, which is the name of its function too.
    pub fn sign(self) -> &'static str {
        match self {
            Comparison::Equal => "==",
            Comparison::NotEqual => "!=",
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
        }
    }
}

impl Expr {
    /// Adds the conditions that all must hold for a row to pass a filter.
    pub fn conjuncts<'a>(&'a self, out: &mut Vec<&'a Expr>) {
        match self {
            Expr::And(operands) => operands.iter().for_each(|operand| operand.conjuncts(out)),
            Expr::Call { function, arguments, .. } if function.is_conjunction() => {
                arguments.iter().for_each(|operand| operand.conjuncts(out));
            }
            other => out.push(other),
        }
    }

    /// Returns the type of the expression.
    pub fn scalar_type(&self) -> ScalarType {
        match self {
            Expr::Column(column) => column.scalar_type,
            Expr::Literal(value) => value.scalar_type(),
            Expr::Call { returns, .. } | Expr::Part { returns, .. } | Expr::ScalarQuery { returns, .. } => *returns,
            Expr::Convert { to, .. } => *to,
            Expr::And(_)
            | Expr::Or(_)
            | Expr::Not(_)
            | Expr::Compare { .. }
            | Expr::In { .. }
            | Expr::InQuery { .. } => ScalarType::Bool,
            Expr::Path { .. } | Expr::ParseJson(_) => ScalarType::Dynamic,
            Expr::Now => ScalarType::DateTime,
        }
    }

    /// Calls `f` on each direct operand; not on subqueries.
    pub fn for_each_operand<'a>(&'a self, f: &mut dyn FnMut(&'a Expr)) {
        match self {
            Expr::Column(_) | Expr::Literal(_) | Expr::ScalarQuery { .. } | Expr::Now => {}
            Expr::Call { arguments, .. }
            | Expr::Part { arguments, .. }
            | Expr::And(arguments)
            | Expr::Or(arguments) => arguments.iter().for_each(f),
            Expr::Convert { value, .. }
            | Expr::Not(value)
            | Expr::ParseJson(value)
            | Expr::In { value, .. }
            | Expr::InQuery { value, .. } => f(value),
            Expr::Compare { left, right, .. } => {
                f(left);
                f(right);
            }
            Expr::Path { base, steps } => {
                f(base);
                for step in steps {
                    if let Step::Computed(step) = step {
                        f(step);
                    }
                }
            }
        }
    }

    /// Adds the names of the columns that it reads.
    pub fn columns_read<'a>(&'a self, names: &mut std::collections::HashSet<&'a str>) {
        if let Expr::Column(column) = self {
            names.insert(&column.name);
        }
        self.for_each_operand(&mut |operand| operand.columns_read(names));
    }

    /// Returns the kernel of a call.
    pub fn kernel(&self) -> Option<Kernel> {
        match self {
            Expr::Call { function, overload, .. } => Some(function.overloads[*overload].kernel),
            _ => None,
        }
    }
}
