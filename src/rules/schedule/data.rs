//! The records that rules run over: held once, in the order of their times, and given to each run as a slice.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch, take_record_batch};
use arrow::datatypes::Int64Type;

use super::clock::Moment;
use crate::catalog::{Catalog, TableInfo};
use crate::engine::{self, Session, Table, TableData};
use crate::plan::{Kind, Node, Plan, QueryResult};
use crate::rules::Assumptions;
use crate::types::arrow::{Footprint, schema};
use crate::types::{Column, ScalarType};

/// The column that windows are about.
const TIME: &str = "TimeGenerated";
/// The column that tells when Log Analytics received a record.
pub const RECEIVED: &str = "_TimeReceived";

/// Returns the columns by which runs choose what they see of a table.
pub fn times(table: &TableInfo) -> Vec<Column> {
    let wanted = [TIME, table.ingested.as_deref().unwrap_or(RECEIVED)];
    let all = table.columns.iter().chain(&table.hidden);
    all.filter(|column| wanted.contains(&column.name.as_str())).cloned().collect()
}

/// Tables, ready for runs.
#[derive(Debug)]
pub struct Data {
    pub catalog: Catalog,
    tables: HashMap<String, Held>,
    /// Bytes that a run may hold.
    pub memory_limit: usize,
    pub assumptions: Assumptions,
    absent_is_empty: bool,
}

/// A table's records.
#[derive(Debug)]
struct Held {
    columns: Vec<Column>,
    /// In the order of the times in `times`; records without a time come last, and no window has them.
    rows: RecordBatch,
    /// None where the table has no such column: every run sees all of it.
    times: Option<Vec<i64>>,
    /// When each of the rows was ingested, where the records tell.
    ingested: Option<ArrayRef>,
    /// The rows in the order of their ingestion times, and these.
    by_ingestion: Option<(RecordBatch, Vec<i64>)>,
}

impl Data {
    /// Holds tables in memory; those in Parquet are read. Fails where a file cannot be read or the memory is too small.
    pub fn new(
        catalog: Catalog,
        tables: Vec<Table>,
        memory_limit: usize,
        assumptions: Assumptions,
    ) -> Result<Data, engine::Error> {
        let mut footprint = Footprint::default();
        let mut held = HashMap::new();
        for table in tables {
            let ingested = catalog.table(&table.name).and_then(|info| info.ingested.clone());
            let batches = batches(&table, memory_limit, &mut footprint)?;
            let rows = concat_batches(&schema(&table.columns), &batches).map_err(too_large)?;
            held.insert(table.name, Held::new(table.columns, &rows, ingested.as_deref().unwrap_or(RECEIVED))?);
        }
        Ok(Data { catalog, tables: held, memory_limit, assumptions, absent_is_empty: false })
    }

    /// Takes tables of Log Analytics that were not given for empty; otherwise a run that names one fails.
    pub fn where_absent_is_empty(self) -> Data {
        Data { absent_is_empty: true, ..self }
    }

    /// Returns all rows of a table and its columns, in the order of their times.
    pub fn rows(&self, table: &str) -> Option<(&[Column], &RecordBatch)> {
        self.tables.get(table).map(|held| (&held.columns[..], &held.rows))
    }

    /// Tells whether the records of every table say when they were ingested.
    pub fn knows_ingestion(&self) -> bool {
        self.tables.values().all(|held| held.ingested.is_some())
    }

    /// Makes the session in which a run's plan is run: its tables have what the run sees of them. Adds the rows of these
    /// to `read`.
    pub fn session(&self, plan: &Plan, moment: &Moment, read: &mut u64) -> Result<Session, engine::Error> {
        let mut session = Session { partitions: 1, memory_limit: self.memory_limit, ..Session::new() };
        for (name, columns) in plan.scans() {
            session = match self.tables.get(name) {
                Some(held) => {
                    let rows = held.window(moment, self.assumptions).map_err(too_large)?;
                    *read += rows.num_rows() as u64;
                    session.table(name, held.columns.clone(), TableData::Batches(vec![rows]))
                }
                None if self.absent_is_empty => session.table(name, columns, TableData::Batches(Vec::new())),
                None => {
                    let message = format!("there is no data for the table {name}; say where it is with --data");
                    return Err(engine::Error::new(engine::ErrorKind::Io, message));
                }
            };
        }
        Ok(session)
    }
}

/// Returns the rows of a table.
fn batches(table: &Table, memory_limit: usize, footprint: &mut Footprint) -> Result<Vec<RecordBatch>, engine::Error> {
    let full = |footprint: &mut Footprint, batch: &RecordBatch| {
        (footprint.add(batch) > memory_limit).then(|| {
            let message = format!(
                "the records of {} need more memory than --memory-limit allows; raise the limit, or give fewer of them",
                table.name
            );
            engine::Error::new(engine::ErrorKind::Resources, message)
        })
    };
    if let TableData::Batches(batches) = &table.data {
        for batch in batches {
            full(footprint, batch).map_or(Ok(()), Err)?;
        }
        return Ok(batches.clone());
    }
    let scan = Kind::Scan { table: table.name.clone() };
    let node = Node { columns: table.columns.clone(), serialized: false, kind: scan };
    let results = vec![QueryResult { name: "PrimaryResult".into(), node, render: None }];
    let session = Session::new().table(&table.name, table.columns.clone(), table.data.clone());
    let mut all = Vec::new();
    for output in engine::run(&Plan { results, ..Plan::default() }, &session)? {
        for batch in output {
            let batch = batch?;
            full(footprint, &batch).map_or(Ok(()), Err)?;
            all.push(batch);
        }
    }
    Ok(all)
}

fn too_large(error: arrow::error::ArrowError) -> engine::Error {
    engine::Error::new(engine::ErrorKind::Resources, format!("the records cannot be held: {error}"))
}

impl Held {
    fn new(columns: Vec<Column>, rows: &RecordBatch, ingested: &str) -> Result<Held, engine::Error> {
        let place = |name: &str| {
            columns.iter().position(|column| column.name == name && column.scalar_type == ScalarType::DateTime)
        };
        let (time, received) = (place(TIME), place(ingested));
        let (rows, times) = match time {
            Some(time) => {
                let (rows, times) = sorted(rows, time).map_err(too_large)?;
                (rows, Some(times))
            }
            None => (rows.clone(), None),
        };
        let by_ingestion = received.map(|place| sorted(&rows, place)).transpose().map_err(too_large)?;
        let ingested = received.map(|place| rows.column(place).clone());
        Ok(Held { columns, rows, times, ingested, by_ingestion })
    }

    /// Returns the rows that a run sees.
    fn window(&self, moment: &Moment, assumptions: Assumptions) -> Result<RecordBatch, arrow::error::ArrowError> {
        if let (true, Some((rows, times))) = (moment.by_ingestion, &self.by_ingestion) {
            return Ok(slice(rows, times, moment, assumptions).0);
        }
        let Some(times) = &self.times else { return Ok(self.rows.clone()) };
        let (rows, start) = slice(&self.rows, times, moment, assumptions);
        let Some(ingested) = &self.ingested else { return Ok(rows) };
        // What came after the query ran was not there.
        let came = ingested.slice(start, rows.num_rows());
        let came = came.as_primitive::<Int64Type>();
        let there: BooleanArray =
            came.iter().map(|time| Some(time.is_none_or(|time| time <= moment.written))).collect();
        if there.true_count() == rows.num_rows() { Ok(rows) } else { filter_record_batch(&rows, &there) }
    }
}

/// Returns the rows within a window, and where they begin.
fn slice(rows: &RecordBatch, times: &[i64], moment: &Moment, assumptions: Assumptions) -> (RecordBatch, usize) {
    let start = times.partition_point(|time| *time < moment.from);
    let end = if assumptions.window_is_closed {
        times.partition_point(|time| *time <= moment.now)
    } else {
        times.partition_point(|time| *time < moment.now)
    };
    (rows.slice(start, end.saturating_sub(start)), start)
}

/// Sorts rows by a column of times, those without one last; returns the times that there are.
fn sorted(rows: &RecordBatch, column: usize) -> Result<(RecordBatch, Vec<i64>), arrow::error::ArrowError> {
    let options = arrow::compute::SortOptions { descending: false, nulls_first: false };
    // The place in the file decides between equal times: the sort is not stable.
    let keys = rows.column(column).as_primitive::<Int64Type>();
    let in_order = (1..keys.len())
        .all(|row| keys.is_null(row) || (!keys.is_null(row - 1) && keys.value(row - 1) <= keys.value(row)));
    let rows = if in_order {
        rows.clone()
    } else {
        let places = arrow::array::UInt64Array::from_iter_values(0..rows.num_rows() as u64);
        let columns = [
            arrow::compute::SortColumn { values: rows.column(column).clone(), options: Some(options) },
            arrow::compute::SortColumn { values: std::sync::Arc::new(places), options: None },
        ];
        take_record_batch(rows, &arrow::compute::lexsort_to_indices(&columns, None)?)?
    };
    let times = rows.column(column).as_primitive::<Int64Type>().iter().flatten().collect();
    Ok((rows, times))
}
