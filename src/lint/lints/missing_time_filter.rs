//! A query over logs that says nothing about time.

use crate::catalog::log_analytics;
use crate::lint::context::name_of;
use crate::lint::{Context, Finding, Level, Lint};
use crate::syntax::ast::{Expr, ExprKind, OperatorKind, StatementKind};
use crate::types::ScalarType;

pub static LINT: Lint = Lint {
    code: "AQ601",
    name: "missing-time-filter",
    what: "Finds queries that read logs and nowhere say from which time on.",
    why: "Without a time the query reads all that the workspace retains, unless whoever runs it sets a period: the \
          portal's time picker and the API's timespan do, and so does a rule's queryPeriod. It is therefore told only \
          where a project asks for it.",
    bad: "SigninLogs\n| where ResultType == \"50126\"\n| summarize count() by UserPrincipalName",
    good: "SigninLogs\n| where TimeGenerated > ago(1d)\n| where ResultType == \"50126\"\n\
           | summarize count() by UserPrincipalName",
    level: Level::Allow,
    in_rules: Level::Allow,
    kql_guard: &["KQL003"],
    check,
};

fn check(context: &Context) -> Vec<Finding> {
    let speaks_of_time = context.operators().any(|operator| context.filters_time(operator))
        || context.exprs().any(|expr| {
            matches!(&expr.kind, ExprKind::Call { arguments, .. }
            if arguments.iter().any(|argument| {
                context.type_of(&argument.value) == Some(ScalarType::DateTime) && argument.name.is_some()
            }))
        });
    if speaks_of_time || context.operators().any(|operator| matches!(operator.kind, OperatorKind::MakeSeries(_))) {
        return Vec::new();
    }
    let Some(table) = first_log(context) else { return Vec::new() };
    let finding = Finding::new(table.span, "the query reads all records that there are, of any time");
    vec![finding.help("filter first: | where TimeGenerated > ago(1d)")]
}

/// Finds the first name of a table with a time among the places where tables stand.
fn first_log<'a>(context: &Context<'a>) -> Option<&'a Expr> {
    let sources = context.pipelines().iter().filter_map(|pipeline| pipeline.source);
    let united = context.operators().flat_map(|operator| match &operator.kind {
        OperatorKind::Union { tables, .. } => tables.as_slice(),
        _ => &[],
    });
    let alone = context.statements().filter_map(|statement| match statement {
        StatementKind::Expr(value) => Some(value),
        _ => None,
    });
    sources.chain(united).chain(alone).map(|expr| context.resolved(expr)).find(|expr| {
        name_of(expr)
            .and_then(log_analytics::find)
            .is_some_and(|table| table.columns.iter().any(|column| column.name == "TimeGenerated"))
    })
}
