//! Keys that must be there.

use crate::diagnostic::Diagnostic;
use crate::rules::form::key;
use crate::rules::model::{Kind, Rule};

/// A rule's query is not longer than this, in characters (documented).
const LONGEST_QUERY: usize = 10_000;

/// Finds keys that are missing (AQ501) and a query that is too long (AQ503).
pub(super) fn check(rule: &Rule) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let mut missing = |key: &str| {
        let message = format!("the key '{key}' is missing");
        problems.push(Diagnostic::error("AQ501", rule.start, message).help(format!("add '{key}'")));
    };
    if rule.id.is_none() && rule.form == crate::rules::model::Form::Yaml {
        missing("id");
    }
    for name in required(rule.kind()) {
        if rule.document.get(name).is_none() {
            missing(key::spelling(name, rule.form));
        }
    }
    if let Some(query) = rule.query().filter(|query| query.text.chars().count() > LONGEST_QUERY) {
        let message = format!("the query has {} characters", query.text.chars().count());
        problems.push(
            Diagnostic::error("AQ503", query.span, message)
                .help(format!("a rule takes {LONGEST_QUERY} at most; move a part into a saved function")),
        );
    }
    problems
}

/// Returns the keys that a rule of this kind needs, as ARM names them.
const fn required(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Scheduled => &[
            "displayName",
            "severity",
            "query",
            "queryFrequency",
            "queryPeriod",
            "triggerOperator",
            "triggerThreshold",
        ],
        Kind::NearRealTime => &["displayName", "severity", "query"],
        Kind::Hunting => &["displayName", "query"],
        Kind::IncidentCreation => &["displayName", "productFilter"],
        Kind::Fusion | Kind::BehaviorAnalytics | Kind::ThreatIntelligence => &["alertRuleTemplateName"],
        Kind::Anomaly => &["displayName"],
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::form::testing::yaml_rule;

    fn codes(file: &str) -> Vec<(&'static str, String)> {
        super::check(&yaml_rule(file)).into_iter().map(|problem| (problem.code, problem.message)).collect()
    }

    #[test]
    fn each_kind_has_its_own_keys() {
        assert_eq!(codes("kind: Fusion\nid: a\nalertRuleTemplateName: b\n"), []);
        assert_eq!(codes("kind: NRT\nid: a\nname: b\nseverity: Low\nquery: T\n"), []);
        let missing: Vec<_> = codes("kind: Scheduled\nquery: T\n").into_iter().map(|(code, _)| code).collect();
        assert_eq!(missing, ["AQ501"; 7]);
        assert_eq!(codes("kind: NRT\nid: a\nseverity: Low\nquery: T\n")[0].1, "the key 'name' is missing");
    }

    #[test]
    fn a_query_has_a_greatest_length() {
        let long = "a".repeat(10_001);
        let found = codes(&format!("kind: NRT\nid: a\nname: b\nseverity: Low\nquery: {long}\n"));
        assert_eq!(found[0].0, "AQ503");
    }
}
