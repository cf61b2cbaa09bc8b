//! Which conditions of a rule's query the records of its tests ever made true, and which false.

use super::pipeline::{Pipeline, ask};
use super::run::{Context, data, moments_of};
use super::{Case, Scenario};
use crate::diagnostic::Span;
use crate::rules::Rule;
use crate::types::Value;

/// A condition of a `where` in the main pipeline of a query.
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

/// Finds what the records of cases made of each condition. Conditions of joined tables and of `let` are not looked at.
pub fn coverage(scenario: &Scenario, cases: &[&Case], context: &Context) -> Vec<Condition> {
    let mut all: Vec<Condition> = Vec::new();
    for (place, rule) in context.rules.iter().enumerate() {
        let Some(pipeline) = Pipeline::of(rule) else { continue };
        for (operator, conditions) in pipeline.conditions() {
            let first = all.len();
            all.extend(conditions.iter().map(|condition| Condition {
                rule: place,
                text: pipeline.text(condition.span).to_string(),
                span: pipeline.query.place(condition.span),
                was_true: false,
                was_false: false,
            }));
            let columns: Vec<_> = (first..all.len())
                .map(|at| format!("t{at} = countif({0}), f{at} = countif(not({0}))", all[at].text))
                .collect();
            let Some(before) = pipeline.before(operator) else { continue };
            let text = format!("{before}\n| summarize {}", columns.join(", "));
            observe(&text, rule, scenario, cases, context, &mut all[first..]);
        }
    }
    all
}

fn observe(
    text: &str,
    rule: &Rule,
    scenario: &Scenario,
    cases: &[&Case],
    context: &Context,
    conditions: &mut [Condition],
) {
    for case in cases {
        let Ok(data) = data(scenario, case, context) else { continue };
        for moment in moments_of(case, rule) {
            let Some(results) = ask(text, &data, &moment) else { continue };
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
}
