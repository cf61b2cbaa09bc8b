//! `alertq fmt`: one layout for all queries.

mod comments;

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::Outcome;
use super::console::Console;
use super::input::{self, Input};
use super::output::Output;
use super::stop::Stop;
use crate::diagnostic::Diagnostic;
use crate::syntax;

/// Lays queries out in the one canonical way.
///
/// Files are changed in place; `-`, or no path at all, reads standard input and prints the result. A text that has
/// syntax errors is left as it is.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  echo 'SecurityAlert|where  AlertSeverity==\"High\"|count' | alertq fmt\n  \
                        alertq fmt queries/\n  alertq fmt --check queries/")]
pub(super) struct Arguments {
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Changes nothing; names the files that would change, and ends with status 1 if there are any.
    #[arg(long)]
    check: bool,
}

pub(super) fn run(arguments: &Arguments, console: &Console) -> Result<Outcome, Stop> {
    let stdin = [PathBuf::from("-")];
    let paths = if arguments.paths.is_empty() { &stdin[..] } else { &arguments.paths };
    let mut outcome = Outcome::Clean;
    let mut output = Output::stdout();
    for path in input::files(paths, &["kql", "csl"])? {
        let input = input::file(&path)?;
        let laid_out = layout(&input)?;
        let same = laid_out == input.text;
        if arguments.check {
            if !same {
                outcome = Outcome::Found;
                output.text(&format!("{}\n", input.name))?;
            }
        } else if input.name == input::STDIN {
            output.text(&laid_out)?;
        } else if !same {
            let mut file = Output::open(Some(&path))?;
            file.write_all(laid_out.as_bytes()).map_err(|error| Stop::write(&input.name, &error))?;
            file.finish()?;
            console.note(&format!("{}: changed", input.name));
        }
    }
    output.finish()?;
    Ok(outcome)
}

fn layout(input: &Input) -> Result<String, Stop> {
    let parsed = syntax::parse(&input.text);
    if parsed.problems.iter().any(Diagnostic::is_error) {
        return Err(Stop::Problems { path: input.name.clone(), text: input.text.clone(), problems: parsed.problems });
    }
    comments::restore(&input.text, &syntax::print::query(&parsed.query)).ok_or_else(|| {
        Stop::failure(format!("{}: a comment has no place in the canonical layout", input.name))
            .help("move it to a line of its own before a statement")
    })
}
