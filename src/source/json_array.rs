//! A JSON array of objects: `[{...}, {...}]`, on one line or many; one object is in memory at a time.

use super::cursor::{Cursor, Found};
use super::error::Error;
use super::records::Elements;

/// The elements of an array, or of several one after the other.
pub(super) struct Array {
    cursor: Cursor,
    inside: bool,
    first: bool,
}

impl Array {
    pub(super) fn new(cursor: Cursor) -> Self {
        Array { cursor, inside: false, first: true }
    }

    /// Makes the elements of an array whose bracket has been taken.
    pub(super) fn enter(&mut self) {
        (self.inside, self.first) = (true, true);
    }

    /// Finds the next element of the array that the cursor is in; None behind its end.
    pub(super) fn element(&mut self) -> Result<Option<Found>, Error> {
        if self.cursor.eat(b']')? {
            self.inside = false;
            return Ok(None);
        }
        if !self.first {
            self.cursor.expect(b',')?;
        }
        self.first = false;
        self.cursor.value().map(Some)
    }

    pub(super) fn cursor_mut(&mut self) -> &mut Cursor {
        &mut self.cursor
    }

    pub(super) fn is_inside(&self) -> bool {
        self.inside
    }
}

impl Elements for Array {
    fn next(&mut self) -> Result<Option<Found>, Error> {
        loop {
            if self.inside
                && let Some(found) = self.element()?
            {
                return Ok(Some(found));
            }
            if self.cursor.peek()?.is_none() {
                return Ok(None);
            }
            self.cursor.expect(b'[')?;
            self.enter();
        }
    }

    fn cursor(&self) -> &Cursor {
        &self.cursor
    }
}
