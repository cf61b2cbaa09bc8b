//! Names that `let` declares, and the parameters of functions: where they are declared and used, and other names for them.

use std::collections::HashSet;

use lsp_types::{Location, Position, TextEdit, Uri};
use serde_json::{Value, json};

use super::document::Spot;
use super::{Open, Refusal};
use crate::bind::{self, Trace};
use crate::diagnostic::Span;
use crate::syntax::ast::{Expr, ExprKind, Name, Parameter, ParameterKind, Query, StatementKind};
use crate::syntax::visit::{Part, parts, row_expressions};
use crate::syntax::{self, TokenKind};

/// The names that a text declares.
#[derive(Debug)]
pub(super) struct Names<'a> {
    declared: Vec<Declared<'a>>,
    used: Vec<&'a Name>,
    trace: &'a Trace,
    /// Uses among the values of an operator, with the place of the operator: a column comes first there.
    in_rows: Vec<(Span, Span)>,
    /// Uses that are calls: a column is none.
    calls: HashSet<Span>,
}

/// One declaration.
#[derive(Debug, Clone, Copy)]
pub(super) struct Declared<'a> {
    name: &'a Name,
    /// What to show of it.
    pub(super) statement: Span,
    /// Where it can be seen.
    visible: Span,
}

impl<'a> Names<'a> {
    /// Collects the names of a query of so many bytes, bound with all columns noted.
    pub(super) fn new(query: &'a Query, trace: &'a Trace, length: usize) -> Names<'a> {
        let mut names =
            Names { declared: Vec::new(), used: Vec::new(), trace, in_rows: Vec::new(), calls: HashSet::new() };
        names.statements(query, length);
        for part in parts(Part::Query(query)) {
            match part {
                Part::Expr(expr) => names.expr(expr),
                Part::Operator(operator) => {
                    names.in_rows.extend(row_expressions(operator).map(|expr| (expr.span, operator.span)));
                }
                _ => {}
            }
        }
        names
    }

    fn expr(&mut self, expr: &'a Expr) {
        match &expr.kind {
            ExprKind::Name(name) => self.used.push(name),
            ExprKind::Call { name, .. } => {
                self.used.push(name);
                self.calls.insert(name.span);
            }
            ExprKind::Function { parameters, body, .. } => {
                for parameter in parameters {
                    let statement = parameter_span(parameter);
                    self.declared.push(Declared { name: &parameter.name, statement, visible: expr.span });
                }
                self.statements(body, expr.span.end);
            }
            _ => {}
        }
    }

    /// Takes the `let` statements of a query that ends at a place.
    fn statements(&mut self, query: &'a Query, end: usize) {
        for statement in &query.statements {
            if let StatementKind::Let { name, .. } = &statement.kind {
                let visible = Span::new(statement.span.end, end);
                self.declared.push(Declared { name, statement: statement.span, visible });
            }
        }
    }

    /// Returns the declaration of the name at a place, be it there or used there.
    pub(super) fn at(&self, offset: usize) -> Option<Declared<'a>> {
        let holds = |name: &Name| name.span.start <= offset && offset <= name.span.end;
        let declared = self.declared.iter().find(|declared| holds(declared.name)).copied();
        declared.or_else(|| self.used.iter().find(|name| holds(name)).and_then(|name| self.declaration(name)))
    }

    /// Returns what a name stands for where it is used: the innermost declaration, unless a column comes before it.
    fn declaration(&self, used: &Name) -> Option<Declared<'a>> {
        if self.is_column(used.span, &used.text) {
            return None;
        }
        let at = used.span.start;
        let seen = self.declared.iter().filter(|declared| {
            declared.name.text == used.text && declared.visible.start <= at && at < declared.visible.end
        });
        seen.max_by_key(|declared| declared.visible.start).copied()
    }

    /// Tells whether a name at a place of use would be a column's.
    fn is_column(&self, used: Span, name: &str) -> bool {
        if self.calls.contains(&used) {
            return false;
        }
        let operator = self.in_rows.iter().find(|(expr, _)| *expr == used).map(|(_, operator)| *operator);
        let input = operator.and_then(|operator| self.trace.input_of(operator));
        input.is_some_and(|input| input.columns.iter().any(|column| column.name == name))
    }

    /// Returns where a declaration is used.
    fn uses(&self, declared: &Declared) -> Vec<Span> {
        let is_it = |name: &&&Name| self.declaration(name).is_some_and(|found| std::ptr::eq(found.name, declared.name));
        self.used.iter().filter(is_it).map(|name| name.span).collect()
    }
}

fn parameter_span(parameter: &Parameter) -> Span {
    let end = match &parameter.kind {
        ParameterKind::Scalar(type_name) => type_name.span,
        ParameterKind::Table(columns) => columns.last().map_or(parameter.name.span, |column| column.name.span),
        ParameterKind::AnyTable => parameter.name.span,
    };
    parameter.name.span.to(end)
}

/// Looks a place up, and gives what was found to `found`.
fn with_name<R>(
    open: &Open,
    position: Position,
    options: &bind::Options,
    found: impl FnOnce(Spot, &Names, Declared) -> R,
) -> Option<R> {
    let spot = open.document.at(position)?;
    let query = syntax::parse(spot.text).query;
    let bound = bind::bind(&query, &open.catalog, options);
    let names = Names::new(&query, &bound.trace, spot.text.len());
    names.at(spot.offset).map(|declared| found(spot, &names, declared))
}

fn location(uri: &str, spot: Spot, span: Span) -> Option<Location> {
    Some(Location { uri: uri.parse::<Uri>().ok()?, range: spot.range(span) })
}

/// Returns where the name at a place is declared.
pub(super) fn definition(uri: &str, open: &Open, position: Position, options: &bind::Options) -> Value {
    json!(with_name(open, position, options, |spot, _, declared| location(uri, spot, declared.name.span)).flatten())
}

/// Returns where the name at a place is declared and used.
pub(super) fn references(uri: &str, open: &Open, position: Position, options: &bind::Options) -> Value {
    json!(with_name(open, position, options, |spot, names, declared| {
        let spans = std::iter::once(declared.name.span).chain(names.uses(&declared));
        spans.filter_map(|span| location(uri, spot, span)).collect::<Vec<_>>()
    }))
}

/// Tells whether the name at a place can be changed, and where it stands.
pub(super) fn prepare_rename(open: &Open, position: Position, options: &bind::Options) -> Result<Value, Refusal> {
    let range = with_name(open, position, options, |spot, names, declared| {
        let spans = std::iter::once(declared.name.span).chain(names.uses(&declared));
        spans.filter(|span| span.start <= spot.offset && spot.offset <= span.end).map(|span| spot.range(span)).next()
    });
    range.flatten().map(|range| json!(range)).ok_or_else(|| NOT_DECLARED.to_string())
}

const NOT_DECLARED: &str = "only names that the query declares with `let`, and parameters, can be renamed";

/// Gives the name at a place another spelling wherever it is used; refused where that would change what the query means.
pub(super) fn rename(
    uri: &str,
    open: &Open,
    position: Position,
    new_name: &str,
    options: &bind::Options,
) -> Result<Value, Refusal> {
    if !is_name(new_name) {
        return Err(format!("'{new_name}' is no name: letters, digits and _, and no word of the language"));
    }
    let edits = with_name(open, position, options, |spot, names, declared| {
        let uses = names.uses(&declared);
        let is_taken = |other: &Declared| {
            other.name.text == new_name
                && other.visible.start < declared.visible.end
                && declared.visible.start < other.visible.end
        };
        if names.declared.iter().any(is_taken) {
            return Err(format!("'{new_name}' is declared already"));
        }
        if names.used.iter().any(|used| used.text == new_name && declared.visible.start <= used.span.start) {
            return Err(format!("'{new_name}' stands for something else in this query"));
        }
        if uses.iter().any(|span| names.is_column(*span, new_name)) {
            return Err(format!("there is a column '{new_name}' where the name is used"));
        }
        let spans = std::iter::once(declared.name.span).chain(uses);
        let edit = |span| TextEdit { range: spot.range(span), new_text: new_name.to_string() };
        Ok(spans.map(edit).collect::<Vec<_>>())
    });
    let edits = edits.unwrap_or_else(|| Err(NOT_DECLARED.to_string()))?;
    Ok(json!({"changes": {uri: edits}}))
}

/// Tells whether a text can be a name without quotes.
fn is_name(text: &str) -> bool {
    match syntax::comment::tokens(text).as_slice() {
        [token] => {
            token.kind == TokenKind::Identifier && token.span == Span::new(0, text.len()) && !text.starts_with('$')
        }
        _ => false,
    }
}
