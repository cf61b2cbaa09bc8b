//! `alertq lints`: what `check` looks for in queries that are valid.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::Global;
use super::Outcome;
use super::config::Config;
use super::output::Output;
use super::stop::Stop;
use crate::lint::{self, LINTS, Level, Levels, Lint, UnknownLint};

/// Lists the lints: what they find, why, an example of it, and how much it matters here.
///
/// The level of a lint is `allow`, `information`, `warning` or `error`; [lints] of alertq.toml sets it. A comment
/// `// alertq: allow NAME` allows it on its line, or on the next where it stands alone; `// alertq: allow-file NAME` in the whole text.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  alertq lints\n  alertq lints take-without-sort\n  alertq lints --format json")]
pub(super) struct Arguments {
    /// Explains this one: a name, or a code.
    name: Option<String>,
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Markdown,
}

pub(super) fn run(arguments: &Arguments, global: &Global) -> Result<Outcome, Stop> {
    let levels = Config::load(global.config.as_deref())?.lints;
    let chosen: Vec<&Lint> = match &arguments.name {
        None => LINTS.to_vec(),
        Some(name) => vec![lint::find(name).ok_or_else(|| {
            let unknown = UnknownLint(name.clone());
            Stop::failure(&unknown).help(unknown.help())
        })?],
    };
    let text: String = match arguments.format {
        Format::Json => format!("{:#}\n", Value::Array(chosen.iter().map(|lint| object(lint, &levels)).collect())),
        Format::Markdown => chosen.iter().map(|lint| markdown(lint, &levels)).collect::<Vec<_>>().join("\n"),
        Format::Text if arguments.name.is_some() => chosen.iter().map(|lint| page(lint, &levels)).collect(),
        Format::Text => chosen.iter().map(|lint| line(lint, &levels)).collect(),
    };
    let mut output = Output::stdout();
    output.text(&text)?;
    output.finish()?;
    Ok(Outcome::Clean)
}

fn line(lint: &Lint, levels: &Levels) -> String {
    format!("{}  {:27}  {:26}  {}\n", lint.code, lint.name, level(lint, levels), lint.what)
}

fn level(lint: &Lint, levels: &Levels) -> String {
    let [query, rule] = [false, true].map(|in_rule| levels.of(lint, in_rule));
    match (query, rule) {
        (query, rule) if query == rule => query.word().to_string(),
        (Level::Allow, rule) => format!("{} in rules", rule.word()),
        (query, rule) => format!("{}, {} in rules", query.word(), rule.word()),
    }
}

fn page(lint: &Lint, levels: &Levels) -> String {
    let indented = |text: &str| text.lines().map(|line| format!("    {}\n", shortened(line))).collect::<String>();
    format!(
        "{} {}: {}\n\n{}\n{}\n\nNot this:\n\n{}\nBut this:\n\n{}",
        lint.code,
        lint.name,
        level(lint, levels),
        lint.what,
        lint.why,
        indented(lint.bad),
        indented(lint.good)
    )
}

fn markdown(lint: &Lint, levels: &Levels) -> String {
    let fenced = |text: &str| text.lines().map(|line| format!("{}\n", shortened(line))).collect::<String>();
    format!(
        "## {} `{}`\n\n{} {}\n\nLevel: {}.\n\n```kql\n{}```\n\nBetter:\n\n```kql\n{}```\n",
        lint.code,
        lint.name,
        lint.what,
        lint.why,
        level(lint, levels),
        fenced(lint.bad),
        fenced(lint.good)
    )
}

/// Cuts a line that is only an example of length.
fn shortened(line: &str) -> String {
    const LONGEST: usize = 200;
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{} ...", line[..at].trim_end()),
        None => line.to_string(),
    }
}

fn object(lint: &Lint, levels: &Levels) -> Value {
    json!({
        "code": lint.code,
        "name": lint.name,
        "level": levels.of(lint, false).word(),
        "level_in_rules": levels.of(lint, true).word(),
        "what": lint.what,
        "why": lint.why,
        "bad": lint.bad,
        "good": lint.good,
        "kql_guard": lint.kql_guard,
    })
}
