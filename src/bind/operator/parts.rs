//! `partition` whose parts are bound each by itself: `partition by Host { Logons | where Computer == toscalar(Host) }`.
//!
//! Which values the column has only the data tell, so that they are found first; then the query is bound once for each,
//! with the value in place of the column's name.

use std::rc::Rc;

use super::super::expression::Scalar;
use super::super::scope::{Binding, Scope};
use super::super::{Binder, First, Table};
use super::partition::empty;
use super::projection;
use super::union::all_columns;
use crate::diagnostic::Span;
use crate::functions::plugin::{Invocation, parts::PARTS};
use crate::plan::{Comparison, Expr, Kind, Node};
use crate::syntax::ast::{Operator, Query};
use crate::types::{Column, ScalarType, Value, convert};

impl Binder<'_> {
    /// Binds a query with a source of its own for each value of the key.
    pub(super) fn query_of_each_part(
        &mut self,
        query: &Query,
        input: &Table,
        key: &Column,
        span: Span,
        scope: &Rc<Scope>,
    ) -> Table {
        let bind = |binder: &mut Self, value: Expr| {
            let scope = Scope::of_query(scope);
            scope.declare(&key.name, Binding::Scalar(Scalar::known(value)));
            let mut results = binder.query(query, &scope).results;
            match (results.pop(), results.is_empty()) {
                (Some(table), true) if table.graph.is_none() => table,
                (table, _) => {
                    binder.unsupported(span, "a query of no or several results in `partition`");
                    table.unwrap_or_else(Binder::nothing)
                }
            }
        };
        self.each_part(input, key, span, bind)
    }

    /// Binds operators over the rows of each value of the key, each time as if there were no other rows.
    pub(super) fn operators_of_each_part(
        &mut self,
        operators: &[Operator],
        input: &Table,
        key: &Column,
        span: Span,
        scope: &Rc<Scope>,
    ) -> Table {
        if input.node.is_volatile() {
            self.unsupported(span, "what stands in this `partition` over rows that differ each time");
        }
        let rows = self.share(input.node.clone());
        let bind = |binder: &mut Self, value: Expr| {
            let scope = Scope::child(scope);
            let predicate = binder.is_of_part(key, value, span);
            let kind = Kind::Filter { input: Box::new(rows.clone()), predicate };
            let part = Node { columns: rows.columns.clone(), serialized: rows.serialized, kind };
            let part = Table { node: part, label: None, ..input.clone() };
            operators.iter().fold(part, |table, operator| binder.operator(operator, table, &scope))
        };
        self.each_part(input, key, span, bind)
    }

    /// Makes the condition that a row is one of the part of a value.
    fn is_of_part(&mut self, key: &Column, value: Expr, span: Span) -> Expr {
        let column = Expr::Column(key.clone());
        match value {
            Expr::Literal(value) if value.is_null() => self.library_call("isnull", vec![column], span).expr,
            value => Expr::Compare { operator: Comparison::Equal, left: Box::new(column), right: Box::new(value) },
        }
    }

    fn each_part(&mut self, input: &Table, key: &Column, span: Span, bind: impl Fn(&mut Self, Expr) -> Table) -> Table {
        // Whether the text of such a value is the value is not sure.
        if matches!(key.scalar_type, ScalarType::Real | ScalarType::Decimal) {
            let what = format_args!("this `partition` by a column of type {}", key.scalar_type);
            self.unsupported(span, what);
        }
        let values = if self.sketched > 0 { None } else { self.values_of_parts(&input.node, key, span) };
        let legs: Vec<Table> = values.iter().flatten().map(|value| bind(self, value.clone())).collect();
        if legs.is_empty() {
            // The columns are known without any part.
            let table = bind(self, Expr::Literal(Value::missing(key.scalar_type)));
            return Table { node: empty(table.node.columns), named: false, label: None, ..table };
        }
        let columns = all_columns(&legs, false);
        self.united(legs, &columns, None, "")
    }

    /// Returns the values of the key once they are found; else what finds them is what runs first.
    fn values_of_parts(&mut self, input: &Node, key: &Column, span: Span) -> Option<Vec<Expr>> {
        let index = self.opened;
        self.opened += 1;
        if let Some(found) = self.discovered.get(index) {
            return Some(found.iter().map(|found| Expr::Literal(value_of(found))).collect());
        }
        if self.first.is_some() {
            return None;
        }
        if !self.stands_alone(input) {
            self.unsupported(span, "this `partition`, in this place,");
            return None;
        }
        let columns = vec![key.clone()];
        let keys = vec![Expr::Column(key.clone())];
        let keyed = projection(input.clone(), columns.clone(), keys.clone());
        let kind = Kind::Aggregate { input: Box::new(keyed), keys, aggregates: Vec::new() };
        let call = Invocation {
            plugin: &PARTS,
            arguments: Vec::new(),
            input: columns.clone(),
            own: 1,
            tables: Vec::new(),
            columns: Vec::new(),
        };
        self.first = Some(First {
            input: Node { columns, serialized: false, kind },
            held: false,
            shared: self.shared.clone(),
            externals: self.externals.clone(),
            call,
            span,
            arguments: Vec::new(),
        });
        None
    }
}

/// Reads a value that was told as the name of a column.
fn value_of(found: &Column) -> Value {
    match found.scalar_type {
        ScalarType::String => Value::String(found.name.clone()),
        other if found.name.is_empty() => Value::missing(other),
        other => convert::convert(&Value::String(found.name.clone()), other),
    }
}
