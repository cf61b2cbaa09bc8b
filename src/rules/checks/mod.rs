//! What can be wrong with a rule apart from its query; one file for each matter.

mod columns;
mod required;
mod schedule;

pub use columns::columns;
pub use schedule::seconds;

use super::model::Rule;
use crate::diagnostic::Diagnostic;

/// Checks everything that can be told without the query's result.
pub fn settings(rule: &Rule) -> Vec<Diagnostic> {
    let mut problems = required::check(rule);
    problems.extend(schedule::check(rule));
    problems
}
