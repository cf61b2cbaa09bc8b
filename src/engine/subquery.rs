//! Subqueries within expressions: found, run first, and replaced by their values.

use arrow::array::{Array, RecordBatch};

use super::Result;
use crate::plan::{Expr, Kind, Node};
use crate::types::arrow::value_at;
use crate::types::{Column, Value, convert};

/// Runs a query; gives its batches and its first column.
pub(super) type Run<'a> = dyn FnMut(&Node) -> Result<(Vec<RecordBatch>, Column)> + 'a;

/// Calls `f` on a node, those below it and those of subqueries.
pub(super) fn each_node<'a>(node: &'a Node, f: &mut dyn FnMut(&'a Node)) {
    f(node);
    for expr in exprs(node) {
        each_query(expr, f);
    }
    for input in inputs(node) {
        each_node(input, f);
    }
}

fn each_query<'a>(expr: &'a Expr, f: &mut dyn FnMut(&'a Node)) {
    if let Expr::InQuery { query, .. } | Expr::ScalarQuery { query, .. } = expr {
        each_node(query, f);
    }
    expr.for_each_operand(&mut |operand| each_query(operand, f));
}

fn inputs(node: &Node) -> Vec<&Node> {
    match &node.kind {
        Kind::Scan { .. } | Kind::Values { .. } | Kind::Range { .. } | Kind::Unit | Kind::Shared { .. } => Vec::new(),
        Kind::Filter { input, .. }
        | Kind::Project { input, .. }
        | Kind::Aggregate { input, .. }
        | Kind::Sort { input, .. }
        | Kind::Limit { input, .. }
        | Kind::Expand { input, .. }
        | Kind::Parse { input, .. }
        | Kind::Window { input, .. }
        | Kind::Series { input, .. }
        | Kind::Serialize { input } => vec![input],
        Kind::Join { left, right, .. } => vec![left, right],
        Kind::Union { inputs } => inputs.iter().collect(),
    }
}

fn exprs(node: &Node) -> Vec<&Expr> {
    match &node.kind {
        Kind::Range { start, stop, step } => vec![start, stop, step],
        Kind::Filter { predicate, .. } => vec![predicate],
        Kind::Project { expressions, .. } => expressions.iter().collect(),
        Kind::Aggregate { keys, aggregates, .. } => {
            keys.iter().chain(aggregates.iter().flat_map(|a| a.arguments.iter().chain(&a.filter))).collect()
        }
        Kind::Sort { keys, .. } => keys.iter().map(|k| &k.value).collect(),
        Kind::Join { on, .. } => on.iter().flat_map(|(l, r)| [l, r]).collect(),
        Kind::Expand { arrays, .. } => arrays.iter().map(|a| &a.array).collect(),
        Kind::Parse { source, .. } => vec![source],
        Kind::Window { functions, .. } => functions.iter().flat_map(|f| &f.arguments).collect(),
        Kind::Series { axis, .. } => axis.from.iter().chain(&axis.to).chain([&axis.step]).collect(),
        _ => Vec::new(),
    }
}

/// Replaces every subquery in a node and those below it.
pub(super) fn replace(node: &mut Node, run: &mut Run) -> Result<()> {
    match &mut node.kind {
        Kind::Scan { .. } | Kind::Values { .. } | Kind::Unit | Kind::Shared { .. } => Ok(()),
        Kind::Range { start, stop, step } => all([start, stop, step], run),
        Kind::Filter { input, predicate } => {
            in_expr(predicate, run)?;
            replace(input, run)
        }
        Kind::Project { input, expressions } => {
            all(expressions, run)?;
            replace(input, run)
        }
        Kind::Aggregate { input, keys, aggregates } => {
            all(keys, run)?;
            all(aggregates.iter_mut().flat_map(|a| a.arguments.iter_mut().chain(&mut a.filter)), run)?;
            replace(input, run)
        }
        Kind::Sort { input, keys, .. } => {
            all(keys.iter_mut().map(|k| &mut k.value), run)?;
            replace(input, run)
        }
        Kind::Limit { input, .. } | Kind::Serialize { input } => replace(input, run),
        Kind::Join { left, right, on, .. } => {
            all(on.iter_mut().flat_map(|(l, r)| [l, r]), run)?;
            replace(left, run)?;
            replace(right, run)
        }
        Kind::Union { inputs } => inputs.iter_mut().try_for_each(|input| replace(input, run)),
        Kind::Expand { input, arrays, .. } => {
            all(arrays.iter_mut().map(|a| &mut a.array), run)?;
            replace(input, run)
        }
        Kind::Parse { input, source, .. } => {
            in_expr(source, run)?;
            replace(input, run)
        }
        Kind::Window { input, functions } => {
            all(functions.iter_mut().flat_map(|f| &mut f.arguments), run)?;
            replace(input, run)
        }
        Kind::Series { input, axis, .. } => {
            all(axis.from.iter_mut().chain(&mut axis.to).chain([&mut axis.step]), run)?;
            replace(input, run)
        }
    }
}

fn all<'a>(exprs: impl IntoIterator<Item = &'a mut Expr>, run: &mut Run) -> Result<()> {
    exprs.into_iter().try_for_each(|expr| in_expr(expr, run))
}

fn in_expr(expr: &mut Expr, run: &mut Run) -> Result<()> {
    match expr {
        Expr::Column(_) | Expr::Literal(_) | Expr::Now => {}
        Expr::Call { arguments, .. } | Expr::And(arguments) | Expr::Or(arguments) => all(arguments, run)?,
        Expr::Convert { value, to } => {
            in_expr(value, run)?;
            // What was a query is a constant now, and is converted once.
            if let Expr::Literal(literal) = &**value {
                *expr = Expr::Literal(convert::convert(literal, *to));
            }
        }
        Expr::Not(value) | Expr::ParseJson(value) | Expr::In { value, .. } => in_expr(value, run)?,
        Expr::Compare { left, right, .. } => all([&mut **left, &mut **right], run)?,
        Expr::Path { base, steps } => {
            in_expr(base, run)?;
            for step in steps {
                if let crate::plan::Step::Computed(step) = step {
                    in_expr(step, run)?;
                }
            }
        }
        Expr::ScalarQuery { query, returns } => {
            let (batches, column) = run(query)?;
            let first = batches.iter().find(|b| b.num_rows() > 0);
            let value = match first {
                Some(batch) => value_at(batch.column(0), 0, column.scalar_type),
                None => Value::missing(column.scalar_type),
            };
            *expr = Expr::Literal(convert::convert(&value, *returns));
        }
        Expr::InQuery { value, query, fold_case, negated } => {
            in_expr(value, run)?;
            let (batches, column) = run(query)?;
            let mut set = Vec::new();
            for batch in &batches {
                let array = batch.column(0);
                set.extend((0..array.len()).map(|row| value_at(array, row, column.scalar_type)));
            }
            set.retain(|v| !v.is_null());
            let value = std::mem::replace(value, Box::new(Expr::Now));
            *expr = Expr::In { value, set, fold_case: *fold_case, negated: *negated };
        }
    }
    Ok(())
}
