//! The time span of the query API: `P7D`, `PT1H30M`, `START/END`, `START/P1D`; and KQL's own `7d`.

use crate::plan::Plan;
use crate::plan::period::TimeScope;
use crate::types::ticks;

/// A period of records, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// The time before now.
    Last(i64),
    /// From the first, inclusive, to the second, inclusive.
    Between(i64, i64),
}

impl std::fmt::Display for Period {
    /// Writes it as the query API takes it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Period::Last(length) => {
                let (seconds, rest) = (length / ticks::TICKS_PER_SECOND, length % ticks::TICKS_PER_SECOND);
                write!(f, "PT{seconds}.{rest:07}S")
            }
            Period::Between(from, to) => {
                write!(f, "{}/{}", ticks::format_datetime(*from), ticks::format_datetime(*to))
            }
        }
    }
}

/// Reads a time span.
///
/// ```
/// use alertq::query::period::{Period, read};
/// assert_eq!(read("PT1H30M"), Ok(Period::Last(54_000_000_000)));
/// assert!(read("an hour").is_err());
/// ```
///
/// # Errors
/// Says what a time span looks like.
pub fn read(text: &str) -> Result<Period, String> {
    let wrong = || format!("'{text}' is no time span; say for example 7d, PT1H or 2026-01-01/2026-02-01");
    let duration = |text: &str| iso_duration(text).or_else(|| ticks::parse_timespan(text));
    let Some((start, end)) = text.split_once('/') else {
        return duration(text).filter(|ticks| *ticks > 0).map(Period::Last).ok_or_else(wrong);
    };
    let (start, end) = match (ticks::parse_datetime(start), ticks::parse_datetime(end)) {
        (Some(start), Some(end)) => (Some(start), Some(end)),
        (Some(start), None) => (Some(start), duration(end).and_then(|length| start.checked_add(length))),
        (None, Some(end)) => (duration(start).and_then(|length| end.checked_sub(length)), Some(end)),
        (None, None) => (None, None),
    };
    match (start, end) {
        (Some(start), Some(end)) if start <= end => Ok(Period::Between(start, end)),
        _ => Err(wrong()),
    }
}

/// Reads an ISO 8601 duration of weeks, days, hours, minutes and seconds; the seconds may have a fraction, as the
/// Python client writes them (`PT86400.0S`).
fn iso_duration(text: &str) -> Option<i64> {
    const SECOND: i64 = 10_000_000;
    let mut rest = text.strip_prefix('P')?;
    let (mut time, mut total, mut parts) = (false, 0_i64, 0);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('T').filter(|_| !time) {
            (time, rest) = (true, after);
            continue;
        }
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (whole, fraction) = rest[..end].split_once('.').unwrap_or((&rest[..end], ""));
        let number: i64 = whole.parse().ok()?;
        let seconds = match (rest[end..].chars().next()?, time) {
            ('W', false) => 604_800,
            ('D', false) => 86_400,
            ('H', true) => 3_600,
            ('M', true) => 60,
            ('S', true) => 1,
            _ => return None,
        };
        if !fraction.is_empty() && seconds != 1 {
            return None;
        }
        total = number.checked_mul(seconds * SECOND)?.checked_add(fraction_ticks(fraction)?)?.checked_add(total)?;
        parts += 1;
        rest = &rest[end + 1..];
    }
    (parts > 0).then_some(total)
}

/// Reads the digits behind the point of seconds; those beyond 100 ns are cut off.
fn fraction_ticks(digits: &str) -> Option<i64> {
    if !digits.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    format!("{digits:0<7}").get(..7)?.parse().ok()
}

/// Leaves out the records of every table whose TimeGenerated is outside; both ends belong to the period.
///
/// A table without that column is left as it is.
pub fn limit(plan: &mut Plan, period: Period, now: i64) {
    let scope = match period {
        Period::Last(length) => TimeScope { from: now.saturating_sub(length), to: now },
        Period::Between(from, to) => TimeScope { from, to },
    };
    plan.limit_to("TimeGenerated", scope);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_durations_or_have_two_ends() {
        const HOUR: i64 = 36_000_000_000;
        assert_eq!(read("PT1H30M"), Ok(Period::Last(HOUR * 3 / 2)));
        assert_eq!(read("PT3600.0S"), Ok(Period::Last(HOUR)));
        assert_eq!(read("PT0.25S"), Ok(Period::Last(2_500_000)));
        for text in ["PT0.25S", "P7D", "2026-01-01/P1D"] {
            let period = read(text).unwrap();
            assert_eq!(read(&period.to_string()), Ok(period));
        }
        assert_eq!(read("P1W"), Ok(Period::Last(7 * 24 * HOUR)));
        assert_eq!(read("7d"), read("P7D"));
        let day = ticks::parse_datetime("2026-01-01").unwrap();
        assert_eq!(read("2026-01-01/P1D"), Ok(Period::Between(day, day + 24 * HOUR)));
        assert_eq!(read("PT1H/2026-01-01"), Ok(Period::Between(day - HOUR, day)));
        for wrong in [
            "",
            "P",
            "PT",
            "PT.S",
            "P1.5D",
            "P1H",
            "1",
            "-1d",
            "2026-01-02/2026-01-01",
            "P1D/P1D",
            "P99999999999999999999D",
            "Pü",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
