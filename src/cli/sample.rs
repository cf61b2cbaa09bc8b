//! `alertq sample`: synthetic alerts and incidents.

use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};

use super::console::Console;
use super::convert::{OneFile, file_in, is_folder};
use super::interrupt::Scratch;
use super::stop::Stop;
use super::{Outcome, value};
use crate::catalog::tables::TableInfo;
use crate::format::Format;
use crate::source::sample::{self, Options};

/// Makes up alerts, and the incidents that belong to them: the same ones for the same options.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  alertq sample --rows 3\n  alertq sample --rows 1000 --seed 7 --out alerts.parquet\n  \
                        alertq sample --rows 1000 --days 90 --out tables/\n  \
                        alertq sample --rows 100 --table SecurityIncident --format csv"
)]
pub(super) struct Arguments {
    /// Rows of SecurityAlert.
    #[arg(long, value_name = "N", default_value_t = Options::default().rows)]
    rows: u64,
    /// Chooses among all possible samples.
    #[arg(long, value_name = "N", default_value_t = Options::default().seed)]
    seed: u64,
    /// Spreads the rows over so many days.
    #[arg(long, value_name = "N", default_value_t = Options::default().days, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
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
            Table::SecurityAlert => sample::alerts_ahead(options, threads()),
            Table::SecurityIncident => Box::new(sample::incidents(options)),
        }
    }
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

pub(super) fn run(arguments: &Arguments, console: &Console) -> Result<Outcome, Stop> {
    let default = Options::default();
    let Arguments { rows, seed, days, .. } = *arguments;
    // Each thread holds a batch or two.
    let options = Options { rows, seed, days, end: arguments.end.unwrap_or(default.end), batch_rows: 4096 };
    let _scratch = Scratch::new()?;
    let named = arguments.format.as_deref().and_then(Format::from_name);
    if let Some(folder) = arguments.out.as_ref().filter(|out| is_folder(out)) {
        fs::create_dir_all(folder).map_err(|error| Stop::write(folder.display(), &error))?;
        let format = named.unwrap_or(Format::Parquet);
        for table in Table::ALL {
            let path = file_in(folder, table.name(), format);
            write(table, options, format, Some(&path))?;
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
    write(arguments.table, options, format, arguments.out.as_deref())?;
    Ok(Outcome::Clean)
}

fn write(table: Table, options: Options, format: Format, path: Option<&Path>) -> Result<(), Stop> {
    let columns = TableInfo::find(table.name()).map(TableInfo::shown).unwrap_or_default();
    let mut file = OneFile::open(path, format, table.name(), &columns)?;
    for batch in table.batches(options) {
        file.add(&batch)?;
    }
    file.finish()
}
