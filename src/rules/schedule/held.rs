//! Rows in the order of the times of their records, of which each run gets a slice.

use std::sync::OnceLock;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::buffer::ScalarBuffer;
use arrow::compute::{filter_record_batch, take_record_batch};
use arrow::datatypes::Int64Type;
use arrow::error::ArrowError;

use super::chain::Bounds;
use super::clock::Moment;
use crate::rules::Assumptions;
use crate::types::{Column, ScalarType};

/// Times in their order, in ticks: the column's own.
type Times = ScalarBuffer<i64>;

type Result<T> = std::result::Result<T, ArrowError>;

/// Rows of one table, or of what a chain makes of them.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) columns: Vec<Column>,
    /// In the order of the times in `times`; rows without a time come last, and no window has them.
    pub(super) rows: RecordBatch,
    /// None where the table has no such column: every run sees all of it.
    pub(super) times: Option<Times>,
    /// When each of the rows was ingested, where the records tell.
    ingested: Option<usize>,
    /// The rows in the order of their ingestion times, and these; made when they are asked for.
    by_ingestion: OnceLock<Option<(RecordBatch, Times)>>,
}

impl Held {
    /// Holds rows; the times are those of the columns of these names.
    pub(super) fn new(columns: Vec<Column>, rows: &RecordBatch, time: &str, ingested: &str) -> Result<Held> {
        let place = |name: &str| {
            columns.iter().position(|column| column.name == name && column.scalar_type == ScalarType::DateTime)
        };
        let ingested = place(ingested);
        let (rows, times) = match place(time) {
            Some(time) => {
                let (rows, times) = sorted(rows, time)?;
                (rows, Some(times))
            }
            None => (rows.clone(), None),
        };
        Ok(Held { columns, rows, times, ingested, by_ingestion: OnceLock::new() })
    }

    fn by_ingestion(&self) -> Result<Option<&(RecordBatch, Times)>> {
        let Some(place) = self.ingested else { return Ok(None) };
        if self.by_ingestion.get().is_none() {
            // Whoever comes second made the same.
            let _ = self.by_ingestion.set(Some(sorted(&self.rows, place)?));
        }
        Ok(self.by_ingestion.get().and_then(Option::as_ref))
    }

    /// Returns the rows that a run sees, of those within bounds.
    pub(super) fn window(&self, moment: &Moment, bounds: Bounds, assumptions: Assumptions) -> Result<RecordBatch> {
        if moment.by_ingestion
            && let Some((rows, times)) = self.by_ingestion()?
        {
            let (start, end) = range(times, moment, bounds, assumptions);
            return Ok(rows.slice(start, end - start));
        }
        let Some(times) = &self.times else { return Ok(self.rows.clone()) };
        let (start, end) = range(times, moment, bounds, assumptions);
        let rows = self.rows.slice(start, end - start);
        match self.there(&rows, moment) {
            Some(there) if there.true_count() < rows.num_rows() => filter_record_batch(&rows, &there),
            _ => Ok(rows),
        }
    }

    /// Counts the rows that a run sees.
    pub(super) fn count(&self, moment: &Moment, assumptions: Assumptions) -> Result<u64> {
        Ok(self.window(moment, Bounds::NONE, assumptions)?.num_rows() as u64)
    }

    /// Tells which rows had come when the query ran; None where nobody knows.
    fn there(&self, rows: &RecordBatch, moment: &Moment) -> Option<BooleanArray> {
        let came: &ArrayRef = rows.column(self.ingested?);
        let came = came.as_primitive::<Int64Type>();
        Some(came.iter().map(|time| Some(time.is_none_or(|time| time <= moment.written))).collect())
    }
}

/// Returns where the rows within a window begin and end.
fn range(times: &[i64], moment: &Moment, bounds: Bounds, assumptions: Assumptions) -> (usize, usize) {
    let last = if assumptions.window_is_closed { moment.now.saturating_add(1) } else { moment.now };
    let (from, to) = (moment.from.max(bounds.from), last.min(bounds.to));
    let start = times.partition_point(|time| *time < from);
    let end = times.partition_point(|time| *time < to);
    (start, end.max(start))
}

/// Sorts rows by a column of times, those without one last; returns the times that there are.
fn sorted(rows: &RecordBatch, column: usize) -> Result<(RecordBatch, Times)> {
    let options = arrow::compute::SortOptions { descending: false, nulls_first: false };
    // The place in the file decides between equal times: the sort is not stable.
    let keys = rows.column(column).as_primitive::<Int64Type>();
    let in_order = (1..keys.len())
        .all(|row| keys.is_null(row) || (!keys.is_null(row - 1) && keys.value(row - 1) <= keys.value(row)));
    let rows = if in_order {
        rows.clone()
    } else {
        let places = arrow::array::UInt64Array::from_iter_values(0..rows.num_rows() as u64);
        let columns = [
            arrow::compute::SortColumn { values: rows.column(column).clone(), options: Some(options) },
            arrow::compute::SortColumn { values: std::sync::Arc::new(places), options: None },
        ];
        take_record_batch(rows, &arrow::compute::lexsort_to_indices(&columns, None)?)?
    };
    let times = rows.column(column).as_primitive::<Int64Type>();
    let times = times.values().slice(0, times.len() - times.null_count());
    Ok((rows, times))
}
