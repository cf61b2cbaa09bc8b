//! Relations: tables by name, subqueries, `datatable`, and the functions that give tables.

use std::rc::Rc;

use super::call::UserCall;
use super::expression::to;
use super::scope::{Binding, Context, Scope};
use super::{Binder, Table};
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::plan::{Kind, Node};
use crate::syntax::ast::{self, Argument, ColumnDeclaration, ExprKind, OperatorKind};
use crate::types::{Column, ScalarType, Value, convert};

impl Binder<'_> {
    /// Makes what stands for a table that could not be bound: nothing more is said about its columns.
    pub(super) fn nothing() -> Table {
        let node = Node { columns: Vec::new(), serialized: true, kind: Kind::Values { rows: Vec::new() } };
        Table { open: true, ..Table::new(node) }
    }

    /// Binds an expression that must be a relation.
    pub(super) fn table(&mut self, expr: &ast::Expr, scope: &Rc<Scope>) -> Table {
        let table = self.table_or_graph(expr, scope);
        if table.graph.is_some() { self.only_a_graph(expr.span) } else { table }
    }

    /// Binds an expression that is a relation, or a graph that operators behind it take.
    pub(super) fn table_or_graph(&mut self, expr: &ast::Expr, scope: &Rc<Scope>) -> Table {
        match &expr.kind {
            ExprKind::Pipeline { source, operators } => {
                // What `as` names can be seen by the operators behind it.
                let scope = Scope::child(scope);
                let mut table = self.table_or_graph(source, &scope);
                for operator in operators {
                    table = self.operator(operator, table, &scope);
                }
                table
            }
            ExprKind::Leading(operator) => self.leading(operator, scope),
            ExprKind::Paren(inner) => self.table_or_graph(inner, scope),
            ExprKind::DataTable { parameters, columns, values } => {
                self.check_given(parameters, Some(&[]), None, scope);
                self.data_table(columns, values, expr.span, scope)
            }
            ExprKind::ExternalData(external) => {
                self.check_given(&external.parameters, None, None, scope);
                self.external_data(external, expr.span, scope)
            }
            ExprKind::Name(name) => self.named_table(name, scope),
            ExprKind::Call { name, arguments } => self.table_call(name, arguments, expr.span, scope),
            ExprKind::Member { base, member } => self.qualified_table(base, member, scope),
            ExprKind::MethodCall { base, name, arguments } => {
                self.qualified_call(base, name, arguments, expr.span, scope)
            }
            ExprKind::Error => Binder::nothing(),
            _ => {
                self.scalar(expr, &Context::rowless(scope));
                self.error("KS109", expr.span, "a value stands where a table belongs");
                Binder::nothing()
            }
        }
    }

    pub(super) fn named_table(&mut self, name: &ast::Name, scope: &Rc<Scope>) -> Table {
        let declared = scope.find(&name.text);
        let in_sight = match &declared {
            Some(_) => self.sees_declared(&name.text, scope),
            None => self.sees(None, &name.text, scope),
        };
        if !in_sight {
            self.out_of_sight(&name.text, name.span);
            return Binder::nothing();
        }
        match declared {
            Some(Binding::Pattern(pattern)) => return self.matched(&pattern, &[], None, name.span, scope),
            Some(Binding::Table(table)) => return (*table).clone(),
            Some(Binding::Function(function)) => {
                let table = self.call_function_table(&function, UserCall::bare(name.span), &Context::rowless(scope));
                // A function that only gives a table keeps the table's name; a view has its own (measured).
                let label = if function.view { Some(name.text.clone()) } else { table.label.clone() };
                return Table { label, ..table };
            }
            Some(Binding::Scalar(_) | Binding::Group(_) | Binding::Place(_) | Binding::Cluster(_)) => {
                self.error("KS109", name.span, format!("`{}` is a value, and a table belongs here", name.text));
                return Binder::nothing();
            }
            None => {}
        }
        // A function comes before a table of its name (measured).
        if let Some(table) = self.stored_table(name, UserCall::bare(name.span), scope) {
            return table;
        }
        if name.text == "_GetWatchlistAlias" {
            return self.watchlist_aliases(name.span);
        }
        match self.catalog.table(&name.text) {
            Some(info) => super::hidden::scan(&info),
            None => {
                self.unknown_table(name, scope);
                Binder::nothing()
            }
        }
    }

    /// Says that a table is missing where it may be.
    fn left_out(&mut self, span: Span, message: String) {
        self.missing += 1;
        self.problem(Diagnostic::warning("KS205", span, message));
    }

    fn unknown_table(&mut self, name: &ast::Name, scope: &Rc<Scope>) {
        let scope_names = scope.names();
        let candidates = self.catalog.all_names().chain(scope_names.iter().map(String::as_str));
        if self.fuzzy > 0 {
            self.left_out(name.span, format!("there is no table `{}`; it is left out", name.text));
            return;
        }
        let mut problem = Diagnostic::error("KS204", name.span, format!("there is no table `{}`", name.text));
        problem = match nearest(&name.text, candidates) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem.help(format!(
                "give its records with --data {}=PATH or, if it is a saved function, its file with --functions PATH",
                name.text
            )),
        };
        self.problem(problem);
    }

    pub(super) fn table_call(
        &mut self,
        name: &ast::Name,
        arguments: &[Argument],
        span: Span,
        scope: &Rc<Scope>,
    ) -> Table {
        let cx = Context::rowless(scope);
        let declared = scope.find(&name.text);
        if let Some(Binding::Pattern(pattern)) = &declared {
            return self.matched_in_sight(pattern, arguments, None, span, scope);
        }
        let in_sight = match &declared {
            Some(_) => self.sees_declared(&name.text, scope),
            None => matches!(name.text.as_str(), "materialize" | "table") || self.sees(None, &name.text, scope),
        };
        if !in_sight {
            self.out_of_sight(&name.text, name.span);
            return Binder::nothing();
        }
        if let Some(Binding::Function(function)) = declared {
            let call = UserCall { name: name.span, arguments, span };
            let table = self.call_function_table(&function, call, &cx);
            let label = if function.view { Some(name.text.clone()) } else { table.label.clone() };
            return Table { label, ..table };
        }
        match name.text.as_str() {
            "materialize" => match arguments {
                [argument] => {
                    let table = self.table(&argument.value, scope);
                    let node = self.share(table.node);
                    Table { node, label: None, ..table }
                }
                _ => {
                    self.error("KS119", name.span, "`materialize` takes 1 argument");
                    Binder::nothing()
                }
            },
            "table" => {
                let Some(argument) = arguments.first() else {
                    self.error("KS119", name.span, "`table` takes the name of a table");
                    return Binder::nothing();
                };
                let scalar = self.scalar(&argument.value, &cx);
                let literal = matches!(argument.value.kind, ExprKind::Literal(_));
                if self.sketched > 0 && !literal {
                    return Binder::nothing();
                }
                match self.constant(&scalar) {
                    Some(Value::String(text)) => {
                        self.named_table(&ast::Name { span: argument.value.span, text, quoted: true }, scope)
                    }
                    _ => {
                        self.refuse("AQ050", argument.value.span, "the name of the table must be a constant");
                        Binder::nothing()
                    }
                }
            }
            "_GetWatchlist" => self.watchlist(name, arguments, span, scope),
            "_GetWatchlistAlias" => self.watchlist_aliases(span),
            "graph" | "external_table" | "materialized_view" | "workspace" | "app" | "database" | "cluster"
            | "resource" | "arg" | "adx" | "cursor_after" => {
                self.unsupported(span, format_args!("`{}()`", name.text));
                for argument in arguments {
                    self.scalar(&argument.value, &cx);
                }
                Binder::nothing()
            }
            other if crate::functions::scalar_function(other).is_some() || super::call::is_special(other) => {
                self.error("KS109", span, format!("`{other}` gives a value, and a table belongs here"));
                Binder::nothing()
            }
            _ => match self.stored_table(name, UserCall { name: name.span, arguments, span }, scope) {
                Some(table) => table,
                None if self.fuzzy > 0 => {
                    for argument in arguments {
                        self.scalar(&argument.value, &cx);
                    }
                    self.left_out(name.span, format!("there is no function `{}`; it is left out", name.text));
                    Binder::nothing()
                }
                None => {
                    self.unknown_function(name, &cx);
                    Binder::nothing()
                }
            },
        }
    }

    /// Reads the columns of a schema.
    pub(super) fn declared_columns(&mut self, columns: &[ColumnDeclaration]) -> Vec<Column> {
        let mut declared: Vec<Column> = Vec::new();
        for column in columns {
            let scalar_type = match &column.type_name {
                Some(type_name) => Self::declared_type(type_name),
                None => ScalarType::String,
            };
            if declared.iter().any(|c| c.name == column.name.text) {
                self.error("KS171", column.name.span, format!("there is a column `{}` already", column.name.text));
                continue;
            }
            declared.push(Column::new(&column.name.text, scalar_type));
        }
        declared
    }

    fn data_table(
        &mut self,
        columns: &[ColumnDeclaration],
        values: &[ast::Expr],
        span: Span,
        scope: &Rc<Scope>,
    ) -> Table {
        let columns = self.declared_columns(columns);
        if columns.is_empty() || !values.len().is_multiple_of(columns.len()) {
            self.error("KS173", span, format!("{} values do not fill rows of {} columns", values.len(), columns.len()));
            return Table::new(Node { columns, serialized: true, kind: Kind::Values { rows: Vec::new() } });
        }
        let cx = Context::rowless(scope);
        let mut rows = Vec::with_capacity(values.len() / columns.len());
        for row in values.chunks(columns.len()) {
            let mut cells = Vec::with_capacity(columns.len());
            for (value, column) in row.iter().zip(&columns) {
                let scalar = self.scalar(value, &cx);
                let cell = match self.constant(&scalar) {
                    Some(cell) => cell,
                    None => {
                        if scalar.scalar_type.is_some() {
                            self.error("KS121", value.span, "a value of `datatable` must be a constant");
                        }
                        Value::missing(column.scalar_type)
                    }
                };
                cells.push(self.cell(cell, column.scalar_type));
            }
            rows.push(cells);
        }
        // The engine refuses window functions right above it (measured): the rows are not serialized.
        Table::new(Node { columns, serialized: false, kind: Kind::Values { rows } })
    }

    fn cell(&self, value: Value, scalar_type: ScalarType) -> Value {
        match (value, scalar_type) {
            (Value::Null(_), wanted) => Value::missing(wanted),
            // A string in a dynamic column is the JSON string, not JSON to be read.
            (Value::String(text), ScalarType::Dynamic) => Value::Dynamic(crate::types::json::string(&text)),
            (value, wanted) => convert::convert(&value, wanted),
        }
    }

    /// Binds an operator that begins a pipeline.
    fn leading(&mut self, operator: &ast::Operator, scope: &Rc<Scope>) -> Table {
        self.check_parameters(&operator.kind, None, scope);
        let outer = std::mem::take(&mut self.told);
        let table = self.led(operator, scope);
        let told = std::mem::replace(&mut self.told, outer);
        Table { known: table.known.with(told), ..table }
    }

    fn led(&mut self, operator: &ast::Operator, scope: &Rc<Scope>) -> Table {
        match &operator.kind {
            OperatorKind::Print { columns } => self.print(columns, scope),
            OperatorKind::Range { name, from, to, step } => self.range(name, from, to, step, scope),
            OperatorKind::Union { parameters, tables } => self.union(None, parameters, tables, operator.span, scope),
            OperatorKind::Search { parameters, tables, predicate } => {
                self.search(None, operator, parameters, tables, predicate, scope)
            }
            OperatorKind::Find(_) => self.find(operator, scope),
            OperatorKind::MacroExpand { .. } => self.macro_expand(operator, scope),
            OperatorKind::Error => Binder::nothing(),
            _ => {
                self.unsupported(
                    operator.keyword.span,
                    format_args!("`{}` at the begin of a query", operator.keyword.text),
                );
                Binder::nothing()
            }
        }
    }

    fn range(
        &mut self,
        name: &ast::Name,
        from: &ast::Expr,
        until: &ast::Expr,
        step: &ast::Expr,
        scope: &Rc<Scope>,
    ) -> Table {
        use ScalarType::*;
        let cx = Context::rowless(scope);
        let (start, stop, by) = (self.scalar(from, &cx), self.scalar(until, &cx), self.scalar(step, &cx));
        let types = (start.scalar_type, stop.scalar_type, by.scalar_type);
        let (Some(a), Some(b), Some(c)) = types else {
            return Table::new(Node {
                columns: vec![Column::new(&name.text, start.column_type())],
                serialized: true,
                kind: Kind::Values { rows: Vec::new() },
            });
        };
        let (scalar_type, step_type) = match (a, b, c) {
            (DateTime, DateTime, TimeSpan) => (DateTime, TimeSpan),
            (TimeSpan, TimeSpan, TimeSpan) => (TimeSpan, TimeSpan),
            _ if a.is_numeric() && b.is_numeric() && c.is_numeric() => {
                let common = [a, b, c].into_iter().reduce(|x, y| super::expression::common_number(x, y).unwrap_or(x));
                let common = common.unwrap_or(Long);
                (common, common)
            }
            _ => {
                self.error("KS107", from.span.to(step.span), format!("`range` does not go from {a} to {b} by {c}"));
                (a, c)
            }
        };
        if matches!(self.constant(&by), Some(Value::Int(0) | Value::Long(0) | Value::TimeSpan(0))) {
            // What comes out is not known.
            self.unsupported(step.span, "a step of zero");
        }
        let kind = Kind::Range {
            start: to(start.expr, scalar_type),
            stop: to(stop.expr, scalar_type),
            step: to(by.expr, step_type),
        };
        Table::new(Node { columns: vec![Column::new(&name.text, scalar_type)], serialized: true, kind })
    }
}
