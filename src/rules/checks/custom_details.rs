use super::{Check, Subject};
use crate::diagnostic::Diagnostic;

pub(super) const CHECK: Check = Check {
    code: "AQ534",
    name: "custom-details",
    why: "A rule takes 20 custom details, with keys of 20 letters, digits and underscores at most.",
    bad: "customDetails:\n  1st-Host: CompromisedEntity",
    good: "customDetails:\n  FirstHost: CompromisedEntity",
    find,
};

fn find(subject: &Subject) -> Vec<Diagnostic> {
    let details = subject.rule.detection().map(|detection| detection.custom_details.as_slice()).unwrap_or_default();
    let mut problems = Vec::new();
    if let Some((key, _)) = details.get(20) {
        let message = format!("the rule has {} custom details", details.len());
        problems.push(Diagnostic::error(CHECK.code, key.span, message).help("20 is the most"));
    }
    for (key, column) in details {
        if key.value.chars().count() > 20 || !is_name(&key.value, false) {
            let message = format!("'{}' is no key of a custom detail", key.value);
            problems.push(
                Diagnostic::error(CHECK.code, key.span, message)
                    .help("take a letter, then letters, digits and underscores, 20 in all at most"),
            );
        }
        if !is_name(&column.value, true) {
            let message = format!("'{}' is no name of a column", column.value);
            problems.push(
                Diagnostic::error(CHECK.code, column.span, message)
                    .help("give the column a name of letters, digits and underscores in the query"),
            );
        }
    }
    problems
}

/// A letter, or an underscore for columns, then letters, digits and underscores.
fn is_name(text: &str, column: bool) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || (column && c == '_'))
        && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}
