//! Workflow commands of GitHub Actions: `::error file=...,line=...::message`, shown beside the lines of a pull request.

use std::fmt::Write;

use super::{Report, worst_first};
use crate::diagnostic::{Diagnostic, Severity};

/// Gives one command for each problem.
pub fn render(reports: &[Report]) -> String {
    let mut out = String::new();
    // GitHub shows ten of a kind for a step, and leaves the others out without a word.
    for problem in worst_first(reports) {
        let Diagnostic { severity, code, message: text, help, .. } = problem.diagnostic;
        let (start, end) = problem.region();
        let command = match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Information => "notice",
        };
        let help = help.as_deref().map(|help| format!("\n{help}")).unwrap_or_default();
        let _ = writeln!(
            out,
            "::{command} file={},line={},endLine={},col={},endColumn={},title={}::{}",
            property(problem.path),
            start.line,
            end.line,
            start.column,
            end.column,
            property(code),
            message(&format!("{text}{help}")),
        );
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
