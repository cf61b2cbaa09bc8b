use super::{Check, Subject};
use crate::diagnostic::Diagnostic;
use crate::rules::model::TriggerOperator;
use crate::syntax::ast::{Expr, ExprKind, Literal, Operator, OperatorKind, Query, StatementKind};

pub(super) const CHECK: Check = Check {
    code: "AQ525",
    name: "trigger-against-shape",
    why: "The threshold is compared with the number of rows. A query that always gives one row fires always, or never.",
    bad: "query: SecurityAlert | summarize n = count()",
    good: "query: SecurityAlert | summarize n = count() by CompromisedEntity | where n > 5",
    find,
};

/// The fewest and the most rows that a query can give.
#[derive(Debug, Clone, Copy)]
struct Rows {
    fewest: i64,
    most: i64,
}

fn find(subject: &Subject) -> Vec<Diagnostic> {
    let schedule = subject.rule.schedule();
    let given = schedule.and_then(|schedule| Some((schedule.trigger_operator?, schedule.trigger_threshold?)));
    let (Some((operator, threshold)), Some(rows)) = (given, subject.query.and_then(rows)) else { return Vec::new() };
    let holds = |rows| operator.value.holds(rows, threshold.value);
    let range = if rows.fewest == rows.most {
        format!("the query always gives {} row{}", rows.most, if rows.most == 1 { "" } else { "s" })
    } else if rows.most == i64::MAX {
        "the query gives any number of rows".to_string()
    } else {
        format!("the query gives {} rows at most", rows.most)
    };
    let (ever, always) = verdict(operator.value, threshold.value, rows, holds);
    let word = operator.value.short();
    let problem = |what: &str, help: &str| {
        let message = format!("{range}, and '{word} {}' is {what}", threshold.value);
        vec![
            Diagnostic::warning(CHECK.code, threshold.span, message)
                .label(operator.span, "how rows are compared")
                .help(help),
        ]
    };
    match (ever, always) {
        (false, _) => {
            problem("never true of it: the rule never fires", "compare with fewer rows, or let the query give more")
        }
        (_, true) => problem(
            "always true of it: the rule fires at every run",
            "compare within the query (`| where count_ > 5`), so that it gives rows only when there is something",
        ),
        _ => Vec::new(),
    }
}

/// Tells whether the comparison can be true, and whether it always is.
fn verdict(operator: TriggerOperator, threshold: i64, rows: Rows, holds: impl Fn(i64) -> bool) -> (bool, bool) {
    let ends = [holds(rows.fewest), holds(rows.most)];
    let inside = (rows.fewest..=rows.most).contains(&threshold);
    match operator {
        TriggerOperator::GreaterThan | TriggerOperator::LessThan => (ends[0] || ends[1], ends[0] && ends[1]),
        TriggerOperator::Equal => (inside, inside && rows.fewest == rows.most),
        TriggerOperator::NotEqual => (!inside || rows.fewest < rows.most, !inside),
    }
}

/// Tells how many rows the last statement gives.
fn rows(query: &Query) -> Option<Rows> {
    let last = query.statements.last()?;
    let StatementKind::Expr(Expr { kind: ExprKind::Pipeline { operators, .. }, .. }) = &last.kind else { return None };
    operators.iter().try_fold(Rows { fewest: 0, most: i64::MAX }, after)
}

fn after(rows: Rows, operator: &Operator) -> Option<Rows> {
    Some(match &operator.kind {
        OperatorKind::Count { .. } => Rows { fewest: 1, most: 1 },
        OperatorKind::Summarize(summarize) if !summarize.has_by => Rows { fewest: 1, most: 1 },
        OperatorKind::Summarize(_) | OperatorKind::Distinct { .. } => Rows { fewest: rows.fewest.min(1), ..rows },
        OperatorKind::Where { .. } => Rows { fewest: 0, ..rows },
        OperatorKind::Take { count, .. } | OperatorKind::Top { count, .. } => {
            let most = rows.most.min(number(count)?);
            Rows { fewest: rows.fewest.min(most), most }
        }
        OperatorKind::Extend { .. }
        | OperatorKind::Project { .. }
        | OperatorKind::ProjectAway { .. }
        | OperatorKind::ProjectKeep { .. }
        | OperatorKind::ProjectRename { .. }
        | OperatorKind::ProjectReorder { .. }
        | OperatorKind::Serialize { .. }
        | OperatorKind::Sort { .. } => rows,
        // Others give any number of rows, as far as this check goes.
        _ => Rows { fewest: 0, most: i64::MAX },
    })
}

fn number(expression: &Expr) -> Option<i64> {
    match &expression.kind {
        ExprKind::Literal(Literal::Typed { text, .. }) => text.parse().ok(),
        _ => None,
    }
}
