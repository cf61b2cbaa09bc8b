use super::{Check, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::rules::model::{Form, Kind};

pub(super) const CHECK: Check = Check {
    code: "AQ541",
    name: "connectors",
    why: "Azure-Sentinel takes no scheduled rule without its connectors and a description; your own repository may.",
    bad: "requiredDataConnectors:\n  - connectorId: AzureSecurityCenter",
    good: "requiredDataConnectors:\n  - connectorId: AzureSecurityCenter\n    dataTypes: [SecurityAlert (ASC)]",
    find,
};

fn find(subject: &Subject) -> Vec<Diagnostic> {
    let rule = subject.rule;
    let Some(detection) = rule.detection().filter(|_| rule.form == Form::Yaml) else { return Vec::new() };
    let note = |span, message: &str, help: &str| Diagnostic {
        severity: Severity::Information,
        ..Diagnostic::warning(CHECK.code, span, message).help(help)
    };
    let mut problems = Vec::new();
    if rule.kind() == Kind::Scheduled && rule.document.get("requiredDataConnectors").is_none() {
        let help = "say requiredDataConnectors: [] where it needs none";
        problems.push(note(rule.start, "the rule does not say which connectors it needs", help));
    }
    if rule.description.is_none() && rule.kind() != Kind::Hunting {
        problems.push(note(rule.start, "the rule has no description", "say what it finds, and why that matters"));
    }
    for connector in detection.connectors.iter().filter(|connector| connector.data_types.is_empty()) {
        let place = connector.connector.as_ref().map_or(rule.start, |connector| connector.span);
        problems.push(note(place, "the connector has no dataTypes", "name the tables that the query reads"));
    }
    problems
}
