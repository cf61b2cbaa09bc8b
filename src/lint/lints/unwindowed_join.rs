//! Joins of which one side is limited in time and the other is not.

use crate::lint::{Context, Finding, Level, Lint};
use crate::syntax::ast::{Operator, OperatorKind};

pub static LINT: Lint = Lint {
    code: "AQ606",
    name: "unwindowed-join",
    what: "Finds joins where the left side is limited in time and the right side reads a table of any time.",
    why: "The right side reads all that is retained, and rows of today meet rows of last year. The query of a rule is \
          left alone: its period limits both sides.",
    bad: "SigninLogs\n| where TimeGenerated > ago(1h)\n| join kind=inner AuditLogs on CorrelationId",
    good: "SigninLogs\n| where TimeGenerated > ago(1h)\n\
           | join kind=inner (AuditLogs | where TimeGenerated > ago(1h)) on CorrelationId",
    level: Level::Information,
    in_rules: Level::Allow,
    kql_guard: &["KQL006"],
    check,
};

fn check(context: &Context) -> Vec<Finding> {
    let mut found = Vec::new();
    for pipeline in context.pipelines() {
        for (index, operator) in pipeline.operators.iter().enumerate() {
            let OperatorKind::Join { right, .. } = &operator.kind else { continue };
            let later: Vec<_> = pipeline.operators[index + 1..].iter().collect();
            let right_side = context.chain(right);
            if right_side.reads_log()
                && !is_limited(context, &right_side.operators)
                && !is_limited(context, &later)
                && is_limited(context, &context.chain_before(pipeline, index).operators)
            {
                found.push(
                    Finding::new(operator.keyword.span, "the left side is limited in time and the right side is not")
                        .help("filter the right side by TimeGenerated as well"),
                );
            }
        }
    }
    found
}

fn is_limited<'a>(context: &Context<'a>, operators: &[&'a Operator]) -> bool {
    operators.iter().any(|operator| context.filters_time(operator))
}
