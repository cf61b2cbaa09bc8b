//! GitLab's code quality report: an array of issues, each with a fingerprint that stays as long as the problem does.

use serde_json::{Value, json};

use super::{Problem, Report, worst_first};
use crate::diagnostic::Severity;

/// Gives the report, pretty-printed.
pub fn render(reports: &[Report]) -> String {
    format!("{:#}\n", Value::Array(worst_first(reports).iter().map(issue).collect()))
}

fn issue(problem: &Problem) -> Value {
    let (start, end) = problem.region();
    json!({
        "description": problem.diagnostic.message,
        "check_name": problem.diagnostic.code,
        "fingerprint": problem.fingerprint(),
        "severity": match problem.diagnostic.severity {
            Severity::Error => "major",
            Severity::Warning => "minor",
            Severity::Information => "info",
        },
        "location": {"path": problem.path, "lines": {"begin": start.line, "end": end.line}},
    })
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
        assert_ne!(issues[0]["fingerprint"], issues[1]["fingerprint"]);
        assert_eq!(issues[0]["description"], issues[1]["description"]);
        assert_eq!(issues[0]["location"]["lines"]["begin"], 2);
        assert_eq!(later[0]["location"]["lines"]["begin"], 3);
    }
}
