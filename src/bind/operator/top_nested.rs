//! `top-nested`, `top-hitters`, `sample` and `sample-distinct`.

use std::cell::RefCell;
use std::rc::Rc;

use super::super::expression::Scalar;
use super::super::name::{Given, Item, Mode, name_of};
use super::super::scope::{Context, Scope};
use super::super::{Binder, Table};
use crate::diagnostic::Diagnostic;
use crate::functions::aggregate::aggregate;
use crate::plan::{AggregateCall, Expr, Kind, Node, SortKey, TopNestedLevel};
use crate::syntax::ast::{self, ExprKind, NamedExpr};
use crate::types::{Column, ScalarType, Value, convert};

/// The aggregates that `top-nested` can measure by (documented).
const MEASURES: &[&str] = &["sum", "count", "max", "min", "dcount", "avg", "percentile", "percentilew"];

impl Binder<'_> {
    pub(super) fn top_nested(&mut self, list: &[ast::TopNestedLevel], input: Table, scope: &Rc<Scope>) -> Table {
        let mut items: Vec<Item> = Vec::new();
        let mut levels = Vec::new();
        let mut columns = Vec::new();
        for level in list {
            let (value, given) = self.level_value(&level.of, &input, scope);
            items.push(Item { given, span: level.of.span });
            // The measure is called after the value, whose name may have got a number (as Microsoft's parser has it).
            let names = self.unique_names(&items, &input.node.columns, Mode::Summarize);
            let given = match level.by.names.first() {
                Some(name) => Given::Spelled(name.text.clone()),
                None => Given::Made(format!("aggregated_{}", names.last().map_or("", String::as_str))),
            };
            items.push(Item { given, span: level.by.span });
            let (aggregates, measure) = self.measure(&level.by, &input, scope);
            columns.push(value.column_type());
            columns.push(measure.column_type());
            let ascending = level.ascending.unwrap_or(false);
            levels.push(TopNestedLevel {
                count: level.count.as_ref().map(|count| self.row_count(count, scope)),
                others: level.others.as_ref().and_then(|others| self.others(others, value.column_type(), scope)),
                value: value.expr,
                aggregates,
                measure: measure.expr,
                ascending,
                nulls_first: level.nulls_first.unwrap_or(ascending),
            });
        }
        let names = self.unique_names(&items, &input.node.columns, Mode::Summarize);
        let columns = names.into_iter().zip(columns).map(|(name, t)| Column::new(name, t)).collect();
        let kind = Kind::TopNested { input: Box::new(input.node), levels, definite: false };
        Table { open: input.open, ..Table::new(Node { columns, serialized: false, kind }) }
    }

    fn level_value(&mut self, of: &NamedExpr, input: &Table, scope: &Rc<Scope>) -> (Scalar, Given) {
        let cx = Context::row(scope, input);
        let scalar = self.scalar(&of.value, &cx);
        if scalar.scalar_type == Some(ScalarType::Dynamic) {
            self.unsupported(of.span, "a dynamic value as a level of `top-nested`");
        }
        let given = match of.names.first() {
            Some(name) => Given::Spelled(name.text.clone()),
            None => match name_of(&of.value, &cx) {
                // Microsoft's parser leaves the column without a name.
                Given::Positional => {
                    self.unsupported(of.span, "a computed level of `top-nested` without a name");
                    Given::Positional
                }
                other => Given::Made(other.text().unwrap_or("").to_string()),
            },
        };
        (scalar, given)
    }

    fn measure(&mut self, by: &NamedExpr, input: &Table, scope: &Rc<Scope>) -> (Vec<AggregateCall>, Scalar) {
        let collected: RefCell<Vec<AggregateCall>> = RefCell::default();
        let cx = Context { aggregates: Some(&collected), ..Context::row(scope, input) };
        let aggregated = self.aggregated;
        let scalar = self.scalar(&by.value, &cx);
        if !self.reads_single_rows("top-nested", &by.value, &scalar, input, scope) {
            self.no_aggregate("top-nested", &by.value, &scalar, aggregated);
        }
        let calls = collected.into_inner();
        for call in &calls {
            if !MEASURES.contains(&call.aggregate.name) || call.filter.is_some() || call.outputs.len() != 1 {
                self.unsupported(by.span, format_args!("`{}` as a measure of `top-nested`", call.aggregate.name));
            }
        }
        let unmeasured = [ScalarType::String, ScalarType::Bool, ScalarType::Dynamic, ScalarType::Guid];
        if let Some(t) = scalar.scalar_type.filter(|t| unmeasured.contains(t)) {
            self.unsupported(by.span, format_args!("a measure of type {t} in `top-nested`"));
        }
        (calls, scalar)
    }

    /// Reads `with others = value`.
    fn others(&mut self, others: &ast::Expr, scalar_type: ScalarType, scope: &Rc<Scope>) -> Option<Value> {
        let scalar = self.scalar(others, &Context::rowless(scope));
        let from = scalar.scalar_type?;
        let Some(value) = self.constant(&scalar) else {
            self.error("KS121", others.span, "`with others` takes a constant");
            return None;
        };
        if from != scalar_type && !(from.is_numeric() && scalar_type.is_numeric()) {
            // Microsoft's parser lets it pass.
            let what = format_args!("`with others` of type {from} beside values of type {scalar_type}");
            self.unsupported(others.span, what);
        }
        Some(convert::convert(&value, scalar_type))
    }

    pub(super) fn top_hitters(
        &mut self,
        count: &ast::Expr,
        of: &NamedExpr,
        by: Option<&NamedExpr>,
        input: Table,
        scope: &Rc<Scope>,
    ) -> Table {
        let count = Some(self.row_count(count, scope));
        let value = self.only_column(of, &input, scope);
        let name = of.names.first().map_or(value.name.clone(), |name| name.text.clone());
        if value.scalar_type == ScalarType::Dynamic {
            self.unsupported(of.span, "`top-hitters` of dynamic values");
        }
        let cx = Context::row(scope, &input);
        let (measured, arguments, returns) = match by {
            None => (format!("approximate_count_{name}"), Vec::new(), ScalarType::Long),
            Some(by) => {
                let scalar = self.scalar(&by.value, &cx);
                let returns = match scalar.scalar_type {
                    Some(t @ (ScalarType::Long | ScalarType::Real)) => t,
                    // What type the sum of these has is not settled: Microsoft's parser says that of the summand.
                    Some(t @ (ScalarType::Int | ScalarType::Decimal)) => {
                        self.unsupported(by.span, format_args!("`top-hitters` by a sum of type {t}"));
                        t
                    }
                    Some(other) => {
                        let message = format!("`top-hitters` sums numbers, and this is of type {other}");
                        self.error("KS137", by.value.span, message);
                        ScalarType::Long
                    }
                    None => ScalarType::Long,
                };
                let given = match by.names.first() {
                    Some(name) => name.text.clone(),
                    None => name_of(&by.value, &cx).text().unwrap_or("").to_string(),
                };
                (format!("approximate_sum_{given}"), vec![scalar.expr], returns)
            }
        };
        let Some(aggregate) = aggregate(if arguments.is_empty() { "count" } else { "sum" }) else {
            return Binder::nothing();
        };
        let output = Column::new(self.fresh("measure"), returns);
        let call = AggregateCall { aggregate, overload: 0, arguments, filter: None, outputs: vec![output.clone()] };
        let columns = vec![Column::new(name, value.scalar_type), Column::new(measured, returns)];
        let level = TopNestedLevel {
            value: Expr::Column(value),
            count,
            others: None,
            aggregates: vec![call],
            measure: Expr::Column(output),
            ascending: false,
            nulls_first: false,
        };
        let kind = Kind::TopNested { input: Box::new(input.node), levels: vec![level], definite: true };
        // It gives sorted rows (documented: window-functions).
        Table { open: input.open, ..Table::new(Node { columns, serialized: true, kind }) }
    }

    /// Binds what must be a column.
    fn only_column(&mut self, of: &NamedExpr, input: &Table, scope: &Rc<Scope>) -> Column {
        let scalar = self.scalar(&of.value, &Context::row(scope, input));
        match scalar.expr {
            Expr::Column(column) => column,
            _ => {
                if scalar.scalar_type.is_some() {
                    let problem = Diagnostic::error("KS109", of.value.span, "a column belongs here");
                    self.problem(problem.help("compute it with `extend` before"));
                }
                Column::new("Column1", scalar.scalar_type.unwrap_or(ScalarType::Dynamic))
            }
        }
    }

    /// Any rows, as many as asked for.
    pub(super) fn sample(&mut self, count: &ast::Expr, input: Table, scope: &Rc<Scope>) -> Table {
        let count = self.row_count(count, scope);
        let columns = input.node.columns.clone();
        let Some(function) = crate::functions::scalar_function("rand") else { return Binder::nothing() };
        let value = Expr::Call { function, overload: 0, arguments: Vec::new(), returns: ScalarType::Real, at: None };
        let keys = vec![SortKey { value, ascending: true, nulls_first: true }];
        let kind = Kind::Sort { input: Box::new(input.node), keys, limit: Some(count) };
        Table { node: Node { columns, serialized: false, kind }, label: None, ..input }
    }

    /// Any distinct values, as many as asked for.
    pub(super) fn sample_distinct(
        &mut self,
        count: &ast::Expr,
        of: &NamedExpr,
        input: Table,
        scope: &Rc<Scope>,
    ) -> Table {
        let count = self.row_count(count, scope);
        if !of.names.is_empty() && matches!(of.value.kind, ExprKind::Name(_)) {
            self.error("KS109", of.span, "`sample-distinct` takes a column");
        }
        let column = self.only_column(of, &input, scope);
        if column.scalar_type == ScalarType::Dynamic && matches!(of.value.kind, ExprKind::Name(_)) {
            let problem = Diagnostic::error("KS116", of.span, "a value of type dynamic can't be told from others here");
            self.problem(problem.help("convert it first, as with `extend` and tostring()"));
        }
        let columns = vec![column.clone()];
        let keys = vec![Expr::Column(column)];
        let kind = Kind::Aggregate { input: Box::new(input.node), keys, aggregates: Vec::new() };
        let distinct = Node { columns: columns.clone(), serialized: false, kind };
        let kind = Kind::Limit { input: Box::new(distinct), count };
        Table { open: input.open, ..Table::new(Node { columns, serialized: false, kind }) }
    }
}
