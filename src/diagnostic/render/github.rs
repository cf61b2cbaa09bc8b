//! Workflow commands of GitHub Actions: `::error file=...,line=...::message`, shown beside the lines of a pull request.

use std::fmt::Write;

use super::{Lines, Report};
use crate::diagnostic::Severity;

/// Gives one command for each problem.
pub fn render(reports: &[Report]) -> String {
    let mut out = String::new();
    for report in reports {
        let lines = Lines::new(report.text);
        for diagnostic in report.diagnostics {
            let (start, end) = (lines.position(diagnostic.span.start), lines.position(diagnostic.span.end));
            let command = match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Information => "notice",
            };
            let help = diagnostic.help.as_deref().map(|help| format!("\n{help}")).unwrap_or_default();
            let _ = writeln!(
                out,
                "::{command} file={},line={},endLine={},col={},endColumn={},title={}::{}",
                property(report.path),
                start.line,
                end.line,
                start.column,
                end.column,
                property(diagnostic.code),
                message(&format!("{}{help}", diagnostic.message)),
            );
        }
    }
    out
}

/// Escapes what the runner reads as structure, see `@actions/core`.
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::sample;

    #[test]
    fn structure_is_escaped() {
        let diagnostics = sample::diagnostics();
        let text = super::render(&[sample::report(&diagnostics)]);
        let lines: Vec<_> = text.lines().collect();
        assert!(
            lines[0].starts_with("::error file=rules/a%2Cb.kql,line=2,endLine=2,col=9,endColumn=16,title=KS142::the")
        );
        assert!(lines[0].ends_with("%0Adid you mean 'Severity'?"));
        assert!(lines[1].ends_with("::100%25 <sure>%0Aof it"));
    }
}
