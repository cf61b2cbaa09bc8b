//! Datetimes and timespans: their parts, starts and ends, sums, texts and zones.

use std::sync::Arc;

use super::conversion::rows_of;
use super::rows::{self, Column, DYNAMIC, LONG, STRING, function, integer, overload};
use crate::functions::lift::{Int, Long, Reader, Text, lift1, lift2};
use crate::functions::{
    Call, Function, FunctionError, Kind, Naming, Overload, Parameter, PreparedKernel, Returns, one,
};
use crate::types::ticks::in_range;
use crate::types::{ScalarType, Value, convert};

use self::format::{Subject, prepare_format};
use self::make::{make_datetime, make_timespan, unix};
use self::period::{Part, Unit, add, day_of_week, edge, part_of, read_part, read_unit};
use self::zone::{list_zones, to_local, to_utc};

mod format;
mod make;
mod period;
mod zone;

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

fn convert_first(call: &Call, to: ScalarType) -> Column {
    rows_of(call, convert::cast(&call.arguments[0].array, call.arguments[0].scalar_type, to))
}

#[cfg(test)]
mod tests {
    use super::super::conversion::evaluate;
    use super::*;
    use crate::types::ticks;

    pub(super) fn call(name: &str, values: &[Value]) -> Value {
        evaluate(FUNCTIONS, name, values)
    }

    pub(super) fn at(text: &str) -> Value {
        ticks::parse_datetime(text).map_or(Value::Null(ScalarType::DateTime), Value::DateTime)
    }

    pub(super) fn text(text: &str) -> Value {
        Value::String(text.into())
    }
}
