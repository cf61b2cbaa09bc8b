//! `top-nested` and `top-hitters`: the values with the greatest measure, and within each of them those of the next level.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::{SortColumn, SortOptions, concat_batches, lexsort_to_indices, take};
use arrow::datatypes::{DataType, Float64Type, SchemaRef};
use arrow::row::{RowConverter, SortField};

use super::sequence::Evaluate;
use super::{OperatorError, RowOperator};
use crate::functions::FunctionError;
use crate::functions::aggregate::Accumulator;
use crate::types::arrow::{from_values, schema, value_at};
use crate::types::{Column, ScalarType, Value};

/// One level.
#[derive(Clone)]
pub struct Level {
    /// The column of the input that holds the values.
    pub value: usize,
    pub scalar_type: ScalarType,
    /// How many values stay; None for all.
    pub count: Option<usize>,
    /// What stands for the values that do not stay.
    pub others: Option<Value>,
    pub aggregates: Vec<Aggregate>,
    /// Makes the measure of what the aggregates give.
    pub measure: Evaluate,
    /// The columns that it is computed over.
    pub measured: SchemaRef,
    pub measure_type: ScalarType,
    pub ascending: bool,
    pub nulls_first: bool,
}

/// Makes what aggregates groups of rows.
pub type New = Arc<dyn Fn() -> Result<Box<dyn Accumulator>, FunctionError> + Send + Sync>;

/// An aggregate of a level.
#[derive(Clone)]
pub struct Aggregate {
    pub new: New,
    /// Columns of the input.
    pub arguments: Vec<usize>,
    /// The column of the input that says which rows count.
    pub filter: Option<usize>,
}

/// The operator.
pub struct TopNested {
    schema: SchemaRef,
    columns: Vec<Column>,
    levels: Vec<Level>,
    /// Which values stay must not hang on the order of rows: ties for the last place are an error.
    definite: bool,
    held: Vec<RecordBatch>,
    bytes: usize,
}

/// A value at some level that stays.
struct Kept {
    parent: usize,
    value: Value,
    measure: Value,
    rows: Vec<u32>,
}

/// Groups of rows with what the measure of each is.
struct Measured {
    values: ArrayRef,
}

impl TopNested {
    /// Makes the operator; the columns are each level's value and measure.
    pub fn new(columns: Vec<Column>, levels: Vec<Level>, definite: bool) -> Self {
        TopNested { schema: schema(&columns), columns, levels, definite, held: Vec::new(), bytes: 0 }
    }

    fn collect(&self, input: &RecordBatch) -> Result<Vec<RecordBatch>, OperatorError> {
        let mut kept: Vec<Vec<Kept>> = Vec::new();
        let mut result = vec![Vec::new(); self.columns.len()];
        let mut rest: Vec<Vec<Value>> = vec![Vec::new(); self.columns.len()];
        let all: Vec<u32> = (0..input.num_rows() as u32).collect();
        for number in 0..self.levels.len() {
            let parents: Vec<Vec<u32>> = match kept.last_mut() {
                None => vec![all.clone()],
                Some(last) => last.iter_mut().map(|kept| std::mem::take(&mut kept.rows)).collect(),
            };
            let (stay, others) = self.level(number, input, parents)?;
            if self.levels[number..].iter().any(|level| level.others.is_some()) {
                self.others(number, input, &kept, others, &mut rest)?;
            }
            kept.push(stay);
        }
        if self.definite {
            // The smallest comes first (measured).
            kept.last_mut().into_iter().for_each(|level| level.reverse());
        }
        let leaves = kept.last().map_or(0, Vec::len);
        for leaf in 0..leaves {
            path(&kept, self.levels.len(), leaf, &mut result);
        }
        let columns: Vec<ArrayRef> = self
            .columns
            .iter()
            .zip(result.iter_mut().zip(&mut rest))
            .map(|(column, (values, rest))| {
                values.append(rest);
                from_values(column.scalar_type, values)
            })
            .collect();
        let options = RecordBatchOptions::new().with_row_count(columns.first().map(|column| column.len()));
        Ok(vec![RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?])
    }

    /// Parts the rows of each parent by their values; gives the values that stay, in order, and for each parent the rows
    /// of the others.
    fn level(
        &self,
        number: usize,
        input: &RecordBatch,
        parents: Vec<Vec<u32>>,
    ) -> Result<(Vec<Kept>, Vec<Vec<u32>>), OperatorError> {
        let level = &self.levels[number];
        let values = input.column(level.value);
        let converter = RowConverter::new(vec![SortField::new(values.data_type().clone())])?;
        let keys = converter.convert_columns(std::slice::from_ref(values))?;
        let mut groups: Vec<(usize, Vec<u32>)> = Vec::new();
        for (parent, rows) in parents.iter().enumerate() {
            let mut numbers: HashMap<&[u8], usize, ahash::RandomState> = HashMap::default();
            for row in rows {
                let group = *numbers.entry(keys.row(*row as usize).data()).or_insert(groups.len());
                if group == groups.len() {
                    groups.push((parent, Vec::new()));
                }
                groups[group].1.push(*row);
            }
        }
        let rows: Vec<&[u32]> = groups.iter().map(|(_, rows)| rows.as_slice()).collect();
        let measured = self.measured(level, input, &rows)?;
        let order = measured.order(level, &groups)?;

        let mut stay = Vec::new();
        let mut others = vec![Vec::new(); parents.len()];
        let mut rank = vec![0; parents.len()];
        let mut last = vec![None; parents.len()];
        for group in order {
            let (parent, rows) = &mut groups[group];
            rank[*parent] += 1;
            if level.count.is_some_and(|count| rank[*parent] > count) {
                let ties = |before: usize| measured.value(level, before) == measured.value(level, group);
                if self.definite && last[*parent].is_some_and(ties) {
                    return Err(OperatorError(self.tie(level)));
                }
                last[*parent] = None;
                others[*parent].append(rows);
                continue;
            }
            last[*parent] = Some(group);
            let value = value_at(values, rows[0] as usize, level.scalar_type);
            let measure = measured.value(level, group);
            stay.push(Kept { parent: *parent, value, measure, rows: std::mem::take(rows) });
        }
        Ok((stay, others))
    }

    fn tie(&self, level: &Level) -> String {
        // The last level is what the query asks for; one above it keeps parts of a `partition` apart.
        let value = self.columns.iter().rev().nth(1).map_or("", |column| &column.name);
        format!(
            "`top-hitters {}` of `{value}`: several values tie for the last place, and which of them Kusto keeps is not \
             defined; `summarize` with `sort` shows all",
            level.count.unwrap_or(0),
        )
    }

    /// Adds a row for each parent that has rows of other values: what they are called at each level, and their measure.
    fn others(
        &self,
        number: usize,
        input: &RecordBatch,
        kept: &[Vec<Kept>],
        others: Vec<Vec<u32>>,
        out: &mut [Vec<Value>],
    ) -> Result<(), OperatorError> {
        let groups: Vec<(usize, &[u32])> = others
            .iter()
            .enumerate()
            .filter(|(_, rows)| !rows.is_empty())
            .map(|(parent, rows)| (parent, rows.as_slice()))
            .collect();
        let rows: Vec<&[u32]> = groups.iter().map(|(_, rows)| *rows).collect();
        for (parent, _) in &groups {
            path(kept, number, *parent, out);
        }
        for (at, level) in self.levels.iter().enumerate().skip(number) {
            let value = level.others.clone().unwrap_or(Value::missing(level.scalar_type));
            out[2 * at].extend(std::iter::repeat_n(value, groups.len()));
            if level.others.is_none() {
                out[2 * at + 1].extend(std::iter::repeat_n(Value::missing(level.measure_type), groups.len()));
                continue;
            }
            let measured = self.measured(level, input, &rows)?;
            out[2 * at + 1].extend((0..groups.len()).map(|group| measured.value(level, group)));
        }
        Ok(())
    }

    /// Computes the measure of groups of rows.
    fn measured(&self, level: &Level, input: &RecordBatch, groups: &[&[u32]]) -> Result<Measured, OperatorError> {
        let rows = UInt32Array::from_iter_values(groups.iter().flat_map(|rows| rows.iter().copied()));
        let numbers: Vec<usize> =
            groups.iter().enumerate().flat_map(|(number, rows)| std::iter::repeat_n(number, rows.len())).collect();
        let mut columns = Vec::new();
        for aggregate in &level.aggregates {
            let mut accumulator = (aggregate.new)().map_err(failed)?;
            let mut arguments = Vec::new();
            for argument in &aggregate.arguments {
                arguments.push(take(input.column(*argument), &rows, None)?);
            }
            let condition = match aggregate.filter {
                Some(column) => Some(take(input.column(column), &rows, None)?.as_boolean().clone()),
                None => None,
            };
            accumulator.update(&arguments, &numbers, condition.as_ref(), groups.len()).map_err(failed)?;
            columns.push(accumulator.finish(groups.len()).map_err(failed)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(groups.len()));
        let batch = RecordBatch::try_new_with_options(level.measured.clone(), columns, &options)?;
        Ok(Measured { values: (level.measure)(&batch)? })
    }
}

impl Measured {
    fn value(&self, level: &Level, group: usize) -> Value {
        value_at(&self.values, group, level.measure_type)
    }

    /// Returns the groups of each parent by their measures; of equal ones the later comes first (measured).
    fn order(&self, level: &Level, groups: &[(usize, Vec<u32>)]) -> Result<Vec<usize>, OperatorError> {
        if groups.is_empty() {
            return Ok(Vec::new());
        }
        let by = |values: ArrayRef, descending: bool, nulls_first: bool| SortColumn {
            values,
            options: Some(SortOptions { descending, nulls_first }),
        };
        let parents: Int64Array = groups.iter().map(|(parent, _)| *parent as i64).collect();
        let mut keys = vec![by(Arc::new(parents), false, true)];
        if self.values.data_type() == &DataType::Float64 {
            // NaN stands beside null (documented).
            let reals = self.values.as_primitive::<Float64Type>();
            let is_number: BooleanArray =
                reals.iter().map(|real| Some(real.is_some_and(|real| !real.is_nan()))).collect();
            keys.push(by(Arc::new(is_number), !level.nulls_first, true));
        }
        keys.push(by(self.values.clone(), !level.ascending, level.nulls_first));
        keys.push(by(Arc::new((0..groups.len() as i64).collect::<Int64Array>()), true, true));
        Ok(lexsort_to_indices(&keys, None)?.values().iter().map(|index| *index as usize).collect())
    }
}

/// Appends the values and measures of a kept value and of those around it.
fn path(kept: &[Vec<Kept>], levels: usize, mut at: usize, out: &mut [Vec<Value>]) {
    for level in (0..levels).rev() {
        let here = &kept[level][at];
        out[2 * level].push(here.value.clone());
        out[2 * level + 1].push(here.measure.clone());
        at = here.parent;
    }
}

fn failed(error: FunctionError) -> OperatorError {
    OperatorError(error.message)
}

impl RowOperator for TopNested {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<Vec<RecordBatch>, OperatorError> {
        self.bytes += batch.get_array_memory_size();
        self.held.push(batch.clone());
        Ok(Vec::new())
    }

    fn finish(&mut self) -> Result<Vec<RecordBatch>, OperatorError> {
        let held = std::mem::take(&mut self.held);
        let Some(first) = held.first() else { return Ok(Vec::new()) };
        self.collect(&concat_batches(first.schema_ref(), &held)?)
    }

    fn size(&self) -> usize {
        self.bytes
    }
}
