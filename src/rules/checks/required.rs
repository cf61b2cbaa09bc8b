//! Keys that must be there, and words that must be among the known ones.

use crate::diagnostic::{Diagnostic, nearest};
use crate::rules::model::{Kind, Located, Rule};

const SEVERITIES: [&str; 4] = ["Informational", "Low", "Medium", "High"];

/// Both spellings: that of YAML files and that of ARM templates.
const OPERATORS: [&str; 8] = ["gt", "lt", "eq", "ne", "GreaterThan", "LessThan", "Equal", "NotEqual"];

/// A rule's query is not longer than this, in characters (documented).
const LONGEST_QUERY: usize = 10_000;

/// Finds keys that are missing (AQ501), words that are not known (AQ502) and a query that is too long (AQ503).
pub(super) fn check(rule: &Rule) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let alerts = matches!(rule.kind, Kind::Scheduled | Kind::NearRealTime);
    let scheduled = rule.kind == Kind::Scheduled;
    let required = [
        ("id", rule.id.is_none()),
        ("name", rule.name.is_none()),
        ("severity", alerts && rule.severity.is_none()),
        ("query", rule.kind.has_query() && rule.query.is_none()),
        ("queryFrequency", scheduled && rule.frequency.is_none()),
        ("queryPeriod", scheduled && rule.period.is_none()),
        ("triggerOperator", scheduled && rule.trigger_operator.is_none()),
        ("triggerThreshold", scheduled && rule.trigger_threshold.is_none()),
    ];
    for (key, missing) in required {
        if missing {
            let message = format!("the key '{key}' is missing");
            problems.push(Diagnostic::error("AQ501", rule.start, message).help(format!("add a line '{key}: ...'")));
        }
    }
    problems.extend(word(&rule.severity, "severity", &SEVERITIES));
    problems.extend(word(&rule.trigger_operator, "operator", &OPERATORS));
    if let Some(query) = rule.query.as_ref().filter(|query| query.text.chars().count() > LONGEST_QUERY) {
        let message = format!("the query has {} characters", query.text.chars().count());
        problems.push(
            Diagnostic::error("AQ503", query.span, message)
                .help(format!("a rule takes {LONGEST_QUERY} at most; move a part into a saved function")),
        );
    }
    problems
}

fn word(written: &Option<Located<String>>, what: &str, known: &[&'static str]) -> Option<Diagnostic> {
    let written = written.as_ref().filter(|written| !known.contains(&written.value.as_str()))?;
    let problem = Diagnostic::error("AQ502", written.span, format!("'{}' is no {what}", written.value));
    Some(match nearest(&written.value, known.iter().copied()) {
        Some(near) => problem.help(format!("did you mean '{near}'?")),
        None => problem.help(format!("say one of: {}", known.join(", "))),
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::yaml;

    fn codes(file: &str) -> Vec<(&'static str, String)> {
        let rule = yaml::read(file).unwrap().unwrap();
        super::check(&rule).into_iter().map(|problem| (problem.code, problem.message)).collect()
    }

    #[test]
    fn each_kind_has_its_own_keys() {
        assert_eq!(codes("kind: Fusion\nid: a\nname: b\n"), []);
        assert_eq!(codes("kind: NRT\nid: a\nname: b\nseverity: Low\nquery: T\n"), []);
        let missing: Vec<_> = codes("kind: Scheduled\nquery: T\n").into_iter().map(|(code, _)| code).collect();
        assert_eq!(missing, ["AQ501"; 7]);
    }

    #[test]
    fn words_and_length_are_held_against_what_is_allowed() {
        let long = "a".repeat(10_001);
        let found = codes(&format!("kind: NRT\nid: a\nname: b\nseverity: Hihg\nquery: {long}\n"));
        assert_eq!(found[0], ("AQ502", "'Hihg' is no severity".to_string()));
        assert_eq!(found[1].0, "AQ503");
    }
}
