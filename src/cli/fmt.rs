//! `alertq fmt`: one layout for all queries.

mod comments;
mod rule;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::Outcome;
use super::console::Console;
use super::input::{self, Input};
use super::output::Output;
use super::stop::Stop;
use crate::diagnostic::Diagnostic;
use crate::{rules, syntax};

/// Lays queries out in the one canonical way.
///
/// Files are changed in place; `-`, or no path at all, reads standard input and prints the result. In the YAML of a rule
/// only the block of the query changes. A text that has syntax errors, or a name that has no effect (`where a = 1`), is left as it is.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  echo 'SecurityAlert|where  AlertSeverity==\"High\"|count' | alertq fmt\n  \
                        alertq fmt queries/ rules/\n  alertq fmt --check queries/\n  \
                        alertq fmt --stdout rule.yaml")]
pub(super) struct Arguments {
    /// Files, and folders of them; `-` is standard input.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Changes nothing; names the files that would change, and ends with status 1 if there are any.
    #[arg(long)]
    check: bool,
    /// Changes files in place, as without it: for those who like to say so.
    #[arg(long, conflicts_with_all = ["check", "stdout"])]
    write: bool,
    /// Prints what files would become, and changes none.
    #[arg(long, conflicts_with = "check")]
    stdout: bool,
}

/// Why a text keeps its layout.
#[derive(Debug)]
pub(super) enum Kept {
    /// It has syntax errors, or means something else than it says.
    Errors(Vec<Diagnostic>),
    /// Something about it; and what to do.
    Because(&'static str, &'static str),
    /// It is no query and no rule.
    Other,
}

pub(super) fn run(arguments: &Arguments, console: &Console) -> Result<Outcome, Stop> {
    let stdin = [PathBuf::from("-")];
    let paths = if arguments.paths.is_empty() { &stdin[..] } else { &arguments.paths };
    let mut formatter = Formatter { arguments, console, output: Output::stdout(), outcome: Outcome::Clean, kept: 0 };
    let files = input::files(paths, &["kql", "csl", "yaml", "yml"])?;
    if files.is_empty() {
        return Err(Stop::failure("no query and no rule was found there")
            .help("queries end in .kql or .csl, rules with queries in .yaml"));
    }
    for path in files {
        formatter.file(&path, paths.contains(&path))?;
    }
    formatter.output.finish()?;
    match formatter.kept {
        0 => Ok(formatter.outcome),
        1 => Err(Stop::failure("1 text was left as it is")),
        kept => Err(Stop::failure(format!("{kept} texts were left as they are"))),
    }
}

struct Formatter<'a> {
    arguments: &'a Arguments,
    console: &'a Console,
    output: Output,
    outcome: Outcome,
    /// How many texts could not be laid out.
    kept: usize,
}

impl Formatter<'_> {
    /// Lays out a file; `named` tells whether the user named it, and did not only name its folder.
    fn file(&mut self, path: &Path, named: bool) -> Result<(), Stop> {
        let input = input::file(path)?;
        match layout_file(&input) {
            Ok(laid_out) => self.put(path, &input, &laid_out),
            Err(Kept::Other) if !named => Ok(()),
            Err(kept) => {
                self.kept += 1;
                self.console.stop(&kept.stop(input));
                Ok(())
            }
        }
    }

    fn put(&mut self, path: &Path, input: &Input, laid_out: &str) -> Result<(), Stop> {
        let same = laid_out == input.text;
        if self.arguments.check {
            if !same {
                self.outcome = Outcome::Found;
                self.output.text(&format!("{}\n", input.name))?;
            }
        } else if self.arguments.stdout || input.name == input::STDIN {
            self.output.text(laid_out)?;
        } else if !same {
            let mut file = Output::open(Some(path))?;
            file.write_all(laid_out.as_bytes()).map_err(|error| Stop::write(&input.name, &error))?;
            file.finish()?;
            self.console.note(&format!("{}: changed", input.name));
        }
        Ok(())
    }
}

impl Kept {
    fn stop(self, input: Input) -> Stop {
        match self {
            Kept::Errors(problems) => Stop::Problems { path: input.name, text: input.text, problems },
            Kept::Because(why, help) => Stop::failure(format!("{}: {why}", input.name)).help(help),
            Kept::Other => Stop::failure(format!("{} is no query and no rule", input.name)),
        }
    }
}

fn layout_file(input: &Input) -> Result<String, Kept> {
    let is_yaml = Path::new(&input.name).extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
    if is_yaml { rule::layout(&input.text) } else { layout(&input.text) }
}

/// Lays out a query, or several with an empty line between them, with the ends of line that they have.
pub(super) fn layout(text: &str) -> Result<String, Kept> {
    let Some(queries) = rules::queries::several(text) else { return layout_query(text) };
    let mut laid_out = Vec::new();
    for query in &queries {
        laid_out.push(layout_query(&query.text).map_err(|kept| match kept {
            Kept::Errors(problems) => Kept::Errors(problems.into_iter().map(|p| query.in_file(p)).collect()),
            because => because,
        })?);
    }
    Ok(laid_out.join(if text.contains("\r\n") { "\r\n" } else { "\n" }))
}

fn layout_query(text: &str) -> Result<String, Kept> {
    let parsed = syntax::parse(text);
    // A name without effect is not in the tree, so it would be gone.
    if parsed.problems.iter().any(|problem| problem.is_error() || problem.code == "AQ006") {
        return Err(Kept::Errors(parsed.problems));
    }
    let laid_out = comments::layout(text, &parsed.query).ok_or(Kept::Because(
        "a comment has no place in the canonical layout",
        "move it to a line of its own before a statement",
    ))?;
    Ok(if text.contains("\r\n") { laid_out.replace('\n', "\r\n") } else { laid_out })
}

/// Lays out the query of a rule in YAML, and leaves every other byte of the file.
pub(super) fn layout_rule(file: &str) -> Result<String, Kept> {
    rule::layout(file)
}
