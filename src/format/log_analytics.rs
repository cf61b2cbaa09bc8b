//! The answer of the Log Analytics query API: `{"tables":[{"name","columns":[{"name","type"}],"rows":[[...]]}]}`.

use std::io::{self, Write};

use arrow::array::RecordBatch;

use crate::types::{Column, json};

use super::Writer;
use super::value::{Dialect, Rows};

/// Writes results as tables of one answer.
pub(super) struct LogAnalyticsWriter<'a> {
    out: Box<dyn Write + Send + 'a>,
    tables: usize,
    rows: Rows,
}

impl<'a> LogAnalyticsWriter<'a> {
    pub(super) fn new(out: Box<dyn Write + Send + 'a>) -> Self {
        LogAnalyticsWriter { out, tables: 0, rows: Rows::new(Dialect::Text) }
    }
}

impl Writer for LogAnalyticsWriter<'_> {
    fn begin(&mut self, name: &str, columns: &[Column]) -> io::Result<()> {
        let mut text = String::from(if self.tables == 0 { "{\"tables\":[" } else { "]}," });
        text.push_str("{\"name\":");
        json::write_string(name, &mut text);
        text.push_str(",\"columns\":[");
        for (index, column) in columns.iter().enumerate() {
            text.push_str(if index > 0 { ",{\"name\":" } else { "{\"name\":" });
            json::write_string(&column.name, &mut text);
            text.push_str(",\"type\":\"");
            text.push_str(column.scalar_type.name());
            text.push_str("\"}");
        }
        text.push_str("],\"rows\":[");
        self.rows.begin(columns);
        self.tables += 1;
        self.out.write_all(text.as_bytes())
    }

    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        self.rows.write(batch, &mut self.out)
    }

    fn finish(&mut self) -> io::Result<()> {
        let end: &[u8] = if self.tables == 0 { b"{\"tables\":[]}\n" } else { b"]}]}\n" };
        self.out.write_all(end)?;
        self.out.flush()
    }
}
