//! `alertq check`: syntax, names and types of queries and rules.

mod baseline;
mod lints;
mod statistics;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use baseline::Reported;
use lints::Lints;

use super::config::Config;
use super::console::Console;
use super::input::{self, Input};
use super::output::Output;
use super::stop::Stop;
use super::surroundings::Given;
use super::{Global, Outcome, data};
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
const ENDINGS: [&str; 6] = ["csl", "json", "kql", "tf", "yaml", "yml"];

/// Checks queries and analytics rules: syntax, names, types, and whether a rule's settings fit its query.
///
/// Takes files (.kql, .csl, rules in YAML, JSON or Terraform) and folders of them; `-` reads one query from standard
/// input. Without a path it takes the `rules` of alertq.toml. Ends with status 1 where it finds an error or a warning;
/// what is worth knowing and no more (`information`) leaves the status as it is.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  alertq check rules/\n  alertq check rule.yaml --output-format github\n  \
                        echo 'SecurityAlert | where Severty == 1' | alertq check -\n  \
                        alertq check rules/ --warn all --allow take-without-sort\n  \
                        alertq check rules/ --write-baseline known.json\n  \
                        alertq check rules/ --baseline known.json --statistics\n  \
                        echo 'SecurityAlert | count' | alertq check --output-format json -")]
pub(super) struct Arguments {
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Full)]
    output_format: Format,
    /// Leaves names and types out.
    #[arg(long)]
    syntax_only: bool,
    #[command(flatten)]
    lints: Lints,
    #[command(flatten)]
    reported: Reported,
    #[command(flatten)]
    given: Given,
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
struct Checked {
    input: Input,
    diagnostics: Vec<Diagnostic>,
    columns: Option<Vec<Column>>,
    open: bool,
    /// Those of its rules.
    ids: Vec<Located<String>>,
}

pub(super) fn run(arguments: &Arguments, global: &Global, console: &Console) -> Result<Outcome, Stop> {
    let config = Config::load(global.config.as_deref())?;
    let paths = if arguments.paths.is_empty() { &config.rules } else { &arguments.paths };
    if paths.is_empty() {
        return Err(Stop::failure("there is nothing to check").help("name files or folders, or `-` for standard input"));
    }
    let inputs = read(paths)?;
    let catalog = if arguments.syntax_only { Catalog::standard() } else { catalog(arguments, &config, &inputs)? };
    let options = bind::Options { now: global.clock(), tracing: bind::Tracing::Types, ..bind::Options::default() };
    let named = |input: &Input| paths.iter().any(|path| path.display().to_string() == input.name);
    let levels = arguments.lints.levels(&config)?;
    let checker = Checker { catalog: &catalog, options: &options, levels, syntax_only: arguments.syntax_only };
    let mut checked = Vec::new();
    for input in inputs {
        let explicit = named(&input);
        checked.extend(checker.check(input, explicit));
    }
    tell_duplicates(&mut checked);
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
    let found = checked.iter().flat_map(|checked| &checked.diagnostics).any(|d| d.severity != Severity::Information);
    Ok(if found { Outcome::Found } else { Outcome::Clean })
}

/// Tells which rules have the id of another.
fn tell_duplicates(checked: &mut [Checked]) {
    let files: Vec<_> = checked.iter().map(|file| (file.input.name.as_str(), file.ids.as_slice())).collect();
    for (file, problem) in rules::checks::duplicate_ids(&files) {
        checked[file].diagnostics.push(problem);
        worst_first(&mut checked[file].diagnostics);
    }
}

fn read(paths: &[PathBuf]) -> Result<Vec<Input>, Stop> {
    let files = input::files(paths, &ENDINGS)?;
    if files.is_empty() {
        return Err(Stop::failure("no query and no rule was found there")
            .help("queries end in .kql or .csl, rules in .yaml, .json or .tf"));
    }
    files.iter().map(|path| input::file(path)).collect()
}

/// Makes the catalog, with those tables of the user's that some text may name.
fn catalog(arguments: &Arguments, config: &Config, inputs: &[Input]) -> Result<Catalog, Stop> {
    let sources = data::Sources::new(&arguments.given, config)?;
    let text = inputs.iter().map(|input| input.text.as_str()).collect::<Vec<_>>().join("\n");
    Ok(sources.open(&text)?.checked())
}

struct Checker<'a> {
    catalog: &'a Catalog,
    options: &'a bind::Options,
    levels: lint::Levels,
    syntax_only: bool,
}

impl Checker<'_> {
    /// Checks a text; none where it is a file of another kind that was only found on the way.
    fn check(&self, input: Input, explicit: bool) -> Option<Checked> {
        if !rules::form::is_candidate(Path::new(&input.name)) {
            return Some(self.query(input));
        }
        match rules::form::read(Path::new(&input.name), &input.text) {
            Ok(Some(reading)) => Some(self.rules(input, reading)),
            Ok(None) if explicit => {
                let problem = Diagnostic::error("AQ500", Span::default(), "the file holds no rule");
                Some(Checked { input, diagnostics: vec![problem], columns: None, open: false, ids: Vec::new() })
            }
            Ok(None) => None,
            Err(diagnostics) => Some(Checked { input, diagnostics, columns: None, open: false, ids: Vec::new() }),
        }
    }

    fn query(&self, input: Input) -> Checked {
        let parsed = syntax::parse(&input.text);
        let mut diagnostics = parsed.problems;
        if self.syntax_only {
            return Checked { input, diagnostics, columns: None, open: false, ids: Vec::new() };
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
        Checked { input, diagnostics, columns: bound.columns, open: bound.open, ids: Vec::new() }
    }

    fn rules(&self, input: Input, reading: rules::form::Reading) -> Checked {
        if self.syntax_only {
            let problems = reading.rules.iter().filter_map(rules::Rule::query).flat_map(|query| {
                syntax::parse(&query.text).problems.into_iter().map(|problem| query.in_file(problem))
            });
            return Checked { diagnostics: problems.collect(), input, columns: None, open: false, ids: Vec::new() };
        }
        let ids = reading.rules.iter().filter_map(|rule| rule.id.clone()).collect();
        let mut checked = Checked { input, diagnostics: reading.problems, columns: None, open: false, ids };
        let only = reading.rules.len() == 1;
        for rule in &reading.rules {
            let rules::Checked { problems, refusals, columns, open, read } =
                rules::check(rule, self.catalog, self.options);
            checked.diagnostics.extend(problems.into_iter().chain(refusals.into_iter().map(refusal)));
            if let (Some(query), Some((tree, trace))) = (rule.query(), &read) {
                let context = lint::Context::new(&query.text, tree, trace, Some(schedule(rule)));
                let found = lint::run(&context, &self.levels);
                checked.diagnostics.extend(found.into_iter().map(|finding| query.in_file(finding)));
            }
            checked.columns = columns.filter(|_| only);
            checked.open = open && only;
        }
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
    let period = rule.schedule().and_then(|schedule| schedule.period);
    lint::Schedule { period: period.map(|period| period.value.ticks()) }
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
