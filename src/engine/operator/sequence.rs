//! `scan`: rows that match steps, one after the other.
//!
//! Each step keeps the last rows that matched it and the steps before it. A row is held against the steps from the last
//! to the first: it may take a sequence on from the step before, or stay within its own step; at the first step it may
//! begin one.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::{concat, interleave, take};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::row::{OwnedRow, RowConverter, SortField};

use super::{OperatorError, RowOperator};
use crate::plan::StepOutput;
use crate::types::arrow::{repeat, schema};
use crate::types::{Column, Value};

/// Computes an expression over one row: columns as [`Setup::reads`] lists them, then the state's.
pub type Evaluate = Arc<dyn Fn(&RecordBatch) -> Result<ArrayRef, OperatorError> + Send + Sync>;

/// A step.
#[derive(Clone)]
pub struct Step {
    /// None is always true.
    pub condition: Option<Evaluate>,
    /// Columns of the record, and what they become.
    pub assignments: Vec<(usize, Evaluate)>,
    pub output: StepOutput,
}

/// A column of the state.
#[derive(Clone)]
pub struct Kept {
    pub step: usize,
    /// Which column of the record.
    pub column: usize,
    /// What it is while the step has matched nothing.
    pub missing: Value,
}

/// What the operator is made of.
///
/// A *record* is a row of the input's first columns with the declared ones behind them.
#[derive(Clone)]
pub struct Setup {
    /// Columns of the result: those of the record, then perhaps the match's number.
    pub columns: Vec<Column>,
    /// How many columns of the record come from the input.
    pub width: usize,
    /// What declared columns are where no step assigns them.
    pub defaults: Vec<Value>,
    pub match_id: bool,
    /// Columns of the input by which states are told apart.
    pub keys: Vec<usize>,
    /// Columns of the input that expressions read.
    pub reads: Vec<usize>,
    pub kept: Vec<Kept>,
    /// What expressions are computed over: the columns of `reads`, then those of `kept`.
    pub evaluated: SchemaRef,
    pub steps: Vec<Step>,
}

/// The operator.
pub struct Sequence {
    setup: Setup,
    schema: SchemaRef,
    defaults: Vec<ArrayRef>,
    /// Values of the state of a step that has matched nothing.
    missing: Vec<ArrayRef>,
    converter: Option<RowConverter>,
    states: HashMap<OwnedRow, States, ahash::RandomState>,
    /// The state where there are no keys.
    only: States,
    bytes: usize,
}

/// The state of one partition.
#[derive(Clone, Default)]
struct States {
    /// One for each step; None where no sequence has come to it.
    active: Vec<Option<Active>>,
    matches: i64,
}

/// A sequence that has come to a step.
#[derive(Clone)]
struct Active {
    /// A value for each column of the state.
    values: Vec<ArrayRef>,
    id: i64,
    /// The last match, where it comes out only once it is known to be the last.
    waiting: Option<Record>,
}

/// A row that comes out.
#[derive(Clone)]
struct Record {
    /// Where its columns stand that no step assigned.
    row: Place,
    assigned: Vec<(usize, ArrayRef)>,
    id: i64,
}

#[derive(Clone)]
enum Place {
    /// A row of the batch at hand.
    Here(usize),
    /// A row of an earlier batch.
    Copied(RecordBatch),
}

impl Sequence {
    /// Makes the operator.
    pub fn new(setup: Setup) -> Self {
        let one = |value: &Value, column: &Column| match value {
            Value::Null(_) => repeat(&Value::Null(column.scalar_type), 1),
            value => repeat(value, 1),
        };
        let defaults = setup.defaults.iter().zip(&setup.columns[setup.width..]).map(|(v, c)| one(v, c)).collect();
        let missing = setup.kept.iter().map(|kept| one(&kept.missing, &setup.columns[kept.column])).collect();
        let only = States { active: vec![None; setup.steps.len()], matches: 0 };
        let schema = schema(&setup.columns);
        Sequence { setup, schema, defaults, missing, converter: None, states: HashMap::default(), only, bytes: 0 }
    }

    fn keys(&mut self, batch: &RecordBatch) -> Result<Option<arrow::row::Rows>, OperatorError> {
        if self.setup.keys.is_empty() {
            return Ok(None);
        }
        let keys: Vec<ArrayRef> = self.setup.keys.iter().map(|i| batch.column(*i).clone()).collect();
        let converter = match &mut self.converter {
            Some(converter) => converter,
            None => {
                let fields = keys.iter().map(|key| SortField::new(key.data_type().clone())).collect();
                self.converter.insert(RowConverter::new(fields)?)
            }
        };
        Ok(Some(converter.convert_columns(&keys)?))
    }

    /// Puts together what comes out.
    fn result(&self, batch: &RecordBatch, records: Vec<Record>) -> Result<Vec<RecordBatch>, OperatorError> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let mut sources: Vec<&RecordBatch> = vec![batch];
        let mut places = Vec::with_capacity(records.len());
        for record in &records {
            match &record.row {
                Place::Here(row) => places.push((0, *row)),
                Place::Copied(copy) => {
                    sources.push(copy);
                    places.push((sources.len() - 1, 0));
                }
            }
        }
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.setup.columns.len());
        for column in 0..self.setup.width + self.defaults.len() {
            let assigned = |record: &Record| {
                record.assigned.iter().find(|(to, _)| *to == column).map(|(_, value)| Arc::clone(value))
            };
            let is_assigned = self.setup.steps.iter().any(|step| step.assignments.iter().any(|(to, _)| *to == column));
            if column < self.setup.width && !is_assigned {
                let arrays: Vec<&dyn Array> = sources.iter().map(|source| source.column(column).as_ref()).collect();
                columns.push(interleave(&arrays, &places)?);
                continue;
            }
            let values: Vec<ArrayRef> = records
                .iter()
                .zip(&places)
                .map(|(record, (source, row))| {
                    assigned(record).unwrap_or_else(|| match column.checked_sub(self.setup.width) {
                        Some(declared) => Arc::clone(&self.defaults[declared]),
                        None => sources[*source].column(column).slice(*row, 1),
                    })
                })
                .collect();
            let values: Vec<&dyn Array> = values.iter().map(|value| value.as_ref()).collect();
            columns.push(concat(&values)?);
        }
        if self.setup.match_id {
            columns.push(Arc::new(records.iter().map(|record| record.id).collect::<Int64Array>()));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(records.len()));
        Ok(vec![RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?])
    }

    /// Copies what waits out of the batch, which is about to go.
    fn settle(&mut self, batch: &RecordBatch) -> Result<(), OperatorError> {
        let states = self.states.values_mut().chain([&mut self.only]);
        let waiting = states.flat_map(|states| states.active.iter_mut().flatten()).filter_map(|a| a.waiting.as_mut());
        for record in waiting {
            if let Place::Here(row) = record.row {
                let row = batch.slice(row, 1);
                let columns = row.columns().iter().map(alone).collect::<Result<Vec<_>, _>>()?;
                record.row = Place::Copied(RecordBatch::try_new(batch.schema(), columns)?);
            }
        }
        Ok(())
    }
}

impl RowOperator for Sequence {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<Vec<RecordBatch>, OperatorError> {
        let keys = self.keys(batch)?;
        let mut out = Vec::new();
        for row in 0..batch.num_rows() {
            let states = match &keys {
                None => &mut self.only,
                Some(keys) => {
                    let key = keys.row(row);
                    let (bytes, steps) = (&mut self.bytes, self.setup.steps.len());
                    self.states.entry(key.owned()).or_insert_with(|| {
                        *bytes += key.as_ref().len() + 64 * steps;
                        States { active: vec![None; steps], matches: 0 }
                    })
                }
            };
            let mut run =
                Run { setup: &self.setup, missing: &self.missing, defaults: &self.defaults, batch, row, own: None };
            run.row(states, &mut out)?;
        }
        let done = self.result(batch, out)?;
        self.settle(batch)?;
        Ok(done)
    }

    fn finish(&mut self) -> Result<Vec<RecordBatch>, OperatorError> {
        // What still waits was the last of its matches.
        let states = std::mem::take(&mut self.states);
        let mut all: Vec<States> = states.into_values().collect();
        all.push(std::mem::take(&mut self.only));
        let active = all.into_iter().flat_map(|states| states.active.into_iter().flatten());
        let mut waiting: Vec<Record> = active.filter_map(|active| active.waiting).collect();
        waiting.sort_by_key(|record| record.id);
        let Some(Place::Copied(any)) = waiting.first().map(|record| record.row.clone()) else { return Ok(Vec::new()) };
        self.result(&any.slice(0, 0), waiting)
    }

    fn size(&self) -> usize {
        self.bytes
    }
}

/// One row held against the steps.
struct Run<'a> {
    setup: &'a Setup,
    missing: &'a [ArrayRef],
    defaults: &'a [ArrayRef],
    batch: &'a RecordBatch,
    row: usize,
    /// The row's values that expressions read.
    own: Option<Vec<ArrayRef>>,
}

impl Run<'_> {
    fn row(&mut self, states: &mut States, out: &mut Vec<Record>) -> Result<(), OperatorError> {
        for step in (0..self.setup.steps.len()).rev() {
            // From the step before, whose sequence moves on.
            if step > 0
                && let Some(before) = &states.active[step - 1]
            {
                let values = before.values.clone();
                if self.matches(step, &values)? {
                    let ended = states.active[step].take().and_then(|active| active.waiting);
                    let before = states.active[step - 1].take();
                    let id = before.as_ref().map_or(0, |before| before.id);
                    out.extend(ended);
                    out.extend(before.and_then(|before| before.waiting));
                    states.active[step] = Some(self.matched(step, values, id, out)?);
                    continue;
                }
            }
            // Within the step.
            let current = states.active[step].as_ref();
            if current.is_none() && step > 0 {
                continue;
            }
            let values = current.map_or_else(|| self.missing.to_vec(), |current| current.values.clone());
            if self.matches(step, &values)? {
                let id = match states.active[step].take() {
                    Some(current) => current.id,
                    // A new sequence.
                    None => {
                        states.matches += 1;
                        states.matches - 1
                    }
                };
                states.active[step] = Some(self.matched(step, values, id, out)?);
            }
        }
        Ok(())
    }

    fn matches(&mut self, step: usize, values: &[ArrayRef]) -> Result<bool, OperatorError> {
        let Some(condition) = self.setup.steps[step].condition.clone() else { return Ok(true) };
        let holds = condition(&self.evaluated(values)?)?;
        let holds = holds.as_boolean();
        Ok(holds.is_valid(0) && holds.value(0))
    }

    /// Makes the record of a match, hands it on, and gives the state with it.
    fn matched(
        &mut self,
        step: usize,
        mut values: Vec<ArrayRef>,
        id: i64,
        out: &mut Vec<Record>,
    ) -> Result<Active, OperatorError> {
        let row = self.evaluated(&values)?;
        let mut assigned = Vec::with_capacity(self.setup.steps[step].assignments.len());
        for (to, value) in &self.setup.steps[step].assignments {
            assigned.push((*to, value(&row)?));
        }
        for (kept, value) in self.setup.kept.iter().zip(&mut values).filter(|(kept, _)| kept.step == step) {
            let new = assigned.iter().find(|(to, _)| *to == kept.column).map(|(_, value)| Arc::clone(value));
            *value = match new {
                Some(new) => new,
                None => match kept.column.checked_sub(self.setup.width) {
                    Some(declared) => Arc::clone(&self.defaults[declared]),
                    None => alone(&self.batch.column(kept.column).slice(self.row, 1))?,
                },
            };
        }
        let record = Record { row: Place::Here(self.row), assigned, id };
        let mut waiting = None;
        match self.setup.steps[step].output {
            StepOutput::All => out.push(record),
            StepOutput::Last => waiting = Some(record),
            StepOutput::None => {}
        }
        Ok(Active { values, id, waiting })
    }

    /// The row and a state side by side.
    fn evaluated(&mut self, values: &[ArrayRef]) -> Result<RecordBatch, OperatorError> {
        let (batch, row, reads) = (self.batch, self.row, &self.setup.reads);
        let own = self.own.get_or_insert_with(|| reads.iter().map(|i| batch.column(*i).slice(row, 1)).collect());
        let columns: Vec<ArrayRef> = own.iter().chain(values).cloned().collect();
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        Ok(RecordBatch::try_new_with_options(self.setup.evaluated.clone(), columns, &options)?)
    }
}

/// Copies the one value out of a slice, which would keep the whole batch.
fn alone(slice: &ArrayRef) -> Result<ArrayRef, OperatorError> {
    if slice.data_type() == &DataType::Utf8View {
        return Ok(Arc::new(slice.as_string_view().gc()));
    }
    Ok(take(slice, &UInt32Array::from(vec![0]), None)?)
}
