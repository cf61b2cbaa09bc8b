//! When things happen: over a period, and after each other.

use std::collections::BTreeMap;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::types::ticks;

use super::make::{Deck, LikeOptions, chance};
use super::shape::HOURS;

/// Spreads things over a period, more of them in hours of the week that have more.
#[derive(Debug)]
pub(super) struct Spread {
    options: LikeOptions,
    /// The weights of the hours of the period, summed up.
    hours: Vec<u64>,
    count: u64,
}

impl Spread {
    /// Makes ready for so many things.
    pub(super) fn new(week: &[u64], options: LikeOptions, count: u64) -> Spread {
        Spread { options, hours: hours(week, options), count }
    }

    /// Returns the moment of a thing: in order, and more of them in hours that have more.
    pub(super) fn moment(&self, number: u64) -> i64 {
        let sum = self.hours.last().copied().unwrap_or(0).max(1);
        let mut own = chance(self.options.seed ^ 0x7469_6d65, number);
        let within = (number as f64 + own.random::<f64>()) / self.count.max(1) as f64;
        let weight = ((within * sum as f64) as u64).min(sum - 1);
        let hour = self.hours.partition_point(|until| *until <= weight);
        let before = hour.checked_sub(1).and_then(|before| self.hours.get(before)).copied().unwrap_or(0);
        let size = self.hours.get(hour).copied().unwrap_or(sum).saturating_sub(before).max(1);
        let part = (within * sum as f64 - before as f64) / size as f64;
        let start = self.options.end - i64::from(self.options.days) * ticks::TICKS_PER_DAY;
        start + hour as i64 * ticks::TICKS_PER_HOUR + (part.clamp(0.0, 0.999_999) * ticks::TICKS_PER_HOUR as f64) as i64
    }
}

/// Sums up the weights of the hours of the period; where nothing is known of them, all are alike.
fn hours(week: &[u64], options: LikeOptions) -> Vec<u64> {
    let start = options.end - i64::from(options.days) * ticks::TICKS_PER_DAY;
    let first = start.div_euclid(ticks::TICKS_PER_HOUR);
    let known = week.iter().any(|count| *count > 0);
    let weight = |hour: i64| match known {
        true => week.get((first + hour).rem_euclid(HOURS as i64) as usize).copied().unwrap_or(0),
        false => 1,
    };
    let mut sum = 0;
    let sums = (0..i64::from(options.days) * 24).map(|hour| {
        sum += weight(hour);
        sum
    });
    let sums: Vec<u64> = sums.collect();
    // A short period may hold none of the hours that have alerts.
    if sums.last().is_none_or(|sum| *sum == 0) { (1..=u64::from(options.days) * 24).collect() } else { sums }
}

/// The times between versions: exponents of two of their seconds.
#[derive(Debug)]
pub(super) struct Delays {
    exponents: Vec<u32>,
    deck: Deck,
}

impl Delays {
    pub(super) fn new(counts: &BTreeMap<u32, u64>, seed: u64, purpose: u64) -> Delays {
        Delays { exponents: counts.keys().copied().collect(), deck: Deck::new(counts.values().copied(), seed, purpose) }
    }

    /// Returns the moment of the version after one, before the end.
    pub(super) fn after(&mut self, moment: i64, end: i64, chance: &mut ChaCha8Rng) -> i64 {
        let exponent = self.deck.deal().and_then(|(card, _)| self.exponents.get(card as usize)).copied();
        let least = 1i64 << exponent.unwrap_or(10).min(30);
        let seconds = chance.random_range(least..2 * least);
        (moment + seconds * ticks::TICKS_PER_SECOND).min(end - 1).max(moment)
    }
}
