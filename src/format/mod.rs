//! Records out: results in every output format.
//!
//! A [`Writer`] takes the batches of one result, or of several one after the other, and writes as it goes; only the
//! table for a terminal, `jsonl`, `log-analytics` and `kusto-v2` take more than one result.

mod arrow_stream;
mod delimited;
mod json;
mod kusto;
mod log_analytics;
mod markdown;
mod parallel;
mod parquet;
mod physical;
mod shred;
mod table;
mod value;

use std::io::{self, Write};

use ::arrow::array::RecordBatch;

use crate::types::Column;

pub use self::parquet::{Options as ParquetOptions, ParquetWriter, in_units, units};
pub use self::physical::Units;
pub use self::table::Limits;

/// The output formats, by the names that users type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// A drawn table.
    Table,
    /// One JSON object on each line.
    JsonLines,
    /// A JSON array of objects.
    Json,
    /// Comma separated values with a header.
    Csv,
    /// Tab separated values with a header.
    Tsv,
    /// A table in Markdown.
    Markdown,
    /// A Parquet file.
    Parquet,
    /// An Arrow IPC stream.
    Arrow,
    /// The answer of the Log Analytics query API.
    LogAnalytics,
    /// The frames of Kusto's second query endpoint.
    KustoV2,
}

impl Format {
    /// All formats, in the order of the help.
    pub const ALL: [Format; 10] = [
        Format::Table,
        Format::JsonLines,
        Format::Json,
        Format::Csv,
        Format::Tsv,
        Format::Markdown,
        Format::Parquet,
        Format::Arrow,
        Format::LogAnalytics,
        Format::KustoV2,
    ];

    /// Returns the name that users type.
    pub const fn name(self) -> &'static str {
        match self {
            Format::Table => "table",
            Format::JsonLines => "jsonl",
            Format::Json => "json",
            Format::Csv => "csv",
            Format::Tsv => "tsv",
            Format::Markdown => "markdown",
            Format::Parquet => "parquet",
            Format::Arrow => "arrow",
            Format::LogAnalytics => "log-analytics",
            Format::KustoV2 => "kusto-v2",
        }
    }

    /// Finds a format by its name.
    pub fn from_name(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Guesses the format that a file's name asks for.
    ///
    /// ```
    /// use alertq::format::Format;
    /// assert_eq!(Format::from_path("out/alerts.parquet"), Some(Format::Parquet));
    /// assert_eq!(Format::from_path("alerts"), None);
    /// ```
    pub fn from_path(path: &str) -> Option<Format> {
        let (_, ending) = path.rsplit_once('.')?;
        Some(match ending.to_lowercase().as_str() {
            "jsonl" | "ndjson" => Format::JsonLines,
            "json" => Format::Json,
            "csv" => Format::Csv,
            "tsv" => Format::Tsv,
            "md" => Format::Markdown,
            "parquet" => Format::Parquet,
            "arrow" | "arrows" => Format::Arrow,
            _ => return None,
        })
    }

    /// Tells whether the format is bytes that no terminal should get.
    pub const fn is_binary(self) -> bool {
        matches!(self, Format::Parquet | Format::Arrow)
    }

    /// Makes a writer for the answer of a query: as [`Format::writer`], with less work for a smaller file.
    pub fn answer_writer<'a>(self, out: Box<dyn Write + Send + 'a>, limits: Limits) -> Box<dyn Writer + 'a> {
        match self {
            Format::Parquet => Box::new(ParquetWriter::new(out, ParquetOptions::answer())),
            _ => self.writer(out, limits),
        }
    }

    /// Makes a writer of the format; `limits` is how much room a drawn table has.
    pub fn writer<'a>(self, out: Box<dyn Write + Send + 'a>, limits: Limits) -> Box<dyn Writer + 'a> {
        match self {
            Format::Table => Box::new(table::TableWriter::new(out, limits)),
            Format::JsonLines => Box::new(json::JsonWriter::lines(out)),
            Format::Json => Box::new(json::JsonWriter::array(out)),
            Format::Csv => Box::new(delimited::DelimitedWriter::csv(out)),
            Format::Tsv => Box::new(delimited::DelimitedWriter::tsv(out)),
            Format::Markdown => Box::new(markdown::MarkdownWriter::new(out)),
            Format::Parquet => Box::new(ParquetWriter::new(out, ParquetOptions::default())),
            Format::Arrow => Box::new(arrow_stream::ArrowWriter::new(out)),
            Format::LogAnalytics => Box::new(log_analytics::LogAnalyticsWriter::new(out)),
            Format::KustoV2 => Box::new(kusto::KustoWriter::new(out)),
        }
    }
}

/// What the only result of a query is called.
pub const UNNAMED: &str = "PrimaryResult";

/// Takes results and writes them.
///
/// The calls come in this order: for each result `begin` and then its batches; `finish` once, at the end.
pub trait Writer {
    /// Begins a result.
    ///
    /// Fails as [`io::ErrorKind::Unsupported`] when the format holds one result only and this is a further one.
    fn begin(&mut self, name: &str, columns: &[Column]) -> io::Result<()>;

    /// Writes rows of the result that was begun last; the batch has its columns by the engine's mapping.
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()>;

    /// Ends the output and hands it on.
    fn finish(&mut self) -> io::Result<()>;
}

/// Refuses a further result.
fn one_result(begun: &mut bool, format: Format) -> io::Result<()> {
    if std::mem::replace(begun, true) {
        let message = format!("the format {} holds one result, and the query has more", format.name());
        return Err(io::Error::new(io::ErrorKind::Unsupported, message));
    }
    Ok(())
}

/// Carries an error of a library.
fn failed(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::other(error)
}

#[cfg(test)]
mod tests;
