//! `make-series`: the values of each combination of keys along an axis, as arrays without gaps.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewBuilder, UInt32Array};
use arrow::compute::{concat_batches, take, take_record_batch};
use arrow::datatypes::{Float64Type, Int64Type, SchemaRef};
use arrow::row::{RowConverter, SortField};

use super::{OperatorError, RowOperator};
use crate::types::arrow::{schema, value_at};
use crate::types::{Column, ScalarType, Value, json};

/// What an array holds at most: documented.
const MAX_ELEMENTS: i64 = 1 << 20;

/// The axis, evaluated.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// The first bin; else that of the data.
    pub from: Option<Value>,
    /// Where bins end, exclusive; else behind the last one of the data.
    pub to: Option<Value>,
    pub step: Value,
    pub scalar_type: ScalarType,
}

/// The operator. Columns of its input: `keys` of them, the start of the row's bin, then one for each default, of the
/// types given; columns of its output: the keys, an array for each, the axis.
#[derive(Debug)]
pub struct Series {
    schema: SchemaRef,
    keys: usize,
    axis: Axis,
    types: Vec<ScalarType>,
    defaults: Vec<Value>,
    non_empty: bool,
    held: Vec<RecordBatch>,
}

impl Series {
    /// Makes the operator. `columns` are those of the output, `types` those of the aggregates. With `non_empty` an input
    /// without rows gives one series of defaults, if there are no keys.
    pub fn new(
        columns: &[Column],
        keys: usize,
        axis: Axis,
        types: Vec<ScalarType>,
        defaults: Vec<Value>,
        non_empty: bool,
    ) -> Self {
        Series { schema: schema(columns), keys, axis, types, defaults, non_empty, held: Vec::new() }
    }

    fn collect(&self, input: &RecordBatch) -> Result<Vec<RecordBatch>, OperatorError> {
        if self.keys == 0 || (self.axis.from.is_some() && self.axis.to.is_some()) {
            return self.arrays(Some(input));
        }
        // Bounds that are not given are those of each series by itself (documented).
        let mut results = Vec::new();
        for rows in self.groups(input, &vec![Some(0); input.num_rows()])? {
            let own = take_record_batch(input, &UInt32Array::from(rows))?;
            results.extend(self.arrays(Some(&own))?);
        }
        Ok(results)
    }

    fn arrays(&self, input: Option<&RecordBatch>) -> Result<Vec<RecordBatch>, OperatorError> {
        let Some(bins) = Bins::new(&self.axis, input.map(|input| input.column(self.keys)))? else {
            return Ok(Vec::new());
        };
        let places = match input {
            Some(input) => bins.places(input.column(self.keys)),
            None => Vec::new(),
        };
        let mut groups = match input {
            Some(input) => self.groups(input, &places)?,
            None => Vec::new(),
        };
        if groups.is_empty() {
            if !self.non_empty || self.keys > 0 {
                return Ok(Vec::new());
            }
            groups.push(Vec::new());
        }
        let mut columns: Vec<ArrayRef> = Vec::new();
        if let Some(input) = input {
            let firsts: UInt32Array = groups.iter().map(|rows| rows.first().copied()).collect();
            for key in 0..self.keys {
                columns.push(take(input.column(key), &firsts, None)?);
            }
        }
        for (index, scalar_type) in self.types.iter().enumerate() {
            let values = input.map(|input| input.column(self.keys + 1 + index));
            columns.push(bins.arrays(&groups, &places, values, *scalar_type, &self.defaults[index]));
        }
        let mut axis = StringViewBuilder::new();
        let text = bins.text();
        groups.iter().for_each(|_| axis.append_value(&text));
        columns.push(Arc::new(axis.finish()));
        Ok(vec![RecordBatch::try_new(self.schema.clone(), columns)?])
    }

    /// Returns the rows within the axis of each combination of keys, in the order of their first appearance.
    fn groups(&self, input: &RecordBatch, places: &[Option<usize>]) -> Result<Vec<Vec<u32>>, OperatorError> {
        let rows = (0..input.num_rows() as u32).filter(|row| places[*row as usize].is_some());
        if self.keys == 0 {
            let rows: Vec<u32> = rows.collect();
            return Ok(if rows.is_empty() { Vec::new() } else { vec![rows] });
        }
        let keys = &input.columns()[..self.keys];
        let converter = RowConverter::new(keys.iter().map(|key| SortField::new(key.data_type().clone())).collect())?;
        let keys = converter.convert_columns(keys)?;
        let mut numbers: HashMap<&[u8], usize> = HashMap::new();
        let mut groups: Vec<Vec<u32>> = Vec::new();
        let keys: Vec<_> = keys.iter().collect();
        for row in rows {
            let number = *numbers.entry(keys[row as usize].data()).or_insert(groups.len());
            if number == groups.len() {
                groups.push(Vec::new());
            }
            groups[number].push(row);
        }
        Ok(groups)
    }
}

impl RowOperator for Series {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<Vec<RecordBatch>, OperatorError> {
        self.held.push(batch.clone());
        Ok(Vec::new())
    }

    fn finish(&mut self) -> Result<Vec<RecordBatch>, OperatorError> {
        let held = std::mem::take(&mut self.held);
        match held.first() {
            None => self.arrays(None),
            Some(first) => self.collect(&concat_batches(first.schema_ref(), &held)?),
        }
    }

    fn size(&self) -> usize {
        self.held.iter().map(RecordBatch::get_array_memory_size).sum()
    }
}

/// The bins of an axis.
#[derive(Debug)]
struct Bins {
    from: f64,
    /// For an axis of whole numbers and ticks, where reals would not be exact.
    from_long: i64,
    step: f64,
    step_long: i64,
    count: usize,
    scalar_type: ScalarType,
}

/// Returns a value as both kinds of number.
fn numbers(value: &Value) -> Option<(f64, i64)> {
    Some(match value {
        Value::Int(v) => (f64::from(*v), i64::from(*v)),
        Value::Long(v) | Value::DateTime(v) | Value::TimeSpan(v) => (*v as f64, *v),
        Value::Real(v) => (*v, 0),
        _ => return None,
    })
}

impl Bins {
    /// Computes the bins; None if nothing says where they begin or end.
    fn new(axis: &Axis, data: Option<&ArrayRef>) -> Result<Option<Self>, OperatorError> {
        let Some((step, step_long)) = numbers(&axis.step) else {
            return Err(OperatorError("make-series: the step is no number".into()));
        };
        let real = axis.scalar_type == ScalarType::Real;
        if step.is_nan() || step <= 0.0 {
            return Err(OperatorError("make-series: the step must be greater than zero".into()));
        }
        let ends = data.and_then(|data| ends(data, axis.scalar_type));
        let behind = |last: (f64, i64)| (last.0 + step, last.1.saturating_add(step_long));
        let from = axis.from.as_ref().map_or(ends.map(|(first, _)| first), numbers);
        let to = axis.to.as_ref().map_or(ends.map(|(_, last)| behind(last)), numbers);
        let (Some(from), Some(to)) = (from, to) else { return Ok(None) };
        let count = if real {
            // A bound that is hit but for rounding counts as hit.
            ((to.0 - from.0) / step - 1e-9).ceil() as i64
        } else {
            let span = i128::from(to.1) - i128::from(from.1);
            let step = i128::from(step_long);
            i64::try_from((span + step - 1).div_euclid(step)).unwrap_or(i64::MAX)
        };
        if count > MAX_ELEMENTS {
            return Err(OperatorError(format!("make-series: {count} bins are more than {MAX_ELEMENTS}")));
        }
        let count = count.max(0) as usize;
        let scalar_type = axis.scalar_type;
        Ok(Some(Bins { from: from.0, from_long: from.1, step, step_long, count, scalar_type }))
    }

    /// Returns the number of each row's bin.
    fn places(&self, data: &ArrayRef) -> Vec<Option<usize>> {
        let within = |place: i64| usize::try_from(place).ok().filter(|place| *place < self.count);
        let long = |value: i64| within(value.checked_sub(self.from_long)?.div_euclid(self.step_long.max(1)));
        match self.scalar_type {
            ScalarType::Real => {
                let real = |value: f64| within(((value - self.from) / self.step + 1e-9).floor() as i64);
                data.as_primitive::<Float64Type>().iter().map(|value| value.and_then(real)).collect()
            }
            _ => data.as_primitive::<Int64Type>().iter().map(|value| value.and_then(long)).collect(),
        }
    }

    /// Writes the starts of all bins.
    fn text(&self) -> String {
        let mut text = String::from("[");
        for bin in 0..self.count as i64 {
            let long = self.from_long.saturating_add(bin.saturating_mul(self.step_long));
            let value = match self.scalar_type {
                ScalarType::DateTime => Value::DateTime(long),
                ScalarType::TimeSpan => Value::TimeSpan(long),
                ScalarType::Real => Value::Real(self.from + bin as f64 * self.step),
                _ => Value::Long(long),
            };
            if bin > 0 {
                text.push(',');
            }
            json::write_value(&value, &mut text);
        }
        text.push(']');
        text
    }

    /// Writes the array of each group: where there is no row stands the default.
    fn arrays(
        &self,
        groups: &[Vec<u32>],
        places: &[Option<usize>],
        values: Option<&ArrayRef>,
        scalar_type: ScalarType,
        default: &Value,
    ) -> ArrayRef {
        let mut default_text = String::new();
        json::write_value(default, &mut default_text);
        let mut column = StringViewBuilder::with_capacity(groups.len());
        let mut rows: Vec<Option<u32>> = Vec::new();
        let mut text = String::new();
        for group in groups {
            rows.clear();
            rows.resize(self.count, None);
            for row in group {
                if let Some(place) = places[*row as usize] {
                    rows[place] = Some(*row);
                }
            }
            text.clear();
            text.push('[');
            for row in &rows {
                match (row, values) {
                    (Some(row), Some(values)) => {
                        json::write_value(&value_at(values, *row as usize, scalar_type), &mut text);
                    }
                    _ => text.push_str(&default_text),
                }
                text.push(',');
            }
            if !rows.is_empty() {
                text.pop();
            }
            text.push(']');
            column.append_value(&text);
        }
        Arc::new(column.finish())
    }
}

/// Returns the smallest and the largest value of the axis.
fn ends(data: &ArrayRef, scalar_type: ScalarType) -> Option<((f64, i64), (f64, i64))> {
    use arrow::compute::{max, min};
    Some(match scalar_type {
        ScalarType::Real => {
            let data = data.as_primitive::<Float64Type>();
            ((min(data)?, 0), (max(data)?, 0))
        }
        _ => {
            let data = data.as_primitive::<Int64Type>();
            let both = |value: i64| (value as f64, value);
            (both(min(data)?), both(max(data)?))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{batch, rows};
    use super::*;

    fn longs(values: &[i64]) -> (ScalarType, Vec<Value>) {
        (ScalarType::Long, values.iter().map(|value| Value::Long(*value)).collect())
    }

    fn texts(values: &[&str]) -> (ScalarType, Vec<Value>) {
        (ScalarType::String, values.iter().map(|value| Value::String(value.to_string())).collect())
    }

    fn axis(from: Option<i64>, to: Option<i64>, step: i64) -> Axis {
        let scalar_type = ScalarType::Long;
        Axis { from: from.map(Value::Long), to: to.map(Value::Long), step: Value::Long(step), scalar_type }
    }

    fn run(keys: usize, axis: Axis, columns: &[(ScalarType, Vec<Value>)], non_empty: bool) -> Vec<String> {
        let mut outputs: Vec<Column> =
            columns[..keys].iter().enumerate().map(|(i, (t, _))| Column::new(format!("k{i}"), *t)).collect();
        outputs.push(Column::new("v", ScalarType::Dynamic));
        outputs.push(Column::new("axis", ScalarType::Dynamic));
        let mut series = Series::new(&outputs, keys, axis, vec![ScalarType::Long], vec![Value::Long(0)], non_empty);
        let input = batch(columns);
        if input.num_rows() > 0 {
            series.push(&input.slice(0, 1)).unwrap();
            series.push(&input.slice(1, input.num_rows() - 1)).unwrap();
        }
        rows(&series.finish().unwrap())
    }

    #[test]
    fn gaps_are_filled_for_each_key() {
        let columns = [texts(&["a", "b", "a", "b"]), longs(&[1, 1, 5, 3]), longs(&[10, 20, 30, 40])];
        assert_eq!(run(1, axis(Some(1), Some(7), 2), &columns, false), ["a|[10,0,30]|[1,3,5]", "b|[20,40,0]|[1,3,5]"]);
    }

    #[test]
    fn bounds_come_from_the_data() {
        let columns = [longs(&[4, 8]), longs(&[1, 2])];
        assert_eq!(run(0, axis(None, None, 2), &columns, false), ["[1,0,2]|[4,6,8]"]);
        assert_eq!(run(0, axis(Some(6), None, 2), &columns, false), ["[0,2]|[6,8]"]);
        assert_eq!(run(0, axis(Some(0), Some(3), 2), &columns, false), [""; 0]);
    }

    #[test]
    fn nothing_gives_nothing_unless_it_must_not() {
        let columns = [longs(&[]), longs(&[])];
        assert!(run(0, axis(Some(0), Some(4), 2), &columns, false).is_empty());
        assert_eq!(run(0, axis(Some(0), Some(4), 2), &columns, true), ["[0,0]|[0,2]"]);
        assert!(run(0, axis(None, None, 2), &columns, true).is_empty());
    }

    #[test]
    fn axes_of_other_types() {
        let mut bins = Bins::new(
            &Axis {
                from: Some(Value::Real(0.0)),
                to: Some(Value::Real(0.3)),
                step: Value::Real(0.1),
                scalar_type: ScalarType::Real,
            },
            None,
        )
        .unwrap()
        .unwrap();
        assert_eq!(bins.count, 3);
        bins.count = 2;
        assert_eq!(bins.text(), "[0.0,0.1]");
        let day = 864_000_000_000;
        let from = 637_134_336_000_000_000;
        let axis = Axis {
            from: Some(Value::DateTime(from)),
            to: Some(Value::DateTime(from + day + 1)),
            step: Value::TimeSpan(day),
            scalar_type: ScalarType::DateTime,
        };
        let text = Bins::new(&axis, None).unwrap().unwrap().text();
        assert_eq!(text, "[\"2020-01-01T00:00:00.0000000Z\",\"2020-01-02T00:00:00.0000000Z\"]");
    }

    #[test]
    fn too_many_bins_are_refused() {
        let huge = axis(Some(0), Some(i64::MAX), 1);
        assert!(Bins::new(&huge, None).unwrap_err().0.contains("bins"));
        assert!(Bins::new(&axis(Some(0), Some(1), 0), None).is_err());
    }
}
