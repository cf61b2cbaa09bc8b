//! An object around the records: `{"records":[...]}` of Event Hubs, `{"value":[...],"nextLink":...}` of REST answers.
//!
//! Pages and messages that were written one after the other into one file are read on.

use super::cursor::{Cursor, Found};
use super::error::Error;
use super::json_array::Array;
use super::records::Elements;

/// The records under one key of each object.
pub(super) struct Envelope {
    array: Array,
    key: &'static str,
    state: State,
    /// The address of the page behind the last one, where that is not in the file.
    next_page: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Between two objects.
    Outside,
    /// Among the keys of an object; `first` before the first of them.
    Keys { first: bool },
}

impl Envelope {
    pub(super) fn new(cursor: Cursor, key: &'static str) -> Self {
        Envelope { array: Array::new(cursor), key, state: State::Outside, next_page: false }
    }

    /// Goes to the next array of records; false at the end of the text.
    fn find_array(&mut self) -> Result<bool, Error> {
        loop {
            let cursor = self.array.cursor_mut();
            match self.state {
                State::Outside => {
                    while cursor.eat(b',')? {}
                    if cursor.peek()?.is_none() {
                        return Ok(false);
                    }
                    cursor.expect(b'{')?;
                    self.next_page = false;
                    self.state = State::Keys { first: true };
                }
                State::Keys { first } => match next_key(cursor, first)? {
                    None => self.state = State::Outside,
                    Some(key) => {
                        self.state = State::Keys { first: false };
                        if key == self.key && cursor.eat(b'[')? {
                            self.array.enter();
                            return Ok(true);
                        }
                        let found = cursor.value()?;
                        let text = cursor.text(found);
                        if matches!(key.as_str(), "nextLink" | "@odata.nextLink") {
                            self.next_page = !matches!(text, b"null" | b"\"\"");
                        }
                        if key == "error" && text != b"null" {
                            return Err(told(cursor, &String::from_utf8_lossy(text)));
                        }
                    }
                },
            }
        }
    }
}

/// Takes the next key of an object and the colon behind it; None behind the object's end.
pub(super) fn next_key(cursor: &mut Cursor, first: bool) -> Result<Option<String>, Error> {
    if cursor.eat(b'}')? {
        return Ok(None);
    }
    if !first {
        cursor.expect(b',')?;
    }
    let found = cursor.value()?;
    let key: String = serde_json::from_slice(cursor.text(found)).map_err(|_| cursor.unexpected("a key in quotes"))?;
    cursor.expect(b':')?;
    Ok(Some(key))
}

/// Makes an error of the `error` object of an answer.
pub(super) fn told(cursor: &Cursor, error: &str) -> Error {
    let error: serde_json::Value = serde_json::from_str(error).unwrap_or_default();
    let word = |key: &str| error.get(key).and_then(|value| value.as_str()).unwrap_or_default().to_string();
    cursor
        .error(format!("the service answered with an error, {}: {}", word("code"), word("message")))
        .remedy("run the export again")
}

impl Elements for Envelope {
    fn next(&mut self) -> Result<Option<Found>, Error> {
        loop {
            if self.array.is_inside()
                && let Some(found) = self.array.element()?
            {
                return Ok(Some(found));
            }
            if !self.find_array()? {
                return Ok(None);
            }
        }
    }

    fn cursor(&self) -> &Cursor {
        self.array.cursor()
    }

    fn warnings(&self) -> Vec<String> {
        match self.next_page {
            true => vec!["the last page names a next one that is not in the file: there are more records".to_string()],
            false => Vec::new(),
        }
    }
}
