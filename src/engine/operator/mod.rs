//! Operators that DataFusion does not have, over plain record batches.
//!
//! Each file holds one operator that takes batches in order and gives batches; the engine wraps it into a plan node.
//! What an operator computes on stands in the batch already: its fields name columns by index.

pub mod bucket;
pub mod cells;
pub mod expand;
pub mod graph;
pub mod index;
pub mod lookup;
pub mod parse;
pub mod sequence;
pub mod series;
#[cfg(test)]
mod testing;
pub mod top_nested;
pub mod unique;
mod views;
pub mod window;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

/// A stateful transformation of a stream of batches.
pub trait RowOperator: Send {
    /// Returns the schema of what comes out.
    fn schema(&self) -> SchemaRef;

    /// Takes the next batch and gives what is ready. Results may be of any size; the engine slices them.
    ///
    /// Fails on a limit only (an array that is too large); bad data gives nulls.
    fn push(&mut self, batch: &RecordBatch) -> Result<Vec<RecordBatch>, OperatorError>;

    /// Ends the input and gives the rest.
    fn finish(&mut self) -> Result<Vec<RecordBatch>, OperatorError> {
        Ok(Vec::new())
    }

    /// Gives more of the rest, piece by piece; None once there is none.
    fn more(&mut self) -> Result<Option<Vec<RecordBatch>>, OperatorError> {
        Ok(None)
    }

    /// Returns the bytes that the state holds, roughly.
    fn size(&self) -> usize {
        0
    }
}

/// Why an operator had to stop: names the operator and the limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorError(pub String);

impl From<arrow::error::ArrowError> for OperatorError {
    fn from(error: arrow::error::ArrowError) -> Self {
        OperatorError(error.to_string())
    }
}
