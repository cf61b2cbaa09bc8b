//! Records become rows of batches; those that cannot are set aside with the reason.

use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use hashbrown::HashMap;

use crate::types::Column;
use crate::types::arrow::schema;

use super::build::{ColumnBuilder, Reading};
use super::cell::Cell;
use super::error::{Error, Place};
use super::survey::{Guess, TYPE_NAME};

/// A record that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// The file.
    pub path: PathBuf,
    /// Where in the file.
    pub place: Place,
    /// Why it could not be read.
    pub fault: Fault,
    /// What stands there.
    pub text: String,
}

/// Why a record cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The reason, in one sentence; it names the column where there is one.
    pub reason: String,
    /// The column whose value is none of its type.
    pub column: Option<String>,
    /// That value as the file has it.
    pub value: Option<String>,
}

impl Fault {
    /// Makes the fault of a record as a whole.
    pub(super) fn of_record(reason: String) -> Fault {
        Fault { reason, column: None, value: None }
    }

    /// Makes the fault of one value.
    pub(super) fn of_value(column: &str, value: String, reason: &str) -> Fault {
        Fault { reason: format!("column {column}: {reason}"), column: Some(column.to_string()), value: Some(value) }
    }
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: {}", self.path.display(), self.place, self.fault.reason)
    }
}

/// What becomes of records that cannot be read.
#[derive(Clone, Default)]
pub enum BadRows {
    /// Reading goes on to the end and then fails, with their number and the first of them.
    #[default]
    Fail,
    /// Each is written as a line of JSON, and the batches hold the others.
    Write(Arc<Mutex<dyn Write + Send>>),
    /// They are counted and the first ones kept, and the batches hold the others.
    Count,
    /// Each is kept for the caller to look at, and the batches hold the others.
    Collect(Arc<Mutex<Vec<BadRow>>>),
}

impl fmt::Debug for BadRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BadRows::Fail => "Fail",
            BadRows::Write(_) => "Write",
            BadRows::Count => "Count",
            BadRows::Collect(_) => "Collect",
        })
    }
}

impl BadRows {
    /// Sets a record aside; false where nobody takes it.
    pub(super) fn take(&self, bad: &BadRow) -> Result<bool, Error> {
        match self {
            BadRows::Fail | BadRows::Count => return Ok(false),
            BadRows::Write(writer) => {
                let line = serde_json::json!({
                    "path": bad.path.to_string_lossy(), "line": bad.place.line, "record": bad.place.record,
                    "byte": bad.place.byte, "column": bad.fault.column, "reason": bad.fault.reason,
                    "value": bad.fault.value, "text": bad.text,
                });
                let mut out = writer.lock().unwrap_or_else(PoisonError::into_inner);
                writeln!(out, "{line}")
                    .map_err(|error| Error::new(format!("the rejected records cannot be written: {error}")))?;
            }
            BadRows::Collect(list) => {
                if let Ok(mut list) = list.lock() {
                    list.push(bad.clone());
                }
            }
        }
        Ok(true)
    }
}

/// Tells whether two names are equal, without a call for those of eight to sixteen bytes, which most have.
#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    match (a.first_chunk::<8>(), a.last_chunk::<8>(), b.first_chunk::<8>(), b.last_chunk::<8>()) {
        (Some(first), Some(last), Some(b_first), Some(b_last)) if a.len() <= 16 => {
            a.len() == b.len() && first == b_first && last == b_last
        }
        _ => a == b,
    }
}

/// A batch that is being filled.
pub(super) struct RowBuilder {
    schema: SchemaRef,
    builders: Vec<ColumnBuilder>,
    names: Vec<String>,
    places: HashMap<String, Option<usize>>,
    /// The places of the fields of the record before, in order: most records have the same ones.
    habit: Vec<(String, Option<usize>)>,
    position: usize,
    /// For each column the row that was filled last, counted from 1.
    filled: Vec<u64>,
    row: u64,
    problem: Option<Fault>,
    keep: Vec<bool>,
    reading: Reading,
    /// How many columns, from the first, hold dynamic values that may be written as their JSON text.
    text_dynamics: usize,
    /// What the columns were concluded from, where not all records have been looked at.
    guess: Option<Guess>,
    /// For each column whether its values can tell that the guess is wrong.
    watched: Vec<bool>,
}

impl RowBuilder {
    /// Makes a builder of `columns`; fields without a place are left out.
    pub(super) fn new(
        columns: &[Column],
        places: HashMap<String, Option<usize>>,
        reading: Reading,
        text_dynamics: usize,
    ) -> RowBuilder {
        RowBuilder {
            schema: schema(columns),
            builders: columns.iter().map(|column| ColumnBuilder::new(column.scalar_type)).collect(),
            names: columns.iter().map(|column| column.name.clone()).collect(),
            places,
            habit: Vec::new(),
            position: 0,
            filled: vec![0; columns.len()],
            row: 1,
            problem: None,
            keep: Vec::new(),
            reading,
            text_dynamics,
            guess: None,
            watched: Vec::new(),
        }
    }

    /// Holds the records against what was concluded of the first of them.
    pub(super) fn guessed(self, guess: Guess) -> RowBuilder {
        let type_place = self.places.get(TYPE_NAME).copied().flatten();
        let watched = (0..self.names.len()).map(|place| guess.watches(place) || Some(place) == type_place).collect();
        RowBuilder { guess: Some(guess), watched, ..self }
    }

    /// Adds a field of the present record.
    pub(super) fn field(&mut self, name: &str, cell: Cell<'_>) {
        let Some(place) = self.place(name) else { return };
        if let (Some(true), Some(guess)) = (self.watched.get(place), &mut self.guess) {
            guess.observe(place, name, cell, self.reading);
        }
        if self.filled[place] == self.row {
            let reason = format!("column {} occurs twice", self.names[place]);
            let (column, value) = (Some(self.names[place].clone()), Some(cell.read()));
            self.problem.get_or_insert(Fault { reason, column, value });
            return;
        }
        let dynamic_is_text = self.reading.dynamic_is_text || place < self.text_dynamics;
        match self.builders[place].push(&cell, Reading { dynamic_is_text, ..self.reading }) {
            Ok(()) => self.filled[place] = self.row,
            Err(reason) => {
                let name = &self.names[place];
                self.problem.get_or_insert_with(|| Fault::of_value(name, cell.read(), &reason));
            }
        }
    }

    fn place(&mut self, name: &str) -> Option<usize> {
        let position = self.position;
        self.position += 1;
        if let Some((habit, place)) = self.habit.get(position)
            && same(habit.as_bytes(), name.as_bytes())
        {
            return *place;
        }
        let place = self.places.get(name).copied().flatten();
        if let Some(guess) = &mut self.guess {
            guess.meet(name);
        }
        self.habit.truncate(position);
        self.habit.push((name.to_string(), place));
        place
    }

    /// Ends the present record; returns why it is none of the table's, if so.
    pub(super) fn end(&mut self, bad: Option<Fault>) -> Option<Fault> {
        for (builder, filled) in self.builders.iter_mut().zip(&self.filled) {
            if *filled != self.row {
                builder.push_missing();
            }
        }
        self.row += 1;
        self.position = 0;
        let problem = bad.or(self.problem.take());
        self.problem = None;
        self.keep.push(problem.is_none());
        problem
    }

    /// Returns the number of records since the last batch, rejected ones included.
    pub(super) fn len(&self) -> usize {
        self.keep.len()
    }

    /// Takes the batch, without the rejected records.
    ///
    /// Fails when the records are not what was concluded of the first of their file.
    pub(super) fn finish(&mut self) -> Result<RecordBatch, Error> {
        if self.guess.as_ref().is_some_and(|guess| !guess.holds()) {
            let error = Error::new("the records are not like those at the beginning of the file");
            return Err(Error { surprise: true, ..error });
        }
        let keep = std::mem::take(&mut self.keep);
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(keep.len()));
        let arrays: Vec<ArrayRef> = self.builders.iter_mut().map(ColumnBuilder::finish).collect();
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options);
        let batch = batch.and_then(|batch| match keep.iter().all(|keep| *keep) {
            true => Ok(batch),
            false => arrow::compute::filter_record_batch(&batch, &BooleanArray::from(keep)),
        });
        batch.map_err(|error| Error::new(format!("the batch does not fit its schema: {error}")))
    }
}
