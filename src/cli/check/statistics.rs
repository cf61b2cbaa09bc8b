//! How often each problem was found.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Checked, Format};
use crate::cli::stop::Stop;
use crate::diagnostic::Severity;
use crate::lint;

#[derive(Debug)]
struct Count {
    severity: Severity,
    findings: usize,
    texts: usize,
    /// What the first of them said.
    example: String,
}

/// Gives a line for each code, the most frequent first within the worst; JSON where that was asked for.
pub(super) fn render(checked: &[Checked], format: Format) -> Result<String, Stop> {
    let counts = counts(checked);
    match format {
        Format::Full | Format::Concise => Ok(lines(&counts)),
        Format::Json => Ok(format!("{}\n", Value::Array(counts.iter().map(object).collect()))),
        _ => Err(Stop::failure("statistics are text or JSON").help("leave --output-format out, or make it json")),
    }
}

fn counts(checked: &[Checked]) -> Vec<(&'static str, Count)> {
    let mut counts: BTreeMap<(Severity, &'static str), Count> = BTreeMap::new();
    for checked in checked {
        let mut seen = Vec::new();
        for diagnostic in &checked.diagnostics {
            let key = (diagnostic.severity, diagnostic.code);
            let count = counts.entry(key).or_insert_with(|| Count {
                severity: diagnostic.severity,
                findings: 0,
                texts: 0,
                example: diagnostic.message.clone(),
            });
            count.findings += 1;
            if !seen.contains(&key) {
                seen.push(key);
                count.texts += 1;
            }
        }
    }
    let mut counts: Vec<_> = counts.into_iter().map(|((_, code), count)| (code, count)).collect();
    counts.sort_by_key(|(_, count)| (count.severity, std::cmp::Reverse(count.findings)));
    counts
}

fn lines(counts: &[(&'static str, Count)]) -> String {
    let line = |(code, count): &(&'static str, Count)| {
        let meaning = meaning(code, count);
        format!("{:>7} in {:>6}  {:11}  {code}  {meaning}\n", count.findings, count.texts, count.severity.word())
    };
    counts.iter().map(line).collect()
}

fn object((code, count): &(&'static str, Count)) -> Value {
    json!({
        "code": code,
        "severity": count.severity.word(),
        "findings": count.findings,
        "texts": count.texts,
        "lint": lint::find(code).map(|lint| lint.name),
        "example": count.example,
    })
}

fn meaning<'a>(code: &str, count: &'a Count) -> &'a str {
    lint::find(code).map_or(&count.example, |lint| lint.name)
}
