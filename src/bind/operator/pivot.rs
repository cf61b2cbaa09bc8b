//! `pivot` as a `summarize`: the aggregate is computed once for each value, over the rows that have it.

use std::cell::RefCell;
use std::rc::Rc;

use super::super::expression::to;
use super::super::plugin::Call;
use super::super::scope::{Context, Scope};
use super::super::{Binder, Table};
use super::projection;
use crate::functions::aggregate::aggregate;
use crate::functions::plugin::pivot::keys;
use crate::plan::{AggregateCall, Comparison, Expr, Kind, Node};
use crate::syntax::ast::Name;
use crate::types::{Column, ScalarType, Value};

/// The aggregates that `pivot` takes (documented).
const TAKES: &[&str] = &[
    "count",
    "min",
    "max",
    "take_any",
    "sum",
    "dcount",
    "avg",
    "stdev",
    "variance",
    "make_list",
    "make_bag",
    "make_set",
];

impl Binder<'_> {
    /// Makes the rows of a `pivot` whose columns are known. Those that are no keys are values.
    pub(super) fn pivot(&mut self, call: &Call, columns: Vec<Column>, name: &Name, scope: &Rc<Scope>) -> Table {
        let keys = keys(&call.invocation);
        let nothing =
            |columns| Table::new(Node { columns, serialized: false, kind: Kind::Values { rows: Vec::new() } });
        if let Some(key) = keys.iter().find(|key| key.scalar_type == ScalarType::Dynamic) {
            let message = format!("the rows of `pivot` can't be grouped by the dynamic column `{}`", key.name);
            self.refuse("AQ041", name.span, message);
        }
        if let Some(key) = keys.iter().find(|key| !columns.contains(key)) {
            let message = format!("the column `{}` by which `pivot` groups is not declared as it is", key.name);
            self.refuse("AQ041", name.span, message);
        }
        let Some(aggregate) = self.pivot_aggregate(call, name, scope) else { return nothing(columns) };
        let own = call.input.node.columns.clone();
        let turned = &own[call.invocation.place("pivotColumn")];
        let text = Column::new(self.fresh("pivot"), ScalarType::String);
        let mut expressions: Vec<Expr> = own.iter().cloned().map(Expr::Column).collect();
        expressions.push(to(Expr::Column(turned.clone()), ScalarType::String));
        let input = projection(call.input.node.clone(), [own, vec![text.clone()]].concat(), expressions);

        let returns = aggregate.outputs[0].scalar_type;
        let mut aggregates = Vec::new();
        let mut result = Vec::new();
        for column in columns {
            if keys.contains(&column) {
                result.push(column);
                continue;
            }
            // What was found in the rows has no type yet.
            if column.scalar_type != returns && column.scalar_type != ScalarType::Dynamic {
                let message = format!(
                    "`{}` is declared as {}, and the aggregate gives {returns}",
                    column.name, column.scalar_type
                );
                self.refuse("AQ041", name.span, message);
            }
            let output = Column::new(&column.name, returns);
            let has_value = Expr::Compare {
                operator: Comparison::Equal,
                left: Box::new(Expr::Column(text.clone())),
                right: Box::new(Expr::Literal(Value::String(column.name))),
            };
            aggregates.push(AggregateCall {
                filter: Some(has_value),
                outputs: vec![output.clone()],
                ..aggregate.clone()
            });
            result.push(output);
        }
        let grouped: Vec<Column> =
            keys.iter().cloned().chain(aggregates.iter().map(|a| a.outputs[0].clone())).collect();
        let kind = Kind::Aggregate {
            input: Box::new(input),
            keys: keys.iter().cloned().map(Expr::Column).collect(),
            aggregates,
        };
        let node = Node { columns: grouped.clone(), serialized: false, kind };
        if grouped == result {
            return Table::new(node);
        }
        let expressions = result.iter().cloned().map(Expr::Column).collect();
        Table::new(projection(node, result, expressions))
    }

    /// Binds the aggregate, `count()` where none is given.
    fn pivot_aggregate(&mut self, call: &Call, name: &Name, scope: &Rc<Scope>) -> Option<AggregateCall> {
        let Some(written) = &call.aggregate else {
            let aggregate = aggregate("count")?;
            let outputs = vec![Column::new("count_", ScalarType::Long)];
            return Some(AggregateCall { aggregate, overload: 0, arguments: Vec::new(), filter: None, outputs });
        };
        let collected = RefCell::default();
        let row = Context::row(scope, &call.input);
        let scalar = self.scalar(written, &Context { aggregates: Some(&collected), ..row });
        scalar.scalar_type?;
        let mut calls: Vec<AggregateCall> = collected.into_inner();
        let one = matches!(&scalar.expr, Expr::Column(c) if calls.len() == 1 && calls[0].outputs == [c.clone()]);
        let found = calls.pop().filter(|found| one && found.filter.is_none() && TAKES.contains(&found.aggregate.name));
        if found.is_none() {
            let message = format!("`{}` takes one of these aggregates, by itself: {}", name.text, TAKES.join(", "));
            self.refuse("AQ041", written.span, message);
        }
        found
    }
}
