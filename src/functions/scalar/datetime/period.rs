//! Parts and periods of the calendar: reading, adding, counting them, where they start and end.

use crate::functions::lift::{Long, Reader};
use crate::functions::scalar::rows::{self, Column};
use crate::functions::{Call, FunctionError};
use crate::types::ticks::{
    self, MAX_DATETIME, TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MICROSECOND, TICKS_PER_MILLISECOND, TICKS_PER_MINUTE,
    TICKS_PER_SECOND, civil, in_range,
};

/// What `datetime_part` gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Year,
    Quarter,
    Month,
    WeekOfYear,
    Day,
    DayOfYear,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
}

/// What `datetime_add` adds and `datetime_diff` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Year,
    Quarter,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
}

pub(super) fn read_part(name: &str) -> Result<Part, FunctionError> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "year" => Part::Year,
        "quarter" => Part::Quarter,
        "month" => Part::Month,
        "week_of_year" | "weekofyear" => Part::WeekOfYear,
        "day" => Part::Day,
        "dayofyear" => Part::DayOfYear,
        "hour" => Part::Hour,
        "minute" => Part::Minute,
        "second" => Part::Second,
        "millisecond" => Part::Millisecond,
        "microsecond" => Part::Microsecond,
        "nanosecond" => Part::Nanosecond,
        _ => {
            return Err(FunctionError::argument(
                0,
                "SEM0235",
                format!(
                    "`{name}` is no part of a datetime: year, quarter, month, week_of_year, day, dayofyear, hour, \
                     minute, second, millisecond, microsecond or nanosecond"
                ),
            ));
        }
    })
}

pub(super) fn read_unit(name: &str) -> Result<Unit, FunctionError> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "year" => Unit::Year,
        "quarter" => Unit::Quarter,
        "month" => Unit::Month,
        "week" => Unit::Week,
        "day" => Unit::Day,
        "hour" => Unit::Hour,
        "minute" => Unit::Minute,
        "second" => Unit::Second,
        "millisecond" => Unit::Millisecond,
        "microsecond" => Unit::Microsecond,
        "nanosecond" => Unit::Nanosecond,
        _ => {
            return Err(FunctionError::argument(
                0,
                "SEM0235",
                format!(
                    "`{name}` is no period: year, quarter, month, week, day, hour, minute, second, millisecond, \
                     microsecond or nanosecond"
                ),
            ));
        }
    })
}

pub(super) fn part_of(at: i64, part: Part) -> i64 {
    let date = civil(at);
    match part {
        Part::Year => i64::from(date.year),
        Part::Quarter => i64::from((date.month - 1) / 3 + 1),
        Part::Month => i64::from(date.month),
        Part::WeekOfYear => ticks::iso_week(at),
        Part::Day => i64::from(date.day),
        Part::DayOfYear => ticks::day_of_year(at),
        Part::Hour => i64::from(date.hour),
        Part::Minute => i64::from(date.minute),
        Part::Second => i64::from(date.second),
        Part::Millisecond => i64::from(date.tick) / TICKS_PER_MILLISECOND,
        Part::Microsecond => i64::from(date.tick) / TICKS_PER_MICROSECOND,
        Part::Nanosecond => i64::from(date.tick) * 100,
    }
}

impl Unit {
    /// Returns how many ticks it has, or None if that depends on the calendar or is less than one.
    const fn ticks(self) -> Option<i64> {
        match self {
            Unit::Week => Some(7 * TICKS_PER_DAY),
            Unit::Day => Some(TICKS_PER_DAY),
            Unit::Hour => Some(TICKS_PER_HOUR),
            Unit::Minute => Some(TICKS_PER_MINUTE),
            Unit::Second => Some(TICKS_PER_SECOND),
            Unit::Millisecond => Some(TICKS_PER_MILLISECOND),
            Unit::Microsecond => Some(TICKS_PER_MICROSECOND),
            Unit::Year | Unit::Quarter | Unit::Month | Unit::Nanosecond => None,
        }
    }

    const fn months(self) -> i64 {
        match self {
            Unit::Year => 12,
            Unit::Quarter => 3,
            _ => 1,
        }
    }

    /// Numbers the years, months ... so that differences count how many were begun.
    pub(super) fn ordinal(self, at: i64) -> i64 {
        let date = civil(at);
        let months = i64::from(date.year) * 12 + i64::from(date.month) - 1;
        match self {
            Unit::Year | Unit::Quarter | Unit::Month => months / self.months(),
            // Weeks start on Sunday, and 0001-01-01 was a Monday.
            Unit::Week => (at / TICKS_PER_DAY + 1) / 7,
            // Up to 3.2e20, which wraps around; differences of less than 292 years are right all the same.
            Unit::Nanosecond => at.wrapping_mul(100),
            _ => at / self.ticks().unwrap_or(1),
        }
    }
}

pub(super) fn add(at: i64, unit: Unit, count: i64) -> Option<i64> {
    match unit {
        Unit::Year | Unit::Quarter | Unit::Month => ticks::add_months(at, count.checked_mul(unit.months())?),
        Unit::Nanosecond => at.checked_add(count.div_euclid(100)).and_then(in_range),
        _ => at.checked_add(count.checked_mul(unit.ticks()?)?).and_then(in_range),
    }
}

/// Days since Sunday; null in the last week of the calendar, which is not whole (measured for its Friday).
pub(super) fn day_of_week(at: i64) -> Option<i64> {
    let days = ticks::day_of_week(at);
    let sunday = at / TICKS_PER_DAY - days;
    ((sunday + 7) * TICKS_PER_DAY <= MAX_DATETIME + 1).then_some(days * TICKS_PER_DAY)
}

pub(super) fn edge(call: &Call, unit: Unit, end: bool) -> Column {
    let at = Reader::<Long>::new(call, 0);
    let offset = rows::optional::<Long>(call, 1);
    rows::longs(call, |row| {
        let offset = offset.as_ref().map_or(Some(0), |offset| offset.get(row))?;
        let start = start_of(at.get(row)?, unit, offset.checked_add(i64::from(end))?)?;
        in_range(if end { start - 1 } else { start })
    })
}

/// Returns the start of a day, week, month or year; it may be the moment right behind the last one.
pub(super) fn start_of(at: i64, unit: Unit, offset: i64) -> Option<i64> {
    let days = at / TICKS_PER_DAY;
    let days = match unit {
        Unit::Day => days.checked_add(offset)?,
        Unit::Week => (days - ticks::day_of_week(at)).checked_add(offset.checked_mul(7)?)?,
        _ => {
            let date = civil(at);
            let month = if unit == Unit::Year { 0 } else { i64::from(date.month) - 1 };
            let months = (i64::from(date.year) * 12 + month).checked_add(offset.checked_mul(unit.months())?)?;
            if months == 10_000 * 12 {
                return Some(MAX_DATETIME + 1);
            }
            let year = i32::try_from(months.div_euclid(12)).ok()?;
            ticks::days_of_date(year, months.rem_euclid(12) as u32 + 1, 1)?
        }
    };
    days.checked_mul(TICKS_PER_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::scalar::datetime::tests::{at, call, text};
    use crate::types::{ScalarType, Value};

    #[test]
    fn starts_and_ends() {
        for (name, moment, expected) in [
            ("startofweek", "2020-01-05 12:00", "2020-01-05"),
            ("startofweek", "2020-06-15", "2020-06-14"),
            ("endofweek", "2020-06-15 13:45", "2020-06-20 23:59:59.9999999"),
            ("endofmonth", "1900-02-28", "1900-02-28 23:59:59.9999999"),
            ("endofyear", "9999-12-31 23:59:59.9999999", "9999-12-31 23:59:59.9999999"),
            ("endofday", "9999-12-31", "9999-12-31 23:59:59.9999999"),
            ("startofmonth", "9999-12-31", "9999-12-01"),
            ("startofweek", "0001-01-01", "null"),
            ("endofweek", "9999-12-31", "null"),
        ] {
            assert_eq!(call(name, &[at(moment)]), at(expected), "{name}({moment})");
        }
        assert_eq!(call("startofmonth", &[at("2020-06-15"), Value::Long(-1)]), at("2020-05-01"));
        assert_eq!(call("endofyear", &[at("2017-01-01"), Value::Long(1)]), at("2018-12-31 23:59:59.9999999"));
        for name in ["startofday", "endofweek", "endofmonth", "endofyear"] {
            assert_eq!(call(name, &[at("2020-01-01"), Value::Long(i64::MAX)]), Value::Null(ScalarType::DateTime));
        }
    }

    #[test]
    fn days_of_the_week() {
        assert_eq!(call("dayofweek", &[at("0001-01-01")]), Value::TimeSpan(TICKS_PER_DAY));
        assert_eq!(call("dayofweek", &[at("9999-12-31")]), Value::Null(ScalarType::TimeSpan));
    }

    #[test]
    fn adding_and_counting() {
        let add = |unit, count, moment| call("datetime_add", &[text(unit), Value::Long(count), at(moment)]);
        assert_eq!(add("quarter", -5, "2020-05-31"), at("2019-02-28"));
        assert_eq!(add("week", -53, "2021-03-15 12:00"), at("2020-03-09 12:00"));
        assert_eq!(add("year", 1, "9999-01-01"), Value::Null(ScalarType::DateTime));
        assert_eq!(add("day", i64::MAX, "2020-01-01"), Value::Null(ScalarType::DateTime));
        let diff = |unit, a, b| call("datetime_diff", &[text(unit), at(a), at(b)]);
        assert_eq!(diff("week", "2024-02-29", "2020-02-29"), Value::Long(209));
        assert_eq!(diff("week", "2021-03-01", "2020-12-31"), Value::Long(9));
        assert_eq!(diff("quarter", "2020-01-31", "2019-12-31"), Value::Long(1));
        assert_eq!(diff("day", "2020-01-01 23:00", "2020-01-01 01:00"), Value::Long(0));
        assert_eq!(diff("second", "2020-01-01 00:00:01.9999999", "2020-01-01 00:00:00.0000001"), Value::Long(1));
        assert_eq!(diff("nanosecond", "9999-01-01 00:00:00.1", "9999-01-01"), Value::Long(100_000_000));
        assert!(read_unit("week_of_year").is_err());
        assert!(read_part("week").is_err());
    }
}
