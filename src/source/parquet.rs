//! Parquet in: what a file's columns are, and anybody's batches by the engine's mapping.
//!
//! Queries scan Parquet files where they lie; this is for describing and converting them. A field's KQL type is what
//! its metadata says (`kql.type`), else what its Arrow type suggests: a timestamp without a zone is UTC, a list or
//! structure is dynamic, a dictionary is what it holds.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use ::parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, RecordBatchOptions, StringViewArray,
};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use hashbrown::HashMap;

use crate::types::arrow::{TABLE_KEY, TYPE_KEY, data_type, repeat, schema};
use crate::types::{Column, ScalarType, Value, json, shred, ticks};

use super::build::{ColumnBuilder, Reading};
use super::cell::Cell;
use super::decode::Bytes;
use super::error::{Error, Place};
use super::read::Chunk;
use super::rows::{BadRow, Fault};

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The columns under the file's names.
    pub columns: Vec<Column>,
    /// Rows.
    pub rows: u64,
    /// The value of the column `Type`, where the statistics say that all rows agree.
    pub type_name: Option<String>,
    /// The table that the rows are of, where the file's metadata says so.
    pub table: Option<String>,
}

/// Describes a file by its footer.
///
/// Fails when the file is not Parquet, was cut off, or has columns of a type that KQL has nothing for.
pub fn describe(path: &Path) -> Result<Description, Error> {
    describe_bytes(&Bytes::new(path)?.seekable()?).map(|(description, _)| description)
}

/// The end of a file, which says what is in it, and which state of the file it is of.
#[derive(Debug, Clone)]
pub struct Footer {
    /// What it says, and the index of pages.
    pub metadata: Arc<ParquetMetaData>,
    /// The file's bytes.
    pub size: u64,
    /// When the file was changed last.
    pub modified: SystemTime,
}

pub(super) fn describe_bytes(bytes: &Bytes) -> Result<(Description, Option<Footer>), Error> {
    let file = bytes.file()?;
    // Before the footer is read: if the file is changed meanwhile, then this is of no state that it has.
    let state = file.metadata().and_then(|state| Ok((state.len(), state.modified()?))).ok();
    // With the page index: a query asks for it, and would copy a footer without it to add it.
    let builder = builder(bytes, file, PageIndexPolicy::Optional)?;
    let mut columns = columns(builder.schema()).map_err(|error| error.at(&bytes.path))?;
    let metadata = builder.metadata();
    // Parts of other columns are none of the table's own.
    let parts = shred::names(metadata.file_metadata());
    columns.retain(|column| !parts.contains(&column.name));
    let rows = u64::try_from(metadata.file_metadata().num_rows()).unwrap_or_default();
    let footer = state.map(|(size, modified)| Footer { metadata: metadata.clone(), size, modified });
    Ok((Description { columns, rows, type_name: type_name(metadata), table: table_name(metadata) }, footer))
}

fn builder(bytes: &Bytes, file: File, index: PageIndexPolicy) -> Result<ParquetRecordBatchReaderBuilder<File>, Error> {
    let options = ArrowReaderOptions::new().with_page_index_policy(index);
    ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).map_err(|error| {
        Error::new(format!("not readable as Parquet: {error}"))
            .at(&bytes.path)
            .remedy("the file may have been cut off: its end tells what is in it")
    })
}

/// Returns the KQL columns of an Arrow schema.
pub fn columns(schema: &Schema) -> Result<Vec<Column>, Error> {
    schema.fields().iter().map(|field| Ok(Column::new(field.name(), scalar_type(field)?))).collect()
}

fn scalar_type(field: &Field) -> Result<ScalarType, Error> {
    let declared = field.metadata().get(TYPE_KEY).and_then(|name| ScalarType::from_name(name));
    if let Some(declared) = declared {
        return Ok(declared);
    }
    suggested(field.data_type())
        .ok_or_else(|| Error::new(format!("column {} is {}, which has no KQL type", field.name(), field.data_type())))
}

fn suggested(data_type: &DataType) -> Option<ScalarType> {
    Some(match data_type {
        DataType::Boolean => ScalarType::Bool,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => ScalarType::Int,
        DataType::Int64 | DataType::UInt32 => ScalarType::Long,
        // The only type that holds all of them.
        DataType::UInt64 => ScalarType::Decimal,
        DataType::Float16 | DataType::Float32 | DataType::Float64 => ScalarType::Real,
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            ScalarType::Decimal
        }
        DataType::Null | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => ScalarType::String,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => ScalarType::String,
        DataType::FixedSizeBinary(16) => ScalarType::Guid,
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => ScalarType::DateTime,
        DataType::Time32(_) | DataType::Time64(_) | DataType::Duration(_) => ScalarType::TimeSpan,
        DataType::Dictionary(_, value) => suggested(value)?,
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::FixedSizeList(..)
        | DataType::Struct(_)
        | DataType::Map(..) => ScalarType::Dynamic,
        _ => return None,
    })
}

fn table_name(metadata: &ParquetMetaData) -> Option<String> {
    let pairs = metadata.file_metadata().key_value_metadata()?;
    pairs.iter().find(|pair| pair.key == TABLE_KEY)?.value.clone().filter(|name| super::survey::is_name(name))
}

/// Reads the one value of `Type` out of the statistics.
fn type_name(metadata: &ParquetMetaData) -> Option<String> {
    let mut name: Option<Vec<u8>> = None;
    for group in metadata.row_groups() {
        let column = group.columns().iter().find(|column| column.column_path().string() == "Type")?;
        let statistics = column.statistics()?;
        let least = statistics.min_bytes_opt()?;
        let same = statistics.max_bytes_opt() == Some(least) && statistics.null_count_opt().unwrap_or(0) == 0;
        if !same || !statistics.min_is_exact() || name.as_deref().is_some_and(|name| name != least) {
            return None;
        }
        name.get_or_insert_with(|| least.to_vec());
    }
    String::from_utf8(name?).ok()
}

/// Brings a batch as any Parquet file has it to the engine's mapping of the target's columns.
///
/// Columns are found by their name, then by their name in other letters; what the batch lacks is filled up with nulls,
/// strings with `""`. Fails when a value is none of its column's type.
///
/// ```
/// use std::sync::Arc;
/// use alertq::{source::parquet::adapt, types::{Column, ScalarType}};
/// use arrow::array::{ArrayRef, LargeStringArray, RecordBatch};
///
/// let flags: ArrayRef = Arc::new(LargeStringArray::from(vec![Some("True"), None]));
/// let batch = RecordBatch::try_from_iter([("isincident", flags)]).unwrap();
/// let adapted = adapt(&batch, &[Column::new("IsIncident", ScalarType::Bool)]).unwrap();
/// assert_eq!(adapted.column(0).null_count(), 1);
/// ```
pub fn adapt(batch: &RecordBatch, target: &[Column]) -> Result<RecordBatch, Error> {
    let fields = batch.schema();
    let find = |name: &str| {
        let exact = fields.fields().iter().position(|field| field.name() == name);
        exact.or_else(|| fields.fields().iter().position(|field| field.name().eq_ignore_ascii_case(name)))
    };
    adapt_by(batch, target, |index| find(&target[index].name))
}

fn adapt_by(
    batch: &RecordBatch,
    target: &[Column],
    find: impl Fn(usize) -> Option<usize>,
) -> Result<RecordBatch, Error> {
    let rows = batch.num_rows();
    let arrays = target.iter().enumerate().map(|(index, column)| match find(index) {
        Some(at) => {
            let from = scalar_type(batch.schema().field(at))?;
            convert(batch.column(at), from, column)
        }
        None => Ok(repeat(&Value::missing(column.scalar_type), rows)),
    });
    let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema(target), arrays, &options)
        .map_err(|error| Error::new(format!("the batch does not fit its schema: {error}")))
}

fn convert(array: &ArrayRef, from: ScalarType, column: &Column) -> Result<ArrayRef, Error> {
    let array = match array.data_type() {
        DataType::Dictionary(_, value) => cast(array, value, column)?,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView if from == ScalarType::String => {
            cast(array, &DataType::Utf8View, column)?
        }
        _ => array.clone(),
    };
    let target = data_type(column.scalar_type);
    match (column.scalar_type, array.data_type()) {
        (ScalarType::String, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) => {
            Ok(without_nulls(&cast(&array, &target, column)?))
        }
        (ScalarType::DateTime, DataType::Timestamp(unit, _)) => moments(&array, *unit, column),
        (ScalarType::DateTime, DataType::Date32 | DataType::Date64) => {
            moments(&cast(&array, &DataType::Timestamp(TimeUnit::Second, None), column)?, TimeUnit::Second, column)
        }
        (ScalarType::TimeSpan, DataType::Duration(unit)) => {
            spans(&cast(&array, &DataType::Int64, column)?, *unit, column)
        }
        (ScalarType::TimeSpan, DataType::Time32(_) | DataType::Time64(_)) => {
            let nanos = cast(&array, &DataType::Time64(TimeUnit::Nanosecond), column)?;
            spans(&cast(&nanos, &DataType::Int64, column)?, TimeUnit::Nanosecond, column)
        }
        // Ticks of our own making, and numbers in the narrower types.
        (_, DataType::Int64) if from == column.scalar_type && target == DataType::Int64 => Ok(array),
        (ScalarType::Bool, DataType::Boolean) => Ok(array),
        (ScalarType::Int | ScalarType::Long | ScalarType::Real | ScalarType::Decimal, other)
            if other.is_numeric() && from == column.scalar_type =>
        {
            cast(&array, &target, column)
        }
        (ScalarType::Real, other) if other.is_integer() => cast(&array, &target, column),
        (ScalarType::Guid, DataType::FixedSizeBinary(16)) => Ok(guids(&array)),
        _ => by_cells(&array, from, column),
    }
}

/// Casts, and refuses what the other type cannot hold instead of making it null.
fn cast(array: &ArrayRef, to: &DataType, column: &Column) -> Result<ArrayRef, Error> {
    let options = arrow::compute::CastOptions { safe: false, ..Default::default() };
    arrow::compute::cast_with_options(array, to, &options).map_err(|error| {
        Error::new(format!("column {} cannot be read as {}: {error}", column.name, column.scalar_type))
    })
}

/// Strings are never null.
fn without_nulls(array: &ArrayRef) -> ArrayRef {
    if array.null_count() == 0 {
        return array.clone();
    }
    Arc::new(array.as_string_view().iter().map(|text| Some(text.unwrap_or_default())).collect::<StringViewArray>())
}

fn moments(array: &ArrayRef, unit: TimeUnit, column: &Column) -> Result<ArrayRef, Error> {
    let numbers = cast(array, &DataType::Int64, column)?;
    each(&numbers, column, |number| moment(number, unit))
}

/// Returns the moment that is so long after 1970, if `datetime` can hold it.
fn moment(number: i64, unit: TimeUnit) -> Option<i64> {
    match unit {
        TimeUnit::Second => ticks::from_unix_seconds(number),
        TimeUnit::Millisecond => ticks::from_unix_millis(number),
        TimeUnit::Microsecond => ticks::from_unix_micros(number),
        TimeUnit::Nanosecond => Some(ticks::from_unix_nanos(number)),
    }
    .and_then(ticks::in_range)
}

fn spans(numbers: &ArrayRef, unit: TimeUnit, column: &Column) -> Result<ArrayRef, Error> {
    each(numbers, column, |number| match unit {
        TimeUnit::Second => number.checked_mul(ticks::TICKS_PER_SECOND),
        TimeUnit::Millisecond => number.checked_mul(ticks::TICKS_PER_MILLISECOND),
        TimeUnit::Microsecond => number.checked_mul(ticks::TICKS_PER_MICROSECOND),
        TimeUnit::Nanosecond => Some(number.div_euclid(100)),
    })
}

fn each(numbers: &ArrayRef, column: &Column, change: impl Fn(i64) -> Option<i64>) -> Result<ArrayRef, Error> {
    let numbers = numbers.as_primitive::<Int64Type>();
    let changed = numbers.iter().enumerate().map(|(row, number)| {
        let Some(number) = number else { return Ok(None) };
        change(number).map(Some).ok_or_else(|| {
            let message = format!("column {}: {number} is beyond what a {} holds", column.name, column.scalar_type);
            Error::new(message).place(Place { record: Some(row as u64 + 1), ..Place::default() })
        })
    });
    Ok(Arc::new(changed.collect::<Result<Int64Array, _>>()?))
}

fn guids(array: &ArrayRef) -> ArrayRef {
    let guids = array.as_fixed_size_binary().iter().map(|bytes| {
        bytes.and_then(|bytes| uuid::Uuid::from_slice(bytes).ok()).map(|guid| guid.hyphenated().to_string())
    });
    Arc::new(guids.collect::<StringViewArray>())
}

/// Converts value by value, through what a text file would have held.
fn by_cells(array: &ArrayRef, from: ScalarType, column: &Column) -> Result<ArrayRef, Error> {
    let reading = Reading { dynamic_is_text: true, ..Reading::default() };
    let mut builder = ColumnBuilder::new(column.scalar_type);
    let mut text = String::new();
    let is_plain = matches!(
        array.data_type(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Boolean | DataType::Null
    );
    for row in 0..array.len() {
        text.clear();
        let written = if is_plain { Ok(()) } else { write_json(array, row, from, 0, &mut text) };
        written.and_then(|()| builder.push(&cell(array, row, from, &text), reading)).map_err(|reason| {
            let place = Place { record: Some(row as u64 + 1), ..Place::default() };
            Error::new(format!("column {}: {reason}", column.name)).place(place)
        })?;
    }
    Ok(builder.finish())
}

fn cell<'a>(array: &'a ArrayRef, row: usize, from: ScalarType, json: &'a str) -> Cell<'a> {
    if array.is_null(row) {
        return Cell::Null;
    }
    match array.data_type() {
        DataType::Utf8 => Cell::Text(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Cell::Text(array.as_string::<i64>().value(row)),
        DataType::Utf8View => Cell::Text(array.as_string_view().value(row)),
        DataType::Boolean => Cell::Bool(array.as_boolean().value(row)),
        _ if from == ScalarType::Dynamic => Cell::Json(json),
        other if other.is_numeric() => Cell::Number(json),
        DataType::Null => Cell::Null,
        // Times and the rest are strings in JSON.
        _ => Cell::Text(json.trim_matches('"')),
    }
}

/// Writes a value as JSON, lists and structures within each other too.
fn write_json(array: &dyn Array, row: usize, from: ScalarType, depth: usize, out: &mut String) -> Result<(), String> {
    if depth > super::cell::DEEPEST {
        return Err("lists and structures are nested too deep".to_string());
    }
    if array.is_null(row) {
        out.push_str("null");
        return Ok(());
    }
    let items = |items: &ArrayRef, out: &mut String| -> Result<(), String> {
        for item in 0..items.len() {
            out.push(if item == 0 { '[' } else { ',' });
            write_json(items, item, ScalarType::Dynamic, depth + 1, out)?;
        }
        out.push_str(if items.is_empty() { "[]" } else { "]" });
        Ok(())
    };
    match array.data_type() {
        DataType::List(_) => items(&array.as_list::<i32>().value(row), out),
        DataType::LargeList(_) => items(&array.as_list::<i64>().value(row), out),
        DataType::FixedSizeList(..) => items(&array.as_fixed_size_list().value(row), out),
        DataType::Struct(fields) => {
            let parts = array.as_struct();
            for (index, field) in fields.iter().enumerate() {
                out.push(if index == 0 { '{' } else { ',' });
                json::write_string(field.name(), out);
                out.push(':');
                write_json(parts.column(index), row, ScalarType::Dynamic, depth + 1, out)?;
            }
            out.push_str(if fields.is_empty() { "{}" } else { "}" });
            Ok(())
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            for entry in 0..entries.len() {
                out.push(if entry == 0 { '{' } else { ',' });
                json::write_string(&shown(entries.column(0), entry)?, out);
                out.push(':');
                write_json(entries.column(1), entry, ScalarType::Dynamic, depth + 1, out)?;
            }
            out.push_str(if entries.is_empty() { "{}" } else { "}" });
            Ok(())
        }
        DataType::Boolean => {
            out.push_str(if array.as_boolean().value(row) { "true" } else { "false" });
            Ok(())
        }
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            let number = shown(array, row)?;
            let number: f64 = number.parse().map_err(|_| format!("{number} is no number"))?;
            match Float64Array::from(vec![number]).value(0) {
                number if number.is_finite() => out.push_str(&serde_json::Value::from(number).to_string()),
                number if number.is_nan() => out.push_str("NaN"),
                number => out.push_str(if number > 0.0 { "Infinity" } else { "-Infinity" }),
            }
            Ok(())
        }
        other if other.is_numeric() && from != ScalarType::DateTime && from != ScalarType::TimeSpan => {
            out.push_str(&shown(array, row)?);
            Ok(())
        }
        DataType::Int64 => {
            let number = array.as_primitive::<Int64Type>().value(row);
            let write = if from == ScalarType::TimeSpan { ticks::format_timespan } else { ticks::format_datetime };
            json::write_string(&write(number), out);
            Ok(())
        }
        DataType::Timestamp(unit, _) => {
            let numbers = arrow::compute::cast(&array.slice(row, 1), &DataType::Int64);
            let number = numbers.ok().map(|numbers| numbers.as_primitive::<Int64Type>().value(0));
            match number.and_then(|number| moment(number, *unit)) {
                Some(moment) => json::write_string(&ticks::format_datetime(moment), out),
                None => json::write_string(&shown(array, row)?, out),
            }
            Ok(())
        }
        _ => {
            json::write_string(&shown(array, row)?, out);
            Ok(())
        }
    }
}

fn shown(array: &dyn Array, row: usize) -> Result<String, String> {
    let formatter = ArrayFormatter::try_new(array, &FormatOptions::default()).map_err(|error| error.to_string())?;
    formatter.value(row).try_to_string().map_err(|error| error.to_string())
}

/// The rows of a file, a batch at a time.
pub(super) struct Rows {
    bytes: Bytes,
    reader: ParquetRecordBatchReader,
    target: Vec<Column>,
    /// For each column of the target the field of the file's that fills it, by its name.
    sources: Vec<Option<String>>,
    /// Rows read so far.
    read: u64,
}

impl Rows {
    pub(super) fn open(
        bytes: &Bytes,
        target: &[Column],
        places: &HashMap<String, Option<usize>>,
        batch_rows: usize,
    ) -> Result<Rows, Error> {
        let builder = builder(bytes, bytes.file()?, PageIndexPolicy::Skip)?;
        let mut sources = vec![None; target.len()];
        let mut roots = Vec::new();
        for (index, field) in builder.schema().fields().iter().enumerate() {
            if let Some(Some(place)) = places.get(field.name()) {
                sources[*place] = Some(field.name().clone());
                roots.push(index);
            }
        }
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
        let reader = builder.with_projection(mask).with_batch_size(batch_rows.max(1)).build();
        let reader = reader.map_err(|error| Error::new(format!("not readable as Parquet: {error}")).at(&bytes.path))?;
        Ok(Rows { bytes: bytes.clone(), reader, target: target.to_vec(), sources, read: 0 })
    }

    /// Reads on; None behind the end. Rows whose values do not fit are left out and told.
    pub(super) fn next_chunk(&mut self) -> Result<Option<Chunk>, Error> {
        let Some(batch) = self.reader.next() else {
            self.bytes.progress().add(self.bytes.size());
            return Ok(None);
        };
        let batch =
            batch.map_err(|error| Error::new(format!("the Parquet file is damaged: {error}")).at(&self.bytes.path))?;
        let before = self.read;
        self.read += batch.num_rows() as u64;
        let adapted = self.adapt(&batch).map(|batch| Chunk { batch, bad: Vec::new() });
        adapted.or_else(|_| self.sift(&batch, before)).map(Some).map_err(|error| error.at(&self.bytes.path))
    }

    fn adapt(&self, batch: &RecordBatch) -> Result<RecordBatch, Error> {
        adapt_by(batch, &self.target, |index| self.source(batch, index))
    }

    fn source(&self, batch: &RecordBatch, index: usize) -> Option<usize> {
        self.sources[index].as_ref().and_then(|name| batch.schema().index_of(name).ok())
    }

    /// Adapts the rows that can be.
    fn sift(&self, batch: &RecordBatch, before: u64) -> Result<Chunk, Error> {
        let mut bad = Vec::new();
        let mut keep = vec![true; batch.num_rows()];
        for (row, keep) in keep.iter_mut().enumerate() {
            let Some(fault) = self.fault(&batch.slice(row, 1)) else { continue };
            *keep = false;
            let place = Place { record: Some(before + row as u64 + 1), ..Place::default() };
            bad.push(BadRow { path: self.bytes.path.clone(), place, fault, text: record_text(batch, row) });
        }
        let kept = arrow::compute::filter_record_batch(batch, &BooleanArray::from(keep));
        let kept = kept.map_err(|error| Error::new(format!("the batch does not fit its schema: {error}")))?;
        Ok(Chunk { batch: self.adapt(&kept)?, bad })
    }

    /// Returns what is wrong with the batch's only row.
    fn fault(&self, row: &RecordBatch) -> Option<Fault> {
        self.target.iter().enumerate().find_map(|(index, column)| {
            let at = self.source(row, index)?;
            let converted = scalar_type(row.schema().field(at)).and_then(|from| convert(row.column(at), from, column));
            let error = converted.err()?;
            let value = shown(row.column(at), 0).unwrap_or_default();
            Some(Fault { reason: error.message, column: Some(column.name.clone()), value: Some(value) })
        })
    }
}

/// Writes a row as a JSON object, as far as it can be written.
fn record_text(batch: &RecordBatch, row: usize) -> String {
    let mut text = String::from("{");
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()).filter(|(_, array)| array.is_valid(row)) {
        if text.len() > 1 {
            text.push(',');
        }
        json::write_string(field.name(), &mut text);
        text.push(':');
        let from = scalar_type(field).unwrap_or(ScalarType::String);
        let before = text.len();
        if write_json(array, row, from, 0, &mut text).is_err() {
            text.truncate(before);
            text.push_str("null");
        }
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        DictionaryArray, Int32Array, LargeStringArray, ListArray, StringArray, StructArray, TimestampMicrosecondArray,
    };
    use arrow::datatypes::Int32Type;

    use crate::types::arrow::value_at;

    use super::*;

    fn adapted(array: ArrayRef, scalar_type: ScalarType) -> Result<Vec<Value>, Error> {
        let batch = RecordBatch::try_from_iter([("a", array)]).unwrap();
        let batch = adapt(&batch, &[Column::new("a", scalar_type)])?;
        Ok((0..batch.num_rows()).map(|row| value_at(batch.column(0), row, scalar_type)).collect())
    }

    #[test]
    fn timestamps_of_every_unit_become_ticks() {
        let wanted = vec![Value::DateTime(ticks::parse_datetime("2025-02-25T09:19:25.5Z").unwrap())];
        let micros = 1_740_475_165_500_000;
        let naive: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![micros]));
        let zoned: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![micros]).with_timezone("Europe/Berlin"));
        let text: ArrayRef = Arc::new(StringArray::from(vec!["2025-02-25 09:19:25.500000+00:00"]));
        for array in [naive, zoned, text] {
            assert_eq!(adapted(array, ScalarType::DateTime).unwrap(), wanted);
        }
        let far: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![i64::MAX]));
        assert!(adapted(far, ScalarType::DateTime).unwrap_err().message.contains("beyond"));
    }

    #[test]
    fn strings_lose_their_nulls_and_their_dictionary() {
        let array: DictionaryArray<Int32Type> = [Some("x"), None, Some("x")].into_iter().collect();
        let wanted = ["x", "", "x"].map(|text| Value::String(text.into()));
        assert_eq!(adapted(Arc::new(array), ScalarType::String).unwrap(), wanted);
    }

    #[test]
    fn moments_within_structures_are_read_whatever_their_year() {
        let last = 253_402_300_799_999_999;
        let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![last]));
        let parts = StructArray::from(vec![(Arc::new(Field::new("t", times.data_type().clone(), true)), times)]);
        let wanted = Value::Dynamic("{\"t\":\"9999-12-31T23:59:59.9999990Z\"}".into());
        assert_eq!(adapted(Arc::new(parts), ScalarType::Dynamic).unwrap(), [wanted]);
    }

    #[test]
    fn lists_and_structures_are_json() {
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None]);
        let values = adapted(Arc::new(list.clone()), ScalarType::Dynamic).unwrap();
        assert_eq!(values, [Value::Dynamic("[1,null]".into()), Value::Null(ScalarType::Dynamic)]);
        assert_eq!(adapted(Arc::new(list), ScalarType::String).unwrap()[0], Value::String("[1,null]".into()));
        let names: ArrayRef = Arc::new(StringArray::from(vec!["a\"b"]));
        let parts = StructArray::from(vec![(Arc::new(Field::new("n", DataType::Utf8, true)), names)]);
        assert_eq!(
            adapted(Arc::new(parts), ScalarType::Dynamic).unwrap(),
            [Value::Dynamic("{\"n\":\"a\\\"b\"}".into())]
        );
    }

    #[test]
    fn a_bool_may_be_a_number_or_a_word() {
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![0, 1]));
        let words: ArrayRef = Arc::new(LargeStringArray::from(vec!["False", "True"]));
        let bools: ArrayRef = Arc::new(BooleanArray::from(vec![false, true]));
        for array in [numbers, words, bools] {
            assert_eq!(adapted(array, ScalarType::Bool).unwrap(), [Value::Bool(false), Value::Bool(true)]);
        }
        let error = adapted(Arc::new(StringArray::from(vec!["maybe"])), ScalarType::Bool).unwrap_err();
        assert_eq!(error.message, "column a: \"maybe\" is no bool");
    }

    #[test]
    fn text_in_a_dynamic_column_is_read_as_json() {
        let array: ArrayRef = Arc::new(StringArray::from(vec!["[1, 2]", "x", ""]));
        let wanted = [Value::Dynamic("[1,2]".into()), Value::Dynamic("\"x\"".into()), Value::Null(ScalarType::Dynamic)];
        assert_eq!(adapted(array, ScalarType::Dynamic).unwrap(), wanted);
    }

    #[test]
    fn what_is_no_parquet_is_told() {
        let bytes = Bytes::spool(Path::new("x.parquet"), &mut &b"PAR1 and no end"[..]).unwrap();
        let error = describe_bytes(&bytes).unwrap_err();
        assert!(error.to_string().contains("not readable as Parquet") && error.remedy.is_some(), "{error}");
    }
}
