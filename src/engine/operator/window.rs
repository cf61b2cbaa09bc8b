//! `row_number`, `row_rank_min`, `row_rank_dense`, `row_cumsum`, `row_window_session`, `prev`, `next`: functions of the
//! rows around, over rows that come in order.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, Int64Builder, PrimitiveArray, RecordBatch, RecordBatchOptions,
};
use arrow::compute::kernels::cmp::distinct;
use arrow::compute::{concat, concat_batches};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Decimal256Type, Float64Type, Int64Type, SchemaRef, i256};

use super::{OperatorError, RowOperator};
use crate::plan::WindowFunction;
use crate::types::arrow::{repeat, schema};
use crate::types::{Column, ScalarType, Value, convert};

/// One column that comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// A column of the input.
    Input(usize),
    /// The result of the call with this number.
    Call(usize),
}

/// An argument of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// A column of the input.
    Column(usize),
    Constant(Value),
}

/// A call: its arguments stand as [`WindowFunction`] documents them, each but trailing defaults given.
#[derive(Debug, Clone)]
pub struct Call {
    pub function: WindowFunction,
    pub arguments: Vec<Argument>,
    /// Type of the result.
    pub returns: ScalarType,
}

/// The operator.
#[derive(Debug)]
pub struct Window {
    schema: SchemaRef,
    outputs: Vec<Output>,
    calls: Vec<State>,
    /// How many rows behind a row must be known.
    ahead: usize,
    /// Rows that wait for those.
    held: Vec<RecordBatch>,
    held_rows: usize,
}

#[derive(Debug)]
struct State {
    call: Call,
    /// What the function remembers of the rows before.
    count: i64,
    rank: i64,
    sum: Sum,
    last: Option<ArrayRef>,
    session: Option<(i64, i64)>,
}

#[derive(Debug)]
enum Sum {
    Long(i64),
    Real(f64),
    Decimal(i256),
}

impl Window {
    /// Makes the operator.
    pub fn new(outputs: Vec<(Column, Output)>, calls: Vec<Call>) -> Self {
        let (columns, outputs): (Vec<_>, Vec<_>) = outputs.into_iter().unzip();
        let ahead = |call: &Call| if call.function == WindowFunction::Next { call.offset() } else { 0 };
        Window {
            schema: schema(&columns),
            outputs,
            ahead: calls.iter().map(ahead).max().unwrap_or(0),
            calls: calls.into_iter().map(State::new).collect(),
            held: Vec::new(),
            held_rows: 0,
        }
    }

    /// Computes the first rows of a batch; the rest is there to be looked at.
    fn compute(&mut self, batch: &RecordBatch, rows: usize) -> Result<RecordBatch, OperatorError> {
        let results = self.calls.iter_mut().map(|state| state.next(batch, rows)).collect::<Result<Vec<_>, _>>()?;
        let column = |output: &Output| match output {
            Output::Input(index) => batch.column(*index).slice(0, rows),
            Output::Call(index) => results[*index].clone(),
        };
        let columns = self.outputs.iter().map(column).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }

    fn release(&mut self, keep: usize) -> Result<Vec<RecordBatch>, OperatorError> {
        let Some(first) = self.held.first() else { return Ok(Vec::new()) };
        let rows = self.held_rows.saturating_sub(keep);
        if rows == 0 {
            return Ok(Vec::new());
        }
        let all = if self.held.len() == 1 { first.clone() } else { concat_batches(first.schema_ref(), &self.held)? };
        let done = self.compute(&all, rows)?;
        self.held.clear();
        self.held_rows -= rows;
        if self.held_rows > 0 {
            self.held.push(all.slice(rows, self.held_rows));
        }
        Ok(vec![done])
    }
}

impl RowOperator for Window {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<Vec<RecordBatch>, OperatorError> {
        if batch.num_rows() == 0 {
            return Ok(Vec::new());
        }
        if self.ahead == 0 {
            return Ok(vec![self.compute(batch, batch.num_rows())?]);
        }
        self.held.push(batch.clone());
        self.held_rows += batch.num_rows();
        self.release(self.ahead)
    }

    fn finish(&mut self) -> Result<Vec<RecordBatch>, OperatorError> {
        self.release(0)
    }

    fn size(&self) -> usize {
        let last = |state: &State| state.last.as_ref().map_or(0, |last| last.get_array_memory_size());
        self.calls.iter().map(last).sum::<usize>()
            + self.held.iter().map(RecordBatch::get_array_memory_size).sum::<usize>()
    }
}

impl Call {
    /// The offset of `prev` and `next`; 1 if it is not given.
    fn offset(&self) -> usize {
        match self.arguments.get(1) {
            Some(Argument::Constant(Value::Long(offset))) => usize::try_from(*offset).unwrap_or(0),
            Some(Argument::Constant(Value::Int(offset))) => usize::try_from(*offset).unwrap_or(0),
            _ => 1,
        }
    }

    fn array(&self, index: usize, batch: &RecordBatch, rows: usize) -> Option<ArrayRef> {
        Some(match self.arguments.get(index)? {
            Argument::Column(column) => batch.column(*column).slice(0, rows),
            Argument::Constant(value) => repeat(value, rows),
        })
    }

    fn flags(&self, index: usize, batch: &RecordBatch, rows: usize) -> Option<BooleanArray> {
        self.array(index, batch, rows).map(|array| array.as_boolean().clone())
    }

    fn long(&self, index: usize) -> Option<i64> {
        match self.arguments.get(index)? {
            Argument::Constant(Value::Long(v) | Value::TimeSpan(v) | Value::DateTime(v)) => Some(*v),
            Argument::Constant(Value::Int(v)) => Some(i64::from(*v)),
            _ => None,
        }
    }

    /// What `prev` and `next` give where there is no row, so many times.
    fn missing(&self, batch: &RecordBatch, rows: usize) -> ArrayRef {
        let value = match self.arguments.get(2) {
            Some(Argument::Constant(value)) => convert::convert(value, self.returns),
            _ => Value::missing(self.returns),
        };
        let array = repeat(&value, rows);
        // A constant column does not pass through here; should its type differ, nulls are right at least.
        match self.arguments.first() {
            Some(Argument::Column(column)) if batch.column(*column).data_type() != array.data_type() => {
                arrow::array::new_null_array(batch.column(*column).data_type(), rows)
            }
            _ => array,
        }
    }
}

fn is_set(flags: &Option<BooleanArray>, row: usize) -> bool {
    flags.as_ref().is_some_and(|flags| flags.is_valid(row) && flags.value(row))
}

impl State {
    fn new(call: Call) -> Self {
        let sum = match call.returns {
            ScalarType::Real => Sum::Real(0.0),
            ScalarType::Decimal => Sum::Decimal(i256::ZERO),
            _ => Sum::Long(0),
        };
        State { call, count: 0, rank: 0, sum, last: None, session: None }
    }

    fn next(&mut self, batch: &RecordBatch, rows: usize) -> Result<ArrayRef, OperatorError> {
        match self.call.function {
            WindowFunction::RowNumber => Ok(self.row_number(batch, rows)),
            WindowFunction::RowRankMin => self.row_rank(batch, rows, false),
            WindowFunction::RowRankDense => self.row_rank(batch, rows, true),
            WindowFunction::RowCumsum => Ok(self.row_cumsum(batch, rows)),
            WindowFunction::RowWindowSession => Ok(self.row_window_session(batch, rows)),
            WindowFunction::Prev => self.previous(batch, rows),
            WindowFunction::Next => self.following(batch, rows),
        }
    }

    fn row_number(&mut self, batch: &RecordBatch, rows: usize) -> ArrayRef {
        let start = self.call.long(0).unwrap_or(1);
        let restart = self.call.flags(1, batch, rows);
        let number = |row: usize| {
            self.count = if is_set(&restart, row) { 1 } else { self.count + 1 };
            start.wrapping_add(self.count - 1)
        };
        Arc::new((0..rows).map(number).collect::<Int64Array>())
    }

    /// Equal terms have one rank; they stand together, for the rows are sorted by them.
    fn row_rank(&mut self, batch: &RecordBatch, rows: usize, dense: bool) -> Result<ArrayRef, OperatorError> {
        let Some(terms) = self.call.array(0, batch, rows) else { return Ok(repeat(&Value::Long(1), rows)) };
        let restart = self.call.flags(1, batch, rows);
        let before = match self.last.take() {
            Some(last) => last,
            None => terms.slice(0, 1),
        };
        let shifted = concat(&[before.as_ref(), terms.slice(0, rows - 1).as_ref()])?;
        let changed = distinct(&terms, &shifted)?;
        self.last = Some(terms.slice(rows - 1, 1));
        let rank = |row: usize| {
            let first = self.count == 0;
            self.count += 1;
            if first || is_set(&restart, row) {
                (self.count, self.rank) = (1, 1);
            } else if changed.value(row) {
                self.rank = if dense { self.rank + 1 } else { self.count };
            }
            self.rank
        };
        Ok(Arc::new((0..rows).map(rank).collect::<Int64Array>()))
    }

    fn row_cumsum(&mut self, batch: &RecordBatch, rows: usize) -> ArrayRef {
        let restart = self.call.flags(1, batch, rows);
        let Some(terms) = self.call.array(0, batch, rows) else { return repeat(&Value::Null(self.call.returns), rows) };
        let terms = if terms.data_type() == &DataType::Int32 {
            convert::cast(&terms, ScalarType::Int, ScalarType::Long)
        } else {
            terms
        };
        match &mut self.sum {
            // Longs wrap around (measured).
            Sum::Long(sum) => running(sum, terms.as_primitive::<Int64Type>(), &restart, i64::wrapping_add),
            Sum::Real(sum) => running(sum, terms.as_primitive::<Float64Type>(), &restart, |a, b| a + b),
            Sum::Decimal(sum) => running(sum, terms.as_primitive::<Decimal256Type>(), &restart, i256::wrapping_add),
        }
    }

    /// Gives the first value of each session: one ends where a value is as far from it, or from the one before, as is
    /// said, and where there is none (documented).
    fn row_window_session(&mut self, batch: &RecordBatch, rows: usize) -> ArrayRef {
        let restart = self.call.flags(3, batch, rows);
        let Some(values) = self.call.array(0, batch, rows) else {
            return repeat(&Value::Null(self.call.returns), rows);
        };
        let Some(values) = values.as_primitive_opt::<Int64Type>() else {
            return repeat(&Value::Null(self.call.returns), rows);
        };
        let (from_first, between) = (self.call.long(1).unwrap_or(i64::MAX), self.call.long(2).unwrap_or(i64::MAX));
        let mut starts = Int64Builder::with_capacity(rows);
        for row in 0..rows {
            if values.is_null(row) {
                self.session = None;
                starts.append_null();
                continue;
            }
            let value = values.value(row);
            let goes_on = self.session.filter(|(first, last)| {
                !is_set(&restart, row)
                    && value.saturating_sub(*first) < from_first
                    && value.saturating_sub(*last) < between
            });
            let first = goes_on.map_or(value, |(first, _)| first);
            self.session = Some((first, value));
            starts.append_value(first);
        }
        Arc::new(starts.finish())
    }

    fn previous(&mut self, batch: &RecordBatch, rows: usize) -> Result<ArrayRef, OperatorError> {
        let Some(values) = self.call.array(0, batch, rows) else { return Ok(self.call.missing(batch, rows)) };
        let offset = self.call.offset();
        // Of the rows before, those are kept that there were: an offset may be larger than any table.
        let all = match self.last.take() {
            Some(last) => concat(&[last.as_ref(), values.as_ref()])?,
            None => values,
        };
        let missing = (offset - (all.len() - rows)).min(rows);
        let kept = all.len().min(offset);
        // A slice would keep the buffers of all.
        self.last = Some(concat(&[all.slice(all.len() - kept, kept).as_ref()])?);
        let known = all.slice(0, rows - missing);
        if missing == 0 {
            return Ok(known);
        }
        Ok(concat(&[self.call.missing(batch, missing).as_ref(), known.as_ref()])?)
    }

    fn following(&mut self, batch: &RecordBatch, rows: usize) -> Result<ArrayRef, OperatorError> {
        let Some(values) = self.call.array(0, batch, batch.num_rows()) else {
            return Ok(self.call.missing(batch, rows));
        };
        let offset = self.call.offset();
        let known = values.len().saturating_sub(offset).min(rows);
        let values = values.slice(values.len().min(offset), known);
        if known == rows {
            return Ok(values);
        }
        Ok(concat(&[values.as_ref(), self.call.missing(batch, rows - known).as_ref()])?)
    }
}

/// A null adds nothing.
fn running<T: ArrowPrimitiveType>(
    sum: &mut T::Native,
    terms: &PrimitiveArray<T>,
    restart: &Option<BooleanArray>,
    add: impl Fn(T::Native, T::Native) -> T::Native,
) -> ArrayRef {
    let sums = (0..terms.len()).map(|row| {
        if is_set(restart, row) {
            *sum = T::Native::default();
        }
        if terms.is_valid(row) {
            *sum = add(*sum, terms.value(row));
        }
        *sum
    });
    Arc::new(PrimitiveArray::<T>::from_iter_values(sums).with_data_type(terms.data_type().clone()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{batch, rows};
    use super::*;

    fn longs(values: &[i64]) -> (ScalarType, Vec<Value>) {
        (ScalarType::Long, values.iter().map(|value| Value::Long(*value)).collect())
    }

    fn bools(values: &[u8]) -> (ScalarType, Vec<Value>) {
        (ScalarType::Bool, values.iter().map(|value| Value::Bool(*value == 1)).collect())
    }

    /// Runs a call over all rows at once and in pieces; both give the same.
    fn run(function: WindowFunction, arguments: Vec<Argument>, columns: &[(ScalarType, Vec<Value>)]) -> Vec<String> {
        let returns = match (function, &arguments[0]) {
            (WindowFunction::RowNumber | WindowFunction::RowRankMin | WindowFunction::RowRankDense, _) => {
                ScalarType::Long
            }
            (_, Argument::Column(index)) => columns[*index].0,
            _ => ScalarType::Long,
        };
        let call = Call { function, arguments, returns };
        let input = batch(columns);
        let results = [100, 2, 1].map(|size| {
            let mut window = Window::new(vec![(Column::new("v", returns), Output::Call(0))], vec![call.clone()]);
            let mut done = Vec::new();
            for start in (0..input.num_rows()).step_by(size) {
                let len = size.min(input.num_rows() - start);
                done.extend(window.push(&input.slice(start, len)).unwrap());
            }
            done.extend(window.finish().unwrap());
            rows(&done)
        });
        assert_eq!(results[0], results[1]);
        assert_eq!(results[0], results[2]);
        results[0].clone()
    }

    fn constant(value: i64) -> Argument {
        Argument::Constant(Value::Long(value))
    }

    #[test]
    fn numbers_and_ranks() {
        let columns = [longs(&[10, 20, 20, 30, 5, 5]), bools(&[0, 0, 0, 0, 1, 0])];
        let ranked = |function| run(function, vec![Argument::Column(0)], &columns);
        assert_eq!(ranked(WindowFunction::RowRankMin), ["1", "2", "2", "4", "5", "5"]);
        assert_eq!(ranked(WindowFunction::RowRankDense), ["1", "2", "2", "3", "4", "4"]);
        let restarted = |function| run(function, vec![Argument::Column(0), Argument::Column(1)], &columns);
        assert_eq!(restarted(WindowFunction::RowRankMin), ["1", "2", "2", "4", "1", "1"]);
        let arguments = vec![constant(7), Argument::Column(1)];
        assert_eq!(run(WindowFunction::RowNumber, arguments, &columns), ["7", "8", "9", "10", "7", "8"]);
    }

    #[test]
    fn running_sums() {
        let mut columns = [longs(&[1, 2, i64::MAX, 4]), bools(&[0, 0, 0, 1])];
        columns[0].1[1] = Value::Null(ScalarType::Long);
        let arguments = vec![Argument::Column(0), Argument::Column(1)];
        assert_eq!(run(WindowFunction::RowCumsum, arguments, &columns), ["1", "1", "-9223372036854775808", "4"]);
    }

    #[test]
    fn neighbours() {
        let columns = [longs(&[1, 2, 3, 4, 5])];
        let of = |function, offset| run(function, vec![Argument::Column(0), constant(offset)], &columns);
        assert_eq!(of(WindowFunction::Prev, 2), ["null", "null", "1", "2", "3"]);
        assert_eq!(of(WindowFunction::Next, 2), ["3", "4", "5", "null", "null"]);
        assert_eq!(of(WindowFunction::Next, 9), ["null"; 5]);
        assert_eq!(of(WindowFunction::Prev, 9), ["null"; 5]);
        assert_eq!(of(WindowFunction::Prev, i64::MAX), ["null"; 5]);
        assert_eq!(of(WindowFunction::Next, i64::MAX), ["null"; 5]);
        let arguments = vec![Argument::Column(0), constant(1), constant(0)];
        assert_eq!(run(WindowFunction::Next, arguments, &columns), ["2", "3", "4", "5", "0"]);
        let texts = [(ScalarType::String, vec![Value::String("a".into()), Value::String("b".into())])];
        assert_eq!(run(WindowFunction::Prev, vec![Argument::Column(0)], &texts), ["", "a"]);
    }

    #[test]
    fn sessions_end_when_values_are_too_far_apart() {
        let span = |ticks| Argument::Constant(Value::TimeSpan(ticks));
        let arguments = || vec![Argument::Column(0), span(10), span(5), Argument::Column(1)];
        let sessions = |values: &[Option<i64>], restart: &[u8]| {
            let values = values.iter().map(|v| v.map_or(Value::Null(ScalarType::DateTime), Value::DateTime)).collect();
            run(WindowFunction::RowWindowSession, arguments(), &[(ScalarType::DateTime, values), bools(restart)])
        };
        let values = [0, 4, 8, 12, 30, 31].map(Some);
        assert_eq!(sessions(&values, &[0, 0, 0, 0, 0, 1]), ["0", "0", "0", "12", "30", "31"]);
        let values = [0, 4, 8, 10, 15].map(Some);
        assert_eq!(sessions(&values, &[0; 5]), ["0", "0", "0", "10", "15"], "the distance itself is too far");
        assert_eq!(sessions(&[Some(0), None, Some(1), Some(2)], &[0; 4]), ["0", "null", "1", "1"]);
    }
}
