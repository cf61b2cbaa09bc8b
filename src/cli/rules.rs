//! `alertq rules`: analytics rules from one form of file to another, and what a folder holds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::Outcome;
use super::console::Console;
use super::input::{self, Input};
use super::output::Output;
use super::overwrite::{self, Wanted};
use super::rule_files::no_rule;
use super::stop::Stop;
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::rules::checks::twins;
use crate::rules::form::{self, Reading};
use crate::rules::model::Form;
use crate::rules::{Rule, write};

/// Lists analytics rules, and converts them between YAML, ARM templates, answers of the API and Terraform.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  alertq rules list rules/\n  alertq rules convert export.json --to yaml --out rules/\n  \
                        alertq rules convert rules/ --to arm --out template.json"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(List),
    Convert(Convert),
}

/// Lists the rules of files and folders: kind, whether they run, when, and their names.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  alertq rules list rules/\n  alertq rules list export.json --format json")]
struct List {
    /// Files of rules, and folders of them; `-` is standard input.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    #[arg(long, alias = "output-format", value_enum, value_name = "FORMAT", default_value_t = ListFormat::Text)]
    format: ListFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ListFormat {
    /// One line for each rule.
    Text,
    /// An array of objects.
    Json,
}

/// Writes rules in another form, with nothing of them lost.
///
/// Keys that are not known are told and kept; comments outside of queries stay behind. Expressions of templates that
/// their parameters and variables answer are written as what they are. A file with an error is not converted: the others
/// are, and the status is 1.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  alertq rules convert export.json --to yaml --out rules/\n  \
                        alertq rules convert rules/ main.tf --to arm --out template.json\n  \
                        alertq rules convert rule.yaml --to arm\n  alertq rules convert rules/ --to rest --out rules.json\n  \
                        alertq rules convert rules/ --to terraform --out rules.tf")]
struct Convert {
    /// Files of rules, and folders of them; `-` is standard input.
    #[arg(value_name = "IN", required = true)]
    paths: Vec<PathBuf>,
    #[arg(long, value_enum, value_name = "FORM")]
    to: Target,
    /// A folder for YAML, which takes one file for each rule; a file for the others. Without it: standard output.
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    /// As in the Azure-Sentinel repository.
    Yaml,
    /// One template with all rules, as the portal exports them.
    Arm,
    /// One list with all rules, as the REST API answers.
    Rest,
    /// One file of resources of Terraform's provider azurerm; the rules of other kinds than Scheduled, NRT and
    /// MicrosoftSecurityIncidentCreation are told.
    Terraform,
}

pub(super) fn run(arguments: &Arguments, console: &Console) -> Result<Outcome, Stop> {
    match &arguments.command {
        Command::List(arguments) => list(arguments, console),
        Command::Convert(arguments) => convert(arguments, console),
    }
}

/// A file and the rules in it.
struct File {
    input: Input,
    reading: Reading,
}

/// Reads the rules of files and folders; tells problems, and whether some file could not be read as rules.
fn read(paths: &[PathBuf], console: &Console) -> Result<(Vec<File>, Outcome), Stop> {
    let (mut files, mut outcome) = (Vec::new(), Outcome::Clean);
    let found = input::files(paths, &form::ENDINGS)?;
    if found.is_empty() {
        return Err(no_rule());
    }
    for path in found {
        let input = input::file(&path)?;
        let (reading, diagnostics) = match form::read_with(&path, &input.text, &|other| input::beside(&path, other)) {
            Ok(Some(mut reading)) => {
                let problems = std::mem::take(&mut reading.problems);
                (Some(reading), problems)
            }
            Ok(None) if paths.contains(&path) => {
                let problems = vec![form::unread(&path, &input.text)];
                return Err(Stop::Problems { path: input.name, text: input.text, problems });
            }
            Ok(None) => continue,
            Err(problems) => (None, problems),
        };
        let broken = diagnostics.iter().any(|problem| problem.severity == Severity::Error);
        let told: Vec<_> = diagnostics.into_iter().filter(|d| d.severity != Severity::Information).collect();
        if !told.is_empty() {
            console.problems(&input.name, &input.text, &told);
        }
        if broken {
            outcome = Outcome::Found;
        } else if let Some(reading) = reading {
            files.push(File { input, reading });
        }
    }
    Ok((files, outcome))
}

/// Fails where there is no rule to go on with, whether there is none or none that can be read: what is wrong has been told.
fn refuse_nothing(files: &[File]) -> Result<(), Stop> {
    if files.iter().all(|file| file.reading.rules.is_empty()) { Err(no_rule()) } else { Ok(()) }
}

fn list(arguments: &List, console: &Console) -> Result<Outcome, Stop> {
    let (files, outcome) = read(&arguments.paths, console)?;
    refuse_nothing(&files)?;
    let rules = files.iter().flat_map(|file| file.reading.rules.iter().map(|rule| (&file.input.name, rule)));
    let text = match arguments.format {
        ListFormat::Text => rules.map(|(path, rule)| line(path, rule)).collect(),
        ListFormat::Json => {
            let rules: Vec<_> = rules.map(|(path, rule)| object(path, rule)).collect();
            format!("{}\n", json!(rules))
        }
    };
    save(None, &text)?;
    Ok(outcome)
}

/// Says when a rule runs.
fn pace(rule: &Rule) -> String {
    let schedule = rule.schedule();
    match schedule.and_then(|schedule| Some((schedule.frequency?.value, schedule.period?.value))) {
        Some((frequency, period)) => format!("every {frequency} over {period}"),
        None => "-".to_string(),
    }
}

fn line(path: &str, rule: &Rule) -> String {
    let state = if rule.is_enabled() { "on" } else { "off" };
    format!("{:<34} {state:<3} {:<22} {}  ({path})\n", rule.kind().word(), pace(rule), rule.title())
}

fn object(path: &str, rule: &Rule) -> serde_json::Value {
    let detection = rule.detection();
    json!({
        "path": path,
        "id": rule.id.as_ref().map(|id| &id.value),
        "kind": rule.kind().word(),
        "name": rule.name.as_ref().map(|name| &name.value),
        "enabled": rule.is_enabled(),
        "severity": detection.and_then(|detection| detection.severity).map(|severity| severity.value.word()),
        "queryFrequency": rule.schedule().and_then(|s| s.frequency).map(|f| f.value.short()),
        "queryPeriod": rule.schedule().and_then(|s| s.period).map(|p| p.value.short()),
    })
}

fn convert(arguments: &Convert, console: &Console) -> Result<Outcome, Stop> {
    let (files, mut outcome) = read(&arguments.paths, console)?;
    refuse_nothing(&files)?;
    let rules: Vec<&Rule> = files.iter().flat_map(|file| &file.reading.rules).collect();
    let mut left = Vec::new();
    let text = match arguments.to {
        Target::Yaml => {
            let documents: Vec<String> = rules.iter().map(|rule| write::yaml::write(rule)).collect();
            documents.join("---\n")
        }
        Target::Arm => write::arm::write(&rules),
        Target::Rest => write::rest::write(&rules),
        Target::Terraform => {
            let (text, unwritten) = write::terraform::write(&rules);
            left = unwritten;
            text
        }
    };
    let read = || input::files(&arguments.paths, &form::ENDINGS);
    match (arguments.to, &arguments.out) {
        (Target::Yaml, Some(folder)) if folder != Path::new("-") => {
            let paths: Vec<PathBuf> = named(&rules).iter().map(|(name, _)| folder.join(name)).collect();
            let results: Vec<Wanted> = paths.iter().map(|path| ("--out", path.as_path())).collect();
            overwrite::refuse(&results, read()?)?;
            fs::create_dir_all(folder).map_err(|error| Stop::write(folder.display(), &error))?;
            for (name, rule) in named(&rules) {
                save(Some(&folder.join(name)), &write::yaml::write(rule))?;
            }
        }
        (_, path) => {
            let results: Vec<Wanted> = path.iter().map(|path| ("--out", path.as_path())).collect();
            overwrite::refuse(&results, read()?)?;
            save(path.as_deref(), &text)?;
        }
    }
    let by_file = files.iter().map(|file| (file.input.name.as_str(), file.reading.rules.as_slice()));
    for (number, problem) in twins(by_file) {
        let File { input, .. } = &files[number];
        console.problems(&input.name, &input.text, &[problem]);
        outcome = Outcome::Found;
    }
    for rule in &left {
        console.note(&format!(
            "'{}' is left out: rules of kind {} are not written as Terraform; use --to arm",
            rule.title(),
            rule.kind().word()
        ));
        outcome = Outcome::Found;
    }
    for file in &files {
        let open: Vec<_> = file.reading.rules.iter().flat_map(|rule| foreign(rule, arguments.to)).collect();
        if !open.is_empty() {
            console.problems(&file.input.name, &file.input.text, &open);
            outcome = Outcome::Found;
        }
    }
    if let Some(path) = arguments.out.as_ref().filter(|path| *path != Path::new("-")) {
        let count = rules.len() - left.len();
        let s = if count == 1 { "" } else { "s" };
        console.note(&format!("{count} rule{s} written to {}", path.display()));
    }
    Ok(outcome)
}

/// Tells what only the language of its file can answer, and stands as a text in another.
fn foreign(rule: &Rule, to: Target) -> Vec<Diagnostic> {
    let (same, language) = match rule.form {
        Form::Terraform => (to == Target::Terraform, "Terraform"),
        _ => (to == Target::Arm, "the template"),
    };
    let open = if same { Vec::new() } else { rule.document.open() };
    let problem = |(span, text): (Span, &str)| {
        let message = format!("'{text}' is an expression of {language}, and is written as a text");
        Diagnostic::warning("AQ515", span, message).help("put its value there, before or after")
    };
    open.into_iter().map(problem).collect()
}

/// Writes a text to standard output or into a file, which appears whole or not at all.
fn save(path: Option<&Path>, text: &str) -> Result<(), Stop> {
    let mut output = Output::open(path)?;
    output.text(text)?;
    output.finish()
}

/// Gives each rule a file named as the rule, and a number where two have one name.
fn named<'a>(rules: &[&'a Rule]) -> Vec<(String, &'a Rule)> {
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    let name = |rule: &&'a Rule| {
        let letters = rule.title().chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect::<String>();
        let stem: String = letters.split_whitespace().collect::<Vec<_>>().join("_").chars().take(100).collect();
        let stem = if stem.is_empty() { "rule".to_string() } else { stem };
        let count = taken.entry(stem.to_lowercase()).or_insert(0);
        *count += 1;
        let number = if *count > 1 { format!("_{count}") } else { String::new() };
        (format!("{stem}{number}.yaml"), *rule)
    };
    rules.iter().map(name).collect()
}
