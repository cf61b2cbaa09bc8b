use super::{Check, Subject};
use crate::diagnostic::Diagnostic;
use crate::rules::model::{Form, placeholders};

pub(super) const CHECK: Check = Check {
    code: "AQ535",
    name: "placeholders",
    why: "A name or a description of an alert is a text that takes three columns in double braces.",
    bad: "alertDetailsOverride:\n  alertDisplayNameFormat: \"{{AlertName}} {{Tactics}} {{Entities}} {{CompromisedEntity}}\"",
    good: "alertDetailsOverride:\n  alertDisplayNameFormat: \"{{AlertName}} on {{CompromisedEntity}}\"",
    find,
};

fn find(subject: &Subject) -> Vec<Diagnostic> {
    let Some(detection) = subject.rule.detection() else { return Vec::new() };
    let mut problems = empty(subject);
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

/// Finds formats that say nothing; exports of the portal have them, and Azure-Sentinel refuses them.
fn empty(subject: &Subject) -> Vec<Diagnostic> {
    let rule = subject.rule;
    let formats = ["alertDisplayNameFormat", "alertDescriptionFormat"].into_iter().filter(|_| rule.form == Form::Yaml);
    let written = formats.filter_map(|key| rule.document.path(&["alertDetailsOverride", key]));
    let problem =
        |span| Diagnostic::error(CHECK.code, span, "the format is empty").help("say a text, or take the key away");
    written.filter(|node| node.as_text() == Some("")).map(|node| problem(node.span)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::form::testing::yaml_rule;

    #[test]
    fn a_format_says_something() {
        let file =
            "kind: NRT\nquery: T\nalertDetailsOverride:\n  alertDisplayNameFormat: ''\n  alertDescriptionFormat: x\n";
        let rule = yaml_rule(file);
        let problems = find(&Subject::new(&rule, None));
        assert_eq!((problems.len(), &file[problems[0].span.start..problems[0].span.end]), (1, "''"));
    }
}
