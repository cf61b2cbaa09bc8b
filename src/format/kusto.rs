//! The frames of Kusto's second query endpoint, not fragmented: header, the results, completion.
//!
//! Keys stand in the order that clients read them in, and one frame on each line (documented for the Go and Rust
//! clients, which parse by line and key order).

use std::io::{self, Write};

use arrow::array::RecordBatch;

use crate::types::{Column, json};

use super::Writer;
use super::value::{Dialect, Rows};

/// Writes results as frames.
pub(super) struct KustoWriter<'a> {
    out: Box<dyn Write + Send + 'a>,
    tables: usize,
    rows: Rows,
}

const HEADER: &str = "[{\"FrameType\":\"DataSetHeader\",\"IsProgressive\":false,\"Version\":\"v2.0\"}\n";
const COMPLETION: &str = ",{\"FrameType\":\"DataSetCompletion\",\"HasErrors\":false,\"Cancelled\":false}\n]\n";

impl<'a> KustoWriter<'a> {
    pub(super) fn new(out: Box<dyn Write + Send + 'a>) -> Self {
        KustoWriter { out, tables: 0, rows: Rows::new(Dialect::Kusto) }
    }
}

impl Writer for KustoWriter<'_> {
    fn begin(&mut self, name: &str, columns: &[Column]) -> io::Result<()> {
        let mut text = String::from(if self.tables == 0 { HEADER } else { "]}\n" });
        text.push_str(&format!(",{{\"FrameType\":\"DataTable\",\"TableId\":{},", self.tables));
        text.push_str("\"TableKind\":\"PrimaryResult\",\"TableName\":");
        json::write_string(name, &mut text);
        text.push_str(",\"Columns\":[");
        for (index, column) in columns.iter().enumerate() {
            text.push_str(if index > 0 { ",{\"ColumnName\":" } else { "{\"ColumnName\":" });
            json::write_string(&column.name, &mut text);
            text.push_str(&format!(",\"ColumnType\":\"{}\"}}", column.scalar_type.name()));
        }
        text.push_str("],\"Rows\":[");
        self.rows.begin(columns);
        self.tables += 1;
        self.out.write_all(text.as_bytes())
    }

    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        self.rows.write(batch, &mut self.out)
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.tables == 0 {
            self.out.write_all(HEADER.as_bytes())?;
        } else {
            self.out.write_all(b"]}\n")?;
        }
        self.out.write_all(COMPLETION.as_bytes())?;
        self.out.flush()
    }
}
