//! `fork` and `facet`: several results of one input.
//!
//! They end a statement. The input is computed once and shared.

use std::rc::Rc;

use super::super::scope::{Context, Scope};
use super::super::{Binder, Table};
use crate::diagnostic::Diagnostic;
use crate::functions::aggregate::aggregate;
use crate::plan::{AggregateCall, Expr, Kind, Node};
use crate::syntax::ast::{self, ExprKind, ForkBranch, Operator, OperatorKind};
use crate::types::{Column, ScalarType};

/// Operators that a branch may have (Microsoft's parser; of those that the reference lists, all).
const OPERATORS: &[&str] = &[
    "__executeAndCache",
    "as",
    "count",
    "distinct",
    "extend",
    "filter",
    "invoke",
    "limit",
    "mv-expand",
    "mvexpand",
    "order",
    "parse",
    "parse-kv",
    "parse-where",
    "project",
    "project-away",
    "project-by-names",
    "project-keep",
    "project-rename",
    "project-reorder",
    "reduce",
    "sample",
    "sample-distinct",
    "sort",
    "summarize",
    "take",
    "top",
    "top-hitters",
    "top-nested",
    "where",
];

impl Binder<'_> {
    /// Binds a statement that ends in an operator with several results; None where it does not.
    pub(in crate::bind) fn several_results(&mut self, expr: &ast::Expr, scope: &Rc<Scope>) -> Option<Vec<Table>> {
        let mut expr = expr;
        while let ExprKind::Paren(inner) = &expr.kind {
            expr = inner;
        }
        let ExprKind::Pipeline { source, operators } = &expr.kind else { return None };
        let (last, before) = operators.split_last()?;
        if !matches!(last.kind, OperatorKind::Fork { .. } | OperatorKind::Facet { .. }) {
            return None;
        }
        let scope = Scope::child(scope);
        let mut input = self.table(source, &scope);
        for operator in before {
            input = self.operator(operator, input, &scope);
        }
        Some(self.results_of(last, input, &scope))
    }

    /// Binds `fork` or `facet` over an input; no results of another operator.
    pub(super) fn results_of(&mut self, operator: &Operator, input: Table, scope: &Rc<Scope>) -> Vec<Table> {
        let input = input.before(operator);
        let input = Table { node: self.share(input.node), label: None, render: None, ..input };
        match &operator.kind {
            OperatorKind::Fork { branches } => {
                branches.iter().map(|branch| self.branch(branch, input.clone(), scope)).collect()
            }
            OperatorKind::Facet { by, with } => self.facet(by, with.as_deref(), &input, scope),
            _ => Vec::new(),
        }
    }

    fn branch(&mut self, branch: &ForkBranch, input: Table, scope: &Rc<Scope>) -> Table {
        let operators: Vec<&Operator> = branch.operators.iter().collect();
        let table = self.branched(&operators, input, scope);
        let name = match &branch.name {
            Some(name) => Some(name.text.clone()),
            None => table.label.clone().filter(|_| table.named),
        };
        Table { title: name, ..table }
    }

    fn branched(&mut self, operators: &[&Operator], mut table: Table, scope: &Rc<Scope>) -> Table {
        let scope = Scope::child(scope);
        for operator in operators {
            if !OPERATORS.contains(&operator.keyword.text.as_str()) {
                let message = format!("`{}` can't stand in a branch", operator.keyword.text);
                self.problem(
                    Diagnostic::error("KS177", operator.keyword.span, message)
                        .help("give what comes before a name with `let` and write several statements"),
                );
            }
            table = self.operator(operator, table, &scope);
        }
        table
    }

    /// Gives what `with` makes of all rows, then the values of each column with how often they occur.
    fn facet(&mut self, by: &[ast::Expr], with: Option<&ast::Expr>, input: &Table, scope: &Rc<Scope>) -> Vec<Table> {
        let mut results = Vec::new();
        if let Some(with) = with {
            let operators: Vec<&Operator> = match &with.kind {
                ExprKind::Leading(first) => vec![first],
                ExprKind::Pipeline { source, operators } => match &source.kind {
                    ExprKind::Leading(first) => std::iter::once(&**first).chain(operators).collect(),
                    _ => Vec::new(),
                },
                _ => Vec::new(),
            };
            if operators.is_empty() {
                self.unsupported(with.span, "a source of its own in `facet`");
            }
            results.push(self.branched(&operators, input.clone(), scope));
        }
        results.extend(by.iter().map(|column| self.values_of(column, input, scope)));
        results
    }

    fn values_of(&mut self, column: &ast::Expr, input: &Table, scope: &Rc<Scope>) -> Table {
        let bound = self.scalar(column, &Context::row(scope, input));
        let value = match (&bound.expr, bound.scalar_type) {
            (Expr::Column(_), Some(ScalarType::Dynamic)) => {
                self.error("KS116", column.span, "`facet` takes no column of type dynamic");
                return Binder::nothing();
            }
            (Expr::Column(value), Some(_)) => value.clone(),
            (_, None) => return Binder::nothing(),
            _ => {
                self.error("KS109", column.span, "`facet` takes the names of columns");
                return Binder::nothing();
            }
        };
        let Some(count) = aggregate("count") else { return Binder::nothing() };
        let output = Column::new(format!("count_{}", value.name), ScalarType::Long);
        let call = AggregateCall {
            aggregate: count,
            overload: 0,
            arguments: Vec::new(),
            filter: None,
            outputs: vec![output.clone()],
        };
        let kind = Kind::Aggregate {
            input: Box::new(input.node.clone()),
            keys: vec![Expr::Column(value.clone())],
            aggregates: vec![call],
        };
        Table::new(Node { columns: vec![value, output], serialized: false, kind })
    }
}
