//! Times as exports write them: ISO in every variant, the portal's American form, and numbers of other tools.

use crate::types::ticks;

const SECOND: i64 = ticks::TICKS_PER_SECOND;
const MINUTE: i64 = ticks::TICKS_PER_MINUTE;

/// Reads a time in any form that an export is known to use.
///
/// ISO with none to nine fraction digits, `Z`, an offset or neither (which means UTC); `2/25/2025, 9:19:25.391 AM` as
/// the portal's CSV has it (observed); `/Date(1740475165391)/` as older PowerShell writes JSON.
pub(super) fn read(text: &str) -> Option<i64> {
    let text = text.trim();
    if looks_iso(text) {
        return ticks::parse_datetime(text);
    }
    american(text).or_else(|| powershell(text)).or_else(|| ticks::parse_datetime(text))
}

/// Tells whether text begins as `2025-02-25` does: what may count as a time where no type is declared.
pub(super) fn looks_iso(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 10
        && bytes[..10].iter().enumerate().all(|(index, byte)| match index {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
        && bytes.get(10).is_none_or(|byte| matches!(byte, b'T' | b't' | b' '))
}

/// Reads a time that was written as a number of seconds, milli-, micro- or nanoseconds since 1970.
///
/// The unit follows from the size, which is beyond doubt for times between 1980 and 2100; others are refused.
pub(super) fn from_number(number: &str) -> Option<i64> {
    const FROM: i64 = 315_532_800;
    const TO: i64 = 4_102_444_800;
    if let Ok(whole) = number.parse::<i64>() {
        let units = [1, 1_000, 1_000_000, 1_000_000_000];
        let unit = units.into_iter().find(|unit| (FROM * unit..TO.saturating_mul(*unit)).contains(&whole))?;
        return Some(ticks::UNIX_EPOCH + if unit > SECOND { whole / (unit / SECOND) } else { whole * (SECOND / unit) });
    }
    let seconds: f64 = number.parse().ok()?;
    let units = [1.0, 1e3, 1e6, 1e9];
    let unit = units.into_iter().find(|unit| (FROM as f64 * unit..TO as f64 * unit).contains(&seconds))?;
    Some(ticks::UNIX_EPOCH + (seconds / unit * 1e7).round() as i64)
}

/// Reads `M/D/YYYY[,] h:mm[:ss[.fff]] [AM|PM]`, and the date alone.
pub(super) fn american(text: &str) -> Option<i64> {
    let (date, clock) = match text.find([',', ' ']) {
        Some(end) => (&text[..end], text[end..].trim_start_matches([',', ' '])),
        None => (text, ""),
    };
    let mut date = date.split('/').map(number);
    let (month, day, year) = (date.next()??, date.next()??, date.next()??);
    if date.next().is_some() || !(1000..=9999).contains(&year) {
        return None;
    }
    let (year, month, day) = (i32::try_from(year).ok()?, u32::try_from(month).ok()?, u32::try_from(day).ok()?);
    let midnight = ticks::from_civil(&ticks::Civil::date(year, month, day))?;
    Some(midnight + if clock.is_empty() { 0 } else { time_of_day(clock)? })
}

fn time_of_day(text: &str) -> Option<i64> {
    // Browsers put a narrow no-break space before AM and PM since 2023.
    let text = text.trim();
    let upper = text.to_ascii_uppercase();
    let (clock, half) = match (upper.strip_suffix("AM"), upper.strip_suffix("PM")) {
        (Some(clock), _) => (clock, Some(0)),
        (_, Some(clock)) => (clock, Some(12)),
        _ => (upper.as_str(), None),
    };
    let mut parts = clock.trim().split(':');
    let (hour, minute) = (number(parts.next()?)?, number(parts.next()?)?);
    let second = parts.next().map_or(Some(0), seconds)?;
    let hour = match half {
        Some(offset) if (1..=12).contains(&hour) => hour % 12 + offset,
        None if (0..24).contains(&hour) => hour,
        _ => return None,
    };
    (parts.next().is_none() && (0..60).contains(&minute)).then_some((hour * 60 + minute) * MINUTE + second)
}

fn seconds(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let fraction: String = fraction.chars().chain("0000000".chars()).take(7).collect();
    let whole = number(whole).filter(|whole| *whole < 60)?;
    Some(whole * SECOND + number(&fraction)?)
}

fn powershell(text: &str) -> Option<i64> {
    let milliseconds = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    milliseconds.parse::<i64>().ok()?.checked_mul(10_000)?.checked_add(ticks::UNIX_EPOCH).and_then(ticks::in_range)
}

fn number(text: &str) -> Option<i64> {
    (!text.is_empty() && text.len() <= 7 && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Option<String> {
        read(text).map(ticks::format_datetime)
    }

    #[test]
    fn every_form_of_one_moment() {
        for text in [
            "2025-02-25T09:19:25.391Z",
            "2025-02-25T09:19:25.3910000Z",
            "2025-02-25 09:19:25.391",
            "2025-02-25 09:19:25.391000+00:00",
            "2025-02-25T11:19:25.391+02:00",
            "2/25/2025, 9:19:25.391 AM",
            "2/25/2025, 9:19:25.391\u{202f}AM",
            "02/25/2025 09:19:25.391",
            "/Date(1740475165391)/",
        ] {
            assert_eq!(read(text), read("2025-02-25T09:19:25.391Z"), "{text}");
        }
        assert_eq!(written("2025-02-25T09:19:25.391Z").as_deref(), Some("2025-02-25T09:19:25.3910000Z"));
    }

    #[test]
    fn noon_and_midnight() {
        assert_eq!(american("1/1/2025, 12:00:00 AM"), read("2025-01-01T00:00:00Z"));
        assert_eq!(american("1/1/2025, 12:00:00 PM"), read("2025-01-01T12:00:00Z"));
        assert_eq!(american("1/1/2025"), read("2025-01-01"));
    }

    #[test]
    fn numbers_tell_their_unit_by_their_size() {
        let moment = read("2025-02-25T09:19:25Z");
        for number in ["1740475165", "1740475165.0", "1740475165000", "1740475165000000", "1740475165000000000"] {
            assert_eq!(from_number(number), moment, "{number}");
        }
        assert_eq!(from_number("5"), None);
        assert_eq!(from_number("1e400"), None);
    }

    #[test]
    fn days_that_do_not_exist_are_no_times() {
        for text in ["2/30/2025, 1:00:00 AM", "13/1/2025", "1/1/2025, 13:00:00 PM", "1/1/2025, 1:61:00 AM", "1/1"] {
            assert_eq!(american(text), None, "{text}");
        }
    }
}
