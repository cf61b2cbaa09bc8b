//! Periods of a timeline, for the plugins that count users by them.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, Int64Array, RecordBatch, UInt32Array};
use arrow::datatypes::{Int32Type, Int64Type};

use super::rows::{Groups, batch, chosen, unsure};
use super::{Invocation, Parameter, SUMMABLE};
use crate::functions::FunctionError;
use crate::types::{Column, ScalarType, Value};

pub(super) const ID: Parameter = Parameter::new("IdColumn", super::PLAIN);
pub(super) const TIMELINE: Parameter = Parameter::new("TimelineColumn", SUMMABLE);
pub(super) const START: Parameter = Parameter::new("Start", super::AMOUNT);
pub(super) const END: Parameter = Parameter::new("End", super::AMOUNT);
pub(super) const DIMENSION: Parameter = Parameter::new("Dimension", super::PLAIN).repeated(0);

/// Rows of a result beyond this are refused: a period may be a tick long.
pub(super) const MOST_ROWS: usize = 10_000_000;

/// Returns the columns that stand first: the timeline, then the dimensions.
pub(super) fn period_columns(call: &Invocation, timeline: &str, more: &[(&str, ScalarType)]) -> Vec<Column> {
    let mut columns: Vec<Column> = call.column(timeline).cloned().into_iter().collect();
    columns.extend(call.places("Dimension").into_iter().map(|place| call.input[place].clone()));
    columns.extend(more.iter().map(|(name, scalar_type)| Column::new(*name, *scalar_type)));
    columns
}

/// Checks that the bounds and lengths fit the timeline.
pub(super) fn check(call: &Invocation, timeline: &str, points: &[&str], lengths: &[&str]) -> Result<(), FunctionError> {
    let Some(column) = call.column(timeline) else { return Ok(()) };
    let length = match column.scalar_type {
        ScalarType::DateTime | ScalarType::TimeSpan => ScalarType::TimeSpan,
        ScalarType::Int | ScalarType::Long => ScalarType::Long,
        other => return Err(call.error(timeline, "AQ001", format!("a timeline of type {other} is not supported yet"))),
    };
    let point = if column.scalar_type == ScalarType::DateTime { ScalarType::DateTime } else { length };
    let wanted = points.iter().map(|name| (*name, point)).chain(lengths.iter().map(|name| (*name, length)));
    for (name, scalar_type) in wanted {
        let Some(value) = call.constant(name) else { continue };
        let fits = match value {
            Value::Null(_) => false,
            Value::Int(_) | Value::Long(_) => scalar_type == ScalarType::Long,
            other => other.scalar_type() == scalar_type,
        };
        if !fits {
            let message =
                format!("`{name}` must be of type {scalar_type} where the timeline is {}", column.scalar_type);
            return Err(call.error(name, "AQ041", message));
        }
        if lengths.contains(&name) && amount(call, name) <= 0 {
            return Err(call.error(name, "AQ041", format!("`{name}` must be more than nothing")));
        }
    }
    Ok(())
}

/// Returns a constant as ticks or as a whole number.
pub(super) fn amount(call: &Invocation, name: &str) -> i64 {
    match call.constant(name) {
        Some(Value::Int(value)) => i64::from(*value),
        Some(Value::Long(value) | Value::DateTime(value) | Value::TimeSpan(value)) => *value,
        _ => 0,
    }
}

/// Returns the start of the period of a length that a moment lies in, where one period starts at an origin.
pub(super) fn bin_at(moment: i64, length: i64, origin: i64) -> i64 {
    let from = i128::from(moment) - i128::from(origin);
    let bin = i128::from(origin) + from.div_euclid(i128::from(length)) * i128::from(length);
    i64::try_from(bin).unwrap_or(i64::MIN)
}

/// The moments of the rows.
pub(super) struct Moments(Int64Array);

impl Moments {
    pub(super) fn new(call: &Invocation, rows: &RecordBatch, timeline: &str) -> Moments {
        let column = rows.column(call.place(timeline));
        Moments(match column.as_primitive_opt::<Int32Type>() {
            Some(ints) => ints.unary(i64::from),
            None => {
                column.as_primitive_opt::<Int64Type>().cloned().unwrap_or_else(|| Int64Array::new_null(rows.num_rows()))
            }
        })
    }

    pub(super) fn get(&self, row: usize) -> Option<i64> {
        (!self.0.is_null(row)).then(|| self.0.value(row))
    }
}

/// Rows within an analysed time, by dimensions and periods.
pub(super) struct Periods {
    /// A row of each combination of dimensions.
    pub dimensions: Vec<u32>,
    /// For each of them the ids of each period, in the order of time.
    pub ids: Vec<BTreeMap<i64, Vec<u32>>>,
}

impl Periods {
    /// Takes the rows from `from` to the end of the analysed time; periods are `step` long, and one begins at its start.
    pub(super) fn new(call: &Invocation, rows: &RecordBatch, from: i64, step: i64) -> Result<Periods, FunctionError> {
        let (start, end) = (amount(call, "Start"), amount(call, "End"));
        let moments = Moments::new(call, rows, "TimelineColumn");
        let ids = Groups::new(rows, &call.input, &call.places("IdColumn"))?;
        let dimensions = Groups::new(rows, &call.input, &call.places("Dimension"))?;
        let mut periods = Periods { ids: vec![BTreeMap::new(); dimensions.first.len()], dimensions: dimensions.first };
        for row in 0..rows.num_rows() {
            let Some(moment) = moments.get(row).filter(|moment| *moment >= from) else { continue };
            let bin = bin_at(moment, step, start);
            if moment > end {
                if bin <= end {
                    return Err(unsure(format!(
                        "rows lie behind `End` of `{}` and within its last period: whether they count is not sure; leave \
                         them out before it",
                        call.plugin.name
                    )));
                }
                continue;
            }
            periods.ids[dimensions.of[row] as usize].entry(bin).or_default().push(ids.of[row]);
        }
        Ok(periods)
    }
}

/// Rows of a result while they are made: period, dimensions, then numbers.
pub(super) struct Output<'a> {
    call: &'a Invocation,
    rows: &'a RecordBatch,
    timeline: &'static str,
    periods: Vec<i64>,
    dimensions: Vec<u32>,
}

impl<'a> Output<'a> {
    pub(super) fn new(call: &'a Invocation, rows: &'a RecordBatch, timeline: &'static str) -> Self {
        Output { call, rows, timeline, periods: Vec::new(), dimensions: Vec::new() }
    }

    /// Begins a row; `dimensions` is a row of the input that has them.
    pub(super) fn row(&mut self, period: i64, dimensions: u32) -> Result<(), FunctionError> {
        if self.periods.len() >= MOST_ROWS {
            let message = format!("`{}` would give more than {MOST_ROWS} rows", self.call.plugin.name);
            return Err(FunctionError { code: "AQ042", message, argument: None });
        }
        self.periods.push(period);
        self.dimensions.push(dimensions);
        Ok(())
    }

    pub(super) fn finish(self, numbers: Vec<ArrayRef>) -> Result<RecordBatch, FunctionError> {
        let count = self.periods.len();
        let int = self.call.column(self.timeline).is_some_and(|column| column.scalar_type == ScalarType::Int);
        let periods: ArrayRef = if int {
            std::sync::Arc::new(self.periods.iter().map(|p| *p as i32).collect::<Int32Array>())
        } else {
            std::sync::Arc::new(Int64Array::from(self.periods))
        };
        let places = UInt32Array::from(self.dimensions);
        let mut arrays = vec![periods];
        for place in self.call.places("Dimension") {
            arrays.push(chosen(self.rows.column(place), &places)?);
        }
        arrays.extend(numbers);
        batch(&self.call.columns, arrays, count)
    }
}

pub(super) fn longs(values: Vec<i64>) -> ArrayRef {
    std::sync::Arc::new(Int64Array::from(values))
}
