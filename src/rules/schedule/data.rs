//! The records that rules run over, and what their queries make of each by itself.
//!
//! ```text
//!   file ──one pass──▶ a piece ──▶ every chain of every query ──▶ its rows, in the order of their records' times
//!                                                                   │
//!                    a run: a moment ──▶ a slice of the rows ◀──────╯ ──▶ the rest of the query
//! ```
//!
//! Runs overlap, and many rules ask the same of the same records: what follows from a record alone is computed once. A
//! table is held whole only where a query asks for something else of it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, OnceLock};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;

use super::chain::{self, Bounds, Chain, ROW_INGESTED, ROW_TIME};
use super::clock::{Moment, Span};
use super::held::Held;
use super::pass::{self, Window};
use super::run::Query;
use super::survey::{self, Survey};
use crate::catalog::{Catalog, TableInfo};
use crate::engine::{self, Session, Table, TableData};
use crate::plan::{Kind, Node, Plan};
use crate::rules::{Assumptions, Rule};
use crate::types::arrow::{Footprint, schema, value_at};
use crate::types::convert::text_of;
use crate::types::{Column, ScalarType, ticks};

/// Begins the key of the chain of a table that keeps nothing but times; no chain's own begins so.
const CLOCK: &str = "\u{1}clock";

/// The column that windows are about.
pub(super) const TIME: &str = "TimeGenerated";
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
    tables: HashMap<String, Stored>,
    /// What chains made of the records that are looked at, by their keys.
    parts: HashMap<String, Held>,
    /// What chains made of all records.
    of_all: HashMap<String, Held>,
    /// Expressions of queries that read the clock which are the same at other moments.
    lasting: HashSet<String>,
    /// Bytes that a run may hold.
    pub memory_limit: usize,
    pub assumptions: Assumptions,
    absent_is_empty: bool,
    /// What is looked at; None: all records.
    span: Option<Span>,
    /// How many records there are and when they are of, where they were counted.
    survey: Option<Survey>,
    /// Records after which a stretch of a replay ends.
    pub(in crate::rules) stretch: u64,
}

/// A table's records.
#[derive(Debug)]
struct Stored {
    table: Table,
    /// The column that tells when a record was ingested.
    ingested: String,
    /// All of it, from when a query asks for it.
    whole: OnceLock<Result<Held, engine::Error>>,
    /// The times of the records that are looked at, once it was passed over.
    clock: Option<Held>,
}

/// What a plan reads under a name of our own.
#[derive(Debug, Clone)]
pub(super) struct Use {
    name: String,
    columns: Vec<Column>,
    source: Source,
    bounds: Bounds,
}

#[derive(Debug, Clone)]
enum Source {
    Part(String),
    Table(String),
}

/// A plan whose chains are done.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    pub(super) plan: Plan,
    uses: Vec<Use>,
    /// The tables that the query names.
    tables: Vec<String>,
}

/// What a run sees.
pub(super) struct Seen {
    pub(super) session: Session,
    /// Records within the run's window.
    pub(super) records: u64,
    /// Rows that chains made of them.
    pub(super) rows: u64,
}

impl Data {
    /// Takes tables and holds them in memory; those in Parquet are read. Fails where a file cannot be read or the memory
    /// is too small.
    pub fn new(
        catalog: Catalog,
        tables: Vec<Table>,
        memory_limit: usize,
        assumptions: Assumptions,
    ) -> Result<Data, engine::Error> {
        let data = Data::unread(catalog, tables, memory_limit, assumptions);
        let mut footprint = Footprint::default();
        for stored in data.tables.values() {
            let held = stored.read(memory_limit, &mut footprint, None)?;
            let _ = stored.whole.set(Ok(held));
        }
        Ok(data)
    }

    /// Takes tables, of which nothing is read before it is asked for.
    pub fn unread(catalog: Catalog, tables: Vec<Table>, memory_limit: usize, assumptions: Assumptions) -> Data {
        let stored = |table: Table| {
            let ingested = catalog.table(&table.name).and_then(|info| info.ingested.clone());
            let ingested = ingested.unwrap_or_else(|| RECEIVED.to_string());
            (table.name.clone(), Stored { table, ingested, whole: OnceLock::new(), clock: None })
        };
        let tables = tables.into_iter().map(stored).collect();
        Data {
            catalog,
            tables,
            parts: HashMap::new(),
            lasting: HashSet::new(),
            memory_limit,
            assumptions,
            absent_is_empty: false,
            of_all: HashMap::new(),
            span: None,
            survey: None,
            stretch: survey::RECORDS,
        }
    }

    /// Takes tables of Log Analytics that were not given for empty; otherwise a run that names one fails.
    pub fn where_absent_is_empty(self) -> Data {
        Data { absent_is_empty: true, ..self }
    }

    /// Counts the records of every table by their times, and runs chains over all of them whose rows are wanted
    /// ([`Data::rows_of`]).
    ///
    /// Fails where a file cannot be read or the memory is too small.
    pub fn survey(&mut self, chains: Vec<Node>, threads: usize) -> Result<(), engine::Error> {
        let mut survey = Survey::default();
        for stored in self.tables.values() {
            let times = stored.time_columns();
            let columns = if times.is_empty() { stored.clock().columns } else { times };
            pass::each_piece(&stored.table, &columns, None, &mut |piece| {
                survey.add(&columns, &piece);
                true
            })?;
        }
        self.survey = Some(survey);
        self.of_all = self.run(by_table(chains), None, threads)?;
        Ok(())
    }

    /// Lets go of what was computed, and looks at all records.
    pub fn look_at_all(&mut self) {
        self.parts.clear();
        self.span = None;
        for stored in self.tables.values_mut() {
            stored.whole = OnceLock::new();
            stored.clock = None;
        }
    }

    /// Lets go of all records but those of a span of time, and computes what queries make of each of them by itself, in
    /// one pass over each table; `now` is a moment at which the queries run. What a query has beyond that is left to its
    /// runs.
    ///
    /// Fails where a file cannot be read or the memory is too small.
    pub fn look_at(
        &mut self,
        span: Option<Span>,
        queries: &[&Query],
        now: i64,
        threads: usize,
    ) -> Result<(), engine::Error> {
        self.look_at_all();
        self.span = span;
        for query in queries {
            self.lasting.extend(query.lasting(&self.catalog, now));
        }
        // What one query knows to last is known of the others then: the chains are those that runs will find.
        let chains = queries.iter().flat_map(|query| query.chains(&self.catalog, now, &self.lasting)).collect();
        let mut chains = by_table(chains);
        for (name, chains) in &mut chains {
            chains.extend(self.tables.get(name).map(|stored| (stored.clock_key(), stored.clock())));
        }
        self.parts = self.run(chains, self.span, threads)?;
        for stored in self.tables.values_mut() {
            stored.clock = self.parts.remove(&stored.clock_key());
        }
        Ok(())
    }

    /// Runs chains over the records of a span.
    fn run(
        &self,
        chains: BTreeMap<String, BTreeMap<String, Node>>,
        span: Option<Span>,
        threads: usize,
    ) -> Result<HashMap<String, Held>, engine::Error> {
        let mut held = Footprint::default();
        self.of_all.values().for_each(|part| _ = held.add(&part.rows));
        let held = Mutex::new(held);
        let mut all = HashMap::new();
        for (name, chains) in chains {
            let Some(stored) = self.tables.get(&name) else { continue };
            let (times, window) = (stored.times(), stored.window(span));
            let (keys, nodes): (Vec<String>, Vec<Node>) = chains.into_iter().unzip();
            let nodes: Vec<Node> = nodes.into_iter().map(|node| chain::with_times(node, &times)).collect();
            let made = pass::run(&stored.table, &nodes, window.as_ref(), &held, self.memory_limit, threads)?;
            for ((key, node), batches) in keys.into_iter().zip(nodes).zip(made) {
                let Some(batches) = batches else { continue };
                let rows = concat_batches(&schema(&node.columns), &batches).map_err(too_large)?;
                let part = Held::new(node.columns, &rows, ROW_TIME, ROW_INGESTED).map_err(too_large)?;
                all.insert(key, part);
            }
        }
        Ok(all)
    }

    /// Returns the rows that a chain made, with its columns and times; of a chain that was not passed over, those of the
    /// whole table. None where there are no records of the table.
    pub(in crate::rules) fn rows_of(&self, chain: &Node) -> Option<(&[Column], &RecordBatch)> {
        let held = match self.of_all.get(&chain::key(chain)) {
            Some(part) => part,
            None => self.whole(chain::source(chain)?.0)?.ok()?,
        };
        Some((&held.columns, &held.rows))
    }

    fn whole(&self, table: &str) -> Option<Result<&Held, engine::Error>> {
        let stored = self.tables.get(table)?;
        let whole = stored.whole.get_or_init(|| stored.read(self.memory_limit, &mut Footprint::default(), self.span));
        Some(whole.as_ref().map_err(Clone::clone))
    }

    /// Returns the first and the last time of the records, in ticks; None where they were not counted.
    pub fn period(&self) -> Option<(i64, i64)> {
        self.survey.as_ref().and_then(Survey::period)
    }

    /// Parts a period, both ends included, so that what rules look at of a part fits into memory easily; returns the last
    /// moment of each. None where records were not counted: they are all at hand.
    pub fn stretches(&self, rules: &[Rule], from: i64, to: i64) -> Option<Vec<i64>> {
        let look_back = Span::of(rules, from, to).map_or(0, |span| from.saturating_sub(span.from));
        self.survey.as_ref().map(|survey| survey.stretches(from, to, look_back, self.stretch))
    }

    /// Returns how many records there are; 0 where they were not counted.
    pub fn records(&self) -> u64 {
        self.survey.as_ref().map_or(0, |survey| survey.records)
    }

    /// Tells whether the records of every table say when they were ingested.
    pub fn knows_ingestion(&self) -> bool {
        self.tables.values().all(|stored| stored.times().iter().any(|(_, name)| *name == ROW_INGESTED))
    }

    /// Puts what was computed already in place of the chains of a plan. `by_ingestion` says that the runs' windows are of
    /// ingestion times.
    pub(super) fn ready(&self, mut plan: Plan, reads_clock: bool, by_ingestion: bool) -> Ready {
        let mut uses: Vec<Use> = Vec::new();
        let tables = plan.scans().into_iter().map(|(name, _)| name.to_string()).collect();
        let rules = chain::Rules { lasting: reads_clock.then_some(&self.lasting), bounds: !by_ingestion };
        chain::replace(&mut plan, &rules, &mut |Chain { node, bounds }| {
            let key = (!self.parts.is_empty()).then(|| chain::key(&node)).filter(|key| self.parts.contains_key(key));
            let columns = node.columns.clone();
            let source = match (key, node.kind) {
                (Some(key), _) => Source::Part(key),
                (None, Kind::Scan { table }) => Source::Table(table),
                (None, _) => return None,
            };
            let name = format!("\u{1}seen{}", uses.len());
            uses.push(Use { name: name.clone(), columns, source, bounds });
            Some(Kind::Scan { table: name })
        });
        Ready { plan, uses, tables }
    }

    /// Makes a session for runs, without tables.
    pub(super) fn session(&self) -> Session {
        Session { partitions: 1, memory_limit: self.memory_limit, ..Session::new() }
    }

    /// Makes the session in which a run's plan is run: its tables have what the run sees of them.
    pub(super) fn see(&self, ready: &Ready, moment: &Moment) -> Result<Seen, engine::Error> {
        let mut session = self.session();
        let mut records = 0;
        for name in &ready.tables {
            records += match self.tables.get(name) {
                Some(stored) => match &stored.clock {
                    Some(clock) => clock.count(moment, self.assumptions).map_err(too_large)?,
                    None => self.held(name)?.count(moment, self.assumptions).map_err(too_large)?,
                },
                None if self.absent_is_empty => 0,
                None => return Err(absent(name)),
            };
        }
        let mut rows = 0;
        for Use { name, columns, source, bounds } in &ready.uses {
            let held = match source {
                Source::Part(key) => self.parts.get(key).ok_or_else(|| absent(key))?,
                Source::Table(table) if self.tables.contains_key(table) => self.held(table)?,
                Source::Table(_) => {
                    session = session.table(name, columns.clone(), TableData::Batches(Vec::new()));
                    continue;
                }
            };
            let batch = held.window(moment, *bounds, self.assumptions).map_err(too_large)?;
            rows += batch.num_rows() as u64;
            session = session.table(name, held.columns.clone(), TableData::Batches(vec![batch]));
        }
        Ok(Seen { session, records, rows })
    }

    /// Returns a text of the first record of a table; None where there is none.
    pub fn first_text(&self, table: &str, column: &str) -> Option<String> {
        let stored = self.tables.get(table)?;
        let column = stored.table.columns.iter().find(|own| own.name == column)?;
        let scan = Kind::Scan { table: table.to_string() };
        let scan = Node { columns: vec![column.clone()], serialized: false, kind: scan };
        let first = Kind::Limit { input: Box::new(scan), count: 1 };
        let node = Node { columns: vec![column.clone()], serialized: false, kind: first };
        let session = Session { partitions: 1, ..Session::new() };
        let session = session.table(table, stored.table.columns.clone(), stored.table.data.clone());
        let output = engine::run(&Plan::of(node), &session).ok()?.into_iter().next()?;
        let batch = output.flatten().find(|batch| batch.num_rows() > 0)?;
        let text = text_of(&value_at(batch.columns().first()?, 0, column.scalar_type));
        Some(text).filter(|text| !text.is_empty())
    }

    fn held(&self, table: &str) -> Result<&Held, engine::Error> {
        self.whole(table).unwrap_or_else(|| Err(absent(table)))
    }
}

impl Stored {
    /// Returns the columns of times, each with what it is called beside what chains make.
    fn times(&self) -> Vec<(Column, &'static str)> {
        let column = |name: &str, as_row: &'static str| {
            let column = Column::new(name, ScalarType::DateTime);
            self.table.columns.contains(&column).then_some((column, as_row))
        };
        column(TIME, ROW_TIME).into_iter().chain(column(&self.ingested, ROW_INGESTED)).collect()
    }

    /// Makes the chain that only counts records; it has a column, so that there is something to count.
    fn clock(&self) -> Node {
        let one = self.times().into_iter().map(|(column, _)| column).chain(self.table.columns.iter().cloned());
        let columns = one.take(1).collect();
        Node { columns, serialized: false, kind: Kind::Scan { table: self.table.name.clone() } }
    }

    fn time_columns(&self) -> Vec<Column> {
        self.times().into_iter().map(|(column, _)| column).collect()
    }

    fn clock_key(&self) -> String {
        format!("{CLOCK}{}", self.table.name)
    }

    fn window(&self, span: Option<Span>) -> Option<Window> {
        span.map(|span| Window { times: self.time_columns(), span })
    }

    fn read(&self, memory_limit: usize, footprint: &mut Footprint, span: Option<Span>) -> Result<Held, engine::Error> {
        let batches = batches(&self.table, memory_limit, footprint, self.window(span).as_ref())?;
        let rows = concat_batches(&schema(&self.table.columns), &batches).map_err(too_large)?;
        Held::new(self.table.columns.clone(), &rows, TIME, &self.ingested).map_err(too_large)
    }
}

/// Returns the rows of a table within a window.
fn batches(
    table: &Table,
    memory_limit: usize,
    footprint: &mut Footprint,
    window: Option<&Window>,
) -> Result<Vec<RecordBatch>, engine::Error> {
    let mut all = Vec::new();
    let mut is_full = false;
    let mut take = |batch: RecordBatch| {
        is_full = is_full || footprint.add(&batch) > memory_limit;
        all.push(batch);
        !is_full
    };
    match (&table.data, window) {
        (TableData::Batches(batches), None) => _ = batches.iter().cloned().all(take),
        _ => pass::each_piece(table, &table.columns, window, &mut take)?,
    }
    if is_full {
        let message = format!(
            "the records of {} need more memory than --memory-limit allows; raise the limit, or give fewer of them",
            table.name
        );
        return Err(engine::Error::new(engine::ErrorKind::Resources, message));
    }
    Ok(all)
}

/// Parts chains by the tables that they read, each by its key; what is the same is there once.
fn by_table(chains: Vec<Node>) -> BTreeMap<String, BTreeMap<String, Node>> {
    let mut all: BTreeMap<String, BTreeMap<String, Node>> = BTreeMap::new();
    for node in chains {
        if let Some((table, _)) = chain::source(&node) {
            all.entry(table.to_string()).or_default().insert(chain::key(&node), node);
        }
    }
    all
}

fn absent(table: &str) -> engine::Error {
    let message = format!("there is no data for the table {table}; say where it is with --data");
    engine::Error::new(engine::ErrorKind::Io, message)
}

fn too_large(error: arrow::error::ArrowError) -> engine::Error {
    engine::Error::new(engine::ErrorKind::Resources, format!("the records cannot be held: {error}"))
}

/// How far another moment lies from the first: no part of a date and a time is the same.
pub(super) const ELSEWHEN: i64 = 400 * ticks::TICKS_PER_DAY + 5 * ticks::TICKS_PER_HOUR + 61_000_000_001;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::rules::alert::results;
    use crate::types::Value;

    const HOUR: i64 = ticks::TICKS_PER_HOUR;
    const BEGIN: i64 = 700_000 * ticks::TICKS_PER_DAY;

    /// Two tables of records that come in no order; some have no time, some were ingested late.
    fn tables() -> Vec<Table> {
        use ScalarType::*;
        let columns = [(TIME, DateTime), (RECEIVED, DateTime), ("Name", String), ("Number", Long), ("Bag", Dynamic)];
        let row = |number: i64| {
            let late = if number % 5 == 0 { HOUR } else { 600_000_000 };
            let time = |ticks| if number % 97 == 0 { Value::Null(DateTime) } else { Value::DateTime(ticks) };
            let bag = format!("{{\"k\":{},\"list\":[{number},\"x\"]}}", number % 4);
            let name = format!("name {}", number % 11);
            let times = BEGIN + (number * 7_919 % 600) * HOUR / 10;
            vec![time(times), time(times + late), Value::String(name), Value::Long(number), Value::Dynamic(bag)]
        };
        let table = |name: &str, rows: std::ops::Range<i64>| {
            let made = results(&columns, &rows.map(row).collect::<Vec<_>>());
            Table { name: name.into(), columns: made.columns, data: TableData::Batches(made.batches) }
        };
        vec![table("Alpha", 0..500), table("Beta", 100..350)]
    }

    fn catalog() -> Catalog {
        let mut catalog = Catalog::of_records();
        for table in tables() {
            let hidden = |column: &Column| column.name == RECEIVED;
            let (hidden, columns) = table.columns.into_iter().partition(hidden);
            let ingested = Some(RECEIVED.to_string());
            catalog.add(TableInfo { name: table.name, columns, hidden, ingested, ..TableInfo::default() });
        }
        catalog
    }

    const QUERIES: &[&str] = &[
        "Alpha | where Name == 'name 3'",
        "Alpha | where TimeGenerated > ago(30m) and Number % 3 == 0 | project Number, TimeGenerated",
        "Alpha | where TimeGenerated between (ago(2h) .. now(-1h)) | extend k = toint(Bag.k) | where k > 1 | project k, Name",
        "Alpha | where Name has '3' | summarize n = count(), latest = max(TimeGenerated) by Name | order by Name asc",
        "Alpha | where Name == 'nobody' | count",
        "Alpha | where Number > 100 | join kind=inner (Beta | where Name != 'name 2' | project Name, Other = Number) on Name \
         | summarize count() by Name | order by Name asc",
        "Alpha | where Name in ((Beta | where Number < 200 | project Name)) | project Number",
        "Alpha | mv-expand e = Bag.list to typeof(string) | where e != 'x' | project e, Number",
        "Alpha | parse Name with 'name ' n:long | where n > 5 | extend age = now() - TimeGenerated | project n, age",
        "union Alpha, Beta | where Number == 120",
        "let names = materialize(Beta | where Number < 150 | distinct Name); Alpha | where Name in (names) | count",
        "Alpha | where datetime_part('hour', now()) % 2 == 0 and Number % 2 == 0 | project Number",
        "Alpha | where dayofweek(TimeGenerated) == dayofweek(now()) | where hourofday(now()) == Number % 24 | project Number",
        "Alpha | where Number % 24 == toscalar(Beta | summarize max(Number)) % 24 | project Number",
        "Alpha | sort by TimeGenerated asc | extend before = prev(Number) | where Name == 'name 1' | project before",
        "Alpha | where Number < 450 | top 3 by Number | project Number",
        "Alpha | where TimeGenerated <= datetime(0001-01-01) + 700000d + 3h | project Number",
        "Alpha | project Bag | evaluate bag_unpack(Bag) | where k == 2 | summarize count() by k",
        "Alpha | where ingestion_time() > ago(90m) | where Number % 2 == 1 | project Number",
        "Beta | where rand() >= 0.0 and Number > 200 | project Number",
    ];

    fn rule(kind: &str, query: &str) -> Rule {
        let text = format!("kind: {kind}\nname: n\nquery: |\n  {query}\n");
        crate::rules::form::read(Path::new("r.yaml"), &text).unwrap().unwrap().rules.remove(0)
    }

    /// Returns what a query gives at moments, in JSON.
    fn answers(query: &Query, data: &Data, rule: &Rule) -> Vec<String> {
        let moments = (0..16).map(|number| Moment::at(rule, BEGIN + number * 4 * HOUR + number % 2 * HOUR + 17));
        let answer = |moment: Moment| match query.run(data, &moment) {
            Ok(ran) => {
                let rows = (0..ran.results.count()).map(|row| ran.results.row(row).first_bag().to_string());
                format!("{}: {}", ran.records, rows.collect::<Vec<_>>().join(" "))
            }
            Err(failure) => failure.to_string(),
        };
        moments.map(answer).collect()
    }

    #[test]
    fn what_is_computed_once_is_what_each_run_would_compute() {
        for kind in ["Scheduled\nqueryPeriod: 3h", "NRT"] {
            for text in QUERIES {
                let rule = rule(kind, text);
                let assumptions = Assumptions::default();
                let whole = Data::new(catalog(), tables(), 1 << 30, assumptions).unwrap();
                let mut data = Data::unread(catalog(), tables(), 1 << 30, assumptions);
                let mut query = Query::of(&rule).unwrap().unwrap();
                let expected = answers(&query, &whole, &rule);
                assert!(!expected.iter().any(|answer| answer.contains("rror")), "{text}: {expected:?}");
                if *text == QUERIES[0] && kind != "NRT" {
                    assert!(expected.iter().any(|answer| answer.contains('{')), "{text}: {expected:?}");
                }
                let mut spare = Data::unread(catalog(), tables(), 1 << 30, assumptions);
                let span = Span::of(std::slice::from_ref(&rule), BEGIN, BEGIN + 61 * HOUR + 17);
                for (data, span) in [(&mut data, None), (&mut spare, span)] {
                    data.look_at(span, &[&query], BEGIN, 2).unwrap();
                    assert!(!data.parts.is_empty(), "{text}");
                    assert_eq!(answers(&query, data, &rule), expected, "{kind}: {text}");
                }
                query.fix(&data);
                assert_eq!(answers(&query, &data, &rule), expected, "{kind}, planned once: {text}");
            }
        }
    }

    #[test]
    fn records_that_no_run_sees_are_not_held() {
        let rule =
            rule("Scheduled\nqueryPeriod: 3h", "Alpha | evaluate bag_unpack(Bag) | join kind=inner Beta on Name");
        let query = Query::of(&rule).unwrap().unwrap();
        let span = Span::of(std::slice::from_ref(&rule), BEGIN + 10 * HOUR, BEGIN + 12 * HOUR);
        let mut data = Data::unread(catalog(), tables(), 1 << 30, Assumptions::default());
        data.look_at(span, &[&query], BEGIN, 1).unwrap();
        query.run(&data, &Moment::at(&rule, BEGIN + 11 * HOUR)).unwrap();
        let parts = data.parts.values().map(|held| held.rows.num_rows());
        let whole = data.tables.values().filter_map(|stored| stored.whole.get()?.as_ref().ok());
        let held: usize = parts.chain(whole.map(|held| held.rows.num_rows())).sum();
        assert!(held > 0 && held < 150, "{held} of 750");
    }

    #[test]
    fn a_query_of_rows_holds_no_table() {
        let rule = rule("Scheduled", QUERIES[2]);
        let query = Query::of(&rule).unwrap().unwrap();
        let mut data = Data::unread(catalog(), tables(), 1 << 30, Assumptions::default());
        data.look_at(None, &[&query], BEGIN, 1).unwrap();
        answers(&query, &data, &rule);
        assert!(data.tables.values().all(|stored| stored.whole.get().is_none()));
    }

    #[test]
    fn memory_has_a_limit() {
        let rule = rule("Scheduled", QUERIES[0]);
        let query = Query::of(&rule).unwrap().unwrap();
        let mut data = Data::unread(catalog(), tables(), 100, Assumptions::default());
        let error = data.look_at(None, &[&query], BEGIN, 1).unwrap_err();
        assert!(error.message.contains("records of Alpha") && error.message.contains("--memory-limit"), "{error}");
    }
}
