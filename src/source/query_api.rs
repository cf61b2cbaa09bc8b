//! The answer of the Log Analytics query API: `{"tables":[{"name","columns":[{"name","type"}],"rows":[[...]]}]}`.
//!
//! Column types are declared; a dynamic value arrives as JSON text (documented for the Power Query map, observed in
//! answers). An answer may hold rows *and* an error: `PartialError` means that rows are missing, which is an error here
//! unless it is accepted. The first table is read; later ones are told about.

use serde_json::Value;

use crate::types::ScalarType;

use super::cell::{Sink, walk_array};
use super::cursor::{Cursor, Found};
use super::envelope::{next_key, told};
use super::error::{Error, Place};
use super::json_array::Array;
use super::records::{Elements, Records, Step, utf8};

/// The rows of an answer.
pub(super) struct QueryApi {
    array: Array,
    state: State,
    columns: Vec<(String, Option<ScalarType>)>,
    accept_partial: bool,
    /// Whether a table's rows have been read.
    done: bool,
    found: Option<Found>,
    count: u64,
    warnings: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    /// Before the answer.
    Outside,
    /// Among the keys of the answer.
    Answer { first: bool },
    /// Among the tables.
    Tables { first: bool },
    /// Among the keys of a table.
    Table { first: bool },
    /// Among the rows of the table that is read.
    Rows,
    /// Behind the answer.
    End,
}

impl QueryApi {
    pub(super) fn new(cursor: Cursor, accept_partial: bool) -> Self {
        QueryApi {
            array: Array::new(cursor),
            state: State::Outside,
            columns: Vec::new(),
            accept_partial,
            done: false,
            found: None,
            count: 0,
            warnings: Vec::new(),
        }
    }

    /// Goes on to the next row; None at the end of the answer.
    fn row(&mut self) -> Result<Option<Found>, Error> {
        loop {
            match self.state {
                State::Rows => match self.array.element()? {
                    Some(found) => return Ok(Some(found)),
                    None => {
                        self.done = true;
                        self.state = State::Table { first: false };
                    }
                },
                State::End => return Ok(None),
                _ => self.advance()?,
            }
        }
    }

    fn advance(&mut self) -> Result<(), Error> {
        let cursor = self.array.cursor_mut();
        match self.state {
            State::Outside => {
                cursor.expect(b'{')?;
                self.state = State::Answer { first: true };
            }
            State::Answer { first } => match next_key(cursor, first)? {
                None => self.state = State::End,
                Some(key) if key == "tables" && cursor.eat(b'[')? => self.state = State::Tables { first: true },
                Some(key) => {
                    self.state = State::Answer { first: false };
                    self.answer_key(&key)?;
                }
            },
            State::Tables { first } => {
                if cursor.eat(b']')? {
                    self.state = State::Answer { first: false };
                } else {
                    if !first {
                        cursor.expect(b',')?;
                    }
                    cursor.expect(b'{')?;
                    self.state = State::Table { first: true };
                }
            }
            State::Table { first } => match next_key(cursor, first)? {
                None => self.state = State::Tables { first: false },
                Some(key) => {
                    self.state = State::Table { first: false };
                    self.table_key(&key)?;
                }
            },
            State::Rows | State::End => {}
        }
        Ok(())
    }

    fn answer_key(&mut self, key: &str) -> Result<(), Error> {
        let cursor = self.array.cursor_mut();
        let found = cursor.value()?;
        if key != "error" {
            return Ok(());
        }
        let text = String::from_utf8_lossy(cursor.text(found)).into_owned();
        let error: Value = serde_json::from_str(&text).unwrap_or_default();
        if error.is_null() {
            return Ok(());
        }
        let partial = error.get("code").and_then(Value::as_str) == Some("PartialError");
        if partial && only_warnings(&error) {
            self.warnings.extend(messages(&error));
            return Ok(());
        }
        if partial && self.accept_partial {
            self.warnings.push(format!("the answer is partial, rows are missing: {}", messages(&error).join("; ")));
            return Ok(());
        }
        let reasons = messages(&error).join("; ");
        Err(match partial {
            true => cursor
                .error(format!("the answer is partial, rows are missing: {reasons}"))
                .partial()
                .remedy("ask for a shorter time range; `alertq fetch log-analytics` parts it by itself"),
            false => told(cursor, &text),
        })
    }

    fn table_key(&mut self, key: &str) -> Result<(), Error> {
        let cursor = self.array.cursor_mut();
        match key {
            "columns" if !self.done => {
                let found = cursor.value()?;
                self.columns = columns(cursor.text(found))
                    .ok_or_else(|| cursor.error("`columns` is no array of objects with `name` and `type`"))?;
            }
            "rows" if !self.done => {
                if self.columns.is_empty() {
                    return Err(cursor
                        .error("`rows` come before `columns`, so that their types are not known yet")
                        .remedy("keep the order of keys that the service writes"));
                }
                cursor.expect(b'[')?;
                self.array.enter();
                self.state = State::Rows;
            }
            "rows" => {
                let found = cursor.value()?;
                if cursor.text(found) != b"[]" {
                    self.warnings.push("the answer holds more than one table; the first was read".to_string());
                }
            }
            _ => {
                cursor.value()?;
            }
        }
        Ok(())
    }
}

fn columns(json: &[u8]) -> Option<Vec<(String, Option<ScalarType>)>> {
    let columns: Vec<Value> = serde_json::from_slice(json).ok()?;
    let word = |column: &Value, key: &str| column.get(key).and_then(Value::as_str).map(str::to_string);
    columns
        .iter()
        .map(|column| {
            let name = word(column, "name").or_else(|| word(column, "ColumnName"))?;
            let declared = word(column, "type").or_else(|| word(column, "ColumnType")).unwrap_or_default();
            Some((name, ScalarType::from_name(&declared)))
        })
        .collect()
}

/// Tells whether every detail of a partial error is a warning, which the service sends in the same place.
pub fn only_warnings(error: &Value) -> bool {
    let details = error.get("details").and_then(Value::as_array);
    let is_warning = |detail: &Value| {
        let inner = detail.get("innererror").unwrap_or(detail);
        inner.get("severityName").or_else(|| detail.get("severityName")).and_then(Value::as_str) == Some("Warning")
    };
    details.is_some_and(|details| !details.is_empty() && details.iter().all(is_warning))
}

/// Returns what the details of an error say.
pub fn messages(error: &Value) -> Vec<String> {
    let message = |value: &Value| {
        let inner = value.get("innererror").and_then(|inner| inner.get("message"));
        inner.or_else(|| value.get("message")).and_then(Value::as_str).map(str::to_string)
    };
    let details = error.get("details").and_then(Value::as_array).into_iter().flatten();
    let mut all: Vec<String> = details.filter_map(message).collect();
    if all.is_empty() {
        all.extend(message(error));
    }
    all
}

impl Records for QueryApi {
    fn next(&mut self, sink: &mut Sink<'_>) -> Result<Step, Error> {
        self.found = self.row()?;
        let Some(found) = self.found else { return Ok(Step::End) };
        self.count += 1;
        let mut width = 0;
        let read = utf8(self.array.cursor().text(found), found.place).and_then(|text| {
            walk_array(text, &mut |index, cell| {
                width = index + 1;
                if let Some((name, _)) = self.columns.get(index) {
                    sink(name, cell);
                }
            })
        });
        Ok(match read {
            Err(reason) => Step::Bad(reason),
            Ok(()) if width != self.columns.len() => {
                Step::Bad(format!("the row has {width} values for {} columns", self.columns.len()))
            }
            Ok(()) => Step::Record,
        })
    }

    fn place(&self) -> Place {
        Place { record: Some(self.count), ..self.found.map(|found| found.place).unwrap_or_default() }
    }

    fn text(&self) -> String {
        self.found.map_or(String::new(), |found| String::from_utf8_lossy(self.array.cursor().text(found)).into_owned())
    }

    fn header(&self) -> Vec<(String, Option<ScalarType>)> {
        self.columns.clone()
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }
}
