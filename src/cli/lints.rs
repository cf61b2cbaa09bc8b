//! `alertq lints`: what `check` looks for in queries that are valid.

use clap::Args;
use serde_json::{Value, json};

use super::Global;
use super::Outcome;
use super::config::Config;
use super::output::Output;
use super::stop::Stop;
use super::value::Listing;
use crate::lint::{self, LINTS, Level, Levels, Lint, UnknownLint};
use crate::rules::checks::{self, Check};

/// Lists the lints of queries and the checks of rules: what they find, why, an example of it, and how much it matters here.
///
/// The level of a lint is `allow`, `information`, `warning` or `error`; [lints] of alertq.toml sets it. A comment
/// `// alertq: allow NAME` allows it on its line, or on the next where it stands alone; `// alertq: allow-file NAME` in the whole text.
/// In rule files the comment is `# alertq: allow NAME`, and checks of rules have levels in the same way.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  alertq lints\n  alertq lints take-without-sort\n  alertq lints --format json")]
pub(super) struct Arguments {
    /// Explains this one: a name, or a code.
    name: Option<String>,
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Listing::Text)]
    format: Listing,
}

pub(super) fn run(arguments: &Arguments, global: &Global) -> Result<Outcome, Stop> {
    let levels = Config::load(global.config.as_deref())?.lints;
    let (chosen, checks): (Vec<&Lint>, Vec<&Check>) = match &arguments.name {
        None => (LINTS.to_vec(), checks::ALL.iter().collect()),
        Some(name) => (lint::find(name).into_iter().collect(), checks::find(name).into_iter().collect()),
    };
    if let (Some(name), true, true) = (&arguments.name, chosen.is_empty(), checks.is_empty()) {
        let unknown = UnknownLint(name.clone());
        return Err(Stop::failure(&unknown).help(unknown.help()));
    }
    let text: String = match arguments.format {
        Listing::Json => {
            let lints = chosen.iter().map(|lint| object(lint, &levels));
            format!("{:#}\n", Value::Array(lints.chain(checks.iter().map(|check| object_of_check(check))).collect()))
        }
        Listing::Markdown => {
            let lints = chosen.iter().map(|lint| markdown(lint, &levels));
            lints.chain(checks.iter().map(|check| markdown_of_check(check))).collect::<Vec<_>>().join("\n")
        }
        Listing::Text if arguments.name.is_some() => {
            let lints = chosen.iter().map(|lint| page(lint, &levels));
            lints.chain(checks.iter().map(|check| page_of_check(check))).collect()
        }
        Listing::Text => {
            let lints = chosen.iter().map(|lint| line(lint, &levels));
            lints.chain(checks.iter().map(|check| line_of_check(check))).collect()
        }
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

/// The keys of a rule that an example of a check sets; those that it takes away are said with `!`.
fn example(lines: &str) -> String {
    let line = |line: &str| match line.strip_prefix('!') {
        Some(key) => format!("# without {key}\n"),
        None => format!("{}\n", shortened(line)),
    };
    lines.lines().map(line).collect()
}

fn line_of_check(check: &Check) -> String {
    format!("{}  {:27}  {:26}  {}\n", check.code, check.name, "check of rules", check.why)
}

fn page_of_check(check: &Check) -> String {
    let indented = |text: &str| example(text).lines().map(|line| format!("    {line}\n")).collect::<String>();
    let Check { code, name, why, bad, good, .. } = check;
    format!("{code} {name}: check of rules\n\n{why}\n\nNot this:\n\n{}\nBut this:\n\n{}", indented(bad), indented(good))
}

fn markdown_of_check(check: &Check) -> String {
    let Check { code, name, why, bad, good, .. } = check;
    let (bad, good) = (example(bad), example(good));
    format!("## {code} `{name}`\n\n{why}\n\nA check of rules.\n\n```yaml\n{bad}```\n\nBetter:\n\n```yaml\n{good}```\n")
}

fn object_of_check(check: &Check) -> Value {
    json!({"code": check.code, "name": check.name, "of": "rules", "why": check.why, "bad": check.bad, "good": check.good})
}
