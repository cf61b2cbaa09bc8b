//! `alertq query`: runs a query and prints its results.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use arrow::array::RecordBatch;
use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

use super::config::Config;
use super::console::Console;
use super::data::{Loaded, Opened, Sources};
use super::input::{self, Input};
use super::interrupt::Scratch;
use super::output::{Output, format_of};
use super::overwrite::{self, Wanted};
use super::stop::Stop;
use super::surroundings::Given;
use super::{Global, Outcome, value};
use crate::bind::{self, Bound};
use crate::diagnostic::Diagnostic;
use crate::engine::{self, Session};
use crate::format::{Format, Limits, Writer};
use crate::plan::{Kind, Plan};
use crate::query::period::{self, Period};
use crate::query::{self, Settled};
use crate::source::sample::BUILT_IN;
use crate::syntax::{self, ast::StatementKind};
use crate::types::Column;

/// Runs a KQL query over exported records and prints its results.
///
/// Without --data, and without tables in alertq.toml, the tables SecurityAlert and SecurityIncident are a sample that is
/// built into the program.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  alertq query 'SecurityAlert | summarize count() by AlertSeverity'\n  \
    alertq query 'SecurityAlert | take 5' --format table\n  \
    echo 'print now()' | alertq query --file - --now 2026-01-31T08:00:00Z\n  \
    alertq query 'SecurityAlert | count' --stats --repeat 3\n  \
    alertq query 'SecurityAlert | where AlertSeverity == \"High\"' --explain plan\n  \
    alertq query 'SecurityAlert | count' --timespan P1D --on prod")]
pub(super) struct Arguments {
    /// The query.
    #[arg(value_name = "KQL", conflicts_with = "file")]
    text: Option<String>,
    /// Reads the query from a file; `-` is standard input.
    #[arg(long, short, value_name = "PATH")]
    file: Option<PathBuf>,
    #[command(flatten)]
    given: Given,
    /// Prints in this format. Default: by the ending of --output, else `table` on a terminal and `jsonl` in a pipe.
    #[arg(long, value_name = "FORMAT", value_parser = PossibleValuesParser::new(Format::ALL.map(Format::name)))]
    format: Option<String>,
    /// Writes the results into a file.
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Gives a value to a parameter that the query declares; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = value::pair)]
    param: Vec<(String, String)>,
    /// Leaves out records whose TimeGenerated is outside: `P7D`, `PT1H`, `7d`, `START/END`.
    #[arg(long, value_name = "PERIOD", value_parser = period::read)]
    timespan: Option<Period>,
    /// Shows what the query becomes, and does not run it.
    #[arg(long, value_enum, value_name = "WHAT")]
    explain: Option<Explain>,
    /// Prints what the run cost as one JSON object, the last line of standard error.
    #[arg(long)]
    stats: bool,
    /// Runs the query so often in one process; the output is that of the last run.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    /// Limits the memory that operators may use: `512MB`, `2GiB`.
    #[arg(long, value_name = "SIZE", value_parser = value::size)]
    memory_limit: Option<usize>,
    /// Sets records that cannot be read aside, as lines of JSON in this file.
    #[arg(long, value_name = "PATH")]
    skip_bad_rows: Option<PathBuf>,
    /// Uses so many threads. Default: one for each processor.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    #[cfg(feature = "fetch")]
    #[command(flatten)]
    elsewhere: super::remote::Elsewhere,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Explain {
    /// The syntax tree.
    Ast,
    /// The typed relational tree.
    Plan,
    /// What the engine makes of it.
    Engine,
}

pub(super) fn run(arguments: &Arguments, global: &Global, console: &Console) -> Result<Outcome, Stop> {
    let config = Config::load(global.config.as_deref())?;
    let input = read(arguments)?;
    #[cfg(feature = "fetch")]
    if let Some(workspace) = &arguments.elsewhere.on {
        return elsewhere(arguments, workspace, &input, global, console);
    }
    let parsed = syntax::parse(&input.text);
    if parsed.problems.iter().any(Diagnostic::is_error) {
        return Err(problems(input, parsed.problems));
    }
    if arguments.explain == Some(Explain::Ast) {
        return print(arguments, &syntax::print::tree(&parsed.query));
    }
    let results = [("--output", &arguments.output), ("--skip-bad-rows", &arguments.skip_bad_rows)];
    let results: Vec<Wanted> = results.into_iter().filter_map(|(flag, path)| Some((flag, path.as_deref()?))).collect();
    overwrite::refuse(&results, arguments.given.paths(&config).chain(arguments.file.clone()))?;
    let mut sources = Sources::new(&arguments.given, &config)?;
    let asked = Asked { arguments, input: &input, query: &parsed.query, global, console, config: &config };
    let Some(path) = &arguments.skip_bad_rows else { return answer(&asked, &sources) };
    let output = Output::open(Some(path))?;
    let file = output.handle()?;
    sources.skip_bad_rows(Arc::new(Mutex::new(file)));
    let outcome = answer(&asked, &sources);
    // Rows that were set aside are told of, whatever becomes of the query.
    if outcome.is_ok() || output.handle()?.metadata().is_ok_and(|file| file.len() > 0) {
        output.finish_unsynced()?;
    }
    outcome
}

/// A query and all that the user said of it.
struct Asked<'a> {
    arguments: &'a Arguments,
    input: &'a Input,
    query: &'a syntax::ast::Query,
    global: &'a Global,
    console: &'a Console,
    config: &'a Config,
}

/// Answers a query from records.
fn answer(asked: &Asked, sources: &Sources) -> Result<Outcome, Stop> {
    let Asked { arguments, input, console, .. } = *asked;
    let scratch = if sources.is_empty() { None } else { Some(Scratch::new()?) };
    let opened = sources.open(&input.text)?;
    let clock = asked.global.clock();
    let parameters = parameters(arguments, asked.query)?;
    let options = bind::Options { now: clock, parameters, ..bind::Options::default() };
    let memory_limit = arguments.memory_limit.or(asked.config.memory_limit);
    let mut desk = Desk { arguments, console, opened: &opened, clock, memory_limit, scratch, told: false };
    let Settled { bound, materialized } = query::settle(asked.query, &opened.catalog, options, |plan| {
        let plan = desk.ready(plan);
        let session = desk.session(&plan)?;
        Ok::<_, Stop>((plan, session))
    })?;
    let plan = desk.ready(plan(bound, input, console)?);
    if arguments.explain == Some(Explain::Plan) {
        return print(arguments, &crate::plan::print::print(&plan));
    }
    let mut session = desk.session(&plan)?;
    session.materialized = materialized;
    if arguments.explain == Some(Explain::Engine) {
        return print(arguments, &engine::explain(&plan, &session).map_err(Stop::failure)?);
    }
    let runs = execute(arguments, input, console, &plan, &session)?;
    if arguments.stats {
        console.raw(&format!("{}\n", report(&runs)));
    }
    Ok(Outcome::Clean)
}

/// Runs the query in a workspace of Azure's.
#[cfg(feature = "fetch")]
fn elsewhere(
    arguments: &Arguments,
    workspace: &str,
    input: &Input,
    global: &Global,
    console: &Console,
) -> Result<Outcome, Stop> {
    if global.now.is_some() {
        return Err(Stop::failure("--now does not reach the clock of a workspace")
            .help("begin the query with, for example: set query_now = datetime(2026-01-31T08:00:00Z);"));
    }
    let format = format(arguments, console)?;
    // The answer lies on disk while it is read.
    let _scratch = Scratch::new()?;
    let mut output = Output::open(arguments.output.as_deref())?;
    let name = output.name();
    let mut writer = format.answer_writer(Box::new(&mut output), limits(arguments, console));
    let question = super::remote::Question { query: &input.text, timespan: arguments.timespan };
    super::remote::write(&question, workspace, &arguments.elsewhere.session, global, console, &mut |step| {
        step.write(&mut *writer).map_err(|error| Failed::Write(error).told(&name, input))
    })?;
    drop(writer);
    output.finish()?;
    Ok(Outcome::Clean)
}

/// Makes plans ready and gives them their tables.
struct Desk<'a> {
    arguments: &'a Arguments,
    console: &'a Console,
    opened: &'a Opened,
    clock: i64,
    memory_limit: Option<usize>,
    /// Where temporary files go, once there may be some.
    scratch: Option<Scratch>,
    /// What is worth telling of the tables has been told.
    told: bool,
}

impl Desk<'_> {
    fn ready(&self, mut plan: Plan) -> Plan {
        if let Some(wanted) = self.arguments.timespan {
            let now = plan.now.unwrap_or(self.clock);
            period::limit(&mut plan, wanted, now);
        }
        crate::plan::rewrite::rewrite(plan)
    }

    fn session(&mut self, plan: &Plan) -> Result<Session, Stop> {
        if self.scratch.is_none() && may_spill(plan) {
            self.scratch = Some(Scratch::new()?);
        }
        let loaded = self.opened.load(plan, self.memory_limit)?;
        if !self.told {
            self.tell(&loaded);
        }
        let mut session = Session::new();
        session.tables = loaded.tables;
        session.memory_limit = self.memory_limit.unwrap_or(session.memory_limit);
        if let Some(threads) = self.arguments.threads {
            session.partitions = usize::from(threads);
        }
        Ok(session)
    }

    fn tell(&mut self, loaded: &Loaded) {
        self.told = loaded.sample || !loaded.tables.is_empty();
        if loaded.sample {
            self.console.note(&format!("no --data was given: the answer is about {BUILT_IN}"));
        }
        for warning in self.opened.warnings() {
            self.console.warning(&warning);
        }
        if let (Some(path), true) = (&self.arguments.skip_bad_rows, loaded.rejected > 0) {
            let rejected = loaded.rejected;
            self.console.warning(&format!("{rejected} records could not be read and are in {}", path.display()));
        }
    }
}

fn read(arguments: &Arguments) -> Result<Input, Stop> {
    match (&arguments.text, &arguments.file) {
        (Some(text), _) => Ok(Input { name: "<query>".to_string(), text: text.clone() }),
        (None, Some(path)) => input::file(path),
        (None, None) => Err(Stop::failure("there is no query").help("give it as an argument, or with --file PATH")),
    }
}

/// Returns the values of the query's parameters; one that the query does not declare is most likely misspelt, and what it
/// was meant for would have its default.
fn parameters(arguments: &Arguments, query: &syntax::ast::Query) -> Result<HashMap<String, String>, Stop> {
    let mut declared = Vec::new();
    for statement in &query.statements {
        if let StatementKind::DeclareParameters { parameters } = &statement.kind {
            declared.extend(parameters.iter().map(|parameter| parameter.name.text.as_str()));
        }
    }
    if let Some((name, _)) = arguments.param.iter().find(|(name, _)| !declared.contains(&name.as_str())) {
        let help = match declared.as_slice() {
            [] => format!("begin it with, for example: declare query_parameters({name}:string);"),
            declared => format!("it declares {}", declared.join(", ")),
        };
        return Err(Stop::failure(format!("--param: the query declares no parameter '{name}'")).help(help));
    }
    Ok(arguments.param.iter().cloned().collect())
}

fn problems(input: Input, problems: Vec<Diagnostic>) -> Stop {
    Stop::Problems { path: input.name, text: input.text, problems }
}

/// Takes the plan, or says why there is none.
fn plan(bound: Bound, input: &Input, console: &Console) -> Result<Plan, Stop> {
    let Bound { plan, problems: found, mut refusals, strict, .. } = bound;
    let Some(plan) = plan else {
        refusals.extend(found);
        if !refusals.iter().any(Diagnostic::is_error) {
            // What the engine is known to bear, and what could not be bound for all that.
            refusals.extend(strict);
        }
        refusals.sort_by_key(|problem| problem.span);
        return Err(problems(input.clone(), refusals));
    };
    if plan.results.is_empty() {
        return Err(Stop::failure(format!("{}: the query gives no result", input.name))
            .help("end it with what it should give, for example: SecurityAlert | take 10"));
    }
    if !found.is_empty() {
        console.problems(&input.name, &input.text, &found);
    }
    Ok(plan)
}

/// Tells whether running the plan may write temporary files: what makes one row does not.
fn may_spill(plan: &Plan) -> bool {
    let mut large = false;
    plan.for_each_node(&mut |node| large |= matches!(node.kind, Kind::Scan { .. } | Kind::Range { .. }));
    large
}

fn print(arguments: &Arguments, text: &str) -> Result<Outcome, Stop> {
    let mut output = Output::open(arguments.output.as_deref())?;
    output.text(text)?;
    if !text.ends_with('\n') {
        output.text("\n")?;
    }
    output.finish()?;
    Ok(Outcome::Clean)
}

/// What one run cost.
#[derive(Debug, Default)]
struct Cost {
    /// Seconds until there was something to run.
    plan_s: f64,
    /// Seconds from then to the last row, writing included.
    execute_s: f64,
    rows: u64,
    rows_scanned: u64,
    bytes_scanned: u64,
}

/// Runs the plan as often as was asked for; only the last run writes.
fn execute(
    arguments: &Arguments,
    query: &Input,
    console: &Console,
    plan: &Plan,
    session: &Session,
) -> Result<Vec<Cost>, Stop> {
    let format = format(arguments, console)?;
    let mut runs = Vec::new();
    for _ in 1..arguments.repeat {
        runs.push(once(plan, session, &mut Nothing).map_err(|failed| failed.told("", query))?);
    }
    let mut output = Output::open(arguments.output.as_deref())?;
    let name = output.name();
    let mut writer = format.answer_writer(Box::new(&mut output), limits(arguments, console));
    let cost = once(plan, session, &mut *writer).map_err(|failed| failed.told(&name, query))?;
    runs.push(cost);
    drop(writer);
    output.finish_unsynced()?;
    Ok(runs)
}

/// Tells how much room a drawn table has.
fn limits(arguments: &Arguments, console: &Console) -> Limits {
    let width = console.result_style().width.min(usize::from(u16::MAX)) as u16;
    // Only a person is helped by a table that leaves rows out.
    let rows = if on_terminal(arguments, console) { Limits::default().rows } else { usize::MAX };
    Limits { width, rows }
}

fn on_terminal(arguments: &Arguments, console: &Console) -> bool {
    arguments.output.is_none() && console.is_interactive()
}

fn format(arguments: &Arguments, console: &Console) -> Result<Format, Stop> {
    let path = arguments.output.as_deref();
    let default = if on_terminal(arguments, console) { Format::Table } else { Format::JsonLines };
    let format = format_of(arguments.format.as_deref(), path, default, console);
    match format.is_binary() && on_terminal(arguments, console) {
        false => Ok(format),
        true => {
            Err(Stop::failure(format!("{} is nothing for a terminal", format.name())).help("give a file with --output"))
        }
    }
}

/// Why a run ended early.
enum Failed {
    Engine(engine::Error),
    Write(io::Error),
}

impl Failed {
    /// Says it, with the name of what was written to, or in the place of the query that is at fault.
    fn told(self, name: &str, query: &Input) -> Stop {
        match self {
            Failed::Engine(engine::Error { code: Some(code), span: Some(span), message, .. }) => {
                let problems = vec![Diagnostic::error(code, span, message)];
                Stop::Problems { path: query.name.clone(), text: query.text.clone(), problems }
            }
            Failed::Engine(engine::Error { code: Some(code), message, .. }) => {
                Stop::failure(format!("{message} ({code})"))
            }
            Failed::Engine(error) => Stop::failure(error),
            // What the format lacks is said in the error itself.
            Failed::Write(error) if error.kind() == io::ErrorKind::Unsupported => {
                Stop::failure(error).help("the formats table, log-analytics and kusto-v2 hold several results")
            }
            Failed::Write(error) => Stop::write(name, &error),
        }
    }
}

/// Takes results and forgets them: what all runs but the last write to.
struct Nothing;

impl Writer for Nothing {
    fn begin(&mut self, _: &str, _: &[Column]) -> io::Result<()> {
        Ok(())
    }

    fn write(&mut self, _: &RecordBatch) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn once(plan: &Plan, session: &Session, writer: &mut dyn Writer) -> Result<Cost, Failed> {
    let start = Instant::now();
    let outputs = engine::run(plan, session).map_err(Failed::Engine)?;
    let mut cost = Cost { plan_s: start.elapsed().as_secs_f64(), ..Cost::default() };
    let start = Instant::now();
    for mut output in outputs {
        writer.begin(&output.name, &output.columns).map_err(Failed::Write)?;
        for batch in &mut output {
            let batch = batch.map_err(Failed::Engine)?;
            cost.rows += batch.num_rows() as u64;
            writer.write(&batch).map_err(Failed::Write)?;
        }
        let stats = output.stats();
        cost.rows_scanned += stats.rows_scanned;
        cost.bytes_scanned += stats.bytes_scanned;
    }
    writer.finish().map_err(Failed::Write)?;
    cost.execute_s = start.elapsed().as_secs_f64();
    Ok(cost)
}

fn report(runs: &[Cost]) -> Json {
    let times = runs.iter().map(|run| json!({"plan_s": run.plan_s, "execute_s": run.execute_s}));
    let last = runs.last();
    json!({
        "runs": times.collect::<Vec<_>>(),
        "rows": last.map(|run| run.rows),
        "rows_scanned": last.map(|run| run.rows_scanned),
        "bytes_scanned": last.map(|run| run.bytes_scanned),
        "peak_memory_bytes": peak_memory().unwrap_or(0),
    })
}

/// Returns the most memory that this process has held, where the system tells it.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}
