//! A scope in time: the records of a period, as if the tables held no others.

use super::{Comparison, Expr, Kind, Node, Plan};
use crate::types::{Column, ScalarType, Value};

/// From one moment to another, in ticks; both belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeScope {
    pub from: i64,
    pub to: i64,
}

impl Plan {
    /// Leaves out the records of every table whose moment in `column` is outside of the period, or null.
    ///
    /// A table that has no such column of type datetime is left as it is.
    pub fn limit_to(&mut self, column: &str, scope: TimeScope) {
        let results = self.results.iter_mut().map(|result| &mut result.node);
        results.chain(&mut self.shared).for_each(|node| node.limit_to(column, scope));
    }
}

impl Node {
    /// As [`Plan::limit_to`], for one relation and all below.
    pub fn limit_to(&mut self, column: &str, scope: TimeScope) {
        let time = Column::new(column, ScalarType::DateTime);
        self.for_each_mut(&mut |node| {
            // A name that no text can spell is of files that the query names itself: they are no table.
            let is_table = matches!(&node.kind, Kind::Scan { table } if !table.starts_with('\u{1}'));
            if !is_table || !node.columns.contains(&time) {
                return;
            }
            let compare = |operator, ticks| Expr::Compare {
                operator,
                left: Box::new(Expr::Column(time.clone())),
                right: Box::new(Expr::Literal(Value::DateTime(ticks))),
            };
            let (from, to) =
                (compare(Comparison::GreaterOrEqual, scope.from), compare(Comparison::LessOrEqual, scope.to));
            let (columns, serialized) = (node.columns.clone(), node.serialized);
            let scan = std::mem::replace(&mut node.kind, Kind::Unit);
            let input = Box::new(Node { columns, serialized, kind: scan });
            node.kind = Kind::Filter { input, predicate: Expr::And(vec![from, to]) };
        });
    }
}
