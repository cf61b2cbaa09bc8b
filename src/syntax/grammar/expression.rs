//! Expressions: pipelines, chains of operators, paths and what they begin with.

use super::chain::{chain, infix, infix_word, is_star_operand};
use super::literal::literal;
use super::name::{
    braced_length, bracketed_name, declared_name_length, keyword_as_name, name, name_length, name_or_wildcard, plain,
    report_brackets_needed, wildcard, wildcard_name,
};
use super::operator::{begins_operator, operator, required_operator};
use super::parameter::free_parameters;
use super::statement::column_declarations;
use super::tokens::{List, Read, Tokens, absent, bracketed, comma_list, optional, or_missing, required_word};
use crate::diagnostic::Diagnostic;
use crate::syntax::ast::{Argument, Expr, ExprKind, ExternalData, Name, NamedExpr, OperatorParameter, UnaryOperator};
use crate::syntax::lexer::TokenKind;

/// Anything that has a value, a pipeline included.
///
/// `SecurityAlert | where x > 1 | count`, `print 1`, `a + b`
pub(super) fn expression(input: Tokens<'_>) -> Read<'_, Expr> {
    let (rest, source) = pipeline_start(input)?;
    pipeline(input, rest, source)
}

/// Reads an expression, or reports that it is missing.
pub(super) fn required_expression(input: Tokens<'_>) -> Read<'_, Expr> {
    or_missing(input, "an expression", expression)
}

/// A word like `count` is a name or an operator, whichever the tokens behind it make more likely.
fn pipeline_start(input: Tokens<'_>) -> Read<'_, Expr> {
    if begins_operator(input) {
        return match leading(input) {
            Err(nom::Err::Error(_)) => scalar(input),
            read => read,
        };
    }
    match scalar(input) {
        Err(nom::Err::Error(_)) => leading(input),
        read => read,
    }
}

/// An operator that begins a pipeline.
///
/// `print 1`, `union A, B`
pub(super) fn leading(input: Tokens<'_>) -> Read<'_, Expr> {
    let (rest, operator) = operator(input)?;
    Ok((rest, Expr { span: operator.span, kind: ExprKind::Leading(Box::new(operator)) }))
}

/// Reads `| operator | operator` behind a source.
pub(super) fn pipeline<'a>(input: Tokens<'a>, rest: Tokens<'a>, source: Expr) -> Read<'a, Expr> {
    let mut rest = rest;
    let mut operators = Vec::new();
    while rest.kind() == TokenKind::Bar {
        let (next, operator) = required_operator(rest.skip(1))?;
        rest = next;
        operators.push(operator);
    }
    if operators.is_empty() {
        return Ok((rest, source));
    }
    let span = input.span_to(rest);
    Ok((rest, Expr { span, kind: ExprKind::Pipeline { source: Box::new(source), operators } }))
}

/// An expression without a pipe: operands with operators between them.
///
/// `a == 1 and b has "x" or c in (1, 2)`
pub(super) fn scalar(input: Tokens<'_>) -> Read<'_, Expr> {
    let height = &input.state().height;
    let outside = height.replace(0);
    let (rest, first) = match operand(input, true) {
        Ok(read) => read,
        Err(error) => {
            height.set(outside);
            return Err(error);
        }
    };
    let (rest, value) = if infix(rest).is_some() { chain(rest, first)? } else { (rest, first) };
    input.raise(1)?;
    height.set(height.get().max(outside));
    Ok((rest, value))
}

/// Reads a scalar expression, or reports that it is missing.
pub(super) fn required_scalar(input: Tokens<'_>) -> Read<'_, Expr> {
    or_missing(input, "an expression", scalar)
}

/// A path with or without a sign, or `*` before an operator that knows it.
pub(super) fn operand(input: Tokens<'_>, before_equal: bool) -> Read<'_, Expr> {
    match input.kind() {
        TokenKind::Star if is_star_operand(input, before_equal) => {
            Ok((input.skip(1), Expr { span: input.nth(0).span, kind: ExprKind::Star }))
        }
        _ => signed(input),
    }
}

/// `-a`, `+1`, `a.b`
pub(super) fn signed(input: Tokens<'_>) -> Read<'_, Expr> {
    let operator = match input.kind() {
        TokenKind::Minus => UnaryOperator::Minus,
        TokenKind::Plus => UnaryOperator::Plus,
        _ => return path(input),
    };
    let (rest, operand) = or_missing(input.skip(1), "an expression", path)?;
    Ok((rest, Expr { span: input.span_to(rest), kind: ExprKind::Unary { operator, operand: Box::new(operand) } }))
}

/// A value and what is taken out of it.
///
/// `a`, `a.b[0]["c"].['d e']`, `cluster("c").database("d").T`
pub(super) fn path(input: Tokens<'_>) -> Read<'_, Expr> {
    let (mut rest, mut value) = primary(input)?;
    loop {
        let read = match rest.kind() {
            TokenKind::Dot => member(input, rest.skip(1), value)?,
            TokenKind::OpenBracket => element(input, rest, value)?,
            _ => return Ok((rest, value)),
        };
        (rest, value) = read;
        rest.raise(1)?;
    }
}

/// Reads what follows the dot.
///
/// `b`, `f(x)`, `['b c']`, `[0]`
fn member<'a>(input: Tokens<'a>, rest: Tokens<'a>, base: Expr) -> Read<'a, Expr> {
    let base = Box::new(base);
    if let Some(length) = name_length(rest, 0)
        && rest.kind_at(length) == TokenKind::OpenParen
    {
        let (rest, name) = name(rest)?;
        let (rest, arguments) = arguments(rest)?;
        return Ok((rest, Expr { span: input.span_to(rest), kind: ExprKind::MethodCall { base, name, arguments } }));
    }
    if rest.kind() == TokenKind::OpenBracket && bracketed_name(rest).is_err() {
        return element(input, rest, *base);
    }
    let (rest, member) = match optional(rest, selected_name)? {
        (rest, Some(name)) => (rest, name),
        (rest, None) => (rest, rest.missing_name()),
    };
    Ok((rest, Expr { span: input.span_to(rest), kind: ExprKind::Member { base, member } }))
}

/// A name within a path; a few keywords more may be used.
///
/// `kind`
fn selected_name(input: Tokens<'_>) -> Read<'_, Name> {
    if input.is_any_word(&["kind", "withsource", "with_source"]) { Ok(plain(input, 1)) } else { name(input) }
}

/// `[0]`, `["a"]`
fn element<'a>(input: Tokens<'a>, rest: Tokens<'a>, base: Expr) -> Read<'a, Expr> {
    let (rest, index) = bracketed(rest, TokenKind::OpenBracket, |rest| or_missing(rest, "an index", scalar))?;
    let kind = ExprKind::Element { base: Box::new(base), index: Box::new(index) };
    Ok((rest, Expr { span: input.span_to(rest), kind }))
}

/// What a path begins with.
///
/// `5`, `(a + b)`, `iff(a, b, c)`, `AlertName`, `datatable(a:long) [1]`
fn primary(input: Tokens<'_>) -> Read<'_, Expr> {
    match input.kind() {
        TokenKind::OpenParen => parenthesized(input),
        TokenKind::Identifier if input.kind_at(1) != TokenKind::OpenParen => selector(input),
        TokenKind::Keyword(_) => word_primary(input),
        TokenKind::Plus | TokenKind::Minus => absent(),
        TokenKind::OpenBrace | TokenKind::OpenBracket | TokenKind::Identifier => call_or_selector(input),
        TokenKind::Sign if input.text() == "@" => unsupported(input, 1, "`@`"),
        _ => literal(input),
    }
}

/// What begins with a word of the language.
fn word_primary(input: Tokens<'_>) -> Read<'_, Expr> {
    match input.text() {
        "dynamic" => match literal(input) {
            Err(nom::Err::Error(_)) => keyword_as_name(input),
            read => read,
        },
        "datatable" => data_table(input),
        "externaldata" | "external_data" => external_data(input),
        "toscalar" | "totable" => subquery(input),
        "typeof" if input.kind_at(1) == TokenKind::OpenParen => type_of(input),
        "materialized-view-combine" | "__contextual_datatable" => unsupported(input, 1, "this form"),
        _ => call_or_selector(input),
    }
}

/// A call, a name, or a keyword in the place of a name.
fn call_or_selector(input: Tokens<'_>) -> Read<'_, Expr> {
    match optional(input, call)? {
        (rest, Some(call)) => Ok((rest, call)),
        (_, None) => selector(input),
    }
}

fn selector(input: Tokens<'_>) -> Read<'_, Expr> {
    let read = match optional(input, selected_name)? {
        (rest, Some(name)) => Ok((rest, Expr { span: name.span, kind: ExprKind::Name(name) })),
        (_, None) if input.kind() == TokenKind::OpenBracket => brackets_without_name(input),
        (_, None) => keyword_as_name(input),
    };
    let (rest, value) = read?;
    if rest.is_word("datascope") && rest.kind_at(1) == TokenKind::Assign {
        return unsupported(rest, 3, "`datascope`").map(|(rest, _)| (rest, value));
    }
    Ok((rest, value))
}

/// Reads brackets at the start of a path that hold no name, for the sake of the problem.
///
/// `[0]`, `[Ext*]`
fn brackets_without_name(input: Tokens<'_>) -> Read<'_, Expr> {
    let inner = |input| or_missing(input, "a name", |input| name_or_wildcard(input).or_else(|_| scalar(input)));
    let (rest, _) = bracketed(input, TokenKind::OpenBracket, inner)?;
    let span = input.span_to(rest);
    let problem = Diagnostic::error("AQ005", span, "brackets at the start of a path hold a name in quotes");
    input.report(problem.help("an array is written dynamic([1, 2])"));
    Ok((rest, Expr { span, kind: ExprKind::Error }))
}

/// Reports what the official parser reads and no rule has a use for.
pub(super) fn unsupported<'a>(input: Tokens<'a>, n: usize, what: &str) -> Read<'a, Expr> {
    let rest = input.skip(n);
    let span = input.span_to(rest);
    input.report(Diagnostic::error("AQ005", span, format!("{what} is not supported")));
    Ok((rest, Expr { span, kind: ExprKind::Error }))
}

/// `(a)`, `(T | where a)`
pub(super) fn parenthesized(input: Tokens<'_>) -> Read<'_, Expr> {
    if input.kind() != TokenKind::OpenParen {
        return absent();
    }
    let (rest, value) = bracketed(input, TokenKind::OpenParen, required_expression)?;
    Ok((rest, Expr { span: input.span_to(rest), kind: ExprKind::Paren(Box::new(value)) }))
}

/// Tells whether a call begins here.
pub(super) fn is_call(input: Tokens<'_>) -> bool {
    name_length(input, 0).is_some_and(|length| input.kind_at(length) == TokenKind::OpenParen)
}

/// `iff(a, b, c)`
pub(super) fn call(input: Tokens<'_>) -> Read<'_, Expr> {
    if !is_call(input) {
        return absent();
    }
    let (rest, name) = name(input)?;
    let (rest, arguments) = arguments(rest)?;
    Ok((rest, Expr { span: input.span_to(rest), kind: ExprKind::Call { name, arguments } }))
}

/// `(a, b = 1, *)`
pub(super) fn arguments(input: Tokens<'_>) -> Read<'_, Vec<Argument>> {
    bracketed(input, TokenKind::OpenParen, |input| {
        comma_list(input, List::ANY, argument, |input| Argument { name: None, value: input.missing("an expression") })
    })
}

/// `a`, `b = 1`, `*`
fn argument(input: Tokens<'_>) -> Read<'_, Argument> {
    if input.kind() == TokenKind::Star && matches!(input.kind_at(1), TokenKind::CloseParen | TokenKind::Comma) {
        let value = Expr { span: input.nth(0).span, kind: ExprKind::Star };
        return Ok((input.skip(1), Argument { name: None, value }));
    }
    if !is_assignment(input) {
        return scalar(input).map(|(rest, value)| (rest, Argument { name: None, value }));
    }
    let (rest, named) = named_expression(input)?;
    if named.tuple {
        let problem = Diagnostic::error("AQ005", named.span, "an argument has one name at most");
        input.report(problem);
    }
    Ok((rest, Argument { name: named.names.into_iter().next(), value: named.value }))
}

/// Tells whether a name and `=` stand here, be the name a good one or not.
fn is_assignment(input: Tokens<'_>) -> bool {
    let length = declared_name_length(input, 0).or_else(|| name_list_length(input)).or_else(|| dashed_length(input));
    match input.kind_at(1) {
        TokenKind::Assign => length.is_some(),
        _ => length.is_some_and(|length| input.kind_at(length) == TokenKind::Assign) || is_dashed_assignment(input),
    }
}

fn is_dashed_assignment(input: Tokens<'_>) -> bool {
    dashed_length(input).is_some_and(|length| input.kind_at(length) == TokenKind::Assign)
}

/// `a`, `x = a`, `(x, y) = f(a)`
pub(super) fn named_expression(input: Tokens<'_>) -> Read<'_, NamedExpr> {
    let (rest, (names, tuple)) = names_before_assign(input)?;
    if names.is_empty() {
        let (rest, value) = scalar(input)?;
        return Ok((rest, NamedExpr { span: value.span, names, tuple, value }));
    }
    let (rest, value) = required_scalar(rest)?;
    Ok((rest, NamedExpr { span: input.span_to(rest), names, tuple, value }))
}

/// Reads `name =` or `(name, name) =` if it stands here.
fn names_before_assign(input: Tokens<'_>) -> Read<'_, (Vec<Name>, bool)> {
    let is_assign = |length: &usize| input.kind_at(*length) == TokenKind::Assign;
    if let Some(length) = declared_name_length(input, 0).filter(is_assign) {
        let (rest, name) = super::name::declared_name(input)?;
        debug_assert_eq!(rest, input.skip(length));
        return Ok((rest.skip(1), (vec![name], false)));
    }
    if let Some(length) = dashed_length(input).filter(is_assign) {
        let (rest, name) = plain(input, length);
        report_brackets_needed(input, &name);
        return Ok((rest.skip(1), (vec![name], false)));
    }
    if let Some(length) = name_list_length(input).filter(is_assign) {
        return Ok((input.skip(length + 1), (listed_names(input), true)));
    }
    Ok((input, (Vec::new(), false)))
}

/// Returns how many tokens a name with `-` in it has, or a keyword that is no name.
fn dashed_length(input: Tokens<'_>) -> Option<usize> {
    let is_part = |n: usize| matches!(input.kind_at(n), TokenKind::Identifier | TokenKind::Keyword(_));
    if !is_part(0) {
        return None;
    }
    Some(1 + (1..).take_while(|n| input.touches(*n) && (is_part(*n) || input.kind_at(*n) == TokenKind::Minus)).count())
}

/// Returns how many tokens `(a, b)` has.
fn name_list_length(input: Tokens<'_>) -> Option<usize> {
    if input.kind() != TokenKind::OpenParen {
        return None;
    }
    let mut at = 1;
    while let Some(length) = declared_name_length(input, at) {
        at += length;
        if input.kind_at(at) != TokenKind::Comma {
            break;
        }
        at += 1;
    }
    (input.kind_at(at) == TokenKind::CloseParen).then_some(at + 1)
}

fn listed_names(input: Tokens<'_>) -> Vec<Name> {
    let mut names = Vec::new();
    let mut rest = input.skip(1);
    while let Ok((next, name)) = super::name::declared_name(rest) {
        names.push(name);
        rest = next.skip(usize::from(next.kind() == TokenKind::Comma));
    }
    names
}

/// A query as a value; `kind=nooptimization` becomes an argument of that name.
///
/// `toscalar(T | count)`
fn subquery(input: Tokens<'_>) -> Read<'_, Expr> {
    let (rest, name) = plain(input, 1);
    let mut arguments = Vec::new();
    let mut rest = rest;
    if rest.is_word("kind") && rest.kind_at(1) == TokenKind::Assign {
        let (next, kind) = plain(rest, 1);
        let (next, value) = or_missing(next.skip(1), "a value", super::parameter::any_value)?;
        arguments.push(Argument { name: Some(kind), value });
        rest = next;
    }
    let (rest, value) = bracketed(rest, TokenKind::OpenParen, required_expression)?;
    arguments.push(Argument { name: None, value });
    Ok((rest, Expr { span: input.span_to(rest), kind: ExprKind::Call { name, arguments } }))
}

/// A type as an argument: a call of `typeof` with names, `a:long` being an argument `long` of the name `a`.
///
/// `typeof(long)`, `typeof(a:long, b:string)`, `typeof(*)`
pub(super) fn type_of(input: Tokens<'_>) -> Read<'_, Expr> {
    if !input.is_word("typeof") || input.kind_at(1) != TokenKind::OpenParen {
        return absent();
    }
    let (rest, name) = plain(input, 1);
    let (rest, arguments) = bracketed(rest, TokenKind::OpenParen, |input| {
        comma_list(input, List::SOME, type_argument, |input| Argument { name: None, value: input.missing("a type") })
    })?;
    Ok((rest, Expr { span: input.span_to(rest), kind: ExprKind::Call { name, arguments } }))
}

fn type_argument(input: Tokens<'_>) -> Read<'_, Argument> {
    let as_expr = |name: Name| Expr { span: name.span, kind: ExprKind::Name(name) };
    if input.kind() == TokenKind::Star {
        let value = Expr { span: input.nth(0).span, kind: ExprKind::Star };
        return Ok((input.skip(1), Argument { name: None, value }));
    }
    if input.kind_at(1) != TokenKind::Colon
        && let (rest, Some(name)) = optional(input, super::statement::any_type_name)?
    {
        return Ok((rest, Argument { name: None, value: as_expr(name) }));
    }
    let (rest, column) = super::statement::column_declaration(input)?;
    let value = column.type_name.map_or_else(|| rest.hole(), as_expr);
    Ok((rest, Argument { name: Some(column.name), value }))
}

/// `datatable(a:long, b:string) [1, "x", 2, "y"]`
fn data_table(input: Tokens<'_>) -> Read<'_, Expr> {
    if is_in_name_position_alone(input) {
        return keyword_as_name(input);
    }
    let (rest, parameters) = super::parameter::sure_parameters(input.skip(1), &[])?;
    let (rest, columns) = column_declarations(rest)?;
    let (rest, values) = bracketed(rest, TokenKind::OpenBracket, |input| {
        let input = input.skip(usize::from(input.kind() == TokenKind::Comma));
        comma_list(input, List::TRAILING, literal_or_type, |input| input.missing("a value"))
    })?;
    Ok((rest, Expr { span: input.span_to(rest), kind: ExprKind::DataTable { columns, values, parameters } }))
}

fn literal_or_type(input: Tokens<'_>) -> Read<'_, Expr> {
    if input.is_word("typeof") { type_of(input) } else { literal(input) }
}

fn is_in_name_position_alone(input: Tokens<'_>) -> bool {
    !matches!(input.kind_at(1), TokenKind::OpenParen) && has_name_position(input)
}

/// `externaldata(a:string) [@"https://example.org/a.csv"] with (format="csv")`
fn external_data(input: Tokens<'_>) -> Read<'_, Expr> {
    if is_in_name_position_alone(input) {
        return keyword_as_name(input);
    }
    let (rest, parameters) = super::parameter::sure_parameters(input.skip(1), &[])?;
    let (rest, columns) = column_declarations(rest)?;
    let (rest, uris) = bracketed(rest, TokenKind::OpenBracket, |input| {
        comma_list(input, List::TRAILING, scalar, |input| input.missing("an address"))
    })?;
    let (rest, properties) = external_properties(rest)?;
    let kind = ExprKind::ExternalData(Box::new(ExternalData { parameters, columns, uris, properties }));
    Ok((rest, Expr { span: input.span_to(rest), kind }))
}

fn external_properties(input: Tokens<'_>) -> Read<'_, Vec<OperatorParameter>> {
    if !input.is_word("with") {
        return Ok((input, Vec::new()));
    }
    bracketed(input.skip(1), TokenKind::OpenParen, free_parameters)
}

/// A group of databases.
///
/// `entity_group [cluster("c").database("d"), database("e")]`
pub(super) fn entity_group(input: Tokens<'_>) -> Read<'_, Expr> {
    if !input.is_word("entity_group") {
        return absent();
    }
    if is_call(input) {
        return call(input);
    }
    let (rest, members) = bracketed(input.skip(1), TokenKind::OpenBracket, |input| {
        comma_list(input, List::SOME, scalar, |input| input.missing("a database"))
    })?;
    Ok((rest, Expr { span: input.span_to(rest), kind: ExprKind::EntityGroup(members) }))
}

/// `materialize(T | ...)`, which may hold a pipeline without parentheses of its own.
pub(super) fn materialize(input: Tokens<'_>) -> Read<'_, Expr> {
    if !input.is_word("materialize") {
        return absent();
    }
    let (rest, name) = plain(input, 1);
    let (rest, value) = bracketed(rest, TokenKind::OpenParen, required_expression)?;
    let arguments = vec![Argument { name: None, value }];
    Ok((rest, Expr { span: input.span_to(rest), kind: ExprKind::Call { name, arguments } }))
}

/// A path of names without calls.
///
/// `a`, `a.b["c"]`
pub(super) fn simple_path(input: Tokens<'_>) -> Read<'_, Expr> {
    if is_call(input) {
        return entity_name(input);
    }
    entity_path(input)
}

fn entity_name(input: Tokens<'_>) -> Read<'_, Expr> {
    let (rest, name) = selected_name(input)?;
    Ok((rest, Expr { span: name.span, kind: ExprKind::Name(name) }))
}

/// A table, or several at once.
///
/// `T`, `Sec*`, `database("d").T*`, `['a b']`
pub(super) fn entity_path(input: Tokens<'_>) -> Read<'_, Expr> {
    if let (rest, Some(value)) = optional(input, wildcard)? {
        return Ok((rest, value));
    }
    let (mut rest, mut value) = match optional(input, call)? {
        (rest, Some(call)) => (rest, call),
        (_, None) if input.kind() == TokenKind::OpenBracket => selector(input)?,
        (_, None) => entity_name(input)?,
    };
    loop {
        let read = match rest.kind() {
            TokenKind::Dot => match optional(rest.skip(1), wildcard_name)? {
                (next, Some(member)) => {
                    let kind = ExprKind::Member { base: Box::new(value), member };
                    return Ok((next, Expr { span: input.span_to(next), kind }));
                }
                (_, None) => member(input, rest.skip(1), value)?,
            },
            TokenKind::OpenBracket => element(input, rest, value)?,
            _ => return Ok((rest, value)),
        };
        (rest, value) = read;
        rest.raise(1)?;
    }
}

/// Tells whether the token behind this one makes it a name: `by == 1`, `by)`.
pub(super) fn has_name_position(input: Tokens<'_>) -> bool {
    use TokenKind::*;
    let next = input.skip(1);
    match next.kind() {
        Equal | NotEqual | EqualTilde | NotEqualTilde | Greater | GreaterOrEqual | Less | LessOrEqual | Star
        | Slash | Percent | CloseParen | CloseBracket | CloseBrace | Dot | Comma | Colon | Bar => true,
        Keyword(_) => infix_word(next).is_some() || next.is_word("in"),
        _ => false,
    }
}

/// Tells whether an expression or an operator might begin here.
pub(super) fn may_begin_expression(input: Tokens<'_>) -> bool {
    use TokenKind::*;
    match input.kind() {
        Identifier | String | Long | Real | TimeSpan | Bool | Wrapped(_) | RawGuid | OpenParen | OpenBracket | Plus
        | Minus => true,
        OpenBrace => braced_length(input, 0).is_some(),
        Star => is_star_operand(input, true),
        Keyword(_) => {
            name_length(input, 0).is_some()
                || has_name_position(input)
                || super::operator::is_operator_name(input.text())
                || input.is_any_word(&["dynamic", "datatable", "externaldata", "toscalar", "totable", "kind", "set"])
        }
        _ => false,
    }
}

/// Reads `word`, then a scalar expression.
pub(super) fn after_word<'a>(input: Tokens<'a>, word: &'static str) -> Read<'a, Expr> {
    required_scalar(required_word(input, word))
}
