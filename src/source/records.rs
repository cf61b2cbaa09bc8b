//! What every export form is read into: one record after the other, its fields as [`Cell`]s.

use std::collections::VecDeque;

use serde_json::Value;

use crate::types::ScalarType;

use super::cell::{Cell, Sink, walk_object};
use super::cursor::{Cursor, Found};
use super::error::{Error, Place};

/// What became of the next record.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Its fields went to the sink.
    Record,
    /// It cannot be read; some of its fields may have gone to the sink. Reading can go on behind it.
    Bad(String),
    /// There is none.
    End,
}

/// The records of one file.
pub(super) trait Records: Send {
    /// Gives the fields of the next record to `sink`.
    fn next(&mut self, sink: &mut Sink<'_>) -> Result<Step, Error>;

    /// Returns where the record lies that `next` came to last, or the end.
    fn place(&self) -> Place;

    /// Returns the text of the record that `next` came to last, as far as the form has one.
    fn text(&self) -> String;

    /// Returns the columns that the file itself declares, as far as it has been read, in order.
    fn header(&self) -> Vec<(String, Option<ScalarType>)> {
        Vec::new()
    }

    /// Returns what is worth telling about the file once all of it has been read.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Where the JSON text of one record after the other is found.
pub(super) trait Elements: Send {
    /// Finds the next record's text.
    fn next(&mut self) -> Result<Option<Found>, Error>;

    /// Returns the cursor that the text is in.
    fn cursor(&self) -> &Cursor;

    /// See [`Records::warnings`].
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The fields of a record that was parsed whole.
pub(super) type Fields = Vec<(String, Value)>;

/// What the records of a JSON form look like, and so how they become rows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// The fields are the columns.
    Flat,
    /// Each record is parsed and its fields are put under the columns of a known table.
    Mapped(fn(Value) -> Result<Fields, String>),
    /// Each record holds further records under this key.
    Nested(&'static str, fn(Value) -> Result<Fields, String>),
}

/// Records that are JSON objects.
pub(super) struct JsonRecords<E> {
    elements: E,
    shape: Shape,
    found: Option<Found>,
    count: u64,
    /// Records that came inside the last one.
    waiting: VecDeque<Value>,
}

impl<E: Elements> JsonRecords<E> {
    pub(super) fn new(elements: E, shape: Shape) -> Self {
        JsonRecords { elements, shape, found: None, count: 0, waiting: VecDeque::new() }
    }

    fn read(&mut self, found: Found, sink: &mut Sink<'_>) -> Result<(), String> {
        let text = utf8(self.elements.cursor().text(found), found.place)?;
        match self.shape {
            Shape::Flat => walk_object(text, sink),
            Shape::Mapped(map) => walk_fields(&map(parse(text)?)?, sink),
            Shape::Nested(..) => Ok(()),
        }
    }

    /// Takes the records out of the next outer one.
    fn unpack(&mut self, found: Found, key: &str) -> Result<(), String> {
        let outer = parse(utf8(self.elements.cursor().text(found), found.place)?)?;
        let Value::Object(mut outer) = outer else { return Err("the outer record is no JSON object".into()) };
        match outer.remove(key) {
            Some(Value::Array(records)) => {
                self.waiting = records.into();
                Ok(())
            }
            _ => Err(format!("`{key}` is missing, or no array")),
        }
    }
}

impl<E: Elements> Records for JsonRecords<E> {
    fn next(&mut self, sink: &mut Sink<'_>) -> Result<Step, Error> {
        loop {
            if let (Some(record), Shape::Nested(_, map)) = (self.waiting.pop_front(), self.shape) {
                self.count += 1;
                return Ok(map(record)
                    .and_then(|fields| walk_fields(&fields, sink))
                    .map_or_else(Step::Bad, |()| Step::Record));
            }
            self.found = self.elements.next()?;
            let Some(found) = self.found else { return Ok(Step::End) };
            if let Shape::Nested(key, _) = self.shape {
                match self.unpack(found, key) {
                    Ok(()) => continue,
                    Err(reason) => return Ok(Step::Bad(reason)),
                }
            }
            self.count += 1;
            return Ok(self.read(found, sink).map_or_else(Step::Bad, |()| Step::Record));
        }
    }

    fn place(&self) -> Place {
        let place = self.found.map_or_else(|| self.elements.cursor().place(), |found| found.place);
        Place { record: Some(self.count), ..place }
    }

    fn text(&self) -> String {
        self.found
            .map_or(String::new(), |found| String::from_utf8_lossy(self.elements.cursor().text(found)).into_owned())
    }

    fn warnings(&self) -> Vec<String> {
        self.elements.warnings()
    }
}

/// Returns the text of bytes, or where they stop being text.
pub(super) fn utf8(bytes: &[u8], place: Place) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|error| {
        let at = place.byte.unwrap_or_default() + error.valid_up_to() as u64;
        format!("the text is not UTF-8 at byte {at}")
    })
}

pub(super) fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("not valid JSON: {error}"))
}

/// Takes an object's fields as they are.
pub(super) fn flat(record: Value) -> Result<Fields, String> {
    match record {
        Value::Object(fields) => Ok(fields.into_iter().collect()),
        _ => Err("a record is a JSON object, and this is none".to_string()),
    }
}

/// Gives fields to a sink.
pub(super) fn walk_fields(fields: &Fields, sink: &mut Sink<'_>) -> Result<(), String> {
    for (key, value) in fields {
        match value {
            Value::Null => sink(key, Cell::Null),
            Value::Bool(value) => sink(key, Cell::Bool(*value)),
            Value::Number(number) => sink(key, Cell::Number(&number.to_string())),
            Value::String(text) => sink(key, Cell::Text(text)),
            nested => sink(key, Cell::Json(&nested.to_string())),
        }
    }
    Ok(())
}
