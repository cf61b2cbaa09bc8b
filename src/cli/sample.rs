//! `alertq sample`: synthetic alerts and incidents.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};

use super::console::Console;
use super::convert::{OneFile, file_in, find, is_folder, paths};
use super::interrupt::Scratch;
use super::output::format_of;
use super::overwrite::{self, Wanted};
use super::stop::Stop;
use super::{Outcome, data, value};
use crate::anonymize::like::{IncidentShape, Like, LikeIncidents, LikeOptions, Shape};
use crate::catalog::tables::TableInfo;
use crate::format::Format;
use crate::source::sample::{self, Options};
use crate::source::{self, BadRows};

/// Makes up alerts, and the incidents that belong to them: the same ones for the same options.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  alertq sample --rows 3\n  alertq sample --rows 1000 --seed 7 --out alerts.parquet\n  \
                        alertq sample --rows 1000 --days 90 --out tables/\n  \
                        alertq sample --rows 100 --table SecurityIncident --format csv\n  \
                        alertq sample --rows 500 --out real.jsonl &&\n    \
                        alertq sample --like real.jsonl --rows 5000 --out like.parquet\n  \
                        alertq sample --rows 500 --out export/ && alertq sample --like export/ --out like/"
)]
pub(super) struct Arguments {
    /// Rows of SecurityAlert. Default: 500, and with --like as many as the export has. Incidents are in proportion; where
    /// an export has incidents alone, these are their rows.
    #[arg(long, value_name = "N")]
    rows: Option<u64>,
    /// Takes the shape of an export, and nothing of what stands in it: files, folders or globs of SecurityAlert,
    /// SecurityIncident or both.
    ///
    /// Of alerts: how many of which products, severities, types and tactics, in which hours of the week, with how many
    /// versions, about how many entities how often. Titles of products' alerts are taken over where they are made of
    /// ordinary words; those of analytics rules get numbers. Of incidents: how many of the alerts of each kind come into
    /// them, in groups of how many, and through which severities, statuses, classifications, owners, comments, tags and
    /// tasks they go. AlertIds are those of the alerts that are made with the same options.
    #[arg(long, value_name = "[NAME=]PATH", value_parser = value::records)]
    like: Vec<String>,
    /// Chooses among all possible samples.
    #[arg(long, value_name = "N", default_value_t = Options::default().seed)]
    seed: u64,
    /// Spreads the rows over so many days. Default: 30, and with --like as many as the export has.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: Option<u32>,
    /// The moment at which they end. Default: always the same one.
    #[arg(long, value_name = "TIME", value_parser = value::instant)]
    end: Option<i64>,
    /// Which table to write. Default: both into a folder, else SecurityAlert, if the export of --like has it.
    #[arg(long, value_enum, value_name = "TABLE")]
    table: Option<Table>,
    /// Writes this format. Default: by the ending of --out, else `parquet` into a folder and `jsonl` otherwise.
    #[arg(long, value_name = "FORMAT", value_parser = PossibleValuesParser::new(Format::ALL.map(Format::name)))]
    format: Option<String>,
    /// The file to write, or a folder, which gets a file for each table.
    #[arg(long, short, value_name = "PATH")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
enum Table {
    SecurityAlert,
    SecurityIncident,
}

impl Table {
    const ALL: [Table; 2] = [Table::SecurityAlert, Table::SecurityIncident];

    fn name(self) -> &'static str {
        match self {
            Table::SecurityAlert => "SecurityAlert",
            Table::SecurityIncident => "SecurityIncident",
        }
    }

    fn batches(self, options: Options) -> Box<dyn Iterator<Item = RecordBatch>> {
        match self {
            Table::SecurityAlert => sample::alerts_ahead(options, value::processors()),
            Table::SecurityIncident => Box::new(sample::incidents(options)),
        }
    }
}

pub(super) fn run(arguments: &Arguments, console: &Console) -> Result<Outcome, Stop> {
    let default = Options::default();
    let options = Options {
        rows: arguments.rows.unwrap_or(default.rows),
        seed: arguments.seed,
        days: arguments.days.unwrap_or(default.days),
        end: arguments.end.unwrap_or(default.end),
        // Each thread holds a batch or two.
        batch_rows: 4096,
    };
    let _scratch = Scratch::new()?;
    let named = arguments.format.as_deref().and_then(Format::from_name);
    if let Some(out) = &arguments.out {
        let inputs = find(&arguments.like, None).0;
        let in_folder = |table: Table| file_in(out, table.name(), named.unwrap_or(Format::Parquet));
        let results = if is_folder(out) { Table::ALL.map(in_folder).to_vec() } else { vec![out.clone()] };
        let results: Vec<Wanted> = results.iter().map(|result| ("--out", result.as_path())).collect();
        overwrite::refuse(&results, paths(&inputs))?;
    }
    let source = match arguments.like.as_slice() {
        [] => Source::MadeUp(options),
        exports => Source::Like(Box::new(Export::read(exports, arguments, options.end)?)),
    };
    if let Some(folder) = arguments.out.as_ref().filter(|out| is_folder(out)) {
        fs::create_dir_all(folder).map_err(|error| Stop::write(folder.display(), &error))?;
        let format = named.unwrap_or(Format::Parquet);
        for table in arguments.table.map_or_else(|| source.tables(), |only| vec![only]) {
            let path = file_in(folder, table.name(), format);
            source.write(table, format, Some(&path))?;
            console.note(&format!("{}: written", path.display()));
        }
        return Ok(source.finish(console));
    }
    let format = format_of(arguments.format.as_deref(), arguments.out.as_deref(), Format::JsonLines, console);
    if format.is_binary() && arguments.out.is_none() && console.is_interactive() {
        return Err(
            Stop::failure(format!("{} is nothing for a terminal", format.name())).help("give a file with --out")
        );
    }
    let table = arguments.table.or_else(|| source.tables().first().copied()).unwrap_or(Table::SecurityAlert);
    source.write(table, format, arguments.out.as_deref())?;
    Ok(source.finish(console))
}

/// Where rows come from.
enum Source {
    MadeUp(Options),
    Like(Box<Export>),
}

/// The shape of an export.
struct Export {
    alerts: Shape,
    incidents: IncidentShape,
    options: LikeOptions,
    /// Records that could not be read.
    unreadable: u64,
}

impl Source {
    /// Says what could not be learnt of.
    fn finish(&self, console: &Console) -> Outcome {
        match self {
            Source::Like(export) if export.unreadable > 0 => {
                let message =
                    format!("{} records of the export could not be read, and do not count", export.unreadable);
                console.warning(&message);
                Outcome::Found
            }
            _ => Outcome::Clean,
        }
    }

    /// Returns the tables that it can make.
    fn tables(&self) -> Vec<Table> {
        let has = |table: &Table| match (self, table) {
            (Source::MadeUp(_), _) => true,
            (Source::Like(export), Table::SecurityAlert) => export.alerts.rows > 0,
            (Source::Like(export), Table::SecurityIncident) => export.incidents.rows > 0,
        };
        Table::ALL.into_iter().filter(has).collect()
    }

    fn write(&self, table: Table, format: Format, path: Option<&Path>) -> Result<(), Stop> {
        if !self.tables().contains(&table) {
            return Err(no_records(table.name()));
        }
        let columns = TableInfo::find(table.name()).map(TableInfo::shown).unwrap_or_default();
        let mut file = OneFile::open(path, format, table.name(), &columns)?;
        let take = |batch| file.add(&batch);
        match (self, table) {
            (Source::MadeUp(options), table) => table.batches(*options).try_for_each(take)?,
            (Source::Like(export), Table::SecurityAlert) => ahead(Like::new(&export.alerts, export.options), take)?,
            (Source::Like(export), Table::SecurityIncident) => {
                ahead(LikeIncidents::new(&export.alerts, &export.incidents, export.options), take)?
            }
        }
        file.finish()
    }
}

fn no_records(table: &str) -> Stop {
    Stop::failure(format!("the export of --like holds no records of {table}"))
        .help(format!("where there are: --like {table}=PATH"))
}

/// Hands batches on that a thread makes, a few of them ahead.
fn ahead(
    mut batches: impl Iterator<Item = Result<RecordBatch, ArrowError>> + Send,
    mut take: impl FnMut(RecordBatch) -> Result<(), Stop>,
) -> Result<(), Stop> {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(2);
        // A batch that nobody takes any more ends the thread.
        let making = scope.spawn(move || batches.try_for_each(|batch| sender.send(batch)).is_ok());
        let taken =
            receiver.into_iter().try_for_each(|batch| take(batch.map_err(|error| Stop::failure(error.to_string()))?));
        // A thread that broke off must not pass for the end.
        making.join().map_or_else(|panic| std::panic::resume_unwind(panic), |_| taken)
    })
}

impl Export {
    /// Learns the shape of an export.
    fn read(exports: &[String], arguments: &Arguments, end: i64) -> Result<Export, Stop> {
        let named = exports.iter().map(|export| source::split_name(export));
        let named: Vec<_> = named.map(|(name, path)| (name.map(str::to_string), path.to_string())).collect();
        let mut tables = source::open_all(&named, &source::Options::default()).map_err(data::unreadable)?;
        let (mut alerts, mut incidents) = (Shape::default(), IncidentShape::default());
        let mut unreadable = 0;
        for table in &mut tables {
            table.set_bad_rows(BadRows::Count);
            let mut take: Box<dyn FnMut(&RecordBatch)> =
                match Table::ALL.into_iter().find(|own| own.name() == table.name) {
                    Some(Table::SecurityAlert) => Box::new(|batch| alerts.add(batch)),
                    Some(Table::SecurityIncident) => Box::new(|batch| incidents.add(batch)),
                    None => continue,
                };
            let mut batches = table.read_ahead(value::processors());
            for batch in &mut batches {
                take(&batch.map_err(data::unreadable)?);
            }
            unreadable += batches.rejected();
        }
        let rows = if alerts.rows > 0 { alerts.rows } else { incidents.rows };
        if rows == 0 {
            let message = format!("{} holds no records of SecurityAlert or SecurityIncident", exports.join(", "));
            return Err(Stop::failure(message).help("where it does: --like SecurityAlert=PATH"));
        }
        let options = LikeOptions {
            rows: arguments.rows.unwrap_or(rows),
            seed: arguments.seed,
            days: arguments.days.unwrap_or(alerts.days().max(incidents.days())),
            end,
        };
        Ok(Export { alerts, incidents, options, unreadable })
    }
}
