//! Made-up alerts and incidents, the same ones every time.
//!
//! What a row holds follows from the seed and its number alone, so that neither the size of a batch nor the order of
//! making changes it. Names are of `harbor.example`, addresses of the ranges that are kept for documentation.

mod ahead;
mod alert;
mod detections;
mod document;
mod incident;

use std::borrow::Cow;

use arrow::array::{ArrayRef, RecordBatch};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::catalog::tables::TableInfo;
use crate::types::arrow::schema;
use crate::types::{Column, ScalarType, ticks};

use super::build::{ColumnBuilder, Reading};
use super::cell::Cell;
use ahead::Ahead;

/// What to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Rows of SecurityAlert.
    pub rows: u64,
    /// Chooses among all possible samples.
    pub seed: u64,
    /// How many days the rows are spread over.
    pub days: u32,
    /// The moment at which they end, in ticks.
    pub end: i64,
    /// Rows in a batch.
    pub batch_rows: usize,
}

/// The end of the sample: answers of examples must not change with the date.
const END: i64 = ticks::UNIX_EPOCH + 20_634 * ticks::TICKS_PER_DAY;

/// What the built-in sample is, for whoever asked without naming data.
pub const BUILT_IN: &str = "the built-in sample, which is made up and of June 2026";

impl Default for Options {
    /// The sample that is built into the binary: 500 alerts of June 2026.
    fn default() -> Self {
        Options { rows: 500, seed: 7, days: 30, end: END, batch_rows: 8192 }
    }
}

/// Returns the built-in sample's table of this name, if it has one.
pub fn table(name: &str) -> Option<(Vec<Column>, Vec<RecordBatch>)> {
    let options = Options::default();
    let columns = TableInfo::find(name)?.shown();
    Some(match name {
        "SecurityAlert" => (columns, alerts(options).collect()),
        "SecurityIncident" => (columns, incidents(options).collect()),
        _ => return None,
    })
}

/// Makes rows of SecurityAlert, ordered by TimeGenerated.
pub fn alerts(options: Options) -> impl Iterator<Item = RecordBatch> {
    (0..).map_while(move |number| alert_batch(&options, number))
}

/// Makes the same rows with so many threads, each some batches ahead of its turn.
pub fn alerts_ahead(options: Options, threads: usize) -> Box<dyn Iterator<Item = RecordBatch>> {
    match Ahead::new(threads, move |number| alert_batch(&options, number)) {
        Some(ahead) => Box::new(ahead),
        // Without threads it takes longer.
        None => Box::new(alerts(options)),
    }
}

/// Makes one of the batches of SecurityAlert; None behind the last.
fn alert_batch(options: &Options, number: u64) -> Option<RecordBatch> {
    let first = number.saturating_mul(options.batch_rows.max(1) as u64);
    let end = first.saturating_add(options.batch_rows.max(1) as u64).min(options.rows);
    let mut rows = Rows::new("SecurityAlert");
    (first..end).for_each(|row| alert::Alert::of_row(options, row).append(&mut rows));
    rows.finish()
}

/// Makes the rows of SecurityIncident that belong to the alerts of [`alerts`], ordered by TimeGenerated.
pub fn incidents(options: Options) -> impl Iterator<Item = RecordBatch> {
    let mut versions = incident::Versions::new(options);
    std::iter::from_fn(move || {
        let mut rows = Rows::new("SecurityIncident");
        while rows.count < options.batch_rows.max(1) {
            match versions.next() {
                Some(version) => version.append(&mut rows),
                None => break,
            }
        }
        rows.finish()
    })
}

/// Rows of a known table in the making.
struct Rows {
    columns: Vec<Column>,
    builders: Vec<ColumnBuilder>,
    count: usize,
}

/// A value of the sample.
enum Made<'a> {
    Text(Cow<'a, str>),
    Moment(i64),
    Number(i64),
    Real(f64),
    Bool(bool),
    Nothing,
}

impl<'a> From<&'a str> for Made<'a> {
    fn from(text: &'a str) -> Made<'a> {
        Made::Text(text.into())
    }
}

impl From<String> for Made<'_> {
    fn from(text: String) -> Self {
        Made::Text(text.into())
    }
}

impl From<serde_json::Value> for Made<'_> {
    fn from(json: serde_json::Value) -> Self {
        Made::Text(json.to_string().into())
    }
}

impl Rows {
    fn new(table: &str) -> Rows {
        let columns = TableInfo::find(table).map(TableInfo::shown).unwrap_or_default();
        let builders = columns.iter().map(|column| ColumnBuilder::new(column.scalar_type)).collect();
        Rows { columns, builders, count: 0 }
    }

    /// Adds a row, of which `value` tells the value of each column.
    fn add<'a>(&mut self, value: impl Fn(&str) -> Made<'a>) {
        let reading = Reading { dynamic_is_text: true, ..Reading::default() };
        for (column, builder) in self.columns.iter().zip(&mut self.builders) {
            let text: Cow<'_, str>;
            let cell = match value(&column.name) {
                Made::Text(made) => {
                    text = made;
                    Cell::Text(&text)
                }
                Made::Moment(moment) => {
                    builder.push_moment(moment);
                    continue;
                }
                Made::Number(number) => {
                    text = number.to_string().into();
                    Cell::Number(&text)
                }
                Made::Real(number) => {
                    text = number.to_string().into();
                    Cell::Number(&text)
                }
                Made::Bool(value) => Cell::Bool(value),
                Made::Nothing => Cell::Null,
            };
            if builder.push(&cell, reading).is_err() {
                builder.push_missing();
            }
        }
        self.count += 1;
    }

    fn finish(mut self) -> Option<RecordBatch> {
        if self.count == 0 {
            return None;
        }
        let arrays: Vec<ArrayRef> = self.builders.iter_mut().map(ColumnBuilder::finish).collect();
        debug_assert!(self.columns.iter().all(|column| column.scalar_type != ScalarType::Decimal));
        RecordBatch::try_new(schema(&self.columns), arrays).ok()
    }
}

/// Returns the numbers of chance that belong to a row, and to one purpose of it.
fn chance(options: &Options, row: u64, purpose: u64) -> ChaCha8Rng {
    let mut chance = ChaCha8Rng::seed_from_u64(options.seed ^ (purpose << 56));
    chance.set_stream(row);
    chance
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use crate::types::Value;
    use crate::types::arrow::value_at;

    use super::*;

    fn rows(batches: impl Iterator<Item = RecordBatch>, table: &str) -> Vec<HashMap<String, Value>> {
        let columns = TableInfo::find(table).unwrap().shown();
        let mut rows = Vec::new();
        for batch in batches {
            for row in 0..batch.num_rows() {
                let cells = columns.iter().zip(batch.columns());
                rows.push(cells.map(|(c, a)| (c.name.clone(), value_at(a, row, c.scalar_type))).collect());
            }
        }
        rows
    }

    fn text(row: &HashMap<String, Value>, column: &str) -> String {
        match &row[column] {
            Value::String(text) | Value::Dynamic(text) => text.clone(),
            other => panic!("{column} is {other:?}"),
        }
    }

    #[test]
    fn the_sample_does_not_depend_on_threads() {
        for (rows, batch_rows) in [(0, 3), (1, 3), (100, 7), (9, 3)] {
            let options = Options { rows, batch_rows, ..Options::default() };
            let whole: Vec<_> = alerts(options).collect();
            assert_eq!(whole.iter().map(|batch| batch.num_rows() as u64).sum::<u64>(), rows);
            for threads in [1, 2, 5] {
                assert_eq!(alerts_ahead(options, threads).collect::<Vec<_>>(), whole, "{threads} threads");
            }
        }
        // Who has seen enough does not wait for the rest.
        drop(alerts_ahead(Options { rows: u64::MAX, ..Options::default() }, 2));
    }

    #[test]
    fn the_sample_does_not_depend_on_batches() {
        let whole = rows(alerts(Options::default()), "SecurityAlert");
        let parts = rows(alerts(Options { batch_rows: 7, ..Options::default() }), "SecurityAlert");
        assert_eq!(whole.len(), 500);
        assert_eq!(whole, parts);
        let whole = rows(incidents(Options::default()), "SecurityIncident");
        assert_eq!(whole, rows(incidents(Options { batch_rows: 7, ..Options::default() }), "SecurityIncident"));
    }

    #[test]
    fn rows_are_ordered_and_end_where_they_should() {
        for (batches, table) in [
            (Box::new(alerts(Options::default())) as Box<dyn Iterator<Item = RecordBatch>>, "SecurityAlert"),
            (Box::new(incidents(Options::default())), "SecurityIncident"),
        ] {
            let times: Vec<i64> = rows(batches, table)
                .iter()
                .map(|row| match row["TimeGenerated"] {
                    Value::DateTime(moment) => moment,
                    _ => panic!(),
                })
                .collect();
            assert!(times.is_sorted() && *times.last().unwrap() < END, "{table}");
        }
        assert_eq!(ticks::format_datetime(END), "2026-06-30T00:00:00.0000000Z");
    }

    #[test]
    fn alerts_look_like_alerts() {
        let rows = rows(alerts(Options::default()), "SecurityAlert");
        let products: HashSet<_> = rows.iter().map(|row| text(row, "ProductName")).collect();
        assert_eq!(products.len(), 8, "{products:?}");
        let ids: HashSet<_> = rows.iter().map(|row| text(row, "SystemAlertId")).collect();
        assert!((400..490).contains(&ids.len()), "{} alerts", ids.len());
        let severities: HashSet<_> = rows.iter().map(|row| text(row, "AlertSeverity")).collect();
        assert_eq!(severities.len(), 4);
        assert!(rows.iter().any(|row| text(row, "Entities").contains("\"$ref\"")));
        for row in &rows {
            let entities: serde_json::Value = serde_json::from_str(&text(row, "Entities")).unwrap();
            assert!(entities.as_array().is_some_and(|list| !list.is_empty()));
            let extended: serde_json::Value = serde_json::from_str(&text(row, "ExtendedProperties")).unwrap();
            assert!(extended.as_object().is_some_and(|bag| bag.values().all(serde_json::Value::is_string)));
            let (Value::DateTime(start), Value::DateTime(end)) = (&row["StartTime"], &row["EndTime"]) else { panic!() };
            let Value::DateTime(generated) = row["TimeGenerated"] else { panic!() };
            assert!(start <= end && *end <= generated);
        }
    }

    #[test]
    fn incidents_refer_to_alerts() {
        let alerts = rows(alerts(Options::default()), "SecurityAlert");
        let ids: HashSet<_> = alerts.iter().map(|row| text(row, "SystemAlertId")).collect();
        let incidents = rows(incidents(Options::default()), "SecurityIncident");
        assert!(incidents.len() > 200, "{}", incidents.len());
        let mut statuses = HashSet::new();
        let mut most = 0;
        for row in &incidents {
            let of: Vec<String> = serde_json::from_str(&text(row, "AlertIds")).unwrap();
            assert!(of.iter().all(|id| ids.contains(id)));
            most = most.max(of.len());
            statuses.insert(text(row, "Status"));
        }
        assert_eq!(statuses.len(), 3);
        assert!(most > 1);
    }
}
