//! The first row of each key: the left side of `join kind=innerunique`.

use std::collections::HashSet;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::row::{OwnedRow, RowConverter, SortField};

use super::{OperatorError, RowOperator};
use crate::types::Column;
use crate::types::arrow::schema;

/// Keeps the first row of each combination of keys; null is a key like others.
pub struct Unique {
    schema: SchemaRef,
    keys: Vec<usize>,
    converter: Option<RowConverter>,
    seen: HashSet<OwnedRow, ahash::RandomState>,
    bytes: usize,
}

impl Unique {
    /// Makes the operator; `keys` are indexes of columns.
    pub fn new(columns: &[Column], keys: Vec<usize>) -> Self {
        Unique { schema: schema(columns), keys, converter: None, seen: HashSet::default(), bytes: 0 }
    }
}

impl RowOperator for Unique {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<Vec<RecordBatch>, OperatorError> {
        let keys: Vec<ArrayRef> = self.keys.iter().map(|i| batch.column(*i).clone()).collect();
        let converter = match &mut self.converter {
            Some(converter) => converter,
            None => {
                let fields = keys.iter().map(|k| SortField::new(k.data_type().clone())).collect();
                self.converter.insert(RowConverter::new(fields)?)
            }
        };
        let rows = converter.convert_columns(&keys)?;
        let mut first = Vec::with_capacity(batch.num_rows());
        for row in rows.iter() {
            let new = self.seen.insert(row.owned());
            if new {
                self.bytes += row.as_ref().len() + 32;
            }
            first.push(new);
        }
        let batch = filter_record_batch(batch, &BooleanArray::from(first))?;
        Ok(vec![RecordBatch::try_new(self.schema.clone(), batch.columns().to_vec())?])
    }

    fn size(&self) -> usize {
        self.bytes
    }
}
