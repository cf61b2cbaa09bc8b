//! JSON lines: one object on each line, as data export writes to storage and most tools write files.
//!
//! Objects that go over several lines, or share one, are read too, one after the other.

use super::cursor::{Cursor, Found};
use super::error::Error;
use super::records::Elements;

/// One object on each line.
pub(super) struct Lines(pub(super) Cursor);

impl Elements for Lines {
    fn next(&mut self) -> Result<Option<Found>, Error> {
        while let Some(found) = self.0.line()? {
            if !self.0.text(found).iter().all(u8::is_ascii_whitespace) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn cursor(&self) -> &Cursor {
        &self.0
    }
}

/// Objects one after the other, however they are broken into lines.
pub(super) struct Sequence(pub(super) Cursor);

impl Elements for Sequence {
    fn next(&mut self) -> Result<Option<Found>, Error> {
        // Some tools separate the objects of a sequence with commas.
        while self.0.eat(b',')? {}
        match self.0.peek()? {
            None => Ok(None),
            Some(_) => self.0.value().map(Some),
        }
    }

    fn cursor(&self) -> &Cursor {
        &self.0
    }
}
