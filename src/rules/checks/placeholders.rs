use super::{Check, Subject};
use crate::diagnostic::Diagnostic;
use crate::rules::model::placeholders;

pub(super) const CHECK: Check = Check {
    code: "AQ535",
    name: "placeholders",
    why: "A name or a description of an alert takes three columns in double braces.",
    bad: "alertDetailsOverride:\n  alertDisplayNameFormat: \"{{AlertName}} {{Tactics}} {{Entities}} {{CompromisedEntity}}\"",
    good: "alertDetailsOverride:\n  alertDisplayNameFormat: \"{{AlertName}} on {{CompromisedEntity}}\"",
    find,
};

fn find(subject: &Subject) -> Vec<Diagnostic> {
    let Some(detection) = subject.rule.detection() else { return Vec::new() };
    let mut problems = Vec::new();
    for format in detection.overrides.formats() {
        let names: Vec<String> = placeholders(&format.value).collect();
        if names.len() > 3 {
            let message = format!("the format has {} columns in it", names.len());
            problems.push(
                Diagnostic::error(CHECK.code, format.span, message)
                    .help("3 is the most: put texts together in the query, with strcat"),
            );
        }
        if names.iter().any(String::is_empty) || format.value.matches("{{").count() != names.len() {
            let message = "a placeholder is empty or has no end";
            problems.push(Diagnostic::error(CHECK.code, format.span, message).help("write {{Column}}"));
        }
    }
    problems
}
