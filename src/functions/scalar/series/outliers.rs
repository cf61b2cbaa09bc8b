//! Points of a series that lie far out: Tukey's fences, with the engine's own percentiles and scale.

use std::sync::Arc;

use arrow::array::StringViewArray;

use super::super::rows::{self, Column, Numbers, dynamic, function, integer, optional, overload};
use super::season::{self, Seasonality};
use super::{Series, unsupported, write_longs, write_reals};
use crate::functions::lift::{Json, Long, Reader, Text};
use crate::functions::{Call, Function, FunctionError, Kind, Naming, Parameter, Returns, one};
use crate::types::ScalarType;

const SERIES: Parameter = dynamic("series");
const KIND: Parameter = one("kind", Kind::Is(ScalarType::String));
const IGNORED: Parameter = one("ignore_val", Kind::Number);
const SAME: Returns = Returns::Argument(0);
const ANOMALIES: Returns = Returns::Columns(&[
    ("ad_flag", ScalarType::Dynamic),
    ("ad_score", ScalarType::Dynamic),
    ("baseline", ScalarType::Dynamic),
]);

/// Parameter of type real.
const fn real(name: &'static str) -> Parameter {
    one(name, Kind::Is(ScalarType::Real))
}

/// Functions that score the points of a series.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "series_outliers",
        "Scores how far the points of a series lie out: beyond 1.5 above, below -1.5 below, 0 within the fences.",
        "series-outliers-function",
        Naming::FirstArgument,
        [
            overload!((SERIES, KIND.optional(), IGNORED.optional()) -> SAME, outliers),
            overload!((SERIES, KIND, real("ignore_val"), real("min_percentile"), real("max_percentile").optional(),
                integer("test_points").optional()) -> SAME, outliers)
        ],
        [
            ("tostring(series_outliers(dynamic([1, 2, 3, 4, 9]), 'tukey'))", "'[-0.5,0.0,0.0,0.0,2.5]'"),
            ("tostring(series_outliers(dynamic([7, 7, null])))", "'[0.0,0.0,0.0]'"),
            ("tostring(series_outliers(dynamic([1, 2, 3, 4, 9, -1]), 'tukey', -1))", "'[-0.5,0.0,0.0,0.0,2.5,0.0]'"),
            ("isnull(series_outliers(dynamic(null)))", "true")
        ]
    ),
    function!(
        "series_decompose_anomalies",
        "Finds the points of a series that do not fit its season and trend.",
        "series-decompose-anomalies-function",
        Naming::None,
        [overload!((
            SERIES,
            one("threshold", Kind::Number).optional(),
            integer("period").optional(),
            one("trend", Kind::Is(ScalarType::String)).optional(),
            integer("test_points").optional(),
            one("method", Kind::Is(ScalarType::String)).optional(),
            one("seasonality_threshold", Kind::Number).optional(),
        ) -> ANOMALIES, anomalies)],
        [
            ("tostring(series_decompose_anomalies(dynamic([3, 4, 3, 4, 3, 19]), 1.5, 0)[0])", "'[0,0,0,0,0,1]'"),
            ("tostring(series_decompose_anomalies(dynamic([5, 5, 5, 5]))[0])", "'[0,0,0,0]'"),
            ("tostring(series_decompose_anomalies(dynamic([1, 2, 3]), 1.5, 0, 'linefit')[2])", "'[1.0,2.0,3.0]'"),
            ("isnull(series_decompose_anomalies(dynamic(null))[0])", "true")
        ]
    ),
];

/// Which percentiles the fences start from.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fences {
    /// The quartiles.
    Tukey,
    /// The 10th and the 90th percentile.
    CustomTukey,
}

/// By what the engine multiplies scores of the 10th and 90th percentile, so that 1.5 says what it says of quartiles. The
/// engine's author explains it (question 75264555 of Stack Overflow) and four scores printed there have it to the last
/// digit. It follows from normal quantiles that the engine approximates; those of other percentiles are not published.
const SCALE_10_90: f64 = 2.772605605507915;

impl Fences {
    /// Reads the name of a method.
    fn named(name: &str) -> Result<Fences, FunctionError> {
        match name {
            "tukey" => Ok(Fences::Tukey),
            "ctukey" => Ok(Fences::CustomTukey),
            other => Err(unsupported(format!("the method `{other}` of finding outliers (`tukey` and `ctukey` are)"))),
        }
    }

    /// Scores each of the values; what is None is scored 0 and does not count.
    fn scores(self, values: &[Option<f64>], function: &str) -> Result<Vec<f64>, FunctionError> {
        let mut sorted: Vec<f64> = values.iter().flatten().copied().collect();
        if sorted.iter().any(|value| !value.is_finite()) {
            return Err(unsupported(format!("`{function}()` of a series with infinities")));
        }
        sorted.sort_by(f64::total_cmp);
        let (share, scale) = match self {
            Fences::Tukey => (0.25, 1.0),
            Fences::CustomTukey => (0.1, SCALE_10_90),
        };
        let (low, high) = (percentile(&sorted, share), percentile(&sorted, 1.0 - share));
        let score = |value: f64| {
            if (low..=high).contains(&value) {
                Ok(0.0)
            } else if low < high {
                Ok((value - if value < low { low } else { high }) / (high - low) * scale)
            } else {
                let message = "whose percentiles are one and the same number while others lie outside";
                Err(unsupported(format!("`{function}()` of a series {message}")))
            }
        };
        values.iter().map(|value| value.map_or(Ok(0.0), score)).collect()
    }
}

/// Percentile of sorted values, read between two neighbours; 0 of none.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = last as f64 * share;
    let (below, above) = (sorted[place as usize], sorted[(place as usize + 1).min(last)]);
    below + (above - below) * place.fract()
}

fn outliers(call: &Call) -> Column {
    let name = "series_outliers";
    let (series, kinds) = (Reader::<Json>::new(call, 0), optional::<Text>(call, 1));
    let ignored = Numbers::optional(call, 2);
    let (lowest, highest) = (Numbers::optional(call, 3), Numbers::optional(call, 4));
    let tested = optional::<Long>(call, 5);
    let scores = |row: usize| {
        let Some(series) = series.get(row).and_then(Series::read) else { return Ok(None) };
        let fences = match &kinds {
            Some(kinds) => Fences::named(kinds.get(row).unwrap_or("ctukey"))?,
            None => Fences::CustomTukey,
        };
        let percentiles = [(&lowest, 10.0), (&highest, 90.0)];
        let usual = percentiles.iter().all(|(given, usual)| given.as_ref().is_none_or(|g| g.get(row) == Some(*usual)));
        if !usual && fences == Fences::CustomTukey {
            return Err(unsupported(format!("`{name}()` with percentiles other than 10 and 90")));
        }
        season::no_tested(tested.as_ref().map(|tested| tested.get(row)), name)?;
        let ignored = ignored.as_ref().and_then(|ignored| ignored.get(row));
        let counted = |value: Option<f64>| value.filter(|value| !value.is_nan() && Some(*value) != ignored);
        let values: Vec<Option<f64>> = series.into_reals().into_iter().map(counted).collect();
        fences.scores(&values, name).map(Some)
    };
    let scores = (0..call.rows).map(scores).collect::<Result<Vec<_>, FunctionError>>()?;
    rows::json(call, |row, out| {
        write_reals(scores[row].as_ref()?.iter().copied().map(Some), out);
        Some(())
    })
}

/// Tells whether a rest is so small beside its series that the order of additions decides on it.
fn only_rounding(all: &[f64], rest: &[Option<f64>]) -> bool {
    let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, |most: f64, value| most.max(value.abs()));
    largest(&mut rest.iter().flatten().copied()) <= largest(&mut all.iter().copied()) * 1e-9
}

/// Flags, scores and baseline of a series.
struct Anomalies {
    flags: Vec<i64>,
    scores: Vec<f64>,
    baseline: Vec<f64>,
}

/// The steps as documented: the parts of the series, the scores of its rest, the flags of those beyond the threshold.
fn anomalies(call: &Call) -> Column {
    let name = "series_decompose_anomalies";
    let (series, thresholds) = (Reader::<Json>::new(call, 0), Numbers::optional(call, 1));
    let (periods, trends) = (optional::<Long>(call, 2), optional::<Text>(call, 3));
    let (tested, methods) = (optional::<Long>(call, 4), optional::<Text>(call, 5));
    let seasonal = Numbers::optional(call, 6);
    let anomalies = |row: usize| {
        let Some(all) = series.get(row).map_or(Ok(None), |array| super::numbers(array, name))? else { return Ok(None) };
        let threshold = thresholds.as_ref().map_or(Some(1.5), |thresholds| thresholds.get(row));
        let Some(threshold) = threshold.filter(|threshold| *threshold > 0.0) else {
            return Err(unsupported(format!("`{name}()` with a threshold that is not above 0")));
        };
        season::no_tested(tested.as_ref().map(|tested| tested.get(row)), name)?;
        let given = periods.as_ref().and_then(|periods| periods.get(row));
        let trend = trends.as_ref().and_then(|trends| trends.get(row)).unwrap_or("avg");
        let wanted = if trend == "none" { Seasonality::Season } else { Seasonality::Baseline };
        let period = season::period(given, &all, wanted, season::threshold(seasonal.as_ref(), row), name)?;
        let fences = match &methods {
            Some(methods) => Fences::named(methods.get(row).unwrap_or("ctukey"))?,
            None => Fences::CustomTukey,
        };
        let [baseline, _, _, rest] = season::split(&all, all.len(), period, trend, name)?;
        let rest: Vec<Option<f64>> = rest.into_iter().map(Some).collect();
        let scores = fences.scores(&rest, name)?;
        if scores.iter().any(|score| *score != 0.0) && only_rounding(&all, &rest) {
            return Err(unsupported(format!(
                "`{name}()` of a series that season and trend leave nothing of but rounding"
            )));
        }
        if scores.iter().any(|score| score.abs() == threshold) {
            return Err(unsupported(format!("`{name}()` of a point whose score is the threshold itself")));
        }
        // Whole numbers, as a table printed in a blog of Log Analytics has them (inferred: nothing tells their type).
        let flag = |score: &f64| i64::from(*score > threshold) - i64::from(*score < -threshold);
        Ok(Some(Anomalies { flags: scores.iter().map(flag).collect(), scores, baseline }))
    };
    let anomalies = (0..call.rows).map(anomalies).collect::<Result<Vec<_>, FunctionError>>()?;
    let column = |write: &dyn Fn(&Anomalies, &mut String)| {
        let text = |anomalies: &Anomalies| {
            let mut text = String::new();
            write(anomalies, &mut text);
            text
        };
        Arc::new(anomalies.iter().map(|row| row.as_ref().map(text)).collect::<StringViewArray>()) as _
    };
    rows::several(vec![
        column(&|row, out| write_longs(row.flags.iter().copied().map(Some), out)),
        column(&|row, out| write_reals(row.scores.iter().copied().map(Some), out)),
        column(&|row, out| write_reals(row.baseline.iter().copied().map(Some), out)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_line_has_no_anomalies_worth_the_name() {
        let line: Vec<f64> = (0..30).map(|n| 0.1 + 0.7 * f64::from(n)).collect();
        let [_, _, _, rest] = season::split(&line, 30, 0, "linefit", "f").expect("parts");
        assert!(only_rounding(&line, &rest.into_iter().map(Some).collect::<Vec<_>>()));
    }

    fn scores(fences: Fences, values: &[f64]) -> Vec<f64> {
        let values: Vec<Option<f64>> = values.iter().copied().map(Some).collect();
        fences.scores(&values, "f").expect("scores")
    }

    #[test]
    fn quartiles_score_as_tukey_has_it() {
        // Quartiles 2 and 4: 9 lies 2.5 of their distance above.
        assert_eq!(scores(Fences::Tukey, &[1.0, 2.0, 3.0, 4.0, 9.0]), [-0.5, 0.0, 0.0, 0.0, 2.5]);
    }

    #[test]
    fn the_scale_makes_normal_fences_one() {
        // Eleven values 0..10: the percentiles are 1 and 9.
        let values: Vec<f64> = (0..=10).map(f64::from).collect();
        let scores = scores(Fences::CustomTukey, &values);
        assert_eq!((scores[0], scores[10]), (-1.0 / 8.0 * SCALE_10_90, 1.0 / 8.0 * SCALE_10_90));
        assert!(scores[1..10].iter().all(|score| *score == 0.0));
    }

    #[test]
    fn equal_percentiles_leave_no_scale() {
        let mut values = vec![Some(0.0); 20];
        assert_eq!(Fences::CustomTukey.scores(&values, "f").expect("scores"), vec![0.0; 20]);
        values[3] = Some(7.0);
        assert!(Fences::CustomTukey.scores(&values, "f").is_err());
    }
}
