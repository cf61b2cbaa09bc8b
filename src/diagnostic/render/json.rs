//! Problems as JSON objects: what `alertq check --output-format json` prints of each.

use serde_json::{Value, json};

use super::Lines;
use crate::diagnostic::Diagnostic;

/// Gives one problem: `start` and `end` are byte offsets; `line` and `column` count from 1, in characters.
pub fn diagnostic(diagnostic: &Diagnostic, lines: &Lines) -> Value {
    let (start, end) = (lines.position(diagnostic.span.start), lines.position(diagnostic.span.end));
    json!({
        "code": diagnostic.code,
        "severity": diagnostic.severity.word(),
        "message": diagnostic.message,
        "start": diagnostic.span.start,
        "end": diagnostic.span.end,
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
        "help": diagnostic.help,
        "labels": diagnostic.labels.iter().map(|label| json!({
            "message": label.message,
            "start": label.span.start,
            "end": label.span.end,
        })).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Lines, sample};

    #[test]
    fn offsets_are_bytes_and_columns_are_characters() {
        let diagnostics = sample::diagnostics();
        let value = super::diagnostic(&diagnostics[1], &Lines::new(sample::TEXT));
        assert_eq!((value["start"].as_u64(), value["end"].as_u64()), (Some(33), Some(41)));
        assert_eq!((value["column"].as_u64(), value["end_column"].as_u64()), (Some(20), Some(26)));
        assert!(value["help"].is_null());
        assert_eq!(value["severity"], "warning");
    }
}
