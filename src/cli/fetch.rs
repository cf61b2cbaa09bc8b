//! `alertq fetch`: what to ask Log Analytics for.

use clap::Args;

use super::console::Console;
use super::output::Output;
use super::stop::Stop;
use super::{Global, Outcome, value};
use crate::fetch::{Request, Window, windows};
use crate::types::ticks;

/// More requests than this are a mistake in the options.
const MOST: usize = 100_000;

/// Prints the requests that pull a table from Log Analytics, as JSON lines: one for each window of time.
///
/// alertq opens no connection itself yet. Send each line as the body of a POST to
/// https://api.loganalytics.azure.com/v1/workspaces/WORKSPACE/query, keep each answer in a file, and give all of them to
/// `alertq convert` or --data: an answer that was cut off is refused by name, and its window can be asked for again with
/// a smaller --step.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  alertq fetch SecurityAlert --from 2026-01-01 --to 2026-01-08\n  \
                        alertq fetch SecurityIncident --from 2026-01-01 --to 2026-02-01 --step 7d")]
pub(super) struct Arguments {
    table: String,
    /// The first moment, inclusive.
    #[arg(long, value_name = "TIME", value_parser = value::instant)]
    from: i64,
    /// The last moment, exclusive.
    #[arg(long, value_name = "TIME", value_parser = value::instant)]
    to: i64,
    /// The length of a window.
    #[arg(long, value_name = "TIMESPAN", default_value = "1d", value_parser = step)]
    step: i64,
}

fn step(text: &str) -> Result<i64, String> {
    let step = ticks::parse_timespan(text).filter(|step| *step > 0);
    step.ok_or_else(|| format!("'{text}' is no length of time; say for example 6h or 1d"))
}

pub(super) fn run(arguments: &Arguments, _: &Global, console: &Console) -> Result<Outcome, Stop> {
    let whole = Window { from: arguments.from, to: arguments.to };
    if whole.from >= whole.to {
        return Err(Stop::failure("--to does not lie behind --from"));
    }
    let mut output = Output::stdout();
    let mut count = 0;
    for window in windows(whole, arguments.step) {
        count += 1;
        if count > MOST {
            return Err(Stop::failure(format!("these are more than {MOST} requests")).help("make --step larger"));
        }
        output.text(&format!("{}\n", Request::of_table(&arguments.table, window).body()))?;
    }
    output.finish()?;
    console.note(&format!("{count} requests"));
    Ok(Outcome::Clean)
}
