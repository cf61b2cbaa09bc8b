//! Comparisons with values that no product writes into a column.

use crate::diagnostic::{Span, nearest};
use crate::lint::context::{Chain, name_of, text_of};
use crate::lint::{Context, Finding, Level, Lint};
use crate::syntax::ast::{BinaryOperator, ExprKind, InOperator, Operator};
use crate::syntax::visit::row_expressions;

pub static LINT: Lint = Lint {
    code: "AQ608",
    name: "value-never-written",
    what: "Finds comparisons of a severity, a status or a classification with a value that it never has.",
    why: "These columns hold one of a few documented values. A comparison with another one, or with one in another \
          case where case counts, is true for no row, or for every row.",
    bad: "SecurityAlert\n| where TimeGenerated > ago(1d)\n| where AlertSeverity in (\"High\", \"Critical\")",
    good: "SecurityAlert\n| where TimeGenerated > ago(1d)\n| where AlertSeverity in (\"High\", \"Medium\")",
    level: Level::Warning,
    in_rules: Level::Warning,
    kql_guard: &[],
    check,
};

const SEVERITIES: &[&str] = &["Informational", "Low", "Medium", "High"];

/// Table, column, and all values that it has (documented).
const CLOSED: &[(&str, &str, &[&str])] = &[
    ("SecurityAlert", "AlertSeverity", SEVERITIES),
    ("SecurityAlert", "Status", &["New", "InProgress", "Resolved", "Dismissed", "Unknown"]),
    ("SecurityIncident", "Severity", SEVERITIES),
    ("SecurityIncident", "Status", &["New", "Active", "Closed"]),
    ("SecurityIncident", "Classification", &["Undetermined", "TruePositive", "BenignPositive", "FalsePositive"]),
    ("AlertInfo", "Severity", SEVERITIES),
];

fn check(context: &Context) -> Vec<Finding> {
    let mut found = Vec::new();
    for pipeline in context.pipelines() {
        for (index, operator) in pipeline.operators.iter().enumerate() {
            let mut chain = None;
            for comparison in comparisons(operator) {
                let chain = chain.get_or_insert_with(|| context.chain_before(pipeline, index));
                found.extend(findings(&comparison, chain));
            }
        }
    }
    found
}

/// A column that is held against texts.
struct Comparison<'a> {
    column: &'a str,
    texts: Vec<(&'a str, Span)>,
    folds_case: bool,
}

fn comparisons(operator: &Operator) -> impl Iterator<Item = Comparison<'_>> {
    row_expressions(operator).filter_map(|expr| match &expr.kind {
        ExprKind::Binary { operator, left, right } => {
            let folds_case = match operator {
                BinaryOperator::Equal | BinaryOperator::NotEqual => false,
                BinaryOperator::EqualTilde | BinaryOperator::NotEqualTilde => true,
                _ => return None,
            };
            Some(Comparison { column: name_of(left)?, texts: vec![(text_of(right)?, right.span)], folds_case })
        }
        ExprKind::In { operator, left, list } => {
            let folds_case = match operator {
                InOperator::In | InOperator::NotIn => false,
                InOperator::InTilde | InOperator::NotInTilde => true,
                InOperator::HasAny | InOperator::HasAll => return None,
            };
            let texts = list.iter().filter_map(|item| Some((text_of(item)?, item.span))).collect();
            Some(Comparison { column: name_of(left)?, texts, folds_case })
        }
        _ => None,
    })
}

fn findings(comparison: &Comparison, chain: &Chain) -> Vec<Finding> {
    let closed = CLOSED.iter().find(|(table, column, _)| chain.table == Some(table) && comparison.column == *column);
    let Some((table, column, values)) = closed.filter(|(_, column, _)| chain.keeps(column)) else { return Vec::new() };
    let is_written = |text: &str| {
        // A placeholder of a workbook stands for anything.
        text.is_empty()
            || text.contains('{')
            || values
                .iter()
                .any(|value| if comparison.folds_case { value.eq_ignore_ascii_case(text) } else { *value == text })
    };
    let never = comparison.texts.iter().filter(|(text, _)| !is_written(text));
    never
        .map(|(text, span)| {
            let finding = Finding::new(*span, format!("{column} of {table} is never '{text}'"));
            match nearest(text, values.iter().copied()) {
                Some(near) => finding.help(format!("did you mean '{near}'?")),
                None => finding.help(format!("its values are: {}", values.join(", "))),
            }
        })
        .collect()
}
