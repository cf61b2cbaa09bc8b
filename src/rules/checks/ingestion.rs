use super::schedule::both;
use super::{Check, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::rules::model::Duration;
use crate::syntax::TokenKind;

pub(super) const CHECK: Check = Check {
    code: "AQ524",
    name: "ingestion-delay",
    why: "A run sees what was ingested up to five minutes after its window ends. Where windows do not overlap, a record \
          that comes later is in no run at all; where they do and the query asks only for what was ingested since the \
          run before, a record of those five minutes is in two.",
    bad: "queryFrequency: 1h\nqueryPeriod: 1h\nquery: SecurityAlert",
    good: "queryFrequency: 1h\nqueryPeriod: 2h\nquery: SecurityAlert | where ingestion_time() > ago(1h) and ingestion_time() <= now()",
    find,
};

fn find(subject: &Subject) -> Vec<Diagnostic> {
    let Some((frequency, period)) = both(subject) else { return Vec::new() };
    let asked = subject.tokens.iter().position(|token| is_ingestion(subject.text(token)));
    let (span, message, help) = match asked {
        None if frequency.value == period.value => (
            period.span,
            format!(
                "the query looks back {} and runs every {}: a record that is ingested more than 5m late may be in no run",
                period.value, frequency.value
            ),
            format!(
                "if its tables are late at times, look back further and keep what is new: {}",
                new(frequency.value)
            ),
        ),
        Some(place) if frequency.value.ticks() < period.value.ticks() && is_open(subject) => (
            subject.place(&subject.tokens[place]),
            "a record that is ingested in the 5m between a moment and its run may be in two runs".to_string(),
            format!("leave it to the next one: {}", new(frequency.value)),
        ),
        _ => return Vec::new(),
    };
    let problem = Diagnostic::warning(CHECK.code, span, message).help(help);
    vec![Diagnostic { severity: Severity::Information, ..problem }]
}

/// Writes the condition that each record meets in one run.
fn new(frequency: Duration) -> String {
    format!("`where ingestion_time() > ago({frequency}) and ingestion_time() <= now()`")
}

fn is_ingestion(text: &str) -> bool {
    matches!(text, "ingestion_time" | "_TimeReceived")
}

/// Tells whether times of ingestion are held against `ago(..)` from below only, in one place.
fn is_open(subject: &Subject) -> bool {
    let texts: Vec<&str> = subject.tokens.iter().map(|token| subject.text(token)).collect();
    let places: Vec<usize> = (0..texts.len()).filter(|place| is_ingestion(texts[*place])).collect();
    let [place] = places[..] else { return false };
    let call = subject.tokens.get(place + 1).is_some_and(|token| token.kind == TokenKind::OpenParen);
    let after = place + if call { 3 } else { 1 };
    matches!(texts.get(after..).unwrap_or_default(), [">" | ">=", "ago", ..])
}
