//! When a scheduled rule runs, how far it looks back, and what it takes for an alert.

use crate::diagnostic::Diagnostic;
use crate::rules::model::{Kind, Located, Rule};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Checks durations (AQ504), how they fit together (AQ505, AQ506) and the threshold (AQ507); limits as documented.
pub(super) fn check(rule: &Rule) -> Vec<Diagnostic> {
    if rule.kind != Kind::Scheduled {
        return Vec::new();
    }
    let mut problems = Vec::new();
    let frequency = rule.frequency.as_ref().and_then(|written| duration(written, &mut problems));
    let period = rule.period.as_ref().and_then(|written| duration(written, &mut problems));
    if let (Some(frequency), Some(period), Some(written)) = (frequency, period, &rule.period) {
        if period < frequency {
            problems.push(
                Diagnostic::error(
                    "AQ505",
                    written.span,
                    "the query looks back less far than the time between two runs",
                )
                .help("records between would never be seen: make queryPeriod at least queryFrequency"),
            );
        }
        if period >= 2 * DAY && frequency < HOUR {
            problems.push(
                Diagnostic::error("AQ506", written.span, "a query over two days or more runs once an hour at most")
                    .help("make queryFrequency at least 1h, or queryPeriod less than 2d"),
            );
        }
    }
    problems.extend(rule.trigger_threshold.as_ref().and_then(threshold));
    problems
}

fn duration(written: &Located<String>, problems: &mut Vec<Diagnostic>) -> Option<u64> {
    match seconds(&written.value) {
        None => problems.push(
            Diagnostic::error("AQ504", written.span, format!("'{}' is no duration", written.value))
                .help("say a number of minutes, hours or days: 5m, 1h, 14d"),
        ),
        Some(seconds) if !(5 * MINUTE..=14 * DAY).contains(&seconds) => problems.push(
            Diagnostic::error("AQ504", written.span, format!("'{}' is out of range", written.value))
                .help("say something from 5m to 14d"),
        ),
        Some(seconds) => return Some(seconds),
    }
    None
}

/// Reads `5m`, `1h`, `14d`, or a .NET time span: `[d.]hh:mm[:ss]`.
pub fn seconds(text: &str) -> Option<u64> {
    if let Some((days, time)) = text.split_once('.').map(|(days, time)| (Some(days), time)).or(Some((None, text)))
        && time.contains(':')
    {
        let days: u64 = days.map_or(Ok(0), str::parse).ok()?;
        let parts: Vec<u64> = time.split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
        let (hours, minutes, seconds) = match parts[..] {
            [hours, minutes] => (hours, minutes, 0),
            [hours, minutes, seconds] => (hours, minutes, seconds),
            _ => return None,
        };
        let in_range = days < 10_000 && hours < 24 && minutes < 60 && seconds < 60;
        return in_range.then_some(days * DAY + hours * HOUR + minutes * MINUTE + seconds);
    }
    let unit = match text.chars().next_back()? {
        'm' => MINUTE,
        'h' => HOUR,
        'd' => DAY,
        _ => return None,
    };
    text[..text.len() - 1].parse::<u32>().ok().map(|number| u64::from(number) * unit)
}

fn threshold(written: &Located<String>) -> Option<Diagnostic> {
    let fits = written.value.parse::<u32>().is_ok_and(|number| number <= 10_000);
    (!fits).then(|| {
        Diagnostic::error("AQ507", written.span, format!("'{}' is no threshold", written.value))
            .help("say a whole number from 0 to 10000")
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::yaml;

    fn codes(settings: &str) -> Vec<&'static str> {
        let rule = yaml::read(&format!("kind: Scheduled\nquery: T\n{settings}")).unwrap().unwrap();
        super::check(&rule).into_iter().map(|problem| problem.code).collect()
    }

    #[test]
    fn durations_have_limits_and_fit_together() {
        assert_eq!(codes("queryFrequency: 1h\nqueryPeriod: 14d\ntriggerThreshold: 0\n"), [""; 0]);
        assert_eq!(codes("queryFrequency: 00:05\nqueryPeriod: 1.12:00:00\n"), [""; 0]);
        assert_eq!(codes("queryFrequency: 1m\nqueryPeriod: 15d\n"), ["AQ504", "AQ504"]);
        assert_eq!(codes("queryFrequency: 1d\nqueryPeriod: 1h\n"), ["AQ505"]);
        assert_eq!(codes("queryFrequency: 30m\nqueryPeriod: 2d\n"), ["AQ506"]);
        assert_eq!(codes("queryFrequency: ü\nqueryPeriod: 99999999999999999999d\n"), ["AQ504", "AQ504"]);
    }

    #[test]
    fn thresholds_are_small_numbers() {
        assert_eq!(codes("triggerThreshold: 10001\n"), ["AQ507"]);
        assert_eq!(codes("triggerThreshold: -1\n"), ["AQ507"]);
        assert_eq!(codes("triggerThreshold: 10000\n"), [""; 0]);
    }
}
