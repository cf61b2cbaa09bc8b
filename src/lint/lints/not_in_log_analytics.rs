//! What Azure Data Explorer has and Log Analytics has not.

use crate::diagnostic::Span;
use crate::lint::{Context, Finding, Level, Lint};
use crate::syntax::ast::{ExprKind, OperatorKind, StatementKind};
use crate::syntax::visit::row_expressions;

pub static LINT: Lint = Lint {
    code: "AQ617",
    name: "not-in-log-analytics",
    what: "Finds functions, plugins and statements of Kusto that Log Analytics does not have.",
    why: "The query is valid, and fails where Sentinel runs it.",
    bad: "declare query_parameters(days:long = 1);\nSecurityAlert\n| where TimeGenerated > ago(days * 1d)",
    good: "let days = 1;\nSecurityAlert\n| where TimeGenerated > ago(days * 1d)",
    level: Level::Information,
    in_rules: Level::Warning,
    kql_guard: &["KQL010"],
    check,
};

/// As Azure Monitor's documentation lists them, with what it has in their place.
const FUNCTIONS: &[(&str, Option<&str>)] = &[
    ("cluster", Some("read another workspace with workspace(\"...\")")),
    ("database", Some("read another workspace with workspace(\"...\")")),
    ("cursor_after", None),
    ("cursor_before_or_at", None),
    ("cursor_current", None),
    ("current_cursor", None),
    ("current_principal", None),
    ("extent_id", None),
    ("extent_tags", None),
];

const PLUGINS: &[&str] = &["python", "sql_request"];

fn check(context: &Context) -> Vec<Finding> {
    let mut found = Vec::new();
    for statement in context.statements() {
        match statement {
            StatementKind::Alias { name, .. } => found.push(finding(name.span, "`alias database`", None)),
            StatementKind::DeclareParameters { parameters } => {
                let span = parameters.first().map(|parameter| parameter.name.span);
                found.extend(span.map(|span| finding(span, "`declare query_parameters`", Some("use `let`"))));
            }
            _ => {}
        }
    }
    for expr in context.exprs() {
        let ExprKind::Call { name, .. } = &expr.kind else { continue };
        if let Some((function, help)) = FUNCTIONS.iter().find(|(function, _)| *function == name.text) {
            found.push(finding(name.span, &format!("`{function}()`"), *help));
        }
    }
    for operator in context.operators() {
        let OperatorKind::Evaluate { .. } = operator.kind else { continue };
        let plugin = row_expressions(operator).find_map(|expr| match &expr.kind {
            ExprKind::Call { name, .. } if PLUGINS.contains(&name.text.as_str()) => Some(name),
            _ => None,
        });
        found.extend(plugin.map(|name| finding(name.span, &format!("the plugin `{}`", name.text), None)));
    }
    found
}

fn finding(span: Span, what: &str, help: Option<&str>) -> Finding {
    let finding = Finding::new(span, format!("Log Analytics does not have {what}"));
    match help {
        Some(help) => finding.help(help),
        None => finding,
    }
}
