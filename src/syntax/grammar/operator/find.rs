//! `find` and `search`.

use super::super::expression::{entity_path, required_scalar, scalar, unsupported};
use super::super::name::{name, name_reference, plain};
use super::super::parameter::{Value, parameters, sure_parameters};
use super::super::statement::any_type_name;
use super::super::tokens::{List, Read, Tokens, absent, bracketed, comma_list, optional, required, required_word};
use super::operator;
use crate::syntax::ast::{BinaryOperator, ColumnDeclaration, Expr, ExprKind, Find, FindColumn, Name, OperatorKind};
use crate::syntax::lexer::TokenKind;

/// `find withsource=Source in (T, U*) where a == 1 project a, b:string, pack(*)`
pub(super) fn find(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, ()) = data_scope(input)?;
    let (rest, parameters) = sure_parameters(rest, &[("withsource", Value::Name), ("with_source", Value::Name)])?;
    let (rest, tables) = tables(rest)?;
    let is_bound = !parameters.is_empty() || tables.is_some();
    let rest = if is_bound { required_word(rest, "where") } else { rest.skip(usize::from(rest.is_word("where"))) };
    let (rest, predicate) = required_scalar(rest)?;
    let (rest, project, project_smart) = match rest.text() {
        "project" if rest.is_word("project") => {
            let (rest, columns) = columns(rest.skip(1))?;
            (rest, Some(columns), false)
        }
        "project-smart" => (rest.skip(1), None, true),
        _ => (rest, None, false),
    };
    let (rest, project_away) = away(rest)?;
    let tables = tables.unwrap_or_default();
    let predicate = Box::new(predicate);
    Ok((rest, OperatorKind::Find(Find { parameters, tables, predicate, project, project_smart, project_away })))
}

/// `datascope=all`, which is for Microsoft's own caches.
fn data_scope(input: Tokens<'_>) -> Read<'_, ()> {
    if !input.is_word("datascope") {
        return Ok((input, ()));
    }
    unsupported(input, 3, "`datascope`").map(|(rest, _)| (rest, ()))
}

/// `in (T, U*)`, or nothing.
fn tables(input: Tokens<'_>) -> Read<'_, Option<Vec<Expr>>> {
    if !input.is_word("in") {
        return Ok((input, None));
    }
    let (rest, tables) = bracketed(input.skip(1), TokenKind::OpenParen, |input| {
        comma_list(input, List::SOME, table, |input| input.missing("a table"))
    })?;
    Ok((rest, Some(tables)))
}

/// `T`, `T | as X`
fn table(input: Tokens<'_>) -> Read<'_, Expr> {
    let (rest, source) = entity_path(input)?;
    if rest.kind() != TokenKind::Bar || !rest.is_word_at(1, "as") {
        return Ok((rest, source));
    }
    let (rest, as_name) = operator(rest.skip(1))?;
    let kind = ExprKind::Pipeline { source: Box::new(source), operators: vec![as_name] };
    Ok((rest, Expr { span: input.span_to(rest), kind }))
}

/// `a, b:string, pack(*), *`
fn columns(input: Tokens<'_>) -> Read<'_, Vec<FindColumn>> {
    comma_list(input, List::OPEN, column, |input| {
        FindColumn::Column(ColumnDeclaration { name: input.missing_name(), type_name: None })
    })
}

fn column(input: Tokens<'_>) -> Read<'_, FindColumn> {
    if input.is_word("pack") {
        let (rest, ()) =
            bracketed(input.skip(1), TokenKind::OpenParen, |input| Ok((required(input, TokenKind::Star), ())))?;
        return Ok((rest, FindColumn::Pack));
    }
    if input.kind() == TokenKind::Star {
        let (rest, name) = plain(input, 1);
        return Ok((rest, FindColumn::Column(ColumnDeclaration { name, type_name: None })));
    }
    let (rest, name) = name(input)?;
    if rest.kind() != TokenKind::Colon {
        return Ok((rest, FindColumn::Column(ColumnDeclaration { name, type_name: None })));
    }
    let (rest, type_name) = optional(rest.skip(1), any_type_name)?;
    let type_name = type_name.or_else(|| Some(missing_type(rest)));
    Ok((rest, FindColumn::Column(ColumnDeclaration { name, type_name })))
}

fn missing_type(input: Tokens<'_>) -> Name {
    input.missing("a type");
    Name { span: input.here(), text: String::new(), quoted: false }
}

/// `__projectAway a, b`, or nothing.
fn away(input: Tokens<'_>) -> Read<'_, Vec<Expr>> {
    if !input.is_word("__projectAway") {
        return Ok((input, Vec::new()));
    }
    comma_list(input.skip(1), List::OPEN, away_column, |input| input.missing("a column"))
}

fn away_column(input: Tokens<'_>) -> Read<'_, Expr> {
    if input.kind() == TokenKind::Star { star(input) } else { name_reference(input) }
}

/// `search kind=case_sensitive in (T, U) "abc" and x:"y"`
pub(super) fn search(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, parameters) = parameters(input, &[("kind", Value::Any)])?;
    let (rest, ()) = data_scope(rest)?;
    let (rest, tables) = tables(rest)?;
    let (rest, predicate) = predicate(rest)?;
    let tables = tables.unwrap_or_default();
    Ok((rest, OperatorKind::Search { parameters, tables, predicate: Box::new(predicate) }))
}

/// `"abc"`, `*`, `* and x == 1`
fn predicate(input: Tokens<'_>) -> Read<'_, Expr> {
    if let (rest, Some(value)) = optional(input, scalar)? {
        return Ok((rest, value));
    }
    let (rest, star) = match optional(input, star)? {
        (rest, Some(star)) => (rest, star),
        (_, None) => return Ok((input, input.missing("what to search for"))),
    };
    if !rest.is_word("and") {
        return Ok((rest, star));
    }
    let (rest, right) = required_scalar(rest.skip(1))?;
    let kind = ExprKind::Binary { operator: BinaryOperator::And, left: Box::new(star), right: Box::new(right) };
    Ok((rest, Expr { span: input.span_to(rest), kind }))
}

fn star(input: Tokens<'_>) -> Read<'_, Expr> {
    if input.kind() != TokenKind::Star {
        return absent();
    }
    Ok((input.skip(1), Expr { span: input.nth(0).span, kind: ExprKind::Star }))
}
