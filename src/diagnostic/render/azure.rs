//! Logging commands of Azure Pipelines: `##vso[task.logissue ...]message`.

use std::fmt::Write;

use super::{Report, line, worst_first};
use crate::diagnostic::{Diagnostic, Severity};

/// Gives one command for each problem. The agent knows errors and warnings only: what is worth knowing and no more is
/// a line of the log.
pub fn render(reports: &[Report]) -> String {
    let mut out = String::new();
    for problem in worst_first(reports) {
        let Diagnostic { severity, code, message: text, help, .. } = problem.diagnostic;
        let kind = match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Information => {
                out.push_str(&line(problem.path, &problem.lines, problem.diagnostic));
                continue;
            }
        };
        let (start, _) = problem.region();
        let help = help.as_deref().map(|help| format!(" ({help})")).unwrap_or_default();
        let _ = writeln!(
            out,
            "##vso[task.logissue type={kind};sourcepath={};linenumber={};columnnumber={};code={};]{}",
            property(problem.path),
            start.line,
            start.column,
            property(code),
            message(&format!("{text}{help}")),
        );
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
