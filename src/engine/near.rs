//! Joins of rows that lie near each other in time: `| where T2 between ((T1 - 1h) .. (T1 + 1h))` above an inner join.
//!
//! Equal keys alone pair every row with every other of its key. The period is cut into buckets of its own length: each
//! left row stands in the two that its period touches, each right row in one, and the bucket is one more key. Every pair
//! that the condition lets through is found exactly once; the condition itself still runs above.

use crate::plan::{Comparison, Expr, Node};
use crate::types::{ScalarType, Value};

/// A period on the right side around a time on the left side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Near {
    /// Index of the left side's column.
    pub left: usize,
    /// Index of the right side's column.
    pub right: usize,
    /// Ticks from the left time to the begin of the period.
    pub low: i64,
    /// Ticks from the left time to its end.
    pub high: i64,
}

/// Finds a period among the conditions above a join, whose columns these are.
pub(super) fn find(conditions: &[&Expr], columns: &[crate::types::Column], left: &Node) -> Option<Near> {
    let place = |name: &str| columns.iter().position(|c| c.name == name);
    let width = left.columns.len();
    let bounds: Vec<(usize, usize, bool, i64)> =
        conditions.iter().filter_map(|condition| bound(condition, &place, width)).collect();
    bounds.iter().filter(|(_, _, lower, _)| *lower).find_map(|(l, r, _, low)| {
        let (.., high) = bounds.iter().find(|(l2, r2, lower, _)| !lower && l2 == l && r2 == r)?;
        (high > low).then_some(Near { left: *l, right: r - width, low: *low, high: *high })
    })
}

/// Reads `right >= left + offset` (a lower bound) or `right <= left + offset`, in whichever way it is written.
fn bound(condition: &Expr, place: &dyn Fn(&str) -> Option<usize>, width: usize) -> Option<(usize, usize, bool, i64)> {
    let Expr::Compare { operator, left, right } = condition else { return None };
    let ((a, a_offset), (b, b_offset)) = (shifted(left)?, shifted(right)?);
    let (a, b) = (place(a)?, place(b)?);
    let lower = match operator {
        Comparison::GreaterOrEqual | Comparison::Greater => true,
        Comparison::LessOrEqual | Comparison::Less => false,
        _ => return None,
    };
    // a + x >= b + y is a >= b + (y - x).
    match (a >= width, b >= width) {
        (true, false) => Some((b, a, lower, b_offset.checked_sub(a_offset)?)),
        (false, true) => Some((a, b, !lower, a_offset.checked_sub(b_offset)?)),
        _ => None,
    }
}

/// Reads a datetime column, or one with a constant added.
fn shifted(expr: &Expr) -> Option<(&str, i64)> {
    match expr {
        Expr::Column(c) if c.scalar_type == ScalarType::DateTime => Some((&c.name, 0)),
        Expr::Call { function, arguments, .. } => {
            let (Expr::Column(c), Expr::Literal(Value::TimeSpan(offset))) = (arguments.first()?, arguments.get(1)?)
            else {
                return None;
            };
            match (function.name, c.scalar_type) {
                ("+", ScalarType::DateTime) => Some((&c.name, *offset)),
                ("-", ScalarType::DateTime) => Some((&c.name, offset.checked_neg()?)),
                _ => None,
            }
        }
        _ => None,
    }
}
