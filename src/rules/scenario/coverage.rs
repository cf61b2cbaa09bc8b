//! Which conditions of a rule's query the records of its tests ever made true, and which false.

use super::pipeline::{Taken, ask};
use super::run::{Context, data, moments_of};
use super::{Case, Scenario};
use crate::diagnostic::Span;
use crate::rules::Rule;
use crate::syntax::ast::Expr;
use crate::types::Value;

/// A condition of a `where`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The place of the rule in [`Context::rules`].
    pub rule: usize,
    pub text: String,
    /// Where it stands in the rule's file.
    pub span: Span,
    pub was_true: bool,
    pub was_false: bool,
}

/// Finds what the records of cases made of each condition, in the order of their places: of the main pipeline, of `let`, of
/// joined tables. Conditions in functions, and others that have no meaning by themselves, are not looked at.
pub fn coverage(scenario: &Scenario, cases: &[&Case], context: &Context) -> Vec<Condition> {
    let mut all: Vec<Condition> = Vec::new();
    for (place, rule) in context.rules.iter().enumerate() {
        let taken = Taken::of(rule);
        let first = all.len();
        for pipeline in taken.iter().flat_map(Taken::pipelines) {
            for (operator, conditions) in pipeline.conditions() {
                let condition = |condition: &&Expr| Condition {
                    rule: place,
                    text: pipeline.text(condition.span).to_string(),
                    span: pipeline.query.place(condition.span),
                    was_true: false,
                    was_false: false,
                };
                let mut found: Vec<Condition> = conditions.iter().map(condition).collect();
                let columns: Vec<_> = found
                    .iter()
                    .enumerate()
                    .map(|(at, Condition { text, .. })| {
                        format!("t{at} = countif({text}), f{at} = countif(not({text}))")
                    })
                    .collect();
                let Some(before) = pipeline.before(operator) else { continue };
                let text = format!("{before}\n| summarize {}", columns.join(", "));
                if observe(&text, rule, scenario, cases, context, &mut found) || pipeline.is_main {
                    all.extend(found);
                }
            }
        }
        all[first..].sort_by_key(|condition| condition.span);
    }
    all
}

/// Looks at what comes to conditions in every run; tells whether there was anything to be asked.
fn observe(
    text: &str,
    rule: &Rule,
    scenario: &Scenario,
    cases: &[&Case],
    context: &Context,
    conditions: &mut [Condition],
) -> bool {
    let mut asked = false;
    for case in cases {
        let Ok(data) = data(scenario, case, context) else { continue };
        for moment in moments_of(case, rule) {
            let Some(results) = ask(text, &data, &moment) else { continue };
            asked = true;
            let counts: Vec<bool> = results
                .columns
                .iter()
                .map(|column| matches!(results.values(&column.name).and_then(|mut v| v.next()), Some(Value::Long(n)) if n > 0))
                .collect();
            for (condition, pair) in conditions.iter_mut().zip(counts.chunks(2)) {
                condition.was_true |= pair.first() == Some(&true);
                condition.was_false |= pair.get(1) == Some(&true);
            }
        }
    }
    asked
}
