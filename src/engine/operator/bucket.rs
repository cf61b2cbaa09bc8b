//! Rows of one side of a join, once for each stretch of time in which a partner may lie.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{Int64Type, SchemaRef};

use super::{OperatorError, RowOperator};
use crate::types::arrow::schema;
use crate::types::{Column, ScalarType};

/// Repeats a row for every bucket of a width that the period from `value + low` to `value + high` touches, and appends
/// the bucket's number. A row whose value is null has no partner and goes.
#[derive(Debug)]
pub struct Buckets {
    schema: SchemaRef,
    value: usize,
    low: i64,
    high: i64,
    width: i64,
}

impl Buckets {
    /// Makes the operator over the ticks in column `value`.
    pub fn new(columns: &[Column], value: usize, low: i64, high: i64, width: i64) -> Self {
        let mut columns = columns.to_vec();
        columns.push(Column::new("\u{2}bucket", ScalarType::Long));
        Buckets { schema: schema(&columns), value, low, high, width: width.max(1) }
    }
}

impl RowOperator for Buckets {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<Vec<RecordBatch>, OperatorError> {
        let values = batch.column(self.value).as_primitive::<Int64Type>();
        let (mut rows, mut buckets) = (Vec::new(), Vec::new());
        for row in 0..values.len() {
            if values.is_null(row) {
                continue;
            }
            let first = values.value(row).saturating_add(self.low).div_euclid(self.width);
            let last = values.value(row).saturating_add(self.high).div_euclid(self.width);
            for bucket in first..=last {
                rows.push(row as u32);
                buckets.push(bucket);
            }
        }
        let repeated = take_record_batch(batch, &UInt32Array::from(rows))?;
        let mut columns: Vec<ArrayRef> = repeated.columns().to_vec();
        columns.push(Arc::new(Int64Array::from(buckets)));
        Ok(vec![RecordBatch::try_new(self.schema.clone(), columns)?])
    }
}
