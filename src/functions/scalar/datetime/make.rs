//! Datetimes and timespans from numbers.

use crate::functions::Call;
use crate::functions::lift::{Long, Reader, Real, lift1};
use crate::functions::scalar::conversion::converted;
use crate::functions::scalar::rows::{self, Column};
use crate::types::ScalarType;
use crate::types::ticks::{self, Civil, TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE, UNIX_EPOCH, in_range};

pub(super) fn make_datetime(call: &Call) -> Column {
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

pub(super) fn make_timespan(call: &Call) -> Column {
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
pub(super) fn whole(number: f64, low: f64, high: f64) -> Option<u32> {
    (low..high).contains(&number).then_some(number as u32)
}

pub(super) fn time_of_day(hour: f64, minute: f64, second: f64) -> Option<i64> {
    whole(second, 0.0, 60.0)?;
    // Parts of a tick are dropped, but not what only rounding took from a whole one.
    let ticks = (second * 1e10).round() as i64 / 1000;
    let (hour, minute) = (whole(hour, 0.0, 24.0)?, whole(minute, 0.0, 60.0)?);
    Some(i64::from(hour) * TICKS_PER_HOUR + i64::from(minute) * TICKS_PER_MINUTE + ticks)
}

pub(super) fn unix(call: &Call, unit: f64) -> Column {
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

#[cfg(test)]
mod tests {
    use crate::functions::scalar::datetime::tests::{at, call};
    use crate::types::{ScalarType, Value, ticks};

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
    fn unix_times() {
        let seconds = |value| call("unixtime_seconds_todatetime", &[value]);
        assert_eq!(seconds(Value::Long(1_546_300_800)), at("2019-01-01"));
        assert_eq!(seconds(Value::Real(0.5)), at("1970-01-01 00:00:00.5"));
        assert_eq!(seconds(Value::Long(i64::MAX)), at("null"));
    }
}
