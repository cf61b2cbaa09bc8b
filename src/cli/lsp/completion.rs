//! What may stand at the cursor: tables, columns, functions, operators.

use lsp_types::{CompletionItem, CompletionItemKind, CompletionTextEdit, Position, TextEdit};

use super::{Open, hover};
use crate::bind::{self, Bound};
use crate::catalog::Catalog;
use crate::cli::functions::{Entry, entries};
use crate::diagnostic::Span;
use crate::syntax::ast::{ExprKind, StatementKind};
use crate::syntax::visit::{Part, parts};
use crate::syntax::{self, Token, TokenKind};

/// Stands for what is being typed while the text around it is bound. No query has such a name.
const PLACEHOLDER: &str = "alertq_is_here";

/// What stands before the cursor.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// Where a statement begins, or a table belongs.
    Table,
    /// Behind a pipe.
    Operator,
    /// Within an operator that has columns; aggregates may stand there, or not.
    Value { aggregates: bool },
    /// Behind `evaluate`.
    Plugin,
    /// Behind a dot, in a string or a comment: nothing that is known.
    Nothing,
}

/// Returns what may stand at a place.
pub(super) fn complete(open: &Open, position: Position, options: &bind::Options) -> Vec<CompletionItem> {
    let Some(spot) = open.document.at(position) else { return Vec::new() };
    let (text, offset) = (spot.text, spot.offset);
    let word = word_at(text, offset);
    let place = place(text, word.start);
    let range = spot.range(word);
    let typed = text[word.start..offset.max(word.start)].to_lowercase();
    let item = |(label, kind, detail): (String, CompletionItemKind, String)| CompletionItem {
        text_edit: Some(CompletionTextEdit::Edit(TextEdit { range, new_text: spelled(&label, kind) })),
        documentation: explained(&label, kind),
        detail: Some(detail),
        // What begins as typed comes first.
        sort_text: Some(format!("{}{label}", u8::from(!label.to_lowercase().starts_with(&typed)))),
        kind: Some(kind),
        label,
        ..CompletionItem::default()
    };
    let patched = format!("{}{PLACEHOLDER}{}", &text[..word.start], &text[word.end..]);
    let mut found = match place {
        Place::Nothing => Vec::new(),
        Place::Operator => listed(&["operator"], CompletionItemKind::KEYWORD),
        Place::Plugin => listed(&["plugin"], CompletionItemKind::FUNCTION),
        Place::Table => {
            let mut items = declared(&patched, word.start);
            items.extend(tables(&open.catalog));
            items.extend(listed(&["source"], CompletionItemKind::KEYWORD));
            items
        }
        Place::Value { aggregates } => {
            let query = syntax::parse(&patched).query;
            let bound = bind::bind(&query, &open.catalog, options);
            let mut items = columns(&bound, word.start);
            items.extend(declared(&patched, word.start));
            let kinds: &[&str] = if aggregates { &["aggregate", "scalar"] } else { &["scalar"] };
            items.extend(listed(kinds, CompletionItemKind::FUNCTION));
            items
        }
    };
    found.retain(|(label, ..)| matches(&label.to_lowercase(), &typed));
    found.into_iter().map(item).collect()
}

/// Tells whether the letters that were typed occur in the name, in their order.
fn matches(name: &str, typed: &str) -> bool {
    let mut letters = name.chars();
    typed.chars().all(|wanted| letters.any(|letter| letter == wanted))
}

/// Finds the word that the cursor is in or behind; `-` belongs to operators.
fn word_at(text: &str, offset: usize) -> Span {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let before = &text[..offset];
    let mut start = before.trim_end_matches(|c| is_word(c) || c == '-').len();
    // `a -b`: only an operator has a dash, and it stands behind a pipe.
    if !before[..start].trim_end().ends_with('|') {
        start = before.trim_end_matches(is_word).len();
    }
    let end = text.len() - text[offset..].trim_start_matches(is_word).len();
    Span::new(start, end)
}

fn place(text: &str, at: usize) -> Place {
    if is_in_comment(text, at) {
        return Place::Nothing;
    }
    let tokens = syntax::comment::tokens(&text[..at]);
    let Some(last) = tokens.last() else { return Place::Table };
    match last.kind {
        TokenKind::Bar => Place::Operator,
        TokenKind::Semicolon => Place::Table,
        TokenKind::Dot => Place::Nothing,
        TokenKind::String if !is_closed(&text[last.span.start..at]) => Place::Nothing,
        _ => within(text, &tokens),
    }
}

fn is_in_comment(text: &str, at: usize) -> bool {
    let tokens = syntax::comment::tokens(text);
    let comments = syntax::comment::comments(text, &tokens);
    // A comment goes on to the end of its line, blanks included.
    comments.iter().any(|comment| comment.span.start < at && !text[comment.span.end.min(at)..at].contains('\n'))
}

fn is_closed(string: &str) -> bool {
    let quote = string.trim_end().chars().next_back();
    string.len() > 1 && matches!(quote, Some('"' | '\'' | '`'))
}

/// Tells the place by the operator that is being written.
fn within(text: &str, tokens: &[Token]) -> Place {
    let word = |token: &Token| &text[token.span.start..token.span.end];
    let mut depth = 0_usize;
    // Whether the last sign before the cursor opens a bracket that belongs to the operator found.
    for (at, token) in tokens.iter().enumerate().rev() {
        match token.kind {
            TokenKind::CloseParen | TokenKind::CloseBracket | TokenKind::CloseBrace => depth += 1,
            TokenKind::OpenParen | TokenKind::OpenBracket | TokenKind::OpenBrace if depth > 0 => depth -= 1,
            TokenKind::OpenBrace => return Place::Table,
            TokenKind::OpenParen => {
                // A bracket behind `join`, `union` or `in` may hold a table.
                let before = tokens[..at].iter().rev().take(4).map(word);
                let mut before = before.take_while(|word| *word != "|");
                if before.any(|word| matches!(word, "join" | "lookup" | "union" | "toscalar" | "materialize")) {
                    return Place::Table;
                }
            }
            TokenKind::Semicolon if depth == 0 => return Place::Table,
            TokenKind::Bar if depth == 0 => return behind(text, &tokens[at + 1..]),
            _ => {}
        }
    }
    match tokens.first().map(word) {
        Some("print" | "range") => Place::Value { aggregates: false },
        _ => Place::Table,
    }
}

/// Tells what stands within an operator, whose tokens these are.
fn behind(text: &str, tokens: &[Token]) -> Place {
    let words: Vec<&str> = tokens.iter().map(|token| &text[token.span.start..token.span.end]).collect();
    match words.first().copied().unwrap_or_default() {
        "join" | "lookup" if !words.contains(&"on") => Place::Table,
        "union" => Place::Table,
        "evaluate" if words.len() == 1 => Place::Plugin,
        "summarize" | "make-series" => Place::Value { aggregates: !words.contains(&"by") },
        "take" | "limit" | "count" | "sample" | "render" | "as" | "getschema" => Place::Nothing,
        _ => Place::Value { aggregates: false },
    }
}

type Item = (String, CompletionItemKind, String);

/// Returns the columns that reach the operator at a place.
fn columns(bound: &Bound, at: usize) -> Vec<Item> {
    let Some(input) = bound.trace.input_around(at) else { return Vec::new() };
    let named = input.columns.iter().filter(|column| column.name != PLACEHOLDER);
    named
        .map(|column| (column.name.clone(), CompletionItemKind::FIELD, column.scalar_type.name().to_string()))
        .collect()
}

fn tables(catalog: &Catalog) -> Vec<Item> {
    let tables = catalog.all_names().map(|name| (name.to_string(), CompletionItemKind::CLASS, "table".to_string()));
    let functions = catalog.functions().iter();
    let functions = functions.map(|function| {
        let detail = format!("function ({})", function.parameters);
        (function.name.clone(), CompletionItemKind::FUNCTION, detail)
    });
    functions.chain(tables).collect()
}

/// Returns what `let` has declared before a place, and the parameters of the function around it.
fn declared(text: &str, at: usize) -> Vec<Item> {
    let query = syntax::parse(text).query;
    let mut found = Vec::new();
    for part in parts(Part::Query(&query)) {
        match part {
            Part::Statement(statement) if statement.span.end <= at => {
                if let StatementKind::Let { name, value } = &statement.kind {
                    let is_function = matches!(value.kind, ExprKind::Function { .. });
                    let kind = if is_function { CompletionItemKind::FUNCTION } else { CompletionItemKind::VARIABLE };
                    found.push((name.text.clone(), kind, "let".to_string()));
                }
            }
            Part::Expr(expr) if expr.span.start <= at && at <= expr.span.end => {
                if let ExprKind::Function { parameters, .. } = &expr.kind {
                    let names = parameters.iter().map(|parameter| parameter.name.text.clone());
                    found.extend(names.map(|name| (name, CompletionItemKind::VARIABLE, "parameter".to_string())));
                }
            }
            _ => {}
        }
    }
    found
}

/// Returns what the library has of some kinds.
fn listed(kinds: &[&str], as_kind: CompletionItemKind) -> Vec<Item> {
    let of_kinds = entries().into_iter().filter(|entry| kinds.contains(&entry.kind));
    of_kinds.map(|Entry { name, summary, .. }| (name.to_string(), as_kind, summary.to_string())).collect()
}

/// Writes a name so that it is one.
fn spelled(label: &str, kind: CompletionItemKind) -> String {
    let is_plain = label.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !label.starts_with(|c: char| c.is_ascii_digit());
    match kind {
        CompletionItemKind::FIELD | CompletionItemKind::CLASS if !is_plain => {
            format!("['{}']", label.replace('\'', "\\'"))
        }
        _ => label.to_string(),
    }
}

fn explained(label: &str, kind: CompletionItemKind) -> Option<lsp_types::Documentation> {
    let meaning = match kind {
        CompletionItemKind::FIELD => hover::meaning_of_column(label)?,
        CompletionItemKind::CLASS => hover::meaning_of_table(label)?,
        _ => return None,
    };
    Some(lsp_types::Documentation::String(meaning.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_tells_what_may_stand_there() {
        let value = Place::Value { aggregates: false };
        for (text, wanted) in [
            ("", Place::Table),
            ("let a = 1; ", Place::Table),
            ("T | ", Place::Operator),
            ("T | where a == 'b' | ", Place::Operator),
            ("T | where ", value),
            ("T | where strlen(", Place::Value { aggregates: false }),
            ("T | summarize ", Place::Value { aggregates: true }),
            ("T | summarize count() by ", Place::Value { aggregates: false }),
            ("T | join kind=inner (", Place::Table),
            ("T | join kind=inner (U | where ", Place::Value { aggregates: false }),
            ("T | join (U) on ", Place::Value { aggregates: false }),
            ("T | evaluate ", Place::Plugin),
            ("T | where a == '", Place::Nothing),
            ("T | where a.", Place::Nothing),
            ("T // | ", Place::Nothing),
            ("T | take ", Place::Nothing),
            ("let f = (a:long) { ", Place::Table),
        ] {
            assert_eq!(place(text, text.len()), wanted, "{text}");
        }
    }

    #[test]
    fn the_word_is_what_was_typed_so_far() {
        assert_eq!(word_at("T | mv-ex", 9), Span::new(4, 9));
        assert_eq!(word_at("T | where a-bc", 14), Span::new(12, 14));
        assert_eq!(word_at("T | where Alert", 12), Span::new(10, 15));
    }
}
