//! What the word under the cursor means.

use lsp_types::{Hover, HoverContents, MarkupContent, MarkupKind, Position};

use super::{Open, definition};
use crate::bind::{self, Bound};
use crate::catalog::tables::{TABLES, TableInfo};
use crate::cli::functions::entries;
use crate::diagnostic::Span;
use crate::syntax::ast::{ExprKind, Query};
use crate::syntax::visit::{Part, parts};
use crate::syntax::{self, TokenKind};

/// Explains what is at a place: a column, a table, a function, an operator, a name of the query's.
pub(super) fn hover(open: &Open, position: Position, options: &bind::Options) -> Option<Hover> {
    let spot = open.document.at(position)?;
    let (text, offset) = (spot.text, spot.offset);
    let tokens = syntax::comment::tokens(text);
    let token = tokens.iter().find(|token| token.span.start <= offset && offset < token.span.end)?;
    if !matches!(token.kind, TokenKind::Identifier | TokenKind::Keyword(_)) {
        return None;
    }
    let word = &text[token.span.start..token.span.end];
    let query = syntax::parse(text).query;
    let bound = bind::bind(&query, &open.catalog, options);
    let at = token.span.start;
    let value = if is_column(&query, &bound, token.span, word) {
        column(&bound, token.span, word)
    } else {
        of_let(text, &query, &bound, at).or_else(|| table(open, word)).or_else(|| known(text, at, word))?
    };
    let contents = HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value });
    Some(Hover { contents, range: Some(spot.range(token.span)) })
}

/// Returns the meaning of a column of those tables that are documented.
pub(super) fn meaning_of_column(name: &str) -> Option<&'static str> {
    TABLES.iter().find_map(|table| table.column(name)).map(|column| column.meaning)
}

/// Returns the meaning of a documented table.
pub(super) fn meaning_of_table(name: &str) -> Option<&'static str> {
    TableInfo::find(name).map(|table| table.meaning)
}

/// Tells whether a word stands where a value does and is the name of a column there.
fn is_column(query: &Query, bound: &Bound, span: Span, word: &str) -> bool {
    let known = bound.trace.input_around(span.start).is_some_and(|input| input.columns.iter().any(|c| c.name == word));
    let is_call = parts(Part::Query(query)).any(|part| match part {
        Part::Expr(expr) => matches!(&expr.kind, ExprKind::Call { name, .. } if name.span == span),
        Part::Operator(operator) => operator.keyword.span == span,
        _ => false,
    });
    known && !is_call
}

fn column(bound: &Bound, span: Span, word: &str) -> String {
    let input = bound.trace.input_around(span.start);
    let column = input.and_then(|input| input.columns.iter().find(|column| column.name == word));
    let scalar_type = column.map_or("dynamic", |column| column.scalar_type.name());
    let meaning = meaning_of_column(word).map(|meaning| format!("\n\n{meaning}")).unwrap_or_default();
    format!("```kql\n{word}: {scalar_type}\n```{meaning}")
}

/// Shows the statement that declares a name.
fn of_let(text: &str, query: &Query, bound: &Bound, at: usize) -> Option<String> {
    /// Lines.
    const MOST: usize = 8;
    let name = definition::Names::new(query, &bound.trace, text.len()).at(at)?;
    let statement = text.get(name.statement.start..name.statement.end)?;
    let mut shown: Vec<&str> = statement.lines().take(MOST).collect();
    if statement.lines().nth(MOST).is_some() {
        shown.push("...");
    }
    Some(format!("```kql\n{}\n```", shown.join("\n")))
}

fn table(open: &Open, word: &str) -> Option<String> {
    /// Columns.
    const MOST: usize = 12;
    let table = open.catalog.table(word)?;
    let mut columns: Vec<String> =
        table.columns.iter().take(MOST).map(|column| format!("{}: {}", column.name, column.scalar_type)).collect();
    if table.columns.len() > MOST {
        columns.push(format!("... {} columns in all", table.columns.len()));
    }
    let meaning = meaning_of_table(word).map(|meaning| format!("{meaning}\n\n")).unwrap_or_default();
    Some(format!("**{word}**\n\n{meaning}```\n{}\n```", columns.join("\n")))
}

/// Explains a function, an aggregate, a plugin or an operator.
fn known(text: &str, at: usize, word: &str) -> Option<String> {
    let behind_pipe = text[..at].trim_end().ends_with('|');
    let mut found: Vec<_> = entries().into_iter().filter(|entry| entry.names().any(|name| name == word)).collect();
    // `count` is an operator behind a pipe, and an aggregate elsewhere.
    found.sort_by_key(|entry| (entry.kind == "operator") != behind_pipe);
    found.first().map(|entry| entry.hover())
}
