//! `alertq functions`: what the library of functions holds, from the same values that the binder reads.

mod markdown;
mod operators;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::Outcome;
use super::console::Console;
use super::output::Output;
use super::stop::Stop;
use crate::diagnostic::nearest;
use crate::functions::aggregate::{self, Aggregate, CONDITIONAL, State};
use crate::functions::plugin::{self, Plugin, Run, Takes};
use crate::functions::{self, Function, Kernel, Kind, Parameter, Returns, Rule};
use operators::{OPERATORS, Operator};

/// Lists functions, aggregates, operators and plugins: signatures, examples, and whether alertq computes them.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  alertq functions\n  alertq functions parse_json\n  alertq functions --unsupported\n  \
                        alertq functions --format json\n  \
                        alertq functions --format markdown > reference.md"
)]
pub(super) struct Arguments {
    /// Tells all about this one.
    name: Option<String>,
    /// Lists only those that queries cannot use yet.
    #[arg(long, conflicts_with = "name")]
    unsupported: bool,
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    /// The whole reference as one page.
    Markdown,
    /// What is supported, as a table for each kind.
    Matrix,
}

/// What the listing tells of a function or an aggregate.
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    aliases: Vec<&'static str>,
    pub(super) summary: &'static str,
    signatures: Vec<String>,
    /// A query or an expression, and what it equals where that is told.
    examples: Vec<(&'static str, Option<&'static str>)>,
    supported: bool,
    page: Option<&'static str>,
}

pub(super) fn run(arguments: &Arguments, console: &Console) -> Result<Outcome, Stop> {
    let mut entries = entries();
    if let Some(name) = &arguments.name {
        let all = entries;
        entries = select(all, name)?;
    }
    entries.retain(|entry| !(arguments.unsupported && entry.supported));
    let text = match (arguments.format, &arguments.name) {
        (Format::Json, _) => format!("{:#}\n", Value::Array(entries.iter().map(Entry::json).collect())),
        (Format::Markdown, _) => markdown::reference(&entries),
        (Format::Matrix, _) => markdown::matrix(&entries),
        (Format::Text, Some(_)) => entries.iter().map(Entry::page).collect::<Vec<_>>().join("\n"),
        (Format::Text, None) => list(&entries, console.result_style().width),
    };
    let mut output = Output::stdout();
    output.text(&text)?;
    output.finish()?;
    Ok(Outcome::Clean)
}

/// Returns all that the library of functions holds, and the operators, by name.
pub(super) fn entries() -> Vec<Entry> {
    let named = functions::scalar_functions().into_iter().filter(|function| function.is_named());
    let mut entries: Vec<Entry> = named.map(Entry::function).collect();
    entries.extend(aggregate::aggregates().into_iter().map(Entry::aggregate));
    entries.extend(OPERATORS.iter().map(Entry::operator));
    entries.extend(plugin::plugins().into_iter().map(Entry::plugin));
    entries.sort_by_key(|entry| (entry.name, entry.kind));
    entries
}

fn select(entries: Vec<Entry>, name: &str) -> Result<Vec<Entry>, Stop> {
    let near = nearest(name, entries.iter().flat_map(Entry::names)).map(str::to_string);
    let found: Vec<Entry> = entries.into_iter().filter(|entry| entry.names().any(|known| known == name)).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let stop = Stop::failure(format!("there is no function and no operator '{name}' in KQL that alertq knows of"));
    Err(match near {
        Some(near) => stop.help(format!("did you mean '{near}'?")),
        None => stop.help("`alertq functions` lists them all"),
    })
}

fn list(entries: &[Entry], width: usize) -> String {
    let longest = entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for entry in entries {
        let state = if entry.supported { "" } else { "not supported yet: " };
        let line = format!("{:longest$}  {:9}  {state}{}", entry.name, entry.kind, entry.summary);
        let line = line.trim_end();
        if line.chars().count() > width {
            text.extend(line.chars().take(width.saturating_sub(1)).chain(['…']));
        } else {
            text.push_str(line);
        }
        text.push('\n');
    }
    text
}

impl Entry {
    fn function(function: &'static Function) -> Entry {
        let supported = function.overloads.iter().any(|overload| !matches!(overload.kernel, Kernel::Unbuilt));
        let overloads = function.overloads.iter();
        Entry {
            name: function.name,
            kind: "scalar",
            aliases: function.aliases.to_vec(),
            summary: function.summary,
            signatures: overloads.map(|o| signature(function.name, o.parameters, &o.returns)).collect(),
            examples: pairs(function.examples),
            supported,
            page: Some(function.page),
        }
    }

    fn aggregate(aggregate: &'static Aggregate) -> Entry {
        let conditional = CONDITIONAL.iter().filter(|(_, base, _)| *base == aggregate.name).map(|(name, _, _)| *name);
        let overloads = aggregate.overloads.iter();
        Entry {
            name: aggregate.name,
            kind: "aggregate",
            aliases: aggregate.aliases.iter().copied().chain(conditional).collect(),
            summary: aggregate.summary,
            signatures: overloads.map(|o| signature(aggregate.name, o.parameters, &o.returns)).collect(),
            examples: pairs(aggregate.examples),
            supported: aggregate.overloads.iter().any(|overload| !matches!(overload.state, State::Unbuilt)),
            page: Some(aggregate.page),
        }
    }

    fn operator(operator: &'static Operator) -> Entry {
        Entry {
            name: operator.name,
            kind: operator.kind,
            aliases: operator.aliases.to_vec(),
            summary: operator.summary,
            signatures: Vec::new(),
            examples: vec![(operator.example, None)],
            supported: operator.is_supported(),
            page: None,
        }
    }

    fn plugin(plugin: &'static Plugin) -> Entry {
        let call = |parameters: &[plugin::Parameter]| {
            let parameters: Vec<String> = parameters.iter().map(plugin_parameter).collect();
            format!("evaluate {}({})", plugin.name, parameters.join(", "))
        };
        Entry {
            name: plugin.name,
            kind: "plugin",
            aliases: Vec::new(),
            summary: plugin.summary,
            signatures: plugin.signatures.iter().map(|parameters| call(parameters)).collect(),
            examples: pairs(plugin.examples),
            supported: !matches!(plugin.run, Run::Refused(_)),
            page: Some(plugin.page),
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.clone())
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name,
            "kind": self.kind,
            "aliases": self.aliases,
            "summary": self.summary,
            "signatures": self.signatures,
            "examples": self.examples.iter().map(|(query, result)| json!([query, result])).collect::<Vec<_>>(),
            "supported": self.supported,
            "page": self.page,
        })
    }

    /// Tells what an editor shows: signatures, the meaning, an example.
    pub(super) fn hover(&self) -> String {
        let mut text = String::new();
        if !self.signatures.is_empty() {
            text.push_str(&format!("```kql\n{}\n```\n\n", self.signatures.join("\n")));
        }
        text.push_str(self.summary);
        if !self.supported {
            text.push_str("\n\nalertq does not compute it yet.");
        }
        if let Some((query, result)) = self.examples.first() {
            let result = result.map(|result| format!("\n// {result}")).unwrap_or_default();
            text.push_str(&format!("\n\n```kql\n{query}{result}\n```"));
        }
        text
    }

    fn page(&self) -> String {
        let mut text = format!("{} ({})\n  {}\n", self.name, self.kind, self.summary);
        if !self.supported {
            text.push_str("\nNot supported yet: queries that call it are refused.\n");
        }
        if !self.signatures.is_empty() {
            text.push_str("\nSignatures\n");
            text.extend(self.signatures.iter().map(|signature| format!("  {signature}\n")));
        }
        if !self.aliases.is_empty() {
            text.push_str(&format!("\nAlso\n  {}\n", self.aliases.join(", ")));
        }
        if !self.examples.is_empty() {
            text.push_str("\nExamples\n");
            for (query, result) in &self.examples {
                text.push_str(&format!("  {query}\n"));
                text.extend(result.map(|result| format!("    {result}\n")));
            }
        }
        text
    }
}

fn pairs(examples: &'static [(&'static str, &'static str)]) -> Vec<(&'static str, Option<&'static str>)> {
    examples.iter().map(|(query, result)| (*query, Some(*result))).collect()
}

fn signature(name: &str, parameters: &[Parameter], returns: &Returns) -> String {
    let parameters: Vec<String> = parameters.iter().map(parameter).collect();
    format!("{name}({}) -> {}", parameters.join(", "), result(returns))
}

fn parameter(parameter: &Parameter) -> String {
    let rule = match parameter.rule {
        Rule::Expression => "",
        Rule::Constant => "constant ",
        Rule::Literal => "literal ",
        Rule::Column => "column ",
    };
    marked(format!("{}: {rule}{}", parameter.name, taken(parameter.kind)), parameter.min, parameter.max)
}

/// Writes the parameter of a plugin.
fn plugin_parameter(parameter: &plugin::Parameter) -> String {
    let name = parameter.name;
    let written = match parameter.takes {
        Takes::Column(kind) => format!("{name}: column {}", taken(kind)),
        Takes::ColumnOfTable => format!("{name}: column of the table"),
        Takes::ColumnOfBoth => format!("{name}: column of both"),
        Takes::Constant(kind) => format!("{name}: constant {}", taken(kind)),
        Takes::Literal(kind) => format!("{name}: literal {}", taken(kind)),
        Takes::Expression(kind) => format!("{name}: {}", taken(kind)),
        Takes::Table => format!("{name}: table"),
        Takes::Aggregate => format!("{name}: aggregate"),
        Takes::Anything => name.to_string(),
    };
    marked(written, parameter.min, parameter.max)
}

/// Tells how many arguments a parameter takes.
fn marked(written: String, min: u16, max: u16) -> String {
    match (min, max) {
        (0, 1) => format!("[{written}]"),
        (_, 1) => written,
        (0, _) => format!("[{written}, ...]"),
        _ => format!("{written}, ..."),
    }
}

fn taken(kind: Kind) -> &'static str {
    match kind {
        Kind::Is(scalar_type) => scalar_type.name(),
        Kind::Text => "string or dynamic",
        Kind::AsText | Kind::Any => "any",
        Kind::Number | Kind::AsReal => "number",
        Kind::Integer => "int or long",
        Kind::Summable => "number, datetime or timespan",
        Kind::Orderable | Kind::NotDynamic => "any but dynamic",
        Kind::Dynamic => "dynamic",
        Kind::Common => "any, of one type",
        Kind::TypeName => "typeof(...)",
    }
}

fn result(returns: &Returns) -> String {
    match returns {
        Returns::Type(scalar_type) => scalar_type.name().to_string(),
        Returns::Argument(index) => format!("type of argument {}", index + 1),
        Returns::Common => "type of the arguments".to_string(),
        Returns::Widest => "widest type of the arguments".to_string(),
        Returns::TypeName(index) => format!("type that argument {} names", index + 1),
        Returns::With(_) => "depends on the arguments".to_string(),
        Returns::Columns(columns) => {
            let columns: Vec<String> =
                columns.iter().map(|(name, scalar_type)| format!("{name}: {scalar_type}")).collect();
            format!("({})", columns.join(", "))
        }
        Returns::Arrays => "a dynamic for each array".to_string(),
    }
}
