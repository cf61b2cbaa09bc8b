//! JSON lines, and a JSON array of objects; a dynamic is JSON within.

use std::io::{self, Write};

use arrow::array::RecordBatch;

use crate::types::{Column, json};

use super::value::{Dialect, write_json};
use super::{Format, Writer, one_result};

/// Writes rows as objects.
pub(super) struct JsonWriter<'a> {
    out: Box<dyn Write + Send + 'a>,
    columns: Vec<Column>,
    /// The column names as JSON, with the colon behind them.
    keys: Vec<String>,
    format: Format,
    begun: bool,
    rows: u64,
    scratch: String,
}

impl<'a> JsonWriter<'a> {
    /// Makes a writer of one object on each line.
    pub(super) fn lines(out: Box<dyn Write + Send + 'a>) -> Self {
        JsonWriter::new(out, Format::JsonLines)
    }

    /// Makes a writer of an array.
    pub(super) fn array(out: Box<dyn Write + Send + 'a>) -> Self {
        JsonWriter::new(out, Format::Json)
    }

    fn new(out: Box<dyn Write + Send + 'a>, format: Format) -> Self {
        let (columns, keys, scratch) = (Vec::new(), Vec::new(), String::new());
        JsonWriter { out, columns, keys, format, begun: false, rows: 0, scratch }
    }
}

impl Writer for JsonWriter<'_> {
    fn begin(&mut self, _name: &str, columns: &[Column]) -> io::Result<()> {
        // Lines of several results follow each other: each line tells its columns.
        if self.format == Format::Json {
            one_result(&mut self.begun, self.format)?;
        }
        self.columns = columns.to_vec();
        self.keys = columns.iter().map(|column| json::string(&column.name) + ":").collect();
        Ok(())
    }

    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        for row in 0..batch.num_rows() {
            self.scratch.clear();
            if self.format == Format::Json {
                self.scratch.push_str(if self.rows == 0 { "[\n" } else { ",\n" });
            }
            self.rows += 1;
            for (index, (array, column)) in batch.columns().iter().zip(&self.columns).enumerate() {
                self.scratch.push(if index == 0 { '{' } else { ',' });
                self.scratch.push_str(&self.keys[index]);
                write_json(array, row, column.scalar_type, Dialect::Nested, &mut self.scratch);
            }
            self.scratch.push_str(if self.columns.is_empty() { "{}" } else { "}" });
            if self.format == Format::JsonLines {
                self.scratch.push('\n');
            }
            self.out.write_all(self.scratch.as_bytes())?;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.format == Format::Json {
            self.out.write_all(if self.rows == 0 { b"[]\n" } else { b"\n]\n" })?;
        }
        self.out.flush()
    }
}
