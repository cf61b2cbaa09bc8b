//! How many records there are at which times, and how a long replay is parted by that.

use std::collections::BTreeMap;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;

use super::data::TIME;
use crate::types::ticks::TICKS_PER_HOUR;
use crate::types::{Column, ScalarType};

/// Records after which a stretch of a replay ends: what rules make of so many fits into memory easily, and reading them
/// anew for the next stretch costs little beside the runs.
pub(super) const RECORDS: u64 = 1 << 18;

/// A stretch is at least so many times as long as what runs look back: its beginning is read twice.
const LOOK_BACKS: i64 = 2;

/// Records by their times.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) records: u64,
    ends: Option<(i64, i64)>,
    /// By the hours since 0001-01-01.
    hours: BTreeMap<i64, u64>,
}

impl Survey {
    /// Counts records.
    pub(super) fn add(&mut self, columns: &[Column], records: &RecordBatch) {
        self.records += records.num_rows() as u64;
        let time = Column::new(TIME, ScalarType::DateTime);
        let Some(place) = columns.iter().position(|column| *column == time) else { return };
        let times = records.column(place).as_primitive::<Int64Type>();
        for time in times.iter().flatten() {
            *self.hours.entry(time.div_euclid(TICKS_PER_HOUR)).or_default() += 1;
            let (first, last) = self.ends.unwrap_or((time, time));
            self.ends = Some((first.min(time), last.max(time)));
        }
    }

    /// Returns the first and the last time, in ticks.
    pub(super) fn period(&self) -> Option<(i64, i64)> {
        self.ends
    }

    /// Parts a period, both ends included, into stretches of some `most` records; returns the last moment of each.
    pub(super) fn stretches(&self, from: i64, to: i64, look_back: i64, most: u64) -> Vec<i64> {
        let shortest = look_back.saturating_mul(LOOK_BACKS);
        let mut ends = Vec::new();
        let (mut begin, mut records) = (from, 0);
        for (hour, count) in self.hours.range(from.div_euclid(TICKS_PER_HOUR)..=to.div_euclid(TICKS_PER_HOUR)) {
            records += count;
            let end = (hour + 1).saturating_mul(TICKS_PER_HOUR) - 1;
            if records >= most && end.saturating_sub(begin) >= shortest && end < to {
                ends.push(end);
                (begin, records) = (end + 1, 0);
            }
        }
        ends.push(to);
        ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = TICKS_PER_HOUR;

    fn survey(counts: &[(i64, u64)]) -> Survey {
        Survey { hours: counts.iter().copied().collect(), ..Survey::default() }
    }

    #[test]
    fn stretches_end_where_there_are_enough_records() {
        let counts = survey(&[(1, 60), (2, 60), (3, 10), (5, 100), (9, 1)]);
        assert_eq!(counts.stretches(0, 10 * HOUR, 0, 100), [3 * HOUR - 1, 6 * HOUR - 1, 10 * HOUR]);
        assert_eq!(counts.stretches(0, 10 * HOUR, 0, 1000), [10 * HOUR]);
        assert_eq!(counts.stretches(2 * HOUR, 3 * HOUR, 0, 1), [3 * HOUR - 1, 3 * HOUR]);
        assert_eq!(survey(&[]).stretches(5, 5, 0, 1), [5]);
    }

    #[test]
    fn stretches_are_longer_than_what_runs_look_back() {
        let counts = survey(&(0..24).map(|hour| (hour, 100)).collect::<Vec<_>>());
        assert_eq!(counts.stretches(0, 24 * HOUR, 5 * HOUR, 100), [11 * HOUR - 1, 22 * HOUR - 1, 24 * HOUR]);
        assert_eq!(counts.stretches(0, 24 * HOUR, i64::MAX, 1), [24 * HOUR]);
    }
}
