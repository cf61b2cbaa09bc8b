//! How exact datetimes are in the result, for readers that know no 100 nanoseconds.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use clap::ValueEnum;

use crate::cli::stop::Stop;
use crate::types::ticks::TICKS_PER_MICROSECOND;
use crate::types::{Column, ScalarType};

/// How exact datetimes are in the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Times {
    /// Every tick of 100 nanoseconds is kept.
    Exact,
    /// Cut to microseconds, and what was cut is counted.
    Micros,
}

impl Times {
    /// Returns a batch with these columns as exact as this says, and counts the values that were cut.
    pub(super) fn of(self, batch: &RecordBatch, columns: &[Column], cut: &mut u64) -> Result<RecordBatch, Stop> {
        if self == Times::Exact {
            return Ok(batch.clone());
        }
        let arrays = batch.columns().iter().zip(columns).map(|(array, column)| match column.scalar_type {
            ScalarType::DateTime => floor(array, cut),
            _ => array.clone(),
        });
        RecordBatch::try_new(batch.schema(), arrays.collect()).map_err(Stop::failure)
    }
}

fn floor(moments: &ArrayRef, cut: &mut u64) -> ArrayRef {
    let Some(moments) = moments.as_primitive_opt::<Int64Type>() else { return moments.clone() };
    let between = |moment: &i64| moment % TICKS_PER_MICROSECOND != 0;
    *cut += moments.iter().flatten().filter(between).count() as u64;
    Arc::new(moments.unary::<_, Int64Type>(|moment| moment - moment.rem_euclid(TICKS_PER_MICROSECOND)))
}
