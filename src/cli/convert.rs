//! `alertq convert`: any export to a typed file.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
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

/// What Parquet is sorted by.
const TIME: &str = "TimeGenerated";

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
    let mut sources = Sources::of_records(&arguments.inputs, &Config::default());
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
        let written = Conversion { arguments, opened: &opened, table, path: &path, format }.run()?;
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

/// One table on its way into one file.
struct Conversion<'a> {
    arguments: &'a Arguments,
    opened: &'a Opened,
    table: &'a source::Table,
    path: &'a Path,
    format: Format,
}

struct Written {
    rows: u64,
    rejected: u64,
}

impl Conversion<'_> {
    fn run(&self) -> Result<Written, Stop> {
        let time = Column::new(TIME, ScalarType::DateTime);
        if self.format != Format::Parquet || !self.table.columns.contains(&time) {
            return Ok(self.copy(|_| true)?.unwrap_or(Written { rows: 0, rejected: 0 }));
        }
        // Most exports are in order already. Those that are not show it early, and are begun anew; but what has been
        // set aside must not be set aside twice.
        if self.arguments.skip_bad_rows.is_none() {
            let mut last = None;
            if let Some(written) = self.copy(|batch| in_order(batch, &mut last))? {
                return Ok(written);
            }
        }
        self.sort(time)
    }

    /// Writes the records as they come, as long as a batch may follow; None where one may not.
    fn copy(&self, mut may_follow: impl FnMut(&RecordBatch) -> bool) -> Result<Option<Written>, Stop> {
        let mut batches = self.table.read();
        let mut stopped = false;
        let rows = self.write(|writer| {
            for batch in &mut batches {
                let batch = batch.map_err(data::unreadable)?;
                stopped = !may_follow(&batch);
                if stopped {
                    break;
                }
                writer.write(&batch)?;
            }
            Ok(!stopped)
        })?;
        Ok((!stopped).then_some(Written { rows, rejected: batches.rejected() }))
    }

    /// Lets the engine bring the records into order, on disk where they are too many.
    fn sort(&self, time: Column) -> Result<Written, Stop> {
        let plan = sorted(self.table, time);
        let loaded = self.opened.load(&plan, self.arguments.memory_limit)?;
        let mut session = Session::new();
        session.tables = loaded.tables;
        session.memory_limit = self.arguments.memory_limit.unwrap_or(session.memory_limit);
        let rows = self.write(|writer| {
            for result in engine::run(&plan, &session).map_err(Stop::failure)? {
                for batch in result {
                    writer.write(&batch.map_err(Stop::failure)?)?;
                }
            }
            Ok(true)
        })?;
        Ok(Written { rows, rejected: loaded.rejected })
    }

    /// Makes the file; it appears if `fill` says that it is whole. Returns the number of its rows.
    fn write(&self, fill: impl FnOnce(&mut Counting) -> Result<bool, Stop>) -> Result<u64, Stop> {
        let mut output = Output::open(Some(self.path))?;
        let name = output.name();
        let mut writer = self.format.writer(Box::new(&mut output), Limits { rows: usize::MAX, ..Limits::default() });
        let failed = |error: io::Error| Stop::write(&name, &error);
        writer.begin("PrimaryResult", &self.table.columns).map_err(failed)?;
        let mut counting = Counting { writer: &mut *writer, name: &name, rows: 0 };
        let whole = fill(&mut counting)?;
        let rows = counting.rows;
        if whole {
            writer.finish().map_err(failed)?;
            drop(writer);
            output.finish()?;
        }
        Ok(rows)
    }
}

/// Tells whether the batch goes on where the last one ended: missing times come first.
fn in_order(batch: &RecordBatch, last: &mut Option<i64>) -> bool {
    let Some(times) = batch.column_by_name(TIME).and_then(|column| column.as_primitive_opt::<Int64Type>()) else {
        return false;
    };
    times.iter().all(|time| {
        let follows = *last <= time;
        *last = time;
        follows
    })
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

/// Counts the rows that it writes, and names the file where writing fails.
struct Counting<'a, 'b> {
    writer: &'a mut (dyn Writer + 'b),
    name: &'a str,
    rows: u64,
}

impl Counting<'_, '_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        self.rows += batch.num_rows() as u64;
        self.writer.write(batch).map_err(|error| Stop::write(self.name, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Value;
    use crate::types::arrow::{from_values, schema};

    fn batch(times: &[Option<i64>]) -> RecordBatch {
        let value = |time: &Option<i64>| time.map_or(Value::Null(ScalarType::DateTime), Value::DateTime);
        let values: Vec<Value> = times.iter().map(value).collect();
        let columns = [Column::new(TIME, ScalarType::DateTime)];
        RecordBatch::try_new(schema(&columns), vec![from_values(ScalarType::DateTime, &values)]).unwrap()
    }

    #[test]
    fn order_goes_on_from_batch_to_batch() {
        let mut last = None;
        assert!(in_order(&batch(&[None, Some(1), Some(1)]), &mut last));
        assert!(in_order(&batch(&[Some(1), Some(2)]), &mut last));
        assert!(!in_order(&batch(&[Some(1)]), &mut last));
        assert!(!in_order(&batch(&[Some(1), None]), &mut None));
    }

    #[test]
    fn names_stay_in_their_folder() {
        assert_eq!(file_in(Path::new("out"), "../../etc/x", Format::Csv), Path::new("out/_.._etc_x.csv"));
    }
}
