//! Filters move towards the tables.

use std::collections::HashSet;

use super::expression::{
    Meanings, Place, each_read, has_query, height, is_cheap, is_free, is_volatile, meanings, names_read, reads,
    substitute,
};
use super::{MAX_DEPTH, update};
use crate::plan::{Expr, JoinKind, Kind, Node, ParsePart};
use crate::types::Column;

/// Moves the conditions of a filter as far down as they may go.
pub(super) fn sink_filter(node: Node) -> Node {
    match node.kind {
        Kind::Filter { input, predicate } => {
            let mut conditions = Vec::new();
            conjuncts(predicate, &mut conditions);
            sink(*input, conditions)
        }
        _ => node,
    }
}

/// Splits a condition at its `and`s.
fn conjuncts(predicate: Expr, out: &mut Vec<Expr>) {
    match predicate {
        Expr::And(operands) => operands.into_iter().for_each(|operand| conjuncts(operand, out)),
        other => out.push(other),
    }
}

/// Puts a filter above a relation.
pub(super) fn filtered(input: Node, mut conditions: Vec<Expr>) -> Node {
    let predicate = match conditions.len() {
        0 => return input,
        1 => conditions.remove(0),
        _ => Expr::And(conditions),
    };
    Node {
        columns: input.columns.clone(),
        serialized: input.serialized,
        kind: Kind::Filter { input: Box::new(input), predicate },
    }
}

/// Puts conditions above a relation, or below it where that gives the same rows.
fn sink(mut node: Node, conditions: Vec<Expr>) -> Node {
    if conditions.is_empty() {
        return node;
    }
    if let Kind::Filter { input, predicate } = node.kind {
        let mut all = Vec::new();
        conjuncts(predicate, &mut all);
        all.extend(conditions);
        return sink(*input, all);
    }
    // What reads no column has nothing to gain, and above an aggregate without keys it must stay where it is.
    let (movable, mut stay): (Vec<Expr>, Vec<Expr>) =
        conditions.into_iter().partition(|c| !names_read(c).is_empty() && !is_volatile(c));
    match &mut node.kind {
        Kind::Project { input, expressions } => {
            let meanings = meanings(&node.columns, expressions);
            let mut below = Vec::new();
            for condition in movable {
                match before_project(&condition, &meanings) {
                    Some(condition) => below.push(condition),
                    None => stay.push(condition),
                }
            }
            update(input, |input| sink(input, below));
        }
        Kind::Sort { input, limit: None, .. } | Kind::Serialize { input } => {
            update(input, |input| sink(input, movable))
        }
        Kind::Expand { input, arrays, index, .. } => {
            let made = |name: &str| arrays.iter().any(|a| a.name == name) || index.as_deref() == Some(name);
            let (below, above) = partition(movable, |c| !names_read(c).into_iter().any(made));
            stay.extend(above);
            update(input, |input| sink(input, below));
        }
        Kind::Parse { input, pattern, filter: false, .. } => {
            let captured = captures(&pattern.parts);
            let (below, above) = partition(movable, |c| names_read(c).is_disjoint(&captured));
            stay.extend(above);
            update(input, |input| sink(input, below));
        }
        Kind::Union { inputs } => {
            // A subquery would be run for each input.
            let (below, above) = partition(movable, |c| !has_query(c));
            stay.extend(above);
            for input in inputs {
                update(input, |input| sink(input, below.clone()));
            }
        }
        Kind::Aggregate { input, keys, .. } => {
            let meanings = meanings(&node.columns, keys);
            let meanings: Meanings = meanings.into_iter().filter(|(_, key)| matches!(key, Expr::Column(_))).collect();
            let (mut below, above) =
                partition(movable, |c| names_read(c).iter().all(|name| meanings.contains_key(name)));
            below.iter_mut().for_each(|condition| substitute(condition, &meanings));
            stay.extend(above);
            update(input, |input| sink(input, below));
        }
        Kind::Join { left, right, kind, .. } => {
            let [to_left, to_right, above] = by_side(movable, &node.columns, left, right, *kind);
            stay.extend(above);
            update(left, |left| sink(left, to_left));
            update(right, |right| sink(right, to_right));
        }
        // What comes out of these depends on rows that the filter would take away; or there is nothing below.
        Kind::Sort { .. }
        | Kind::Limit { .. }
        | Kind::Window { .. }
        | Kind::Series { .. }
        | Kind::Sequence { .. }
        | Kind::TopNested { .. }
        | Kind::Parse { .. }
        | Kind::Scan { .. }
        | Kind::Values { .. }
        | Kind::Range { .. }
        | Kind::Unit
        | Kind::Graph(_)
        | Kind::Shared { .. }
        | Kind::Plugin { .. }
        | Kind::Materialized { .. }
        | Kind::Filter { .. } => stay.extend(movable),
    }
    filtered(node, stay)
}

/// Parts conditions on a join's columns into those for its left side, those for its right, and those that stay above.
fn by_side(conditions: Vec<Expr>, columns: &[Column], left: &Node, right: &Node, kind: JoinKind) -> [Vec<Expr>; 3] {
    let (left_columns, right_columns) = join_columns(columns, left.columns.len(), kind);
    let (left_reads, right_reads) = (reads(&left.columns), reads(&right.columns));
    let left_meanings = meanings(left_columns, &left_reads);
    let right_meanings = meanings(right_columns, &right_reads);
    let mut parts = [Vec::new(), Vec::new(), Vec::new()];
    for mut condition in conditions {
        let within = |side: &Meanings| names_read(&condition).iter().all(|name| side.contains_key(name));
        let place = if filters_left(kind) && within(&left_meanings) {
            substitute(&mut condition, &left_meanings);
            0
        } else if filters_right(kind) && within(&right_meanings) {
            substitute(&mut condition, &right_meanings);
            1
        } else {
            2
        };
        parts[place].push(condition);
    }
    parts
}

fn partition(conditions: Vec<Expr>, f: impl Fn(&Expr) -> bool) -> (Vec<Expr>, Vec<Expr>) {
    conditions.into_iter().partition(f)
}

/// Returns the condition as it reads below a projection, None where it belongs above.
fn before_project(condition: &Expr, meanings: &Meanings) -> Option<Expr> {
    let mut allowed = true;
    each_read(condition, Place::Other, false, &mut |column, place, called| {
        allowed = allowed
            && meanings.get(column.name.as_str()).is_some_and(|meaning| {
                is_free(meaning, place, called) || (is_cheap(meaning) && !names_read(meaning).is_empty())
            });
    });
    if !allowed {
        return None;
    }
    let mut below = condition.clone();
    substitute(&mut below, meanings);
    (!names_read(&below).is_empty() && height(&below) <= MAX_DEPTH).then_some(below)
}

pub(super) fn captures(parts: &[ParsePart]) -> HashSet<&str> {
    let captured = parts.iter().filter_map(|part| match part {
        ParsePart::Column(column) => Some(column.name.as_str()),
        ParsePart::Star | ParsePart::Text(_) => None,
    });
    captured.collect()
}

/// Splits the columns of a join into those of its left and of its right side.
pub(super) fn join_columns(columns: &[Column], left: usize, kind: JoinKind) -> (&[Column], &[Column]) {
    match kind {
        JoinKind::LeftSemi | JoinKind::LeftAnti => (columns, &[]),
        JoinKind::RightSemi | JoinKind::RightAnti => (&[], columns),
        _ => columns.split_at(left.min(columns.len())),
    }
}

/// Tells whether a condition on columns of the left side may be asked before the join.
///
/// Not with `innerunique`: the one left row of each key is chosen before the condition is asked.
fn filters_left(kind: JoinKind) -> bool {
    matches!(kind, JoinKind::Inner | JoinKind::LeftOuter | JoinKind::LeftSemi | JoinKind::LeftAnti)
}

/// Tells whether a condition on columns of the right side may be asked before the join.
fn filters_right(kind: JoinKind) -> bool {
    use JoinKind::*;
    matches!(kind, Inner | InnerUnique | RightOuter | RightSemi | RightAnti)
}
