//! A cursor over JSON text that is read in pieces: it finds where values begin and end without parsing them.
//!
//! One value is in memory at a time, however long the file and its lines are.

use std::io::Read;
use std::ops::{Deref, DerefMut};
use std::sync::mpsc::Sender;

use super::decode::{Bytes, Part};
use super::error::{Error, Place};

/// The longest value that is taken into memory: one record, or one line.
pub(super) const LONGEST_VALUE: usize = 64 << 20;

const CHUNK: usize = 256 << 10;

/// Where values are read from.
pub(super) struct Cursor {
    stream: Box<dyn Read + Send>,
    /// For messages, and to say what a failed read means.
    bytes: Bytes,
    buffer: Buffer,
    /// What lies before this in `buffer` is done with.
    at: usize,
    /// `buffer` holds bytes of the stream up to here.
    filled: usize,
    /// Offset in the stream of `buffer[0]`.
    base: u64,
    /// Line of `buffer[at]`, counted from 1.
    line: u64,
    ended: bool,
    longest: usize,
}

/// Bytes that go back to where they are filled again, so that memory need not be fetched anew all the time.
pub(super) struct Buffer {
    bytes: Vec<u8>,
    back: Option<Sender<Vec<u8>>>,
}

impl From<Vec<u8>> for Buffer {
    fn from(bytes: Vec<u8>) -> Buffer {
        Buffer { bytes, back: None }
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(back) = &self.back {
            let _ = back.send(std::mem::take(&mut self.bytes));
        }
    }
}

/// A value's place in the cursor's buffer; good until the cursor moves on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    start: usize,
    end: usize,
    pub(super) place: Place,
}

impl Cursor {
    pub(super) fn new(bytes: &Bytes) -> Result<Cursor, Error> {
        Ok(Cursor::over(bytes, bytes.open()?))
    }

    /// Makes a cursor over any stream; `bytes` is for messages.
    pub(super) fn over(bytes: &Bytes, stream: Box<dyn Read + Send>) -> Cursor {
        Cursor {
            stream,
            bytes: bytes.clone(),
            buffer: Buffer::from(Vec::new()),
            at: 0,
            filled: 0,
            base: 0,
            line: 1,
            ended: false,
            longest: LONGEST_VALUE,
        }
    }

    /// Makes a cursor over a part of the bytes; what it reads goes through a spare buffer.
    pub(super) fn part(bytes: &Bytes, part: Part, spare: Vec<u8>) -> Cursor {
        let mut buffer = spare;
        buffer.resize(buffer.len().max(CHUNK), 0);
        let base = part.start();
        Cursor { base, buffer: Buffer::from(buffer), ..Cursor::over(bytes, Box::new(part)) }
    }

    /// Gives the buffer to this one when nobody needs what is in it any more.
    pub(super) fn back_to(mut self, back: &Sender<Vec<u8>>) -> Cursor {
        self.buffer.back = Some(back.clone());
        self
    }

    /// Skips a byte order mark.
    pub(super) fn skip_mark(&mut self) -> Result<(), Error> {
        while self.filled - self.at < 3 && self.more()? {}
        if self.buffer[self.at..self.filled].starts_with(b"\xef\xbb\xbf") {
            self.at += 3;
        }
        Ok(())
    }

    /// Returns the next byte that is not white space, without taking it.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, Error> {
        loop {
            while self.at < self.filled {
                match self.buffer[self.at] {
                    b'\n' => self.line += 1,
                    b' ' | b'\t' | b'\r' => {}
                    other => return Ok(Some(other)),
                }
                self.at += 1;
            }
            if !self.more()? {
                return Ok(None);
            }
        }
    }

    /// Takes the next byte that is not white space if it is `wanted`.
    pub(super) fn eat(&mut self, wanted: u8) -> Result<bool, Error> {
        let found = self.peek()? == Some(wanted);
        if found {
            self.at += 1;
        }
        Ok(found)
    }

    /// Takes the next byte that is not white space, or says that `wanted` is missing.
    pub(super) fn expect(&mut self, wanted: u8) -> Result<(), Error> {
        match self.eat(wanted)? {
            true => Ok(()),
            false => Err(self.unexpected(&format!("`{}`", wanted as char))),
        }
    }

    /// Takes the next value whole: it is balanced and not yet known to be valid JSON.
    pub(super) fn value(&mut self) -> Result<Found, Error> {
        let first = self.peek()?.ok_or_else(|| self.unexpected("a value"))?;
        let place = self.place();
        let length = match first {
            b'"' => self.string_end(1)?,
            b'{' | b'[' => self.nested_end()?,
            b']' | b'}' | b',' | b':' => return Err(self.unexpected("a value")),
            _ => self.scalar_end()?,
        };
        Ok(self.take(length, place))
    }

    /// Takes the next line whole, without its end; None at the end of the text.
    pub(super) fn line(&mut self) -> Result<Option<Found>, Error> {
        let place = self.place();
        let mut searched = 0;
        loop {
            let rest = &self.buffer[self.at + searched..self.filled];
            if let Some(end) = memchr::memchr(b'\n', rest) {
                let found = Found { start: self.at, end: self.at + searched + end, place };
                (self.at, self.line) = (found.end + 1, self.line + 1);
                return Ok(Some(found));
            }
            searched += rest.len();
            if !self.grow(searched)? {
                return Ok((searched > 0).then(|| self.take(searched, place)));
            }
        }
    }

    /// Finds as many whole lines as make up so many bytes, or all that are left; nothing at the end of the text.
    fn lines(&mut self, least: usize) -> Result<usize, Error> {
        let mut searched = 0;
        loop {
            let held = self.filled - self.at;
            if held >= least {
                if let Some(end) = memchr::memrchr(b'\n', &self.buffer[self.at + searched..self.filled]) {
                    return Ok(searched + end + 1);
                }
                searched = held;
            }
            if !self.grow(searched)? {
                return Ok(self.filled - self.at);
            }
        }
    }

    /// Takes as many whole lines as make up so many bytes, or all that are left, for a cursor of their own; `spare` takes
    /// the place of the buffer that they are in. None at the end of the text.
    ///
    /// The lines are not counted here: each time the first is line 1.
    pub(super) fn take_lines(&mut self, least: usize, spare: Vec<u8>) -> Result<Option<Cursor>, Error> {
        let (start, end) = (self.at, self.at + self.lines(least)?);
        if start == end {
            return Ok(None);
        }
        let rest = &self.buffer[end..self.filled];
        let mut spare = spare;
        // What it held before does no harm: it counts as far as it is filled.
        if spare.len() < self.buffer.len() {
            spare.resize(self.buffer.len(), 0);
        }
        spare[..rest.len()].copy_from_slice(rest);
        let left = rest.len();
        let taken = Cursor {
            buffer: std::mem::replace(&mut self.buffer, spare.into()),
            at: start,
            filled: end,
            base: self.base,
            ended: true,
            ..Cursor::over(&self.bytes, Box::new(std::io::empty()))
        };
        (self.filled, self.base, self.at) = (left, self.base + end as u64, 0);
        Ok(Some(taken))
    }

    /// Returns the bytes of a value that was just taken.
    pub(super) fn text(&self, found: Found) -> &[u8] {
        &self.buffer[found.start..found.end]
    }

    /// Returns where the cursor stands.
    pub(super) fn place(&self) -> Place {
        Place { line: Some(self.line), record: None, byte: Some(self.base + self.at as u64) }
    }

    /// Makes an error at this place.
    pub(super) fn error(&self, message: impl Into<String>) -> Error {
        Error::new(message).at(&self.bytes.path).place(self.place())
    }

    /// Says that something else is expected here.
    pub(super) fn unexpected(&self, wanted: &str) -> Error {
        match self.buffer[self.at..self.filled].first() {
            Some(byte) if byte.is_ascii_graphic() => {
                self.error(format!("{wanted} is expected where `{}` stands", *byte as char))
            }
            Some(_) => self.error(format!("{wanted} is expected here")),
            None => self
                .error(format!("the text ends where {wanted} is expected"))
                .remedy("the file may have been cut off: export or copy it again"),
        }
    }

    fn take(&mut self, length: usize, place: Place) -> Found {
        let found = Found { start: self.at, end: self.at + length, place };
        self.line += memchr::memchr_iter(b'\n', &self.buffer[found.start..found.end]).count() as u64;
        self.at = found.end;
        found
    }

    /// Returns the length of a string whose inside begins `offset` bytes from here, its closing quote included.
    fn string_end(&mut self, mut offset: usize) -> Result<usize, Error> {
        loop {
            match memchr::memchr2(b'"', b'\\', &self.buffer[self.at + offset..self.filled]) {
                Some(found) if self.buffer[self.at + offset + found] == b'"' => return Ok(offset + found + 1),
                Some(found) => {
                    offset += found + 2;
                    if self.at + offset > self.filled && !self.grow(offset)? {
                        return Err(self.cut_off());
                    }
                }
                None => {
                    offset = self.filled - self.at;
                    if !self.grow(offset)? {
                        return Err(self.cut_off());
                    }
                }
            }
        }
    }

    fn nested_end(&mut self) -> Result<usize, Error> {
        let mut depth = 0usize;
        let mut offset = 0;
        loop {
            while self.at + offset < self.filled {
                let byte = self.buffer[self.at + offset];
                offset += 1;
                match byte {
                    b'"' => offset = self.string_end(offset)?,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            return Ok(offset);
                        }
                    }
                    _ => {}
                }
            }
            if !self.grow(offset)? {
                return Err(self.cut_off());
            }
        }
    }

    fn scalar_end(&mut self) -> Result<usize, Error> {
        let mut offset = 0;
        loop {
            let rest = &self.buffer[self.at + offset..self.filled];
            let stops = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b':' | b' ' | b'\t' | b'\r' | b'\n');
            if let Some(end) = rest.iter().position(stops) {
                return Ok(offset + end);
            }
            offset += rest.len();
            if !self.grow(offset)? {
                return Ok(offset);
            }
        }
    }

    fn cut_off(&self) -> Error {
        self.error("the text ends within the value that begins here")
            .remedy("the file may have been cut off: export or copy it again")
    }

    /// Reads on within a value of which `length` bytes are known; false at the end of the text.
    fn grow(&mut self, length: usize) -> Result<bool, Error> {
        if length > self.longest {
            let limit = self.longest >> 20;
            return Err(self
                .error(format!("the value that begins here is longer than {limit} MiB"))
                .remedy("a record this long is most likely two files in one, or a quote that never closes"));
        }
        self.more()
    }

    /// Reads on, keeping what is not done with; false at the end of the text.
    fn more(&mut self) -> Result<bool, Error> {
        if self.ended {
            return Ok(false);
        }
        if self.at > 0 {
            self.buffer.copy_within(self.at..self.filled, 0);
            self.base += self.at as u64;
            self.filled -= self.at;
            self.at = 0;
        }
        if self.filled + CHUNK / 2 > self.buffer.len() {
            let double = (self.buffer.len() * 2).max(CHUNK);
            self.buffer.resize(double, 0);
        }
        loop {
            match self.stream.read(&mut self.buffer[self.filled..]) {
                Ok(0) => {
                    self.ended = true;
                    return Ok(false);
                }
                Ok(count) => {
                    self.filled += count;
                    return Ok(true);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let place = Place { byte: Some(self.base + self.filled as u64), ..Place::default() };
                    return Err(self.bytes.error(&error).place(place));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read};
    use std::path::Path;

    use super::*;

    /// Gives one byte at a time, so that every value lies across reads.
    struct Drip(Vec<u8>, usize);

    impl Read for Drip {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match (self.0.get(self.1), buffer.first_mut()) {
                (Some(byte), Some(slot)) => {
                    *slot = *byte;
                    self.1 += 1;
                    Ok(1)
                }
                _ => Ok(0),
            }
        }
    }

    fn cursor(text: &str) -> Cursor {
        let bytes = Bytes::spool(Path::new("t"), &mut io::empty()).unwrap();
        Cursor::over(&bytes, Box::new(Drip(text.as_bytes().to_vec(), 0)))
    }

    fn values(text: &str) -> Vec<String> {
        let mut cursor = cursor(text);
        let mut values = Vec::new();
        while cursor.peek().unwrap().is_some() {
            let found = cursor.value().unwrap();
            values.push(String::from_utf8(cursor.text(found).to_vec()).unwrap());
        }
        values
    }

    #[test]
    fn values_end_where_they_end() {
        let text = "{\"a\":\"}\\\"]\\\\\"} [1,[2]]\n\"x\\\\\" 12 true";
        assert_eq!(values(text), ["{\"a\":\"}\\\"]\\\\\"}", "[1,[2]]", "\"x\\\\\"", "12", "true"]);
    }

    #[test]
    fn places_count_lines_and_bytes() {
        let mut cursor = cursor("{\n}\n\n {}");
        assert_eq!(cursor.value().unwrap().place.line, Some(1));
        let second = cursor.value().unwrap();
        assert_eq!(second.place, Place { line: Some(4), record: None, byte: Some(6) });
    }

    #[test]
    fn lines_need_no_last_newline() {
        let mut cursor = cursor("a\n\nb");
        let mut lines = Vec::new();
        while let Some(found) = cursor.line().unwrap() {
            lines.push(String::from_utf8(cursor.text(found).to_vec()).unwrap());
        }
        assert_eq!(lines, ["a", "", "b"]);
    }

    #[test]
    fn pieces_end_where_lines_do() {
        let mut cursor = cursor("a\nbb\n\ncccccccccc\nd");
        let mut pieces = Vec::new();
        while let Some(lines) = cursor.take_lines(4, Vec::new()).unwrap() {
            let (Place { line, byte, .. }, text) = (lines.place(), &lines.buffer[lines.at..lines.filled]);
            pieces.push((String::from_utf8(text.to_vec()).unwrap(), line, byte));
        }
        let piece = |text: &str, byte| (text.to_string(), Some(1), Some(byte));
        assert_eq!(pieces, [piece("a\n", 0), piece("bb\n\n", 2), piece("cccccccccc\n", 6), piece("d", 17)]);
    }

    #[test]
    fn text_that_stops_within_a_value_is_an_error_at_its_start() {
        for text in ["\n{\"a\":[1", "\n\"abc", "\n{\"a\\"] {
            let error = cursor(text).value().unwrap_err();
            assert!(error.message.contains("ends within"), "{error}");
            assert_eq!(error.place.line, Some(2));
        }
    }

    #[test]
    fn a_value_may_not_be_longer_than_the_limit() {
        let mut cursor = cursor(&format!("\"{}\"", "x".repeat(100)));
        cursor.longest = 50;
        assert!(cursor.value().unwrap_err().message.contains("longer than"));
    }
}
