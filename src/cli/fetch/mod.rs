//! `alertq fetch`: what Azure holds, as files that every other command reads.

mod lists;
mod log_analytics;
mod progress;
pub(super) mod session;

use clap::{Args, Subcommand};

use super::console::Console;
use super::stop::Stop;
use super::{Global, Outcome};

/// Downloads from Azure, complete or not at all. It only ever reads.
///
/// A download that was interrupted goes on where it stopped when the same command is run again; one that is complete
/// gets what is new. Tokens come from the identities that Azure's own tools use, see --identity; proxies are taken from
/// HTTPS_PROXY, roots of certificates from the system (or SSL_CERT_FILE in its place) and --ca-file.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  alertq fetch --preflight\n  \
                        alertq fetch log-analytics --workspace ID --from 2026-01-01 --out alerts/\n  \
                        alertq fetch log-analytics --workspace ID --from 2026-01-01 --to 2026-02-01 --dry-run\n  \
                        alertq query 'SecurityAlert | count' --data alerts/")]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: Option<What>,
    /// Says who is asking, what they see, and what is missing or off; the status is 1 if anything is.
    #[arg(long)]
    preflight: bool,
    /// For --preflight: a subscription, by its id or its name in alertq.toml. Default: all that are seen.
    #[arg(long, short, value_name = "ID", requires = "preflight")]
    subscription: Vec<String>,
    /// For --preflight: a workspace, by its resource id, its id, or its name in alertq.toml.
    #[arg(long, short, value_name = "ID", requires = "preflight")]
    workspace: Vec<String>,
    #[command(flatten)]
    session: session::Access,
}

#[derive(Debug, Subcommand)]
enum What {
    LogAnalytics(log_analytics::Arguments),
    Defender(lists::Defender),
    Incidents(lists::Incidents),
    Rules(lists::Rules),
    Watchlists(lists::Watchlists),
}

pub(super) fn run(arguments: &Arguments, global: &Global, console: &Console) -> Result<Outcome, Stop> {
    let session = session::Session::new(&arguments.session, global, console)?;
    match &arguments.what {
        Some(What::LogAnalytics(arguments)) => log_analytics::run(arguments, &session),
        Some(What::Defender(arguments)) => lists::defender(arguments, &session),
        Some(What::Incidents(arguments)) => lists::incidents(arguments, &session),
        Some(What::Rules(arguments)) => lists::rules(arguments, &session),
        Some(What::Watchlists(arguments)) => lists::watchlists(arguments, &session),
        None if arguments.preflight => lists::preflight(&arguments.subscription, &arguments.workspace, &session),
        None => Err(Stop::failure("it is not said what to fetch")
            .help("log-analytics, defender, incidents, rules or watchlists; or --preflight")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn everything_that_is_fetched_has_examples() {
        #[derive(clap::Parser)]
        struct Fetch {
            #[command(flatten)]
            _arguments: super::Arguments,
        }
        let mut command = Fetch::command();
        command.build();
        for subcommand in command.get_subcommands().filter(|s| s.get_name() != "help") {
            let examples = subcommand.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(examples.contains("alertq fetch "), "{} has no examples", subcommand.get_name());
        }
    }
}
