//! Names that have a successor.

use crate::lint::context::{Chain, name_of};
use crate::lint::{Context, Finding, Level, Lint};
use crate::syntax::ast::{ExprKind, Name};
use crate::syntax::visit::row_expressions;

pub static LINT: Lint = Lint {
    code: "AQ615",
    name: "deprecated-name",
    what: "Finds functions, operators, tables and columns that are deprecated.",
    why: "They still work, and may cease to. A deprecated column holds nothing of use, or always the same.",
    bad: "SecurityAlert\n| where TimeGenerated > ago(1d)\n| summarize makeset(AlertName) by CompromisedEntity",
    good: "SecurityAlert\n| where TimeGenerated > ago(1d)\n| summarize make_set(AlertName) by CompromisedEntity",
    level: Level::Information,
    in_rules: Level::Information,
    kql_guard: &[],
    check,
};

/// Functions, with their successors (documented).
const FUNCTIONS: &[(&str, &str)] = &[
    ("any", "take_any"),
    ("argmax", "arg_max"),
    ("argmin", "arg_min"),
    ("array_strcat", "strcat_array"),
    ("base64_decodestring", "base64_decode_tostring"),
    ("base64_encodestring", "base64_encode_tostring"),
    ("columnifexists", "column_ifexists"),
    ("makelist", "make_list"),
    ("makeset", "make_set"),
    ("parsejson", "parse_json"),
];

const OPERATORS: &[(&str, &str)] = &[("mvexpand", "mv-expand"), ("mvapply", "mv-apply")];

const TABLES: &[(&str, &str)] = &[("ThreatIntelligenceIndicator", "ThreatIntelIndicators")];

/// Table, column, and what to do (documented).
const COLUMNS: &[(&str, &str, &str)] = &[
    ("SecurityAlert", "IsIncident", "it is always false"),
    ("SecurityAlert", "SourceComputerId", "the host is among Entities"),
    ("SecurityAlert", "WorkspaceSubscriptionId", "TenantId tells the workspace"),
    ("SecurityAlert", "WorkspaceResourceGroup", "TenantId tells the workspace"),
];

fn check(context: &Context) -> Vec<Finding> {
    let mut found = Vec::new();
    for expr in context.exprs() {
        if let ExprKind::Call { name, .. } = &expr.kind {
            found.extend(successor(name, FUNCTIONS));
        }
    }
    for operator in context.operators() {
        found.extend(successor(&operator.keyword, OPERATORS));
    }
    for pipeline in context.pipelines() {
        let source = pipeline.source.map(|source| context.resolved(source));
        if let Some(ExprKind::Name(name)) = source.map(|source| &source.kind) {
            found.extend(successor(name, TABLES));
        }
        for (index, operator) in pipeline.operators.iter().enumerate() {
            let names = row_expressions(operator).filter_map(|expr| Some((name_of(expr)?, expr.span)));
            for (name, span) in names.filter(|(name, _)| COLUMNS.iter().any(|(_, column, _)| column == name)) {
                let chain = context.chain_before(pipeline, index);
                found.extend(
                    column(name, &chain)
                        .map(|help| Finding::new(span, format!("the column '{name}' is deprecated")).help(help)),
                );
            }
        }
    }
    found.sort_by_key(|finding| finding.span);
    found.dedup_by_key(|finding| finding.span);
    found
}

fn successor(name: &Name, deprecated: &[(&str, &str)]) -> Option<Finding> {
    let (old, new) = deprecated.iter().find(|(old, _)| *old == name.text)?;
    Some(Finding::new(name.span, format!("'{old}' is deprecated")).help(format!("write '{new}'")))
}

fn column(name: &str, chain: &Chain) -> Option<&'static str> {
    let deprecated = COLUMNS.iter().find(|(table, column, _)| chain.table == Some(table) && *column == name);
    deprecated.filter(|_| chain.keeps(name)).map(|(_, _, help)| *help)
}
