//! One table on its way: read, without duplicates and bad records, in the order of time, into a sink.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Int64Type;

use super::TIME;
use super::distinct::{Dedupe, Distinct, Versions, identity};
use super::precision::Times;
use super::rejects::Rejects;
use super::sink::Sink;
use crate::cli::data::{Spool, in_memory};
use crate::cli::progress::Bar;
use crate::cli::stop::Stop;
use crate::engine::{self, Session};
use crate::format::UNNAMED;
use crate::plan::{Expr, Kind, Node, Plan, QueryResult, SortKey};
use crate::source;
use crate::types::arrow::schema;
use crate::types::{Column, ScalarType};

/// What becomes of the records, whatever the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    /// Whatever does not fit is an error.
    pub(super) strict: bool,
    /// Records that cannot be read are set aside; otherwise they are an error.
    pub(super) set_aside: bool,
    pub(super) dedupe: Option<Dedupe>,
    /// Of each alert or incident the latest version alone is kept.
    pub(super) latest: bool,
    /// How exact datetimes are in the result.
    pub(super) times: Times,
    /// The result is in the order of time.
    pub(super) in_order: bool,
    /// Files that are read at once.
    pub(super) threads: usize,
    pub(super) memory_limit: Option<usize>,
}

/// Records, by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) rows: u64,
    pub(super) rejected: u64,
    pub(super) duplicates: u64,
    pub(super) superseded: u64,
    /// Datetimes that are less exact in the result.
    pub(super) cut: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.rows += other.rows;
        self.rejected += other.rejected;
        self.duplicates += other.duplicates;
        self.superseded += other.superseded;
        self.cut += other.cut;
    }
}

/// One table on its way.
pub(super) struct Job<'a> {
    pub(super) how: How,
    pub(super) table: source::Table,
    pub(super) rejects: Rejects,
    pub(super) bar: &'a Bar,
    /// Files that turned out to be unreadable; their rows are not in the result.
    pub(super) unreadable: Vec<source::Error>,
}

/// Why an attempt came to nothing.
enum Broken {
    /// The records are not in the order of time.
    Order,
    /// A file cannot be read.
    Input(source::Error),
    Stop(Stop),
}

impl From<Stop> for Broken {
    fn from(stop: Stop) -> Broken {
        Broken::Stop(stop)
    }
}

/// The column that numbers records while they are sorted.
const NUMBER: &str = "$record";

impl Job<'_> {
    /// Fills a sink; `make` makes one for each attempt, and the last one is the one that counts.
    ///
    /// Returns none where the table is another than its files' beginnings made believe.
    pub(super) fn run<S: Sink>(&mut self, make: impl Fn() -> Result<S, Stop>) -> Result<Option<(S, Counts)>, Stop> {
        if self.how.set_aside {
            self.table.set_bad_rows(self.rejects.taker());
        }
        let has_time = self.table.columns.contains(&time());
        let versions = identity(&self.table).filter(|_| self.how.latest);
        let mut sort = versions.is_some();
        loop {
            self.rejects.clear()?;
            let mut sink = make()?;
            let done = match sort {
                true => self.sorted(versions, &mut sink),
                false => self.straight(self.how.in_order && has_time, &mut sink),
            };
            match done {
                Ok(counts) => return Ok(Some((sink, counts))),
                // Most exports are in order already, and those that are not show it early.
                Err(Broken::Order) => sort = true,
                Err(Broken::Input(error)) if error.surprise || self.is_guessed(&error) => return Ok(None),
                Err(Broken::Input(error)) => self.leave_out(error)?,
                Err(Broken::Stop(stop)) => return Err(stop),
            }
            self.bar.add_bytes(self.table.inputs.iter().map(|input| input.bytes.size()).sum());
        }
    }

    /// Tells whether it is a file that cannot be read of which the beginning alone had been: its columns do not count.
    fn is_guessed(&self, error: &source::Error) -> bool {
        let guessed = |input: &source::Input| !input.complete && error.path.as_ref() == Some(&input.bytes.path);
        self.table.inputs.iter().any(guessed)
    }

    fn leave_out(&mut self, error: source::Error) -> Result<(), Stop> {
        let left_out = error.path.as_ref().is_some_and(|path| self.table.leave_out(path));
        if self.how.strict || !left_out || self.table.inputs.is_empty() {
            return Err(Stop::failure(error));
        }
        self.unreadable.push(error);
        Ok(())
    }

    /// Writes the records as they come.
    fn straight(&self, in_order: bool, sink: &mut impl Sink) -> Result<Counts, Broken> {
        let (mut last, mut rows, mut cut) = (None, 0, 0);
        let mut counts = self.records(|batch| {
            if in_order && !follows(batch, &mut last) {
                return Err(Broken::Order);
            }
            rows += batch.num_rows() as u64;
            self.bar.add_rows(batch.num_rows());
            Ok(sink.write(&self.how.times.of(batch, &self.table.columns, &mut cut)?)?)
        })?;
        (counts.rows, counts.cut) = (rows, cut);
        Ok(counts)
    }

    /// Gives the records to `take`, without duplicates; returns the counts of those that it did not get.
    fn records(&self, mut take: impl FnMut(&RecordBatch) -> Result<(), Broken>) -> Result<Counts, Broken> {
        let mut distinct = self.how.dedupe.map(|by| Distinct::new(by, &self.table)).transpose()?;
        let mut batches = self.table.read_ahead(self.how.threads);
        for batch in &mut batches {
            let batch = batch.map_err(Broken::Input)?;
            match &mut distinct {
                Some(distinct) => take(&distinct.filter(&batch)?)?,
                None => take(&batch)?,
            }
        }
        let duplicates = distinct.map_or(0, |distinct| distinct.duplicates);
        Ok(Counts { rejected: batches.rejected(), duplicates, ..Counts::default() })
    }

    /// Lets the engine bring the records into order, on disk where they are too many. Records of one moment keep theirs.
    fn sorted(&self, versions: Option<&'static str>, sink: &mut impl Sink) -> Result<Counts, Broken> {
        let number = Column::new(NUMBER, ScalarType::Long);
        let columns: Vec<Column> = self.table.columns.iter().cloned().chain([number]).collect();
        let mut spool = Spool::new(columns.clone(), in_memory(self.how.memory_limit));
        let mut found = Versions::default();
        let mut read = 0i64;
        let mut counts = self.records(|batch| {
            if let Some(identity) = versions {
                found.observe(batch, &self.table.columns, identity, read);
            }
            let numbers = Int64Array::from_iter_values(read..read + batch.num_rows() as i64);
            read += batch.num_rows() as i64;
            Ok(spool.add(with(batch, &columns, Arc::new(numbers))?)?)
        })?;
        let mut session = Session::new();
        session.memory_limit = self.how.memory_limit.unwrap_or(session.memory_limit);
        let session = session.table(&self.table.name, columns.clone(), spool.finish()?);
        let mut write = |batch: &RecordBatch| -> Result<(), Stop> {
            let batch = latest(batch, &found)?;
            counts.rows += batch.num_rows() as u64;
            self.bar.add_rows(batch.num_rows());
            sink.write(&self.how.times.of(&batch, &self.table.columns, &mut counts.cut)?)
        };
        for result in engine::run(&in_order(&self.table, columns), &session).map_err(Stop::failure)? {
            for batch in result {
                write(&batch.map_err(Stop::failure)?)?;
            }
        }
        counts.superseded = found.superseded.len() as u64;
        Ok(counts)
    }
}

fn time() -> Column {
    Column::new(TIME, ScalarType::DateTime)
}

/// Adds a column to a batch.
fn with(batch: &RecordBatch, columns: &[Column], array: ArrayRef) -> Result<RecordBatch, Stop> {
    let arrays = batch.columns().iter().cloned().chain([array]).collect();
    RecordBatch::try_new(schema(columns), arrays).map_err(Stop::failure)
}

/// Takes the numbers off a batch, and the records that later versions have replaced.
fn latest(batch: &RecordBatch, found: &Versions) -> Result<RecordBatch, Stop> {
    let at = batch.num_columns().saturating_sub(1);
    let plain: Vec<usize> = (0..at).collect();
    let rows = batch.project(&plain).map_err(Stop::failure)?;
    let numbers = batch.columns().last().and_then(|numbers| numbers.as_primitive_opt::<Int64Type>());
    let Some(numbers) = numbers.filter(|_| !found.superseded.is_empty()) else { return Ok(rows) };
    let keep: BooleanArray = numbers.values().iter().map(|number| Some(!found.superseded.contains(number))).collect();
    filter_record_batch(&rows, &keep).map_err(Stop::failure)
}

/// Tells whether the batch goes on where the last one ended: missing times come first.
fn follows(batch: &RecordBatch, last: &mut Option<i64>) -> bool {
    let Some(times) = batch.column_by_name(TIME).and_then(|column| column.as_primitive_opt::<Int64Type>()) else {
        return false;
    };
    times.iter().all(|time| {
        let follows = *last <= time;
        *last = time;
        follows
    })
}

/// Makes the plan that gives all columns, in the order of time and, within one moment, of their numbers.
fn in_order(table: &source::Table, columns: Vec<Column>) -> Plan {
    let node = |kind| Node { columns: columns.clone(), serialized: false, kind };
    let scan = Box::new(node(Kind::Scan { table: table.name.clone() }));
    let key = |column: &Column| SortKey { value: Expr::Column(column.clone()), ascending: true, nulls_first: true };
    let keys = columns.iter().filter(|column| **column == time()).chain(columns.last()).map(key).collect();
    let sort = Node { serialized: true, ..node(Kind::Sort { input: scan, keys, limit: None }) };
    let result = QueryResult { name: UNNAMED.to_string(), node: sort, render: None };
    Plan { results: vec![result], ..Plan::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Value;
    use crate::types::arrow::from_values;

    fn batch(times: &[Option<i64>]) -> RecordBatch {
        let value = |time: &Option<i64>| time.map_or(Value::Null(ScalarType::DateTime), Value::DateTime);
        let values: Vec<Value> = times.iter().map(value).collect();
        RecordBatch::try_new(schema(&[time()]), vec![from_values(ScalarType::DateTime, &values)]).unwrap()
    }

    #[test]
    fn order_goes_on_from_batch_to_batch() {
        let mut last = None;
        assert!(follows(&batch(&[None, Some(1), Some(1)]), &mut last));
        assert!(follows(&batch(&[Some(1), Some(2)]), &mut last));
        assert!(!follows(&batch(&[Some(1)]), &mut last));
        assert!(!follows(&batch(&[Some(1), None]), &mut None));
    }
}
