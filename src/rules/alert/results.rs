//! The rows that a run of a query gave.

use arrow::array::RecordBatch;
use serde_json::{Map, Value as Json};

use crate::types::arrow::value_at;
use crate::types::convert::text_of;
use crate::types::{Column, Value, json};

/// Rows and their columns.
#[derive(Debug, Clone, Default)]
pub struct Results {
    pub columns: Vec<Column>,
    pub batches: Vec<RecordBatch>,
}

impl Results {
    /// Returns how many rows there are.
    pub fn count(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Returns one of the rows alone; none of them where there are fewer.
    pub fn row(&self, mut row: usize) -> Results {
        for batch in &self.batches {
            if row < batch.num_rows() {
                return Results { columns: self.columns.clone(), batches: vec![batch.slice(row, 1)] };
            }
            row -= batch.num_rows();
        }
        Results { columns: self.columns.clone(), batches: Vec::new() }
    }

    /// Returns the values of a column; None where the rows have no such column.
    pub fn values<'a>(&'a self, name: &str) -> Option<impl Iterator<Item = Value> + 'a> {
        let place = self.columns.iter().position(|column| column.name == name)?;
        let scalar_type = self.columns[place].scalar_type;
        Some(self.batches.iter().flat_map(move |batch| {
            (0..batch.num_rows()).map(move |row| value_at(batch.column(place), row, scalar_type))
        }))
    }

    /// Returns the text of a column in the first row; None where it is missing or empty.
    pub fn first_text(&self, name: &str) -> Option<String> {
        self.values(name)?.next().map(|value| text_of(&value)).filter(|text| !text.is_empty())
    }

    /// Returns the first and the last `TimeGenerated`.
    pub fn time_range(&self) -> Option<(i64, i64)> {
        let mut times = self.values("TimeGenerated")?.filter_map(|value| match value {
            Value::DateTime(ticks) => Some(ticks),
            _ => None,
        });
        let first = times.next()?;
        Some(times.fold((first, first), |(low, high), time| (low.min(time), high.max(time))))
    }

    /// Returns the first row as a bag.
    pub fn first_bag(&self) -> Json {
        let value = |column: &Column| self.values(&column.name).and_then(|mut values| values.next());
        let cells = self.columns.iter().filter_map(|column| Some((column.name.clone(), json_of(&value(column)?))));
        Json::Object(cells.collect::<Map<_, _>>())
    }
}

/// Returns what a value is in JSON.
pub fn json_of(value: &Value) -> Json {
    serde_json::from_str(&json::from_value(value)).unwrap_or_default()
}

/// Makes results of values, for tests of what is made of them.
#[cfg(test)]
pub fn results(columns: &[(&str, crate::types::ScalarType)], rows: &[Vec<Value>]) -> Results {
    use crate::types::arrow::{from_values, schema};
    let columns: Vec<Column> = columns.iter().map(|(name, scalar_type)| Column::new(*name, *scalar_type)).collect();
    let array = |place: usize, column: &Column| {
        from_values(column.scalar_type, &rows.iter().map(|row| row[place].clone()).collect::<Vec<_>>())
    };
    let arrays = columns.iter().enumerate().map(|(place, column)| array(place, column)).collect();
    let batch = RecordBatch::try_new(schema(&columns), arrays).unwrap();
    Results { columns, batches: vec![batch] }
}
