//! Columns that a rule reads from its query's result.

use crate::diagnostic::{Diagnostic, nearest};
use crate::rules::model::{Detection, Rule};
use crate::types::Column;

/// Finds columns that entity mappings, custom details and overrides name and the result does not have (AQ508).
///
/// Sentinel saves such a rule, and its alerts then lack what the column should have given.
pub fn columns(rule: &Rule, result: &[Column]) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for expected in rule.detection().map(Detection::expected_columns).unwrap_or_default() {
        if result.iter().any(|column| column.name == expected.value) {
            continue;
        }
        let message = format!("the query's result has no column '{}'", expected.value);
        let problem = Diagnostic::error("AQ508", expected.span, message);
        let near = nearest(&expected.value, result.iter().map(|column| column.name.as_str()));
        problems.push(match near {
            Some(near) => problem.help(format!("did you mean '{near}'?")),
            None => problem.help("let the query keep it, for example with extend or project"),
        });
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::form::testing::yaml_rule;
    use crate::types::ScalarType;

    #[test]
    fn a_missing_column_is_told_where_the_rule_names_it() {
        let file = "query: T\ncustomDetails:\n  Host: HostNam\n  Other: Hash\n";
        let rule = yaml_rule(file);
        let problems = columns(&rule, &[Column::new("HostName", ScalarType::String)]);
        let places: Vec<_> = problems.iter().map(|p| &file[p.span.start..p.span.end]).collect();
        assert_eq!(places, ["HostNam", "Hash"]);
        assert_eq!(problems[0].help.as_deref(), Some("did you mean 'HostName'?"));
    }
}
