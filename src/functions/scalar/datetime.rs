//! Datetimes and timespans: their parts, starts and ends, sums, texts and zones.

use std::sync::Arc;

use super::conversion::{converted, rows_of};
use super::rows::{self, Column, DYNAMIC, LONG, STRING, function, integer, overload};
use crate::functions::lift::{Int, Long, Reader, Real, Text, Write, lift_text1, lift1, lift2};
use crate::functions::{
    Call, Function, FunctionError, Kind, Naming, Overload, Parameter, PreparedKernel, Returns, one,
};
use crate::types::ticks::{
    self, Civil, MAX_DATETIME, TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MICROSECOND, TICKS_PER_MILLISECOND,
    TICKS_PER_MINUTE, TICKS_PER_SECOND, UNIX_EPOCH, civil, in_range,
};
use crate::types::{ScalarType, Value, convert, json};

const DATE: Parameter = one("date", Kind::Is(ScalarType::DateTime));
const SPAN: Parameter = one("timespan", Kind::Is(ScalarType::TimeSpan));
const PART: Parameter = one("part", Kind::Is(ScalarType::String)).literal();
const FORMAT: Parameter = one("format", Kind::Is(ScalarType::String)).literal();
const ZONE: Parameter = one("timezone", Kind::Is(ScalarType::String));
const INT: Returns = Returns::Type(ScalarType::Int);
const DATETIME: Returns = Returns::Type(ScalarType::DateTime);
const TIMESPAN: Returns = Returns::Type(ScalarType::TimeSpan);

const fn number(name: &'static str) -> Parameter {
    one(name, Kind::Number)
}

/// An int that a datetime has.
macro_rules! part {
    ($name:literal $(| $alias:literal)*, $summary:literal, $page:literal, $part:expr, [$($example:expr),+ $(,)?]) => {
        function!($name $(| $alias)*, $summary, $page, Naming::None,
            [overload!((DATE) -> INT, |call| lift1::<Long, Int, _, _>(call, |at: i64| part_of(at, $part) as i32))],
            [$($example),+])
    };
}

/// `startof...` and `endof...`.
macro_rules! edge {
    ($name:literal, $summary:literal, $page:literal, $naming:ident, $unit:expr, $end:literal,
     [$($example:expr),+ $(,)?]) => {
        function!($name, $summary, $page, Naming::$naming,
            [overload!((DATE, one("offset", Kind::Is(ScalarType::Long)).optional()) -> DATETIME, |call| {
                edge(call, $unit, $end)
            })],
            [$($example),+])
    };
}

macro_rules! unix {
    ($name:literal, $summary:literal, $page:literal, $unit:expr, [$($example:expr),+ $(,)?]) => {
        function!($name, $summary, $page, Naming::None,
            [overload!((number("number")) -> DATETIME, |call| unix(call, $unit))], [$($example),+])
    };
}

/// Datetimes and timespans.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "now",
        "Gives the moment at which the query runs.",
        "now-function",
        Naming::None,
        [overload!((one("offset", Kind::Is(ScalarType::TimeSpan)).optional()) -> DATETIME, |call| moment(call, 1))],
        [("now() - now()", "0s"), ("now(-1d) == now() - 1d", "true"), ("isnull(now(timespan(null)))", "true")]
    ),
    function!(
        "ago",
        "Gives the moment that lies a timespan before now.",
        "ago-function",
        Naming::None,
        [overload!((SPAN) -> DATETIME, |call| moment(call, -1))],
        [
            ("ago(1h) == now() - 1h", "true"),
            ("ago(-1d) == now() + 1d", "true"),
            ("isnull(ago(timespan(null)))", "true")
        ]
    ),
    part!(
        "getyear",
        "Gives the year.",
        "getyear-function",
        Part::Year,
        [
            ("getyear(datetime(2024-05-01))", "int(2024)"),
            ("getyear(datetime(2024-02-29T13:45:00Z))", "int(2024)"),
            ("isnull(getyear(datetime(null)))", "true")
        ]
    ),
    part!(
        "getmonth" | "monthofyear",
        "Gives the month, from 1 to 12.",
        "monthofyear-function",
        Part::Month,
        [
            ("monthofyear(datetime(2024-05-01))", "int(5)"),
            ("getmonth(datetime(2024-02-29T13:45:00Z))", "int(2)"),
            ("isnull(getmonth(datetime(null)))", "true")
        ]
    ),
    part!(
        "dayofmonth",
        "Gives the day of the month, from 1 to 31.",
        "dayofmonth-function",
        Part::Day,
        [
            ("dayofmonth(datetime(2024-05-17))", "int(17)"),
            ("dayofmonth(datetime(2024-02-29T13:45:00Z))", "int(29)"),
            ("isnull(dayofmonth(datetime(null)))", "true")
        ]
    ),
    part!(
        "dayofyear",
        "Gives the day of the year, from 1 to 366.",
        "dayofyear-function",
        Part::DayOfYear,
        [
            ("dayofyear(datetime(2020-12-31))", "int(366)"),
            ("dayofyear(datetime(2024-02-29T13:45:00Z))", "int(60)"),
            ("isnull(dayofyear(datetime(null)))", "true")
        ]
    ),
    part!(
        "hourofday",
        "Gives the hour, from 0 to 23.",
        "hour-of-day-function",
        Part::Hour,
        [
            ("hourofday(datetime(2024-05-01T18:54:00Z))", "int(18)"),
            ("hourofday(datetime(2024-02-29T13:45:00Z))", "int(13)"),
            ("isnull(hourofday(datetime(null)))", "true")
        ]
    ),
    part!(
        "week_of_year" | "weekofyear",
        "Gives the week of the year by ISO 8601.",
        "week-of-year-function",
        Part::WeekOfYear,
        [
            ("week_of_year(datetime(2020-12-31))", "int(53)"),
            ("week_of_year(datetime(2000-01-01))", "int(52)"),
            ("isnull(week_of_year(datetime(null)))", "true")
        ]
    ),
    function!(
        "dayofweek",
        "Gives the days since the last Sunday, as a timespan.",
        "day-of-week-function",
        Naming::None,
        [overload!((DATE) -> TIMESPAN, |call| lift1::<Long, Long, _, _>(call, day_of_week))],
        [
            ("dayofweek(datetime(1947-11-30))", "0s"),
            ("dayofweek(datetime(1970-05-11))", "1d"),
            ("isnull(dayofweek(datetime(null)))", "true")
        ]
    ),
    edge!(
        "startofday",
        "Gives the start of the day, moved by days.",
        "startofday-function",
        FirstArgument,
        Unit::Day,
        false,
        [
            ("startofday(datetime(2024-05-01T10:10:17Z), -1)", "datetime(2024-04-30)"),
            ("startofday(datetime(2024-02-29T13:45:00Z))", "datetime(2024-02-29)"),
            ("isnull(startofday(datetime(null)))", "true")
        ]
    ),
    edge!(
        "startofweek",
        "Gives the start of the week, a Sunday, moved by weeks.",
        "startofweek-function",
        None,
        Unit::Week,
        false,
        [
            ("startofweek(datetime(2020-01-05T12:00:00Z))", "datetime(2020-01-05)"),
            ("startofweek(datetime(2024-02-29T13:45:00Z))", "datetime(2024-02-25)"),
            ("isnull(startofweek(datetime(null)))", "true")
        ]
    ),
    edge!(
        "startofmonth",
        "Gives the start of the month, moved by months.",
        "startofmonth-function",
        None,
        Unit::Month,
        false,
        [
            ("startofmonth(datetime(2024-05-17), 1)", "datetime(2024-06-01)"),
            ("startofmonth(datetime(2024-02-29T13:45:00Z))", "datetime(2024-02-01)"),
            ("isnull(startofmonth(datetime(null)))", "true")
        ]
    ),
    edge!(
        "startofyear",
        "Gives the start of the year, moved by years.",
        "startofyear-function",
        None,
        Unit::Year,
        false,
        [
            ("startofyear(datetime(2024-05-17))", "datetime(2024-01-01)"),
            ("startofyear(datetime(2024-02-29T13:45:00Z))", "datetime(2024-01-01)"),
            ("isnull(startofyear(datetime(null)))", "true")
        ]
    ),
    edge!(
        "endofday",
        "Gives the last tick of the day, moved by days.",
        "endofday-function",
        None,
        Unit::Day,
        true,
        [
            ("endofday(datetime(2024-05-01T10:10:17Z))", "datetime(2024-05-01T23:59:59.9999999Z)"),
            ("endofday(datetime(2024-02-29T13:45:00Z))", "datetime(2024-02-29T23:59:59.9999999Z)"),
            ("isnull(endofday(datetime(null)))", "true")
        ]
    ),
    edge!(
        "endofweek",
        "Gives the last tick of the week, a Saturday, moved by weeks.",
        "endofweek-function",
        None,
        Unit::Week,
        true,
        [
            ("endofweek(datetime(2020-06-15))", "datetime(2020-06-20T23:59:59.9999999Z)"),
            ("endofweek(datetime(2024-02-29T13:45:00Z))", "datetime(2024-03-02T23:59:59.9999999Z)"),
            ("isnull(endofweek(datetime(null)))", "true")
        ]
    ),
    edge!(
        "endofmonth",
        "Gives the last tick of the month, moved by months.",
        "endofmonth-function",
        None,
        Unit::Month,
        true,
        [
            ("endofmonth(datetime(2020-02-15))", "datetime(2020-02-29T23:59:59.9999999Z)"),
            ("endofmonth(datetime(2024-02-29T13:45:00Z))", "datetime(2024-02-29T23:59:59.9999999Z)"),
            ("isnull(endofmonth(datetime(null)))", "true")
        ]
    ),
    edge!(
        "endofyear",
        "Gives the last tick of the year, moved by years.",
        "endofyear-function",
        None,
        Unit::Year,
        true,
        [
            ("endofyear(datetime(2020-02-15))", "datetime(2020-12-31T23:59:59.9999999Z)"),
            ("endofyear(datetime(2024-02-29T13:45:00Z))", "datetime(2024-12-31T23:59:59.9999999Z)"),
            ("isnull(endofyear(datetime(null)))", "true")
        ]
    ),
    function!(
        "datetime_part" | "datepart",
        "Gives a part of a datetime: year, quarter, month, week_of_year, day, dayofyear, hour ...",
        "datetime-part-function",
        Naming::None,
        [overload!((PART, DATE) -> INT, prepared |constants| {
            with_text(constants, read_part, |call, part: &Part| {
                lift2::<Text, Long, Int, _, _>(call, |_, at| part_of(at, *part) as i32)
            })
        })],
        [
            ("datetime_part('quarter', datetime(2024-05-01))", "int(2)"),
            ("datetime_part('microsecond', datetime(2024-05-01T00:00:00.7654321Z))", "int(765432)"),
            ("isnull(datetime_part('day', datetime(null)))", "true")
        ]
    ),
    function!(
        "datetime_add",
        "Adds a number of years, quarters, months, weeks, days, hours ... to a datetime.",
        "datetime-add-function",
        Naming::None,
        [overload!((PART, integer("value"), DATE) -> DATETIME, prepared |constants| {
            with_text(constants, read_unit, |call, unit: &Unit| {
                let (count, at) = (Reader::<Long>::new(call, 1), Reader::<Long>::new(call, 2));
                rows::longs(call, |row| add(at.get(row)?, *unit, count.get(row)?))
            })
        })],
        [
            ("datetime_add('month', 13, datetime(2019-01-31))", "datetime(2020-02-29)"),
            ("datetime_add('week', -1, datetime(2024-05-08))", "datetime(2024-05-01)"),
            ("isnull(datetime_add('year', 9999, datetime(2024-05-01)))", "true")
        ]
    ),
    function!(
        "datetime_diff",
        "Counts the starts of years, quarters, months, weeks, days, hours ... between two datetimes.",
        "datetime-diff-function",
        Naming::None,
        [overload!((PART, DATE, DATE) -> LONG, prepared |constants| {
            with_text(constants, read_unit, |call, unit: &Unit| {
                let (a, b) = (Reader::<Long>::new(call, 1), Reader::<Long>::new(call, 2));
                rows::longs(call, |row| Some(unit.ordinal(a.get(row)?) - unit.ordinal(b.get(row)?)))
            })
        })],
        [
            ("datetime_diff('year', datetime(2017-01-01), datetime(2000-12-31))", "17"),
            ("datetime_diff('hour', datetime(2024-05-01T01:00:00Z), datetime(2024-05-01T02:59:00Z))", "-1"),
            ("isnull(datetime_diff('day', datetime(null), datetime(2024-05-01)))", "true")
        ]
    ),
    function!(
        "format_datetime",
        "Writes a datetime by a pattern: yyyy-MM-dd HH:mm:ss.fff tt.",
        "format-datetime-function",
        Naming::FirstArgument,
        [overload!((DATE, FORMAT) -> STRING, prepared |constants| {
            prepare_format(constants, Subject::DateTime)
        })],
        [
            ("format_datetime(datetime(2017-01-29T09:00:05Z), 'yy-MM-dd [H:mm:ss]')", "'17-01-29 [9:00:05]'"),
            ("format_datetime(datetime(2024-05-01T00:30:00Z), 'hh:mm tt')", "'12:30 AM'"),
            ("format_datetime(datetime(null), 'yyyy')", "''")
        ]
    ),
    function!(
        "format_timespan",
        "Writes a timespan by a pattern: d.hh:mm:ss.fff.",
        "format-timespan-function",
        Naming::FirstArgument,
        [overload!((SPAN, FORMAT) -> STRING, prepared |constants| {
            prepare_format(constants, Subject::TimeSpan)
        })],
        [
            ("format_timespan(time(29.09:00:05.12345), 'dd.hh:mm:ss [FF]')", "'29.09:00:05 [12]'"),
            ("format_timespan(-90s, 'mm:ss')", "'-01:30'"),
            ("format_timespan(timespan(null), 'dd')", "''")
        ]
    ),
    function!(
        "make_datetime",
        "Makes a datetime of year, month, day and time of day; null where there is no such moment.",
        "make-datetime-function",
        Naming::None,
        [
            overload!((number("year"), number("month"), number("day"), number("hour").optional(),
                number("minute").optional(), number("second").optional()) -> DATETIME, make_datetime),
            overload!((one("value", Kind::Any)) -> DATETIME, |call| {
                convert_first(call, ScalarType::DateTime)
            })
        ],
        [
            ("make_datetime(2017, 10, 01, 12, 11, 0.1234567)", "datetime(2017-10-01T12:11:00.1234567Z)"),
            ("make_datetime(2017, 10, 01)", "datetime(2017-10-01)"),
            ("isnull(make_datetime(2017, 13, 1))", "true")
        ]
    ),
    function!(
        "make_timespan",
        "Makes a timespan of days, hours, minutes and seconds; null where one is out of its range.",
        "make-timespan-function",
        Naming::None,
        [
            overload!((number("days"), number("hours"), number("minutes"), number("seconds"))
                -> TIMESPAN, make_timespan),
            overload!((number("hours"), number("minutes"), number("seconds").optional()) -> TIMESPAN, make_timespan),
            overload!((one("value", Kind::Any)) -> TIMESPAN, |call| {
                convert_first(call, ScalarType::TimeSpan)
            })
        ],
        [
            ("make_timespan(1, 12, 30, 55.123)", "time(1.12:30:55.123)"),
            ("make_timespan(12, 30)", "time(12:30:00)"),
            ("isnull(make_timespan(25, 70))", "true")
        ]
    ),
    unix!(
        "unixtime_seconds_todatetime",
        "Gives the moment that is so many seconds after 1970.",
        "unixtime-seconds-todatetime-function",
        10_000_000.0,
        [
            ("unixtime_seconds_todatetime(1546300800)", "datetime(2019-01-01)"),
            ("unixtime_seconds_todatetime(0)", "datetime(1970-01-01)"),
            ("isnull(unixtime_seconds_todatetime(long(null)))", "true")
        ]
    ),
    unix!(
        "unixtime_milliseconds_todatetime",
        "Gives the moment that is so many milliseconds after 1970.",
        "unixtime-milliseconds-todatetime-function",
        10_000.0,
        [
            ("unixtime_milliseconds_todatetime(1546300800000)", "datetime(2019-01-01)"),
            ("unixtime_milliseconds_todatetime(0)", "datetime(1970-01-01)"),
            ("isnull(unixtime_milliseconds_todatetime(9223372036854775807))", "true")
        ]
    ),
    unix!(
        "unixtime_microseconds_todatetime",
        "Gives the moment that is so many microseconds after 1970.",
        "unixtime-microseconds-todatetime-function",
        10.0,
        [
            ("unixtime_microseconds_todatetime(1546300800000000)", "datetime(2019-01-01)"),
            ("unixtime_microseconds_todatetime(0)", "datetime(1970-01-01)"),
            ("isnull(unixtime_microseconds_todatetime(long(null)))", "true")
        ]
    ),
    unix!(
        "unixtime_nanoseconds_todatetime",
        "Gives the moment that is so many nanoseconds after 1970.",
        "unixtime-nanoseconds-todatetime-function",
        0.01,
        [
            ("unixtime_nanoseconds_todatetime(1546300800000000000)", "datetime(2019-01-01)"),
            ("unixtime_nanoseconds_todatetime(0)", "datetime(1970-01-01)"),
            ("isnull(unixtime_nanoseconds_todatetime(long(null)))", "true")
        ]
    ),
    function!(
        "datetime_utc_to_local",
        "Gives what clocks in a time zone show at a moment.",
        "datetime-utc-to-local-function",
        Naming::None,
        [zoned(to_local)],
        [
            ("datetime_utc_to_local(datetime(2020-07-01), 'Europe/Berlin')", "datetime(2020-07-01T02:00:00Z)"),
            (
                "datetime_utc_to_local(datetime(2024-07-01T10:00:00Z), 'Europe/Berlin')",
                "datetime(2024-07-01T12:00:00Z)"
            ),
            ("isnull(datetime_utc_to_local(datetime(2020-07-01), 'Nowhere'))", "true")
        ]
    ),
    function!(
        "datetime_local_to_utc",
        "Gives the moment at which clocks in a time zone show a datetime.",
        "datetime-local-to-utc-function",
        Naming::None,
        [zoned(to_utc)],
        [
            ("datetime_local_to_utc(datetime(2020-02-02T20:02:20Z), 'US/Pacific')", "datetime(2020-02-03T04:02:20Z)"),
            (
                "datetime_local_to_utc(datetime(2024-07-01T12:00:00Z), 'Europe/Berlin')",
                "datetime(2024-07-01T10:00:00Z)"
            ),
            ("isnull(datetime_local_to_utc(datetime(2020-07-01), 'Nowhere'))", "true")
        ]
    ),
    function!(
        "datetime_list_timezones",
        "Lists the time zones that are known.",
        "datetime-list-timezones-function",
        Naming::None,
        [overload!(() -> DYNAMIC, list_zones)],
        [
            ("array_length(datetime_list_timezones()) > 300", "true"),
            ("array_index_of(datetime_list_timezones(), 'Europe/Berlin') >= 0", "true"),
            ("isnull(datetime_list_timezones())", "false")
        ]
    ),
];

const fn zoned(kernel: fn(&Call) -> Column) -> Overload {
    const PARAMETERS: &[Parameter] = &[one("from", Kind::Is(ScalarType::DateTime)), ZONE];
    Overload { parameters: PARAMETERS, returns: DATETIME, kernel: crate::functions::Kernel::Columns(kernel) }
}

fn moment(call: &Call, sign: i64) -> Column {
    let offset = rows::optional::<Long>(call, 0);
    rows::longs(call, |row| {
        let offset = offset.as_ref().map_or(Some(0), |offset| offset.get(row))?;
        call.now.checked_add(offset.checked_mul(sign)?).and_then(in_range)
    })
}

/// What `datetime_part` gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
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
enum Unit {
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

fn read_part(name: &str) -> Result<Part, FunctionError> {
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

fn read_unit(name: &str) -> Result<Unit, FunctionError> {
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

/// Prepares what the first argument says; where it is not known yet, it is read at each call.
fn with_text<T: Send + Sync + 'static>(
    constants: &[Option<Value>],
    read: fn(&str) -> Result<T, FunctionError>,
    run: fn(&Call, &T) -> Column,
) -> Result<PreparedKernel, FunctionError> {
    prepare(constants, 0, read, run)
}

fn prepare<T: Send + Sync + 'static>(
    constants: &[Option<Value>],
    index: usize,
    read: impl Fn(&str) -> Result<T, FunctionError> + Send + Sync + 'static,
    run: impl Fn(&Call, &T) -> Column + Send + Sync + 'static,
) -> Result<PreparedKernel, FunctionError> {
    let known = rows::constant_text(constants, index).map(&read).transpose()?;
    Ok(Arc::new(move |call: &Call| match &known {
        Some(known) => run(call, known),
        None => run(call, &read(Reader::<Text>::new(call, index).get(0).unwrap_or(""))?),
    }))
}

fn part_of(at: i64, part: Part) -> i64 {
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
    fn ordinal(self, at: i64) -> i64 {
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

fn add(at: i64, unit: Unit, count: i64) -> Option<i64> {
    match unit {
        Unit::Year | Unit::Quarter | Unit::Month => ticks::add_months(at, count.checked_mul(unit.months())?),
        Unit::Nanosecond => at.checked_add(count.div_euclid(100)).and_then(in_range),
        _ => at.checked_add(count.checked_mul(unit.ticks()?)?).and_then(in_range),
    }
}

/// Days since Sunday; null in the last week of the calendar, which is not whole (measured for its Friday).
fn day_of_week(at: i64) -> Option<i64> {
    let days = ticks::day_of_week(at);
    let sunday = at / TICKS_PER_DAY - days;
    ((sunday + 7) * TICKS_PER_DAY <= MAX_DATETIME + 1).then_some(days * TICKS_PER_DAY)
}

fn edge(call: &Call, unit: Unit, end: bool) -> Column {
    let at = Reader::<Long>::new(call, 0);
    let offset = rows::optional::<Long>(call, 1);
    rows::longs(call, |row| {
        let offset = offset.as_ref().map_or(Some(0), |offset| offset.get(row))?;
        let start = start_of(at.get(row)?, unit, offset.checked_add(i64::from(end))?)?;
        in_range(if end { start - 1 } else { start })
    })
}

/// Returns the start of a day, week, month or year; it may be the moment right behind the last one.
fn start_of(at: i64, unit: Unit, offset: i64) -> Option<i64> {
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

fn convert_first(call: &Call, to: ScalarType) -> Column {
    rows_of(call, convert::cast(&call.arguments[0].array, call.arguments[0].scalar_type, to))
}

fn make_datetime(call: &Call) -> Column {
    let arguments = converted(call, &[ScalarType::Real]);
    let call = &Call { arguments: &arguments, ..*call };
    let readers: Vec<Reader<Real>> = (0..arguments.len()).map(|index| Reader::new(call, index)).collect();
    rows::longs(call, |row| {
        let mut parts = [0.0; 6];
        for (part, reader) in parts.iter_mut().zip(&readers) {
            *part = reader.get(row)?;
        }
        let [year, month, day, hour, minute, second] = parts;
        let year = i32::try_from(whole(year, 1.0, 10_000.0)?).ok()?;
        let date = Civil::date(year, whole(month, 1.0, 13.0)?, whole(day, 1.0, 32.0)?);
        let start = ticks::from_civil(&date)?;
        in_range(start + time_of_day(hour, minute, second)?)
    })
}

fn make_timespan(call: &Call) -> Column {
    let arguments = converted(call, &[ScalarType::Real]);
    let call = &Call { arguments: &arguments, ..*call };
    let readers: Vec<Reader<Real>> = (0..arguments.len()).map(|index| Reader::new(call, index)).collect();
    rows::longs(call, |row| {
        let mut parts = [0.0; 4];
        // Of less than four the first counts hours.
        let skipped = usize::from(readers.len() < 4);
        for (part, reader) in parts[skipped..].iter_mut().zip(&readers) {
            *part = reader.get(row)?;
        }
        let [days, hours, minutes, seconds] = parts;
        let days = i64::from(whole(days, 0.0, 10_675_199.0)?);
        Some(days * TICKS_PER_DAY + time_of_day(hours, minutes, seconds)?)
    })
}

/// Drops the fraction of a number within bounds, the upper one excluded.
fn whole(number: f64, low: f64, high: f64) -> Option<u32> {
    (low..high).contains(&number).then_some(number as u32)
}

fn time_of_day(hour: f64, minute: f64, second: f64) -> Option<i64> {
    whole(second, 0.0, 60.0)?;
    // Parts of a tick are dropped, but not what only rounding took from a whole one.
    let ticks = (second * 1e10).round() as i64 / 1000;
    let (hour, minute) = (whole(hour, 0.0, 24.0)?, whole(minute, 0.0, 60.0)?);
    Some(i64::from(hour) * TICKS_PER_HOUR + i64::from(minute) * TICKS_PER_MINUTE + ticks)
}

fn unix(call: &Call, unit: f64) -> Column {
    match call.arguments[0].scalar_type {
        ScalarType::Int | ScalarType::Long | ScalarType::Bool => {
            let arguments = converted(call, &[ScalarType::Long]);
            lift1::<Long, Long, _, _>(&Call { arguments: &arguments, ..*call }, |count: i64| {
                let since = if unit < 1.0 { count.div_euclid(100) } else { count.checked_mul(unit as i64)? };
                since.checked_add(UNIX_EPOCH).and_then(in_range)
            })
        }
        _ => {
            let arguments = converted(call, &[ScalarType::Real]);
            lift1::<Real, Long, _, _>(&Call { arguments: &arguments, ..*call }, |count: f64| {
                let since = count * unit;
                (since.abs() < 9e18).then_some(since as i64)?.checked_add(UNIX_EPOCH).and_then(in_range)
            })
        }
    }
}

/// What a pattern writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    DateTime,
    TimeSpan,
}

/// One piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
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

fn prepare_format(constants: &[Option<Value>], subject: Subject) -> Result<PreparedKernel, FunctionError> {
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
fn read_pattern(pattern: &str, subject: Subject) -> Result<Vec<Piece>, FunctionError> {
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

fn write_pattern(pieces: &[Piece], subject: Subject, at: i64, out: &mut String) {
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

/// Converts row by row, looking a zone up only where its name changes.
fn zone_by_zone(call: &Call, convert: impl Fn(i64, &jiff::tz::TimeZone) -> Option<i64>) -> Column {
    // The zones that come with the program, so that the answer does not depend on the machine.
    let database = jiff::tz::TimeZoneDatabase::bundled();
    let (at, name) = (Reader::<Long>::new(call, 0), Reader::<Text>::new(call, 1));
    let mut last: Option<(&str, Option<jiff::tz::TimeZone>)> = None;
    let mut builder = Long::builder(call.rows);
    for row in 0..call.rows {
        let name = name.get(row).unwrap_or("");
        let zone = match &last {
            Some((known, zone)) if *known == name => zone.clone(),
            _ => {
                let zone = database.get(name).ok();
                last = Some((name, zone.clone()));
                zone
            }
        };
        let moment = at.get(row).zip(zone).and_then(|(at, zone)| convert(at, &zone)).and_then(in_range);
        Long::push(&mut builder, moment);
    }
    Ok(Long::finish(builder))
}

fn to_local(call: &Call) -> Column {
    zone_by_zone(call, |at, zone| {
        // The last hours of the year 9999 are beyond jiff's clock, but have no other offset than those before.
        let second = (at - UNIX_EPOCH).div_euclid(TICKS_PER_SECOND).min(jiff::Timestamp::MAX.as_second());
        let offset = zone.to_offset(jiff::Timestamp::from_second(second).ok()?);
        Some(at + i64::from(offset.seconds()) * TICKS_PER_SECOND)
    })
}

fn to_utc(call: &Call) -> Column {
    zone_by_zone(call, |at, zone| {
        let date = civil(at);
        // Ranges are those of the calendar, so these fit.
        let local = jiff::civil::DateTime::new(
            date.year as i16,
            date.month as i8,
            date.day as i8,
            date.hour as i8,
            date.minute as i8,
            date.second as i8,
            0,
        )
        .ok()?;
        // In the hour that is skipped the later offset counts: 02:00 in Brussels on 2022-03-27 is 00:00 UTC
        // (documented). Of an hour that comes twice the first is taken (inferred).
        let moment = zone.to_ambiguous_timestamp(local).earlier().ok()?;
        Some(UNIX_EPOCH + moment.as_second() * TICKS_PER_SECOND + i64::from(date.tick))
    })
}

fn list_zones(call: &Call) -> Column {
    let mut names: Vec<String> =
        jiff::tz::TimeZoneDatabase::bundled().available().map(|name| name.as_str().to_string()).collect();
    names.sort();
    let mut list = String::from("[");
    for name in &names {
        if list.len() > 1 {
            list.push(',');
        }
        json::write_string(name, &mut list);
    }
    list.push(']');
    rows::json(call, |_, out| {
        out.push_str(&list);
        Some(())
    })
}

#[cfg(test)]
mod tests {
    use super::super::conversion::evaluate;
    use super::*;

    fn call(name: &str, values: &[Value]) -> Value {
        evaluate(FUNCTIONS, name, values)
    }

    fn at(text: &str) -> Value {
        ticks::parse_datetime(text).map_or(Value::Null(ScalarType::DateTime), Value::DateTime)
    }

    fn text(text: &str) -> Value {
        Value::String(text.into())
    }

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

    #[test]
    fn making() {
        let real = Value::Real;
        assert_eq!(
            call("make_datetime", &[real(2017.0), real(10.0), real(1.0), real(12.0), real(11.0), real(0.123_456_7)]),
            at("2017-10-01 12:11:00.1234567")
        );
        assert_eq!(call("make_datetime", &[real(2017.0), real(13.0), real(1.0)]), at("null"));
        let span = |values: &[f64]| call("make_timespan", &values.iter().copied().map(real).collect::<Vec<_>>());
        assert_eq!(span(&[0.0, 0.0, 0.0, 0.000_000_1]), Value::TimeSpan(1));
        assert_eq!(span(&[1.0, 2.0, 3.0]), Value::TimeSpan(ticks::parse_timespan("01:02:03").unwrap()));
        for values in [&[0.0, 25.0, 61.0, 61.5][..], &[-1.0, -2.0], &[25.0, 70.0], &[f64::NAN, 1.0]] {
            assert_eq!(span(values), Value::Null(ScalarType::TimeSpan), "{values:?}");
        }
    }

    #[test]
    fn zones() {
        let utc = |moment, zone| call("datetime_local_to_utc", &[at(moment), text(zone)]);
        assert_eq!(utc("2020-02-02 20:02:20", "Europe/Paris"), at("2020-02-02 19:02:20"));
        assert_eq!(utc("2022-03-27 02:00", "Europe/Brussels"), at("2022-03-27 00:00"));
        assert_eq!(utc("0001-01-01", "Asia/Tokyo"), at("null"));
        let local = |moment, zone| call("datetime_utc_to_local", &[at(moment), text(zone)]);
        assert_eq!(local("2020-07-01 00:00:00.0000001", "US/Pacific"), at("2020-06-30 17:00:00.0000001"));
        assert_eq!(local("9999-12-31", "UTC"), at("9999-12-31"));
    }

    #[test]
    fn unix_times() {
        let seconds = |value| call("unixtime_seconds_todatetime", &[value]);
        assert_eq!(seconds(Value::Long(1_546_300_800)), at("2019-01-01"));
        assert_eq!(seconds(Value::Real(0.5)), at("1970-01-01 00:00:00.5"));
        assert_eq!(seconds(Value::Long(i64::MAX)), at("null"));
    }
}
