//! How columns lie in Parquet files and Arrow streams that leave alertq.
//!
//! A datetime is a timestamp in microseconds, UTC, which every reader knows (Spark reads no other of this range) and
//! which holds the years 1 to 9999. A column with a moment between two microseconds is in nanoseconds, which hold every
//! tick of the years 1677 to 2262; one that has such a moment beyond these, too, is ticks. The unit depends on the
//! values of the column alone. Text is plain UTF-8, which every reader knows. The KQL type stands in each field's
//! metadata.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Int64Array, RecordBatch, RecordBatchOptions, TimestampMicrosecondArray, TimestampNanosecondArray,
};
use arrow::datatypes::{
    DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType, TimestampNanosecondType,
};
use arrow::error::ArrowError;

use crate::types::arrow::{TYPE_KEY, data_type, schema};
use crate::types::{Column, ScalarType, ticks};

/// What the datetimes of a column are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Micros,
    Nanos,
    Ticks,
}

impl Unit {
    const fn of(needs: Needs) -> Unit {
        match (needs.fine, needs.far) {
            (false, _) => Unit::Micros,
            (true, false) => Unit::Nanos,
            (true, true) => Unit::Ticks,
        }
    }
}

/// What the moments of a column so far ask of its unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Needs {
    /// One lies between two microseconds.
    fine: bool,
    /// One lies where 64 bits hold no nanoseconds.
    far: bool,
}

impl Needs {
    fn with(self, moments: &Int64Array) -> Needs {
        let (mut fine, mut far) = (self.fine, self.far);
        for moment in moments.iter().flatten() {
            fine |= ticks::to_unix_micros(moment).is_none();
            far |= ticks::to_unix_nanos(moment).is_none();
        }
        Needs { fine, far }
    }
}

/// Columns as they leave, and what the datetimes among them are counted in.
#[derive(Debug, Clone)]
pub(super) struct Physical {
    columns: Vec<Column>,
    needs: Vec<Needs>,
    pub(super) schema: SchemaRef,
}

impl Physical {
    /// Makes the mapping in which every datetime is in microseconds.
    pub(super) fn new(columns: &[Column]) -> Physical {
        Physical::with(columns.to_vec(), vec![Needs::default(); columns.len()])
    }

    fn with(columns: Vec<Column>, needs: Vec<Needs>) -> Physical {
        let fields = columns.iter().zip(&needs).map(|(column, needs)| field(column, Unit::of(*needs)));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<Field>>()));
        Physical { columns, needs, schema }
    }

    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Takes note of a batch; returns the mapping that holds it too, None if this one does.
    pub(super) fn widened(&mut self, batch: &RecordBatch) -> Option<Physical> {
        let mut needs = self.needs.clone();
        for ((column, array), needs) in self.columns.iter().zip(batch.columns()).zip(&mut needs) {
            if column.scalar_type == ScalarType::DateTime {
                *needs = needs.with(array.as_primitive());
            }
        }
        let changed = needs.iter().zip(&self.needs).any(|(new, old)| Unit::of(*new) != Unit::of(*old));
        if changed {
            return Some(Physical::with(self.columns.clone(), needs));
        }
        self.needs = needs;
        None
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
        if self.columns[index].scalar_type != ScalarType::DateTime {
            return array.clone();
        }
        let moments = array.as_primitive::<Int64Type>();
        match Unit::of(self.needs[index]) {
            Unit::Micros => {
                let stamps: TimestampMicrosecondArray = moments.unary_opt(ticks::to_unix_micros);
                Arc::new(stamps.with_timezone("UTC"))
            }
            Unit::Nanos => {
                let stamps: TimestampNanosecondArray = moments.unary_opt(ticks::to_unix_nanos);
                Arc::new(stamps.with_timezone("UTC"))
            }
            Unit::Ticks => array.clone(),
        }
    }

    /// Maps a batch that was mapped by this back to the engine's mapping.
    pub(super) fn unmap(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let arrays = batch.columns().iter().zip(&self.columns).map(|(array, column)| match array.data_type() {
            DataType::Timestamp(..) => Ok(moments(array)),
            _ => arrow::compute::cast(array, &data_type(column.scalar_type)),
        });
        RecordBatch::try_new(schema(&self.columns), arrays.collect::<Result<_, _>>()?)
    }
}

/// Maps a column of datetimes back to ticks.
pub(super) fn moments(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let stamps = array.as_primitive::<TimestampMicrosecondType>();
            Arc::new(stamps.unary_opt::<_, Int64Type>(ticks::from_unix_micros))
        }
        DataType::Timestamp(..) => {
            let stamps = array.as_primitive::<TimestampNanosecondType>();
            Arc::new(stamps.unary::<_, Int64Type>(ticks::from_unix_nanos))
        }
        _ => array.clone(),
    }
}

fn field(column: &Column, unit: Unit) -> Field {
    let stamp = |unit| DataType::Timestamp(unit, Some("UTC".into()));
    let data_type = match (column.scalar_type, unit) {
        (ScalarType::DateTime, Unit::Micros) => stamp(TimeUnit::Microsecond),
        (ScalarType::DateTime, Unit::Nanos) => stamp(TimeUnit::Nanosecond),
        (ScalarType::String | ScalarType::Guid | ScalarType::Dynamic, _) => DataType::Utf8,
        (other, _) => data_type(other),
    };
    let metadata = [(TYPE_KEY.to_string(), column.scalar_type.name().to_string())];
    Field::new(&column.name, data_type, column.scalar_type != ScalarType::String).with_metadata(metadata.into())
}
