//! Rows for plugins: batches made, held and taken apart.

use std::collections::HashMap;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::row::{RowConverter, SortField};

use super::{Invocation, Process};
use crate::functions::FunctionError;
use crate::types::Column;
use crate::types::arrow::{Footprint, data_type, schema};

/// Makes a batch.
pub(super) fn batch(columns: &[Column], arrays: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch, FunctionError> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema(columns), arrays, &options).map_err(failed)
}

pub(super) fn failed(error: arrow::error::ArrowError) -> FunctionError {
    FunctionError { code: "AQ900", message: error.to_string(), argument: None }
}

/// Makes an error about rows that a plugin has no sure answer for.
pub(super) fn unsure(message: impl Into<String>) -> FunctionError {
    FunctionError { code: "AQ040", message: message.into(), argument: None }
}

/// Chooses rows of a column.
pub(super) fn chosen(array: &ArrayRef, rows: &UInt32Array) -> Result<ArrayRef, FunctionError> {
    arrow::compute::take(array, rows, None).map_err(failed)
}

/// Returns a name that none of the columns has: a number is put behind it, as in a join.
pub(super) fn free_name(name: &str, columns: &[Column]) -> String {
    let taken = |name: &str| columns.iter().any(|column| column.name == name);
    if !taken(name) {
        return name.to_string();
    }
    (1..).map(|number| format!("{name}{number}")).find(|name| !taken(name)).unwrap_or_default()
}

/// Rows told apart by the values of some of their columns.
pub(super) struct Groups {
    /// The group of each row: groups are numbered as they first come.
    pub of: Vec<u32>,
    /// A row of each group.
    pub first: Vec<u32>,
}

impl Groups {
    pub(super) fn new(rows: &RecordBatch, columns: &[Column], places: &[usize]) -> Result<Groups, FunctionError> {
        if places.is_empty() {
            let first = if rows.num_rows() == 0 { Vec::new() } else { vec![0] };
            return Ok(Groups { of: vec![0; rows.num_rows()], first });
        }
        let fields = places.iter().map(|place| SortField::new(data_type(columns[*place].scalar_type))).collect();
        let converter = RowConverter::new(fields).map_err(failed)?;
        let keys: Vec<ArrayRef> = places.iter().map(|place| rows.column(*place).clone()).collect();
        let keys = converter.convert_columns(&keys).map_err(failed)?;
        let mut numbers = HashMap::new();
        let mut groups = Groups { of: Vec::with_capacity(rows.num_rows()), first: Vec::new() };
        for row in 0..keys.num_rows() {
            let number = *numbers.entry(keys.row(row)).or_insert_with(|| {
                groups.first.push(row as u32);
                groups.first.len() as u32 - 1
            });
            groups.of.push(number);
        }
        Ok(groups)
    }
}

/// Computes over all rows at once.
pub(super) struct Whole {
    call: Invocation,
    held: Vec<RecordBatch>,
    size: Footprint,
    run: Computation,
}

/// What is done with the rows.
pub(super) type Computation = fn(&Invocation, &RecordBatch) -> Result<RecordBatch, FunctionError>;

impl Whole {
    pub(super) fn boxed(call: &Invocation, run: Computation) -> Box<dyn Process> {
        Box::new(Whole { call: call.clone(), held: Vec::new(), size: Footprint::default(), run })
    }
}

impl Process for Whole {
    fn push(&mut self, batch: &RecordBatch) -> Result<Vec<RecordBatch>, FunctionError> {
        self.size.add(batch);
        self.held.push(batch.clone());
        Ok(Vec::new())
    }

    fn finish(&mut self) -> Result<Vec<RecordBatch>, FunctionError> {
        let rows = arrow::compute::concat_batches(&schema(&self.call.input), &self.held).map_err(failed)?;
        self.held.clear();
        let result = (self.run)(&self.call, &rows)?;
        self.size = Footprint::default();
        Ok(vec![result])
    }

    fn size(&self) -> usize {
        self.size.bytes()
    }
}
