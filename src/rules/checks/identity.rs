use super::{Check, Subject};
use crate::diagnostic::Diagnostic;
use crate::rules::model::Form;

pub(super) const ID: Check = Check {
    code: "AQ520",
    name: "id-not-guid",
    why: "Azure-Sentinel takes rules whose id is a GUID and nothing else.",
    bad: "id: loud-hosts",
    good: "id: 5a2a1a3c-6a0e-4a55-9f39-9a3c8f0c7b11",
    find: id,
};

pub(super) const VERSION: Check = Check {
    code: "AQ521",
    name: "version-form",
    why: "Updates are found by a version of three numbers.",
    bad: "version: 1.0",
    good: "version: 1.0.2",
    find: version,
};

fn id(subject: &Subject) -> Vec<Diagnostic> {
    let given = subject.rule.id.as_ref().filter(|_| subject.rule.form == Form::Yaml);
    let wrong = given.filter(|id| !is_guid(&id.value));
    let problem = |id: &crate::rules::model::Located<String>| {
        Diagnostic::warning(ID.code, id.span, format!("'{}' is no GUID", id.value))
            .help("make one, as with uuidgen or New-Guid, and keep it for good")
    };
    wrong.map(problem).into_iter().collect()
}

fn is_guid(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

fn version(subject: &Subject) -> Vec<Diagnostic> {
    let given = subject.rule.version.as_ref();
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let fits = |text: &str| text.len() <= 20 && text.split('.').count() == 3 && text.split('.').all(number);
    let problem = |version: &crate::rules::model::Located<String>| {
        Diagnostic::warning(VERSION.code, version.span, format!("'{}' is no version", version.value))
            .help("say three numbers: 1.0.2")
    };
    given.filter(|version| !fits(&version.value)).map(problem).into_iter().collect()
}
