//! Logging commands of Azure Pipelines: `##vso[task.logissue ...]message`.

use std::fmt::Write;

use super::{Lines, Report};
use crate::diagnostic::Severity;

/// Gives one command for each problem. The agent knows errors and warnings only.
pub fn render(reports: &[Report]) -> String {
    let mut out = String::new();
    for report in reports {
        let lines = Lines::new(report.text);
        for diagnostic in report.diagnostics {
            let start = lines.position(diagnostic.span.start);
            let kind = match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning | Severity::Information => "warning",
            };
            let help = diagnostic.help.as_deref().map(|help| format!(" ({help})")).unwrap_or_default();
            let _ = writeln!(
                out,
                "##vso[task.logissue type={kind};sourcepath={};linenumber={};columnnumber={};code={};]{}",
                property(report.path),
                start.line,
                start.column,
                property(diagnostic.code),
                message(&format!("{}{help}", diagnostic.message)),
            );
        }
    }
    out
}

fn message(text: &str) -> String {
    text.replace('%', "%AZP25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(';', "%3B").replace(']', "%5D")
}

#[cfg(test)]
mod tests {
    use super::super::sample;

    #[test]
    fn one_command_for_each() {
        let diagnostics = sample::diagnostics();
        let text = super::render(&[sample::report(&diagnostics)]);
        assert!(text.starts_with(
            "##vso[task.logissue type=error;sourcepath=rules/a,b.kql;linenumber=2;columnnumber=9;code=KS142;]the name"
        ));
        assert!(text.lines().nth(1).is_some_and(|line| line.ends_with("]100%AZP25 <sure>%0Aof it")));
    }
}
