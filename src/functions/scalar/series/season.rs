//! Season, trend and rest of a series.
//!
//! The period must be given, unless it stands out, or the series cannot have one: how the engine detects it is not
//! documented to the last digit.

use std::sync::Arc;

use arrow::array::StringViewArray;

use super::super::rows::{self, Column, DYNAMIC, Numbers, dynamic, function, integer, optional, overload};
use super::period::{Best, Periods};
use super::{numbers, unsupported, write_reals};
use crate::functions::lift::{Json, Long, Reader, Text};
use crate::functions::{Call, Function, FunctionError, Kind, Naming, Parameter, Returns, one};
use crate::types::ScalarType;

const SERIES: Parameter = dynamic("series");
const TREND: Parameter = one("trend", Kind::Is(ScalarType::String)).optional();
const THRESHOLD: Parameter = one("seasonality_threshold", Kind::Number).optional();
const PARTS: Returns = Returns::Columns(&[
    ("baseline", ScalarType::Dynamic),
    ("seasonal", ScalarType::Dynamic),
    ("trend", ScalarType::Dynamic),
    ("residual", ScalarType::Dynamic),
]);

/// Functions of a series that repeats itself.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "series_seasonal",
        "Gives the seasonal part of a series: the median of the values at the same place of each period.",
        "series-seasonal-function",
        Naming::None,
        [
            overload!((SERIES) -> DYNAMIC, seasonal),
            overload!((SERIES, integer("period")) -> DYNAMIC, seasonal),
            overload!((SERIES, integer("period"), integer("test_points")) -> DYNAMIC, seasonal),
        ],
        [
            ("tostring(series_seasonal(dynamic([1, 3, 2, 4]), 2))", "'[1.5,3.5,1.5,3.5]'"),
            ("tostring(series_seasonal(dynamic([1, 3]), 0))", "'[0.0,0.0]'"),
            ("isnull(series_seasonal(dynamic(null), 2))", "true")
        ]
    ),
    function!(
        "series_decompose",
        "Splits a series into season, trend and rest.",
        "series-decompose-function",
        Naming::None,
        [overload!((SERIES, integer("period").optional(), TREND, integer("test_points").optional(), THRESHOLD)
            -> PARTS, decompose)],
        [
            ("tostring(series_decompose(dynamic([1, 3, 2, 4]), 2)[1])", "'[1.5,3.5,1.5,3.5]'"),
            ("tostring(series_decompose(dynamic([1, 2, 3]), 0, 'linefit')[0])", "'[1.0,2.0,3.0]'"),
            ("tostring(series_decompose(dynamic([1, 2, 3]), 0)[3])", "'[-1.0,0.0,1.0]'"),
            ("isnull(series_decompose(dynamic(null), 2)[0])", "true")
        ]
    ),
    function!(
        "series_decompose_forecast",
        "Forecasts the last points of a series from the season and trend of those before.",
        "series-decompose-forecast-function",
        Naming::None,
        [
            overload!((SERIES, integer("test_points"), integer("period").optional(), TREND, THRESHOLD) -> PARTS, forecast)
        ],
        [
            ("tostring(series_decompose_forecast(dynamic([1, 2, 3, 0]), 1, 0, 'linefit')[0])", "'[1.0,2.0,3.0,4.0]'"),
            (
                "tostring(series_decompose_forecast(dynamic([1, 2, 1, 2, 0, 0]), 2, 2)[0])",
                "'[1.0,2.0,1.0,2.0,1.0,2.0]'"
            ),
            ("isnull(series_decompose_forecast(dynamic(null), 1, 2)[0])", "true")
        ]
    ),
];

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

/// Gives the season of as many elements as there are; it is learned from the first `learned` ones.
fn season(all: &[f64], learned: usize, period: usize) -> Vec<f64> {
    if period == 0 {
        return vec![0.0; all.len()];
    }
    let phases = period.min(all.len());
    let medians: Vec<f64> =
        (0..phases).map(|phase| median(all[..learned].iter().skip(phase).step_by(period).copied().collect())).collect();
    (0..all.len()).map(|n| medians[n % period]).collect()
}

/// What the season is wanted for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Seasonality {
    /// For itself.
    Season,
    /// For its sum with a trend only.
    Baseline,
}

/// The shortest series in which a period can be detected: it has four points at least, and is half of the series at most
/// (series-periods-detect-function).
const SHORTEST_DETECTED: usize = 8;

/// From which score on a detected period is the season of `series_seasonal` (documented).
const THRESHOLD_OF_SEASON: f64 = 0.7;

/// Reads from which score on a detected period is taken: 0.6 where the query does not say (documented).
pub(super) fn threshold(given: Option<&Numbers>, row: usize) -> f64 {
    given.and_then(|given| given.get(row)).unwrap_or(0.6)
}

/// Reads a period, 0 for no season. One to be detected is refused where it does not stand out and there could be one; a
/// series whose values are all the same has one baseline, with a season and without.
pub(super) fn period(
    given: Option<i64>,
    learned: &[f64],
    wanted: Seasonality,
    threshold: f64,
    function: &str,
) -> Result<usize, FunctionError> {
    let given = given.unwrap_or(-1);
    if let Ok(period) = usize::try_from(given) {
        return Ok(period);
    }
    if given != -1 {
        return Err(unsupported(format!("`{function}()` with a period of {given}")));
    }
    if learned.len() < SHORTEST_DETECTED || (flat(learned) && wanted == Seasonality::Baseline) {
        return Ok(0);
    }
    match Periods::of(learned).map_or(Best::Unsure, |periods| periods.best(threshold)) {
        Best::None => Ok(0),
        Best::Period(period, _) => Ok(period),
        Best::Unsure => Err(unsupported(format!(
            "`{function}()` that detects a period which does not stand out clearly (give the period in points of the \
             series, or 0 for none)"
        ))),
    }
}

/// Refuses points that are not learned from: what is made of them is not documented.
pub(super) fn no_tested(points: Option<Option<i64>>, function: &str) -> Result<(), FunctionError> {
    match points {
        None | Some(Some(0)) => Ok(()),
        Some(_) => Err(unsupported(format!("`{function}()` with points to be tested"))),
    }
}

fn seasonal(call: &Call) -> Column {
    let name = "series_seasonal";
    let (series, given) = (Reader::<Json>::new(call, 0), optional::<Long>(call, 1));
    let tested = optional::<Long>(call, 2);
    let season = |row: usize| {
        let Some(all) = series.get(row).map_or(Ok(None), |array| numbers(array, name))? else { return Ok(None) };
        no_tested(tested.as_ref().map(|tested| tested.get(row)), name)?;
        let given = given.as_ref().and_then(|given| given.get(row));
        let period = period(given, &all, Seasonality::Season, THRESHOLD_OF_SEASON, name)?;
        Ok(Some(season(&all, all.len(), period)))
    };
    let seasons = (0..call.rows).map(season).collect::<Result<Vec<_>, FunctionError>>()?;
    rows::json(call, |row, out| {
        write_reals(seasons[row].as_ref()?.iter().copied().map(Some), out);
        Some(())
    })
}

/// Baseline, season, trend and rest.
pub(super) type Parts = [Vec<f64>; 4];

fn decompose(call: &Call) -> Column {
    parts(call, "series_decompose", [1, 2, 3])
}

fn forecast(call: &Call) -> Column {
    parts(call, "series_decompose_forecast", [2, 3, 1])
}

/// Takes the series of each row apart; `places` are those of period, trend and number of tested points.
fn parts(call: &Call, name: &str, places: [usize; 3]) -> Column {
    let (series, given) = (Reader::<Json>::new(call, 0), optional::<Long>(call, places[0]));
    let (trends, tests) = (optional::<Text>(call, places[1]), optional::<Long>(call, places[2]));
    let thresholds = Numbers::optional(call, 4);
    let parts = |row: usize| {
        let Some(all) = series.get(row).map_or(Ok(None), |array| numbers(array, name))? else { return Ok(None) };
        let trend = trends.as_ref().and_then(|trends| trends.get(row)).unwrap_or("avg");
        let tested = tests.as_ref().map_or(Some(0), |tests| tests.get(row));
        let learned = tested.and_then(|n| usize::try_from(n).ok()).and_then(|n| all.len().checked_sub(n));
        let Some(learned) = learned else {
            return Err(unsupported(format!("`{name}()` with more points to be tested than the series has")));
        };
        let given = given.as_ref().and_then(|given| given.get(row));
        let threshold = threshold(thresholds.as_ref(), row);
        let period = |values: &[f64]| period(given, values, Seasonality::Season, threshold, name);
        let found = period(&all)?;
        // Nothing tells whether a period is looked for in the points to be tested too.
        if period(&all[..learned])? != found {
            return Err(unsupported(format!(
                "`{name}()` that detects a period which the points to be tested decide on"
            )));
        }
        split(&all, learned, found, trend, name).map(Some)
    };
    let parts = (0..call.rows).map(parts).collect::<Result<Vec<Option<Parts>>, FunctionError>>()?;
    let column = |index: usize| {
        let text = |parts: &Parts| {
            let mut text = String::new();
            write_reals(parts[index].iter().copied().map(Some), &mut text);
            text
        };
        Arc::new(parts.iter().map(|parts| parts.as_ref().map(text)).collect::<StringViewArray>()) as _
    };
    rows::several((0..4).map(column).collect())
}

/// Tells whether all values are the same.
pub(super) fn flat(values: &[f64]) -> bool {
    values.windows(2).all(|pair| pair[0] == pair[1])
}

/// The steps as documented: season, then the trend of what is left, their sum, and the rest.
pub(super) fn split(
    all: &[f64],
    learned: usize,
    period: usize,
    trend: &str,
    function: &str,
) -> Result<Parts, FunctionError> {
    // Each place of the period must have been seen.
    if learned < period.max(2) {
        return Err(unsupported(format!("`{function}()` of a series shorter than its period")));
    }
    let season = season(all, learned, period);
    let left: Vec<f64> = all.iter().zip(&season).map(|(x, s)| x - s).collect();
    let trend = match trend {
        // Without what sums lose to rounding.
        "avg" | "linefit" if flat(&left[..learned]) => vec![left[0]; all.len()],
        "avg" => vec![left[..learned].iter().sum::<f64>() / learned as f64; all.len()],
        "linefit" => line(&left[..learned], all.len()),
        "none" => vec![0.0; all.len()],
        other => return Err(unsupported(format!("the trend `{other}` of `{function}()`"))),
    };
    let baseline: Vec<f64> = season.iter().zip(&trend).map(|(s, t)| s + t).collect();
    let rest = all.iter().zip(&baseline).map(|(x, b)| x - b).collect();
    Ok([baseline, season, trend, rest])
}

/// Gives the values of the line through the first elements, carried on.
fn line(learned: &[f64], length: usize) -> Vec<f64> {
    let mean_x = (learned.len() - 1) as f64 / 2.0;
    let mean_y = learned.iter().sum::<f64>() / learned.len() as f64;
    let distance = |n: usize| n as f64 - mean_x;
    let covered: f64 = learned.iter().enumerate().map(|(n, y)| distance(n) * (y - mean_y)).sum();
    let slope = covered / (0..learned.len()).map(|n| distance(n) * distance(n)).sum::<f64>();
    (0..length).map(|n| mean_y + slope * distance(n)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_season() {
        let all = [1.0, 3.0, 5.0, 2.0, 4.0, 6.0, 1.0, 3.0, 5.0, 2.0, 4.0, 6.0];
        assert_eq!(season(&all, 12, 3)[..4], [1.5, 3.5, 5.5, 1.5]);
    }

    #[test]
    fn tested_points_are_not_learned() {
        let all = [1.0, 2.0, 3.0, 4.0, 100.0];
        let [baseline, _, _, rest] = split(&all, 4, 0, "linefit", "f").expect("parts");
        assert_eq!(baseline, [1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(rest[4], 95.0);
    }
}
