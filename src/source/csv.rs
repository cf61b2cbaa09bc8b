//! Delimited text: the portal's CSV export, and what spreadsheets and data frames write.
//!
//! The portal marks times in the header, `TimeGenerated [UTC]`, with the time zone that was on display, and writes them
//! the American way with milliseconds (observed). Null and the empty text are both an empty field; a reader cannot tell
//! them apart.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use csv::{ByteRecord, ReaderBuilder};
use jiff::civil;
use jiff::tz::{Offset, TimeZone};

use crate::types::ScalarType;

use super::cell::{Cell, Sink};
use super::cursor::LONGEST_VALUE;
use super::decode::Bytes;
use super::error::{Error, Place, excerpt};
use super::records::{Records, Step};
use super::time;

/// The rows of a delimited file.
pub(super) struct Csv {
    reader: csv::Reader<Metered>,
    read: Arc<AtomicUsize>,
    failed: Arc<std::sync::Mutex<Option<io::Error>>>,
    unclosed: Arc<AtomicBool>,
    bytes: Bytes,
    columns: Vec<HeaderColumn>,
    record: ByteRecord,
    count: u64,
}

struct HeaderColumn {
    name: String,
    zone: Option<TimeZone>,
}

impl Csv {
    /// Opens the rows and reads the header.
    pub(super) fn new(bytes: &Bytes, delimiter: u8) -> Result<Csv, Error> {
        let (read, failed) = (Arc::new(AtomicUsize::new(0)), Arc::new(std::sync::Mutex::new(None)));
        let unclosed = Arc::new(AtomicBool::new(false));
        let quotes = Quotes { delimiter, quoted: false, closed: false, before: b'\n' };
        let stream = Metered {
            stream: bytes.open()?,
            read: read.clone(),
            failed: failed.clone(),
            unclosed: unclosed.clone(),
            quotes,
            begun: false,
        };
        let reader = ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(false).from_reader(stream);
        let mut csv = Csv {
            reader,
            read,
            failed,
            unclosed,
            bytes: bytes.clone(),
            columns: Vec::new(),
            record: ByteRecord::new(),
            count: 0,
        };
        csv.read_record()?;
        csv.columns = header(&csv.record).map_err(|error| error.at(&bytes.path))?;
        Ok(csv)
    }

    fn read_record(&mut self) -> Result<bool, Error> {
        self.read.store(0, Ordering::Relaxed);
        self.reader.read_byte_record(&mut self.record).map_err(|error| {
            let failed = self.failed.lock().ok().and_then(|mut failed| failed.take());
            let place = Place { line: Some(self.reader.position().line()), ..Place::default() };
            match failed {
                Some(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                    Error::new(error.to_string()).at(&self.bytes.path).remedy("most likely a quote that never closes")
                }
                Some(error) => self.bytes.error(&error),
                None => Error::new(format!("not readable as delimited text: {error}")).at(&self.bytes.path),
            }
            .place(place)
        })
    }

    fn give(&self, sink: &mut Sink<'_>) -> Result<(), String> {
        // It is known from the moment on at which the last record has been read, which is the one it lies in.
        if self.unclosed.load(Ordering::Relaxed) {
            return Err("a quote that begins in this record never closes".to_string());
        }
        if self.record.len() != self.columns.len() {
            let (fields, columns) = (self.record.len(), self.columns.len());
            return Err(format!("the row has {fields} fields for {columns} columns"));
        }
        for (index, (field, column)) in self.record.iter().zip(&self.columns).enumerate() {
            let text = std::str::from_utf8(field).map_err(|error| {
                let start = self.record.range(index).map_or(0, |range| range.start) + error.valid_up_to();
                let at = self.record.position().map_or(0, |position| position.byte()) + start as u64;
                format!("`{}` is not UTF-8, near byte {at}", column.name)
            })?;
            match &column.zone {
                _ if text.is_empty() => sink(&column.name, Cell::Null),
                None => sink(&column.name, Cell::Text(text)),
                Some(zone) => {
                    let ticks = in_zone(text, zone)
                        .ok_or_else(|| format!("`{}` is no time for column {}", excerpt(text), column.name))?;
                    sink(&column.name, Cell::Text(&crate::types::ticks::format_datetime(ticks)));
                }
            }
        }
        Ok(())
    }
}

impl Records for Csv {
    fn next(&mut self, sink: &mut Sink<'_>) -> Result<Step, Error> {
        if !self.read_record()? {
            return Ok(Step::End);
        }
        self.count += 1;
        Ok(self.give(sink).map_or_else(Step::Bad, |()| Step::Record))
    }

    fn place(&self) -> Place {
        let position = self.record.position();
        Place {
            line: position.map(csv::Position::line),
            record: Some(self.count),
            byte: position.map(csv::Position::byte),
        }
    }

    fn text(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let written = writer.write_byte_record(&self.record).ok().and_then(|()| writer.into_inner().ok());
        String::from_utf8_lossy(&written.unwrap_or_default()).trim_end().to_string()
    }

    fn header(&self) -> Vec<(String, Option<ScalarType>)> {
        let declared = |column: &HeaderColumn| column.zone.as_ref().map(|_| ScalarType::DateTime);
        self.columns.iter().map(|column| (column.name.clone(), declared(column))).collect()
    }
}

fn header(record: &ByteRecord) -> Result<Vec<HeaderColumn>, Error> {
    let mut columns: Vec<HeaderColumn> = Vec::new();
    for (index, field) in record.iter().enumerate() {
        let text = std::str::from_utf8(field)
            .map_err(|_| Error::new("the header is not UTF-8").remedy("save the file as UTF-8"))?;
        let (name, zone) = match text.trim().strip_suffix(']').and_then(|text| text.rsplit_once(" [")) {
            Some((name, zone)) => (name.trim(), Some(zone_named(zone, text.trim())?)),
            None => (text.trim(), None),
        };
        // A data frame's index has no name.
        let name = if name.is_empty() { format!("Column{}", index + 1) } else { name.to_string() };
        let taken = |name: &str| columns.iter().any(|column| column.name == name);
        let name = match taken(&name) {
            false => name,
            true => (1..).map(|number| format!("{name}{number}")).find(|name| !taken(name)).unwrap_or(name),
        };
        columns.push(HeaderColumn { name, zone });
    }
    Ok(columns)
}

/// Finds the time zone that a header names: `UTC`, an offset, or a place of the time zone database.
fn zone_named(zone: &str, header: &str) -> Result<TimeZone, Error> {
    let offset = zone.strip_prefix("UTC").or_else(|| zone.strip_prefix("GMT")).unwrap_or(zone);
    if matches!(offset, "" | "Z") {
        return Ok(TimeZone::UTC);
    }
    offset_of(offset).map(TimeZone::fixed).or_else(|| TimeZone::get(zone).ok()).ok_or_else(|| {
        Error::new(format!("the header `{header}` does not say how its times relate to UTC"))
            .remedy("set the portal's time zone to UTC and export again, or write `[UTC+02:00]` in the header")
    })
}

fn offset_of(text: &str) -> Option<Offset> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let (hours, minutes) = digits.split_once(':').unwrap_or((digits, "0"));
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    if !(0..=18).contains(&hours) || !(0..60).contains(&minutes) {
        return None;
    }
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

/// Reads a local time; one that carries an offset of its own needs no zone.
fn in_zone(text: &str, zone: &TimeZone) -> Option<i64> {
    let ticks = time::read(text)?;
    if *zone == TimeZone::UTC || text.ends_with('Z') {
        return Some(ticks);
    }
    let seconds = (ticks - crate::types::ticks::UNIX_EPOCH).div_euclid(10_000_000);
    let local: civil::DateTime = jiff::Timestamp::from_second(seconds).ok()?.to_zoned(TimeZone::UTC).datetime();
    let moment = zone.to_timestamp(local).ok()?.as_second();
    Some(ticks - (seconds - moment) * 10_000_000)
}

/// Follows the quotes of a stream: a field is quoted where the quote is its first byte, and two quotes within are one.
struct Quotes {
    delimiter: u8,
    quoted: bool,
    /// Whether the quote before closed a field.
    closed: bool,
    /// The byte before what comes next.
    before: u8,
}

impl Quotes {
    fn follow(&mut self, bytes: &[u8]) {
        for at in memchr::memchr_iter(b'"', bytes) {
            let before = at.checked_sub(1).map_or(self.before, |before| bytes[before]);
            // The second of two quotes within a field opens it again.
            let opens = before == self.delimiter || matches!(before, b'\n' | b'\r') || before == b'"' && self.closed;
            self.closed = self.quoted;
            self.quoted = !self.quoted && opens;
        }
        self.before = bytes.last().copied().unwrap_or(self.before);
    }
}

/// A stream without a byte order mark that stops when one record takes too much of it.
struct Metered {
    stream: Box<dyn Read + Send>,
    read: Arc<AtomicUsize>,
    failed: Arc<std::sync::Mutex<Option<io::Error>>>,
    /// Whether the stream has ended within quotes.
    unclosed: Arc<AtomicBool>,
    quotes: Quotes,
    begun: bool,
}

impl Metered {
    fn read_on(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.begun {
            self.begun = true;
            let mut mark = Vec::with_capacity(3);
            self.stream.by_ref().take(3).read_to_end(&mut mark)?;
            if mark != b"\xef\xbb\xbf" && buffer.len() >= mark.len() {
                buffer[..mark.len()].copy_from_slice(&mark);
                return Ok(mark.len());
            }
        }
        let count = self.stream.read(buffer)?;
        if self.read.fetch_add(count, Ordering::Relaxed) > LONGEST_VALUE {
            let limit = LONGEST_VALUE >> 20;
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("the record that begins here is longer than {limit} MiB"),
            ));
        }
        Ok(count)
    }
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.read_on(buffer).inspect_err(|error| {
            if let Ok(mut failed) = self.failed.lock() {
                *failed = Some(io::Error::new(error.kind(), error.to_string()));
            }
        });
        match read {
            Ok(0) if !buffer.is_empty() => self.unclosed.store(self.quotes.quoted, Ordering::Relaxed),
            Ok(count) => self.quotes.follow(&buffer[..count]),
            Err(_) => {}
        }
        read
    }
}

/// Guesses what separates the fields of a header line.
pub(super) fn delimiter(line: &str) -> Option<u8> {
    let mut quoted = false;
    let mut counts = [(b',', 0), (b'\t', 0), (b';', 0), (b'|', 0)];
    for byte in line.bytes() {
        quoted ^= byte == b'"';
        if let (false, Some(count)) = (quoted, counts.iter_mut().find(|(delimiter, _)| *delimiter == byte)) {
            count.1 += 1;
        }
    }
    counts.into_iter().filter(|(_, count)| *count > 0).max_by_key(|(_, count)| *count).map(|(delimiter, _)| delimiter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_what_the_header_has_most_of() {
        assert_eq!(delimiter("a,b,c"), Some(b','));
        assert_eq!(delimiter("a\tb, c\td"), Some(b'\t'));
        assert_eq!(delimiter("\"a,b\";c"), Some(b';'));
        assert_eq!(delimiter("alone"), None);
    }

    #[test]
    fn quotes_are_followed_over_the_ends_of_buffers() {
        for (text, unclosed) in [
            ("a,\"b\nc\"\n", false),
            ("a,\"b \"\"c\"\" d\"\n", false),
            ("a,5\" disk,\"x\"\n", false),
            ("a,\"\",\"\"\n", false),
            ("a,5\"\" disk,\"x\"\n", false),
            ("\"a\"\n\"b\n", true),
            ("a,\"b\"\"\n", true),
        ] {
            for size in 1..text.len() {
                let mut quotes = Quotes { delimiter: b',', quoted: false, closed: false, before: b'\n' };
                text.as_bytes().chunks(size).for_each(|bytes| quotes.follow(bytes));
                assert_eq!(quotes.quoted, unclosed, "{text:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn header_names_lose_their_zone_and_stay_unique() {
        let columns = header(&ByteRecord::from(vec!["", "TimeGenerated [UTC]", "a", "a"])).unwrap();
        let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["Column1", "TimeGenerated", "a", "a1"]);
    }

    #[test]
    fn local_times_become_utc_or_are_refused() {
        let read = |zone: &str| in_zone("7/1/2025, 12:00:00.000 PM", &zone_named(zone, zone).unwrap());
        assert_eq!(read("UTC+02:00"), time::read("2025-07-01T10:00:00Z"));
        assert_eq!(read("Europe/Berlin"), time::read("2025-07-01T10:00:00Z"));
        assert_eq!(read("UTC"), time::read("2025-07-01T12:00:00Z"));
        let error = zone_named("Local Time", "TimeGenerated [Local Time]").unwrap_err();
        assert!(error.to_string().contains("UTC"), "{error}");
    }
}
