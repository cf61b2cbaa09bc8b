//! GitLab's code quality report: an array of issues, each with a fingerprint that stays as long as the problem does.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Lines, Report};
use crate::diagnostic::{Diagnostic, Severity};

/// Gives the report, pretty-printed.
pub fn render(reports: &[Report]) -> String {
    let mut issues = Vec::new();
    for report in reports {
        let lines = Lines::new(report.text);
        let mut seen = std::collections::HashMap::new();
        for diagnostic in report.diagnostics {
            let count = seen.entry((diagnostic.code, diagnostic.message.as_str())).or_insert(0_usize);
            issues.push(issue(report.path, &lines, diagnostic, *count));
            *count += 1;
        }
    }
    format!("{:#}\n", Value::Array(issues))
}

fn issue(path: &str, lines: &Lines, diagnostic: &Diagnostic, repetition: usize) -> Value {
    json!({
        "description": diagnostic.message,
        "check_name": diagnostic.code,
        "fingerprint": fingerprint(path, diagnostic, repetition),
        "severity": match diagnostic.severity {
            Severity::Error => "major",
            Severity::Warning => "minor",
            Severity::Information => "info",
        },
        "location": {
            "path": path,
            "lines": {
                "begin": lines.position(diagnostic.span.start).line,
                "end": lines.position(diagnostic.span.end).line,
            },
        },
    })
}

/// Depends on no line number: an edit further up must not make an old problem look new.
fn fingerprint(path: &str, diagnostic: &Diagnostic, repetition: usize) -> String {
    let text = format!("{path}\0{}\0{}\0{repetition}", diagnostic.code, diagnostic.message);
    Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn fingerprints_outlive_an_edit_above_and_differ_from_each_other() {
        let mut diagnostics = sample::diagnostics();
        diagnostics.push(diagnostics[0].clone());
        let issues: Vec<Value> = serde_json::from_str(&render(&[sample::report(&diagnostics)])).unwrap();
        let moved = format!("// a comment\n{}", sample::TEXT);
        for diagnostic in &mut diagnostics {
            diagnostic.span.start += 13;
            diagnostic.span.end += 13;
        }
        let report = Report { text: &moved, ..sample::report(&diagnostics) };
        let later: Vec<Value> = serde_json::from_str(&render(&[report])).unwrap();
        assert_eq!(issues[0]["fingerprint"], later[0]["fingerprint"]);
        assert_ne!(issues[0]["fingerprint"], issues[2]["fingerprint"]);
        assert_eq!(issues[0]["location"]["lines"]["begin"], 2);
        assert_eq!(later[0]["location"]["lines"]["begin"], 3);
    }
}
