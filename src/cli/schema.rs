//! `alertq schema`: the columns of tables, with type and meaning, and what files have of them.

mod check;
mod describe;
mod diff;

use clap::Args;
use serde_json::{Value, json};

use super::console::Console;
use super::output::Output;
use super::stop::Stop;
use super::value::Listing;
use super::{Outcome, data};
use crate::catalog::tables::TableInfo;
use crate::catalog::{self, log_analytics};
use crate::diagnostic::nearest;
use crate::source::{self, Profile, Table};
use crate::types::Column;

/// Shows the columns of a table: types, and meanings where alertq knows them. Without a table: which tables it explains.
///
/// --check holds a file against its table: missing, unknown and mistyped columns, records that cannot be read, values
/// outside the known ones, JSON that is none, entities of unknown type and references that lead nowhere, each with its
/// count and the first example; and it lists the keys of ExtendedProperties by AlertType and the fields of entities by
/// type. --diff does so for two exports and shows what differs. The status is 1 if anything is found.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  alertq schema\n  alertq schema SecurityAlert\n  alertq schema SigninLogs\n  \
                        alertq schema SecurityIncident --format json\n  \
                        alertq sample --rows 100 --out alerts.jsonl && alertq schema --check alerts.jsonl\n  \
                        alertq schema --check export/ --format markdown\n  \
                        alertq schema --diff january.parquet february.parquet\n  alertq schema --infer portal.csv")]
pub(super) struct Arguments {
    /// The table, as SecurityAlert.
    table: Option<String>,
    /// Lists every table of Log Analytics that queries are checked against, not just those whose columns are explained.
    #[arg(long, conflicts_with = "table")]
    all: bool,
    /// Holds a file, folder or glob against its table; TABLE says which one, where the records do not.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["all", "diff", "infer"])]
    check: Option<String>,
    /// Shows what changed from one export to another.
    #[arg(long, num_args = 2, value_names = ["A", "B"], conflicts_with_all = ["all", "infer"])]
    diff: Option<Vec<String>>,
    /// Shows the columns that a file's records would have as a table.
    #[arg(long, value_name = "FILE", conflicts_with = "all")]
    infer: Option<String>,
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Listing::Text)]
    format: Listing,
}

pub(super) fn run(arguments: &Arguments, console: &Console) -> Result<Outcome, Stop> {
    let format = arguments.format;
    let table = arguments.table.as_deref();
    let (text, outcome) = match (&arguments.check, arguments.diff.as_deref(), &arguments.infer) {
        (Some(path), ..) => {
            let profiles = profiles(path, table, console)?;
            (check::show(&profiles, format), check::outcome(&profiles))
        }
        (_, Some([before, after]), _) => {
            let (before, after) = (profiles(before, table, console)?, profiles(after, table, console)?);
            let changes = diff::changes(&before, &after)?;
            (diff::show(&changes, format), if changes.is_empty() { Outcome::Clean } else { Outcome::Found })
        }
        (.., Some(path)) => {
            let tables = open(path, table, console)?;
            (tables.iter().map(|table| reference(&table.name, &table.columns, format)).collect(), Outcome::Clean)
        }
        _ => (known(arguments)?, Outcome::Clean),
    };
    let mut output = Output::stdout();
    output.text(&text)?;
    output.finish()?;
    Ok(outcome)
}

fn known(arguments: &Arguments) -> Result<String, Stop> {
    let format = arguments.format;
    Ok(match &arguments.table {
        None if arguments.all => names(format),
        None => describe::tables(format),
        Some(name) => match TableInfo::find(name) {
            Some(table) => describe::columns(table, format),
            None => {
                let found = find(name)?;
                reference(&found.name, &found.columns, format)
            }
        },
    })
}

fn open(path: &str, table: Option<&str>, console: &Console) -> Result<Vec<Table>, Stop> {
    let (name, path) = source::split_name(path);
    let name = table.or(name).map(str::to_string);
    let tables =
        source::open_all(&[(name, path.to_string())], &source::Options::default()).map_err(data::unreadable)?;
    tables.iter().flat_map(Table::warnings).for_each(|warning| console.warning(&warning));
    Ok(tables)
}

fn profiles(path: &str, table: Option<&str>, console: &Console) -> Result<Vec<Profile>, Stop> {
    let tables = open(path, table, console)?;
    tables.iter().map(source::profile).collect::<Result<_, _>>().map_err(data::unreadable)
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

fn names(format: Listing) -> String {
    match format {
        Listing::Text => log_analytics::names().map(|name| format!("{name}\n")).collect(),
        Listing::Markdown => log_analytics::names().map(|name| format!("- {name}\n")).collect(),
        Listing::Json => pretty(&Value::Array(log_analytics::names().map(|name| json!({"name": name})).collect())),
    }
}

/// Shows a table whose columns are known by name and type alone.
fn reference(name: &str, columns: &[Column], format: Listing) -> String {
    let rows = columns.iter().map(|column| vec![column.name.clone(), column.scalar_type.name().to_string()]);
    match format {
        Listing::Text => {
            let longest = columns.iter().map(|column| column.name.len()).max().unwrap_or(0);
            let line = |column: &Column| format!("{:longest$}  {}\n", column.name, column.scalar_type.name());
            format!("{name}\n\n{}", columns.iter().map(line).collect::<String>())
        }
        Listing::Markdown => format!("## {name}\n\n{}", markdown(&["Column", "Type"], rows)),
        Listing::Json => {
            let column = |column: &Column| json!({"name": column.name, "type": column.scalar_type.name()});
            pretty(&Value::Array(columns.iter().map(column).collect()))
        }
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// Draws a table in Markdown.
fn markdown(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    // What comes from records may be anything.
    let cell = |text: &String| text.replace('\\', "\\\\").replace('|', "\\|").replace(['\n', '\r'], " ");
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut drawn = line(head.iter().map(ToString::to_string).collect());
    drawn += &line(vec!["---".to_string(); head.len()]);
    rows.for_each(|row| drawn += &line(row.iter().map(cell).collect()));
    drawn
}
