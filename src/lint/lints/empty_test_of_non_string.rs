//! `isnotempty` of what is no text.

use crate::lint::context::call_of;
use crate::lint::{Context, Finding, Level, Lint};
use crate::types::ScalarType;

pub static LINT: Lint = Lint {
    code: "AQ612",
    name: "empty-test-of-non-string",
    what: "Finds `isempty` and `isnotempty` of a value that is neither text nor dynamic.",
    why: "A number or an instant is null or it is there: `isnull` and `isnotnull` say what is meant, and need no \
          conversion to text for every row.",
    bad: "SecurityAlert\n| where TimeGenerated > ago(1d)\n| where isnotempty(StartTime)",
    good: "SecurityAlert\n| where TimeGenerated > ago(1d)\n| where isnotnull(StartTime)",
    level: Level::Information,
    in_rules: Level::Information,
    kql_guard: &[],
    check,
};

fn check(context: &Context) -> Vec<Finding> {
    let mut found = Vec::new();
    for expr in context.exprs() {
        let Some((function, argument)) = call_of(expr, &["isempty", "isnotempty", "notempty"]) else { continue };
        match context.type_of(argument) {
            None | Some(ScalarType::String | ScalarType::Dynamic) => {}
            Some(scalar_type) => {
                let instead = if function == "isempty" { "isnull" } else { "isnotnull" };
                found.push(
                    Finding::new(
                        expr.span,
                        format!("a value of type {scalar_type} is no text: it is null, or it is there"),
                    )
                    .help(format!("write `{instead}`")),
                );
            }
        }
    }
    found
}
