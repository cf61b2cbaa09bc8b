//! Local times of zones, by the zone database that comes with the program.

use crate::functions::Call;
use crate::functions::lift::{Long, Reader, Text, Write};
use crate::functions::scalar::rows::{self, Column};
use crate::types::json;
use crate::types::ticks::{TICKS_PER_SECOND, UNIX_EPOCH, civil, in_range};

/// Converts row by row, looking a zone up only where its name changes.
pub(super) fn zone_by_zone(call: &Call, convert: impl Fn(i64, &jiff::tz::TimeZone) -> Option<i64>) -> Column {
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

pub(super) fn to_local(call: &Call) -> Column {
    zone_by_zone(call, |at, zone| {
        // The last hours of the year 9999 are beyond jiff's clock, but have no other offset than those before.
        let second = (at - UNIX_EPOCH).div_euclid(TICKS_PER_SECOND).min(jiff::Timestamp::MAX.as_second());
        let offset = zone.to_offset(jiff::Timestamp::from_second(second).ok()?);
        Some(at + i64::from(offset.seconds()) * TICKS_PER_SECOND)
    })
}

pub(super) fn to_utc(call: &Call) -> Column {
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

pub(super) fn list_zones(call: &Call) -> Column {
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
    use crate::functions::scalar::datetime::tests::{at, call, text};

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
}
