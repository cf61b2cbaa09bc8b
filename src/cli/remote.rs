//! `--on WORKSPACE`: a query in a workspace of Azure's.

use std::io;
use std::path::Path;

use clap::Args;

use super::Global;
use super::console::Console;
use super::data::unreadable;
use super::fetch::session::{self, Session};
use super::stop::Stop;
use crate::fetch::{Body, Patience};
use crate::format::Writer;
use crate::query::period::Period;
use crate::source;
use crate::types::Column;

/// Options of commands that may ask a workspace.
#[derive(Debug, Default, Args)]
pub(super) struct Elsewhere {
    /// Runs the query in a workspace of Azure's: its id, or its name in alertq.toml.
    #[arg(long, value_name = "WORKSPACE", 
          conflicts_with_all = ["data", "watchlist", "externaldata", "functions", "geo_database", "param", "explain",
                                "stats", "repeat", "memory_limit", "skip_bad_rows", "threads"])]
    pub(super) on: Option<String>,
    #[command(flatten)]
    pub(super) session: session::Access,
}

/// What is asked.
pub(super) struct Question<'a> {
    pub(super) query: &'a str,
    pub(super) timespan: Option<Period>,
}

/// A part of an answer on its way to a writer.
pub(super) enum Step<'a> {
    Begin(&'a [Column]),
    Rows(&'a arrow::array::RecordBatch),
    End,
}

impl Step<'_> {
    /// Writes it.
    pub(super) fn write(&self, writer: &mut dyn Writer) -> io::Result<()> {
        match self {
            Step::Begin(columns) => writer.begin("PrimaryResult", columns),
            Step::Rows(batch) => writer.write(batch),
            Step::End => writer.finish(),
        }
    }
}

/// Asks a workspace and gives its answer part by part.
///
/// An answer that lacks rows is an error: the workspace cuts off what is too long.
pub(super) fn write(
    question: &Question,
    workspace: &str,
    arguments: &session::Access,
    global: &Global,
    console: &Console,
    take: &mut dyn FnMut(&Step) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let session = Session::new(arguments, global, console)?;
    let Some(body) = ask(question, workspace, &session)? else {
        console.note("the workspace has no data");
        return take(&Step::Begin(&[])).and_then(|()| take(&Step::End));
    };
    if let Some(table) = opened(body.path())? {
        table.inputs.iter().flat_map(|input| &input.warnings).for_each(|warning| console.warning(warning));
        take(&Step::Begin(&table.columns))?;
        for batch in table.read() {
            take(&Step::Rows(&batch.map_err(of_answer)?))?;
        }
    }
    take(&Step::End)
}

/// Asks until there is an answer; None where the workspace has no data.
pub(super) fn ask(question: &Question, workspace: &str, session: &Session) -> Result<Option<Body>, Stop> {
    let logs = session.logs(workspace, &tempfile::env::temp_dir())?;
    let timespan = question.timespan.map(|period| period.to_string());
    session.wait(async {
        let mut patience = Patience::default();
        logs.query(question.query, timespan.as_deref(), false, &mut patience).await
    })
}

/// Opens an answer that lies on disk; its columns are those that it declares.
pub(super) fn opened(path: &Path) -> Result<Option<source::Table>, Stop> {
    let options =
        source::Options { name: Some("PrimaryResult".to_string()), as_declared: true, ..source::Options::default() };
    Ok(source::open(&path.to_string_lossy(), &options).map_err(of_answer)?.into_iter().next())
}

/// Says what is wrong with an answer; where it lay for a moment is nobody's concern.
pub(super) fn of_answer(error: source::Error) -> Stop {
    unreadable(source::Error { path: None, ..error })
}
