use super::{Check, Subject};
use crate::diagnostic::{Diagnostic, Severity, nearest};
use crate::rules::model::Detection;

pub(super) const CHECK: Check = Check {
    code: "AQ508",
    name: "missing-column",
    why: "Sentinel saves a rule that names a column the result does not have; its alerts then lack what it should give.",
    bad: "customDetails:\n  Host: CompromisedEntiy",
    good: "customDetails:\n  Host: CompromisedEntity",
    find,
};

fn find(subject: &Subject) -> Vec<Diagnostic> {
    let Some(result) = subject.columns else { return Vec::new() };
    let mut problems = Vec::new();
    for expected in subject.rule.detection().map(Detection::expected_columns).unwrap_or_default() {
        if result.iter().any(|column| column.name == expected.value) {
            continue;
        }
        if subject.open {
            let message = format!("whether the query's result has a column '{}' depends on the data", expected.value);
            let problem = Diagnostic::warning(CHECK.code, expected.span, message)
                .help(format!("name it: extend {0} = column_ifexists(\"{0}\", \"\")", expected.value));
            problems.push(Diagnostic { severity: Severity::Information, ..problem });
            continue;
        }
        let message = format!("the query's result has no column '{}'", expected.value);
        let problem = Diagnostic::error(CHECK.code, expected.span, message);
        let near = nearest(&expected.value, result.iter().map(|column| column.name.as_str()));
        problems.push(match near {
            Some(near) => problem.help(format!("did you mean '{near}'?")),
            None => problem.help("let the query keep it, for example with extend or project"),
        });
    }
    problems
}
