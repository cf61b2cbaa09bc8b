//! `new_guid()` in the expressions of one operator.

use super::super::Binder;
use super::projection;
use crate::plan::{Expr, Node};
use crate::types::{Column, ScalarType};

impl Binder<'_> {
    /// Makes one value of all calls of `new_guid()` in the expressions of an operator: in a row they are equal (measured).
    pub(super) fn one_guid<'a>(&mut self, input: Node, expressions: impl Iterator<Item = &'a mut Expr>) -> Node {
        let expressions: Vec<&mut Expr> = expressions.collect();
        if expressions.iter().map(|expression| guids(expression)).sum::<usize>() < 2 {
            return input;
        }
        let column = Column::new(self.fresh("guid"), ScalarType::Guid);
        let mut call = None;
        expressions.into_iter().for_each(|expression| replace_guids(expression, &column, &mut call));
        let mut columns = input.columns.clone();
        let mut all: Vec<Expr> = columns.iter().cloned().map(Expr::Column).collect();
        columns.push(column);
        all.extend(call);
        projection(input, columns, all)
    }
}

fn is_guid(expr: &Expr) -> bool {
    matches!(expr, Expr::Call { function, .. } if function.name == "new_guid")
}

/// Counts the calls of `new_guid()`.
fn guids(expr: &Expr) -> usize {
    let mut count = usize::from(is_guid(expr));
    expr.for_each_operand(&mut |operand| count += guids(operand));
    count
}

/// Puts a column in the place of each call of `new_guid()`, and gives the call.
fn replace_guids(expr: &mut Expr, column: &Column, call: &mut Option<Expr>) {
    if is_guid(expr) {
        *call = Some(std::mem::replace(expr, Expr::Column(column.clone())));
        return;
    }
    expr.for_each_operand_mut(&mut |operand| replace_guids(operand, column, call));
}
