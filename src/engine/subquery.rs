//! Subqueries within expressions: run first, and replaced by their values.

use arrow::array::{Array, RecordBatch};

use super::Result;
use crate::plan::{Expr, Node};
use crate::types::arrow::value_at;
use crate::types::{Column, Value, convert};

/// Runs a query; gives its batches and its first column.
pub(super) type Run<'a> = dyn FnMut(&Node) -> Result<(Vec<RecordBatch>, Column)> + 'a;

/// Replaces every subquery in a node and those below it.
pub(super) fn replace(node: &mut Node, run: &mut Run) -> Result<()> {
    for expr in node.expressions_mut() {
        in_expr(expr, run)?;
    }
    node.inputs_mut().into_iter().try_for_each(|input| replace(input, run))
}

fn in_expr(expr: &mut Expr, run: &mut Run) -> Result<()> {
    let mut outcome = Ok(());
    expr.for_each_operand_mut(&mut |operand| {
        if outcome.is_ok() {
            outcome = in_expr(operand, run);
        }
    });
    outcome?;
    match expr {
        Expr::ScalarQuery { query, returns } => {
            let (batches, column) = run(query)?;
            let first = batches.iter().find(|b| b.num_rows() > 0);
            let value = match first {
                Some(batch) => value_at(batch.column(0), 0, column.scalar_type),
                None => Value::missing(column.scalar_type),
            };
            *expr = Expr::Literal(convert::convert(&value, *returns));
        }
        // What was a query is a constant now, and is converted once.
        Expr::Convert { value, to } => {
            if let Expr::Literal(literal) = &**value {
                *expr = Expr::Literal(convert::convert(literal, *to));
            }
        }
        Expr::InQuery { value, query, fold_case, negated } => {
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
        _ => {}
    }
    Ok(())
}
