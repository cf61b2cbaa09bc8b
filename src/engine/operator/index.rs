//! Passes rows through in their order, and numbers them where that is asked for.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::SchemaRef;

use super::{OperatorError, RowOperator};
use crate::types::arrow::schema;
use crate::types::{Column, ScalarType};

/// `serialize`, and the order of aggregates that depend on it.
#[derive(Debug)]
pub struct RowIndex {
    schema: SchemaRef,
    numbered: bool,
    next: i64,
}

impl RowIndex {
    /// Makes the operator; with `index` a column of that name is appended that counts from 0.
    pub fn new(columns: &[Column], index: Option<&str>) -> Self {
        let mut columns = columns.to_vec();
        columns.extend(index.map(|name| Column::new(name, ScalarType::Long)));
        RowIndex { schema: schema(&columns), numbered: index.is_some(), next: 0 }
    }
}

impl RowOperator for RowIndex {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<Vec<RecordBatch>, OperatorError> {
        let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
        if self.numbered {
            let end = self.next + batch.num_rows() as i64;
            columns.push(Arc::new(Int64Array::from_iter_values(self.next..end)));
            self.next = end;
        }
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(vec![RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?])
    }
}
