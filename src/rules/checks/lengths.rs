use super::{Check, Subject};
use crate::diagnostic::{Diagnostic, Span};
use crate::rules::model::Located;

pub(super) const CHECK: Check = Check {
    code: "AQ503",
    name: "too-long",
    why: "Sentinel takes 10,000 characters of a query, 5,000 of a description, 256 of a name.",
    bad: "name: A rule whose name goes on and on, and on and on, and on and on, and on and on, and on and on, and on and on, \
          and on and on, and on and on, and on and on, and on and on, and on and on, and on and on, and on and on, and on and \
          on, and on and on, and so on and so forth, and so on and so forth, and so on",
    good: "name: Short",
    find,
};

fn find(subject: &Subject) -> Vec<Diagnostic> {
    let rule = subject.rule;
    let mut problems = Vec::new();
    let mut limit = |what: &str, text: &str, span: Span, most: usize, help: &str| {
        let length = text.chars().count();
        if length > most {
            let message = format!("the {what} has {length} characters, {} more than a rule takes", length - most);
            problems.push(Diagnostic::error(CHECK.code, span, message).help(format!("{help}; {most} is the most")));
        }
    };
    if let Some(query) = rule.query() {
        limit("query", &query.text, query.span, 10_000, "move a part into a saved function");
    }
    let mut text = |what: &str, written: &Option<Located<String>>, most: usize| {
        if let Some(written) = written {
            limit(what, &written.value, written.span, most, "say it shorter");
        }
    };
    text("name", &rule.name, 256);
    text("description", &rule.description, 5_000);
    if let Some(detection) = rule.detection() {
        text("format of the name", &detection.overrides.name_format, 256);
        text("format of the description", &detection.overrides.description_format, 5_000);
    }
    problems
}
