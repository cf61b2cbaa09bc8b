//! Problems and lints, as `alertq check` finds them.

use std::path::Path;

use lsp_types::{
    Diagnostic as Told, DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag, Location, NumberOrString, Uri,
};

use super::Open;
use crate::bind;
use crate::cli::check::{Checker, Text};
use crate::cli::input::Input;
use crate::diagnostic::{Diagnostic, Severity};
use crate::lint::Levels;
use crate::rules::checks;

/// Tells what is wrong with a document.
pub(super) fn diagnostics(
    uri: &str,
    open: &Open,
    options: &bind::Options,
    levels: &(Levels, checks::Levels),
) -> Vec<Told> {
    let input = Input { name: uri.to_string(), text: open.document.text.clone() };
    let (levels, checks) = levels.clone();
    let checker = Checker { catalog: &open.catalog, options, levels, checks, syntax_only: false };
    let text = Text { path: Path::new(uri), input: Ok(input), explicit: false };
    let found = checker.check(text).map(|checked| checked.diagnostics).unwrap_or_default();
    found.into_iter().map(|diagnostic| told(uri, open, diagnostic)).collect()
}

fn told(uri: &str, open: &Open, diagnostic: Diagnostic) -> Told {
    let related = uri.parse::<Uri>().ok().map(|uri| {
        let information = |label: &crate::diagnostic::Label| DiagnosticRelatedInformation {
            location: Location { uri: uri.clone(), range: open.document.file_range(label.span) },
            message: label.message.clone(),
        };
        diagnostic.labels.iter().map(information).collect::<Vec<_>>()
    });
    Told {
        // Those of a rule have their places in the file already.
        range: open.document.file_range(diagnostic.span),
        severity: Some(match diagnostic.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
            Severity::Information => DiagnosticSeverity::INFORMATION,
        }),
        code: Some(NumberOrString::String(diagnostic.code.to_string())),
        source: Some("alertq".into()),
        message: match diagnostic.help {
            Some(help) => format!("{}\n{help}", diagnostic.message),
            None => diagnostic.message,
        },
        related_information: related.filter(|related| !related.is_empty()),
        tags: tag(diagnostic.code).map(|tag| vec![tag]),
        ..Told::default()
    }
}

/// Editors strike through what is deprecated, and fade what is of no use.
fn tag(code: &str) -> Option<DiagnosticTag> {
    match code {
        "AQ609" => Some(DiagnosticTag::UNNECESSARY),
        "AQ615" => Some(DiagnosticTag::DEPRECATED),
        _ => None,
    }
}
