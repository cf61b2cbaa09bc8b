//! Plugins that count users by periods of time.
//!
//! Periods start at `Start`; one without rows has no row in the result, as in the printed results of the reference.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Float64Array, RecordBatch};

use super::rows::{Groups, Whole, unsure};
use super::timeline::{
    DIMENSION, END, ID, Moments, Output, Periods, START, TIMELINE, amount, bin_at, check, longs, period_columns,
};
use super::{AMOUNT, Columns, Invocation, Parameter, Plugin, Run, Takes};
use crate::functions::FunctionError;
use crate::types::ScalarType::{Long, Real};

const STEP: Parameter = Parameter::new("Step", AMOUNT);
const LOOK_BACK: Parameter = Parameter::new("LookBackWindow", AMOUNT);

pub(super) static PLUGINS: &[&Plugin] = &[
    &Plugin {
        name: "activity_counts_metrics",
        summary: "Counts rows, ids, new ids and all ids so far in each period.",
        signatures: &[&[ID, TIMELINE, START, END, STEP, DIMENSION]],
        columns: Columns::Closed(|call| {
            check(call, "TimelineColumn", &["Start", "End"], &["Step"])?;
            let numbers = [("count", Long), ("dcount", Long), ("new_dcount", Long), ("aggregated_dcount", Long)];
            Ok(period_columns(call, "TimelineColumn", &numbers))
        }),
        run: Run::Batches(|call, _| Ok(Whole::boxed(call, counts_metrics))),
        examples: &[(
            "datatable(U:string, T:long)['a', 1, 'b', 1, 'a', 2, 'c', 2] | evaluate activity_counts_metrics(U, T, 1, 2, 1)",
            "datatable(T:long, count:long, dcount:long, new_dcount:long, aggregated_dcount:long)[1, 2, 2, 2, 2, 2, 2, 2, 1, 3]",
        )],
        page: "activity-counts-metrics-plugin",
        unlisted: false,
        ordered: false,
    },
    &Plugin {
        name: "activity_metrics",
        summary: "Counts ids and new ids in each period, and the part that stayed and that left since the one before.",
        // Microsoft's parser lets all but the first two be left out. No page says what holds in place of them.
        signatures: &[
            &[ID, TIMELINE, START, END, STEP, DIMENSION],
            &[ID, TIMELINE, Parameter::new("(not supported)", Takes::Anything).repeated(0)],
        ],
        columns: Columns::Closed(|call| {
            if call.arguments.len() < 5 {
                let message =
                    "`activity_metrics` without `Start`, `End` and `Window` is not supported: write all three";
                return Err(call.error("Start", "AQ001", message));
            }
            check(call, "TimelineColumn", &["Start", "End"], &["Step"])?;
            let numbers =
                [("dcount_values", Long), ("dcount_newvalues", Long), ("retention_rate", Real), ("churn_rate", Real)];
            Ok(period_columns(call, "TimelineColumn", &numbers))
        }),
        run: Run::Batches(|call, _| Ok(Whole::boxed(call, metrics))),
        examples: &[(
            "datatable(U:string, T:long)['a', 1, 'b', 1, 'a', 2, 'c', 2] | evaluate activity_metrics(U, T, 1, 2, 1)",
            "datatable(T:long, dcount_values:long, dcount_newvalues:long, retention_rate:real, churn_rate:real)\
             [1, 2, 2, real(nan), real(nan), 2, 2, 1, 0.5, 0.5]",
        )],
        page: "activity-metrics-plugin",
        unlisted: false,
        ordered: false,
    },
    &Plugin {
        name: "sliding_window_counts",
        summary: "Counts the rows and ids of the periods that end with each one.",
        signatures: &[&[ID, TIMELINE, START, END, LOOK_BACK, STEP, DIMENSION]],
        columns: Columns::Closed(|call| {
            check(call, "TimelineColumn", &["Start", "End"], &["LookBackWindow", "Step"])?;
            if amount(call, "LookBackWindow") % amount(call, "Step").max(1) != 0 {
                return Err(call.error(
                    "LookBackWindow",
                    "AQ001",
                    "a window that is not made of whole steps is not supported",
                ));
            }
            Ok(period_columns(call, "TimelineColumn", &[("Count", Long), ("Dcount", Long)]))
        }),
        run: Run::Batches(|call, _| Ok(Whole::boxed(call, sliding))),
        examples: &[(
            "datatable(U:string, T:long)['a', 1, 'b', 2] | evaluate sliding_window_counts(U, T, 1, 3, 2, 1)",
            "datatable(T:long, Count:long, Dcount:long)[1, 1, 1, 2, 2, 2, 3, 1, 1]",
        )],
        page: "sliding-window-counts-plugin",
        unlisted: false,
        ordered: false,
    },
    &Plugin {
        name: "active_users_count",
        summary: "Counts ids that come in so many periods within the time before one of their rows.",
        signatures: &[&[
            ID,
            TIMELINE,
            START,
            END,
            Parameter::new("LookbackWindow", AMOUNT),
            Parameter::new("Period", AMOUNT),
            Parameter::new("ActivePeriods", AMOUNT),
            STEP,
            DIMENSION,
        ]],
        columns: Columns::Closed(|call| {
            check(call, "TimelineColumn", &["Start", "End"], &["LookbackWindow", "Period", "Step"])?;
            Ok(period_columns(call, "TimelineColumn", &[("dcount", Long)]))
        }),
        run: Run::Batches(|call, _| Ok(Whole::boxed(call, active_users))),
        examples: &[(
            "datatable(U:string, T:long)['a', 1, 'a', 2, 'b', 1] | evaluate active_users_count(U, T, 1, 9, 5, 1, 2, 3)",
            "datatable(T:long, dcount:long)[1, 1]",
        )],
        page: "active-users-count-plugin",
        unlisted: false,
        ordered: false,
    },
];

fn counts_metrics(call: &Invocation, rows: &RecordBatch) -> Result<RecordBatch, FunctionError> {
    let periods = Periods::new(call, rows, amount(call, "Start"), amount(call, "Step"))?;
    let mut output = Output::new(call, rows, "TimelineColumn");
    let (mut counts, mut distinct, mut new, mut all) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (dimensions, bins) in periods.dimensions.iter().zip(&periods.ids) {
        let mut seen: HashSet<u32> = HashSet::new();
        for (bin, ids) in bins {
            let own: HashSet<u32> = ids.iter().copied().collect();
            let before = seen.len();
            seen.extend(&own);
            output.row(*bin, *dimensions)?;
            counts.push(ids.len() as i64);
            distinct.push(own.len() as i64);
            new.push((seen.len() - before) as i64);
            all.push(seen.len() as i64);
        }
    }
    output.finish([counts, distinct, new, all].map(longs).to_vec())
}

/// What stayed and what left are parts of the ids of the period right before: of none there are none (NaN).
fn metrics(call: &Invocation, rows: &RecordBatch) -> Result<RecordBatch, FunctionError> {
    let step = amount(call, "Step");
    let periods = Periods::new(call, rows, amount(call, "Start"), step)?;
    let mut output = Output::new(call, rows, "TimelineColumn");
    let (mut distinct, mut new, mut stayed, mut left) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (dimensions, bins) in periods.dimensions.iter().zip(&periods.ids) {
        let mut before: (Option<i64>, HashSet<u32>) = (None, HashSet::new());
        for (bin, ids) in bins {
            let own: HashSet<u32> = ids.iter().copied().collect();
            let earlier = if before.0 == bin.checked_sub(step) { before.1 } else { HashSet::new() };
            let returned = own.intersection(&earlier).count();
            output.row(*bin, *dimensions)?;
            distinct.push(own.len() as i64);
            new.push((own.len() - returned) as i64);
            stayed.push(returned as f64 / earlier.len() as f64);
            left.push((earlier.len() - returned) as f64 / earlier.len() as f64);
            before = (Some(*bin), own);
        }
    }
    let rates = [stayed, left].map(|rates| Arc::new(Float64Array::from(rates)) as arrow::array::ArrayRef);
    let counts = [distinct, new].map(longs);
    output.finish(counts.into_iter().chain(rates).collect())
}

/// Each row counts in its own period and in those after it that the window reaches (documented: the plugin names the
/// technique).
fn sliding(call: &Invocation, rows: &RecordBatch) -> Result<RecordBatch, FunctionError> {
    let (start, end, step) = (amount(call, "Start"), amount(call, "End"), amount(call, "Step"));
    let window = amount(call, "LookBackWindow");
    let reach = window.saturating_sub(step);
    // Nothing older reaches the first period.
    let periods = Periods::new(call, rows, start.saturating_sub(reach), step)?;
    let mut output = Output::new(call, rows, "TimelineColumn");
    let (mut counts, mut distinct) = (Vec::new(), Vec::new());
    for (dimensions, bins) in periods.dimensions.iter().zip(&periods.ids) {
        let bins: Vec<(&i64, &Vec<u32>)> = bins.iter().collect();
        // The rows of each id within the window, and of all.
        let (mut held, mut all): (HashMap<u32, u64>, u64) = (HashMap::new(), 0);
        let (mut entering, mut leaving) = (0, 0);
        let mut period = bins.first().map(|(bin, _)| (**bin).max(start));
        while let Some(at) = period.filter(|at| *at <= end) {
            while let Some((_, ids)) = bins.get(entering).filter(|(bin, _)| **bin <= at) {
                for id in *ids {
                    *held.entry(*id).or_default() += 1;
                }
                all += ids.len() as u64;
                entering += 1;
            }
            while let Some((_, ids)) = bins.get(leaving).filter(|(bin, _)| bin.saturating_add(reach) < at) {
                for id in *ids {
                    if let Some(count) = held.get_mut(id) {
                        *count -= 1;
                        if *count == 0 {
                            held.remove(id);
                        }
                    }
                }
                all -= ids.len() as u64;
                leaving += 1;
            }
            if all > 0 {
                output.row(at, *dimensions)?;
                counts.push(all as i64);
                distinct.push(held.len() as i64);
                period = at.checked_add(step);
            } else {
                // On to the next period that has rows.
                period = bins.get(entering).map(|(bin, _)| **bin);
            }
        }
    }
    output.finish([counts, distinct].map(longs).to_vec())
}

/// A row of an id counts where the id came in enough periods within the time before it, its own among them. The time
/// begins behind `LookbackWindow` before the row, as in the printed result of the reference.
fn active_users(call: &Invocation, rows: &RecordBatch) -> Result<RecordBatch, FunctionError> {
    let (start, end, step) = (amount(call, "Start"), amount(call, "End"), amount(call, "Step"));
    let (window, period, enough) =
        (amount(call, "LookbackWindow"), amount(call, "Period"), amount(call, "ActivePeriods").max(0) as usize);
    let moments = Moments::new(call, rows, "TimelineColumn");
    let dimensions = Groups::new(rows, &call.input, &call.places("Dimension"))?;
    let places = [call.places("IdColumn"), call.places("Dimension")].concat();
    let ids = Groups::new(rows, &call.input, &places)?;
    let mut rows_of: Vec<Vec<(i64, u32)>> = vec![Vec::new(); ids.first.len()];
    for row in 0..rows.num_rows() {
        if let Some(moment) = moments.get(row) {
            rows_of[ids.of[row] as usize].push((moment, dimensions.of[row]));
        }
    }
    let mut found: HashMap<(u32, i64), i64> = HashMap::new();
    for mut times in rows_of {
        times.sort_unstable();
        let mut bins: HashSet<(u32, i64)> = HashSet::new();
        for (at, (moment, dimension)) in times.iter().enumerate() {
            if *moment < start || *moment > end {
                continue;
            }
            let active = |back: &dyn Fn(i64) -> bool| {
                let near = times[..=at].iter().rev().map(|(earlier, _)| *earlier).take_while(|earlier| back(*earlier));
                near.map(|earlier| bin_at(earlier, period, start)).collect::<HashSet<i64>>().len() >= enough
            };
            let by_moments = active(&|earlier| earlier > moment.saturating_sub(window));
            let own = bin_at(*moment, period, start);
            let by_periods = active(&|earlier| bin_at(earlier, period, start) > own.saturating_sub(window));
            let aligned =
                start.rem_euclid(period) == 0 || times.iter().all(|(t, _)| (t - start).rem_euclid(period) == 0);
            if by_moments != by_periods || !aligned {
                return Err(unsure(
                    "whether the time before a row is counted in whole periods is not sure, and here it matters; bring the \
                     timeline to whole periods before `active_users_count`, with bin()",
                ));
            }
            if by_moments {
                bins.insert((*dimension, bin_at(*moment, step, start)));
            }
        }
        for bin in bins {
            *found.entry(bin).or_default() += 1;
        }
    }
    let mut found: Vec<((u32, i64), i64)> = found.into_iter().collect();
    found.sort_unstable();
    let mut output = Output::new(call, rows, "TimelineColumn");
    let mut counts = Vec::with_capacity(found.len());
    for ((dimension, bin), count) in found {
        output.row(bin, dimensions.first[dimension as usize])?;
        counts.push(count);
    }
    output.finish(vec![longs(counts)])
}
