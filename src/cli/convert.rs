//! `alertq convert`: any export to a typed file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::config::Config;
use super::console::Console;
use super::data::{self, Opened, Sources};
use super::interrupt::Scratch;
use super::output::Output;
use super::stop::Stop;
use super::{Outcome, value};
use crate::engine::{self, Session};
use crate::format::{Format, Limits, Writer};
use crate::plan::{Expr, Kind, Node, Plan, QueryResult, SortKey};
use crate::source;
use crate::types::{Column, ScalarType};

/// Converts exports to Parquet (or any other format), with the types of the table.
///
/// All inputs of one table become one file. Parquet is sorted by TimeGenerated; the other formats keep the order of the
/// records. A record that cannot be read stops the conversion, unless it may be set aside.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  alertq sample --rows 1000 --format csv --out alerts.csv && \
                        alertq convert alerts.csv --out alerts.parquet\n  \
                        alertq convert export/ --out tables/\n  \
                        alertq convert portal.csv --out alerts.jsonl --skip-bad-rows rejected.jsonl")]
pub(super) struct Arguments {
    /// Files, folders or globs; a name before `=` says which table they are.
    #[arg(value_name = "[NAME=]IN", required = true)]
    inputs: Vec<String>,
    /// The file to write, or a folder, which gets a file for each table.
    #[arg(long, short, value_name = "PATH")]
    out: PathBuf,
    /// Writes this format. Default: by the ending of --out, else `parquet`.
    #[arg(long, value_name = "FORMAT", value_parser = PossibleValuesParser::new(Format::ALL.map(Format::name)))]
    format: Option<String>,
    /// Sets records that cannot be read aside, as lines of JSON in this file; the status is 1 if there are any.
    #[arg(long, value_name = "PATH")]
    skip_bad_rows: Option<PathBuf>,
    /// Limits the memory that sorting may use: `512MB`, `2GiB`.
    #[arg(long, value_name = "SIZE", value_parser = value::size)]
    memory_limit: Option<usize>,
}

pub(super) fn run(arguments: &Arguments, console: &Console) -> Result<Outcome, Stop> {
    let mut sources = Sources::new(&arguments.inputs, &Config::default());
    if let Some(path) = &arguments.skip_bad_rows {
        let file = File::create(path).map_err(|error| Stop::write(path.display(), &error))?;
        sources.skip_bad_rows(Arc::new(Mutex::new(file)));
    }
    let _scratch = Scratch::new()?;
    let opened = sources.open("*")?;
    for warning in opened.warnings() {
        console.warning(&warning);
    }
    let mut outcome = Outcome::Clean;
    for (table, path, format) in targets(arguments, opened.tables())? {
        let mut output = Output::open(Some(&path))?;
        let written = write(arguments, &opened, table, format, &mut output)?;
        output.finish()?;
        console.note(&format!("{}: {} rows, {} columns", path.display(), written.rows, table.columns.len()));
        if written.rejected > 0 {
            outcome = Outcome::Found;
            console.warning(&format!("{} records could not be read and were set aside", written.rejected));
        }
    }
    Ok(outcome)
}

/// Says which table goes where.
fn targets<'a>(
    arguments: &Arguments,
    tables: &'a [source::Table],
) -> Result<Vec<(&'a source::Table, PathBuf, Format)>, Stop> {
    let named = arguments.format.as_deref().and_then(Format::from_name);
    let out = &arguments.out;
    if is_folder(out) {
        fs::create_dir_all(out).map_err(|error| Stop::write(out.display(), &error))?;
        let format = named.unwrap_or(Format::Parquet);
        return Ok(tables.iter().map(|table| (table, file_in(out, &table.name, format), format)).collect());
    }
    let format = named.or_else(|| Format::from_path(&out.to_string_lossy())).unwrap_or(Format::Parquet);
    match tables {
        [table] => Ok(vec![(table, out.clone(), format)]),
        _ => {
            let names: Vec<_> = tables.iter().map(|table| table.name.as_str()).collect();
            let message = format!("the inputs hold {} tables: {}", tables.len(), names.join(", "));
            Err(Stop::failure(message).help("give --out a folder, or say that they are one table: NAME=PATH"))
        }
    }
}

/// Tells whether a path is meant as a folder.
pub(super) fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.to_string_lossy().ends_with(['/', '\\'])
}

/// Returns the path of a table's file in a folder.
pub(super) fn file_in(folder: &Path, table: &str, format: Format) -> PathBuf {
    // A table's name may come from a record: it must not lead out of the folder.
    let safe: String = table.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
    folder.join(format!("{}.{}", safe.trim_start_matches('.'), format.name()))
}

struct Written {
    rows: u64,
    rejected: u64,
}

fn write(
    arguments: &Arguments,
    opened: &Opened,
    table: &source::Table,
    format: Format,
    output: &mut Output,
) -> Result<Written, Stop> {
    let name = output.name();
    let mut writer = format.writer(Box::new(output), Limits::default());
    let mut writer = Counting { writer: &mut *writer, name: &name, rows: 0 };
    writer.begin(&table.columns)?;
    let time = Column::new("TimeGenerated", ScalarType::DateTime);
    let rejected = if format == Format::Parquet && table.columns.contains(&time) {
        let plan = sorted(table, time);
        let loaded = opened.load(&plan, arguments.memory_limit)?;
        let mut session = Session::new();
        session.tables = loaded.tables;
        session.memory_limit = arguments.memory_limit.unwrap_or(session.memory_limit);
        for result in engine::run(&plan, &session).map_err(Stop::failure)? {
            for batch in result {
                writer.write(&batch.map_err(Stop::failure)?)?;
            }
        }
        loaded.rejected
    } else {
        let mut batches = table.read();
        for batch in &mut batches {
            writer.write(&batch.map_err(data::unreadable)?)?;
        }
        batches.rejected()
    };
    Ok(Written { rows: writer.finish()?, rejected })
}

/// Makes the plan that gives all columns of a table, ordered by time; records of one moment keep their order.
fn sorted(table: &source::Table, time: Column) -> Plan {
    let node = |kind| Node { columns: table.columns.clone(), serialized: false, kind };
    let scan = Box::new(node(Kind::Scan { table: table.name.clone() }));
    let key = SortKey { value: Expr::Column(time), ascending: true, nulls_first: true };
    let sort = Node { serialized: true, ..node(Kind::Sort { input: scan, keys: vec![key], limit: None }) };
    let result = QueryResult { name: "PrimaryResult".to_string(), node: sort, render: None };
    Plan { results: vec![result], shared: Vec::new(), now: None }
}

/// Counts what it writes, and names the file where writing fails.
struct Counting<'a, 'b> {
    writer: &'a mut (dyn Writer + 'b),
    name: &'a str,
    rows: u64,
}

impl Counting<'_, '_> {
    fn begin(&mut self, columns: &[Column]) -> Result<(), Stop> {
        self.writer.begin("PrimaryResult", columns).map_err(|error| Stop::write(self.name, &error))
    }

    fn write(&mut self, batch: &arrow::array::RecordBatch) -> Result<(), Stop> {
        self.rows += batch.num_rows() as u64;
        self.writer.write(batch).map_err(|error| Stop::write(self.name, &error))
    }

    fn finish(self) -> Result<u64, Stop> {
        self.writer.finish().map_err(|error| Stop::write(self.name, &error))?;
        Ok(self.rows)
    }
}
