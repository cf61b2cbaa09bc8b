//! A rule's query that asks for older records than it gets to see.

use crate::lint::context::name_of;
use crate::lint::{Context, Finding, Level, Lint};
use crate::syntax::ast::{Argument, BinaryOperator, Expr, ExprKind};
use crate::types::ticks;

pub static LINT: Lint = Lint {
    code: "AQ614",
    name: "look-back-beyond-period",
    what: "Finds rules whose query asks for records from before the rule's queryPeriod.",
    why: "Sentinel shows the query only the records of the period, whatever the query asks for: what compares with an \
          older past compares with nothing.",
    bad: "SigninLogs\n| where TimeGenerated > ago(14d)\n| summarize count() by UserPrincipalName",
    good: "SigninLogs\n| where TimeGenerated > ago(1d)\n| summarize count() by UserPrincipalName",
    level: Level::Allow,
    in_rules: Level::Warning,
    kql_guard: &[],
    check,
};

fn check(context: &Context) -> Vec<Finding> {
    let Some(period) = context.rule.and_then(|rule| rule.period) else { return Vec::new() };
    let mut found = Vec::new();
    for expr in context.exprs() {
        let bound = match &expr.kind {
            ExprKind::Binary { operator: BinaryOperator::Greater | BinaryOperator::GreaterOrEqual, left, right } => {
                is_time(left).then_some(&**right)
            }
            ExprKind::Between { negated: false, left, low, .. } => is_time(left).then_some(&**low),
            _ => None,
        };
        let Some(bound) = bound else { continue };
        if look_back(context, bound).is_some_and(|ticks| ticks > period) {
            let message = format!("the rule's period is {} and the query looks further back", shown(period));
            found.push(Finding::new(bound.span, message).help("make queryPeriod longer, or look back less far"));
        }
    }
    found
}

fn is_time(expr: &Expr) -> bool {
    name_of(expr) == Some("TimeGenerated")
}

/// Returns how far back an instant lies, where the text tells it.
fn look_back<'a>(context: &Context<'a>, bound: &'a Expr) -> Option<i64> {
    match &context.resolved(bound).kind {
        ExprKind::Call { name, arguments } if name.text == "ago" => match arguments.as_slice() {
            [Argument { value, .. }] => context.timespan(value),
            _ => None,
        },
        ExprKind::Call { name, arguments } if matches!(name.text.as_str(), "startofday" | "bin") => {
            match arguments.first().map(|argument| &argument.value.kind) {
                Some(ExprKind::Call { name, arguments }) if name.text == "ago" => {
                    context.timespan(&arguments.first()?.value)
                }
                _ => None,
            }
        }
        ExprKind::Binary { operator: BinaryOperator::Subtract, left, right } => match &context.resolved(left).kind {
            ExprKind::Call { name, arguments } if name.text == "now" && arguments.is_empty() => context.timespan(right),
            _ => None,
        },
        _ => None,
    }
}

fn shown(ticks: i64) -> String {
    let units = [(ticks::TICKS_PER_DAY, "d"), (ticks::TICKS_PER_HOUR, "h"), (ticks::TICKS_PER_MINUTE, "m")];
    let unit = units.iter().find(|(size, _)| ticks % size == 0);
    unit.map_or_else(
        || format!("{} s", ticks / ticks::TICKS_PER_SECOND),
        |(size, unit)| format!("{}{unit}", ticks / size),
    )
}
