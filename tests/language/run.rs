//! Text to rows: what all tests of the language do.

use std::net::IpAddr;
use std::panic::catch_unwind;
use std::sync::Arc;

use alertq::bind::{self, Bound};
use alertq::catalog::{Catalog, TableInfo};
use alertq::diagnostic::Diagnostic;
use alertq::engine::{self, Session, TableData};
use alertq::plan::rewrite::rewrite;
use alertq::plan::{Expr, Kind, Node, Plan, SortKey};
use alertq::query::{self, Settled};
use alertq::syntax;
use alertq::types::arrow::{from_values, schema, value_at};
use alertq::types::whereabouts::{Places, Whereabouts};
use alertq::types::{Column, ScalarType, Value, convert, number};
use arrow::array::RecordBatch;

/// The rows that came out, with their columns.
#[derive(Debug, Clone)]
pub struct Rows {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Value>>,
    /// The rows stand in an order that KQL defines.
    pub ordered: bool,
}

impl Rows {
    /// Writes each row as cells of a page, see [`cell`]; sorted where their order means nothing.
    pub fn cells(&self) -> Vec<Vec<String>> {
        let mut cells: Vec<Vec<String>> = self.rows.iter().map(|row| row.iter().map(cell).collect()).collect();
        if !self.ordered {
            cells.sort();
        }
        cells
    }
}

/// Writes a value so that equal text means an equal value of the type.
///
/// A null is `null`; a string is written in quotes where its bare text could not be told from a table's blanks.
pub fn cell(value: &Value) -> String {
    match value {
        Value::Null(_) => "null".to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Real(value) => number::format_real(*value),
        Value::String(text) => {
            let plain =
                !text.is_empty() && text.trim() == text && !text.starts_with('"') && !text.contains(['\n', '\r']);
            if plain { text.clone() } else { serde_json::to_string(text).unwrap() }
        }
        other => convert::text_of(other),
    }
}

/// Tells whether two values are the same: null is, and NaN is.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Real(a), Value::Real(b)) => a == b || (a.is_nan() && b.is_nan()),
        _ => a == b,
    }
}

/// How a query is run.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    pub partitions: usize,
    pub batch_size: usize,
    /// The rows of `datatable` lie in several batches of a table.
    pub scanned: bool,
    /// The plan is made faster first, as it is for users.
    pub optimized: bool,
}

pub const PLAIN: Setting = Setting { partitions: 1, batch_size: 8192, scanned: false, optimized: true };

/// Knows where addresses of documentation are.
#[derive(Debug)]
struct MadeUp;

impl Places for MadeUp {
    fn whereabouts(&self, address: IpAddr) -> Result<Option<Whereabouts>, String> {
        let country = Some("Nordland".to_string());
        Ok(match address.to_string().as_str() {
            "192.0.2.7" => Some(Whereabouts {
                country,
                state: Some("K\u{fc}ste".into()),
                city: Some("Kiesel".into()),
                latitude: Some(10.5),
                longitude: Some(-20.0),
            }),
            "2001:db8::7" => Some(Whereabouts { country, ..Whereabouts::default() }),
            _ => None,
        })
    }
}

fn catalog() -> Catalog {
    let mut catalog = Catalog::new();
    catalog.set_whereabouts(Arc::new(MadeUp));
    catalog
}

/// Binds a query over a catalog without tables, with the first moment of 2025 as its clock.
pub fn bind(query: &str) -> Result<Bound, Vec<Diagnostic>> {
    let parsed = syntax::parse(query);
    if parsed.problems.iter().any(Diagnostic::is_error) {
        return Err(parsed.problems);
    }
    Ok(bind::bind(&parsed.query, &catalog(), &options()))
}

fn options() -> bind::Options {
    let now = alertq::types::ticks::parse_datetime("2025-01-01").unwrap();
    bind::Options { now, ..bind::Options::default() }
}

/// Binds a query, and runs of it what tells its columns.
fn settle(query: &str, setting: Setting) -> Result<Settled, String> {
    let parsed = syntax::parse(query);
    if parsed.problems.iter().any(Diagnostic::is_error) {
        return Err(told(query, &parsed.problems));
    }
    let prepare = |plan: Plan| Ok::<_, engine::Error>(ready(plan, setting));
    query::settle(&parsed.query, &catalog(), options(), prepare).map_err(message)
}

/// Makes the session that a plan runs in.
fn ready(mut plan: Plan, setting: Setting) -> (Plan, Session) {
    let mut session = Session::new();
    session.partitions = setting.partitions;
    session.batch_size = setting.batch_size;
    session.optimize = setting.optimized;
    if setting.scanned {
        scan_literals(&mut plan, &mut session);
    }
    (if setting.optimized { rewrite(plan) } else { plan }, session)
}

/// Returns why a query does not run, as its binder and parser see it, a plugin sees its rows, or a function its values.
pub fn refusals(query: &str) -> Vec<Diagnostic> {
    if let Err(problems) = bind(query) {
        return problems;
    }
    let Ok(Settled { bound, materialized }) = settle(query, PLAIN) else { return Vec::new() };
    if let Some(plan) = bound.plan {
        let (plan, session) = ready(plan, PLAIN);
        return match rows_of(&plan, &Session { materialized, ..session }) {
            Err(engine::Error { code: Some(code), span, message, .. }) => {
                vec![Diagnostic::error(code, span.unwrap_or_default(), message)]
            }
            _ => Vec::new(),
        };
    }
    bound.problems.into_iter().chain(bound.refusals).filter(Diagnostic::is_error).collect()
}

/// Runs a query and returns its last result; a panic is a fault like others, so that one does not hide the rest.
pub fn run(query: &str, setting: Setting) -> Result<Rows, String> {
    catch_unwind(|| run_plan(query, setting)).unwrap_or_else(|_| Err("it panicked".to_string()))
}

/// How a query of chance ends badly.
#[derive(Debug)]
pub enum Fault {
    Panic,
    /// The engine's own fault.
    Internal(String),
    /// The query is wrong, or refused.
    Told,
}

/// Runs a query, and tells a fault of ours from one of the query's.
pub fn try_run(query: &str, setting: Setting) -> Result<Rows, Fault> {
    match catch_unwind(|| run_plan(query, setting)) {
        Err(_) => Err(Fault::Panic),
        Ok(Ok(rows)) => Ok(rows),
        Ok(Err(message)) => match message.strip_prefix(INTERNAL) {
            Some(message) => Err(Fault::Internal(message.to_string())),
            None => Err(Fault::Told),
        },
    }
}

/// What begins a message of the engine's own faults.
const INTERNAL: &str = "internal: ";

fn message(error: engine::Error) -> String {
    match error.kind {
        engine::ErrorKind::Internal => format!("{INTERNAL}{}", error.message),
        _ => error.message,
    }
}

fn run_plan(query: &str, setting: Setting) -> Result<Rows, String> {
    let Settled { bound, materialized } = settle(query, setting)?;
    let refusals: Vec<Diagnostic> = bound.problems.into_iter().chain(bound.refusals).collect();
    let plan = bound.plan.ok_or_else(|| told(query, &refusals))?;
    let (plan, mut session) = ready(plan, setting);
    session.materialized = materialized;
    rows_of(&plan, &session).map_err(message)
}

/// Runs a query over one table `T` and returns its rows.
pub fn over(columns: &[(&str, ScalarType)], rows: &[Vec<Value>], query: &str) -> Result<Vec<Vec<Value>>, String> {
    let columns: Vec<Column> = columns.iter().map(|(name, scalar_type)| Column::new(*name, *scalar_type)).collect();
    let mut catalog = Catalog::new();
    catalog.add(TableInfo { name: "T".into(), columns: columns.clone(), ..TableInfo::default() });
    let parsed = syntax::parse(query);
    let bound = bind::bind(&parsed.query, &catalog, &options());
    let faults: Vec<Diagnostic> = parsed.problems.into_iter().chain(bound.problems).chain(bound.refusals).collect();
    let plan = bound.plan.filter(|_| faults.is_empty()).ok_or_else(|| told(query, &faults))?;
    let data = TableData::Batches(vec![batch(&columns, rows)]);
    let session = Session { partitions: 1, ..Session::new() }.table("T", columns, data);
    rows_of(&plan, &session).map(|rows| rows.rows).map_err(message)
}

fn rows_of(plan: &Plan, session: &Session) -> Result<Rows, engine::Error> {
    // A query of `let` alone gives none.
    let mut last = Err(engine::Error::new(engine::ErrorKind::Unsupported, "there is no result"));
    let outputs = engine::run(plan, session)?;
    for (result, output) in plan.results.iter().zip(outputs) {
        let (columns, ordered) = (result.node.columns.clone(), result.node.serialized);
        let mut rows = Vec::new();
        for batch in output {
            let batch = batch?;
            rows.extend((0..batch.num_rows()).map(|row| values(&batch, row, &columns)));
        }
        last = Ok(Rows { columns, rows, ordered });
    }
    last
}

fn values(batch: &RecordBatch, row: usize, columns: &[Column]) -> Vec<Value> {
    batch.columns().iter().zip(columns).map(|(array, column)| value_at(array, row, column.scalar_type)).collect()
}

fn told(query: &str, problems: &[Diagnostic]) -> String {
    let at = |problem: &Diagnostic| query.get(problem.span.start..problem.span.end).unwrap_or("").to_string();
    let all: Vec<String> = problems.iter().map(|p| format!("{} at `{}`: {}", p.code, at(p), p.message)).collect();
    all.join("; ")
}

/// Puts the rows of `datatable` into tables of the session, one batch for every two rows; a sort by a column that holds
/// the row's number brings back their order.
fn scan_literals(plan: &mut Plan, session: &mut Session) {
    let mut tables = Vec::new();
    plan.for_each_node_mut(&mut |node| {
        let Kind::Values { rows } = &node.kind else { return };
        let name = format!("literal_{}", tables.len());
        let number = Column::new("number of the row", ScalarType::Long);
        let columns: Vec<Column> = node.columns.iter().cloned().chain([number.clone()]).collect();
        let numbered: Vec<Vec<Value>> =
            (0..).zip(rows).map(|(n, row)| [&row[..], &[Value::Long(n)]].concat()).collect();
        let batches = numbered.chunks(2).map(|rows| batch(&columns, rows)).collect();
        tables.push(engine::Table { name: name.clone(), columns: columns.clone(), data: TableData::Batches(batches) });
        let scan = Node { columns: columns.clone(), serialized: false, kind: Kind::Scan { table: name } };
        let key = SortKey { value: Expr::Column(number), ascending: true, nulls_first: true };
        let kind = Kind::Sort { input: Box::new(scan), keys: vec![key], limit: None };
        let sorted = Node { columns, serialized: true, kind };
        let expressions = node.columns.iter().cloned().map(Expr::Column).collect();
        node.kind = Kind::Project { input: Box::new(sorted), expressions };
    });
    session.tables = tables;
}

fn batch(columns: &[Column], rows: &[Vec<Value>]) -> RecordBatch {
    let arrays = columns.iter().enumerate().map(|(index, column)| {
        let values: Vec<Value> = rows.iter().map(|row| row[index].clone()).collect();
        from_values(column.scalar_type, &values)
    });
    RecordBatch::try_new(schema(columns), arrays.collect()).unwrap()
}

/// Returns the type's null as KQL writes it.
pub fn null_literal(scalar_type: ScalarType) -> String {
    match scalar_type {
        ScalarType::String => "''".to_string(),
        other => format!("{other}(null)"),
    }
}
