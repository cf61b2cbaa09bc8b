//! The options that set how much lints matter.

use clap::Args;

use crate::cli::config::Config;
use crate::cli::stop::Stop;
use crate::lint::{Level, Levels};
use crate::rules::checks;

/// Levels of lints; they win over `[lints]` of alertq.toml.
#[derive(Debug, Args)]
#[command(next_help_heading = "Lints")]
pub(super) struct Lints {
    /// Does not tell what this lint, or this check of rules, finds; `all` are all lints. `alertq lints` lists both.
    #[arg(long, value_name = "LINT")]
    allow: Vec<String>,
    /// Makes a warning of what this lint finds.
    #[arg(long, value_name = "LINT")]
    warn: Vec<String>,
    /// Makes an error of what this lint finds.
    #[arg(long, value_name = "LINT")]
    deny: Vec<String>,
}

impl Lints {
    /// Returns the levels that hold: what is said of one lint wins over what is said of all, and the stricter word over
    /// the other.
    pub(super) fn levels(&self, config: &Config) -> Result<(Levels, checks::Levels), Stop> {
        let (mut levels, mut checks) = (config.lints.clone(), config.checks.clone());
        let lists = [(&self.allow, Level::Allow), (&self.warn, Level::Warning), (&self.deny, Level::Error)];
        for all in [true, false] {
            for (names, level) in lists {
                for name in names.iter().filter(|name| (*name == "all") == all) {
                    if checks.set(name, level) {
                        continue;
                    }
                    levels.set(name, level).map_err(|unknown| Stop::failure(&unknown).help(unknown.help()))?;
                }
            }
        }
        Ok((levels, checks))
    }
}
