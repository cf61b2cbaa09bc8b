//! The times that the query itself asks for, against those that the rule gives it.

use super::schedule::both;
use super::{Check, Subject};
use crate::diagnostic::Diagnostic;
use crate::rules::model::Duration;
use crate::syntax::{Token, TokenKind};

pub(super) const BLIND_SPOT: Check = Check {
    code: "AQ522",
    name: "blind-spot",
    why: "A query that looks back less far than the time between two runs never sees the records between.",
    bad: "queryFrequency: 1d\nqueryPeriod: 1d\nquery: SecurityAlert | where TimeGenerated > ago(1h)",
    good: "queryFrequency: 1h\nquery: SecurityAlert | where TimeGenerated > ago(1h)",
    find: blind_spot,
};

fn blind_spot(subject: &Subject) -> Vec<Diagnostic> {
    let Some((frequency, _)) = both(subject) else { return Vec::new() };
    let Some((token, farthest)) = lookbacks(subject).into_iter().max_by_key(|(_, span)| *span) else {
        return Vec::new();
    };
    // Several times in one query, or names that hide one: the farthest is what it sees.
    let unseen = frequency.value.ticks() - farthest.ticks();
    let Some(unseen) = Duration::of_ticks(unseen).filter(|unseen| unseen.ticks() > 0) else { return Vec::new() };
    if all_agos(subject) != lookbacks(subject).len() || bounds_elsewhere(subject) {
        return Vec::new();
    }
    let message = format!(
        "the query looks back {farthest} and runs every {}: {unseen} of every {} are never seen",
        frequency.value, frequency.value
    );
    let problem = Diagnostic::warning(BLIND_SPOT.code, subject.place(&token), message);
    vec![problem.help(format!("look back at least {}, or run the rule every {farthest}", frequency.value))]
}

/// Returns how far back the query asks, wherever `ago` has a literal or a name that `let` gives one.
fn lookbacks(subject: &Subject) -> Vec<(Token, Duration)> {
    let spans = subject.tokens.windows(4).filter_map(|window| {
        let [ago, open, argument, close] = window else { return None };
        let is_call = is_ago(subject, ago) && open.kind == TokenKind::OpenParen && close.kind == TokenKind::CloseParen;
        let span = match argument.kind {
            TokenKind::TimeSpan => Duration::read(subject.text(argument)),
            _ => constant(subject, subject.text(argument)),
        };
        Some((*ago, span.filter(|_| is_call)?))
    });
    spans.collect()
}

fn is_ago(subject: &Subject, token: &Token) -> bool {
    subject.text(token) == "ago"
}

fn all_agos(subject: &Subject) -> usize {
    subject.tokens.iter().filter(|token| is_ago(subject, token)).count()
}

/// Tells whether the query counts from elsewhere too: then `ago` alone does not tell what it sees.
fn bounds_elsewhere(subject: &Subject) -> bool {
    const WORDS: [&str; 8] =
        ["now", "startofday", "startofweek", "startofmonth", "datetime_add", "join", "union", "lookup"];
    subject.tokens.iter().any(|token| {
        let text = subject.text(token);
        WORDS.contains(&text) || matches!(token.kind, TokenKind::Wrapped(_))
    })
}

/// Finds `let name = 14d`.
fn constant(subject: &Subject, name: &str) -> Option<Duration> {
    subject.tokens.windows(4).find_map(|window| {
        let [keyword, given, sign, value] = window else { return None };
        let is_it = subject.text(keyword) == "let" && subject.text(given) == name && sign.kind == TokenKind::Assign;
        if is_it && value.kind == TokenKind::TimeSpan { Duration::read(subject.text(value)) } else { None }
    })
}
