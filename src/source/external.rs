//! The files of `externaldata`: records without names of their own, in columns that the query declares.
//!
//! A value that does not fit its column's type is null, and a field that is missing too, as when Kusto ingests a file.

use std::io::Read;
use std::path::Path;

use arrow::array::RecordBatch;
use csv::{ByteRecord, ReaderBuilder};
use serde::de::IgnoredAny;

use super::decode::Bytes;
use super::error::{Error, Place};
use crate::catalog::{External, ExternalFormat};
use crate::types::arrow::{from_values, schema};
use crate::types::convert::convert;
use crate::types::{Column, ScalarType, Value, json};

/// Rows of one batch.
const ROWS: usize = 8192;

/// Files are read as a whole up to this many bytes; lists are small.
const LARGEST: u64 = 1 << 30;

/// Reads the records of one file, gzip and zstd taken off.
///
/// # Errors
/// Where the file cannot be read, is no text in UTF-8, or is no JSON where that is said.
pub fn read(path: &Path, external: &External) -> Result<Vec<RecordBatch>, Error> {
    let text = text_of(path)?;
    let mut rows = Rows { columns: &external.columns, rows: Vec::new(), batches: Vec::new() };
    match external.format {
        ExternalFormat::Csv => delimited(&text, external, &mut rows),
        ExternalFormat::Text => lines(&text, external, &mut rows),
        ExternalFormat::Raw => rows.of_texts(&[&text]),
        ExternalFormat::Json => objects(&text, &mut rows),
    }
    .map_err(|error| error.at(path))?;
    rows.finish()
}

fn text_of(path: &Path) -> Result<String, Error> {
    let bytes = Bytes::new(path)?;
    let mut content = Vec::new();
    let read = bytes.open()?.take(LARGEST + 1).read_to_end(&mut content);
    read.map_err(|error| bytes.error(&error))?;
    if content.len() as u64 > LARGEST {
        return Err(Error::new("a file of `externaldata` has at most 1 GB")
            .at(path)
            .remedy("give it as a table with --data"));
    }
    let text = String::from_utf8(content).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        Error::new(format!("line {} is no text in UTF-8", line + 1)).at(path)
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_string).unwrap_or(text))
}

/// Rows so far.
struct Rows<'a> {
    columns: &'a [Column],
    rows: Vec<Vec<Value>>,
    batches: Vec<RecordBatch>,
}

impl Rows<'_> {
    fn of_texts(&mut self, fields: &[&str]) -> Result<(), Error> {
        let columns = self.columns;
        let value = |(n, column): (usize, &Column)| match fields.get(n) {
            Some(field) => of_text(field, column.scalar_type),
            None => Value::missing(column.scalar_type),
        };
        self.add(columns.iter().enumerate().map(value).collect())
    }

    fn add(&mut self, row: Vec<Value>) -> Result<(), Error> {
        self.rows.push(row);
        if self.rows.len() == ROWS { self.cut() } else { Ok(()) }
    }

    /// Makes a batch of the rows so far.
    fn cut(&mut self) -> Result<(), Error> {
        let arrays = self.columns.iter().enumerate().map(|(n, column)| {
            let values: Vec<Value> =
                self.rows.iter_mut().map(|row| std::mem::replace(&mut row[n], Value::Bool(false))).collect();
            from_values(column.scalar_type, &values)
        });
        let arrays = arrays.collect();
        self.rows.clear();
        let batch = RecordBatch::try_new(schema(self.columns), arrays);
        self.batches.push(batch.map_err(|error| Error::new(error.to_string()))?);
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<RecordBatch>, Error> {
        self.cut()?;
        Ok(self.batches)
    }
}

fn of_text(text: &str, scalar_type: ScalarType) -> Value {
    match scalar_type {
        ScalarType::String => Value::String(text.to_string()),
        ScalarType::Dynamic => match json::parse_dynamic(text) {
            Some(value) => Value::Dynamic(value.into_owned()),
            None => Value::Null(ScalarType::Dynamic),
        },
        other => convert(&Value::String(text.to_string()), other),
    }
}

fn delimited(text: &str, external: &External, rows: &mut Rows) -> Result<(), Error> {
    let mut reader = ReaderBuilder::new().flexible(true).has_headers(external.skip_first).from_reader(text.as_bytes());
    let mut record = ByteRecord::new();
    loop {
        let more = reader.read_byte_record(&mut record);
        if !more.map_err(|error| Error::new(format!("the file is no CSV: {error}")))? {
            return Ok(());
        }
        // The whole text is UTF-8, and so is what stands between its commas.
        let fields: Vec<&str> = record.iter().map(|field| std::str::from_utf8(field).unwrap_or_default()).collect();
        rows.of_texts(&fields)?;
    }
}

/// Empty lines are no records (documented).
fn lines(text: &str, external: &External, rows: &mut Rows) -> Result<(), Error> {
    let lines = text.lines().skip(usize::from(external.skip_first));
    lines.filter(|line| !line.is_empty()).try_for_each(|line| rows.of_texts(&[line]))
}

fn objects(text: &str, rows: &mut Rows) -> Result<(), Error> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let mut start = 0;
    while let Some(value) = values.next() {
        if let Err(error) = value {
            let place = Place { line: Some(error.line() as u64), ..Place::default() };
            return Err(Error::new(format!("the file is no JSON: {error}")).place(place));
        }
        let end = values.byte_offset();
        let value = text[start..end].trim();
        start = end;
        match json::kind(value) {
            json::Kind::Array => json::elements(value).try_for_each(|element| object(element, rows))?,
            _ => object(value, rows)?,
        }
    }
    Ok(())
}

fn object(value: &str, rows: &mut Rows) -> Result<(), Error> {
    if json::kind(value) != json::Kind::Bag {
        return Err(Error::new("a record in JSON is an object, `{\"column\": value}`"));
    }
    let row = rows.columns.iter().map(|column| {
        let found = json::members(value).filter(|(key, _)| *key == column.name).last();
        match found {
            Some((_, value)) if json::kind(value) != json::Kind::Null => {
                convert(&Value::Dynamic(json::compact(value).into_owned()), column.scalar_type)
            }
            _ => Value::missing(column.scalar_type),
        }
    });
    let row = row.collect();
    rows.add(row)
}
