//! The one mapping between KQL's types and Arrow's.
//!
//! | KQL | Arrow | null |
//! |---|---|---|
//! | bool | Boolean | yes |
//! | int, long | Int32, Int64 | yes |
//! | real | Float64 | yes (NaN is a value of its own) |
//! | decimal | Decimal256(74, 37) | yes |
//! | string | Utf8View | never: a missing string is `""` |
//! | datetime, timespan | Int64, ticks of 100 ns | yes |
//! | guid | Utf8View, canonical lower case | yes |
//! | dynamic | Utf8View, JSON text that has been validated | yes: JSON `null` at the top is the null |

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal256Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringViewArray, new_null_array,
};
use arrow::datatypes::{DataType, Decimal256Type, Field, Float64Type, Int32Type, Int64Type, Schema, SchemaRef};

use super::{Column, ScalarType, Value, decimal};

/// Key of an Arrow field's metadata that holds the KQL type, where batches leave the engine or lie in a file.
pub const TYPE_KEY: &str = "kql.type";
/// Key of a file's metadata that holds the name of the table that its rows are of.
pub const TABLE_KEY: &str = "kql.table";

/// Returns the Arrow type that holds a KQL type in the engine.
pub fn data_type(scalar_type: ScalarType) -> DataType {
    match scalar_type {
        ScalarType::Bool => DataType::Boolean,
        ScalarType::Int => DataType::Int32,
        ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan => DataType::Int64,
        ScalarType::Real => DataType::Float64,
        ScalarType::Decimal => DataType::Decimal256(decimal::PRECISION, decimal::SCALE),
        ScalarType::String | ScalarType::Guid | ScalarType::Dynamic => DataType::Utf8View,
    }
}

/// Returns the Arrow type of a call that gives several columns of these types.
pub fn several(types: &[ScalarType]) -> DataType {
    let fields = types.iter().enumerate().map(|(n, t)| Field::new(n.to_string(), data_type(*t), true));
    DataType::Struct(fields.collect())
}

/// Returns the field of a column, its KQL type in the metadata.
pub fn field(column: &Column) -> Field {
    let metadata = [(TYPE_KEY.to_string(), column.scalar_type.name().to_string())];
    Field::new(&column.name, data_type(column.scalar_type), column.scalar_type != ScalarType::String)
        .with_metadata(metadata.into())
}

/// Returns the schema of columns, see [`field`].
pub fn schema(columns: &[Column]) -> SchemaRef {
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

/// Makes an array of `rows` equal values.
pub fn repeat(value: &Value, rows: usize) -> ArrayRef {
    match value {
        Value::Null(scalar_type) => new_null_array(&data_type(*scalar_type), rows),
        Value::Bool(v) => Arc::new(BooleanArray::from(vec![*v; rows])),
        Value::Int(v) => Arc::new(Int32Array::from(vec![*v; rows])),
        Value::Long(v) | Value::DateTime(v) | Value::TimeSpan(v) => Arc::new(Int64Array::from(vec![*v; rows])),
        Value::Real(v) => Arc::new(Float64Array::from(vec![*v; rows])),
        Value::Decimal(v) => Arc::new(
            Decimal256Array::from(vec![*v; rows])
                .with_data_type(DataType::Decimal256(decimal::PRECISION, decimal::SCALE)),
        ),
        Value::String(v) | Value::Guid(v) | Value::Dynamic(v) => {
            Arc::new(StringViewArray::from_iter_values(std::iter::repeat_n(v.as_str(), rows)))
        }
    }
}

/// Makes an array of values, which are all of the type or nulls of it.
///
/// # Panics
/// When a value has another type: the caller has converted them.
pub fn from_values(scalar_type: ScalarType, values: &[Value]) -> ArrayRef {
    /// Collects what `$value` reads from each value.
    macro_rules! collect {
        ($array:ty, $($value:pat => $read:expr),+) => {
            values.iter().map(|value| match value { $($value => Some($read),)+ other => null(other) }).collect::<$array>()
        };
    }
    match scalar_type {
        ScalarType::Bool => Arc::new(collect!(BooleanArray, Value::Bool(v) => *v)),
        ScalarType::Int => Arc::new(collect!(Int32Array, Value::Int(v) => *v)),
        ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan => {
            Arc::new(collect!(Int64Array, Value::Long(v) | Value::DateTime(v) | Value::TimeSpan(v) => *v))
        }
        ScalarType::Real => Arc::new(collect!(Float64Array, Value::Real(v) => *v)),
        ScalarType::Decimal => {
            Arc::new(collect!(Decimal256Array, Value::Decimal(v) => *v).with_data_type(data_type(scalar_type)))
        }
        ScalarType::String | ScalarType::Guid | ScalarType::Dynamic => {
            Arc::new(collect!(StringViewArray, Value::String(v) | Value::Guid(v) | Value::Dynamic(v) => v.as_str()))
        }
    }
}

fn null<T>(value: &Value) -> Option<T> {
    assert!(matches!(value, Value::Null(_)), "a value of another type: {value:?}");
    None
}

/// Reads one value of an array that holds `scalar_type` by the mapping of this module.
pub fn value_at(array: &dyn Array, row: usize, scalar_type: ScalarType) -> Value {
    if array.is_null(row) {
        return Value::missing(scalar_type);
    }
    match scalar_type {
        ScalarType::Bool => Value::Bool(array.as_boolean().value(row)),
        ScalarType::Int => Value::Int(array.as_primitive::<Int32Type>().value(row)),
        ScalarType::Long => Value::Long(array.as_primitive::<Int64Type>().value(row)),
        ScalarType::DateTime => Value::DateTime(array.as_primitive::<Int64Type>().value(row)),
        ScalarType::TimeSpan => Value::TimeSpan(array.as_primitive::<Int64Type>().value(row)),
        ScalarType::Real => Value::Real(array.as_primitive::<Float64Type>().value(row)),
        ScalarType::Decimal => Value::Decimal(array.as_primitive::<Decimal256Type>().value(row)),
        ScalarType::String => Value::String(array.as_string_view().value(row).to_string()),
        ScalarType::Guid => Value::Guid(array.as_string_view().value(row).to_string()),
        ScalarType::Dynamic => Value::Dynamic(array.as_string_view().value(row).to_string()),
    }
}

/// The bytes that batches hold, each buffer counted once however many batches share it.
#[derive(Debug, Default)]
pub struct Footprint {
    seen: HashSet<usize>,
    bytes: usize,
}

impl Footprint {
    /// Adds a batch and returns the bytes of all so far.
    pub fn add(&mut self, batch: &RecordBatch) -> usize {
        for column in batch.columns() {
            let data = column.to_data();
            let nulls = data.nulls().map(|nulls| nulls.inner().inner());
            for buffer in data.buffers().iter().chain(nulls) {
                if self.seen.insert(buffer.data_ptr().as_ptr() as usize) {
                    self.bytes = self.bytes.saturating_add(buffer.capacity());
                }
            }
        }
        self.bytes
    }

    /// Returns the bytes of all batches.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Writes lists, structs and maps as JSON text, one value a row; null stays null.
///
/// Fails on Arrow types that JSON has no form for.
pub fn nested_to_json(array: &ArrayRef) -> Result<ArrayRef, String> {
    use arrow::json::writer::{LineDelimited, WriterBuilder};
    let field = Arc::new(Field::new("v", array.data_type().clone(), true));
    let mut builder = arrow::array::StringViewBuilder::with_capacity(array.len());
    for row in 0..array.len() {
        if array.is_null(row) {
            builder.append_null();
            continue;
        }
        let schema = Arc::new(Schema::new(vec![field.clone()]));
        let batch = arrow::array::RecordBatch::try_new(schema, vec![array.slice(row, 1)]).map_err(|e| e.to_string())?;
        let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(Vec::new());
        writer.write(&batch).and_then(|()| writer.finish()).map_err(|e| e.to_string())?;
        let line = String::from_utf8(writer.into_inner()).map_err(|e| e.to_string())?;
        // {"v":...}
        let line = line.trim_end();
        builder.append_value(line.get(5..line.len() - 1).unwrap_or("null"));
    }
    Ok(Arc::new(builder.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_column_lie_together() {
        let text = |number: usize| Value::String(format!("a text longer than a view, number {number}"));
        let values: Vec<Value> = (0..100).map(text).collect();
        let column = from_values(ScalarType::String, &values);
        assert_eq!(column.as_string_view().data_buffers().len(), 1);
        assert_eq!((0..100).map(|row| value_at(&column, row, ScalarType::String)).collect::<Vec<_>>(), values);
    }

    #[test]
    fn each_type_comes_back_and_so_does_null() {
        for value in
            [Value::Bool(true), Value::Int(1), Value::Long(2), Value::Real(0.5), Value::Decimal(decimal::from_long(3))]
        {
            let scalar_type = value.scalar_type();
            let column = from_values(scalar_type, &[value.clone(), Value::Null(scalar_type)]);
            assert_eq!(column.data_type(), &data_type(scalar_type));
            assert_eq!([0, 1].map(|row| value_at(&column, row, scalar_type)), [value, Value::Null(scalar_type)]);
        }
    }
}
