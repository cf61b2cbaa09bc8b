//! Dynamic values compared with numbers, instants and the like.

use crate::lint::context::is_comparison;
use crate::lint::{Context, Finding, Level, Lint};
use crate::syntax::ast::{Expr, ExprKind};
use crate::types::ScalarType;

pub static LINT: Lint = Lint {
    code: "AQ607",
    name: "uncast-dynamic",
    what: "Finds dynamic values that are compared with a number, a bool, a datetime, a timespan or a guid.",
    why: "What a dynamic holds may be a text: JSON that writes `\"5\"` in place of `5` is not equal to 5, and the row is \
          lost without a word. A conversion takes both.",
    bad: "SecurityAlert\n| where TimeGenerated > ago(1d)\n| where parse_json(ExtendedProperties).Attempts > 5",
    good: "SecurityAlert\n| where TimeGenerated > ago(1d)\n| where tolong(parse_json(ExtendedProperties).Attempts) > 5",
    level: Level::Information,
    in_rules: Level::Information,
    kql_guard: &[],
    check,
};

fn check(context: &Context) -> Vec<Finding> {
    let mut found = Vec::new();
    for expr in context.exprs() {
        let ExprKind::Binary { operator, left, right } = &expr.kind else { continue };
        if !is_comparison(*operator) {
            continue;
        }
        let types = (context.type_of(left), context.type_of(right));
        let (dynamic, other): (&Expr, _) = match types {
            (Some(ScalarType::Dynamic), Some(other)) => (left, other),
            (Some(other), Some(ScalarType::Dynamic)) => (right, other),
            _ => continue,
        };
        let Some(function) = conversion(other) else { continue };
        found.push(
            Finding::new(dynamic.span, format!("a dynamic is compared with a value of type {other}"))
                .help(format!("convert it: {function}(...)")),
        );
    }
    found
}

/// Returns the function that makes a value of the type; none for those that compare well.
fn conversion(scalar_type: ScalarType) -> Option<&'static str> {
    match scalar_type {
        ScalarType::Int | ScalarType::Long => Some("tolong"),
        ScalarType::Real => Some("todouble"),
        ScalarType::Decimal => Some("todecimal"),
        ScalarType::Bool => Some("tobool"),
        ScalarType::DateTime => Some("todatetime"),
        ScalarType::TimeSpan => Some("totimespan"),
        ScalarType::Guid => Some("toguid"),
        ScalarType::String | ScalarType::Dynamic => None,
    }
}
