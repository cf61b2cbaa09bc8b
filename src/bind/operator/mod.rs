//! Tabular operators, one file per operator or family.

mod evaluate;
mod expand;
mod find;
pub(super) mod graph;
mod graph_match;
mod guid;
mod join;
mod macro_expand;
mod mv_apply;
mod other;
mod parameter;
mod parse;
mod parse_kv;
mod partition;
mod parts;
mod pivot;
mod project;
mod render;
pub(super) mod scan;
mod search;
mod series;
mod several;
mod sort;
mod summarize;
mod top_nested;
mod union;

pub(super) use project::matches_wildcard;

use std::cell::RefCell;
use std::rc::Rc;

use super::call::UserCall;
use super::scope::{Binding, Context, Scope};
use super::{Binder, Table};
use crate::diagnostic::{Diagnostic, Span};
use crate::plan::{Expr, Kind, Node, WindowCall};
use crate::syntax::ast::{self, ExprKind, Literal, Operator, OperatorKind, OperatorParameter};
use crate::types::{Column, ScalarType, Value};

impl Binder<'_> {
    /// Applies an operator to a table. What is known of columns stays with their names, unless the operator tells more.
    pub(super) fn operator(&mut self, operator: &Operator, input: Table, scope: &Rc<Scope>) -> Table {
        let input = input.before(operator);
        self.trace_input(operator.span, &input);
        self.check_parameters(&operator.kind, Some(&input), scope);
        let known = input.known.clone();
        let outer = std::mem::take(&mut self.told);
        let table = self.applied(operator, input, scope).after(operator);
        let told = std::mem::replace(&mut self.told, outer);
        Table { known: known.with(told), ..table }
    }

    fn applied(&mut self, operator: &Operator, input: Table, scope: &Rc<Scope>) -> Table {
        let span = operator.span;
        if input.graph.is_some() && !graph::takes_graph(&operator.kind) {
            return self.only_a_graph(operator.keyword.span);
        }
        match &operator.kind {
            kind if graph::takes_graph(kind) => self.graph_operator(operator, input, scope),
            OperatorKind::MakeGraph(make) => self.make_graph(make, input, scope),
            OperatorKind::As { name, parameters } => {
                let mut table = Table { label: Some(name.text.clone()), named: true, ..input };
                // Else it is computed again at each reference (documented).
                if word(parameters, "hint.materialized").is_some_and(|(value, _)| value.eq_ignore_ascii_case("true")) {
                    table.node = self.share(table.node);
                }
                scope.declare(&name.text, Binding::Table(Rc::new(table.clone())));
                table
            }
            OperatorKind::AssertSchema { columns } => self.assert_schema(columns, operator.keyword.span, input),
            OperatorKind::Consume { .. } => self.consume(),
            OperatorKind::Count { as_name } => self.count(as_name.as_ref(), input),
            OperatorKind::Distinct { columns, .. } => self.distinct(columns, input, scope),
            OperatorKind::Evaluate { call, schema, .. } => self.evaluate(call, schema.as_ref(), input, scope),
            OperatorKind::ExecuteAndCache => self.execute_and_cache(input),
            OperatorKind::Extend { columns } => self.extend(columns, input, scope),
            OperatorKind::Find(_) => {
                // It looks into tables of its own, whatever stands before it (Microsoft's parser).
                let found = self.find(operator, scope);
                self.unsupported(operator.keyword.span, "`find` behind a pipe");
                found
            }
            OperatorKind::Fork { .. } | OperatorKind::Facet { .. } => {
                // For their mistakes.
                self.results_of(operator, input, scope);
                self.unsupported(
                    operator.keyword.span,
                    format_args!("`{}` before the end of a query", operator.keyword.text),
                );
                // No column is left behind it (Microsoft's parser).
                Table::new(Binder::nothing().node)
            }
            OperatorKind::GetSchema { kind } => {
                if let Some(kind) = kind {
                    self.unsupported(kind.span, format_args!("`kind={}` of `getschema`", kind.text));
                    // Its one column is known (Microsoft's parser), its text is not.
                    return Table::new(partition::empty(vec![Column::new("Schema", ScalarType::String)]));
                }
                self.get_schema(input, span)
            }
            OperatorKind::Invoke { call } => self.invoke(call, input, scope),
            OperatorKind::Join { parameters, right, condition } => {
                self.join(parameters, right, condition, span, input, scope)
            }
            OperatorKind::Lookup { parameters, right, condition } => {
                self.lookup(parameters, right, condition, span, input, scope)
            }
            OperatorKind::MakeSeries(series) => self.make_series(series, input, scope),
            OperatorKind::MvApply(apply) => self.mv_apply(apply, input, scope),
            OperatorKind::MvExpand { parameters, columns, limit } => {
                self.mv_expand(parameters, columns, limit.as_deref(), input, scope)
            }
            OperatorKind::Parse(parse) => self.parse(parse, input, scope),
            OperatorKind::ParseKv { input: source, columns, properties } => {
                self.parse_kv(source, columns, properties, operator.keyword.span, input, scope)
            }
            OperatorKind::Partition { .. } => self.partition(operator, input, scope),
            OperatorKind::Print { .. } | OperatorKind::Range { .. } => {
                self.error("KS175", operator.keyword.span, format!("`{}` begins a query", operator.keyword.text));
                input
            }
            OperatorKind::Project { columns } => self.project(columns, input, scope),
            OperatorKind::ProjectAway { columns } => self.project_away(columns, input),
            OperatorKind::ProjectByNames { columns } => {
                self.project_by_names(columns, operator.keyword.span, input, scope)
            }
            OperatorKind::ProjectKeep { columns } => self.project_keep(columns, input),
            OperatorKind::ProjectRename { columns } => self.project_rename(columns, input),
            OperatorKind::ProjectReorder { columns } => self.project_reorder(columns, input),
            OperatorKind::Render { chart, properties } => self.render(chart.as_ref(), properties, input, scope),
            OperatorKind::Search { parameters, tables, predicate } => {
                self.search(Some(input), operator, parameters, tables, predicate, scope)
            }
            OperatorKind::Sample { count, .. } => self.sample(count, input, scope),
            OperatorKind::SampleDistinct { count, of, .. } => self.sample_distinct(count, of, input, scope),
            OperatorKind::TopHitters { count, of, by } => self.top_hitters(count, of, by.as_deref(), input, scope),
            OperatorKind::TopNested { levels } => self.top_nested(levels, input, scope),
            OperatorKind::Scan(scan) => self.scan(scan, operator.keyword.span, input, scope),
            OperatorKind::Serialize { columns, .. } => self.serialize(columns, input, scope),
            OperatorKind::Sort { by, .. } => self.sort(by, input, scope),
            OperatorKind::Summarize(summarize) => self.summarize(summarize, operator.keyword.span, input, scope),
            OperatorKind::Take { count, .. } => self.take(count, input, scope),
            OperatorKind::Top { count, by, .. } => self.top(count, by, input, scope),
            OperatorKind::Union { parameters, tables } => self.union(Some(input), parameters, tables, span, scope),
            OperatorKind::Where { predicate, .. } => self.filter(predicate, input, scope),
            OperatorKind::Error => Table { open: true, ..input },
            OperatorKind::Reduce { by, parameters, .. } => {
                let shows_source = word(parameters, "kind").is_some_and(|(kind, _)| kind == "source");
                self.reduce(by, shows_source, operator.keyword.span, input, scope)
            }
            _ => {
                // Known to KQL, not built: what comes out of it is unknown, and no further mistakes are looked for.
                self.unsupported(operator.keyword.span, format_args!("the operator `{}`", operator.keyword.text));
                Table { open: true, render: None, label: None, ..input }
            }
        }
    }

    /// Binds expressions over the rows of a table; window functions among them become a node of their own below.
    pub(super) fn over_rows<R>(
        &mut self,
        input: Table,
        scope: &Rc<Scope>,
        bind: impl FnOnce(&mut Self, &Context) -> R,
    ) -> (Table, R) {
        let windows = RefCell::new(Vec::<WindowCall>::new());
        let result = bind(self, &Context { windows: Some(&windows), ..Context::row(scope, &input) });
        let mut node = input.node.clone();
        let mut level: Vec<WindowCall> = Vec::new();
        // A call that reads another one's column stands in a node above it.
        for call in windows.into_inner() {
            let mut names = std::collections::HashSet::new();
            call.arguments.iter().for_each(|argument| argument.columns_read(&mut names));
            if level.iter().any(|below| names.contains(below.output.name.as_str())) {
                node = windowed(node, std::mem::take(&mut level));
            }
            level.push(call);
        }
        (Table { node: windowed(node, level), ..input }, result)
    }

    fn filter(&mut self, predicate: &ast::Expr, input: Table, scope: &Rc<Scope>) -> Table {
        let original = input.node.columns.clone();
        let (input, mut predicate) = self.over_rows(input, scope, |binder, cx| binder.predicate(predicate, cx));
        let input = Table { node: self.one_guid(input.node, std::iter::once(&mut predicate)), ..input };
        let (columns, serialized) = (input.node.columns.clone(), input.node.serialized);
        let kind = Kind::Filter { input: Box::new(input.node), predicate };
        let table = Table { node: Node { columns, serialized, kind }, label: None, ..input };
        if table.node.columns.len() == original.len() {
            return table;
        }
        // The columns of window functions go again.
        let expressions = original.iter().cloned().map(Expr::Column).collect();
        Table { node: projection(table.node, original, expressions), ..table }
    }

    /// Binds what stands behind `where`: a bool; a number counts as true where it is not 0.
    pub(super) fn predicate(&mut self, predicate: &ast::Expr, cx: &Context) -> Expr {
        let scalar = self.scalar(predicate, cx);
        match scalar.scalar_type {
            Some(ScalarType::Bool) => scalar.expr,
            Some(ScalarType::Dynamic) => {
                // The engine takes it as the bool that it may hold.
                self.strict.push(
                    Diagnostic::error("KS141", predicate.span, "a condition is of type bool, and this is dynamic")
                        .help("convert it with tobool(), or compare it with a value"),
                );
                super::expression::to(scalar.expr, ScalarType::Bool)
            }
            None => Expr::Literal(Value::Bool(true)),
            Some(other) => {
                self.error(
                    "KS141",
                    predicate.span,
                    format!("a condition is of type bool, and this is of type {other}"),
                );
                Expr::Literal(Value::Bool(true))
            }
        }
    }

    fn take(&mut self, count: &ast::Expr, input: Table, scope: &Rc<Scope>) -> Table {
        let count = self.row_count(count, scope);
        let (columns, serialized) = (input.node.columns.clone(), input.node.serialized);
        let kind = Kind::Limit { input: Box::new(input.node), count };
        Table { node: Node { columns, serialized, kind }, label: None, ..input }
    }

    /// Reads a number of rows; less than none is none.
    pub(super) fn row_count(&mut self, count: &ast::Expr, scope: &Rc<Scope>) -> usize {
        let scalar = self.scalar(count, &Context::rowless(scope));
        match (scalar.scalar_type, self.constant(&scalar)) {
            (Some(ScalarType::Long), Some(Value::Long(n))) => usize::try_from(n).unwrap_or(0),
            (Some(ScalarType::Int), Some(Value::Int(n))) => usize::try_from(n).unwrap_or(0),
            (Some(ScalarType::Long | ScalarType::Int), Some(_)) => 0,
            (None, _) => 0,
            (Some(t), Some(_)) => {
                self.error("KS134", count.span, format!("a number of rows is an integer, and this is of type {t}"));
                0
            }
            (Some(_), None) => {
                self.refuse("AQ023", count.span, "the number of rows must be a constant");
                0
            }
        }
    }

    fn count(&self, as_name: Option<&ast::Name>, input: Table) -> Table {
        let name = as_name.map_or("Count", |name| name.text.as_str());
        let column = Column::new(name, ScalarType::Long);
        let Some(aggregate) = crate::functions::aggregate::aggregate("count") else { return Binder::nothing() };
        let call = crate::plan::AggregateCall {
            aggregate,
            overload: 0,
            arguments: Vec::new(),
            filter: None,
            outputs: vec![column.clone()],
        };
        let kind = Kind::Aggregate { input: Box::new(input.node), keys: Vec::new(), aggregates: vec![call] };
        Table::new(Node { columns: vec![column], serialized: true, kind })
    }

    fn get_schema(&mut self, input: Table, span: Span) -> Table {
        if input.open {
            self.refuse("AQ002", span, "the columns of this table are known only when the data are");
        }
        // The engine numbers columns with ints, Microsoft's parser takes them for longs.
        let ordinal = if self.catalog.is_for_checks() { ScalarType::Long } else { ScalarType::Int };
        let columns = vec![
            Column::new("ColumnName", ScalarType::String),
            Column::new("ColumnOrdinal", ordinal),
            Column::new("DataType", ScalarType::String),
            Column::new("ColumnType", ScalarType::String),
        ];
        let rows = input
            .node
            .columns
            .iter()
            .zip(0..)
            .map(|(column, ordinal)| {
                vec![
                    Value::String(column.name.clone()),
                    Value::Int(ordinal),
                    Value::String(clr_name(column.scalar_type).into()),
                    Value::String(column.scalar_type.name().into()),
                ]
            })
            .collect();
        Table::new(Node { columns, serialized: true, kind: Kind::Values { rows } })
    }

    fn invoke(&mut self, call: &ast::Expr, input: Table, scope: &Rc<Scope>) -> Table {
        if let ExprKind::MethodCall { base, .. } = &call.kind {
            self.unsupported(base.span, "`invoke` of a function elsewhere");
            return Binder::nothing();
        }
        let ExprKind::Call { name, arguments } = &call.kind else {
            self.error("KS109", call.span, "`invoke` takes the call of a function");
            return input;
        };
        let Some(Binding::Function(function)) = self.meaning(&name.text, scope) else {
            self.unknown_function(name, &Context::rowless(scope));
            return Binder::nothing();
        };
        // The input is the first argument: declared under a name that no text can spell.
        let inner = Scope::child(scope);
        let input_name = self.fresh("input");
        inner.declare(&input_name, Binding::Table(Rc::new(input)));
        let input = ast::Name { span: call.span, text: input_name, quoted: true };
        let value = ast::Expr { span: call.span, kind: ExprKind::Name(input) };
        let mut all = vec![ast::Argument { name: None, value }];
        all.extend(arguments.iter().cloned());
        let call = UserCall { name: name.span, arguments: &all, span: call.span };
        self.call_function_table(&function, call, &Context::rowless(&inner))
    }
}

fn windowed(input: Node, functions: Vec<WindowCall>) -> Node {
    if functions.is_empty() {
        return input;
    }
    let mut columns = input.columns.clone();
    columns.extend(functions.iter().map(|call| call.output.clone()));
    Node { columns, serialized: true, kind: Kind::Window { input: Box::new(input), functions } }
}

/// Returns the value of a parameter that is a bare word: `kind=inner`.
pub(super) fn word<'a>(parameters: &'a [OperatorParameter], name: &str) -> Option<(&'a str, Span)> {
    parameters.iter().find(|p| p.name.text == name).and_then(|p| match &p.value.kind {
        ExprKind::Name(value) => Some((value.text.as_str(), p.value.span)),
        ExprKind::Literal(Literal::String(text) | Literal::Typed { text, .. }) => Some((text.as_str(), p.value.span)),
        _ => None,
    })
}

/// Makes a node that computes columns row by row.
pub(in crate::bind) fn projection(input: Node, columns: Vec<Column>, expressions: Vec<Expr>) -> Node {
    let serialized = input.serialized;
    Node { columns, serialized, kind: Kind::Project { input: Box::new(input), expressions } }
}

/// The names that `getschema` has for types (measured).
fn clr_name(scalar_type: ScalarType) -> &'static str {
    match scalar_type {
        ScalarType::Bool => "System.SByte",
        ScalarType::Int => "System.Int32",
        ScalarType::Long => "System.Int64",
        ScalarType::Real => "System.Double",
        ScalarType::Decimal => "System.Data.SqlTypes.SqlDecimal",
        ScalarType::String => "System.String",
        ScalarType::DateTime => "System.DateTime",
        ScalarType::TimeSpan => "System.TimeSpan",
        ScalarType::Guid => "System.Guid",
        ScalarType::Dynamic => "System.Object",
    }
}
