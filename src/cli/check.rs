//! `alertq check`: syntax, names and types of queries and rules.

mod baseline;
mod fires;
mod lints;
mod since;
mod statistics;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use baseline::Reported;
use lints::Lints;

use super::config::Config;
use super::console::Console;
use super::declared::Declared;
use super::input::{self, Input};
use super::interrupt::Scratch;
use super::output::Output;
use super::stop::Stop;
use super::surroundings::Given;
use super::{Global, Outcome, data, value};
use crate::bind;
use crate::catalog::Catalog;
use crate::diagnostic::render::{self, Lines, Report};
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::lint;
use crate::rules;
use crate::rules::model::Located;
use crate::syntax;
use crate::types::Column;

/// What folders are searched for.
const ENDINGS: [&str; 9] = ["csl", "json", "kql", "markdown", "md", "tf", "workbook", "yaml", "yml"];

/// Stack of the threads that check: expressions nest up to a limit, and unoptimised frames are large.
const STACK: usize = 256 << 20;

/// Checks queries and analytics rules: syntax, names, types, and whether a rule's settings fit its query.
///
/// Takes files and folders of them: queries (.kql, .csl; several in one file have empty lines between them), rules in YAML,
/// JSON (templates, answers of the API) and Terraform, workbooks (.json, .workbook), Markdown with fences marked as kql.
/// `.gitignore` is respected. `-` reads one query from standard input. Without a path it takes the `rules` of alertq.toml.
/// Ends with status 1 where it finds an error or a warning, and with 2 where a file cannot be read; the others are checked
/// all the same. What is worth knowing and no more (`information`) leaves the status as it is.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  alertq check rules/\n  alertq check rule.yaml --output-format github\n  \
                        echo 'SecurityAlert | where Severty == 1' | alertq check -\n  \
                        alertq check rules/ --warn all --allow take-without-sort\n  \
                        alertq check rules/ --write-baseline known.json\n  \
                        alertq check rules/ --baseline known.json --statistics\n  \
                        alertq check rules/ --since origin/main\n  \
                        alertq check rules/ --data exports/ --replay\n  \
                        alertq check rules/ --schema CustomTables/ --functions Parsers/\n  \
                        echo 'SecurityAlert | count' | alertq check --output-format json -")]
pub(super) struct Arguments {
    /// Files, and folders of them; `-` is standard input.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[arg(long, alias = "format", value_enum, value_name = "FORMAT", default_value_t = Format::Full)]
    output_format: Format,
    /// Leaves names and types out.
    #[arg(long)]
    syntax_only: bool,
    /// Passes over files that hold no query and no rule, also where they are named: a hook names all that have changed.
    #[arg(long)]
    skip_others: bool,
    /// Reads declarations of tables and functions that have no records here, from a file or a folder: CustomTables and
    /// CustomFunctions of the Azure-Sentinel repository, `.show database schema as json`, kql-guard's form, tables of the
    /// Log Analytics API; may be given several times.
    #[arg(long, value_name = "PATH")]
    schema: Vec<PathBuf>,
    /// Also replays scheduled rules over the records of --data, and tells those of which no run fires.
    #[arg(long)]
    replay: bool,
    /// Also asks git which rules have changed since this commit: those must have another version, and the same id.
    #[arg(long, value_name = "COMMIT")]
    since: Option<String>,
    #[command(flatten)]
    given: Given,
    #[command(flatten)]
    lints: Lints,
    #[command(flatten)]
    reported: Reported,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The lines that each problem is about.
    Full,
    /// One line for each problem.
    Concise,
    Json,
    Github,
    Sarif,
    Junit,
    Azure,
    Gitlab,
}

/// What became of one text.
#[derive(Debug)]
pub(super) struct Checked {
    input: Input,
    pub(super) diagnostics: Vec<Diagnostic>,
    columns: Option<Vec<Column>>,
    open: bool,
    /// Those of its rules.
    ids: Vec<Located<String>>,
    rules: Vec<rules::Rule>,
}

impl Checked {
    fn new(input: Input, diagnostics: Vec<Diagnostic>) -> Checked {
        Checked { input, diagnostics, columns: None, open: false, ids: Vec::new(), rules: Vec::new() }
    }
}

pub(super) fn run(arguments: &Arguments, global: &Global, console: &Console) -> Result<Outcome, Stop> {
    let config = Config::load(global.config.as_deref())?;
    let paths = if arguments.paths.is_empty() { &config.rules } else { &arguments.paths };
    if paths.is_empty() {
        return Err(Stop::failure("there is nothing to check").help("name files or folders, or `-` for standard input"));
    }
    let files = files(paths)?;
    let inputs: Vec<Result<Input, Stop>> = files.iter().map(|path| input::file(path)).collect();
    let unreadable = inputs.iter().filter(|input| input.is_err()).count();
    let opened = if arguments.syntax_only { None } else { Some(opened(arguments, &config, &inputs)?) };
    let catalog = match &opened {
        None => Catalog::standard(),
        Some(opened) => {
            let schemas: Vec<PathBuf> = arguments.schema.iter().chain(&config.schemas).cloned().collect();
            opened.checked(&Declared::read(&schemas)?)
        }
    };
    let options = bind::Options { now: global.clock(), tracing: bind::Tracing::Types, ..bind::Options::default() };
    let (levels, checks) = arguments.lints.levels(&config)?;
    let syntax_only = arguments.syntax_only;
    let checker = Checker { catalog: &catalog, options: &options, levels, checks, syntax_only };
    let texts = files.iter().zip(inputs).map(|(path, input)| Text {
        path,
        input,
        explicit: !arguments.skip_others && paths.contains(path),
    });
    let mut checked = checker.all(texts.collect());
    tell_duplicates(&mut checked);
    if let Some(commit) = &arguments.since {
        since::tell(&mut checked, commit, &checker.checks)?;
    }
    if let Some(opened) = opened.filter(|_| arguments.replay) {
        let _scratch = Scratch::new()?;
        fires::tell(&mut checked, &opened, global.clock(), config.memory_limit, &checker.checks)?;
    }
    if let Some(outcome) = arguments.reported.baseline(&mut checked, console)? {
        return Ok(outcome);
    }
    let single = arguments.paths.len() == 1 && arguments.paths[0] == Path::new("-");
    let mut output = Output::stdout();
    let text = match arguments.reported.statistics {
        true => statistics::render(&checked, arguments.output_format)?,
        false => report(&checked, arguments.output_format, single, console),
    };
    output.text(&text)?;
    output.finish()?;
    summarize(&checked, arguments.output_format, console);
    if unreadable > 0 {
        return Err(Stop::failure(format!("{unreadable} of {} files cannot be read", files.len())));
    }
    let found = checked.iter().flat_map(|checked| &checked.diagnostics).any(|d| d.severity != Severity::Information);
    Ok(if found { Outcome::Found } else { Outcome::Clean })
}

/// Tells which rules have the id of another, and which files are named as none may be.
fn tell_duplicates(checked: &mut [Checked]) {
    let files: Vec<_> = checked.iter().map(|file| (file.input.name.as_str(), file.ids.as_slice())).collect();
    let of_rules = |name: &str| rules::form::is_candidate(Path::new(name));
    let names: Vec<_> = files.iter().map(|(name, _)| if of_rules(name) { *name } else { "" }).collect();
    let problems = rules::checks::duplicate_ids(&files).into_iter().chain(rules::checks::file_names(&names));
    for (file, problem) in problems.collect::<Vec<_>>() {
        checked[file].diagnostics.push(problem);
        worst_first(&mut checked[file].diagnostics);
    }
}

fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Stop> {
    let files = input::files(paths, &ENDINGS)?;
    if files.is_empty() {
        return Err(Stop::failure("no query and no rule was found there").help(
            "queries end in .kql or .csl, rules in .yaml, .json or .tf; they also stand in workbooks (.json) and Markdown (.md)",
        ));
    }
    Ok(files)
}

/// Opens those tables of the user's that some text may name.
fn opened(arguments: &Arguments, config: &Config, inputs: &[Result<Input, Stop>]) -> Result<data::Opened, Stop> {
    let sources = data::Sources::new(&arguments.given, config)?;
    let texts = inputs.iter().flatten().map(|input| input.text.as_str());
    sources.open(&texts.collect::<Vec<_>>().join("\n"))
}

/// A file that is to be checked, as far as it could be read.
pub(super) struct Text<'a> {
    pub(super) path: &'a Path,
    pub(super) input: Result<Input, Stop>,
    /// The user named it: it did not turn up in a folder.
    pub(super) explicit: bool,
}

/// How texts are checked.
pub(super) struct Checker<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) options: &'a bind::Options,
    pub(super) levels: lint::Levels,
    pub(super) checks: rules::checks::Levels,
    pub(super) syntax_only: bool,
}

impl Checker<'_> {
    /// Checks many texts, on all processors; the results are in the order of the texts.
    fn all(&self, texts: Vec<Text>) -> Vec<Checked> {
        let count = value::processors().min(texts.len());
        let slots: Vec<Mutex<Option<Text>>> = texts.into_iter().map(|text| Mutex::new(Some(text))).collect();
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(slot) = slots.get(index) else { return done };
                let text = slot.lock().ok().and_then(|mut slot| slot.take());
                done.extend(text.and_then(|text| self.check(text)).map(|checked| (index, checked)));
            }
        };
        let mut done: Vec<(usize, Checked)> = std::thread::scope(|scope| {
            let builder = || std::thread::Builder::new().name("check".into()).stack_size(STACK);
            // Where no thread can be had, this one does the work.
            let threads: Vec<_> = (1..count).filter_map(|_| builder().spawn_scoped(scope, work).ok()).collect();
            let mut done = work();
            for thread in threads {
                done.extend(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            done
        });
        done.sort_by_key(|(index, _)| *index);
        done.into_iter().map(|(_, checked)| checked).collect()
    }

    /// Checks a text; none where it is a file of another kind that was only found on the way.
    pub(super) fn check(&self, Text { path, input, explicit }: Text) -> Option<Checked> {
        let input = match input {
            Ok(input) => input,
            Err(stop) => return Some(unreadable(path, &stop)),
        };
        let rules = rules::form::is_candidate(path);
        if rules {
            match rules::form::read_with(path, &input.text, &|other| input::beside(path, other)) {
                Ok(Some(reading)) => return Some(self.rules(input, reading)),
                Ok(None) => {}
                Err(diagnostics) => return Some(Checked::new(input, diagnostics)),
            }
        }
        if let Some(found) = rules::queries::find(path, &input.text) {
            return Some(self.queries(input, found));
        }
        if !rules && !rules::queries::is_candidate(path) {
            let whole = input.name == input::STDIN;
            return Some(match rules::queries::several(&input.text).filter(|_| !whole) {
                Some(queries) => self.queries(input, rules::queries::Found { queries, ..Default::default() }),
                None => self.query(input),
            });
        }
        // The user expects something of a file that is named; in folders others may lie beside.
        explicit.then(|| {
            let other = || {
                Diagnostic::error("AQ500", Span::default(), "the file holds no rule and no query")
                    .help("rules have kind and query in YAML, and resources of the type alertRules in JSON")
            };
            let problem = rules::form::broken_json(path, &input.text).unwrap_or_else(other);
            Checked::new(input, vec![problem])
        })
    }

    /// Checks the queries of a file that holds others, or something else.
    fn queries(&self, input: Input, found: rules::queries::Found) -> Checked {
        let mut checked = Checked::new(input, Vec::new());
        for query in &found.queries {
            let part = self.query(Input { name: checked.input.name.clone(), text: query.text.clone() });
            checked.diagnostics.extend(part.diagnostics.into_iter().map(|problem| query.in_file(problem)));
            (checked.columns, checked.open) = (part.columns, part.open);
        }
        if found.queries.len() > 1 {
            (checked.columns, checked.open) = (None, false);
        }
        checked.diagnostics.extend(found.waiting.into_iter().map(|(query, name)| Diagnostic {
            severity: Severity::Information,
            ..Diagnostic::error(
                "AQ591",
                query.span,
                format!("the query waits for the parameter {{{name}}}: not checked"),
            )
        }));
        worst_first(&mut checked.diagnostics);
        checked
    }

    fn query(&self, input: Input) -> Checked {
        let parsed = syntax::parse(&input.text);
        let mut diagnostics = parsed.problems;
        if self.syntax_only {
            return Checked::new(input, diagnostics);
        }
        let bound = bind::bind(&parsed.query, self.catalog, self.options);
        if !diagnostics.iter().any(Diagnostic::is_error) {
            let context = lint::Context::new(&input.text, &parsed.query, &bound.trace, None);
            diagnostics.extend(lint::run(&context, &self.levels));
        }
        diagnostics.extend(bound.problems);
        diagnostics.extend(bound.strict);
        diagnostics.extend(bound.refusals.into_iter().map(refusal));
        worst_first(&mut diagnostics);
        Checked { columns: bound.columns, open: bound.open, ..Checked::new(input, diagnostics) }
    }

    fn rules(&self, input: Input, reading: rules::form::Reading) -> Checked {
        if self.syntax_only {
            let problems = reading.rules.iter().filter_map(rules::Rule::query).flat_map(|query| {
                syntax::parse(&query.text).problems.into_iter().map(|problem| query.in_file(problem))
            });
            return Checked::new(input, problems.collect());
        }
        let mut checked = Checked::new(input, reading.problems);
        checked.ids = reading.rules.iter().filter_map(|rule| rule.id.clone()).collect();
        let only = reading.rules.len() == 1;
        let comments = rules::checks::Comments::read(&checked.input.text);
        let mut diagnostics = Vec::new();
        for rule in &reading.rules {
            let rules::Checked { problems, refusals, columns, open, read } =
                rules::check(rule, self.catalog, self.options);
            let told = problems.into_iter().filter(|problem| !comments.allow(problem));
            let told = told.filter_map(|problem| self.checks.apply(problem));
            diagnostics.extend(told.chain(refusals.into_iter().map(refusal)));
            if let (Some(query), Some((tree, trace))) = (rule.query(), &read) {
                let context = lint::Context::new(&query.text, tree, trace, Some(schedule(rule)));
                let found = lint::run(&context, &self.levels);
                diagnostics.extend(found.into_iter().map(|finding| query.in_file(finding)));
            }
            (checked.columns, checked.open) = (columns.filter(|_| only), open && only);
        }
        diagnostics.extend(comments.problems);
        checked.rules = reading.rules;
        checked.diagnostics.extend(diagnostics);
        worst_first(&mut checked.diagnostics);
        checked
    }
}

/// Puts errors before warnings: those who read results often show only so many.
fn worst_first(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by_key(|diagnostic| (diagnostic.severity, diagnostic.span));
}

/// Tells how much of the past the query of a rule gets to see.
fn schedule(rule: &rules::Rule) -> lint::Schedule {
    let period = rule.schedule().and_then(|schedule| schedule.period.as_ref());
    lint::Schedule { period: period.map(|written| written.value.ticks()) }
}

/// Makes what stands for a file that could not be read.
fn unreadable(path: &Path, stop: &Stop) -> Checked {
    let (message, help) = match stop {
        Stop::Failure { message, help } => (message.clone(), help.clone()),
        _ => ("the file cannot be read".into(), None),
    };
    let input = Input { name: path.display().to_string(), text: String::new() };
    let problem = Diagnostic { help, ..Diagnostic::error("AQ590", Span::default(), message) };
    Checked::new(input, vec![problem])
}

/// Tells what keeps a valid query from running here: what alertq lacks, or only data can tell, is no fault of the query.
fn refusal(mut refusal: Diagnostic) -> Diagnostic {
    refusal.severity =
        if matches!(refusal.code, "AQ001" | "AQ002") { Severity::Information } else { Severity::Warning };
    refusal
}

impl Checked {
    fn report(&self) -> Report<'_> {
        Report { path: &self.input.name, text: &self.input.text, diagnostics: &self.diagnostics }
    }

    fn json(&self, path: bool) -> Value {
        let lines = Lines::new(&self.input.text);
        let ok = !self.diagnostics.iter().any(Diagnostic::is_error);
        let column = |column: &Column| json!({"name": column.name, "type": column.scalar_type.name()});
        let columns =
            self.columns.as_ref().filter(|_| ok).map(|columns| columns.iter().map(column).collect::<Vec<_>>());
        let mut object = Map::new();
        if path {
            object.insert("path".into(), json!(self.input.name));
        }
        object.insert("ok".into(), json!(ok));
        let diagnostics = self.diagnostics.iter().map(|diagnostic| render::json::diagnostic(diagnostic, &lines));
        object.insert("diagnostics".into(), diagnostics.collect());
        object.insert("columns".into(), json!(columns));
        object.insert("open".into(), json!(self.open));
        Value::Object(object)
    }
}

fn report(checked: &[Checked], format: Format, single: bool, console: &Console) -> String {
    let reports: Vec<Report> = checked.iter().map(Checked::report).collect();
    match format {
        Format::Full => reports.iter().map(|report| render::full(report, console.result_style())).collect(),
        Format::Concise => reports.iter().map(render::concise).collect(),
        Format::Json if single => checked.iter().map(|checked| format!("{}\n", checked.json(false))).collect(),
        Format::Json => format!("{}\n", Value::Array(checked.iter().map(|checked| checked.json(true)).collect())),
        Format::Github => render::github::render(&reports),
        Format::Sarif => render::sarif::render(&reports),
        Format::Junit => render::junit::render(&reports),
        Format::Azure => render::azure::render(&reports),
        Format::Gitlab => render::gitlab::render(&reports),
    }
}

/// Says in one line how it went, where a person reads.
fn summarize(checked: &[Checked], format: Format, console: &Console) {
    if !matches!(format, Format::Full | Format::Concise) {
        return;
    }
    let count = |severity| checked.iter().flat_map(|c| &c.diagnostics).filter(|d| d.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let counted = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    let (errors, warnings) = (counted(errors, "error"), counted(warnings, "warning"));
    console.note(&format!("{} checked: {errors}, {warnings}", counted(checked.len(), "text")));
}
