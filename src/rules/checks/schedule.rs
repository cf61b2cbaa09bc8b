use super::{Check, Subject};
use crate::diagnostic::Diagnostic;
use crate::rules::model::{Duration, Located};
use crate::types::ticks;

const SHORTEST: Duration = Duration::minutes(5);
const LONGEST: Duration = Duration::days(14);

pub(super) const RANGE: Check = Check {
    code: "AQ504",
    name: "duration-range",
    why: "Sentinel runs a rule every 5 minutes at most and every 14 days at least, and looks back 14 days at most.",
    bad: "queryFrequency: 1m",
    good: "queryFrequency: 00:05\nqueryPeriod: 1.12:00:00",
    find: range,
};

pub(super) const ORDER: Check = Check {
    code: "AQ505",
    name: "period-below-frequency",
    why: "Sentinel refuses a rule that looks back less far than the time between two runs: records would never be seen.",
    bad: "queryFrequency: 1d\nqueryPeriod: 1h",
    good: "queryFrequency: 1h\nqueryPeriod: 1h",
    find: order,
};

pub(super) const LONG_PERIOD: Check = Check {
    code: "AQ506",
    name: "long-period-too-often",
    why: "Sentinel runs a rule over two days or more once an hour at most.",
    bad: "queryFrequency: 30m\nqueryPeriod: 2d",
    good: "queryFrequency: 1h\nqueryPeriod: 2d",
    find: long_period,
};

pub(super) const THRESHOLD: Check = Check {
    code: "AQ507",
    name: "threshold-range",
    why: "Sentinel takes thresholds from 0 to 10000.",
    bad: "triggerThreshold: 10001",
    good: "triggerThreshold: 10000",
    find: threshold,
};

pub(super) const START: Check = Check {
    code: "AQ551",
    name: "start-time",
    why: "A rule begins at a moment, which Sentinel takes in ISO 8601.",
    bad: "startTimeUtc: tomorrow",
    good: "startTimeUtc: 2026-03-01T08:00:00Z",
    find: start,
};

fn start(subject: &Subject) -> Vec<Diagnostic> {
    let given = subject.rule.schedule().and_then(|schedule| schedule.start.as_ref());
    let wrong = given.filter(|written| ticks::parse_datetime(&written.value).is_none());
    let problem = |written: &Located<String>| {
        Diagnostic::error(START.code, written.span, format!("'{}' is no moment", written.value))
            .help("say it as in 2026-03-01T08:00:00Z")
    };
    wrong.map(problem).into_iter().collect()
}

fn range(subject: &Subject) -> Vec<Diagnostic> {
    let Some(schedule) = subject.rule.schedule() else { return Vec::new() };
    let given = [schedule.frequency, schedule.period].into_iter().flatten();
    let wrong = given.filter(|written| !(SHORTEST..=LONGEST).contains(&written.value));
    let problem = |written: Located<Duration>| {
        Diagnostic::error(RANGE.code, written.span, format!("{} is out of range", written.value))
            .help(format!("say something from {SHORTEST} to {LONGEST}"))
    };
    wrong.map(problem).collect()
}

/// Returns frequency and period where both are known.
pub(super) fn both(subject: &Subject) -> Option<(Located<Duration>, Located<Duration>)> {
    let schedule = subject.rule.schedule()?;
    Some((schedule.frequency?, schedule.period?))
}

fn order(subject: &Subject) -> Vec<Diagnostic> {
    let wrong = both(subject).filter(|(frequency, period)| period.value < frequency.value);
    let problem = |(frequency, period): (Located<Duration>, Located<Duration>)| {
        let message = format!(
            "the query looks back {} and runs every {}: less far than the time between two runs",
            period.value, frequency.value
        );
        Diagnostic::error(ORDER.code, period.span, message)
            .help("records between would never be seen: make queryPeriod at least queryFrequency")
    };
    wrong.map(problem).into_iter().collect()
}

fn long_period(subject: &Subject) -> Vec<Diagnostic> {
    let wrong = both(subject)
        .filter(|(frequency, period)| period.value >= Duration::days(2) && frequency.value < Duration::hours(1));
    let problem = |(frequency, period): (Located<Duration>, Located<Duration>)| {
        let message = format!("a query over {} runs once an hour at most, not every {}", period.value, frequency.value);
        Diagnostic::error(LONG_PERIOD.code, period.span, message)
            .help("make queryFrequency at least 1h, or queryPeriod less than 2d")
    };
    wrong.map(problem).into_iter().collect()
}

fn threshold(subject: &Subject) -> Vec<Diagnostic> {
    let given = subject.rule.schedule().and_then(|schedule| schedule.trigger_threshold);
    let wrong = given.filter(|written| !(0..=10_000).contains(&written.value));
    let problem = |written: Located<i64>| {
        Diagnostic::error(THRESHOLD.code, written.span, format!("'{}' is no threshold", written.value))
            .help("say a whole number from 0 to 10000")
    };
    wrong.map(problem).into_iter().collect()
}
