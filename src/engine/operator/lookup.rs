//! Several paths into one dynamic column, in one pass over its text.

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;

use super::{OperatorError, RowOperator};
use crate::engine::path::Lookup;
use crate::types::Column;
use crate::types::arrow::schema;

/// Passes columns on and appends one for each path.
#[derive(Debug)]
pub struct Lookups {
    schema: SchemaRef,
    kept: Vec<usize>,
    source: usize,
    lookup: Lookup,
}

impl Lookups {
    /// Makes the operator: the columns `kept` of the input, then what is looked up in the column `source`.
    pub(in crate::engine) fn new(columns: &[Column], kept: Vec<usize>, source: usize, lookup: Lookup) -> Self {
        Lookups { schema: schema(columns), kept, source, lookup }
    }
}

impl RowOperator for Lookups {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<Vec<RecordBatch>, OperatorError> {
        let mut columns: Vec<ArrayRef> = self.kept.iter().map(|i| batch.column(*i).clone()).collect();
        columns.extend(self.lookup.columns(batch.column(self.source)));
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(vec![RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?])
    }
}
