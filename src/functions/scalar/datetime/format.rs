//! Patterns of `format_datetime` and `format_timespan`.

use super::prepare;
use crate::functions::lift::{Long, lift_text1};
use crate::functions::{FunctionError, PreparedKernel};
use crate::types::Value;
use crate::types::ticks::{self, Civil, TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE, TICKS_PER_SECOND, civil};

/// What a pattern writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    DateTime,
    TimeSpan,
}

/// One piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    Delimiter(char),
    /// Year within its century, with at least so many digits.
    ShortYear(usize),
    Year,
    Month(usize),
    Day(usize),
    /// From 0 to 23.
    Hour(usize),
    /// From 1 to 12.
    HalfHour(usize),
    Minute(usize),
    Second(usize),
    Half,
    /// So many digits of the second's fraction; the flag says that nothing is written if they are all zero.
    Fraction(usize, bool),
}

pub(super) fn prepare_format(constants: &[Option<Value>], subject: Subject) -> Result<PreparedKernel, FunctionError> {
    prepare(
        constants,
        1,
        move |pattern| read_pattern(pattern, subject),
        move |call, pieces: &Vec<Piece>| {
            lift_text1::<Long, _>(call, |at, out| {
                write_pattern(pieces, subject, at, out);
                true
            })
        },
    )
}

/// Reads a pattern: runs of a letter are taken greedily, so `MMMM` is the month twice (measured).
pub(super) fn read_pattern(pattern: &str, subject: Subject) -> Result<Vec<Piece>, FunctionError> {
    if pattern.is_empty() {
        return Err(FunctionError::argument(1, "SEM0217", "the format is empty: write one like 'yyyy-MM-dd HH:mm:ss'"));
    }
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while let Some(letter) = rest.chars().next() {
        let run = rest.len() - rest.trim_start_matches(letter).len();
        let run = run / letter.len_utf8();
        let date = subject == Subject::DateTime;
        let (taken, piece) = match letter {
            ' ' | '/' | '-' | ':' | ',' | '.' | '_' | '[' | ']' => (1, Piece::Delimiter(letter)),
            'y' if date && run >= 4 => (4, Piece::Year),
            'y' if date => (run.min(2), Piece::ShortYear(run.min(2))),
            'M' if date => (run.min(2), Piece::Month(run.min(2))),
            'd' if date => (run.min(2), Piece::Day(run.min(2))),
            // Days of a span are padded to the whole run (measured).
            'd' => (run, Piece::Day(run.min(20))),
            'h' if date => (run.min(2), Piece::HalfHour(run.min(2))),
            'h' | 'H' => (run.min(2), Piece::Hour(run.min(2))),
            'm' => (run.min(2), Piece::Minute(run.min(2))),
            's' => (run.min(2), Piece::Second(run.min(2))),
            't' if date && run >= 2 => (2, Piece::Half),
            'f' | 'F' => (run.min(7), Piece::Fraction(run.min(7), letter == 'F')),
            _ => {
                let known = if date { "y M d h H m s tt f F" } else { "d h H m s f F" };
                return Err(FunctionError::argument(
                    1,
                    "SEM0255",
                    format!("the format has `{letter}`: known are {known}, a blank and / - : , . _ [ ]"),
                ));
            }
        };
        pieces.push(piece);
        rest = &rest[taken * letter.len_utf8()..];
    }
    Ok(pieces)
}

pub(super) fn write_pattern(pieces: &[Piece], subject: Subject, at: i64, out: &mut String) {
    let date = if subject == Subject::DateTime { civil(at) } else { Civil::date(1, 1, 1) };
    if subject == Subject::TimeSpan && at < 0 {
        out.push('-');
    }
    // A datetime is not negative, so this is right for both.
    let span = at.unsigned_abs();
    let unit = |unit: i64| span / unit.unsigned_abs();
    let (hour, tick) = (unit(TICKS_PER_HOUR) % 24, span % TICKS_PER_SECOND.unsigned_abs());
    for piece in pieces {
        let (number, width) = match *piece {
            Piece::Delimiter(delimiter) => {
                out.push(delimiter);
                continue;
            }
            Piece::Half => {
                out.push_str(if hour < 12 { "AM" } else { "PM" });
                continue;
            }
            Piece::Fraction(digits, may_be_empty) => {
                let fraction = tick / 10_u64.pow(7 - digits as u32);
                if !may_be_empty {
                    (fraction, digits)
                } else if fraction == 0 {
                    continue;
                } else if subject == Subject::DateTime {
                    // Zeros at the end stay with a datetime (measured), but not with a timespan (documented).
                    (fraction, digits)
                } else {
                    let zeros =
                        (0..digits).take_while(|zeros| fraction.is_multiple_of(10_u64.pow(*zeros as u32 + 1))).count();
                    (fraction / 10_u64.pow(zeros as u32), digits - zeros)
                }
            }
            Piece::Year => (date.year.unsigned_abs().into(), 4),
            Piece::ShortYear(width) => (u64::from(date.year.unsigned_abs() % 100), width),
            Piece::Month(width) => (date.month.into(), width),
            Piece::Day(width) if subject == Subject::DateTime => (date.day.into(), width),
            Piece::Day(width) => (unit(TICKS_PER_DAY), width),
            Piece::Hour(width) => (hour, width),
            Piece::HalfHour(width) => ((hour + 11) % 12 + 1, width),
            Piece::Minute(width) => (unit(TICKS_PER_MINUTE) % 60, width),
            Piece::Second(width) => (unit(TICKS_PER_SECOND) % 60, width),
        };
        ticks::write_padded(number, width.max(1), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::scalar::datetime::tests::{at, call, text};

    #[track_caller]
    fn formats(name: &str, value: Value, pattern: &str, expected: &str) {
        assert_eq!(call(name, &[value, text(pattern)]), text(expected), "{pattern}");
    }

    #[test]
    fn patterns_of_datetime() {
        for (moment, pattern, expected) in [
            ("2007-03-09 05:04:03", "dddd, MMMM d, yyyy", "0909, 0303 9, 2007"),
            ("2007-03-09 05:04:03", "ddd MMM", "099 033"),
            ("2007-03-09 05:04:03.5", "s.f", "3.5"),
            ("2007-03-09 17:04:03", "h tt", "5 PM"),
            ("2007-03-09 00:30:00", "hh:mm tttt", "12:30 AMAM"),
            ("2009-01-01", "yyyyy", "20099"),
            ("2020-06-15", "y", "20"),
            ("0001-01-01", "yy", "01"),
            ("2020-06-15 13:45:09", "ss.FFF", "09."),
            ("2009-06-15T13:45:30.0005000", "FFF", ""),
            ("2020-06-15 13:45:09.50", "ss.FF", "09.50"),
            ("2020-12-31 23:59:59.9999999", "fffffff", "9999999"),
        ] {
            formats("format_datetime", at(moment), pattern, expected);
        }
        for pattern in ["", "t", "zzz", "yyyy-MM-ddTHH", "%d", "é"] {
            assert!(read_pattern(pattern, Subject::DateTime).is_err(), "{pattern}");
        }
    }

    #[test]
    fn patterns_of_timespan() {
        let span = |text| Value::TimeSpan(ticks::parse_timespan(text).unwrap());
        formats("format_timespan", span("-1.02:30:00"), "d.hh:mm:ss", "-1.02:30:00");
        formats("format_timespan", span("-90s"), "mm:ss", "-01:30");
        formats("format_timespan", span("15.13:45:30"), "ddd", "015");
        formats("format_timespan", span("15.13:45:30.0050000"), "FF", "");
        formats("format_timespan", span("15.13:45:30.0001150"), "FFFFFFF", "000115");
        formats("format_timespan", Value::TimeSpan(i64::MIN), "d", "-10675199");
        assert!(read_pattern("c", Subject::TimeSpan).is_err());
    }
}
