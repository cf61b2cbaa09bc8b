//! `alertq compare`: one query here and in a workspace of Azure's, and where the answers part.

mod difference;

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use arrow::array::RecordBatch;
use clap::Args;
use tempfile::NamedTempFile;

use super::config::Config;
use super::console::Console;
use super::data::Sources;
use super::fetch::session::{self, Session};
use super::interrupt::Scratch;
use super::output::Output;
use super::remote::{self, Question, of_answer};
use super::serve::Local;
use super::stop::Stop;
use super::surroundings::Given;
use super::{Global, Outcome, input};
use crate::format::{Format, Limits, Writer};
use crate::query::period::{self, Period};
use crate::serve;
use crate::types::Column;
use difference::difference;

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
    #[arg(long, short = 'f', value_name = "PATH", visible_alias = "file")]
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

/// Takes one result and no more: a second one would not be compared.
struct One<'a> {
    inner: Box<dyn Writer + 'a>,
    begun: bool,
}

impl Writer for One<'_> {
    fn begin(&mut self, name: &str, columns: &[Column]) -> io::Result<()> {
        if std::mem::replace(&mut self.begun, true) {
            return Err(io::Error::other("the query gives several results: compare them one by one"));
        }
        self.inner.begin(name, columns)
    }

    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        self.inner.write(batch)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.inner.finish()
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
        let here = self.here(timespan)?;
        let there = remote::ask(&Question { query: &self.text, timespan }, self.workspace, &self.session)?;
        let ours = remote::opened(here.path())?;
        let theirs = there.as_ref().map(|body| remote::opened(body.path())).transpose()?.flatten();
        match (ours, theirs) {
            (Some(ours), Some(theirs)) => difference(&ours, &theirs).map_err(of_answer),
            (Some(ours), None) => Ok(Some(vec![format!("{} rows here; the workspace has no data", ours.rows())])),
            (None, _) => Ok(Some(vec!["no table here".to_string()])),
        }
    }

    /// Answers the query here, into a file.
    fn here(&self, timespan: Option<Period>) -> Result<NamedTempFile, Stop> {
        let failed = |error: io::Error| Stop::write("a temporary file", &error);
        let file = NamedTempFile::new().map_err(failed)?;
        let mut out = BufWriter::new(file.reopen().map_err(failed)?);
        let inner = Format::LogAnalytics.writer(Box::new(&mut out), Limits::default());
        let mut writer = One { inner, begun: false };
        serve::write(&self.local, &self.text, timespan, &mut writer).map_err(Stop::failure)?;
        drop(writer);
        out.flush().map_err(failed)?;
        Ok(file)
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
