//! Lengths of time as rules spell them.

use std::fmt;

const SECOND: i64 = 10_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A length of time, in ticks of 100 ns as everywhere in KQL; never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(i64);

impl Duration {
    /// Makes a length of so many minutes.
    pub const fn minutes(minutes: i64) -> Self {
        Duration(minutes * MINUTE)
    }

    /// Makes a length of so many hours.
    pub const fn hours(hours: i64) -> Self {
        Duration(hours * HOUR)
    }

    /// Makes a length of so many days.
    pub const fn days(days: i64) -> Self {
        Duration(days * DAY)
    }

    /// Makes a length of so many ticks; none of a negative number.
    pub fn of_ticks(ticks: i64) -> Option<Self> {
        (ticks >= 0).then_some(Duration(ticks))
    }

    /// Returns the ticks of 100 ns.
    pub const fn ticks(self) -> i64 {
        self.0
    }

    /// Reads `PT5H` as ARM has it, `5h` as YAML has it, or a .NET time span (`1.12:00:00`).
    ///
    /// ```
    /// use alertq::rules::model::Duration;
    /// assert_eq!(Duration::read("P1DT2H"), Some(Duration::hours(26)));
    /// assert_eq!(Duration::read("14d").map(Duration::iso).as_deref(), Some("P14D"));
    /// assert_eq!(Duration::read("1.12:00:00").map(Duration::short).as_deref(), Some("36h"));
    /// assert_eq!((Duration::read("P1M"), Duration::read("P0Y0M0DT1H")), (None, Some(Duration::hours(1))));
    /// ```
    pub fn read(text: &str) -> Option<Self> {
        let ticks = if text.starts_with(['P', 'p']) {
            iso(text)
        } else if text.contains(':') {
            clock(text)
        } else {
            short(text)
        };
        ticks.map(Duration)
    }

    /// Writes it as ISO 8601: `PT5H`, `P1D`, `P1DT2H`.
    pub fn iso(self) -> String {
        let (days, time) = (self.0 / DAY, self.0 % DAY);
        let mut text = "P".to_string();
        let mut part = |number: i64, unit: char| {
            if number > 0 {
                text.push_str(&format!("{number}{unit}"));
            }
        };
        part(days, 'D');
        if time == 0 && days > 0 {
            return text;
        }
        text.push('T');
        let seconds = time % MINUTE;
        let before = text.len();
        for (number, unit) in [(time / HOUR, 'H'), (time % HOUR / MINUTE, 'M')] {
            if number > 0 {
                text.push_str(&format!("{number}{unit}"));
            }
        }
        if seconds > 0 || text.len() == before {
            let fraction = format!("{:07}", seconds % SECOND);
            let fraction = fraction.trim_end_matches('0');
            let point = if fraction.is_empty() { "" } else { "." };
            text.push_str(&format!("{}{point}{fraction}S", seconds / SECOND));
        }
        text
    }

    /// Writes it as YAML has it, in the largest unit that fits: `14d`, `36h`, `90m`; else as a .NET time span.
    pub fn short(self) -> String {
        for (unit, letter) in [(DAY, 'd'), (HOUR, 'h'), (MINUTE, 'm')] {
            if self.0 % unit == 0 && self.0 > 0 {
                return format!("{}{letter}", self.0 / unit);
            }
        }
        self.clock()
    }

    /// Writes it as a .NET time span, as Sentinel does in alerts: `05:00:00`, `14.00:00:00`.
    pub fn clock(self) -> String {
        let (days, time) = (self.0 / DAY, self.0 % DAY);
        let days = if days > 0 { format!("{days}.") } else { String::new() };
        let fraction = match time % SECOND {
            0 => String::new(),
            ticks => format!(".{ticks:07}"),
        };
        format!("{days}{:02}:{:02}:{:02}{fraction}", time / HOUR, time % HOUR / MINUTE, time % MINUTE / SECOND)
    }
}

/// In YAML's short form, which people read fastest.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

/// Reads `5m`, `1h`, `14d`.
fn short(text: &str) -> Option<i64> {
    let unit = match text.chars().next_back()? {
        'm' | 'M' => MINUTE,
        'h' | 'H' => HOUR,
        'd' | 'D' => DAY,
        _ => return None,
    };
    whole(&text[..text.len() - 1])?.checked_mul(unit)
}

/// Reads digits and nothing else.
fn whole(text: &str) -> Option<i64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Reads `[d.]hh:mm[:ss[.fffffff]]`.
fn clock(text: &str) -> Option<i64> {
    let (days, time) = match text.split_once('.') {
        Some((days, time)) if !days.contains(':') => (whole(days)?, time),
        _ => (0, text),
    };
    let mut parts = time.split(':');
    let (hours, minutes) = (whole(parts.next()?)?, whole(parts.next()?)?);
    let seconds = parts.next().map_or(Some(0), seconds)?;
    let fits = hours < 24 && minutes < 60 && seconds < MINUTE && parts.next().is_none();
    let time = hours.checked_mul(HOUR)?.checked_add(minutes.checked_mul(MINUTE)?)?.checked_add(seconds)?;
    if fits { days.checked_mul(DAY)?.checked_add(time) } else { None }
}

/// Reads seconds with up to seven digits behind the point, as ticks.
fn seconds(text: &str) -> Option<i64> {
    let (whole_seconds, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    if fraction.len() > 7 {
        return None;
    }
    whole(whole_seconds)?.checked_mul(SECOND)?.checked_add(whole(&format!("{fraction:0<7}"))?)
}

/// Reads ISO 8601 in units that always are equally long; months and years are not, and stand there as none at most.
fn iso(text: &str) -> Option<i64> {
    let upper = text.to_ascii_uppercase();
    let (date, time) = match upper.strip_prefix('P')?.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (upper.strip_prefix('P')?, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    // Of no months there is no doubt how long they are.
    let date = date.strip_prefix("0Y").unwrap_or(date);
    let date = date.strip_prefix("0M").unwrap_or(date);
    units(date, &[('W', 7 * DAY), ('D', DAY)])?.checked_add(units(time, &[('H', HOUR), ('M', MINUTE), ('S', SECOND)])?)
}

/// Reads numbers with units that come in this order, each at most once.
fn units(mut text: &str, known: &[(char, i64)]) -> Option<i64> {
    let (mut sum, mut left) = (0_i64, known);
    while !text.is_empty() {
        let end = text.find(|c: char| c.is_ascii_alphabetic())?;
        let letter = text[end..].chars().next()?;
        let at = left.iter().position(|(unit, _)| *unit == letter)?;
        let (_, unit) = left[at];
        let ticks = if unit == SECOND { seconds(&text[..end])? } else { whole(&text[..end])?.checked_mul(unit)? };
        sum = sum.checked_add(ticks)?;
        (text, left) = (&text[end + 1..], &left[at + 1..]);
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_read() {
        let check =
            |text: &str, ticks: Option<i64>| assert_eq!(Duration::read(text).map(Duration::ticks), ticks, "{text}");
        check("5m", Some(5 * MINUTE));
        check("5H", Some(5 * HOUR));
        check("00:05", Some(5 * MINUTE));
        check("1.12:00:00", Some(36 * HOUR));
        check("00:00:01.5", Some(SECOND + SECOND / 2));
        check("PT1H30M", Some(90 * MINUTE));
        check("P1W", Some(7 * DAY));
        check("PT0.0000001S", Some(1));
        check("PT0S", Some(0));
        for wrong in [
            "",
            "m",
            "ü",
            "5",
            "5 m",
            "-5m",
            "+5m",
            "24:00",
            "1:2:3:4",
            "P",
            "PT",
            "P1M",
            "P1Y",
            "PT1D",
            "PT1M1H",
            "PT1",
            "99999999999999999999d",
            "9999999999999999d",
            "1.",
            "P1DT",
            "1h30m",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for ticks in [0, 1, SECOND, MINUTE, 90 * MINUTE, HOUR, 25 * HOUR, DAY, 14 * DAY, DAY + SECOND, DAY + 1] {
            let duration = Duration(ticks);
            for text in [duration.iso(), duration.short(), duration.clock()] {
                assert_eq!(Duration::read(&text), Some(duration), "{text}");
            }
        }
        assert_eq!(Duration::hours(26).iso(), "P1DT2H");
        assert_eq!(Duration::of_ticks(0).map(Duration::iso).as_deref(), Some("PT0S"));
        assert_eq!(Duration::days(14).clock(), "14.00:00:00");
        assert_eq!(Duration::hours(5).clock(), "05:00:00");
    }
}
