//! JSON lines, and a JSON array of objects; a dynamic is JSON within.

use std::io::{self, Write};

use arrow::array::RecordBatch;

use crate::types::{Column, json};

use super::parallel::Parts;
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
    parts: Parts<String>,
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
        let (columns, keys, parts) = (Vec::new(), Vec::new(), Parts::default());
        JsonWriter { out, columns, keys, format, begun: false, rows: 0, parts }
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
        let (columns, keys, lines, before) = (&self.columns, &self.keys, self.format == Format::JsonLines, self.rows);
        self.rows += batch.num_rows() as u64;
        self.parts.write(batch.num_rows(), &mut *self.out, |part, text| {
            text.clear();
            for row in part {
                if !lines {
                    text.push_str(if before == 0 && row == 0 { "[\n" } else { ",\n" });
                }
                for (index, (array, column)) in batch.columns().iter().zip(columns).enumerate() {
                    text.push(if index == 0 { '{' } else { ',' });
                    text.push_str(&keys[index]);
                    write_json(array, row, column.scalar_type, Dialect::Nested, text);
                }
                text.push_str(if columns.is_empty() { "{}" } else { "}" });
                if lines {
                    text.push('\n');
                }
            }
            Ok(())
        })
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.format == Format::Json {
            self.out.write_all(if self.rows == 0 { b"[]\n" } else { b"\n]\n" })?;
        }
        self.out.flush()
    }
}
