//! Periods of a series, as far as it is known how the engine finds them.
//!
//! Known are the score of a period: its cyclic autocorrelation, so scaled that the least is 0 and that of lag 0 is 1
//! (inferred: it has the digits that were measured for the documented series, up to the rounding of sums); the bounds of
//! a period; that the best score comes first; and that a period needs a share in the spectrum: the documentation finds
//! none in a series that repeats itself exactly after six points, and that its spectrum shows as a wave of three. Which
//! shares and which hills of the autocorrelation are enough is not published. So a period is given where it is the best
//! by both and could not well be chance, none where none is possible by both, and all else is refused.

use std::sync::Arc;

use arrow::array::StringViewArray;
use rustfft::FftPlanner;
use rustfft::num_complex::Complex64;

use super::super::rows::{self, Column, Numbers, dynamic, function, overload};
use super::{numbers, unsupported, write_reals};
use crate::functions::lift::{Json, Long, Reader};
use crate::functions::{Call, Function, FunctionError, Kind, Naming, Parameter, Returns, one};
use crate::types::ScalarType;

const SERIES: Parameter = dynamic("series");
const PERIODS: Returns = Returns::Columns(&[("periods", ScalarType::Dynamic), ("scores", ScalarType::Dynamic)]);

/// Parameter of any type of number.
const fn number(name: &'static str) -> Parameter {
    one(name, Kind::Number)
}

/// Functions that look for periods.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "series_periods_detect",
        "Finds the periods of a series and their scores, the best first.",
        "series-periods-detect-function",
        Naming::None,
        [
            overload!((SERIES, number("min_period"), number("max_period"), one("num_periods", Kind::Is(ScalarType::Long)))
            -> PERIODS, detect)
        ],
        [
            (
                "tostring(series_periods_detect(dynamic([0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1]), 2, 6, 1)[0])",
                "'[4.0]'"
            ),
            ("tostring(series_periods_detect(dynamic([1, 9, 1, 9]), 0, 10, 2)[1])", "'[0.0,0.0]'"),
            ("isnull(series_periods_detect(dynamic(null), 0, 10, 1)[0])", "true")
        ]
    ),
    function!(
        "series_periods_validate",
        "Scores whether a series has the given periods: 0 if not, 1 at most.",
        "series-periods-validate-function",
        Naming::None,
        [overload!((SERIES, number("period").repeated(1, 16)) -> PERIODS, validate)],
        [
            (
                "tostring(series_periods_validate(dynamic([0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1]), 4, 3)[1])",
                "'[1.0,0.0]'"
            ),
            ("tostring(series_periods_validate(dynamic([1, 9, 1, 9]), 2.0)[0])", "'[2.0]'"),
            ("isnull(series_periods_validate(dynamic(null), 4)[0])", "true")
        ]
    ),
];

/// The shortest period (documented); the longest is half of the series.
const SHORTEST: usize = 4;

/// A share of the spectrum up to this many times the average is no period (measured: beside the period of the documented
/// series stands such a share, with a score of .63, and it is none to the engine). What has more may be one.
const NOTABLE: f64 = 1.185;

/// The chance that the largest share of a series without period is as large as one that counts (Fisher's g).
const CHANCE: f64 = 0.01;

/// Scores closer than this are one.
const ROUNDING: f64 = 1e-9;

/// What can be told of the best period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Best {
    /// There is none.
    None,
    /// Its length in points, and its score.
    Period(usize, f64),
    /// There may be one.
    Unsure,
}

/// Autocorrelation and spectrum of a series.
pub(super) struct Periods {
    length: usize,
    /// The score of each lag up to half of the series.
    scores: Vec<f64>,
    /// The share of each frequency, but 0, in the spectrum; by waves per series.
    shares: Vec<f64>,
}

impl Periods {
    /// Takes a series apart; None where all its values are the same, or one is not finite.
    pub fn of(values: &[f64]) -> Option<Periods> {
        let length = values.len();
        if super::season::flat(values) || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let mean = values.iter().sum::<f64>() / length as f64;
        let mut waves: Vec<Complex64> = values.iter().map(|value| Complex64::new(value - mean, 0.0)).collect();
        let mut planner = FftPlanner::new();
        planner.plan_fft_forward(length).process(&mut waves);
        let mut powers: Vec<f64> = waves.iter().map(Complex64::norm_sqr).collect();
        // What is left of the mean is rounding.
        powers[0] = 0.0;
        let mut cyclic: Vec<Complex64> = powers.iter().map(|power| Complex64::new(*power, 0.0)).collect();
        planner.plan_fft_inverse(length).process(&mut cyclic);
        let least = cyclic.iter().map(|value| value.re).fold(f64::INFINITY, f64::min);
        let range = cyclic[0].re - least;
        let scores = cyclic[..=length / 2].iter().map(|value| (value.re - least) / range).collect();
        let total: f64 = powers[1..=length / 2].iter().sum();
        let shares = powers[..=length / 2].iter().map(|power| power / total).collect();
        Some(Periods { length, scores, shares })
    }

    fn longest(&self) -> usize {
        self.length / 2
    }

    /// Tells how many waves of about this length the series has.
    fn waves(&self, period: usize) -> usize {
        // Halfway between the periods of neighbours, so that each period belongs to one frequency.
        let middle = |waves: usize| (self.length as f64 / waves as f64 + self.length as f64 / (waves + 1) as f64) / 2.0;
        let mut waves = self.length.div_ceil(period).max(1);
        while waves > 1 && period as f64 > middle(waves - 1) {
            waves -= 1;
        }
        while (period as f64) < middle(waves) {
            waves += 1;
        }
        waves.min(self.longest())
    }

    /// Tells whether the spectrum leaves a period possible.
    fn possible(&self, period: usize) -> bool {
        self.shares[self.waves(period)] * self.longest() as f64 >= NOTABLE
    }

    /// Gives the best period if score and spectrum agree on it and it could not well be chance.
    fn certain(&self) -> Option<(usize, f64)> {
        let possible = |lag: &usize| self.possible(*lag);
        let lags = || (SHORTEST..=self.longest()).filter(possible);
        let most = lags().map(|lag| self.scores[lag]).fold(0.0, f64::max);
        let equals: Vec<usize> = lags().filter(|lag| self.scores[*lag] >= most - ROUNDING).collect();
        // Of a period and its multiples the period is meant (the documentation has a season of five, and ten scores alike).
        let best = *equals.first()?;
        if !equals.iter().all(|equal| equal.is_multiple_of(best)) {
            return None;
        }
        let score = self.scores[best];
        let peak = self.scores[best - 1..].iter().take(3).all(|beside| *beside <= score);
        let strongest = (1..=self.length / SHORTEST).max_by(|a, b| self.shares[*a].total_cmp(&self.shares[*b]))?;
        let frequencies = self.longest() as f64;
        let chance = frequencies * (1.0 - self.shares[strongest]).max(0.0).powf(frequencies - 1.0);
        (peak && strongest == self.waves(best) && chance <= CHANCE).then_some((best, score))
    }

    /// Tells of the best period, if it scores above a threshold.
    pub fn best(&self, threshold: f64) -> Best {
        if let Some((period, score)) = self.certain()
            && score > threshold + ROUNDING
        {
            return Best::Period(period, score);
        }
        let could_be = |lag: usize| self.scores[lag] > threshold - ROUNDING && self.possible(lag);
        if (SHORTEST..=self.longest()).any(could_be) { Best::Unsure } else { Best::None }
    }

    /// Scores a period; None where the score is not known.
    fn score(&self, period: usize) -> Option<f64> {
        match self.certain() {
            Some((best, score)) if best == period => Some(score),
            _ if !self.possible(period) => Some(0.0),
            _ => None,
        }
    }
}

/// Periods and their scores, as many of them.
type Found = (Vec<f64>, Vec<f64>);

fn detect(call: &Call) -> Column {
    let (lowest, highest) = (Numbers::new(call, 1), Numbers::new(call, 2));
    let wanted = Reader::<Long>::new(call, 3);
    found(call, "series_periods_detect", |row, values| {
        let (low, high) = (lowest.get(row)?, highest.get(row)?);
        let wanted =
            wanted.get(row).and_then(|wanted| usize::try_from(wanted).ok()).filter(|n| (1..=MOST).contains(n))?;
        let none = || (vec![0.0; wanted], vec![0.0; wanted]);
        let within = |lag: &usize| (low..=high).contains(&(*lag as f64));
        if !(SHORTEST..=values.len() / 2).any(|lag| within(&lag)) {
            return Some(none());
        }
        let periods = Periods::of(values)?;
        let (best, score) = periods.certain().filter(|(best, _)| within(best))?;
        // Whether a second period is one is known only where its frequency is not in the spectrum.
        let apart = |lag: &usize| within(lag) && periods.waves(*lag) != periods.waves(best);
        if wanted > 1 && (SHORTEST..=periods.longest()).filter(apart).any(|lag| periods.possible(lag)) {
            return None;
        }
        let (mut lengths, mut scores) = none();
        (lengths[0], scores[0]) = (best as f64, score);
        Some((lengths, scores))
    })
}

/// The most periods that are looked for.
const MOST: usize = 1000;

fn validate(call: &Call) -> Column {
    let given: Vec<Numbers> = (1..call.arguments.len()).map(|argument| Numbers::new(call, argument)).collect();
    found(call, "series_periods_validate", |row, values| {
        let periods = Periods::of(values);
        let lengths = given.iter().map(|given| given.get(row)).collect::<Option<Vec<f64>>>()?;
        let bounds = SHORTEST as f64..=values.len() as f64 / 2.0;
        let score = |period: &f64| match &periods {
            _ if !bounds.contains(period) => Some(0.0),
            Some(periods) if period.fract() == 0.0 => periods.score(*period as usize),
            _ => None,
        };
        let scores = lengths.iter().map(score).collect::<Option<Vec<f64>>>()?;
        Some((lengths, scores))
    })
}

/// Gives periods and scores of each row; what is not known of one is refused.
fn found(call: &Call, name: &str, find: impl Fn(usize, &[f64]) -> Option<Found>) -> Column {
    let series = Reader::<Json>::new(call, 0);
    let find = |row: usize| {
        let Some(values) = series.get(row).map_or(Ok(None), |array| numbers(array, name))? else { return Ok(None) };
        match find(row, &values) {
            Some(found) => Ok(Some(found)),
            None => Err(unsupported(format!("`{name}()` of a series whose periods do not stand out clearly"))),
        }
    };
    let found = (0..call.rows).map(find).collect::<Result<Vec<Option<Found>>, FunctionError>>()?;
    let column = |part: fn(&Found) -> &Vec<f64>| {
        let text = |found: &Found| {
            let mut text = String::new();
            write_reals(part(found).iter().copied().map(Some), &mut text);
            text
        };
        Arc::new(found.iter().map(|found| found.as_ref().map(text)).collect::<StringViewArray>()) as _
    };
    rows::several(vec![column(|(lengths, _)| lengths), column(|(_, scores)| scores)])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rise and fall of `period` points, `count` times.
    fn waves(period: usize, count: usize) -> Vec<f64> {
        let place = |n: usize| n % period;
        (0..period * count).map(|n| place(n).min(period - place(n)) as f64).collect()
    }

    fn best(values: &[f64], threshold: f64) -> Best {
        Periods::of(values).expect("periods").best(threshold)
    }

    /// Traffic of a month, two values a day, as the documentation has it; the score was measured.
    const TRAFFIC: [f64; 60] = [
        80.0, 139.0, 87.0, 110.0, 68.0, 54.0, 50.0, 51.0, 53.0, 133.0, 86.0, 141.0, 97.0, 156.0, 94.0, 149.0, 95.0,
        140.0, 77.0, 61.0, 50.0, 54.0, 47.0, 133.0, 72.0, 152.0, 94.0, 148.0, 105.0, 162.0, 101.0, 160.0, 87.0, 63.0,
        53.0, 55.0, 54.0, 151.0, 103.0, 189.0, 108.0, 183.0, 113.0, 175.0, 113.0, 178.0, 90.0, 71.0, 62.0, 62.0, 65.0,
        165.0, 109.0, 181.0, 115.0, 182.0, 121.0, 178.0, 114.0, 170.0,
    ];

    #[test]
    fn a_score_has_the_digits_that_were_measured() {
        let periods = Periods::of(&TRAFFIC).expect("periods");
        let Some((14, score)) = periods.certain() else { panic!("{:?}", periods.certain()) };
        assert!((score - 0.8405558794091443).abs() < 1e-14, "{score}");
        assert_eq!(periods.score(10), Some(0.0));
    }

    #[test]
    fn documented_seasons_are_found_and_too_short_ones_are_not() {
        let six = [2, 5, 3, 4, 3, 2, 1, 2, 3, 4, 3, 2, 1, 2, 3, 4, 3, 2, 1, 2, 3, 4, 3, 2, 1].map(f64::from);
        let five = [8, 12, 14, 12, 10, 10, 12, 14, 12, 10, 10, 12, 14, 12, 10, 10, 12, 14, 12, 10].map(f64::from);
        let three = [1, 3, 5, 2, 4, 6, 1, 3, 5, 2, 4, 6].map(f64::from);
        assert!(matches!(best(&six, 0.7), Best::Period(6, _)));
        assert!(matches!(best(&five, 0.7), Best::Period(5, _)));
        assert_eq!(best(&three, 0.7), Best::None);
    }

    #[test]
    fn what_could_be_chance_is_left_open() {
        assert!(matches!(best(&waves(7, 4), 0.6), Best::Period(7, _)));
        // Noise makes fourteen the better score, which no wave of the spectrum has.
        let mut noisy = waves(7, 4);
        noisy[3] += 2.0;
        noisy[17] += 2.0;
        let periods = Periods::of(&noisy).expect("periods");
        assert!(periods.scores[14] > periods.scores[7] && !periods.possible(14));
        assert!(matches!(best(&noisy, 0.6), Best::Period(7, _)));
        // Half of its spectrum is a wave of four points, half one of two: four such bursts could be chance.
        assert_eq!(best(&[5.0, 1.0, 1.0, 1.0].repeat(4), 0.6), Best::Unsure);
        assert_eq!(best(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0], 0.6), Best::None);
    }

    #[test]
    fn each_period_belongs_to_one_frequency() {
        for length in [8, 9, 31, 60, 168] {
            let periods = Periods { length, scores: Vec::new(), shares: Vec::new() };
            let waves: Vec<usize> = (2..=length / 2).map(|period| periods.waves(period)).collect();
            assert!(waves.is_sorted_by(|a, b| a >= b), "{length}: {waves:?}");
            assert_eq!(waves.last(), Some(&2), "{length}");
        }
    }
}
