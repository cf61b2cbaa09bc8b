//! `alertq compare`: one query here and in a workspace of Azure's, and where the answers part.

mod difference;

use std::path::PathBuf;

use clap::Args;
use serde_json::Value as Json;

use super::config::Config;
use super::console::Console;
use super::data::Sources;
use super::fetch::session::{self, Session};
use super::interrupt::Scratch;
use super::output::Output;
use super::remote::{self, Question};
use super::serve::Local;
use super::stop::Stop;
use super::surroundings::Given;
use super::{Global, Outcome, input};
use crate::query::period::{self, Period};
use crate::serve;
use difference::Table;

/// Runs a query over local records and in a workspace of Azure's, and shows where the answers part.
///
/// Columns, types and rows are compared; the order of rows is not. With --timespan a difference is narrowed down to the
/// shortest time that still shows it. The status is 1 where the answers differ.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  alertq compare --query rule.kql --data alerts/ --on prod --timespan 2026-01-01/P7D\n  \
                        alertq compare 'SecurityAlert | summarize count() by ProductName' --data alerts/ --on prod"
)]
pub(super) struct Arguments {
    /// The query.
    #[arg(value_name = "KQL", conflicts_with = "query", required_unless_present = "query")]
    text: Option<String>,
    /// Reads the query from a file; `-` is standard input.
    #[arg(long, value_name = "PATH")]
    query: Option<PathBuf>,
    #[command(flatten)]
    given: Given,
    /// The workspace: its id, or its name in alertq.toml.
    #[arg(long, value_name = "WORKSPACE")]
    on: String,
    /// Leaves out records whose TimeGenerated is outside: `P7D`, `START/END`.
    #[arg(long, value_name = "PERIOD", value_parser = period::read)]
    timespan: Option<Period>,
    #[command(flatten)]
    session: session::Access,
}

/// Times that a period is cut in half at most: from a year this leads below a second.
const HALVINGS: usize = 24;

pub(super) fn run(arguments: &Arguments, global: &Global, console: &Console) -> Result<Outcome, Stop> {
    let text = match (&arguments.text, &arguments.query) {
        (Some(text), _) => text.clone(),
        (None, Some(path)) => input::file(path)?.text,
        (None, None) => return Err(Stop::failure("there is no query")),
    };
    let config = Config::load(global.config.as_deref())?;
    let _scratch = Scratch::new()?;
    let sources = Sources::new(&arguments.given, &config)?;
    // Both sides see one clock, as far as the query asks for one here.
    let now = Some(global.clock());
    let both = Both {
        text,
        local: Local { sources, memory_limit: config.memory_limit, now },
        session: Session::new(&arguments.session, global, console)?,
        workspace: &arguments.on,
    };
    let whole = arguments.timespan.map(|period| fixed(period, global.clock()));
    let Some(mut lines) = both.difference(whole)? else {
        console.note("both answers are the same");
        return Ok(Outcome::Clean);
    };
    if let Some(Period::Between(from, to)) = whole
        && let Some((period, narrowed)) = both.narrow(from, to)?
    {
        lines = narrowed;
        lines.push(format!("the shortest time that shows it: --timespan {period}"));
    }
    let mut output = Output::stdout();
    for line in lines {
        output.text(&format!("{line}\n"))?;
    }
    output.finish()?;
    Ok(Outcome::Found)
}

/// Makes a period that does not move with the clock.
fn fixed(period: Period, now: i64) -> Period {
    match period {
        Period::Last(length) => Period::Between(now.saturating_sub(length), now),
        between => between,
    }
}

/// The two places that are asked.
struct Both<'a> {
    text: String,
    local: Local,
    session: Session<'a>,
    workspace: &'a str,
}

impl Both<'_> {
    /// Asks both and says where they part; None where they do not.
    fn difference(&self, timespan: Option<Period>) -> Result<Option<Vec<String>>, Stop> {
        let here = serve::answer(&self.local, &self.text, timespan).map_err(Stop::failure)?;
        let there = remote::ask(&Question { query: &self.text, timespan }, self.workspace, &self.session)?;
        let there = match there {
            Some(body) => body.text().map_err(session::stop)?.into_bytes(),
            None => br#"{"tables":[{"columns":[],"rows":[]}]}"#.to_vec(),
        };
        Ok(Table::difference(&table(&here, "alertq")?, &table(&there, "the workspace")?))
    }

    /// Looks for the shortest time that shows a difference.
    fn narrow(&self, mut from: i64, mut to: i64) -> Result<Option<(Period, Vec<String>)>, Stop> {
        let mut found = None;
        for _ in 0..HALVINGS {
            let middle = from + (to - from) / 2;
            if middle == from {
                break;
            }
            // Both ends belong to a period.
            let halves = [(from, middle), (middle.saturating_add(1), to)];
            let mut narrower = None;
            for (from, to) in halves {
                let period = Period::Between(from, to);
                if let Some(lines) = self.difference(Some(period))? {
                    narrower = Some((from, to, period, lines));
                    break;
                }
            }
            let Some((earlier, later, period, lines)) = narrower else { break };
            (from, to) = (earlier, later);
            found = Some((period, lines));
        }
        Ok(found)
    }
}

/// Reads the first table of an answer.
fn table(answer: &[u8], whose: &str) -> Result<Table, Stop> {
    let failed = |why: &str| Stop::failure(format!("the answer of {whose} cannot be compared: {why}"));
    let answer: Json = serde_json::from_slice(answer).map_err(|error| failed(&error.to_string()))?;
    if answer.get("error").is_some_and(|error| !error.is_null()) {
        return Err(failed("it is cut off").help("compare a shorter time: --timespan"));
    }
    let first = answer.get("tables").and_then(|tables| tables.get(0)).ok_or_else(|| failed("it holds no table"))?;
    Ok(Table::read(first))
}
