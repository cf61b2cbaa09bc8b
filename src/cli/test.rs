//! `alertq test`: runs the tests that lie beside rules.

mod report;

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::config::Config;
use super::console::Console;
use super::creation;
use super::data::{Opened, Sources};
use super::input::{self, Input};
use super::output::Output;
use super::rule_files::{RuleFiles, is_test};
use super::stop::Stop;
use super::surroundings::Given;
use super::{Global, Outcome};
use crate::diagnostic::{Diagnostic, Span};
use crate::engine::{Table, TableData};
use crate::rules::Rule;
use crate::rules::document::Node;
use crate::rules::scenario::{self, Case, Context, End, Mutation, Scenario, Verdict};
use crate::source::{self, sample};
use crate::types::ticks;

/// Runs tests of analytics rules: records and a clock go in, and the alerts and incidents that come out are compared
/// with what is expected.
///
/// Takes files that end in .test.yaml, and folders of them; without a path those beside the `rules` of alertq.toml. A
/// test is about the rule of the same name (brute-force.test.yaml about brute-force.yaml), or about those that it names.
/// Ends with status 1 where a test fails, with 2 where one could not be run.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  alertq test rules/\n  alertq test rules/brute-force.test.yaml --filter silence\n  \
    alertq test rules/ --output-format junit > report.xml\n  alertq test rules/ --update\n  \
    alertq test rules/ --coverage --mutate\n  alertq test rules/x.test.yaml --why ada@x.example\n\nA test:\n  \
    rules: [brute-force.yaml]\n  start: 2026-01-01T00:00:00Z\n  cases:\n    - name: five failures raise one alert\n      \
    records:\n        SigninLogs:\n          - {TimeGenerated: -30m, ResultType: \"50126\", UserPrincipalName: ada@x.example}\n      \
    at: +0m\n      expect:\n        alerts: [{rule: Brute force, AlertSeverity: High}]\n        incidents: [{Title: Brute force}]"
)]
pub(super) struct Arguments {
    /// Files of tests, and folders of them.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Runs only the cases whose name contains this.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Writes what came out into the files, in the place of what was expected; cases with parameters are left alone.
    #[arg(long)]
    update: bool,
    /// Names the rules without a test, and the conditions of each `where` that no record made true, or none false.
    #[arg(long)]
    coverage: bool,
    /// Changes the rules a little (a condition dropped, a comparison turned, a span of time doubled, a threshold moved)
    /// and names the changes that no test notices.
    #[arg(long)]
    mutate: bool,
    /// Follows the record that has this text in a column, and names the operator or condition that drops it.
    #[arg(long, value_name = "ID")]
    why: Option<String>,
    #[arg(long, alias = "format", value_enum, value_name = "FORMAT", default_value_t = Format::Full)]
    output_format: Format,
    #[command(flatten)]
    given: Given,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Full,
    Json,
    Github,
    Sarif,
    Junit,
}

/// A file of tests and what became of it.
struct Tested {
    input: Input,
    /// Why it could not be run at all.
    problems: Vec<Diagnostic>,
    cases: Vec<(Case, Verdict)>,
    rules: Vec<Rule>,
    scenario: Scenario,
    /// What `--coverage`, `--mutate` and `--why` found.
    findings: Vec<Finding>,
    /// The rule files that it is about.
    about: Vec<String>,
}

/// Something worth knowing about a line of a rule.
struct Finding {
    /// The rule's file.
    source: Input,
    span: Span,
    message: String,
    /// It is something to mend.
    counts: bool,
}

pub(super) fn run(arguments: &Arguments, global: &Global, console: &Console) -> Result<Outcome, Stop> {
    let config = Config::load(global.config.as_deref())?;
    let here = [PathBuf::from(".")];
    let paths = match (arguments.paths.is_empty(), config.rules.is_empty()) {
        (false, _) => &arguments.paths[..],
        (true, false) => &config.rules[..],
        (true, true) => &here[..],
    };
    let files: Vec<PathBuf> = input::files(paths, &["yaml", "yml"])?;
    let files: Vec<_> = files.into_iter().filter(|path| is_test(path) || arguments.paths.contains(path)).collect();
    if files.is_empty() {
        return Err(
            Stop::failure("there is nothing to test").help("name files that end in .test.yaml, or folders of them")
        );
    }
    let mut all = Vec::new();
    for path in files {
        let tested = test(&path, arguments, &config, console)?;
        // What is accepted is run once more: what is told then is what there is.
        let accepted = arguments.update && update(&tested, &path, console)?;
        all.push(if accepted { test(&path, arguments, &config, console)? } else { tested });
    }
    if let Some(text) = &arguments.filter
        && all.iter().all(|file| file.cases.is_empty() && file.problems.is_empty())
    {
        return Err(
            Stop::failure(format!("no case has a name that contains '{text}'")).help("leave --filter out, or say less")
        );
    }
    if arguments.coverage {
        untested(paths, &mut all)?;
    }
    let mut output = Output::stdout();
    output.text(&report::report(&all, arguments.output_format, console.result_style()))?;
    output.finish()?;
    let broken = |file: &Tested| {
        !file.problems.is_empty() || file.cases.iter().any(|(_, v)| !v.problems.is_empty() || !v.failed.is_empty())
    };
    if all.iter().any(broken) {
        return Err(Stop::failure("not every test could be run"));
    }
    let fails = |(_, verdict): &(Case, Verdict)| !verdict.passed();
    let found = all.iter().flat_map(|file| &file.findings).any(|finding| finding.counts);
    Ok(if found || all.iter().flat_map(|file| &file.cases).any(fails) { Outcome::Found } else { Outcome::Clean })
}

/// Adds the rules that no test is about.
fn untested(paths: &[PathBuf], all: &mut [Tested]) -> Result<(), Stop> {
    let tested: Vec<PathBuf> =
        all.iter().flat_map(|file| &file.about).filter_map(|path| fs::canonicalize(path).ok()).collect();
    let folders: Vec<PathBuf> = paths.iter().filter(|path| path.is_dir()).cloned().collect();
    let rules = RuleFiles::read(&folders)?;
    let Some(last) = all.last_mut() else { return Ok(()) };
    for path in rules.names().filter(|path| !fs::canonicalize(path).is_ok_and(|path| tested.contains(&path))) {
        let message = "no test is about this rule".to_string();
        let source = Input { name: path.to_string(), text: String::new() };
        last.findings.push(Finding { source, span: Span::default(), message, counts: true });
    }
    Ok(())
}

/// Runs the cases of a file.
fn test(path: &Path, arguments: &Arguments, config: &Config, console: &Console) -> Result<Tested, Stop> {
    let input = input::file(path)?;
    let nothing = |input: Input, problems| Tested {
        input,
        problems,
        cases: Vec::new(),
        rules: Vec::new(),
        scenario: Scenario::default(),
        findings: Vec::new(),
        about: Vec::new(),
    };
    let scenario = match scenario::read(&input.text) {
        Ok(scenario) => scenario,
        Err(problems) => return Ok(nothing(input, problems)),
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let rule_paths = match rule_paths(&scenario, path, folder) {
        Ok(paths) => paths,
        Err(problems) => return Ok(nothing(input, problems)),
    };
    let files = RuleFiles::read(&rule_paths)?;
    files.tell(console);
    let mut problems = Vec::new();
    if files.is_faulty() {
        problems.push(
            Diagnostic::error("AQ654", Span::default(), "a rule of these tests cannot be read")
                .help("mend what is told of it"),
        );
    }
    let mut creation = files.creation();
    for product in &scenario.create_incidents {
        match creation::rules_of(&product.value, &scenario.assumptions) {
            Some(rules) => creation.extend(rules),
            None => {
                let message = format!("no connector makes incidents for '{}'", product.value);
                problems.push(Diagnostic::error("AQ651", product.span, message).help(creation::remedy()));
            }
        }
    }
    if !problems.is_empty() {
        return Ok(nothing(input, problems));
    }
    let rules = files.rules();
    let opened = surroundings(&rules, arguments, config)?;
    let load = |table: &str, item: &Node| load(table, item, folder);
    let context = Context {
        rules: &rules,
        creation: &creation,
        catalog: opened.catalog.clone(),
        tables: opened.items(),
        load: &load,
    };
    let mut cases = Vec::new();
    let wanted = |case: &&Case| arguments.filter.as_ref().is_none_or(|text| case.name.contains(text.as_str()));
    for case in scenario.cases.iter().filter(wanted) {
        let verdict = scenario::run(&scenario, case, &context);
        for (rule, failure) in verdict.failed.iter().filter_map(|(place, f)| Some((rules.get(*place)?, f))) {
            files.failed(rule, failure, console);
        }
        cases.push((case.clone(), verdict));
    }
    let chosen: Vec<&Case> = scenario.cases.iter().filter(wanted).collect();
    let findings = findings(arguments, &scenario, &chosen, &context, &files);
    let about = files.names().map(str::to_string).collect();
    Ok(Tested { input, problems, cases, rules, scenario, findings, about })
}

/// Looks closer at the rules, as far as the user asks for it.
fn findings(
    arguments: &Arguments,
    scenario: &Scenario,
    cases: &[&Case],
    context: &Context,
    files: &RuleFiles,
) -> Vec<Finding> {
    let finding = |rule: usize, span: Span, message: String, counts: bool| {
        let source = files.source(rule).cloned().unwrap_or(Input { name: String::new(), text: String::new() });
        Finding { source, span, message, counts }
    };
    let mut all = Vec::new();
    if arguments.coverage {
        for condition in scenario::coverage(scenario, cases, context) {
            let never = match (condition.was_true, condition.was_false) {
                (true, true) => continue,
                (true, false) => "false",
                (false, true) => "true",
                (false, false) => "looked at",
            };
            let message = format!("`{}` was never {never}", condition.text);
            all.push(finding(condition.rule, condition.span, message, true));
        }
    }
    if arguments.mutate {
        let Mutation { survivors, count, failing } = scenario::survivors(scenario, cases, context);
        if failing > 0 {
            let these =
                if failing == 1 { "1 case that fails notices" } else { &format!("{failing} cases that fail notice") };
            all.push(finding(0, Span::default(), format!("{these} no change: mend the tests first"), false));
        }
        let noticed = count - survivors.len();
        for mutant in survivors {
            all.push(finding(mutant.rule, mutant.span, format!("no test notices: {}", mutant.change), true));
        }
        if count > 0 {
            let message = format!("{noticed} of {count} changes are noticed");
            all.push(finding(0, Span::default(), message, false));
        }
    }
    if let Some(id) = &arguments.why {
        for case in cases {
            for fate in scenario::why(id, scenario, case, context) {
                let (span, message) = ending(&fate.end);
                let now = ticks::format_datetime(fate.now);
                let message = format!("{}: in the run of {now} '{id}' {message}", case.name);
                all.push(finding(fate.rule, span, message, false));
            }
        }
    }
    all
}

/// Says where the way of a record ends.
fn ending(end: &End) -> (Span, String) {
    match end {
        End::Outside => (Span::default(), "is outside the window: look at its TimeGenerated and at queryPeriod".into()),
        End::Unseen => (Span::default(), "is in no record of the table that the query begins with".into()),
        End::Condition { text, span } => (*span, format!("is dropped by the condition `{text}`")),
        End::Operator { text, span } => (*span, format!("goes no further than `{text}`")),
        End::Result => (Span::default(), "is in the result".into()),
        End::Unknown => (Span::default(), "cannot be followed: the query is no pipeline, or does not run".into()),
    }
}

/// Returns the rule files of a file of tests: those that it names, else the one of its name.
fn rule_paths(scenario: &Scenario, path: &Path, folder: &Path) -> Result<Vec<PathBuf>, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut paths = Vec::new();
    for rule in scenario.rules.iter().flatten() {
        let path = folder.join(&rule.value);
        if !path.exists() {
            let problem = Diagnostic::error("AQ654", rule.span, format!("there is no file '{}'", path.display()));
            problems.push(problem.help("paths are relative to the folder of this file"));
        }
        paths.push(path);
    }
    if scenario.rules.is_none() {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let stem = name.rsplit_once(".test.").map_or(name.as_str(), |(stem, _)| stem);
        let beside = super::rule_files::ENDINGS.iter().map(|ending| folder.join(format!("{stem}.{ending}")));
        paths.extend(beside.filter(|path| path.is_file()));
        if paths.is_empty() && scenario.create_incidents.is_empty() {
            let message = format!("there is no rule '{stem}.yaml' beside this file");
            let help = "name rules with rules: [PATH], or connectors with create_incidents: [PRODUCT]";
            problems.push(Diagnostic::error("AQ654", Span::default(), message).help(help));
        }
    }
    if problems.is_empty() { Ok(paths) } else { Err(problems) }
}

/// Opens functions, watchlists and other places; the records are those of the tests alone.
fn surroundings(rules: &[Rule], arguments: &Arguments, config: &Config) -> Result<Opened, Stop> {
    let text: String = rules.iter().filter_map(Rule::query).map(|query| format!("{}\n", query.text)).collect();
    Sources::without_records(&arguments.given, config)?.open(&text)
}

/// Reads records that a test names: `{file: PATH}`, or `{sample: {rows: 100, seed: 7}}`.
fn load(table: &str, item: &Node, folder: &Path) -> Result<Table, String> {
    if let Some(file) = item.get("file").and_then(Node::as_text) {
        let path = folder.join(file).to_string_lossy().into_owned();
        let options = source::Options::default();
        let tables =
            source::open_all(&[(Some(table.to_string()), path)], &options).map_err(|error| error.to_string())?;
        let found = tables.first().ok_or_else(|| format!("'{file}' holds no records"))?;
        let mut batches = found.read();
        let columns = batches.columns().to_vec();
        let rows = (&mut batches).collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
        return Ok(Table { name: table.to_string(), columns, data: TableData::Batches(rows) });
    }
    let number = |key: &str, default: u64| match item.path(&["sample", key]).and_then(Node::as_text) {
        Some(text) => text.parse().map_err(|_| format!("'{text}' is no number for '{key}'")),
        None => Ok(default),
    };
    let default = sample::Options::default();
    let options =
        sample::Options { rows: number("rows", default.rows)?, seed: number("seed", default.seed)?, ..default };
    let (columns, _) = sample::table(table).ok_or_else(|| format!("there is no sample of {table}"))?;
    let rows =
        if table == "SecurityAlert" { sample::alerts(options).collect() } else { sample::incidents(options).collect() };
    Ok(Table { name: table.to_string(), columns, data: TableData::Batches(rows) })
}

/// Writes what came out into a file; tells whether it changed.
fn update(tested: &Tested, path: &Path, console: &Console) -> Result<bool, Stop> {
    let verdicts: Vec<(&Case, &Verdict)> = tested.cases.iter().map(|(case, verdict)| (case, verdict)).collect();
    let Some(text) = scenario::updated(&tested.input.text, &tested.scenario, &verdicts, &tested.rules) else {
        return Ok(false);
    };
    fs::write(path, text).map_err(|error| Stop::write(path.display(), &error))?;
    console.note(&format!("{}: updated", path.display()));
    Ok(true)
}

/// Makes what a machine reads of a failure.
fn diagnostic(failure: &scenario::Failure, case: &Case) -> Diagnostic {
    let problem = Diagnostic::error("AQ660", failure.span, format!("{}: {}", case.name, failure.message));
    problem.help(failure.diff.trim_end())
}
