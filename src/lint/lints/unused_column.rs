//! Columns that are computed and dropped.

use crate::lint::context::assigned;
use crate::lint::{Context, Finding, Level, Lint};
use crate::syntax::ast::{Expr, ExprKind, Literal, NamedExpr, Operator, OperatorKind};
use crate::syntax::visit::{Part, parts};

pub static LINT: Lint = Lint {
    code: "AQ609",
    name: "unused-column",
    what: "Finds columns that `extend` computes, nothing reads, and the result does not have.",
    why: "The work is done for every row and thrown away. Often another name was meant further down.",
    bad: "SecurityAlert\n| where TimeGenerated > ago(1d)\n| extend Props = parse_json(ExtendedProperties)\n\
          | summarize count() by AlertName",
    good: "SecurityAlert\n| where TimeGenerated > ago(1d)\n| summarize count() by AlertName",
    level: Level::Information,
    in_rules: Level::Information,
    kql_guard: &[],
    check,
};

fn check(context: &Context) -> Vec<Finding> {
    let mut found = Vec::new();
    for pipeline in context.pipelines() {
        for (index, operator) in pipeline.operators.iter().enumerate() {
            let OperatorKind::Extend { columns } = &operator.kind else { continue };
            for (at, column) in columns.iter().enumerate() {
                let [name] = column.names.as_slice() else { continue };
                if !is_read(&name.text, &columns[at + 1..]) && is_lost(&name.text, &pipeline.operators[index + 1..]) {
                    found.push(
                        Finding::new(name.span, format!("nothing reads the column '{}'", name.text))
                            .help("leave it out, or use it"),
                    );
                }
            }
        }
    }
    found
}

fn is_read(column: &str, items: &[NamedExpr]) -> bool {
    items.iter().any(|item| speaks_of(Part::Expr(&item.value), column))
}

/// Tells whether the column goes before anything has read it. What is not certain is no.
fn is_lost(column: &str, operators: &[Operator]) -> bool {
    for operator in operators {
        if speaks_of(Part::Operator(operator), column) || assigned(operator, column).is_some() {
            return false;
        }
        match operator.kind {
            OperatorKind::Project { .. }
            | OperatorKind::Summarize(_)
            | OperatorKind::Distinct { .. }
            | OperatorKind::Count { .. }
            | OperatorKind::MakeSeries(_) => return true,
            OperatorKind::Where { .. }
            | OperatorKind::Extend { .. }
            | OperatorKind::Sort { .. }
            | OperatorKind::Take { .. }
            | OperatorKind::Top { .. }
            | OperatorKind::MvExpand { .. }
            | OperatorKind::Parse(_)
            | OperatorKind::Serialize { .. }
            | OperatorKind::ProjectReorder { .. }
            | OperatorKind::Join { .. }
            | OperatorKind::Lookup { .. } => {}
            _ => return false,
        }
    }
    false
}

/// Tells whether some part may read the column: by its name, as text, or as one of all.
fn speaks_of(part: Part, column: &str) -> bool {
    parts(part).any(|part| match part {
        Part::Expr(Expr { kind, .. }) => match kind {
            ExprKind::Name(name) => name.text == column,
            ExprKind::Member { member, .. } => member.text == column,
            ExprKind::Literal(Literal::String(text)) => text == column,
            ExprKind::Star | ExprKind::Wildcard(_) => true,
            ExprKind::Call { name, .. } => matches!(name.text.as_str(), "pack_all" | "bag_pack_columns"),
            _ => false,
        },
        _ => false,
    })
}
