//! Tells the form of a file by what is in it, and by its name only where the content leaves a choice.

use std::fmt;
use std::io::{self, Read};

use serde_json::Value;

use super::cursor::Cursor;
use super::decode::Bytes;
use super::envelope::{Envelope, next_key};
use super::error::Error;
use super::json_array::Array;
use super::json_lines::{Lines, Sequence};
use super::query_api::QueryApi;
use super::records::{Elements, JsonRecords, Records, Shape, flat};
use super::{Options, az_cli, csv, defender_export, defender_rest, graph_alerts, incident_rest};

/// How much of a file is looked at.
const HEAD: usize = 1 << 20;

/// What every Parquet file begins with.
const PARQUET: &[u8] = b"PAR1";

/// How the records of a file are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// No bytes, or white space alone.
    Empty,
    /// One JSON object on each line.
    JsonLines,
    /// JSON objects one after the other.
    JsonSequence,
    /// A JSON array of objects.
    JsonArray,
    /// JSON objects that hold the records under a key.
    Envelope(&'static str),
    /// An array, or lines, of objects that hold the records under a key.
    Messages { key: &'static str, lines: bool },
    /// The answer of the Log Analytics query API.
    QueryApi,
    /// Delimited text.
    Csv(u8),
    /// Parquet.
    Parquet,
}

/// Who wrote the records, as far as that decides how they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Fields are columns.
    Table,
    /// `az monitor log-analytics query`.
    AzCli,
    /// The Defender for Cloud REST API.
    DefenderRest,
    /// Defender for Cloud's continuous export to an Event Hub.
    DefenderExport,
    /// Microsoft Graph.
    Graph,
    /// Sentinel's REST API.
    IncidentRest,
}

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    pub layout: Layout,
    pub origin: Origin,
}

impl Form {
    const fn of(layout: Layout) -> Form {
        Form { layout, origin: Origin::Table }
    }

    /// Opens the records of a file of this form; Parquet has none of this kind.
    pub(super) fn open(self, bytes: &Bytes, options: &Options) -> Result<Box<dyn Records>, Error> {
        let cursor = || -> Result<Cursor, Error> {
            let mut cursor = Cursor::new(bytes)?;
            cursor.skip_mark()?;
            Ok(cursor)
        };
        let map = self.origin.map();
        let shape = if self.origin == Origin::Table { Shape::Flat } else { Shape::Mapped(map) };
        Ok(match self.layout {
            Layout::Empty | Layout::Parquet => Box::new(JsonRecords::new(Lines(cursor()?), Shape::Flat)),
            Layout::JsonSequence => Box::new(JsonRecords::new(Sequence(cursor()?), shape)),
            Layout::JsonArray => Box::new(JsonRecords::new(Array::new(cursor()?), shape)),
            Layout::Envelope(key) => Box::new(JsonRecords::new(Envelope::new(cursor()?, key), shape)),
            Layout::JsonLines | Layout::Messages { lines: true, .. } => self.of_lines(cursor()?)?,
            Layout::Messages { key, lines: false } => {
                Box::new(JsonRecords::new(Array::new(cursor()?), Shape::Nested(key, map)))
            }
            Layout::QueryApi => Box::new(QueryApi::new(cursor()?, options.accept_partial)),
            Layout::Csv(delimiter) => Box::new(csv::Csv::new(bytes, delimiter)?),
        })
    }
}

impl Form {
    /// Tells whether each line is read by itself.
    pub(super) fn is_lines(self) -> bool {
        matches!(self.layout, Layout::JsonLines | Layout::Messages { lines: true, .. })
    }

    /// Tells whether the end of a file has nothing to say of the whole, as answers of services have.
    pub(super) fn goes_on_as_it_begins(self) -> bool {
        self.is_lines() || matches!(self.layout, Layout::Csv(_) | Layout::JsonArray | Layout::JsonSequence)
    }

    /// Opens records each of which is a line; fails where they are not.
    pub(super) fn of_lines(self, cursor: Cursor) -> Result<Box<dyn Records>, Error> {
        let shape = match (self.layout, self.origin) {
            (Layout::JsonLines, Origin::Table) => Shape::Flat,
            (Layout::JsonLines, origin) => Shape::Mapped(origin.map()),
            (Layout::Messages { key, lines: true }, origin) => Shape::Nested(key, origin.map()),
            _ => return Err(cursor.unexpected("a form of lines")),
        };
        Ok(Box::new(JsonRecords::new(Lines(cursor), shape)))
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.origin {
            Origin::Table => {}
            Origin::AzCli => f.write_str("az CLI output, ")?,
            Origin::DefenderRest => f.write_str("Defender for Cloud REST alerts, ")?,
            Origin::DefenderExport => f.write_str("Defender for Cloud continuous export, ")?,
            Origin::Graph => f.write_str("Microsoft Graph alerts, ")?,
            Origin::IncidentRest => f.write_str("Sentinel REST incidents, ")?,
        }
        match self.layout {
            Layout::Empty => f.write_str("empty"),
            Layout::JsonLines => f.write_str("JSON lines"),
            Layout::JsonSequence => f.write_str("JSON objects"),
            Layout::JsonArray => f.write_str("JSON array"),
            Layout::Envelope(key) => write!(f, "JSON object with `{key}`"),
            Layout::Messages { key, lines } => {
                write!(f, "JSON {} of objects with `{key}`", if lines { "lines" } else { "array" })
            }
            Layout::QueryApi => f.write_str("query API answer"),
            Layout::Csv(b'\t') => f.write_str("TSV"),
            Layout::Csv(_) => f.write_str("CSV"),
            Layout::Parquet => f.write_str("Parquet"),
        }
    }
}

impl Origin {
    fn of(record: &Value) -> Origin {
        match record {
            record if az_cli::fits(record) => Origin::AzCli,
            record if incident_rest::fits(record) => Origin::IncidentRest,
            record if defender_rest::fits(record) => Origin::DefenderRest,
            record if defender_export::fits(record) => Origin::DefenderExport,
            record if graph_alerts::fits(record) => Origin::Graph,
            _ => Origin::Table,
        }
    }

    fn map(self) -> fn(Value) -> Result<super::records::Fields, String> {
        match self {
            Origin::Table => flat,
            Origin::AzCli => az_cli::map,
            Origin::DefenderRest => defender_rest::map,
            Origin::DefenderExport => defender_export::map,
            Origin::Graph => graph_alerts::map,
            Origin::IncidentRest => incident_rest::map,
        }
    }
}

/// Tells the form of a file.
///
/// Fails when the content is known and not readable (a spreadsheet, a pickle, UTF-16), or not known at all.
pub fn detect(bytes: &Bytes) -> Result<Form, Error> {
    let head = head(bytes)?;
    if head.starts_with(PARQUET) {
        return Ok(Form::of(Layout::Parquet));
    }
    if let Some((what, remedy)) = unreadable(&head) {
        return Err(Error::new(what).at(&bytes.path).remedy(remedy));
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
    match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => Ok(Form::of(Layout::Empty)),
        Some(b'{' | b'[') => Ok(json(bytes, text)),
        Some(b'<') => Err(Error::new("this is HTML or XML and no export")
            .at(&bytes.path)
            .remedy("a sign-in page is often saved in place of a download")),
        Some(_) => delimited(bytes, text),
    }
}

fn head(bytes: &Bytes) -> Result<Vec<u8>, Error> {
    let mut head = Vec::new();
    let mut stream = bytes.open()?.take(HEAD as u64);
    let mut read = || {
        stream.by_ref().take(PARQUET.len() as u64).read_to_end(&mut head)?;
        // What Parquet holds is told at its end, and queries for one record read little of it.
        if head != PARQUET { stream.read_to_end(&mut head) } else { Ok(0) }
    };
    match read() {
        Ok(_) => Ok(head),
        // What could be read tells the form; reading the records will say where the file stops.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && !head.is_empty() => Ok(head),
        Err(error) => Err(bytes.error(&error)),
    }
}

/// Knows files that people have instead of an export.
fn unreadable(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let save = "save it as CSV, JSON lines or Parquet";
    Some(match head {
        [b'P', b'K', 3, 4, ..] => ("this is a zip archive or an Excel workbook", "unpack it, or save it as CSV"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            ("the text is UTF-16", "save it as UTF-8: iconv -f UTF-16 -t UTF-8 FILE > NEW")
        }
        [0x80, 2..=5, ..] => ("this is a Python pickle, which runs code when it is read", save),
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] | [0xff, 0xff, 0xff, 0xff, ..] => {
            ("this is an Arrow file or stream", "save it as Parquet")
        }
        [b'O', b'b', b'j', 1, ..] => ("this is Avro, as Event Hubs capture writes", "save its bodies as JSON lines"),
        [b'S', b'Q', b'L', b'i', b't', b'e', ..] => ("this is an SQLite database", save),
        [b'B', b'Z', b'h', ..] => ("this is compressed with bzip2", "unpack it, or compress it with gzip or zstd"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => {
            ("this is compressed with xz", "unpack it, or compress it with gzip or zstd")
        }
        head if head.contains(&0) => ("this is binary, and of no form that is known", save),
        _ => return None,
    })
}

fn json(bytes: &Bytes, text: &[u8]) -> Form {
    let cursor = || Cursor::over(bytes, Box::new(io::Cursor::new(text.to_vec())));
    let layout = match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => Layout::JsonArray,
        _ => match container(&mut cursor()) {
            Some("tables") => Layout::QueryApi,
            Some("error") => return Form::of(Layout::QueryApi),
            Some(key) if one_per_line(text) && text.iter().filter(|byte| **byte == b'\n').count() > 1 => {
                Layout::Messages { key, lines: true }
            }
            Some(key) => Layout::Envelope(key),
            None if one_per_line(text) => Layout::JsonLines,
            None => Layout::JsonSequence,
        },
    };
    let first = match layout {
        Layout::JsonArray => first(Array::new(cursor())),
        Layout::Envelope(key) => first(Envelope::new(cursor(), key)),
        Layout::Messages { key, .. } => first(Envelope::new(cursor(), key)),
        Layout::JsonSequence => first(Sequence(cursor())),
        Layout::JsonLines => first(Lines(cursor())),
        _ => None,
    };
    let (layout, first) = match (layout, first) {
        (Layout::JsonArray, Some(outer)) => match message_key(&outer) {
            Some(key) => (Layout::Messages { key, lines: false }, outer[key].get(0).cloned()),
            None => (Layout::JsonArray, Some(outer)),
        },
        other => other,
    };
    Form { layout, origin: first.map_or(Origin::Table, |record| Origin::of(&record)) }
}

/// Finds the key of a JSON object that holds the records, if it is such an object.
///
/// A record of a user's own may have a field `value` too: among an envelope's keys are only those that services write.
fn container(cursor: &mut Cursor) -> Option<&'static str> {
    const KEYS: [&str; 3] = ["tables", "records", "value"];
    const BESIDE: [&str; 12] = [
        "nextLink",
        "count",
        "error",
        "statistics",
        "render",
        "dataSources",
        "permissions",
        "metadata",
        "@odata.context",
        "@odata.nextLink",
        "@odata.count",
        "skipToken",
    ];
    cursor.expect(b'{').ok()?;
    let mut first = true;
    while let Some(key) = next_key(cursor, first).ok()? {
        first = false;
        let found = KEYS.into_iter().find(|known| *known == key);
        if let Some(known) = found
            && cursor.eat(b'[').ok()?
        {
            return matches!(cursor.peek().ok()?, Some(b'{' | b']')).then_some(known);
        }
        if key == "error" && cursor.peek().ok()? == Some(b'{') {
            return Some("error");
        }
        if !BESIDE.contains(&key.as_str()) {
            return None;
        }
        cursor.value().ok()?;
    }
    None
}

fn message_key(outer: &Value) -> Option<&'static str> {
    let fields = outer.as_object()?;
    let known = ["records", "value"].into_iter().find(|key| fields.contains_key(*key))?;
    let holds_objects = fields[known].as_array()?.first().is_some_and(Value::is_object);
    (holds_objects && fields.len() <= 3).then_some(known)
}

fn first(mut elements: impl Elements) -> Option<Value> {
    let found = elements.next().ok()??;
    serde_json::from_slice(elements.cursor().text(found)).ok()
}

/// Tells whether the first object ends on its line and nothing else stands there.
fn one_per_line(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let line = &text[..memchr::memchr(b'\n', text).unwrap_or(text.len())];
    let whole = line.len() < text.len();
    let mut values = serde_json::Deserializer::from_slice(line).into_iter::<serde::de::IgnoredAny>();
    match values.next() {
        Some(Ok(_)) => values.next().is_none(),
        // A line longer than what was looked at, or a damaged one that ends like an object.
        Some(Err(error)) if error.is_eof() => !whole,
        Some(Err(_)) => line.trim_ascii_end().ends_with(b"}"),
        None => false,
    }
}

fn delimited(bytes: &Bytes, text: &[u8]) -> Result<Form, Error> {
    let line = &text[..memchr::memchr(b'\n', text).unwrap_or(text.len())];
    let line = String::from_utf8_lossy(line);
    let name = bytes.path.to_string_lossy().to_lowercase();
    let ends = |ending: &str| [".gz", ".zst", ""].iter().any(|packed| name.ends_with(&format!("{ending}{packed}")));
    match csv::delimiter(&line) {
        Some(delimiter) => Ok(Form::of(Layout::Csv(delimiter))),
        None if ends(".tsv") => Ok(Form::of(Layout::Csv(b'\t'))),
        None if ends(".csv") => Ok(Form::of(Layout::Csv(b','))),
        None => Err(Error::new("this is no form of records that is known")
            .at(&bytes.path)
            .remedy("known are Parquet, JSON, JSON lines, CSV and TSV, each also with gzip or zstd")),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn form(text: &str) -> String {
        let bytes = Bytes::spool(Path::new("x.txt"), &mut text.as_bytes()).unwrap();
        detect(&bytes).map_or_else(|error| format!("error: {}", error.message), |form| form.to_string())
    }

    #[test]
    fn forms_are_told_by_content() {
        for (text, wanted) in [
            ("", "empty"),
            ("\u{feff} \n", "empty"),
            ("{\"a\":1}\n{\"a\":2}\n", "JSON lines"),
            ("{\"a\":1}", "JSON lines"),
            ("{\n \"a\":1\n}\n{\n \"a\":2\n}", "JSON objects"),
            ("{\"a\":1}{\"a\":2}", "JSON objects"),
            ("{\"a\":x}\n{\"a\":2}", "JSON lines"),
            ("[{\"a\":1}]", "JSON array"),
            ("{\"records\":[{\"a\":1}]}", "JSON object with `records`"),
            ("{\"records\":[{\"a\":1}]}\n{\"records\":[{\"a\":1}]}\n", "JSON lines of objects with `records`"),
            ("[{\"records\":[{\"a\":1}]}]", "JSON array of objects with `records`"),
            ("{\"value\":[{\"a\":1}],\"nextLink\":null}", "JSON object with `value`"),
            ("{\"name\":\"x\",\"value\":[{\"a\":1}]}", "JSON lines"),
            ("{\"value\":[1,2]}", "JSON lines"),
            ("{\"tables\":[{\"name\":\"PrimaryResult\",\"columns\":[],\"rows\":[]}]}", "query API answer"),
            ("a,b\n1,2\n", "CSV"),
            ("a\tb\n1\t2\n", "TSV"),
            ("PAR1....", "Parquet"),
            ("<html>", "error: this is HTML or XML and no export"),
            ("PK\u{3}\u{4}", "error: this is a zip archive or an Excel workbook"),
            ("hello", "error: this is no form of records that is known"),
        ] {
            assert_eq!(form(text), wanted, "{text}");
        }
    }

    #[test]
    fn origins_are_told_by_the_first_record() {
        for (text, wanted) in [
            ("[{\"TableName\":\"PrimaryResult\",\"a\":\"None\"}]", "az CLI output, JSON array"),
            (
                "{\"value\":[{\"properties\":{\"alertDisplayName\":\"x\"}}]}",
                "Defender for Cloud REST alerts, JSON object with `value`",
            ),
            (
                "{\"@odata.context\":\"x\",\"value\":[{\"serviceSource\":\"x\",\"title\":\"y\",\"evidence\":[]}]}",
                "Microsoft Graph alerts, JSON object with `value`",
            ),
            (
                "{\"records\":[{\"AlertDisplayName\":\"x\",\"AlertUri\":\"y\"}]}",
                "Defender for Cloud continuous export, JSON object with `records`",
            ),
            ("{\"properties.incidentNumber\":1}", "Sentinel REST incidents, JSON lines"),
        ] {
            assert_eq!(form(text), wanted, "{text}");
        }
    }
}
