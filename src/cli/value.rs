//! Reads the values of options: instants, sizes, `NAME=VALUE`.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::types::ticks;

/// Ticks of 100 ns from 0001-01-01 to 1970-01-01.
const UNIX_TICKS: i64 = 621_355_968_000_000_000;

/// Reads the clock of this machine, in ticks.
pub(super) fn system_clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos() / 100).map_or(i64::MAX, |ticks| UNIX_TICKS.saturating_add(ticks))
}

/// Reads an instant as KQL's `todatetime` does, into ticks.
pub(super) fn instant(text: &str) -> Result<i64, String> {
    ticks::parse_datetime(text).ok_or_else(|| format!("'{text}' is no time; say for example 2026-01-31T08:00:00Z"))
}

/// A period of records, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Period {
    /// The time before now.
    Last(i64),
    /// From the first, inclusive, to the second, inclusive.
    Between(i64, i64),
}

/// Reads the time span of the query API: `P7D`, `7d`, `PT1H30M`, `START/END`, `START/P1D`.
pub(super) fn period(text: &str) -> Result<Period, String> {
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

/// Reads an ISO 8601 duration of weeks, days, hours, minutes and seconds.
fn iso_duration(text: &str) -> Option<i64> {
    const SECOND: i64 = 10_000_000;
    let mut rest = text.strip_prefix('P')?;
    let (mut time, mut total, mut parts) = (false, 0_i64, 0);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('T').filter(|_| !time) {
            (time, rest) = (true, after);
            continue;
        }
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..end].parse().ok()?;
        let seconds = match (rest[end..].chars().next()?, time) {
            ('W', false) => 604_800,
            ('D', false) => 86_400,
            ('H', true) => 3_600,
            ('M', true) => 60,
            ('S', true) => 1,
            _ => return None,
        };
        total = number.checked_mul(seconds * SECOND)?.checked_add(total)?;
        parts += 1;
        rest = &rest[end + 1..];
    }
    (parts > 0).then_some(total)
}

/// Reads a size in bytes: `512MB`, `2GiB`, `1.5G`, `1048576`.
pub(super) fn size(text: &str) -> Result<usize, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kib" => 1024.0,
        "m" | "mib" => 1024.0 * 1024.0,
        "g" | "gib" => 1024.0 * 1024.0 * 1024.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        other => return Err(format!("'{other}' is no unit of size; say for example 512MB or 2GiB")),
    };
    match number.parse::<f64>() {
        Ok(number) if number * unit >= 1.0 && number * unit < 1e18 => Ok((number * unit) as usize),
        _ => Err(format!("'{text}' is no size; say for example 512MB or 2GiB")),
    }
}

/// Reads `NAME=VALUE`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_string(), value.to_string())),
        _ => Err("say NAME=VALUE".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("1048576"), Ok(1 << 20));
        assert_eq!(size("1.5G"), Ok(3 << 29));
        assert_eq!(size("512MB"), Ok(512_000_000));
        for wrong in ["", "MB", "-1", "1TBX", "0", "1e9", "1.2.3"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn periods_are_durations_or_have_two_ends() {
        const HOUR: i64 = 36_000_000_000;
        assert_eq!(period("PT1H30M"), Ok(Period::Last(HOUR * 3 / 2)));
        assert_eq!(period("P1W"), Ok(Period::Last(7 * 24 * HOUR)));
        assert_eq!(period("7d"), period("P7D"));
        let day = instant("2026-01-01").unwrap();
        assert_eq!(period("2026-01-01/P1D"), Ok(Period::Between(day, day + 24 * HOUR)));
        assert_eq!(period("PT1H/2026-01-01"), Ok(Period::Between(day - HOUR, day)));
        for wrong in
            ["", "P", "PT", "P1H", "1", "-1d", "2026-01-02/2026-01-01", "P1D/P1D", "P99999999999999999999D", "Pü"]
        {
            assert!(period(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn pairs_keep_what_follows_the_first_sign() {
        assert_eq!(pair("a=b=c"), Ok(("a".to_string(), "b=c".to_string())));
        assert!(pair("=b").is_err());
        assert!(pair("a").is_err());
    }
}
