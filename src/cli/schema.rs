//! `alertq schema`: the columns of the known tables, with type and meaning.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::Outcome;
use super::console::Console;
use super::output::Output;
use super::stop::Stop;
use crate::catalog::tables::{ColumnInfo, TABLES, TableInfo};
use crate::diagnostic::nearest;

/// Shows the columns of a table that alertq knows: type and meaning. Without a table: which tables there are.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  alertq schema\n  alertq schema SecurityAlert\n  alertq schema SecurityIncident --format json"
)]
pub(super) struct Arguments {
    table: Option<String>,
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(super) fn run(arguments: &Arguments, _console: &Console) -> Result<Outcome, Stop> {
    let text = match &arguments.table {
        None => tables(arguments.format),
        Some(name) => columns(find(name)?, arguments.format),
    };
    let mut output = Output::stdout();
    output.text(&text)?;
    output.finish()?;
    Ok(Outcome::Clean)
}

fn find(name: &str) -> Result<&'static TableInfo, Stop> {
    TableInfo::find(name).ok_or_else(|| {
        let stop = Stop::failure(format!("alertq knows no table '{name}'"));
        let names = TABLES.iter().map(|table| table.name);
        match nearest(name, names.clone()) {
            Some(near) => stop.help(format!("did you mean '{near}'?")),
            None => stop.help(format!("the tables are: {}", names.collect::<Vec<_>>().join(", "))),
        }
    })
}

fn tables(format: Format) -> String {
    match format {
        Format::Text => TABLES.iter().map(|table| format!("{}\n  {}\n", table.name, table.meaning)).collect(),
        Format::Json => {
            let tables = TABLES.iter().map(|table| json!({"name": table.name, "meaning": table.meaning}));
            format!("{:#}\n", Value::Array(tables.collect()))
        }
    }
}

fn columns(table: &TableInfo, format: Format) -> String {
    match format {
        Format::Text => {
            let longest = table.columns.iter().map(|column| column.name.len()).max().unwrap_or(0);
            let line = |column: &ColumnInfo| {
                format!("{:longest$}  {:8}  {}\n", column.name, column.scalar_type.name(), column.meaning)
            };
            format!("{}: {}\n\n{}", table.name, table.meaning, table.columns.iter().map(line).collect::<String>())
        }
        Format::Json => {
            let columns = table.columns.iter().map(|column| {
                json!({
                    "name": column.name,
                    "type": column.scalar_type.name(),
                    "hidden": column.hidden,
                    "meaning": column.meaning,
                })
            });
            format!("{:#}\n", Value::Array(columns.collect()))
        }
    }
}
