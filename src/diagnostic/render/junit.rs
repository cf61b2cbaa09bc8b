//! JUnit XML: one test case for each text, failed where it has problems.

use std::fmt::Write;

use super::{Report, concise};
use crate::diagnostic::{Diagnostic, Severity};

/// Gives the test suite. Warnings fail a case too: they are why somebody runs a check. What is worth knowing and no
/// more is its output.
pub fn render(reports: &[Report]) -> String {
    let failed = reports.iter().filter(|report| worst(report).is_some()).count();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    let _ = writeln!(out, "  <testsuite name=\"alertq check\" tests=\"{}\" failures=\"{failed}\">", reports.len());
    for report in reports {
        case(&mut out, report);
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

fn case(out: &mut String, report: &Report) {
    let path = escape(report.path);
    if report.diagnostics.is_empty() {
        let _ = writeln!(out, "    <testcase classname=\"alertq\" name=\"{path}\"/>");
        return;
    }
    let _ = writeln!(out, "    <testcase classname=\"alertq\" name=\"{path}\">");
    let text = escape(&concise(report));
    let _ = match worst(report) {
        Some(worst) => {
            let (code, message) = (escape(worst.code), escape(&worst.message));
            writeln!(out, "      <failure type=\"{code}\" message=\"{message}\">{text}</failure>")
        }
        None => writeln!(out, "      <system-out>{text}</system-out>"),
    };
    out.push_str("    </testcase>\n");
}

/// Returns the first of the worst problems, where one fails the case.
fn worst<'a>(report: &Report<'a>) -> Option<&'a Diagnostic> {
    let failing = report.diagnostics.iter().filter(|diagnostic| diagnostic.severity != Severity::Information);
    failing.min_by_key(|diagnostic| diagnostic.severity)
}

/// Escapes text for XML; characters that XML 1.0 does not have become `?`.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' | '\r' => out.push(' '),
            c if c.is_control() => out.push('?'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_text_without_problems_passes() {
        let diagnostics = sample::diagnostics();
        let clean = Report { path: "b.kql", text: "T", diagnostics: &[] };
        let xml = render(&[sample::report(&diagnostics), clean]);
        assert!(xml.contains("tests=\"2\" failures=\"1\""));
        assert!(xml.contains("<testcase classname=\"alertq\" name=\"b.kql\"/>"));
        assert!(xml.contains("100% &lt;sure&gt;&#10;of it"));
    }

    #[test]
    fn what_is_only_worth_knowing_passes() {
        let mut diagnostics = sample::diagnostics();
        diagnostics.iter_mut().for_each(|diagnostic| diagnostic.severity = Severity::Information);
        let xml = render(&[sample::report(&diagnostics)]);
        assert!(xml.contains("failures=\"0\"") && xml.contains("<system-out>rules/a,b.kql:2:9: "), "{xml}");
    }
}
