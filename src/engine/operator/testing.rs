//! Batches for the tests of operators.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};

use crate::types::arrow::{TYPE_KEY, from_values, schema, value_at};
use crate::types::{Column, ScalarType, Value};

/// Makes a batch of columns `c0`, `c1` ...
pub(super) fn batch(columns: &[(ScalarType, Vec<Value>)]) -> RecordBatch {
    let names: Vec<Column> =
        columns.iter().enumerate().map(|(index, (t, _))| Column::new(format!("c{index}"), *t)).collect();
    let arrays: Vec<ArrayRef> = columns.iter().map(|(t, values)| from_values(*t, values)).collect();
    RecordBatch::try_new(schema(&names), arrays).unwrap()
}

/// Shows a value: strings as they are, datetimes and timespans as ticks.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null(_) => "null".into(),
        Value::Bool(v) => v.to_string(),
        Value::Int(v) => v.to_string(),
        Value::Long(v) | Value::DateTime(v) | Value::TimeSpan(v) => v.to_string(),
        Value::Real(v) => v.to_string(),
        Value::Decimal(v) => v.to_string(),
        Value::String(v) | Value::Guid(v) | Value::Dynamic(v) => v.clone(),
    }
}

/// Shows each row, its values separated by bars.
pub(super) fn rows(batches: &[RecordBatch]) -> Vec<String> {
    let mut rows = Vec::new();
    for batch in batches {
        let schema = Arc::clone(batch.schema_ref());
        let types: Vec<ScalarType> =
            schema.fields().iter().map(|field| ScalarType::from_name(&field.metadata()[TYPE_KEY]).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let values = batch.columns().iter().zip(&types).map(|(c, t)| shown(&value_at(c, row, *t)));
            rows.push(values.collect::<Vec<_>>().join("|"));
        }
    }
    rows
}
