//! Changes rules a little, and finds the changes that no test notices.

use super::pipeline::{Pipeline, Taken};
use super::run::{Context, run};
use super::{Case, Scenario};
use crate::diagnostic::Span;
use crate::rules::model::{Body, Duration};
use crate::rules::{Embedded, Rule};
use crate::syntax::ast::{BinaryOperator, Expr, ExprKind};

/// A changed rule.
#[derive(Debug, Clone)]
pub struct Mutant {
    /// The place of the rule in [`Context::rules`].
    pub rule: usize,
    /// Where the change is, in the rule's file.
    pub span: Span,
    /// What was changed.
    pub change: String,
    changed: Rule,
}

/// What became of all mutants.
#[derive(Debug, Clone)]
pub struct Mutation {
    /// Those that no case notices.
    pub survivors: Vec<Mutant>,
    /// How many there were.
    pub count: usize,
    /// Cases that fail without a change, and so can notice none.
    pub failing: usize,
}

/// Runs the cases over every mutant.
pub fn survivors(scenario: &Scenario, cases: &[&Case], context: &Context) -> Mutation {
    let all: Vec<Mutant> = context.rules.iter().enumerate().flat_map(|(place, rule)| mutants(place, rule)).collect();
    let count = all.len();
    // A case that fails without a change would seem to notice every one.
    let sound: Vec<&Case> = cases.iter().copied().filter(|case| run(scenario, case, context).passed()).collect();
    let survives = |mutant: &Mutant| {
        let mut rules = context.rules.to_vec();
        rules[mutant.rule] = mutant.changed.clone();
        let context =
            Context { rules: &rules, tables: context.tables.clone(), catalog: context.catalog.clone(), ..*context };
        sound.iter().all(|case| run(scenario, case, &context).passed())
    };
    let failing = cases.len() - sound.len();
    Mutation { survivors: all.into_iter().filter(survives).collect(), count, failing }
}

/// Makes the mutants of a rule: conditions dropped, comparisons turned, spans of time doubled, thresholds moved.
fn mutants(place: usize, rule: &Rule) -> Vec<Mutant> {
    let mut all = Vec::new();
    let taken = Taken::of(rule);
    for pipeline in taken.iter().flat_map(Taken::pipelines) {
        for (_, conditions) in pipeline.conditions() {
            for condition in conditions {
                let text = pipeline.text(condition.span);
                let dropped = replaced(rule, &pipeline, condition.span, "true");
                all.extend(mutant(place, &pipeline, condition.span, format!("without `{text}`"), dropped));
                for (span, new) in changes(condition, &pipeline) {
                    let change = format!("`{new}` in place of `{}`, in `{text}`", pipeline.text(span));
                    let changed = replaced(rule, &pipeline, span, &new);
                    all.extend(mutant(place, &pipeline, span, change, changed));
                }
            }
        }
    }
    if let Some(schedule) = rule.schedule() {
        let span = schedule.trigger_threshold.as_ref().map_or(rule.start, |threshold| threshold.span);
        let threshold = schedule.trigger_threshold.as_ref().map_or(0, |threshold| threshold.value);
        for new in [threshold + 1, threshold - 1] {
            let mut changed = rule.clone();
            if let Body::Scheduled(scheduled) = &mut changed.body
                && let Some(written) = scheduled.schedule.trigger_threshold.as_mut().filter(|_| new >= 0)
            {
                written.value = new;
                let change = format!("threshold {new} in place of {threshold}");
                all.push(Mutant { rule: place, span, change, changed });
            }
        }
        let mut changed = rule.clone();
        if let Body::Scheduled(scheduled) = &mut changed.body
            && let Some(period) = scheduled.schedule.period.as_mut()
            && let Some(half) = Duration::of_ticks(period.value.ticks() / 2)
        {
            let change = format!("period {half} in place of {}", period.value);
            period.value = half;
            all.push(Mutant { rule: place, span: period.span, change, changed });
        }
    }
    all
}

fn mutant(place: usize, pipeline: &Pipeline, span: Span, change: String, changed: Option<Rule>) -> Option<Mutant> {
    Some(Mutant { rule: place, span: pipeline.query.place(span), change, changed: changed? })
}

/// Returns the rule with a part of its query replaced.
fn replaced(rule: &Rule, pipeline: &Pipeline, span: Span, new: &str) -> Option<Rule> {
    let mut text = pipeline.query.text.clone();
    text.get(span.start..span.end)?;
    text.replace_range(span.start..span.end, new);
    let mut changed = rule.clone();
    let detection = match &mut changed.body {
        Body::Scheduled(scheduled) => &mut scheduled.detection,
        Body::NearRealTime(near) => &mut near.detection,
        _ => return None,
    };
    detection.query = Some(Embedded::new(text.clone(), &text, Span::new(0, text.len())));
    Some(changed)
}

/// Finds what can be written otherwise in a condition: comparisons, and spans of `ago`.
fn changes(condition: &Expr, pipeline: &Pipeline) -> Vec<(Span, String)> {
    let mut found = Vec::new();
    let mut left = vec![condition];
    while let Some(expression) = left.pop() {
        match &expression.kind {
            ExprKind::Paren(inner) => left.push(inner),
            ExprKind::Unary { operand, .. } => left.push(operand),
            ExprKind::Between { left: value, low, high, .. } => left.extend([&**value, &**low, &**high]),
            ExprKind::Binary { operator, left: first, right: second } => {
                left.extend([&**first, &**second]);
                let between = Span::new(first.span.end, second.span.start);
                let written = pipeline.text(between);
                if let Some(other) = turned(*operator) {
                    let start = between.start + written.len() - written.trim_start().len();
                    found.push((Span::new(start, start + written.trim().len()), other.to_string()));
                }
            }
            ExprKind::Call { name, arguments } if name.text == "ago" => {
                if let [argument] = &arguments[..] {
                    let span = argument.value.span;
                    found.push((span, format!("2 * {}", pipeline.text(span))));
                }
            }
            ExprKind::Call { arguments, .. } => left.extend(arguments.iter().map(|argument| &argument.value)),
            _ => {}
        }
    }
    found
}

/// Returns the comparison that is nearest to another.
fn turned(operator: BinaryOperator) -> Option<&'static str> {
    Some(match operator {
        BinaryOperator::Equal => "!=",
        BinaryOperator::NotEqual => "==",
        BinaryOperator::EqualTilde => "!~",
        BinaryOperator::NotEqualTilde => "=~",
        BinaryOperator::Less => "<=",
        BinaryOperator::LessOrEqual => "<",
        BinaryOperator::Greater => ">=",
        BinaryOperator::GreaterOrEqual => ">",
        BinaryOperator::Or => "and",
        BinaryOperator::And
        | BinaryOperator::Add
        | BinaryOperator::Subtract
        | BinaryOperator::Multiply
        | BinaryOperator::Divide
        | BinaryOperator::Modulo
        | BinaryOperator::Text { .. } => return None,
    })
}
