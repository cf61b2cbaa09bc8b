//! `sort` and `top`.

use std::rc::Rc;

use super::super::scope::Scope;
use super::super::{Binder, Table};
use super::projection;
use crate::diagnostic::Diagnostic;
use crate::plan::{Expr, Kind, Node, SortKey};
use crate::syntax::ast::{self, OrderedExpr};
use crate::types::ScalarType;

impl Binder<'_> {
    pub(super) fn sort(&mut self, by: &[OrderedExpr], input: Table, scope: &Rc<Scope>) -> Table {
        self.sorted(by, None, input, scope)
    }

    pub(super) fn top(&mut self, count: &ast::Expr, by: &[OrderedExpr], input: Table, scope: &Rc<Scope>) -> Table {
        let count = self.row_count(count, scope);
        if let [_, second, ..] = by {
            self.refuse("AQ024", second.value.span, "`top` sorts by one key");
        }
        self.sorted(by, Some(count), input, scope)
    }

    fn sorted(&mut self, by: &[OrderedExpr], limit: Option<usize>, input: Table, scope: &Rc<Scope>) -> Table {
        let original = input.node.columns.clone();
        let (input, keys) = self.over_rows(input, scope, |binder, cx| {
            let mut keys = Vec::new();
            for key in by {
                let scalar = binder.scalar(&key.value.value, cx);
                if scalar.scalar_type == Some(ScalarType::Dynamic) {
                    let problem = Diagnostic::error("KS116", key.value.span, "a dynamic value can't be sorted by")
                        .help("convert it with tostring() or tolong()");
                    // Microsoft's parser minds it for `sort`, and not for `top`.
                    if limit.is_none() {
                        binder.problem(problem);
                    } else {
                        binder.refusals.push(problem);
                    }
                }
                // Descending unless written otherwise; null is the smallest value.
                let ascending = key.ascending.unwrap_or(false);
                keys.push(SortKey { value: scalar.expr, ascending, nulls_first: key.nulls_first.unwrap_or(ascending) });
            }
            keys
        });
        let columns = input.node.columns.clone();
        let kind = Kind::Sort { input: Box::new(input.node), keys, limit };
        let node = Node { columns, serialized: true, kind };
        let node = if node.columns.len() == original.len() {
            node
        } else {
            let expressions = original.iter().cloned().map(Expr::Column).collect();
            projection(node, original, expressions)
        };
        Table { node, label: None, ..input }
    }
}
