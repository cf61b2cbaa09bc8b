//! When rules run.

use crate::rules::model::{Body, Duration, Rule};
use crate::types::ticks;

/// A scheduled run begins so long after the moment that its query takes for `now()` (observed): time for records to come.
const DELAY: Duration = Duration::minutes(5);
/// The same of a rule that runs every minute (documented).
const NEAR_REAL_TIME_DELAY: Duration = Duration::minutes(2);
/// How often such a rule runs, and how far it looks back (documented).
const MINUTE: Duration = Duration::minutes(1);
/// How often and how far where a scheduled rule does not say: what the portal proposes (observed).
const DEFAULT: Duration = Duration::hours(5);

/// Which moments rules run at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Timing {
    /// Those of each rule's own schedule.
    Schedule,
    /// These, whatever their schedule.
    At(Vec<i64>),
}

/// One run of a rule, before it has begun. In ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// What the query takes for `now()`; the end of what it sees.
    pub now: i64,
    /// The beginning of what it sees.
    pub from: i64,
    /// When the query really runs, and its alerts are written: records that came later are not seen.
    pub written: i64,
    /// The window is one of ingestion times, not of the times of the records.
    pub by_ingestion: bool,
}

/// Returns the runs of a rule from one moment to another, both included; none of kinds that have no query of their own.
///
/// The first run is at the beginning; where the rule says when it starts, at the first of its moments from there on.
pub fn moments(rule: &Rule, from: i64, to: i64) -> impl Iterator<Item = Moment> + '_ {
    let step = match &rule.body {
        Body::Scheduled(scheduled) => scheduled.schedule.frequency.map_or(DEFAULT, |written| written.value).ticks(),
        Body::NearRealTime(_) => MINUTE.ticks(),
        Body::Hunting(_)
        | Body::IncidentCreation(_)
        | Body::Fusion(_)
        | Body::BehaviorAnalytics(_)
        | Body::ThreatIntelligence(_)
        | Body::Anomaly(_) => 0,
    };
    let start = rule.schedule().and_then(|schedule| ticks::parse_datetime(&schedule.start.as_ref()?.value));
    let first = start.unwrap_or(from);
    let missed = if first < from && step > 0 { (from - first + step - 1) / step } else { 0 };
    let first = (step > 0).then(|| first.saturating_add(missed.saturating_mul(step)));
    let all = std::iter::successors(first, move |now| now.checked_add(step));
    all.take_while(move |now| *now <= to).map(|now| Moment::at(rule, now))
}

/// The times of which runs see records, in ticks; both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub from: i64,
    pub to: i64,
}

impl Span {
    /// Returns what the runs of rules from one moment to another look at; None where no rule has runs.
    pub fn of(rules: &[Rule], from: i64, to: i64) -> Option<Span> {
        let run = rules.iter().filter(|rule| matches!(rule.body, Body::Scheduled(_) | Body::NearRealTime(_)));
        run.map(|rule| from.saturating_sub(window(rule))).min().map(|from| Span { from, to })
    }
}

/// Returns how far a rule looks back.
fn window(rule: &Rule) -> i64 {
    let schedule = rule.schedule();
    schedule.map_or(MINUTE, |schedule| schedule.period.map_or(DEFAULT, |written| written.value)).ticks()
}

impl Moment {
    /// Makes the run of a rule at a moment, whatever its schedule.
    pub fn at(rule: &Rule, now: i64) -> Moment {
        let by_ingestion = rule.schedule().is_none();
        let delay = if by_ingestion { NEAR_REAL_TIME_DELAY } else { DELAY };
        let from = now.saturating_sub(window(rule));
        Moment { now, from, written: now.saturating_add(delay.ticks()), by_ingestion }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::types::ticks::{TICKS_PER_HOUR, TICKS_PER_MINUTE};

    fn rule(settings: &str) -> Rule {
        let text = format!("name: r\nquery: T\n{settings}");
        crate::rules::form::read(Path::new("r.yaml"), &text).unwrap().unwrap().rules.remove(0)
    }

    fn hours(rule: &Rule, from: i64, to: i64) -> Vec<i64> {
        let moments = moments(rule, from * TICKS_PER_HOUR, to * TICKS_PER_HOUR);
        moments.map(|moment| moment.now / TICKS_PER_HOUR).collect()
    }

    #[test]
    fn scheduled_rules_run_from_the_beginning() {
        let rule = rule("kind: Scheduled\nqueryFrequency: 2h\nqueryPeriod: 1d\n");
        assert_eq!(hours(&rule, 10, 15), [10, 12, 14]);
        let first = moments(&rule, 0, 0).next().unwrap();
        assert_eq!((first.from, first.written), (-24 * TICKS_PER_HOUR, 5 * TICKS_PER_MINUTE));
        assert!(!first.by_ingestion);
    }

    #[test]
    fn near_real_time_rules_run_every_minute() {
        let rule = rule("kind: NRT\n");
        let all: Vec<_> = moments(&rule, 0, TICKS_PER_HOUR).collect();
        assert_eq!(all.len(), 61);
        assert_eq!((all[1].now - all[1].from, all[1].written - all[1].now), (TICKS_PER_MINUTE, 2 * TICKS_PER_MINUTE));
        assert!(all[1].by_ingestion);
    }

    #[test]
    fn the_span_reaches_as_far_back_as_the_longest_period() {
        let rules = ["kind: NRT\n", "kind: Scheduled\nqueryPeriod: 2h\n", "kind: Fusion\n"].map(rule);
        let span = Span::of(&rules, 10 * TICKS_PER_HOUR, 12 * TICKS_PER_HOUR).unwrap();
        assert_eq!(span, Span { from: 8 * TICKS_PER_HOUR, to: 12 * TICKS_PER_HOUR });
        assert_eq!(Span::of(&rules[2..], 0, 1), None);
    }

    #[test]
    fn other_kinds_do_not_run() {
        assert_eq!(hours(&rule("kind: Fusion\n"), 0, 99), [0; 0]);
    }
}
