//! Queries that read every table.

use crate::diagnostic::Span;
use crate::lint::{Context, Finding, Level, Lint};
use crate::syntax::ast::{Expr, ExprKind, OperatorKind};

pub static LINT: Lint = Lint {
    code: "AQ603",
    name: "unscoped-search",
    what: "Finds `search` and `find` without tables, and `union *`.",
    why: "Such a query reads every table of the workspace: it is slow, it costs, and its result changes whenever a \
          table is added. Sentinel saves no rule with `search *` or `union *`.",
    bad: "search \"mimikatz\"\n| where TimeGenerated > ago(1d)",
    good: "search in (SecurityAlert, SecurityEvent) \"mimikatz\"\n| where TimeGenerated > ago(1d)",
    level: Level::Information,
    in_rules: Level::Warning,
    kql_guard: &["KQL004", "KQL005"],
    check,
};

fn check(context: &Context) -> Vec<Finding> {
    let mut found = Vec::new();
    for expr in context.exprs() {
        let ExprKind::Leading(operator) = &expr.kind else { continue };
        let (tables, what) = match &operator.kind {
            OperatorKind::Search { tables, .. } => (tables, "search in (SecurityAlert, SecurityEvent) ..."),
            OperatorKind::Find(find) => (&find.tables, "find in (SecurityAlert, SecurityEvent) where ..."),
            _ => continue,
        };
        if tables.is_empty() {
            found.push(finding(operator.keyword.span, &format!("name the tables: {what}")));
        }
    }
    for operator in context.operators() {
        let tables = match &operator.kind {
            OperatorKind::Union { tables, .. } | OperatorKind::Search { tables, .. } => tables,
            OperatorKind::Find(find) => &find.tables,
            _ => continue,
        };
        let star = tables.iter().find(|table| matches!(table.kind, ExprKind::Star));
        found.extend(star.map(|Expr { span, .. }| finding(*span, "name the tables in place of `*`")));
    }
    found
}

fn finding(span: Span, help: &str) -> Finding {
    Finding::new(span, "the query reads every table of the workspace").help(help)
}
