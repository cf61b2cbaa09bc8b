//! `tolower(x) == "..."`.

use crate::lint::context::{call_of, text_of};
use crate::lint::{Context, Finding, Level, Lint};
use crate::syntax::ast::{BinaryOperator, Expr, ExprKind, InOperator};

pub static LINT: Lint = Lint {
    code: "AQ611",
    name: "folded-comparison",
    what: "Finds `tolower(x) == \"...\"` and its kin, where `=~` or `in~` compares without regard to case.",
    why: "The function is computed for every row, and no index helps. With a text in the other case the comparison is \
          never true.",
    bad: "SigninLogs\n| where TimeGenerated > ago(1d)\n| where tolower(UserPrincipalName) == \"admin@contoso.com\"",
    good: "SigninLogs\n| where TimeGenerated > ago(1d)\n| where UserPrincipalName =~ \"admin@contoso.com\"",
    level: Level::Information,
    in_rules: Level::Information,
    kql_guard: &["KQL012"],
    check,
};

fn check(context: &Context) -> Vec<Finding> {
    context.exprs().filter_map(finding).collect()
}

fn finding(expr: &Expr) -> Option<Finding> {
    let (folded, texts, instead): (_, Vec<&str>, _) = match &expr.kind {
        ExprKind::Binary { operator, left, right } => {
            let instead = match operator {
                BinaryOperator::Equal => "=~",
                BinaryOperator::NotEqual => "!~",
                _ => return None,
            };
            let (folded, text) = if fold(left).is_some() { (fold(left)?, right) } else { (fold(right)?, left) };
            (folded, vec![text_of(text)?], instead)
        }
        ExprKind::In { operator, left, list } => {
            let instead = match operator {
                InOperator::In => "in~",
                InOperator::NotIn => "!in~",
                _ => return None,
            };
            (fold(left)?, list.iter().map(text_of).collect::<Option<_>>()?, instead)
        }
        _ => return None,
    };
    let never = texts.iter().find(|text| !folded.is_folded(text));
    let message = match never {
        Some(text) => format!("`{}` never gives '{text}'", folded.function),
        None => format!("`{}` is computed for every row only to compare without regard to case", folded.function),
    };
    Some(Finding::new(expr.span, message).help(format!("leave it out and compare with `{instead}`")))
}

struct Folded<'a> {
    function: &'a str,
}

impl Folded<'_> {
    /// Tells whether a text can be what the function gives.
    fn is_folded(&self, text: &str) -> bool {
        let other = |c: char| if self.function == "tolower" { c.is_ascii_uppercase() } else { c.is_ascii_lowercase() };
        !text.contains(other)
    }
}

fn fold(expr: &Expr) -> Option<Folded<'_>> {
    call_of(expr, &["tolower", "toupper"]).map(|(function, _)| Folded { function })
}
