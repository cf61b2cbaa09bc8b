//! The operators of a pipeline, and what they are written with.

use super::{ColumnDeclaration, Expr, Name, NamedExpr, OperatorParameter, OrderedExpr, Parameter, Query};
use crate::diagnostic::Span;

/// A tabular operator. `span` covers the keyword and all that belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Operator {
    pub span: Span,
    /// The keyword as written: `order` and `sort`, `limit` and `take`, `filter` and `where` are the same kind.
    pub keyword: Name,
    pub kind: OperatorKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum OperatorKind {
    As {
        name: Name,
        parameters: Vec<OperatorParameter>,
    },
    AssertSchema {
        columns: Vec<ColumnDeclaration>,
    },
    Consume {
        parameters: Vec<OperatorParameter>,
    },
    Count {
        as_name: Option<Name>,
    },
    Distinct {
        parameters: Vec<OperatorParameter>,
        columns: Vec<NamedExpr>,
    },
    Evaluate {
        parameters: Vec<OperatorParameter>,
        call: Expr,
        schema: Option<EvaluateSchema>,
    },
    ExecuteAndCache,
    Extend {
        columns: Vec<NamedExpr>,
    },
    Facet {
        by: Vec<Expr>,
        with: Option<Box<Expr>>,
    },
    Find(Find),
    Fork {
        branches: Vec<ForkBranch>,
    },
    GetSchema {
        kind: Option<Name>,
    },
    GraphMatch(GraphMatch),
    GraphShortestPaths(GraphMatch),
    GraphMarkComponents {
        parameters: Vec<OperatorParameter>,
    },
    GraphToTable {
        outputs: Vec<GraphOutput>,
    },
    /// `graph-where-nodes`, `graph-where-edges`
    GraphWhere {
        edges: bool,
        predicate: Expr,
    },
    Invoke {
        call: Expr,
    },
    Join {
        parameters: Vec<OperatorParameter>,
        right: Box<Expr>,
        condition: JoinCondition,
    },
    Lookup {
        parameters: Vec<OperatorParameter>,
        right: Box<Expr>,
        condition: JoinCondition,
    },
    MacroExpand {
        parameters: Vec<OperatorParameter>,
        group: Box<Expr>,
        scope: Name,
        body: Box<Query>,
    },
    MakeGraph(MakeGraph),
    MakeSeries(MakeSeries),
    MvApply(MvApply),
    MvExpand {
        parameters: Vec<OperatorParameter>,
        columns: Vec<MvColumn>,
        limit: Option<Box<Expr>>,
    },
    Parse(Parse),
    ParseKv {
        input: Box<Expr>,
        columns: Vec<ColumnDeclaration>,
        properties: Vec<OperatorParameter>,
    },
    Partition {
        parameters: Vec<OperatorParameter>,
        by: Box<Expr>,
        scope: Option<Box<Expr>>,
        body: PartitionBody,
    },
    Print {
        columns: Vec<NamedExpr>,
    },
    Project {
        columns: Vec<NamedExpr>,
    },
    ProjectAway {
        columns: Vec<Expr>,
    },
    ProjectByNames {
        columns: Vec<Expr>,
    },
    ProjectKeep {
        columns: Vec<Expr>,
    },
    ProjectRename {
        columns: Vec<NamedExpr>,
    },
    ProjectReorder {
        columns: Vec<OrderedExpr>,
    },
    Range {
        name: Name,
        from: Box<Expr>,
        to: Box<Expr>,
        step: Box<Expr>,
    },
    Reduce {
        parameters: Vec<OperatorParameter>,
        by: Box<NamedExpr>,
        with: Vec<OperatorParameter>,
    },
    Render {
        chart: Option<Name>,
        properties: Vec<OperatorParameter>,
    },
    Sample {
        parameters: Vec<OperatorParameter>,
        count: Box<Expr>,
    },
    SampleDistinct {
        parameters: Vec<OperatorParameter>,
        count: Box<Expr>,
        of: Box<NamedExpr>,
    },
    Scan(Scan),
    Search {
        parameters: Vec<OperatorParameter>,
        tables: Vec<Expr>,
        predicate: Box<Expr>,
    },
    Serialize {
        parameters: Vec<OperatorParameter>,
        columns: Vec<NamedExpr>,
    },
    Sort {
        parameters: Vec<OperatorParameter>,
        by: Vec<OrderedExpr>,
    },
    Summarize(Summarize),
    Take {
        parameters: Vec<OperatorParameter>,
        count: Box<Expr>,
    },
    Top {
        parameters: Vec<OperatorParameter>,
        count: Box<Expr>,
        by: Vec<OrderedExpr>,
    },
    TopHitters {
        count: Box<Expr>,
        of: Box<NamedExpr>,
        by: Option<Box<NamedExpr>>,
    },
    TopNested {
        levels: Vec<TopNestedLevel>,
    },
    Union {
        parameters: Vec<OperatorParameter>,
        tables: Vec<Expr>,
    },
    Where {
        parameters: Vec<OperatorParameter>,
        predicate: Box<Expr>,
    },
    /// What could not be read; a problem says why.
    Error,
}

/// `: (*, a:long)` after the call of `evaluate`.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluateSchema {
    /// `*` stands first: the input's columns come too.
    pub star: bool,
    pub columns: Vec<ColumnDeclaration>,
}

/// `on a, $left.b == $right.c` or `where ...`.
#[derive(Debug, Clone, PartialEq)]
pub enum JoinCondition {
    None,
    On(Vec<Expr>),
    Where(Box<Expr>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Find {
    pub parameters: Vec<OperatorParameter>,
    pub tables: Vec<Expr>,
    pub predicate: Box<Expr>,
    /// `project a, b:string, pack(*)`; None where not written.
    pub project: Option<Vec<FindColumn>>,
    pub project_smart: bool,
    pub project_away: Vec<Expr>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum FindColumn {
    Column(ColumnDeclaration),
    /// `pack(*)`
    Pack,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ForkBranch {
    pub name: Option<Name>,
    /// A pipeline without a source.
    pub operators: Vec<Operator>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MvColumn {
    pub value: NamedExpr,
    /// `to typeof(long)`
    pub to_type: Option<Name>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MvApply {
    pub parameters: Vec<OperatorParameter>,
    pub columns: Vec<MvColumn>,
    pub limit: Option<Box<Expr>>,
    /// `id name` is not documented but read by the official parser.
    pub context_id: Option<Box<Expr>>,
    pub body: Vec<Operator>,
    pub body_span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MakeSeries {
    pub parameters: Vec<OperatorParameter>,
    pub aggregates: Vec<MakeSeriesAggregate>,
    pub on: Box<NamedExpr>,
    pub from: Option<Box<Expr>>,
    pub to: Option<Box<Expr>>,
    pub step: Option<Box<Expr>>,
    /// `in range(from, to, step)`: the older form.
    pub in_range: bool,
    pub by: Vec<NamedExpr>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MakeSeriesAggregate {
    pub value: NamedExpr,
    pub default: Option<Expr>,
}

/// `parse` and `parse-where`.
#[derive(Debug, Clone, PartialEq)]
pub struct Parse {
    /// `parse-where`
    pub filter: bool,
    /// `kind=regex`, `flags=i`
    pub parameters: Vec<OperatorParameter>,
    pub input: Box<Expr>,
    pub pattern: Vec<ParsePart>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ParsePart {
    Star(Span),
    Text { span: Span, text: String },
    Column(ColumnDeclaration),
}

#[derive(Debug, Clone, PartialEq)]
pub enum PartitionBody {
    /// `(operators)`
    Operators(Vec<Operator>),
    /// `{ T | ... }`
    Query(Box<Query>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    pub parameters: Vec<OperatorParameter>,
    pub order_by: Vec<OrderedExpr>,
    pub partition_by: Vec<Expr>,
    /// `declare (a:long = 0)`
    pub declare: Vec<Parameter>,
    pub steps: Vec<ScanStep>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ScanStep {
    pub name: Name,
    pub optional: bool,
    /// `output=last|all|none`
    pub output: Option<Name>,
    pub condition: Expr,
    pub assignments: Vec<NamedExpr>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Summarize {
    pub parameters: Vec<OperatorParameter>,
    pub aggregates: Vec<NamedExpr>,
    pub by: Vec<NamedExpr>,
    /// `bin = 1h` after the keys: an old form.
    pub bin: Option<Box<Expr>>,
    /// The keyword `by` was written.
    pub has_by: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TopNestedLevel {
    pub count: Option<Expr>,
    pub of: NamedExpr,
    /// `with others = "x"`
    pub others: Option<Expr>,
    pub by: NamedExpr,
    pub ascending: Option<bool>,
    /// As in [`OrderedExpr`].
    pub nulls_first: Option<bool>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ExternalData {
    pub parameters: Vec<OperatorParameter>,
    pub columns: Vec<ColumnDeclaration>,
    pub uris: Vec<Expr>,
    /// `with (format="csv")`
    pub properties: Vec<OperatorParameter>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MakeGraph {
    pub parameters: Vec<OperatorParameter>,
    pub source: Name,
    /// `-->` or `--`
    pub directed: bool,
    pub target: Name,
    /// `with Nodes on id, More on id2`
    pub nodes: Vec<(Expr, Name)>,
    /// `with_node_id=name`
    pub node_id: Option<Name>,
    /// `partitioned-by column ( ... )`
    pub partitioned_by: Option<(Name, Vec<Operator>)>,
}

/// `graph-match` and `graph-shortest-paths`.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphMatch {
    pub parameters: Vec<OperatorParameter>,
    pub patterns: Vec<Vec<GraphElement>>,
    pub predicate: Option<Box<Expr>>,
    pub project: Vec<NamedExpr>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum GraphElement {
    /// `(name)`
    Node { span: Span, name: Option<Name> },
    /// `-[name*1..3]->`, `<-[name]-`, `-[name]-`, `-->`
    Edge { span: Span, name: Option<Name>, direction: EdgeDirection, range: Option<(Expr, Expr)> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EdgeDirection {
    Right,
    Left,
    Any,
}

/// `nodes as N with_node_id=id`
#[derive(Debug, Clone, PartialEq)]
pub struct GraphOutput {
    pub edges: bool,
    pub as_name: Option<Name>,
    pub parameters: Vec<OperatorParameter>,
}
