//! Projections that stand on each other become one, and parsing goes into the paths that need it.

use std::collections::{HashMap, HashSet};

use super::MAX_DEPTH;
use super::expression::{Meanings, Place, each_read, height, is_free, is_volatile, meanings, substitute};
use crate::plan::{Expr, Kind, Node};
use crate::types::Column;

/// Makes one projection of two that stand on each other, and none of one that changes nothing.
pub(super) fn merge(node: Node) -> Node {
    let Node { columns, serialized, kind } = node;
    match kind {
        Kind::Project { input, expressions } => merged(*input, columns, expressions, serialized),
        Kind::Aggregate { mut input, mut keys, mut aggregates } => {
            let calls = aggregates.iter_mut().flat_map(|call| call.arguments.iter_mut().chain(&mut call.filter));
            fuse_parsing(keys.iter_mut().chain(calls).collect(), &mut input);
            Node { columns, serialized, kind: Kind::Aggregate { input, keys, aggregates } }
        }
        kind => Node { columns, serialized, kind },
    }
}

fn merged(input: Node, columns: Vec<Column>, mut expressions: Vec<Expr>, serialized: bool) -> Node {
    let mut input = input;
    while let Kind::Project { expressions: lower, .. } = &input.kind {
        if !merges(&expressions, &input.columns, lower) {
            break;
        }
        let meanings = meanings(&input.columns, lower);
        expressions.iter_mut().for_each(|expression| substitute(expression, &meanings));
        let Kind::Project { input: below, .. } = input.kind else { break };
        input = *below;
    }
    fuse_parsing(expressions.iter_mut().collect(), &mut input);
    if serialized == input.serialized && is_identity(&columns, &expressions, &input.columns) {
        return input;
    }
    Node { columns, serialized, kind: Kind::Project { input: Box::new(input), expressions } }
}

fn is_identity(columns: &[Column], expressions: &[Expr], input: &[Column]) -> bool {
    let same = |expression: &Expr, column: &Column| matches!(expression, Expr::Column(read) if read == column);
    columns == input && expressions.iter().zip(columns).all(|(expression, column)| same(expression, column))
}

/// How often expressions read a column.
#[derive(Default)]
struct Reads {
    /// Where its meaning may stand at no cost.
    free: usize,
    costly: usize,
}

/// Counts how often columns with a meaning are read; None if one without a meaning is.
fn count_reads<'a>(expressions: &[&'a Expr], meanings: &Meanings) -> Option<HashMap<&'a str, Reads>> {
    let mut counted: HashMap<&str, Reads> = HashMap::new();
    let mut known = true;
    for expression in expressions {
        each_read(expression, Place::Other, false, &mut |column, place, called| {
            let Some(meaning) = meanings.get(column.name.as_str()) else {
                known = false;
                return;
            };
            let reads = counted.entry(&column.name).or_default();
            *(if is_free(meaning, place, called) { &mut reads.free } else { &mut reads.costly }) += 1;
        });
    }
    known.then_some(counted)
}

/// Tells whether the lower of two projections may be put into the upper without computing anything twice.
fn merges(upper: &[Expr], columns: &[Column], lower: &[Expr]) -> bool {
    if lower.iter().any(is_volatile) {
        return false;
    }
    let meanings = meanings(columns, lower);
    let Some(counted) = count_reads(&upper.iter().collect::<Vec<_>>(), &meanings) else { return false };
    let once = counted.iter().all(|(name, reads)| {
        let constant = matches!(meanings.get(name), Some(Expr::Literal(_) | Expr::Now));
        reads.costly == 0 || (reads.costly == 1 && reads.free == 0 && !constant)
    });
    let deepest = |expressions: &[Expr]| expressions.iter().map(height).max().unwrap_or(0);
    once && deepest(upper) + deepest(lower) <= MAX_DEPTH
}

/// Parses text where paths go into it, if nothing else is done with what the projection below parses.
///
/// `extend P = parse_json(X) | project P.a, P.b` gives two paths into `X`, and the engine takes one look at it. What
/// else the projection computes stays where it is.
fn fuse_parsing(mut upper: Vec<&mut Expr>, input: &mut Node) {
    let Kind::Project { input: below, expressions: lower } = &mut input.kind else { return };
    let lower_meanings = meanings(&input.columns, lower);
    let read: Vec<&Expr> = upper.iter().map(|e| &**e).collect();
    let Some(counted) = count_reads(&read, &lower_meanings) else { return };
    let parsed: HashSet<String> = counted
        .iter()
        .filter(|(name, reads)| reads.costly == 0 && matches!(lower_meanings.get(*name), Some(Expr::ParseJson(_))))
        .map(|(name, _)| name.to_string())
        .collect();
    if parsed.is_empty() {
        return;
    }
    // The texts take the places of what was parsed.
    let (mut columns, mut expressions) = (Vec::new(), Vec::new());
    let mut texts: Vec<(String, Column)> = Vec::new();
    for (column, expression) in input.columns.iter().zip(lower.iter()) {
        match expression {
            Expr::ParseJson(text) if parsed.contains(&column.name) => {
                if let Expr::Column(text) = &**text {
                    texts.push((column.name.clone(), text.clone()));
                }
            }
            _ if counted.contains_key(column.name.as_str()) => {
                columns.push(column.clone());
                expressions.push(expression.clone());
            }
            _ => {}
        }
    }
    let mut paths: Vec<(String, Expr)> = Vec::new();
    for (name, text) in texts {
        let there = expressions.iter().position(|e| matches!(e, Expr::Column(read) if *read == text));
        let seen = match there {
            Some(place) => columns[place].clone(),
            // Another column has taken the name of the text.
            None if columns.iter().any(|column| column.name == text.name) => return,
            None => {
                columns.push(text.clone());
                expressions.push(Expr::Column(text.clone()));
                text
            }
        };
        paths.push((name, Expr::ParseJson(Box::new(Expr::Column(seen)))));
    }
    let meanings: Meanings = paths.iter().map(|(name, path)| (name.as_str(), path)).collect();
    upper.iter_mut().for_each(|expression| substitute(expression, &meanings));
    let below = std::mem::replace(&mut **below, Node { columns: Vec::new(), serialized: false, kind: Kind::Unit });
    *input = merged(below, columns, expressions, input.serialized);
}
