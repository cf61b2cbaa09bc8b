//! `contains` where `has` would do.

use crate::lint::context::{name_of, text_of};
use crate::lint::{Context, Finding, Level, Lint};
use crate::syntax::ast::{BinaryOperator, ExprKind, TextOperator};
use crate::types::ScalarType;

pub static LINT: Lint = Lint {
    code: "AQ602",
    name: "contains-for-has",
    what: "Finds `contains` with a text that is made of whole words.",
    why: "`has` looks words up in the index, where `contains` reads every value. It also finds whole words only: keep \
          `contains` where a part of a word is meant.",
    bad: "DeviceProcessEvents\n| where TimeGenerated > ago(1d)\n| where ProcessCommandLine contains \"mimikatz\"",
    good: "DeviceProcessEvents\n| where TimeGenerated > ago(1d)\n| where ProcessCommandLine has \"mimikatz\"",
    level: Level::Information,
    in_rules: Level::Information,
    kql_guard: &["KQL002"],
    check,
};

/// Kusto's index has no shorter words.
const SHORTEST: usize = 3;

fn check(context: &Context) -> Vec<Finding> {
    let mut found = Vec::new();
    for expr in context.exprs() {
        let ExprKind::Binary { operator: BinaryOperator::Text { operator, negated }, left, right } = &expr.kind else {
            continue;
        };
        let (word, other) = match operator {
            TextOperator::Contains => ("contains", "has"),
            TextOperator::ContainsCs => ("contains_cs", "has_cs"),
            _ => continue,
        };
        let Some(text) = text_of(right).filter(|text| is_of_words(text)) else { continue };
        if name_of(left).is_none() || context.type_of(left) != Some(ScalarType::String) {
            continue;
        }
        let not = if *negated { "!" } else { "" };
        found.push(
            Finding::new(expr.span, format!("`{not}{word}` reads every value; `{not}{other}` uses the index"))
                .help(format!("write `{not}{other}` if \"{text}\" is meant as a whole word")),
        );
    }
    found
}

fn is_of_words(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric();
    text.starts_with(is_word) && text.ends_with(is_word) && text.len() >= SHORTEST
}
