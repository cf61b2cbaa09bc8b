//! The table that the server serves, and the rows of a download, as lines that can be compared.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use alertq::catalog::{Catalog, TableInfo, tables};
use alertq::engine::{Session, Table, TableData};
use alertq::format::{Format, Limits};
use alertq::plan::Plan;
use alertq::serve::{Opened, Records};
use alertq::source;
use alertq::types::arrow::schema;
use alertq::types::{Column, ScalarType, ticks};
use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch};
use arrow::compute::{filter_record_batch, max, min};
use arrow::datatypes::Int64Type;

const TABLE: &str = "SecurityAlert";
const INGESTED: &str = "$IngestionTime";

/// The end of the generated time.
pub const END: &str = "2026-06-30";

/// Alerts, each with the time at which it was ingested; those of the future are not there yet.
pub struct Alerts {
    batches: Vec<RecordBatch>,
    columns: Vec<Column>,
    /// The server's clock.
    now: Mutex<i64>,
    /// How long records cannot be seen yet after they were ingested.
    delay: Mutex<i64>,
}

impl Alerts {
    /// Makes `rows` alerts. The first fifth of them have one TimeGenerated; each 50th is ingested two days late.
    pub fn new(rows: u64) -> Arc<Alerts> {
        let options = source::sample::Options { rows, seed: 3, days: 7, ..source::sample::Options::default() };
        let mut columns = tables::TableInfo::find(TABLE).unwrap().shown();
        let place = columns.iter().position(|column| column.name == "TimeGenerated").unwrap();
        columns.push(Column::new(INGESTED, ScalarType::DateTime));
        let (mut number, mut first) = (0, None);
        let batches = source::sample::alerts(options).map(|batch| {
            let times = batch.column(place).as_primitive::<Int64Type>();
            let mut generated = Vec::new();
            let mut ingested = Vec::new();
            for time in times.iter().flatten() {
                let same = *first.get_or_insert(time);
                generated.push(if number < rows / 5 { same } else { time });
                let late = if number % 50 == 49 { 2 * ticks::TICKS_PER_DAY } else { ticks::TICKS_PER_MINUTE };
                ingested.push(time + late);
                number += 1;
            }
            let mut arrays: Vec<ArrayRef> = batch.columns().to_vec();
            arrays[place] = Arc::new(Int64Array::from(generated));
            arrays.push(Arc::new(Int64Array::from(ingested)));
            RecordBatch::try_new(schema(&columns), arrays).unwrap()
        });
        let batches = batches.collect();
        Arc::new(Alerts {
            batches,
            columns,
            now: Mutex::new(moment(END) + 30 * ticks::TICKS_PER_DAY),
            delay: Mutex::default(),
        })
    }

    /// Moves the server's clock.
    pub fn set_now(&self, now: i64) {
        *self.now.lock().unwrap() = now;
    }

    /// Lets records be seen only so long after they were ingested.
    pub fn set_delay(&self, delay: i64) {
        *self.delay.lock().unwrap() = delay;
    }

    fn ingested_until(&self, until: i64) -> Vec<RecordBatch> {
        let of = |batch: &RecordBatch| {
            let times = batch.column(self.columns.len() - 1).as_primitive::<Int64Type>();
            let keep: BooleanArray = times.iter().map(|time| Some(time.unwrap() <= until)).collect();
            filter_record_batch(batch, &keep).unwrap()
        };
        self.batches.iter().map(of).collect()
    }

    /// Returns the batches that may hold records of the time that a query is about: a store has an index as well.
    fn of_time(&self, text: &str, until: i64) -> Vec<RecordBatch> {
        let bound = |sign: &str| {
            let text = text.split_once(sign)?.1.strip_prefix(" datetime(")?;
            ticks::parse_datetime(text.split_once(')')?.0)
        };
        let (from, to) = (bound("TimeGenerated >=").unwrap_or(i64::MIN), bound("TimeGenerated <").unwrap_or(i64::MAX));
        let place = self.time();
        let fits = |batch: &RecordBatch| {
            let times = batch.column(place).as_primitive::<Int64Type>();
            min(times).is_some_and(|first| first < to) && max(times).is_some_and(|last| last >= from)
        };
        self.ingested_until(until).into_iter().filter(fits).collect()
    }

    fn time(&self) -> usize {
        self.columns.iter().position(|column| column.name == "TimeGenerated").unwrap()
    }

    /// Returns the rows that a download should have, in no order.
    pub fn lines(&self, from: i64, to: i64, ingested_until: i64) -> Vec<String> {
        let mut lines = Lines::default();
        self.write(from, to, ingested_until, &mut lines);
        lines.sorted()
    }

    /// Returns what these rows are known by, in no order.
    pub fn prints(&self, from: i64, to: i64, ingested_until: i64) -> Vec<u64> {
        let mut prints = Prints::default();
        self.write(from, to, ingested_until, &mut prints);
        prints.sorted()
    }

    fn write(&self, from: i64, to: i64, ingested_until: i64, out: &mut (dyn Write + Send)) {
        let (place, shown) = (self.time(), self.columns.len() - 1);
        let batches = self.ingested_until(ingested_until).into_iter().map(|batch| {
            let times = batch.column(place).as_primitive::<Int64Type>();
            let keep: BooleanArray = times.iter().map(|time| Some((from..to).contains(&time.unwrap()))).collect();
            let batch = filter_record_batch(&batch, &keep).unwrap();
            batch.project(&(0..shown).collect::<Vec<_>>()).unwrap()
        });
        write(&self.columns[..shown], batches, out);
    }
}

pub fn moment(text: &str) -> i64 {
    ticks::parse_datetime(text).unwrap()
}

/// Reads a download as `--data` does.
pub fn downloaded(folder: &Path) -> Vec<String> {
    let mut lines = Lines::default();
    read(folder, &mut lines);
    lines.sorted()
}

/// Returns what the rows of a download are known by: for those that are too many to be held.
pub fn downloaded_prints(folder: &Path) -> Vec<u64> {
    let mut prints = Prints::default();
    read(folder, &mut prints);
    prints.sorted()
}

fn read(folder: &Path, out: &mut (dyn Write + Send)) {
    let tables = source::open(&folder.to_string_lossy(), &source::Options::default()).unwrap();
    assert_eq!(tables.iter().map(|table| table.name.as_str()).collect::<Vec<_>>(), [TABLE]);
    write(&tables[0].columns, tables[0].read().map(Result::unwrap), out);
}

fn write(columns: &[Column], batches: impl Iterator<Item = RecordBatch>, out: &mut (dyn Write + Send)) {
    let mut writer = Format::JsonLines.writer(Box::new(out), Limits::default());
    writer.begin("PrimaryResult", columns).unwrap();
    for batch in batches {
        writer.write(&batch).unwrap();
    }
    writer.finish().unwrap();
}

/// Takes text and keeps it.
#[derive(Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn sorted(self) -> Vec<String> {
        let mut lines: Vec<String> = String::from_utf8(self.0).unwrap().lines().map(str::to_string).collect();
        lines.sort();
        lines
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes text and keeps a hash of each line.
#[derive(Default)]
struct Prints {
    done: Vec<u64>,
    line: Vec<u8>,
}

impl Prints {
    fn sorted(mut self) -> Vec<u64> {
        assert!(self.line.is_empty(), "the last line has an end");
        self.done.sort_unstable();
        self.done
    }
}

impl Write for Prints {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let mut hasher = DefaultHasher::new();
                self.line.hash(&mut hasher);
                self.done.push(hasher.finish());
                self.line.clear();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Records for Alerts {
    fn open(&self, text: &str) -> Result<Box<dyn Opened>, String> {
        let now = *self.now.lock().unwrap();
        let mut catalog = Catalog::of_records();
        let shown = self.columns[..self.columns.len() - 1].to_vec();
        let ingested = Some(INGESTED.to_string());
        catalog.add(TableInfo { name: TABLE.to_string(), columns: shown, ingested, ..TableInfo::default() });
        let data = TableData::Batches(self.of_time(text, now - *self.delay.lock().unwrap()));
        let table = Table { name: TABLE.to_string(), columns: self.columns.clone(), data };
        Ok(Box::new(Now { catalog, now, table }))
    }
}

struct Now {
    catalog: Catalog,
    now: i64,
    table: Table,
}

impl Opened for Now {
    fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    fn now(&self) -> i64 {
        self.now
    }

    fn session(&self, _: &Plan) -> Result<Session, String> {
        let mut session = Session::new();
        session.partitions = 1;
        session.tables.push(self.table.clone());
        Ok(session)
    }
}
