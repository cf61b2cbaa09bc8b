//! `--timespan`: what the query API's parameter of that name does.

use super::value::Period;
use crate::plan::{Comparison, Expr, Kind, Node, Plan};
use crate::types::{Column, ScalarType, Value};

const TIME: &str = "TimeGenerated";

/// Leaves out the records of every table whose TimeGenerated is outside; both ends belong to the period.
///
/// A table without that column is left as it is.
pub(super) fn limit(plan: &mut Plan, period: Period, now: i64) {
    let (from, to) = match period {
        Period::Last(length) => (now.saturating_sub(length), now),
        Period::Between(from, to) => (from, to),
    };
    plan.for_each_node_mut(&mut |node| {
        let time = Column::new(TIME, ScalarType::DateTime);
        if !matches!(node.kind, Kind::Scan { .. }) || !node.columns.contains(&time) {
            return;
        }
        let compare = |operator, ticks| Expr::Compare {
            operator,
            left: Box::new(Expr::Column(time.clone())),
            right: Box::new(Expr::Literal(Value::DateTime(ticks))),
        };
        let predicate =
            Expr::And(vec![compare(Comparison::GreaterOrEqual, from), compare(Comparison::LessOrEqual, to)]);
        let columns = node.columns.clone();
        let serialized = node.serialized;
        let scan = std::mem::replace(&mut node.kind, Kind::Unit);
        let input = Box::new(Node { columns, serialized, kind: scan });
        node.kind = Kind::Filter { input, predicate };
    });
}
