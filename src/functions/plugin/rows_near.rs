//! `rows_near`: the rows around those where a condition holds.

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};

use super::rows::{Whole, batch, failed};
use super::{BOOL, Columns, Invocation, Parameter, Plugin, Run, Takes};
use crate::functions::{FunctionError, Kind};
use crate::types::Value;

pub(super) static ROWS_NEAR: Plugin = Plugin {
    name: "rows_near",
    summary: "Gives the rows where a condition holds, and so many before and after each.",
    signatures: &[&[
        Parameter::new("Condition", Takes::Expression(BOOL)),
        Parameter::new("NumRows", Takes::Constant(Kind::Integer)),
        Parameter::new("NumRowsAfter", Takes::Constant(Kind::Integer)).optional(),
    ]],
    columns: Columns::Closed(|call| Ok(call.input[..call.own].to_vec())),
    run: Run::Batches(|call, _| Ok(Whole::boxed(call, near))),
    examples: &[
        ("range x from 1 to 9 step 1 | evaluate rows_near(x == 4, 1)", "range x from 3 to 5 step 1"),
        ("range x from 1 to 9 step 1 | evaluate rows_near(x == 4, 1, 3)", "range x from 3 to 7 step 1"),
        ("range x from 1 to 9 step 1 | evaluate rows_near(x == 40, 1)", "range x from 1 to 0 step 1"),
    ],
    page: "rows-near-plugin",
    unlisted: false,
    ordered: true,
};

fn near(call: &Invocation, rows: &RecordBatch) -> Result<RecordBatch, FunctionError> {
    let number = |name: &str| match call.constant(name) {
        Some(Value::Long(number)) => Some(usize::try_from(*number).unwrap_or(0)),
        _ => None,
    };
    let before = number("NumRows").unwrap_or(0);
    let after = number("NumRowsAfter").unwrap_or(before);
    let condition = rows.column(call.place("Condition")).as_boolean();
    let mut keep = vec![false; rows.num_rows()];
    // Up to here all is decided.
    let mut done = 0;
    for row in (0..rows.num_rows()).filter(|row| !condition.is_null(*row) && condition.value(*row)) {
        let end = row.saturating_add(after).saturating_add(1).min(rows.num_rows());
        let from = row.saturating_sub(before).max(done);
        if from < end {
            keep[from..end].fill(true);
        }
        done = done.max(end);
    }
    let kept = arrow::compute::filter_record_batch(rows, &BooleanArray::from(keep)).map_err(failed)?;
    batch(&call.columns, kept.columns()[..call.own].to_vec(), kept.num_rows())
}
