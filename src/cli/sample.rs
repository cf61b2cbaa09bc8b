//! `alertq sample`: synthetic alerts and incidents.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;

use arrow::array::RecordBatch;
use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};

use super::console::Console;
use super::convert::{OneFile, file_in, is_folder};
use super::interrupt::Scratch;
use super::stop::Stop;
use super::{Outcome, data, value};
use crate::anonymize::like::{Like, LikeOptions, Shape};
use crate::catalog::tables::TableInfo;
use crate::format::Format;
use crate::source;
use crate::source::sample::{self, Options};

/// Makes up alerts, and the incidents that belong to them: the same ones for the same options.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  alertq sample --rows 3\n  alertq sample --rows 1000 --seed 7 --out alerts.parquet\n  \
                        alertq sample --rows 1000 --days 90 --out tables/\n  \
                        alertq sample --rows 100 --table SecurityIncident --format csv\n  \
                        alertq sample --rows 500 --out real.jsonl && alertq sample --like real.jsonl --rows 5000 --out like.parquet"
)]
pub(super) struct Arguments {
    /// Rows of SecurityAlert. Default: 500, and with --like as many as the export has.
    #[arg(long, value_name = "N")]
    rows: Option<u64>,
    /// Takes the shape of an export, and nothing of what stands in it: how many alerts of which products, severities,
    /// types and tactics, in which hours of the week, with how many versions, about how many entities how often. Titles
    /// of products' alerts are taken over where they are made of ordinary words; those of analytics rules get numbers.
    #[arg(long, value_name = "FILE", conflicts_with = "table")]
    like: Option<String>,
    /// Chooses among all possible samples.
    #[arg(long, value_name = "N", default_value_t = Options::default().seed)]
    seed: u64,
    /// Spreads the rows over so many days. Default: 30, and with --like as many as the export has.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: Option<u32>,
    /// The moment at which they end. Default: always the same one.
    #[arg(long, value_name = "TIME", value_parser = value::instant)]
    end: Option<i64>,
    /// Which table to write; a folder as --out gets both.
    #[arg(long, value_enum, value_name = "TABLE", default_value_t = Table::SecurityAlert)]
    table: Table,
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
    if let Some(folder) = arguments.out.as_ref().filter(|out| is_folder(out)) {
        fs::create_dir_all(folder).map_err(|error| Stop::write(folder.display(), &error))?;
        let format = named.unwrap_or(Format::Parquet);
        // The shape of an export is that of its alerts.
        let tables = if arguments.like.is_some() { 1 } else { Table::ALL.len() };
        for table in Table::ALL.into_iter().take(tables) {
            let path = file_in(folder, table.name(), format);
            write(table, arguments, options, format, Some(&path))?;
            console.note(&format!("{}: written", path.display()));
        }
        return Ok(Outcome::Clean);
    }
    let by_path = || arguments.out.as_ref().and_then(|out| Format::from_path(&out.to_string_lossy()));
    let format = named.or_else(by_path).unwrap_or(Format::JsonLines);
    if format.is_binary() && arguments.out.is_none() && console.is_interactive() {
        return Err(
            Stop::failure(format!("{} is nothing for a terminal", format.name())).help("give a file with --out")
        );
    }
    write(arguments.table, arguments, options, format, arguments.out.as_deref())?;
    Ok(Outcome::Clean)
}

fn write(
    table: Table,
    arguments: &Arguments,
    options: Options,
    format: Format,
    path: Option<&Path>,
) -> Result<(), Stop> {
    let columns = TableInfo::find(table.name()).map(TableInfo::shown).unwrap_or_default();
    let mut file = OneFile::open(path, format, table.name(), &columns)?;
    match &arguments.like {
        Some(export) => ahead(like(export, arguments, options.end)?, |batch| file.add(&batch))?,
        None => table.batches(options).try_for_each(|batch| file.add(&batch))?,
    }
    file.finish()
}

/// Hands batches on that a thread makes, a few of them ahead.
fn ahead(mut batches: Like, take: impl FnMut(RecordBatch) -> Result<(), Stop>) -> Result<(), Stop> {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(2);
        // A batch that nobody takes any more ends the thread.
        let making = scope.spawn(move || batches.try_for_each(|batch| sender.send(batch)).is_ok());
        let taken = receiver.into_iter().try_for_each(take);
        // A thread that broke off must not pass for the end.
        making.join().map_or_else(|panic| std::panic::resume_unwind(panic), |_| taken)
    })
}

/// Makes alerts to the shape of an export.
fn like(export: &str, arguments: &Arguments, end: i64) -> Result<Like, Stop> {
    let name = Table::SecurityAlert.name();
    let (given, path) = source::split_name(export);
    let given = given.map(str::to_string);
    let tables =
        source::open_all(&[(given, path.to_string())], &source::Options::default()).map_err(data::unreadable)?;
    let table = tables.iter().find(|table| table.name == name).ok_or_else(|| {
        Stop::failure(format!("{path} holds no records of {name}")).help(format!("where it does: --like {name}=PATH"))
    })?;
    let mut shape = Shape::default();
    for batch in table.read_ahead(value::processors()) {
        shape.add(&batch.map_err(data::unreadable)?);
    }
    let options = LikeOptions {
        rows: arguments.rows.unwrap_or(shape.rows),
        seed: arguments.seed,
        days: arguments.days.unwrap_or(shape.days()),
        end,
    };
    Ok(Like::new(&shape, options))
}
