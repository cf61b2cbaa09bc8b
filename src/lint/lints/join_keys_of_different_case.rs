//! Join keys of which one side was folded to one case and the other was not.

use crate::lint::context::{Chain, assigned, call_of, name_of};
use crate::lint::{Context, Finding, Level, Lint};
use crate::syntax::ast::{BinaryOperator, Expr, ExprKind, JoinCondition, OperatorKind};
use crate::types::ScalarType;

pub static LINT: Lint = Lint {
    code: "AQ605",
    name: "join-keys-of-different-case",
    what: "Finds joins where the key of one side went through `tolower` or `toupper` and that of the other did not.",
    why: "Keys are compared exactly: `ALICE` and `alice` are not the same. Rows that belong together do not meet.",
    bad: "SigninLogs\n| where TimeGenerated > ago(1d)\n| extend Upn = tolower(UserPrincipalName)\n\
          | join kind=inner (IdentityInfo | where TimeGenerated > ago(1d)) on $left.Upn == $right.AccountUPN",
    good: "SigninLogs\n| where TimeGenerated > ago(1d)\n| extend Upn = tolower(UserPrincipalName)\n\
           | join kind=inner (\n    IdentityInfo\n    | where TimeGenerated > ago(1d)\n    \
           | extend Upn = tolower(AccountUPN)\n    )\n    on Upn",
    level: Level::Information,
    in_rules: Level::Information,
    kql_guard: &[],
    check,
};

/// What is known of the letters of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Lower,
    Upper,
    /// As the table has it.
    AsItIs,
    Unknown,
}

fn check(context: &Context) -> Vec<Finding> {
    let mut found = Vec::new();
    for pipeline in context.pipelines() {
        for (index, operator) in pipeline.operators.iter().enumerate() {
            let (OperatorKind::Join { right, condition: JoinCondition::On(keys), .. }
            | OperatorKind::Lookup { right, condition: JoinCondition::On(keys), .. }) = &operator.kind
            else {
                continue;
            };
            let (left, right) = (context.chain_before(pipeline, index), context.chain(right));
            for key in keys {
                let Some((one, other)) = columns(key) else { continue };
                let cases = (case(context, &left, one), case(context, &right, other));
                found.extend(differ(cases).map(|message| {
                    Finding::new(key.span, message).help("fold both sides the same way, for example with tolower()")
                }));
            }
        }
    }
    found
}

/// Returns the columns of the left and of the right side.
fn columns(key: &Expr) -> Option<(&str, &str)> {
    let side = |expr: &Expr, wanted: &str| matches!(&expr.kind, ExprKind::Name(name) if name.text == wanted);
    match &key.kind {
        ExprKind::Name(name) => Some((&name.text, &name.text)),
        ExprKind::Binary { operator: BinaryOperator::Equal, left, right } => match (&left.kind, &right.kind) {
            (ExprKind::Member { base, member }, ExprKind::Member { base: other_base, member: other }) => {
                if side(base, "$left") && side(other_base, "$right") {
                    Some((&member.text, &other.text))
                } else if side(base, "$right") && side(other_base, "$left") {
                    Some((&other.text, &member.text))
                } else {
                    None
                }
            }
            _ => None,
        },
        _ => None,
    }
}

fn case(context: &Context, chain: &Chain, column: &str) -> Case {
    for (index, operator) in chain.operators.iter().enumerate().rev() {
        let Some(value) = assigned(operator, column) else { continue };
        // What stands behind must leave it alone.
        let after = Chain { table: None, operators: chain.operators[index + 1..].to_vec() };
        return match call_of(value, &["tolower", "toupper"]) {
            _ if !after.keeps(column) => Case::Unknown,
            Some(("tolower", _)) => Case::Lower,
            Some(_) => Case::Upper,
            // Another name for the table's own column.
            None if name_of(value).is_some() && context.type_of(value) == Some(ScalarType::String) => {
                let before = Chain { table: chain.table, operators: chain.operators[..index].to_vec() };
                as_it_is(&before, name_of(value).unwrap_or_default())
            }
            None => Case::Unknown,
        };
    }
    as_it_is(chain, column)
}

fn as_it_is(chain: &Chain, column: &str) -> Case {
    let table = chain.table.and_then(crate::catalog::log_analytics::find);
    let is_text = table.is_some_and(|table| {
        table.columns.iter().any(|known| known.name == column && known.scalar_type == ScalarType::String)
    });
    if is_text && chain.keeps(column) { Case::AsItIs } else { Case::Unknown }
}

fn differ(cases: (Case, Case)) -> Option<&'static str> {
    match cases {
        (Case::Lower, Case::Upper) | (Case::Upper, Case::Lower) => {
            Some("one key is in lower case and the other in upper case: no letter of them is ever equal")
        }
        (Case::Lower | Case::Upper, Case::AsItIs) => {
            Some("the left key is in one case, the right one is as it was recorded")
        }
        (Case::AsItIs, Case::Lower | Case::Upper) => {
            Some("the right key is in one case, the left one is as it was recorded")
        }
        _ => None,
    }
}
