//! `rolling_percentile`: a percentile over the periods that end with each one.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array};

use super::rows::{Groups, Whole, chosen, unsure};
use super::timeline::{Moments, Output, amount, bin_at, check, period_columns};
use super::{AMOUNT, Columns, Invocation, Parameter, Plugin, Run, SUMMABLE, Takes};
use crate::functions::aggregate::nearest_rank;
use crate::functions::{FunctionError, Kind};
use crate::types::{Column, Value, number};

pub(super) static ROLLING_PERCENTILE: Plugin = Plugin {
    name: "rolling_percentile",
    summary: "Gives a percentile of the values in the periods that end with each one.",
    signatures: &[&[
        Parameter::new("ValueColumn", SUMMABLE),
        Parameter::new("Percentile", Takes::Constant(Kind::Number)),
        Parameter::new("IndexColumn", SUMMABLE),
        Parameter::new("BinSize", AMOUNT),
        Parameter::new("BinsPerWindow", Takes::Constant(Kind::Integer)),
        Parameter::new("Dimension", super::PLAIN).repeated(0),
    ]],
    columns: Columns::Closed(columns),
    run: Run::Batches(|call, _| Ok(Whole::boxed(call, percentiles))),
    examples: &[(
        "range x from 1 to 4 step 1 | project v = x * 10, x | evaluate rolling_percentile(v, 50, x, 1, 2)",
        "datatable(x:long, rolling_2_percentile_v_50:long)[1, 10, 2, 10, 3, 20, 4, 30]",
    )],
    page: "rolling-percentile-plugin",
    unlisted: false,
    ordered: false,
};

fn percent(call: &Invocation) -> f64 {
    match call.constant("Percentile") {
        Some(Value::Int(value)) => f64::from(*value),
        Some(Value::Long(value)) => *value as f64,
        Some(Value::Real(value)) => *value,
        _ => f64::NAN,
    }
}

fn columns(call: &Invocation) -> Result<Vec<Column>, FunctionError> {
    check(call, "IndexColumn", &[], &["BinSize"])?;
    let percent = percent(call);
    if !(0.0..=100.0).contains(&percent) {
        return Err(call.error("Percentile", "AQ041", "`Percentile` must lie between 0 and 100"));
    }
    let bins = match call.constant("BinsPerWindow") {
        Some(Value::Long(bins)) if *bins > 0 => *bins,
        _ => return Err(call.error("BinsPerWindow", "AQ041", "`BinsPerWindow` must be at least 1")),
    };
    let Some(value) = call.column("ValueColumn") else { return Ok(Vec::new()) };
    let percent = if percent.fract() == 0.0 { format!("{percent:.0}") } else { number::format_real(percent) };
    let name = format!("rolling_{bins}_percentile_{}_{percent}", value.name);
    Ok(period_columns(call, "IndexColumn", &[(&name, value.scalar_type)]))
}

/// Each combination of dimensions has a row for each of its periods. What comes out for a period without rows between two
/// others, or behind the last, is not known.
fn percentiles(call: &Invocation, rows: &RecordBatch) -> Result<RecordBatch, FunctionError> {
    let size = amount(call, "BinSize");
    let window = amount(call, "BinsPerWindow").max(1);
    let moments = Moments::new(call, rows, "IndexColumn");
    let values = rows.column(call.place("ValueColumn"));
    let order = order(values)?;
    let groups = Groups::new(rows, &call.input, &call.places("Dimension"))?;
    let mut bins: Vec<BTreeMap<i64, Vec<u32>>> = vec![BTreeMap::new(); groups.first.len()];
    for row in 0..rows.num_rows() {
        if let Some(moment) = moments.get(row) {
            let rows = bins[groups.of[row] as usize].entry(bin_at(moment, size, 0)).or_default();
            if !values.is_null(row) {
                rows.push(row as u32);
            }
        }
    }
    let last = bins.iter().filter_map(|bins| bins.keys().next_back()).max().copied();
    let mut output = Output::new(call, rows, "IndexColumn");
    let mut found: Vec<Option<u32>> = Vec::new();
    for (dimensions, bins) in groups.first.iter().zip(&bins) {
        let bins: Vec<(&i64, &Vec<u32>)> = bins.iter().collect();
        let whole = bins.windows(2).all(|pair| pair[0].0.checked_add(size) == Some(*pair[1].0));
        if !whole || bins.last().map(|(bin, _)| **bin) != last {
            return Err(unsure(
                "`rolling_percentile` is sure where every period has rows, up to the last one: here some have none",
            ));
        }
        for at in 0..bins.len() {
            let from = (at + 1).saturating_sub(usize::try_from(window).unwrap_or(usize::MAX));
            let mut within: Vec<u32> = bins[from..=at].iter().flat_map(|(_, rows)| rows.iter().copied()).collect();
            output.row(*bins[at].0, *dimensions)?;
            found.push(if within.is_empty() {
                None
            } else {
                let rank = nearest_rank(percent(call), within.len() as i64) as usize - 1;
                Some(*within.select_nth_unstable_by_key(rank, |row| order[*row as usize]).1)
            });
        }
    }
    let percentiles: ArrayRef = chosen(values, &UInt32Array::from(found))?;
    output.finish(vec![percentiles])
}

/// Returns the place of each row in the order of the values.
fn order(values: &ArrayRef) -> Result<Vec<u32>, FunctionError> {
    let sorted = arrow::compute::sort_to_indices(values, None, None).map_err(super::rows::failed)?;
    let mut order = vec![0; values.len()];
    for (place, row) in sorted.values().iter().enumerate() {
        order[*row as usize] = place as u32;
    }
    Ok(order)
}
