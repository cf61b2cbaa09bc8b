//! The command line: one file for each subcommand.
//!
//! This is the only room that prints, reads the environment or ends the process. Results go to standard output,
//! everything else to standard error.

mod anonymize;
mod check;
#[cfg(feature = "fetch")]
mod compare;
mod config;
mod console;
mod convert;
mod creation;
mod data;
mod declared;
#[cfg(feature = "fetch")]
mod fetch;
mod fmt;
mod functions;
mod input;
mod interrupt;
mod lints;
mod lsp;
mod output;
mod overwrite;
mod progress;
mod query;
#[cfg(feature = "fetch")]
mod remote;
mod replayed;
mod rule_files;
mod rules;
mod sample;
mod schema;
mod serve;
mod settle;
mod simulate;
mod stop;
mod stored;
mod surroundings;
mod test;
mod value;
mod verify;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use console::Console;
use stop::Stop;

/// Stack of the thread that does the work: expressions nest up to a limit, and unoptimised frames are large.
const STACK: usize = 256 << 20;

/// Runs KQL over security alerts on this machine: exact answers, or a refusal that says why.
#[derive(Debug, Parser)]
#[command(name = "alertq", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Everywhere")]
struct Global {
    /// Says when to use colours; `auto` also honours NO_COLOR.
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    color: Color,
    /// Leaves out notes and warnings; errors are still told.
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Sets the clock: what `now()` gives, and where `ago()` counts from. `set query_now` in a query wins.
    #[arg(long, global = true, value_name = "TIME", value_parser = value::instant)]
    now: Option<i64>,
    /// Reads this file in place of the `alertq.toml` found upward from the working directory.
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<PathBuf>,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    Query(Box<query::Arguments>),
    Check(check::Arguments),
    Rules(rules::Arguments),
    Fmt(fmt::Arguments),
    Convert(convert::Arguments),
    Schema(schema::Arguments),
    Sample(sample::Arguments),
    Anonymize(anonymize::Arguments),
    #[cfg(feature = "fetch")]
    Fetch(fetch::Arguments),
    #[cfg(feature = "fetch")]
    Compare(compare::Arguments),
    Serve(serve::Arguments),
    Functions(functions::Arguments),
    Lints(lints::Arguments),
    Lsp(lsp::Arguments),
    Test(test::Arguments),
    Simulate(simulate::Arguments),
    Verify(verify::Arguments),
}

/// How a command that could do its work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Nothing was found that is wrong.
    Clean,
    /// The work was done, and problems were found.
    Found,
}

/// Runs the command that the arguments name, and says with which status the process should end.
///
/// 0: done and nothing found. 1: done, and problems were found. 2: it could not be done.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody is left to be told that printing failed.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let console = Console::new(&cli.global);
    let worker = std::thread::Builder::new().name("alertq".into()).stack_size(STACK);
    let outcome = std::thread::scope(|scope| match worker.spawn_scoped(scope, || dispatch(&cli, &console)) {
        Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        Err(error) => Err(Stop::failure(format!("no thread could be started: {error}"))),
    });
    match outcome {
        Ok(Outcome::Clean) | Err(Stop::ClosedPipe) => ExitCode::SUCCESS,
        Ok(Outcome::Found) => ExitCode::from(1),
        Err(stop) => {
            console.stop(&stop);
            ExitCode::from(2)
        }
    }
}

fn dispatch(cli: &Cli, console: &Console) -> Result<Outcome, Stop> {
    let global = &cli.global;
    match &cli.command {
        Command::Query(arguments) => query::run(arguments, global, console),
        Command::Rules(arguments) => rules::run(arguments, console),
        Command::Check(arguments) => check::run(arguments, global, console),
        Command::Fmt(arguments) => fmt::run(arguments, console),
        Command::Convert(arguments) => convert::run(arguments, console),
        Command::Schema(arguments) => schema::run(arguments, console),
        Command::Sample(arguments) => sample::run(arguments, console),
        Command::Anonymize(arguments) => anonymize::run(arguments, console),
        #[cfg(feature = "fetch")]
        Command::Fetch(arguments) => fetch::run(arguments, global, console),
        #[cfg(feature = "fetch")]
        Command::Compare(arguments) => compare::run(arguments, global, console),
        Command::Serve(arguments) => serve::run(arguments, global, console),
        Command::Functions(arguments) => functions::run(arguments, console),
        Command::Lints(arguments) => lints::run(arguments, global),
        Command::Lsp(arguments) => lsp::run(arguments, global),
        Command::Test(arguments) => test::run(arguments, global, console),
        Command::Simulate(arguments) => simulate::run(arguments, global, console),
        Command::Verify(arguments) => verify::run(arguments, console),
    }
}

impl Global {
    /// Returns the clock: what was asked for, else that of this machine.
    fn clock(&self) -> i64 {
        self.now.unwrap_or_else(value::system_clock)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// Help is wrapped at this width where no terminal says another; an example that is wrapped cannot be copied.
    const HELP_WIDTH: usize = 100;

    #[test]
    fn declarations_are_sound_and_every_command_ends_with_examples() {
        let mut command = Cli::command();
        command.build();
        command.clone().debug_assert();
        let examples = subcommands(&command);
        assert!(examples.len() > 20, "{}", examples.len());
        for (name, examples) in examples {
            assert!(examples.contains("alertq "), "{name} has no examples");
            for line in examples.lines() {
                assert!(line.chars().count() <= HELP_WIDTH, "an example of {name} is too long: {line}");
            }
        }
    }

    /// Returns the names of all subcommands, and of theirs, and what their help ends with.
    fn subcommands(command: &clap::Command) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for subcommand in command.get_subcommands().filter(|s| s.get_name() != "help") {
            let examples = subcommand.get_after_help().map(ToString::to_string).unwrap_or_default();
            found.push((subcommand.get_name().to_string(), examples));
            found.extend(subcommands(subcommand));
        }
        found
    }
}
