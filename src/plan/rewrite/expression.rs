//! What an expression reads and costs, and putting what columns stand for in their places.

use std::collections::{HashMap, HashSet};

use crate::plan::{Expr, Step};
use crate::types::Column;

/// Returns the direct operands; not those of subqueries.
pub(super) fn operands_mut(expr: &mut Expr) -> Vec<&mut Expr> {
    match expr {
        Expr::Column(_) | Expr::Literal(_) | Expr::ScalarQuery { .. } | Expr::Now => Vec::new(),
        Expr::Call { arguments, .. } | Expr::Part { arguments, .. } | Expr::And(arguments) | Expr::Or(arguments) => {
            arguments.iter_mut().collect()
        }
        Expr::Convert { value, .. }
        | Expr::Not(value)
        | Expr::ParseJson(value)
        | Expr::In { value, .. }
        | Expr::InQuery { value, .. } => vec![value],
        Expr::Compare { left, right, .. } => vec![left, right],
        Expr::Path { base, steps } => {
            let steps = steps.iter_mut().filter_map(|step| match step {
                Step::Computed(step) => Some(&mut **step),
                Step::Key(_) | Step::Index(_) => None,
            });
            std::iter::once(&mut **base).chain(steps).collect()
        }
    }
}

/// Tells whether `f` holds for the expression or one within it.
fn any(expr: &Expr, f: &dyn Fn(&Expr) -> bool) -> bool {
    let mut found = f(expr);
    expr.for_each_operand(&mut |operand| found = found || any(operand, f));
    found
}

pub(super) fn is_volatile(expr: &Expr) -> bool {
    any(expr, &|e| matches!(e, Expr::Call { function, .. } if function.is_volatile()))
}

pub(super) fn has_query(expr: &Expr) -> bool {
    any(expr, &|e| matches!(e, Expr::InQuery { .. } | Expr::ScalarQuery { .. }))
}

pub(super) fn height(expr: &Expr) -> usize {
    let mut below = 0;
    expr.for_each_operand(&mut |operand| below = below.max(height(operand)));
    below + 1
}

pub(super) fn names_read(expr: &Expr) -> HashSet<&str> {
    let mut names = HashSet::new();
    expr.columns_read(&mut names);
    names
}

/// Where a column is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// As what a path goes into.
    PathBase,
    /// Somewhere below a call, which may treat a constant otherwise than a column.
    Argument,
    Other,
}

/// Calls `f` with each column that is read and the place where; whether it lies within a call is told on its own.
pub(super) fn each_read<'a>(expr: &'a Expr, place: Place, called: bool, f: &mut dyn FnMut(&'a Column, Place, bool)) {
    match expr {
        Expr::Column(column) => f(column, place, called),
        Expr::Path { base, steps } => {
            each_read(base, Place::PathBase, called, f);
            for step in steps {
                if let Step::Computed(step) = step {
                    each_read(step, Place::Argument, true, f);
                }
            }
        }
        Expr::Call { arguments, .. } | Expr::Part { arguments, .. } => {
            arguments.iter().for_each(|argument| each_read(argument, Place::Argument, true, f));
        }
        other => other.for_each_operand(&mut |operand| each_read(operand, Place::Other, called, f)),
    }
}

/// What columns stand for.
pub(super) type Meanings<'a> = HashMap<&'a str, &'a Expr>;

/// The meanings of a projection's columns. One of another type than its column is left out.
pub(super) fn meanings<'a>(columns: &'a [Column], expressions: &'a [Expr]) -> Meanings<'a> {
    let typed = columns.iter().zip(expressions).filter(|(column, e)| column.scalar_type == e.scalar_type());
    typed.map(|(column, expression)| (column.name.as_str(), expression)).collect()
}

/// Puts what columns stand for in their places.
pub(super) fn substitute(expr: &mut Expr, meanings: &Meanings) {
    if let Expr::Column(column) = expr {
        if let Some(meaning) = meanings.get(column.name.as_str()) {
            *expr = (*meaning).clone();
        }
        return;
    }
    operands_mut(expr).into_iter().for_each(|operand| substitute(operand, meanings));
}

/// Tells whether a meaning may stand in a column's place however often: nothing is computed twice that costs.
pub(super) fn is_free(meaning: &Expr, place: Place, called: bool) -> bool {
    match meaning {
        Expr::Column(_) => true,
        // A call is prepared from its constants, and may refuse one that it takes for a row.
        Expr::Literal(_) | Expr::Now => !called,
        // Text that is parsed for a path alone is one function of the text.
        Expr::ParseJson(text) => place == Place::PathBase && matches!(**text, Expr::Column(_)),
        _ => false,
    }
}

/// Tells whether an expression is made of columns and literals by logic and comparisons alone.
pub(super) fn is_cheap(expr: &Expr) -> bool {
    let cheap = |e: &Expr| {
        matches!(
            e,
            Expr::Column(_)
                | Expr::Literal(_)
                | Expr::Now
                | Expr::And(_)
                | Expr::Or(_)
                | Expr::Not(_)
                | Expr::Compare { .. }
                | Expr::In { .. }
        )
    };
    !any(expr, &|e| !cheap(e))
}

pub(super) fn reads(columns: &[Column]) -> Vec<Expr> {
    columns.iter().cloned().map(Expr::Column).collect()
}
