//! `alertq schema`: the columns of the known tables, with type and meaning.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::Outcome;
use super::console::Console;
use super::output::Output;
use super::stop::Stop;
use crate::catalog::tables::{ColumnInfo, TABLES, TableInfo};
use crate::catalog::{self, log_analytics};
use crate::diagnostic::nearest;
use crate::types::Column;

/// Shows the columns of a table: types, and meanings where alertq knows them. Without a table: which tables it explains.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  alertq schema\n  alertq schema SecurityAlert\n  alertq schema SigninLogs\n  alertq schema SecurityIncident --format json"
)]
pub(super) struct Arguments {
    table: Option<String>,
    /// Lists every table of Log Analytics that queries are checked against, not just those whose columns are explained.
    #[arg(long, conflicts_with = "table")]
    all: bool,
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
        None if arguments.all => names(arguments.format),
        None => tables(arguments.format),
        Some(name) => match TableInfo::find(name) {
            Some(table) => columns(table, arguments.format),
            None => reference(&find(name)?, arguments.format),
        },
    };
    let mut output = Output::stdout();
    output.text(&text)?;
    output.finish()?;
    Ok(Outcome::Clean)
}

fn find(name: &str) -> Result<catalog::TableInfo, Stop> {
    log_analytics::find(name).ok_or_else(|| {
        let stop = Stop::failure(format!("alertq knows no table '{name}'"));
        match nearest(name, log_analytics::names()) {
            Some(near) => stop.help(format!("did you mean '{near}'?")),
            None => stop.help("it knows the tables of Log Analytics: `alertq schema --all` lists them"),
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

fn names(format: Format) -> String {
    match format {
        Format::Text => log_analytics::names().map(|name| format!("{name}\n")).collect(),
        Format::Json => {
            let tables = log_analytics::names().map(|name| json!({"name": name}));
            format!("{:#}\n", Value::Array(tables.collect()))
        }
    }
}

/// Shows a table whose columns are known by name and type alone.
fn reference(table: &catalog::TableInfo, format: Format) -> String {
    match format {
        Format::Text => {
            let longest = table.columns.iter().map(|column| column.name.len()).max().unwrap_or(0);
            let line = |column: &Column| format!("{:longest$}  {}\n", column.name, column.scalar_type.name());
            format!("{}\n\n{}", table.name, table.columns.iter().map(line).collect::<String>())
        }
        Format::Json => {
            let column = |column: &Column| json!({"name": column.name, "type": column.scalar_type.name()});
            format!("{:#}\n", Value::Array(table.columns.iter().map(column).collect()))
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
