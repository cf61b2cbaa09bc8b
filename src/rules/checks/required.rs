use super::{Check, Subject};
use crate::diagnostic::Diagnostic;
use crate::rules::form::key;
use crate::rules::model::{Form, Kind};

pub(super) const CHECK: Check = Check {
    code: "AQ501",
    name: "missing-key",
    why: "Sentinel does not save a rule without it.",
    bad: "!queryPeriod",
    good: "kind: NRT\n!queryFrequency\n!queryPeriod\n!triggerOperator\n!triggerThreshold",
    find,
};

fn find(subject: &Subject) -> Vec<Diagnostic> {
    let rule = subject.rule;
    let mut missing: Vec<&str> = required(rule.kind())
        .iter()
        .filter(|name| !rule.document.entries().iter().any(|entry| entry.key.value == **name))
        .map(|name| key::spelling(name, rule.form))
        .collect();
    if rule.id.is_none() && rule.form == Form::Yaml && rule.kind().has_query() {
        missing.insert(0, "id");
    }
    let problem = |key: &str| {
        Diagnostic::error(CHECK.code, rule.start, format!("the key '{key}' is missing"))
            .help(format!("give the rule its '{key}'"))
    };
    missing.into_iter().map(problem).collect()
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
