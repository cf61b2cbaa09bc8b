//! How columns lie in Parquet files and Arrow streams that leave alertq.
//!
//! A datetime is a timestamp in nanoseconds, UTC, which holds the years 1677 to 2262 and keeps every tick; a column
//! with a value beyond that is ticks. Text is plain UTF-8, which every reader knows. The KQL type stands in each
//! field's metadata.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions, TimestampNanosecondArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;

use crate::types::arrow::{TYPE_KEY, data_type};
use crate::types::{Column, ScalarType, ticks};

/// Columns as they leave, and which datetimes among them are ticks.
#[derive(Debug, Clone)]
pub(super) struct Physical {
    columns: Vec<Column>,
    as_ticks: Vec<bool>,
    pub(super) schema: SchemaRef,
}

impl Physical {
    /// Makes the mapping in which every datetime is a timestamp.
    pub(super) fn new(columns: &[Column]) -> Physical {
        Physical::with(columns.to_vec(), vec![false; columns.len()])
    }

    fn with(columns: Vec<Column>, as_ticks: Vec<bool>) -> Physical {
        let fields: Vec<Field> = columns.iter().zip(&as_ticks).map(|(column, ticks)| field(column, *ticks)).collect();
        Physical { columns, as_ticks, schema: Arc::new(Schema::new(fields)) }
    }

    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Returns the mapping that holds the batch too; None if this one does.
    pub(super) fn widened(&self, batch: &RecordBatch) -> Option<Physical> {
        let as_ticks: Vec<bool> =
            (0..self.columns.len()).map(|index| self.as_ticks[index] || !self.fits(batch, index)).collect();
        (as_ticks != self.as_ticks).then(|| Physical::with(self.columns.clone(), as_ticks))
    }

    fn fits(&self, batch: &RecordBatch, index: usize) -> bool {
        self.columns[index].scalar_type != ScalarType::DateTime
            || batch
                .column(index)
                .as_primitive::<Int64Type>()
                .iter()
                .flatten()
                .all(|moment| ticks::to_unix_nanos(moment).is_some())
    }

    /// Maps a batch of the engine, which fits.
    pub(super) fn map(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let arrays = (0..self.columns.len()).map(|index| match self.schema.field(index).data_type() {
            DataType::Utf8 => arrow::compute::cast(batch.column(index), &DataType::Utf8),
            _ => Ok(self.array(batch.column(index), index)),
        });
        let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)
    }

    /// Maps a column of the engine, which fits; texts stay views, for a writer that takes them.
    pub(super) fn array(&self, array: &ArrayRef, index: usize) -> ArrayRef {
        if self.columns[index].scalar_type != ScalarType::DateTime || self.as_ticks[index] {
            return array.clone();
        }
        let moments = array.as_primitive::<Int64Type>();
        let stamps: TimestampNanosecondArray =
            moments.iter().map(|moment| moment.and_then(ticks::to_unix_nanos)).collect();
        Arc::new(stamps.with_timezone("UTC"))
    }
}

fn field(column: &Column, as_ticks: bool) -> Field {
    let data_type = match column.scalar_type {
        ScalarType::DateTime if !as_ticks => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
        ScalarType::String | ScalarType::Guid | ScalarType::Dynamic => DataType::Utf8,
        other => data_type(other),
    };
    let metadata = [(TYPE_KEY.to_string(), column.scalar_type.name().to_string())];
    Field::new(&column.name, data_type, column.scalar_type != ScalarType::String).with_metadata(metadata.into())
}
