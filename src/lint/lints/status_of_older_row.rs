//! The status of an alert or an incident, asked of every row that was ever written for it.

use crate::lint::context::{name_of, text_of};
use crate::lint::{Context, Finding, Level, Lint};
use crate::syntax::ast::{BinaryOperator, Expr, ExprKind, Operator, OperatorKind};
use crate::syntax::visit::row_expressions;

pub static LINT: Lint = Lint {
    code: "AQ613",
    name: "status-of-older-row",
    what: "Finds filters by `Status` of SecurityAlert and SecurityIncident before the latest row of each is taken.",
    why: "Each change of an alert or an incident is a further row. The row that said `New` stays when the incident is \
          closed, so the filter finds what was once new, not what is.",
    bad: "SecurityIncident\n| where TimeGenerated > ago(7d)\n| where Status == \"New\"",
    good: "SecurityIncident\n| where TimeGenerated > ago(7d)\n\
           | summarize arg_max(TimeGenerated, *) by IncidentNumber\n| where Status == \"New\"",
    level: Level::Information,
    in_rules: Level::Information,
    kql_guard: &[],
    check,
};

/// Tables, and what tells one thing from another in them.
const TABLES: &[(&str, &str)] = &[("SecurityAlert", "SystemAlertId"), ("SecurityIncident", "IncidentNumber")];

fn check(context: &Context) -> Vec<Finding> {
    let mut found = Vec::new();
    for pipeline in context.pipelines() {
        for (index, operator) in pipeline.operators.iter().enumerate() {
            let OperatorKind::Where { .. } = operator.kind else { continue };
            let Some(status) = row_expressions(operator).find_map(status) else { continue };
            let chain = context.chain_before(pipeline, index);
            let Some((table, key)) = TABLES.iter().find(|(table, _)| chain.table == Some(table)) else { continue };
            let is_raw = |operator: &&Operator| {
                matches!(
                    operator.kind,
                    OperatorKind::Where { .. }
                        | OperatorKind::Extend { .. }
                        | OperatorKind::Project { .. }
                        | OperatorKind::ProjectAway { .. }
                        | OperatorKind::ProjectKeep { .. }
                        | OperatorKind::MvExpand { .. }
                )
            };
            if chain.operators.iter().all(is_raw) && chain.keeps("Status") {
                let help = format!("first take the latest: summarize arg_max(TimeGenerated, *) by {key}");
                found.push(
                    Finding::new(status.span, format!("{table} has a row for each change: this may be an older one"))
                        .help(help),
                );
            }
        }
    }
    found
}

/// Returns the column where its value is compared with one that may be followed by another.
fn status(expr: &Expr) -> Option<&Expr> {
    /// What a thing is in the end.
    const LAST: &[&str] = &["Closed", "Resolved", "Dismissed"];
    match &expr.kind {
        ExprKind::Binary { operator, left, right } => {
            let equal = matches!(operator, BinaryOperator::Equal | BinaryOperator::EqualTilde);
            let is_last = |text: &str| LAST.iter().any(|last| last.eq_ignore_ascii_case(text));
            let column = [left, right].into_iter().find(|side| name_of(side) == Some("Status"))?;
            let text = text_of(right).or_else(|| text_of(left));
            (!equal || !text.is_some_and(is_last)).then_some(column)
        }
        ExprKind::In { left, .. } => (name_of(left) == Some("Status")).then_some(left),
        _ => None,
    }
}
