//! A cell of a batch as text and as JSON: what all text formats share.

use std::fmt::Write;
use std::io;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Decimal256Type, Float64Type, Int32Type, Int64Type};

use crate::types::{Column, ScalarType, decimal, json, number, ticks};

use super::parallel::Parts;

/// How values are written in JSON, where formats differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// A dynamic is JSON within JSON.
    Nested,
    /// A dynamic is a string of its JSON text, as the query API has it.
    Text,
    /// A dynamic is JSON within JSON and a decimal a string, as Kusto's endpoint has it.
    Kusto,
}

/// Writes one cell as a JSON value.
///
/// datetime, timespan and guid are strings, NaN and the infinities too; int and long are numbers with all digits.
pub(super) fn write_json(array: &dyn Array, row: usize, scalar_type: ScalarType, dialect: Dialect, out: &mut String) {
    if array.is_null(row) {
        out.push_str(if scalar_type == ScalarType::String { "\"\"" } else { "null" });
        return;
    }
    match scalar_type {
        ScalarType::String | ScalarType::Guid => json::write_string(array.as_string_view().value(row), out),
        ScalarType::Dynamic if dialect != Dialect::Text => out.push_str(array.as_string_view().value(row)),
        ScalarType::Dynamic => json::write_string(array.as_string_view().value(row), out),
        ScalarType::Real => json::write_real(array.as_primitive::<Float64Type>().value(row), out),
        ScalarType::Decimal if dialect != Dialect::Kusto => write_text(array, row, scalar_type, out),
        ScalarType::DateTime | ScalarType::TimeSpan | ScalarType::Decimal => {
            out.push('"');
            write_text(array, row, scalar_type, out);
            out.push('"');
        }
        ScalarType::Bool | ScalarType::Int | ScalarType::Long => {
            write_text(array, row, scalar_type, out);
        }
    }
}

/// Writes one cell as text, null as nothing.
pub(super) fn write_text(array: &dyn Array, row: usize, scalar_type: ScalarType, out: &mut String) {
    if array.is_null(row) {
        return;
    }
    // Writing to a string cannot fail.
    match scalar_type {
        ScalarType::Bool => out.push_str(if array.as_boolean().value(row) { "true" } else { "false" }),
        ScalarType::Int => _ = write!(out, "{}", array.as_primitive::<Int32Type>().value(row)),
        ScalarType::Long => _ = write!(out, "{}", array.as_primitive::<Int64Type>().value(row)),
        ScalarType::Real => number::write_real(array.as_primitive::<Float64Type>().value(row), out),
        ScalarType::Decimal => decimal::write(array.as_primitive::<Decimal256Type>().value(row), out),
        ScalarType::DateTime => ticks::write_datetime(array.as_primitive::<Int64Type>().value(row), out),
        ScalarType::TimeSpan => ticks::write_timespan(array.as_primitive::<Int64Type>().value(row), out),
        ScalarType::String | ScalarType::Guid | ScalarType::Dynamic => out.push_str(array.as_string_view().value(row)),
    }
}

/// The rows of a table as arrays with commas between them.
pub(super) struct Rows {
    dialect: Dialect,
    columns: Vec<Column>,
    written: u64,
    parts: Parts<String>,
}

impl Rows {
    pub(super) fn new(dialect: Dialect) -> Self {
        Rows { dialect, columns: Vec::new(), written: 0, parts: Parts::default() }
    }

    /// Begins another table.
    pub(super) fn begin(&mut self, columns: &[Column]) {
        self.columns = columns.to_vec();
        self.written = 0;
    }

    pub(super) fn write(&mut self, batch: &RecordBatch, out: &mut (dyn io::Write + Send)) -> io::Result<()> {
        let (columns, dialect, before) = (&self.columns, self.dialect, self.written);
        self.written += batch.num_rows() as u64;
        self.parts.write(batch.num_rows(), out, |part, text| {
            text.clear();
            for row in part {
                if before > 0 || row > 0 {
                    text.push(',');
                }
                write_row(batch, row, columns, dialect, text);
            }
            Ok(())
        })
    }
}

/// Writes a row as a JSON array.
fn write_row(batch: &RecordBatch, row: usize, columns: &[Column], dialect: Dialect, out: &mut String) {
    out.push('[');
    for (index, (array, column)) in batch.columns().iter().zip(columns).enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_json(array, row, column.scalar_type, dialect, out);
    }
    out.push(']');
}
