use super::{Check, Subject};
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::rules::Embedded;
use crate::rules::model::{Form, Located};

pub(super) const CHECK: Check = Check {
    code: "AQ542",
    name: "wording",
    why: "Azure-Sentinel takes only ASCII, Sentinel by its name of today, and links to documentation without a language.",
    bad: "description: Azure Sentinel finds it, see https://learn.microsoft.com/en-us/azure/sentinel/",
    good: "description: Microsoft Sentinel finds it, see https://learn.microsoft.com/azure/sentinel/",
    find,
};

fn find(subject: &Subject) -> Vec<Diagnostic> {
    let rule = subject.rule;
    if rule.form != Form::Yaml {
        return Vec::new();
    }
    let texts = [&rule.name, &rule.description].into_iter().flatten();
    texts.flat_map(wording).chain(rule.query().and_then(foreign_sign)).collect()
}

fn note(span: Span, message: String, help: &str) -> Diagnostic {
    Diagnostic { severity: Severity::Information, ..Diagnostic::warning(CHECK.code, span, message).help(help) }
}

/// Finds the first sign of a query that is not ASCII.
fn foreign_sign(query: &Embedded) -> Option<Diagnostic> {
    let (at, sign) = query.text.char_indices().find(|(_, sign)| !sign.is_ascii())?;
    let place = query.place(Span::new(at, at + sign.len_utf8()));
    Some(note(place, format!("'{sign}' is not ASCII"), "spell it in ASCII"))
}

fn wording(text: &Located<String>) -> Vec<Diagnostic> {
    let note = |message: String, help: &str| note(text.span, message, help);
    let mut problems = Vec::new();
    if let Some(sign) = text.value.chars().find(|sign| !sign.is_ascii()) {
        problems.push(note(format!("'{sign}' is not ASCII"), "spell it in ASCII"));
    }
    if text.value.contains("Azure Sentinel") {
        problems.push(note("Azure Sentinel has another name today".to_string(), "write Microsoft Sentinel"));
    }
    if let Some(language) = language(&text.value) {
        problems.push(note(format!("a link to documentation has the language '{language}'"), "take the language out"));
    }
    problems
}

/// Finds `en-us` in `https://learn.microsoft.com/en-us/...`.
fn language(text: &str) -> Option<&str> {
    ["learn.microsoft.com/", "docs.microsoft.com/"].iter().find_map(|site| {
        let (_, rest) = text.split_once(site)?;
        let first = rest.split('/').next()?;
        let (tongue, land) = first.split_once('-')?;
        let letters = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_alphabetic());
        (letters(tongue) && letters(land)).then_some(first)
    })
}
