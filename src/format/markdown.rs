//! A table in Markdown.

use std::io::{self, Write};

use arrow::array::RecordBatch;

use crate::types::Column;

use super::value::write_text;
use super::{Format, Writer, one_result};

/// Writes rows as lines of a Markdown table.
pub(super) struct MarkdownWriter<'a> {
    out: Box<dyn Write + Send + 'a>,
    columns: Vec<Column>,
    begun: bool,
}

impl<'a> MarkdownWriter<'a> {
    pub(super) fn new(out: Box<dyn Write + Send + 'a>) -> Self {
        MarkdownWriter { out, columns: Vec::new(), begun: false }
    }

    fn line(&mut self, cells: impl Iterator<Item = String>) -> io::Result<()> {
        let cells: Vec<String> = cells.collect();
        writeln!(self.out, "| {} |", cells.join(" | "))
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace("\r\n", "<br>").replace(['\n', '\r'], "<br>")
}

impl Writer for MarkdownWriter<'_> {
    fn begin(&mut self, _name: &str, columns: &[Column]) -> io::Result<()> {
        one_result(&mut self.begun, Format::Markdown)?;
        self.columns = columns.to_vec();
        self.line(columns.iter().map(|column| escaped(&column.name)))?;
        self.line(columns.iter().map(|column| if column.scalar_type.is_numeric() { "---:" } else { "---" }.to_string()))
    }

    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let columns = std::mem::take(&mut self.columns);
        for row in 0..batch.num_rows() {
            self.line(batch.columns().iter().zip(&columns).map(|(array, column)| {
                let mut text = String::new();
                write_text(array, row, column.scalar_type, &mut text);
                escaped(&text)
            }))?;
        }
        self.columns = columns;
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
