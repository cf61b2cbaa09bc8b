//! CSV and TSV with a header.
//!
//! Null and `""` are both an empty field. A tab, newline or backslash in TSV is written as `\t`, `\n` or `\\`, so that
//! a line is a row; CSV quotes such fields.

use std::io::{self, Write};

use arrow::array::RecordBatch;

use crate::types::Column;

use super::value::write_text;
use super::{Format, Writer, failed, one_result};

/// Writes rows as delimited text.
pub(super) struct DelimitedWriter<'a> {
    out: Box<dyn Write + Send + 'a>,
    columns: Vec<Column>,
    format: Format,
    begun: bool,
    scratch: String,
}

impl<'a> DelimitedWriter<'a> {
    /// Makes a writer of CSV.
    pub(super) fn csv(out: Box<dyn Write + Send + 'a>) -> Self {
        DelimitedWriter { out, columns: Vec::new(), format: Format::Csv, begun: false, scratch: String::new() }
    }

    /// Makes a writer of TSV.
    pub(super) fn tsv(out: Box<dyn Write + Send + 'a>) -> Self {
        DelimitedWriter { format: Format::Tsv, ..DelimitedWriter::csv(out) }
    }

    fn record<'f>(&mut self, fields: impl Iterator<Item = &'f str>) -> io::Result<()> {
        match self.format {
            Format::Tsv => {
                let line: Vec<String> = fields.map(escaped).collect();
                writeln!(self.out, "{}", line.join("\t"))
            }
            _ => {
                let mut writer = csv::WriterBuilder::new().buffer_capacity(1 << 12).from_writer(&mut self.out);
                writer.write_record(fields).map_err(failed)?;
                writer.flush()
            }
        }
    }
}

fn escaped(field: &str) -> String {
    if !field.contains(['\t', '\n', '\r', '\\']) {
        return field.to_string();
    }
    field.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}

impl Writer for DelimitedWriter<'_> {
    fn begin(&mut self, _name: &str, columns: &[Column]) -> io::Result<()> {
        one_result(&mut self.begun, self.format)?;
        self.columns = columns.to_vec();
        self.record(columns.iter().map(|column| column.name.as_str()))
    }

    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        for row in 0..batch.num_rows() {
            let mut text = std::mem::take(&mut self.scratch);
            text.clear();
            let mut ends = Vec::with_capacity(self.columns.len());
            for (array, column) in batch.columns().iter().zip(&self.columns) {
                let start = text.len();
                write_text(array, row, column.scalar_type, &mut text);
                ends.push(start..text.len());
            }
            self.record(ends.into_iter().map(|range| &text[range]))?;
            self.scratch = text;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
