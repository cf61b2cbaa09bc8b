//! `dcount_intersect`: how many values the sets that `hll()` saw have in common.
//!
//! Kusto estimates it; of few values the estimate is exact, as the documented example shows, and so are the sketches here
//! that still hold every hash. Others are refused.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};

use super::rows::{batch, unsure};
use super::{Columns, Invocation, Parameter, Plugin, Process, Run, Takes};
use crate::functions::sketch::{Hll, Seen};
use crate::functions::{FunctionError, Kind};
use crate::types::{Column, ScalarType};

pub(super) static DCOUNT_INTERSECT: Plugin = Plugin {
    name: "dcount_intersect",
    summary: "Counts what sets have in common that hll() made: the first one, the first two, and so on.",
    signatures: &[&[Parameter::new("hll", Takes::Expression(Kind::Dynamic)).repeated(2)]],
    columns: Columns::Closed(|call| {
        let counts = (0..call.arguments.len()).map(|index| Column::new(format!("s{index}"), ScalarType::Long));
        Ok(call.input[..call.own].iter().cloned().chain(counts).collect())
    }),
    run: Run::Batches(|call, _| Ok(Box::new(Intersect(call.clone())))),
    examples: &[
        (
            "range x from 1 to 12 step 1 | summarize a = hll(x), b = hll(x * 2), c = hll(x * 3) | evaluate \
             dcount_intersect(a, b, c) | project s0, s1, s2",
            "print s0 = 12, s1 = 6, s2 = 2",
        ),
        (
            "range x from 1 to 3 step 1 | summarize a = hll(x), b = hll(-x) | evaluate dcount_intersect(a, b) | project \
             s1",
            "print s1 = 0",
        ),
        (
            "datatable(x: string)['', 'a'] | summarize a = hll(x), b = hll('') | evaluate dcount_intersect(a, b) | project \
             s0, s1",
            "print s0 = 2, s1 = 1",
        ),
    ],
    page: "dcount-intersect-plugin",
    unlisted: false,
    ordered: false,
};

struct Intersect(Invocation);

impl Process for Intersect {
    fn push(&mut self, rows: &RecordBatch) -> Result<Vec<RecordBatch>, FunctionError> {
        let Intersect(call) = self;
        let places = call.places("hll");
        let mut counts: Vec<Vec<i64>> = vec![Vec::with_capacity(rows.num_rows()); places.len()];
        for row in 0..rows.num_rows() {
            let mut common: Option<Vec<u64>> = None;
            for (place, counts) in places.iter().zip(&mut counts) {
                let mut next = hashes(rows.column(*place), row)?;
                if let Some(common) = &common {
                    next.retain(|hash| common.binary_search(hash).is_ok());
                }
                counts.push(next.len() as i64);
                common = Some(next);
            }
        }
        let counts = counts.into_iter().map(|counts| Arc::new(Int64Array::from(counts)) as ArrayRef);
        let columns = rows.columns()[..call.own].iter().cloned().chain(counts).collect();
        Ok(vec![batch(&call.columns, columns, rows.num_rows())?])
    }
}

/// Returns the hashes that a sketch holds, sorted.
fn hashes(sketches: &ArrayRef, row: usize) -> Result<Vec<u64>, FunctionError> {
    let text = (!sketches.is_null(row)).then(|| sketches.as_string_view().value(row));
    match text.and_then(Hll::read).map(|hll| hll.seen) {
        Some(Seen::Hashes(hashes)) => {
            let mut hashes: Vec<u64> = hashes.into_iter().collect();
            hashes.sort_unstable();
            Ok(hashes)
        }
        Some(Seen::Registers(_)) => Err(unsure(
            "how Kusto estimates what sketches of many values have in common is not documented; join the values instead",
        )),
        None => Err(unsure("`dcount_intersect` counts in sketches that this query made with hll()")),
    }
}
