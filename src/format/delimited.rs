//! CSV and TSV with a header.
//!
//! Null and `""` are both an empty field. A tab, newline or backslash in TSV is written as `\t`, `\n` or `\\`, so that
//! a line is a row; CSV quotes such fields.

use std::borrow::Cow;
use std::io::{self, Write};

use arrow::array::RecordBatch;

use crate::types::Column;

use super::parallel::Parts;
use super::value::write_text;
use super::{Format, Writer, failed, one_result};

/// Writes rows as delimited text.
pub(super) struct DelimitedWriter<'a> {
    out: Box<dyn Write + Send + 'a>,
    columns: Vec<Column>,
    format: Format,
    begun: bool,
    parts: Parts<Vec<u8>>,
}

impl<'a> DelimitedWriter<'a> {
    /// Makes a writer of CSV.
    pub(super) fn csv(out: Box<dyn Write + Send + 'a>) -> Self {
        DelimitedWriter { out, columns: Vec::new(), format: Format::Csv, begun: false, parts: Parts::default() }
    }

    /// Makes a writer of TSV.
    pub(super) fn tsv(out: Box<dyn Write + Send + 'a>) -> Self {
        DelimitedWriter { format: Format::Tsv, ..DelimitedWriter::csv(out) }
    }
}

/// Appends records.
enum Records<'a> {
    Csv(Box<csv::Writer<&'a mut Vec<u8>>>),
    Tsv(&'a mut Vec<u8>),
}

impl<'a> Records<'a> {
    fn new(format: Format, bytes: &'a mut Vec<u8>) -> Records<'a> {
        match format {
            Format::Tsv => Records::Tsv(bytes),
            _ => Records::Csv(Box::new(csv::Writer::from_writer(bytes))),
        }
    }

    fn add<'f>(&mut self, fields: impl Iterator<Item = &'f str>) -> io::Result<()> {
        match self {
            Records::Csv(writer) => writer.write_record(fields).map_err(failed),
            Records::Tsv(bytes) => {
                let line: Vec<Cow<'_, str>> = fields.map(escaped).collect();
                writeln!(bytes, "{}", line.join("\t"))
            }
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Records::Csv(mut writer) => writer.flush(),
            Records::Tsv(_) => Ok(()),
        }
    }
}

fn escaped(field: &str) -> Cow<'_, str> {
    if !field.contains(['\t', '\n', '\r', '\\']) {
        return field.into();
    }
    field.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r").into()
}

impl Writer for DelimitedWriter<'_> {
    fn begin(&mut self, _name: &str, columns: &[Column]) -> io::Result<()> {
        one_result(&mut self.begun, self.format)?;
        self.columns = columns.to_vec();
        let mut header = Vec::new();
        let mut records = Records::new(self.format, &mut header);
        records.add(columns.iter().map(|column| column.name.as_str()))?;
        records.finish()?;
        self.out.write_all(&header)
    }

    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let (format, columns) = (self.format, &self.columns);
        self.parts.write(batch.num_rows(), &mut *self.out, |part, bytes| {
            bytes.clear();
            let mut records = Records::new(format, bytes);
            let (mut text, mut ends) = (String::new(), Vec::new());
            for row in part {
                text.clear();
                ends.clear();
                for (array, column) in batch.columns().iter().zip(columns) {
                    let start = text.len();
                    write_text(array, row, column.scalar_type, &mut text);
                    ends.push(start..text.len());
                }
                records.add(ends.iter().map(|range| &text[range.clone()]))?;
            }
            records.finish()
        })
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
