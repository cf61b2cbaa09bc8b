//! When a scheduled rule runs, how far it looks back, and what it takes for an alert.

use crate::diagnostic::Diagnostic;
use crate::rules::model::{Duration, Located, Rule};

const SHORTEST: Duration = Duration::minutes(5);
const LONGEST: Duration = Duration::days(14);

/// Checks durations (AQ504), how they fit together (AQ505, AQ506) and the threshold (AQ507); limits as documented.
pub(super) fn check(rule: &Rule) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let Some(schedule) = rule.schedule() else { return problems };
    let given = [schedule.frequency, schedule.period];
    problems.extend(given.into_iter().flatten().filter_map(out_of_range));
    if let (Some(frequency), Some(period)) = (schedule.frequency, schedule.period)
        && problems.is_empty()
    {
        if period.value < frequency.value {
            problems.push(
                Diagnostic::error("AQ505", period.span, "the query looks back less far than the time between two runs")
                    .help("records between would never be seen: make queryPeriod at least queryFrequency"),
            );
        }
        if period.value >= Duration::days(2) && frequency.value < Duration::hours(1) {
            problems.push(
                Diagnostic::error("AQ506", period.span, "a query over two days or more runs once an hour at most")
                    .help("make queryFrequency at least 1h, or queryPeriod less than 2d"),
            );
        }
    }
    problems.extend(schedule.trigger_threshold.and_then(threshold));
    problems
}

fn out_of_range(written: Located<Duration>) -> Option<Diagnostic> {
    let fits = (SHORTEST..=LONGEST).contains(&written.value);
    (!fits).then(|| {
        Diagnostic::error("AQ504", written.span, format!("{} is out of range", written.value))
            .help(format!("say something from {SHORTEST} to {LONGEST}"))
    })
}

fn threshold(written: Located<i64>) -> Option<Diagnostic> {
    let fits = (0..=10_000).contains(&written.value);
    (!fits).then(|| {
        Diagnostic::error("AQ507", written.span, format!("'{}' is no threshold", written.value))
            .help("say a whole number from 0 to 10000")
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::form::testing::yaml_rule;

    fn codes(settings: &str) -> Vec<&'static str> {
        let rule = yaml_rule(&format!("kind: Scheduled\nquery: T\n{settings}"));
        super::check(&rule).into_iter().map(|problem| problem.code).collect()
    }

    #[test]
    fn durations_have_limits_and_fit_together() {
        assert_eq!(codes("queryFrequency: 1h\nqueryPeriod: 14d\ntriggerThreshold: 0\n"), [""; 0]);
        assert_eq!(codes("queryFrequency: 00:05\nqueryPeriod: 1.12:00:00\n"), [""; 0]);
        assert_eq!(codes("queryFrequency: 1m\nqueryPeriod: 15d\n"), ["AQ504", "AQ504"]);
        assert_eq!(codes("queryFrequency: 1d\nqueryPeriod: 1h\n"), ["AQ505"]);
        assert_eq!(codes("queryFrequency: 30m\nqueryPeriod: 2d\n"), ["AQ506"]);
    }

    #[test]
    fn thresholds_are_small_numbers() {
        assert_eq!(codes("triggerThreshold: 10001\n"), ["AQ507"]);
        assert_eq!(codes("triggerThreshold: -1\n"), ["AQ507"]);
        assert_eq!(codes("triggerThreshold: 10000\n"), [""; 0]);
    }
}
