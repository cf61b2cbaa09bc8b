//! JUnit XML: one test case for each text, failed where it has problems.

use std::fmt::Write;

use super::{Report, concise};

/// Gives the test suite. Warnings fail a case too: they are why somebody runs a check.
pub fn render(reports: &[Report]) -> String {
    let failed = reports.iter().filter(|report| !report.diagnostics.is_empty()).count();
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
    let Some(first) = report.diagnostics.first() else {
        let _ = writeln!(out, "    <testcase classname=\"alertq\" name=\"{path}\"/>");
        return;
    };
    let _ = writeln!(out, "    <testcase classname=\"alertq\" name=\"{path}\">");
    let _ = write!(out, "      <failure type=\"{}\" message=\"{}\">", escape(first.code), escape(&first.message));
    out.push_str(&escape(&concise(report)));
    out.push_str("</failure>\n    </testcase>\n");
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
}
