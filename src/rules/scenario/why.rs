//! Follows one record through a rule's query, to the operator that drops it.

use super::pipeline::{Taken, ask};
use super::run::{Context, data, moments_of};
use super::{Case, Scenario};
use crate::diagnostic::Span;
use crate::rules::Rule;
use crate::rules::alert::Results;
use crate::rules::schedule::{Data, Moment};
use crate::types::convert::text_of;
use crate::types::ticks::MAX_DATETIME;

/// How far a record came in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// The place of the rule in [`Context::rules`].
    pub rule: usize,
    /// The moment of the run, in ticks.
    pub now: i64,
    pub end: End,
}

/// Where a record's way ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It is outside the window of the run.
    Outside,
    /// It is in no table that the query begins with.
    Unseen,
    /// A condition is not true of it.
    Condition { text: String, span: Span },
    /// From this operator on it cannot be told from others, or it is gone.
    Operator { text: String, span: Span },
    /// It is in the result.
    Result,
    /// The query cannot be followed.
    Unknown,
}

/// Follows the record that has this text in one of its columns, in every run of every rule.
pub fn why(id: &str, scenario: &Scenario, case: &Case, context: &Context) -> Vec<Fate> {
    let Ok(data) = data(scenario, case, context) else { return Vec::new() };
    let mut fates = Vec::new();
    for (place, rule) in context.rules.iter().enumerate() {
        for moment in moments_of(case, rule) {
            fates.push(Fate { rule: place, now: moment.now, end: follow(id, rule, &data, &moment) });
        }
    }
    fates
}

fn follow(id: &str, rule: &Rule, data: &Data, moment: &Moment) -> End {
    let taken = Taken::of(rule);
    let Some(pipeline) = taken.as_ref().and_then(Taken::main) else { return End::Unknown };
    let there = |text: String| ask(&text, data, moment).map(|results| has(&results, id));
    match pipeline.before(0).and_then(there) {
        Some(true) => {}
        Some(false) => {
            let ever = Moment { from: i64::MIN, now: MAX_DATETIME, written: i64::MAX, by_ingestion: false };
            let known = pipeline.before(0).and_then(|text| ask(&text, data, &ever));
            return if known.is_some_and(|results| has(&results, id)) { End::Outside } else { End::Unseen };
        }
        None => return End::Unknown,
    }
    let conditions = pipeline.conditions();
    for (place, operator) in pipeline.operators.iter().enumerate() {
        match pipeline.before(place + 1).and_then(there) {
            Some(true) => continue,
            Some(false) => {}
            None => return End::Unknown,
        }
        let of = conditions.iter().find(|(at, _)| *at == place);
        for condition in of.map(|(_, conditions)| &conditions[..]).unwrap_or_default() {
            let text = pipeline.text(condition.span);
            let alone = pipeline.before(place).map(|before| format!("{before}\n| where {text}"));
            if alone.and_then(there) == Some(false) {
                return End::Condition { text: text.to_string(), span: pipeline.query.place(condition.span) };
            }
        }
        let text = pipeline.text(operator.span).to_string();
        return End::Operator { text, span: pipeline.query.place(operator.span) };
    }
    End::Result
}

/// Tells whether some cell is this text.
fn has(results: &Results, id: &str) -> bool {
    let columns = results.columns.iter().filter_map(|column| results.values(&column.name));
    columns.flatten().any(|value| text_of(&value) == id)
}
