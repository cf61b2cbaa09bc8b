//! `take` that picks any rows, and something that depends on which.

use crate::lint::{Context, Finding, Level, Lint, Pipeline};
use crate::syntax::ast::{Operator, OperatorKind};

pub static LINT: Lint = Lint {
    code: "AQ610",
    name: "take-without-sort",
    what: "Finds `take` over rows in no order, where more is made of the rows than showing them.",
    why: "Which rows it picks is not defined, and differs from run to run. A look at some rows at the end of a query \
          is left alone.",
    bad: "SecurityAlert\n| where TimeGenerated > ago(1d)\n| take 100\n| summarize count() by AlertName",
    good: "SecurityAlert\n| where TimeGenerated > ago(1d)\n| top 100 by TimeGenerated desc\n| summarize count() by AlertName",
    level: Level::Information,
    in_rules: Level::Information,
    kql_guard: &["KQL013"],
    check,
};

fn check(context: &Context) -> Vec<Finding> {
    let mut found = Vec::new();
    for pipeline in context.pipelines() {
        for (index, operator) in pipeline.operators.iter().enumerate() {
            let OperatorKind::Take { .. } = operator.kind else { continue };
            let chain = context.chain_before(pipeline, index);
            if chain.table.is_none() || chain.operators.iter().any(|operator| gives_order(operator)) {
                continue;
            }
            if context.rule.is_some() || !is_a_look(pipeline, index) {
                found.push(
                    Finding::new(operator.keyword.span, "which rows these are is not defined")
                        .help("sort first, or write `top 100 by TimeGenerated`"),
                );
            }
        }
    }
    found
}

/// Tells whether rows have an order behind the operator, or are so few that it does not matter.
fn gives_order(operator: &Operator) -> bool {
    matches!(
        operator.kind,
        OperatorKind::Sort { .. }
            | OperatorKind::Top { .. }
            | OperatorKind::TopNested { .. }
            | OperatorKind::Serialize { .. }
            | OperatorKind::Count { .. }
            | OperatorKind::GetSchema { .. }
    )
}

/// Tells whether the rows are shown, each by itself.
fn is_a_look(pipeline: &Pipeline, index: usize) -> bool {
    let by_row = |operator: &Operator| {
        matches!(
            operator.kind,
            OperatorKind::Project { .. }
                | OperatorKind::ProjectAway { .. }
                | OperatorKind::ProjectKeep { .. }
                | OperatorKind::ProjectRename { .. }
                | OperatorKind::ProjectReorder { .. }
                | OperatorKind::Extend { .. }
                | OperatorKind::Sort { .. }
                | OperatorKind::GetSchema { .. }
                | OperatorKind::MvExpand { .. }
                | OperatorKind::Evaluate { .. }
                | OperatorKind::Render { .. }
        )
    };
    pipeline.is_result && pipeline.operators[index + 1..].iter().all(by_row)
}
