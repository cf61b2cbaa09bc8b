//! SARIF 2.1.0, which code-scanning services read.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Problem, Report, worst_first};
use crate::diagnostic::Severity;

/// Gives the log, pretty-printed.
pub fn render(reports: &[Report]) -> String {
    let problems = worst_first(reports);
    let codes: BTreeSet<&str> = problems.iter().map(|problem| problem.diagnostic.code).collect();
    let results: Vec<Value> = problems.iter().map(result).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "alertq",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().map(|code| json!({"id": code})).collect::<Vec<_>>(),
            }},
            // Columns are counted in characters, as everywhere in alertq.
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

fn result(problem: &Problem) -> Value {
    let diagnostic = problem.diagnostic;
    let (start, end) = problem.region();
    let text = match &diagnostic.help {
        Some(help) => format!("{}\n{help}", diagnostic.message),
        None => diagnostic.message.clone(),
    };
    json!({
        "ruleId": diagnostic.code,
        "level": match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Information => "note",
        },
        "message": {"text": text},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": uri(problem.path)},
            "region": {
                "startLine": start.line,
                "startColumn": start.column,
                "endLine": end.line,
                "endColumn": end.column,
            },
        }}],
        // Services know by it that a result is one they have seen before.
        "partialFingerprints": {"alertq/v1": problem.fingerprint()},
    })
}

/// A relative reference must not hold spaces or what looks like a scheme; separators are slashes.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' | b',' => out.push(byte as char),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn results_name_rules_and_regions() {
        let diagnostics = sample::diagnostics();
        let log: Value = serde_json::from_str(&render(&[sample::report(&diagnostics)])).unwrap();
        let run = &log["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"], json!([{"id": "AQ100"}, {"id": "KS142"}]));
        assert_eq!(run["results"][0]["level"], "error");
        assert_eq!(
            run["results"][0]["locations"][0]["physicalLocation"]["region"],
            json!({"startLine": 2, "startColumn": 9, "endLine": 2, "endColumn": 16})
        );
        assert_eq!(uri("a b\\c.kql"), "a%20b/c.kql");
    }
}
