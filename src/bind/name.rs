//! How the columns of a result are called.
//!
//! Measured on the engine and asked of Microsoft's parser: a few functions pass on the name of their first argument, a
//! few put their own before it, paths join their steps with `_`, and everything else is `Column1`, `Column2` ...

use std::collections::HashSet;

use super::Binder;
use super::scope::{Binding, Context};
use crate::diagnostic::{Diagnostic, Span};
use crate::functions::{self, Naming, Returns, aggregate};
use crate::syntax::ast::{self, ExprKind, Literal};
use crate::types::Column;

/// The name of an unnamed expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Given {
    /// Spelled out: `name = value`, or a column.
    Spelled(String),
    /// Passed on by a function from its first argument.
    Passed(String),
    /// Made of a prefix or a path.
    Made(String),
    /// That of a column of a call that gives several.
    Part(String),
    /// By position.
    Positional,
}

impl Given {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Given::Spelled(text) | Given::Passed(text) | Given::Made(text) | Given::Part(text) => Some(text),
            Given::Positional => None,
        }
    }
}

/// One column of a list, with its place.
pub(super) struct Item {
    pub given: Given,
    pub span: Span,
}

/// How names of a list are made unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Project,
    /// A name that the input has takes the place of that column; a name that stands twice is an error.
    Extend,
    Summarize,
    Print,
}

/// Returns the name that an expression has by itself.
pub(super) fn name_of(expr: &ast::Expr, cx: &Context) -> Given {
    match &expr.kind {
        ExprKind::Name(name) => match cx.scope.find(&name.text) {
            Some(Binding::Function(_)) if cx.column(&name.text).is_none() => Given::Positional,
            _ => Given::Spelled(name.text.clone()),
        },
        ExprKind::Paren(inner) => match name_of(inner, cx) {
            Given::Spelled(text) => Given::Passed(text),
            other => other,
        },
        ExprKind::Member { .. } | ExprKind::Element { .. } => path_name(expr, cx),
        ExprKind::Call { name, arguments } => call_name(&name.text, arguments, cx),
        _ => Given::Positional,
    }
}

fn path_name(expr: &ast::Expr, cx: &Context) -> Given {
    match &expr.kind {
        ExprKind::Member { base, member } => joined(base, &member.text, cx),
        ExprKind::Element { base, index } => match &index.kind {
            ExprKind::Literal(Literal::Typed { text, .. }) if part_of(base, text, cx).is_some() => {
                Given::Made(part_of(base, text, cx).unwrap_or_default())
            }
            ExprKind::Literal(Literal::String(text)) => joined(base, text, cx),
            ExprKind::Literal(Literal::Typed { text, .. }) => joined(base, text, cx),
            ExprKind::Unary { operand, .. } => match &operand.kind {
                ExprKind::Literal(Literal::Typed { text, .. }) => joined(base, &format!("_{text}"), cx),
                _ => Given::Positional,
            },
            _ => Given::Positional,
        },
        _ => name_of(expr, cx),
    }
}

/// Returns the name of a numbered column of a call that gives several.
fn part_of(call: &ast::Expr, index: &str, cx: &Context) -> Option<String> {
    let ExprKind::Call { name, arguments } = &call.kind else { return None };
    let names = part_names(&name.text, arguments, arguments.len(), cx)?;
    names.into_iter().nth(index.parse().ok()?)
}

fn joined(base: &ast::Expr, step: &str, cx: &Context) -> Given {
    match name_of(base, cx).text() {
        Some(base) => Given::Made(format!("{base}_{step}")),
        // `pack_array(1, 2)[0]` is called `0` (measured).
        None => Given::Made(step.to_string()),
    }
}

fn call_name(name: &str, arguments: &[ast::Argument], cx: &Context) -> Given {
    let first = || match arguments.first() {
        // `toint(n = strlen(s))` is called `n`.
        Some(ast::Argument { name: Some(name), .. }) => Given::Made(name.text.clone()),
        Some(argument) => name_of(&argument.value, cx),
        None => Given::Positional,
    };
    let first_text = || first().text().unwrap_or("").to_string();
    if matches!(cx.scope.find(name), Some(Binding::Function(_))) {
        return Given::Positional;
    }
    if let Some(given) = super::pattern::pattern_name(name, arguments, cx) {
        return given;
    }
    if let Some(scalar_type) = super::call::converts_to(name) {
        return match arguments.first().map(|argument| &argument.value.kind) {
            // A conversion that changes nothing is the column.
            Some(ExprKind::Name(column)) if cx.column(&column.text).is_some_and(|c| c.scalar_type == scalar_type) => {
                first()
            }
            _ => passed(first()),
        };
    }
    if matches!(name, "column_ifexists" | "columnifexists" | "bin_auto") {
        return match arguments.first().map(|a| &a.value.kind) {
            Some(ExprKind::Literal(Literal::String(text))) if cx.column(text).is_some() => Given::Passed(text.clone()),
            _ => passed(first()),
        };
    }
    if let Some((_, base, _)) = aggregate::CONDITIONAL.iter().find(|(n, _, _)| *n == name) {
        // `make_set_if(x, p)` is `set_x`, `sumif(x, p)` is `sumif_x` (measured).
        return match aggregate::aggregate(base).map(|a| a.naming) {
            Some(Naming::PrefixAndFirstArgument(prefix)) if name.ends_with("_if") && prefix != *base => {
                Given::Made(format!("{prefix}_{}", first_text()))
            }
            _ => Given::Made(format!("{name}_{}", first_text())),
        };
    }
    // `hll_merge(a, b)` is the function of values, `hll_merge(a)` the aggregate.
    let is_of_values = arguments.len() > 1 && functions::scalar_function(name).is_some();
    if let Some(aggregate) = aggregate::aggregate(name).filter(|_| !is_of_values) {
        if matches!(aggregate.name, "percentile" | "percentilew") && arguments.len() >= 2 {
            let percent = arguments.last().and_then(|a| literal_text(&a.value)).unwrap_or_default();
            return Given::Made(format!("percentile_{}_{percent}", first_text()));
        }
        if matches!(aggregate.name, "percentiles_array" | "percentilesw_array") {
            return Given::Made(format!("percentiles_{}", first_text()));
        }
        if name == "any" {
            return Given::Made(format!("any_{}", first_text()));
        }
        return by_naming(aggregate.naming, name, first);
    }
    if name == "ingestion_time" {
        return Given::Made("$IngestionTime".to_string());
    }
    if matches!(name, "array_sort_asc" | "array_sort_desc") {
        return Given::Made(sorted_name(0, arguments.first()));
    }
    match functions::scalar_function(name) {
        Some(function) => by_naming(function.naming, name, first),
        None => Given::Positional,
    }
}

/// Returns what an array is called once it is sorted: only a column has a name (measured).
fn sorted_name(index: usize, array: Option<&ast::Argument>) -> String {
    match array.map(|a| &a.value.kind) {
        Some(ExprKind::Name(column)) => format!("{}_sorted", column.text),
        _ => format!("array{index}_sorted"),
    }
}

/// Returns what the columns of a call are called, if it gives several.
///
/// Microsoft's parser puts the function's name and that of its first argument before each: `series_stats_y_min`.
pub(super) fn part_names(
    called: &str,
    arguments: &[ast::Argument],
    arrays: usize,
    cx: &Context,
) -> Option<Vec<String>> {
    let function = functions::scalar_function(called)?;
    function.overloads.iter().find_map(|overload| match overload.returns {
        Returns::Columns(columns) => {
            let first = arguments.first().map_or(Given::Positional, |a| name_of(&a.value, cx));
            let stem = format!("{called}_{}", first.text().unwrap_or(""));
            Some(columns.iter().map(|(part, _)| format!("{stem}_{part}")).collect())
        }
        Returns::Arrays => {
            // One array is a value like any other.
            let arrays = arguments.iter().take(arrays).enumerate();
            (arrays.len() > 1).then(|| arrays.map(|(n, array)| sorted_name(n, Some(array))).collect())
        }
        _ => None,
    })
}

fn passed(given: Given) -> Given {
    match given {
        Given::Spelled(text) => Given::Passed(text),
        other => other,
    }
}

fn by_naming(naming: Naming, called: &str, first: impl Fn() -> Given) -> Given {
    let first_text = || first().text().unwrap_or("").to_string();
    match naming {
        Naming::None | Naming::Special => Given::Positional,
        Naming::FirstArgument => passed(first()),
        Naming::NameAndFirstArgument => Given::Made(format!("{called}_{}", first_text())),
        Naming::PrefixAndFirstArgument(prefix) => Given::Made(format!("{prefix}_{}", first_text())),
        Naming::Prefix(prefix) => Given::Made(prefix.to_string()),
    }
}

/// Returns a number as it stands in a column's name: `99.9` is `99_9`.
pub(super) fn literal_text(expr: &ast::Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Literal(Literal::Typed { text, .. }) => Some(text.replace('.', "_")),
        ExprKind::Paren(inner) => literal_text(inner),
        _ => None,
    }
}

impl Binder<'_> {
    /// Makes the names of a list unique, left to right.
    pub(super) fn unique_names(&mut self, items: &[Item], input: &[Column], mode: Mode) -> Vec<String> {
        let spelled: HashSet<&str> = items
            .iter()
            .filter_map(|item| match &item.given {
                Given::Spelled(text) => Some(text.as_str()),
                _ => None,
            })
            .collect();
        let mut taken: HashSet<String> = HashSet::new();
        let mut taken_by_spelling: HashSet<String> = HashSet::new();
        let mut positional = 0;
        let mut names = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let base = match item.given.text() {
                Some(text) => text.to_string(),
                None if mode == Mode::Print => format!("print_{index}"),
                None => loop {
                    positional += 1;
                    let name = format!("Column{positional}");
                    if mode == Mode::Project || !input.iter().any(|c| c.name == name) {
                        break name;
                    }
                },
            };
            let is_spelled = matches!(item.given, Given::Spelled(_));
            // A column of several does not take the place of one that is there.
            let is_part = mode == Mode::Extend && matches!(item.given, Given::Part(_));
            let is_taken = |name: &String| taken.contains(name) || is_part && input.iter().any(|c| c.name == *name);
            let clash = is_taken(&base);
            let declared = clash && taken_by_spelling.contains(&base);
            let problem = || {
                Diagnostic::error("KS171", item.span, format!("there is a column `{base}` already"))
                    .help("give the column another name: `name = ...`")
            };
            match item.given {
                Given::Part(_) => {}
                Given::Spelled(_) if declared => self.problem(problem()),
                // The parser makes such a name unique, or puts the column in the other's place; the engine does not
                // (measured).
                Given::Spelled(_) | Given::Passed(_) if declared || clash && mode == Mode::Extend => {
                    self.refusals.push(problem());
                }
                _ if clash && mode == Mode::Extend => self.refusals.push(problem()),
                _ => {}
            }
            let name = if clash {
                (1..).map(|k| format!("{base}{k}")).find(|n| !is_taken(n) && !spelled.contains(n.as_str()))
            } else {
                None
            };
            let name = name.unwrap_or(base);
            if is_spelled {
                taken_by_spelling.insert(name.clone());
            }
            taken.insert(name.clone());
            names.push(name);
        }
        names
    }
}

/// Returns `name`, or the first of `name1`, `name2` ... that is free.
pub(super) fn free_name(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    if !is_taken(name) {
        return name.to_string();
    }
    (1..).map(|k| format!("{name}{k}")).find(|n| !is_taken(n)).unwrap_or_default()
}
