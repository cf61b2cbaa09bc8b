//! How columns lie in Parquet files and Arrow streams that leave alertq.
//!
//! A datetime is a timestamp in microseconds, UTC, which every reader knows (Spark reads no other of this range) and
//! which holds the years 1 to 9999. A column with a moment between two microseconds is in nanoseconds, which hold every
//! tick of the years 1677 to 2262; one that has such a moment beyond these, too, is ticks. The unit depends on the
//! values of the column alone. A decimal has 38 digits, 18 of them behind the point, which every reader knows; a column
//! with one that has others has all of the engine's. Text is plain UTF-8, which every reader knows. The KQL type stands in
//! each field's metadata.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Decimal128Array, RecordBatch, RecordBatchOptions, TimestampMicrosecondArray,
    TimestampNanosecondArray,
};
use arrow::datatypes::{
    DataType, Decimal256Type, Field, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType,
    TimestampNanosecondType, i256,
};
use arrow::error::ArrowError;

use crate::types::arrow::{TYPE_KEY, data_type, schema};
use crate::types::{Column, ScalarType, decimal, ticks};

/// Decimals as every reader knows them.
const NARROW: DataType = DataType::Decimal128(NARROW_PRECISION, NARROW_SCALE);
const NARROW_PRECISION: u8 = 38;
const NARROW_SCALE: i8 = 18;

/// Returns a decimal as every reader knows it; None where that is not the same number or has more than 38 digits.
fn narrow(value: i256) -> Option<i128> {
    const FACTOR: i256 = i256::from_parts(10_u128.pow((decimal::SCALE - NARROW_SCALE) as u32), 0);
    const MOST: u128 = 10_u128.pow(NARROW_PRECISION as u32);
    let whole = value.wrapping_div(FACTOR);
    let narrow = whole.to_i128().filter(|narrow| narrow.unsigned_abs() < MOST)?;
    (whole.wrapping_mul(FACTOR) == value).then_some(narrow)
}

/// What the datetimes or decimals of a column are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// Microseconds; decimals of 38 digits.
    Common,
    /// Nanoseconds.
    Nanos,
    /// Ticks; decimals of 74 digits.
    Engine,
}

impl Unit {
    const fn of(needs: Needs) -> Unit {
        match (needs.fine, needs.far) {
            (false, _) => Unit::Common,
            (true, false) => Unit::Nanos,
            (true, true) => Unit::Engine,
        }
    }
}

/// What the values of a column so far ask of its unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Needs {
    /// One lies between two microseconds, or has more digits than common decimals.
    fine: bool,
    /// One lies where 64 bits hold no nanoseconds, or has more digits than common decimals.
    far: bool,
}

impl Needs {
    fn add(&mut self, column: &Column, array: &ArrayRef) {
        match column.scalar_type {
            ScalarType::DateTime => {
                let Some(moments) = array.as_primitive_opt::<Int64Type>() else { return };
                for moment in moments.iter().flatten() {
                    self.fine |= ticks::to_unix_micros(moment).is_none();
                    self.far |= ticks::to_unix_nanos(moment).is_none();
                }
            }
            ScalarType::Decimal => {
                let Some(values) = array.as_primitive_opt::<Decimal256Type>() else { return };
                let wide = values.iter().flatten().any(|value| narrow(value).is_none());
                self.fine |= wide;
                self.far |= wide;
            }
            _ => {}
        }
    }
}

/// What the datetimes and decimals of each column are counted in: what holds all values that have been observed.
#[derive(Debug, Clone, Default)]
pub struct Units(Vec<Needs>);

impl Units {
    /// Takes note of the values of a batch with these columns.
    pub fn observe(&mut self, columns: &[Column], batch: &RecordBatch) {
        self.0.resize(columns.len(), Needs::default());
        for ((column, array), needs) in columns.iter().zip(batch.columns()).zip(&mut self.0) {
            needs.add(column, array);
        }
    }

    /// Takes over the units that a file has, where it has these columns.
    pub fn observe_file(&mut self, columns: &[Column], file: &Schema) {
        self.0.resize(columns.len(), Needs::default());
        for (column, needs) in columns.iter().zip(&mut self.0) {
            let found = file.field_with_name(&column.name).map(Field::data_type);
            let engine = matches!(found, Ok(DataType::Int64 | DataType::Decimal256(..)));
            needs.fine |= engine || matches!(found, Ok(DataType::Timestamp(TimeUnit::Nanosecond, _)));
            needs.far |= engine;
        }
    }

    fn of(&self, column: usize) -> Unit {
        Unit::of(self.0.get(column).copied().unwrap_or_default())
    }
}

/// Units are equal where all columns are counted alike.
impl PartialEq for Units {
    fn eq(&self, other: &Units) -> bool {
        (0..self.0.len().max(other.0.len())).all(|column| self.of(column) == other.of(column))
    }
}

/// Columns as they leave, and what the datetimes and decimals among them are counted in.
#[derive(Debug, Clone)]
pub(super) struct Physical {
    columns: Vec<Column>,
    units: Units,
    pub(super) schema: SchemaRef,
}

impl Physical {
    /// Makes the mapping in which datetimes and decimals are in these units.
    pub(super) fn new(columns: &[Column], units: Units) -> Physical {
        let fields = columns.iter().enumerate().map(|(place, column)| field(column, units.of(place)));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<Field>>()));
        Physical { columns: columns.to_vec(), units, schema }
    }

    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Takes note of a batch; returns the mapping that holds it too, None if this one does.
    pub(super) fn widened(&mut self, batch: &RecordBatch) -> Option<Physical> {
        let mut units = self.units.clone();
        units.observe(&self.columns, batch);
        if units != self.units {
            return Some(Physical::new(&self.columns, units));
        }
        self.units = units;
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
        match (self.columns[index].scalar_type, self.units.of(index)) {
            (ScalarType::DateTime, Unit::Common) => {
                let stamps: TimestampMicrosecondArray =
                    array.as_primitive::<Int64Type>().unary_opt(ticks::to_unix_micros);
                Arc::new(stamps.with_timezone("UTC"))
            }
            (ScalarType::DateTime, Unit::Nanos) => {
                let stamps: TimestampNanosecondArray =
                    array.as_primitive::<Int64Type>().unary_opt(ticks::to_unix_nanos);
                Arc::new(stamps.with_timezone("UTC"))
            }
            (ScalarType::Decimal, Unit::Common) => {
                let decimals: Decimal128Array = array.as_primitive::<Decimal256Type>().unary_opt(narrow);
                Arc::new(decimals.with_data_type(NARROW))
            }
            _ => array.clone(),
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
        (ScalarType::DateTime, Unit::Common) => stamp(TimeUnit::Microsecond),
        (ScalarType::DateTime, Unit::Nanos) => stamp(TimeUnit::Nanosecond),
        (ScalarType::Decimal, Unit::Common) => NARROW,
        (ScalarType::String | ScalarType::Guid | ScalarType::Dynamic, _) => DataType::Utf8,
        (other, _) => data_type(other),
    };
    let metadata = [(TYPE_KEY.to_string(), column.scalar_type.name().to_string())];
    Field::new(&column.name, data_type, column.scalar_type != ScalarType::String).with_metadata(metadata.into())
}
