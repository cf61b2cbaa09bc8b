//! Statements, and what they declare.

use super::expression::{
    entity_group, entity_path, expression, materialize, may_begin_expression, pipeline, required_expression,
    required_scalar, scalar,
};
use super::literal::literal;
use super::name::{declared_name, declared_name_length, name_length, plain, required_name};
use super::operator::closest_operator_help;
use super::tokens::{
    List, Read, Tokens, absent, bracketed, comma_list, optional, or_missing, pass_over, required, required_word,
};
use crate::diagnostic::{Diagnostic, Span};
use crate::syntax::ast::{
    ColumnDeclaration, Expr, ExprKind, Name, Parameter, ParameterKind, Pattern, PatternCase, Query, Statement,
    StatementKind,
};
use crate::syntax::lexer::TokenKind;

/// A whole text.
///
/// `let x = 1; T | where a == x`
pub(super) fn query(input: Tokens<'_>) -> Read<'_, Query> {
    let mut rest = input;
    while rest.kind() == TokenKind::Directive {
        rest = rest.skip(1);
    }
    let (mut rest, mut statements) = statements(rest)?;
    // A bracket too many, or a `;` too many, is all that can stand here; behind it there may be more.
    while rest.kind() != TokenKind::End {
        report_fragment(rest);
        let (next, more) = self::statements(rest.skip(1))?;
        rest = next;
        statements.extend(more);
        if rest.has_too_many_problems() {
            return Err(nom::Err::Failure(super::tokens::Absent));
        }
    }
    Ok((rest, Query { statements }))
}

/// Statements separated by `;`, as many as there are.
pub(super) fn statements(input: Tokens<'_>) -> Read<'_, Vec<Statement>> {
    let mut statements = Vec::new();
    let mut rest = input;
    while let (next, Some(mut read)) = optional(rest, statement)? {
        rest = end_of_statement(next, &mut read)?.0;
        read.span.end = read.span.end.max(rest.here().end.min(next.here().end));
        statements.push(read);
        match rest.kind() {
            TokenKind::Semicolon => rest = rest.skip(1),
            kind if is_closing(kind) => break,
            _ => {}
        }
    }
    Ok((rest, statements))
}

fn is_closing(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::CloseParen | TokenKind::CloseBracket | TokenKind::CloseBrace | TokenKind::End)
}

/// Reports what stands behind a statement, and goes on at the next pipe, the next statement or the end.
fn end_of_statement<'a>(input: Tokens<'a>, statement: &mut Statement) -> Read<'a, ()> {
    let mut rest = input;
    if rest.kind() == TokenKind::Bar {
        let message = "a pipe cannot follow this";
        let problem = Diagnostic::error("KS198", rest.nth(0).span, message);
        rest.report(problem.help("put it within the brackets, or behind the name in a statement of its own"));
    }
    loop {
        match rest.kind() {
            TokenKind::Semicolon => return Ok((rest, ())),
            kind if is_closing(kind) => return Ok((rest, ())),
            TokenKind::Bar => rest = more_operators(rest, statement)?.0,
            _ => {
                report_junk(rest);
                if rest.is_on_new_line() && may_begin_expression(rest) {
                    return Ok((rest, ()));
                }
                rest = pass_over(rest);
            }
        }
        if rest.has_too_many_problems() {
            return Err(nom::Err::Failure(super::tokens::Absent));
        }
    }
}

/// Reads operators behind a part that could not be read, for the sake of the problems in them.
fn more_operators<'a>(input: Tokens<'a>, statement: &mut Statement) -> Read<'a, ()> {
    let (StatementKind::Expr(value) | StatementKind::Let { value, .. }) = &mut statement.kind else {
        return Ok((pass_over(input.skip(1)), ()));
    };
    let source = std::mem::replace(value, input.hole());
    let span = source.span;
    let (rest, read) = pipeline(input, input, source)?;
    *value = match read.kind {
        ExprKind::Pipeline { source, operators } => continued(*source, operators, span.to(rest.here())),
        _ => read,
    };
    statement.span = statement.span.to(value.span);
    Ok((rest, ()))
}

/// Puts operators behind a pipeline, or behind a source.
fn continued(source: Expr, more: Vec<crate::syntax::ast::Operator>, span: Span) -> Expr {
    match source.kind {
        ExprKind::Pipeline { source, mut operators } => {
            operators.extend(more);
            Expr { span, kind: ExprKind::Pipeline { source, operators } }
        }
        _ => Expr { span, kind: ExprKind::Pipeline { source: Box::new(source), operators: more } },
    }
}

/// Reports what cannot follow a statement.
fn report_junk(input: Tokens<'_>) {
    if !may_begin_expression(input) {
        return report_fragment(input);
    }
    input.expected_end(closest_operator_help(input));
}

fn report_fragment(input: Tokens<'_>) {
    let (message, help) = match input.kind() {
        TokenKind::Bad => return,
        TokenKind::CloseParen => ("this `)` closes nothing".to_string(), None),
        TokenKind::CloseBracket => ("this `]` closes nothing".to_string(), None),
        TokenKind::CloseBrace => ("this `}` closes nothing".to_string(), None),
        TokenKind::Assign => {
            ("`=` cannot stand here".to_string(), Some("values are compared with `==`; names are given with `extend`"))
        }
        TokenKind::Directive => ("an instruction to the editor cannot stand within a query".to_string(), None),
        _ => (format!("`{}` cannot stand here", input.text()), None),
    };
    let problem = Diagnostic::error("KS198", input.nth(0).span, message);
    input.report(match help {
        Some(help) => problem.help(help),
        None => problem,
    });
}

/// One statement.
pub(super) fn statement(input: Tokens<'_>) -> Read<'_, Statement> {
    let (rest, kind) = match input.text() {
        "let" if input.is_word("let") && name_length(input, 1).is_some() => let_statement(input.skip(1))?,
        "set" if input.is_word("set") => set_statement(input.skip(1))?,
        "alias" if input.is_word_at(1, "database") => alias_statement(input.skip(2))?,
        "declare" if input.is_word_at(1, "pattern") => declare_pattern(input.skip(2))?,
        "declare" if input.is_word_at(1, "query_parameters") => declare_parameters(input.skip(2))?,
        "restrict" if input.is_word_at(1, "access") => restrict_statement(input.skip(2))?,
        _ => expression(input).map(|(rest, value)| (rest, StatementKind::Expr(value)))?,
    };
    Ok((rest, Statement { span: input.span_to(rest), kind }))
}

/// `let x = 1`, `let f = (a:long) { a + 1 }`
fn let_statement(input: Tokens<'_>) -> Read<'_, StatementKind> {
    let (rest, name) = required_name(input)?;
    let (rest, value) = let_value(required(rest, TokenKind::Assign))?;
    Ok((rest, StatementKind::Let { name, value }))
}

fn let_value(input: Tokens<'_>) -> Read<'_, Expr> {
    if begins_function(input) {
        return function(input);
    }
    or_missing(input, "an expression", |input| match input.text() {
        "materialize" if input.is_word("materialize") => materialize(input),
        "entity_group" if input.is_word("entity_group") => entity_group(input),
        _ => expression(input),
    })
}

/// Tells whether parameters stand here: `()`, `(a:long`, `view (`.
fn begins_function(input: Tokens<'_>) -> bool {
    let input = input.skip(usize::from(input.is_word("view")));
    if input.kind() != TokenKind::OpenParen {
        return false;
    }
    match input.kind_at(1) {
        TokenKind::CloseParen | TokenKind::Star => true,
        _ => declared_name_length(input, 1).is_some_and(|length| input.kind_at(1 + length) == TokenKind::Colon),
    }
}

/// `(a:long, T:(*)) { T | where x == a }`, `view () { T }`
fn function(input: Tokens<'_>) -> Read<'_, Expr> {
    let view = input.is_word("view");
    let (rest, parameters) = parameters(input.skip(usize::from(view)), List::ANY)?;
    let (rest, body) = bracketed(rest, TokenKind::OpenBrace, function_body)?;
    let kind = ExprKind::Function { view, parameters, body: Box::new(body) };
    Ok((rest, Expr { span: input.span_to(rest), kind }))
}

/// `let x = 1; T | where a == x;`
fn function_body(input: Tokens<'_>) -> Read<'_, Query> {
    let (rest, statements) = statements(input)?;
    for (n, statement) in statements.iter().enumerate() {
        let (span, message) = match (&statement.kind, statements.get(n + 1)) {
            (StatementKind::Let { .. } | StatementKind::DeclareParameters { .. }, _) => continue,
            (StatementKind::Expr(_), None) => continue,
            (StatementKind::Expr(_), Some(next)) => {
                (next.span, "`}` is expected before this: the expression ends a function")
            }
            _ => (statement.span, "a function holds `let` statements and an expression at its end, nothing else"),
        };
        input.report(Diagnostic::error("KS005", Span::new(span.start, span.start), message));
        break;
    }
    Ok((rest, Query { statements }))
}

/// `(a:long, b:string = "x", T:(*))`
fn parameters(input: Tokens<'_>, list: List) -> Read<'_, Vec<Parameter>> {
    bracketed(input, TokenKind::OpenParen, |input| comma_list(input, list, parameter, missing_parameter))
}

pub(super) fn missing_parameter(input: Tokens<'_>) -> Parameter {
    input.missing("a parameter");
    let name = Name { span: input.here(), text: String::new(), quoted: false };
    Parameter { name: name.clone(), kind: ParameterKind::Scalar(name), default: None }
}

/// `a:long`, `b:string = "x"`, `T:(a:long, b:string)`, `T:(*)`
pub(super) fn parameter(input: Tokens<'_>) -> Read<'_, Parameter> {
    let (rest, name) = named_before_colon(input)?;
    let (rest, kind) = parameter_kind(required(rest, TokenKind::Colon))?;
    let (rest, default) = default_value(rest)?;
    Ok((rest, Parameter { name, kind, default }))
}

fn parameter_kind(input: Tokens<'_>) -> Read<'_, ParameterKind> {
    if input.kind() != TokenKind::OpenParen {
        return type_name(input).map(|(rest, name)| (rest, ParameterKind::Scalar(name)));
    }
    if input.kind_at(1) == TokenKind::Star {
        return bracketed(input, TokenKind::OpenParen, |input| Ok((input.skip(1), ParameterKind::AnyTable)));
    }
    let (rest, columns) = column_declarations(input)?;
    Ok((rest, ParameterKind::Table(columns)))
}

/// `= 1`
fn default_value(input: Tokens<'_>) -> Read<'_, Option<Expr>> {
    if input.kind() != TokenKind::Assign {
        return Ok((input, None));
    }
    let (rest, value) = or_missing(input.skip(1), "a value", super::parameter::any_value)?;
    Ok((rest, Some(value)))
}

/// `(a:long, b:string)`, with a comma before the first or behind the last if need be.
pub(super) fn column_declarations(input: Tokens<'_>) -> Read<'_, Vec<ColumnDeclaration>> {
    if input.kind() != TokenKind::OpenParen {
        input.missing("a list of columns");
        return Ok((input, Vec::new()));
    }
    bracketed(input, TokenKind::OpenParen, |input| {
        let input = input.skip(usize::from(input.kind() == TokenKind::Comma));
        comma_list(input, List::TRAILING, column_declaration, missing_column)
    })
}

pub(super) fn missing_column(input: Tokens<'_>) -> ColumnDeclaration {
    input.missing("a column");
    let name = Name { span: input.here(), text: String::new(), quoted: false };
    ColumnDeclaration { name, type_name: None }
}

/// `a:long`
pub(super) fn column_declaration(input: Tokens<'_>) -> Read<'_, ColumnDeclaration> {
    let (rest, name) = named_before_colon(input)?;
    let (rest, type_name) = type_name(required(rest, TokenKind::Colon))?;
    Ok((rest, ColumnDeclaration { name, type_name: Some(type_name) }))
}

/// `a`, `a:long`
pub(super) fn optional_type_declaration(input: Tokens<'_>) -> Read<'_, ColumnDeclaration> {
    let (rest, name) = named_before_colon(input)?;
    if rest.kind() != TokenKind::Colon {
        return Ok((rest, ColumnDeclaration { name, type_name: None }));
    }
    let (rest, type_name) = type_name(rest.skip(1))?;
    Ok((rest, ColumnDeclaration { name, type_name: Some(type_name) }))
}

fn named_before_colon(input: Tokens<'_>) -> Read<'_, Name> {
    match optional(input, declared_name)? {
        (rest, Some(name)) => Ok((rest, name)),
        (_, None) if input.kind() == TokenKind::Colon => Ok((input, input.missing_name())),
        (_, None) => absent(),
    }
}

/// The types that a column may be declared to have.
const TYPES: &[&str] = &[
    "bool", "boolean", "date", "datetime", "decimal", "double", "dynamic", "guid", "int", "int64", "int8", "long",
    "real", "string", "time", "timespan", "uniqueid",
];

/// Types that are known and not for columns.
const OTHER_TYPES: &[&str] = &["float", "int16", "int32", "uint", "uint16", "uint32", "uint64", "uint8", "ulong"];

/// Reads a type, or reports that it is missing or no type.
fn type_name(input: Tokens<'_>) -> Read<'_, Name> {
    if input.is_any_word(TYPES) {
        return Ok(plain(input, 1));
    }
    if name_length(input, 0) != Some(1) && !input.is_any_word(OTHER_TYPES) {
        input.missing("a type");
        return Ok((input, Name { span: input.here(), text: String::new(), quoted: false }));
    }
    let (rest, name) = plain(input, 1);
    let problem = Diagnostic::error("KS160", name.span, format!("`{}` is not a type of a column", name.text));
    let near = crate::diagnostic::nearest(&name.text, TYPES.iter().copied());
    input.report(match near {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help("types are bool, datetime, decimal, dynamic, guid, int, long, real, string and timespan"),
    });
    Ok((rest, name))
}

/// A type where the name alone tells: `long`.
pub(super) fn any_type_name(input: Tokens<'_>) -> Read<'_, Name> {
    if input.is_any_word(TYPES) || input.is_any_word(OTHER_TYPES) || name_length(input, 0) == Some(1) {
        return Ok(plain(input, 1));
    }
    absent()
}

/// `set option`, `set option = value`
fn set_statement(input: Tokens<'_>) -> Read<'_, StatementKind> {
    let (rest, name) = required_name(input)?;
    if rest.kind() != TokenKind::Assign {
        return Ok((rest, StatementKind::Set { name, value: None }));
    }
    let (rest, value) = required_scalar(rest.skip(1))?;
    Ok((rest, StatementKind::Set { name, value: Some(value) }))
}

/// `alias database d = cluster("c").database("d")`
fn alias_statement(input: Tokens<'_>) -> Read<'_, StatementKind> {
    let (rest, name) = required_name(input)?;
    let (rest, value) = required_scalar(required(rest, TokenKind::Assign))?;
    Ok((rest, StatementKind::Alias { name, value }))
}

/// `declare query_parameters(a:long = 1)`
fn declare_parameters(input: Tokens<'_>) -> Read<'_, StatementKind> {
    let (rest, parameters) = parameters(input, List::SOME)?;
    Ok((rest, StatementKind::DeclareParameters { parameters }))
}

/// `declare pattern p = (a:string)[b:string] { ("x").["y"] = { T }; }`
fn declare_pattern(input: Tokens<'_>) -> Read<'_, StatementKind> {
    let (rest, name) = required_name(input)?;
    if rest.kind() != TokenKind::Assign {
        return Ok((rest, StatementKind::DeclarePattern { name, pattern: None }));
    }
    let (rest, pattern) = cases_of_pattern(rest.skip(1))?;
    Ok((rest, StatementKind::DeclarePattern { name, pattern: Some(pattern) }))
}

/// `(a:string)[b:string] { ("x").["y"] = { T }; }`
fn cases_of_pattern(input: Tokens<'_>) -> Read<'_, Pattern> {
    let (rest, parameters) = column_declarations(input)?;
    let (rest, path) = match rest.kind() {
        TokenKind::OpenBracket => bracketed(rest, TokenKind::OpenBracket, |input| {
            let (rest, path) = optional(input, column_declaration)?;
            Ok((rest, Some(path.unwrap_or_else(|| missing_column(input)))))
        })?,
        _ => (rest, None),
    };
    let (rest, cases) = bracketed(rest, TokenKind::OpenBrace, |input| {
        let mut cases = Vec::new();
        let mut rest = input;
        while rest.kind() == TokenKind::OpenParen {
            let (next, case) = pattern_case(rest)?;
            cases.push(case);
            rest = next;
        }
        if cases.is_empty() {
            input.missing("a case of the pattern");
        }
        Ok((rest, cases))
    })?;
    Ok((rest, Pattern { parameters, path, cases }))
}

/// `("x").["y"] = { T };`
fn pattern_case(input: Tokens<'_>) -> Read<'_, PatternCase> {
    let (rest, values) = bracketed(input, TokenKind::OpenParen, |input| {
        comma_list(input, List::SOME, scalar, |input| input.missing("a value"))
    })?;
    let (rest, path) = match rest.kind() {
        TokenKind::Dot => {
            let (rest, path) =
                bracketed(rest.skip(1), TokenKind::OpenBracket, |input| or_missing(input, "a text", literal))?;
            (rest, Some(path))
        }
        _ => (rest, None),
    };
    let (rest, body) = bracketed(required(rest, TokenKind::Assign), TokenKind::OpenBrace, function_body)?;
    let span = input.span_to(rest);
    Ok((required(rest, TokenKind::Semicolon), PatternCase { span, values, path, body }))
}

/// `restrict access to (T, database("d").*)`
fn restrict_statement(input: Tokens<'_>) -> Read<'_, StatementKind> {
    let rest = required_word(input, "to");
    let (rest, entities) = bracketed(rest, TokenKind::OpenParen, |input| {
        comma_list(input, List::SOME, entity_path, |input| input.missing("a table"))
    })?;
    if !rest.is_word("with") {
        return Ok((rest, StatementKind::Restrict { entities }));
    }
    let span = rest.nth(0).span;
    let (rest, _) = bracketed(rest.skip(1), TokenKind::OpenParen, super::parameter::free_parameters)?;
    rest.report(Diagnostic::error("AQ005", span, "properties of `restrict` are not supported"));
    Ok((rest, StatementKind::Restrict { entities }))
}

/// `(T | count)` as the body of something: statements up to the parenthesis.
pub(super) fn block(input: Tokens<'_>) -> Read<'_, Query> {
    let (rest, statements) = statements(input)?;
    if statements.is_empty() {
        return required_expression(input).map(|(rest, _)| (rest, Query::default()));
    }
    Ok((rest, Query { statements }))
}
