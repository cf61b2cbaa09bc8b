//! `join` without `kind`.

use crate::lint::{Context, Finding, Level, Lint};
use crate::syntax::ast::OperatorKind;

pub static LINT: Lint = Lint {
    code: "AQ604",
    name: "join-without-kind",
    what: "Finds `join` without `kind`.",
    why: "The default is `innerunique`, which keeps one row of the left side for each key and drops the others. Who \
          comes from SQL expects `inner`, and loses rows without a word.",
    bad: "SigninLogs\n| where TimeGenerated > ago(1d)\n\
          | join (AuditLogs | where TimeGenerated > ago(1d)) on CorrelationId",
    good: "SigninLogs\n| where TimeGenerated > ago(1d)\n\
           | join kind=inner (AuditLogs | where TimeGenerated > ago(1d)) on CorrelationId",
    level: Level::Information,
    in_rules: Level::Information,
    kql_guard: &[],
    check,
};

fn check(context: &Context) -> Vec<Finding> {
    let joins = context.operators().filter(|operator| match &operator.kind {
        OperatorKind::Join { parameters, .. } => !parameters.iter().any(|parameter| parameter.name.text == "kind"),
        _ => false,
    });
    joins
        .map(|join| {
            Finding::new(join.keyword.span, "this join keeps one row of the left side for each key")
                .help("write kind=innerunique if that is meant, kind=inner to keep all rows")
        })
        .collect()
}
