//! Tree to text: [`query`] lays a query out in the canonical way, [`tree`] shows how it was understood.
//!
//! What a tree without problems prints is read again as the same tree, places aside. Comments are not in the tree and
//! so are not printed. Parentheses are printed where they were written: they are nodes of the tree.

mod clause;
mod operator;
mod tree;

pub use tree::tree;

use std::rc::Rc;

use super::ast::{
    Argument, BinaryOperator, DynamicLiteral, Expr, ExprKind, InOperator, Literal, LiteralKind, Name, NamedExpr,
    OrderedExpr, Parameter, ParameterKind, Pattern, PatternCase, Query, Statement, StatementKind, TextOperator,
    UnaryOperator,
};
use super::lexer;
use crate::diagnostic::Span;
use clause::{columns, parameters_with};

/// How far a line may go before it is broken where that can be done.
const WIDTH: usize = 100;

/// How much stack printing gets. A tree is as high as the parser lets it grow, on whatever stack the caller has.
const STACK: usize = 32 * 1024 * 1024;

/// Prints a query, one operator a line.
///
/// ```
/// let parsed = alertq::syntax::parse("SecurityAlert|where x>1|count");
/// assert_eq!(alertq::syntax::print::query(&parsed.query), "SecurityAlert\n| where x > 1\n| count\n");
/// ```
pub fn query(query: &Query) -> String {
    Printer::default().query(query)
}

/// Prints the query of a text as [`query`] does, but for what a tree does not tell.
///
/// Strings of other forms than `"x"` and `'x'` stay as they are written: with escapes, over several lines, hidden from
/// logs (`h"x"`). `comments` are offsets in the text; lists that have one between their items get an item a line, since
/// each comment belongs to an item.
///
/// ```
/// let text = "T\n| project a, // first\n b, h'\\u00e9'";
/// let parsed = alertq::syntax::parse(text);
/// let printed = alertq::syntax::print::query_of(text, &parsed.query, &[text.find("//").unwrap()]);
/// assert_eq!(printed, "T\n| project\n    a,\n    b,\n    h'\\u00e9'\n");
/// ```
pub fn query_of(text: &str, query: &Query, comments: &[usize]) -> String {
    Printer { comments: comments.into(), written: text.into(), ..Printer::default() }.query(query)
}

/// Prints an expression.
///
/// ```
/// let parsed = alertq::syntax::parse("strcat( 'a',b )");
/// let alertq::syntax::ast::StatementKind::Expr(value) = &parsed.query.statements[0].kind else { unreachable!() };
/// assert_eq!(alertq::syntax::print::expr(value), r#"strcat("a", b)"#);
/// ```
pub fn expr(expr: &Expr) -> String {
    let mut printer = Printer::default();
    stacker::grow(STACK, || printer.expr(expr));
    printer.text
}

/// The text so far, and how far the next line is indented.
#[derive(Debug, Default, Clone)]
struct Printer {
    text: String,
    indent: usize,
    /// Where comments stand in the text that the tree was read from.
    comments: Rc<[usize]>,
    /// The text that the tree was read from; empty where it is not known.
    written: Rc<str>,
}

/// An item of a list that knows where it stood.
trait Item {
    fn span(&self) -> Span;
}

impl Item for Expr {
    fn span(&self) -> Span {
        self.span
    }
}

impl Item for Argument {
    fn span(&self) -> Span {
        self.value.span
    }
}

impl Item for NamedExpr {
    fn span(&self) -> Span {
        self.span
    }
}

impl Item for OrderedExpr {
    fn span(&self) -> Span {
        self.value.span
    }
}

impl Printer {
    /// Prints a query to the end of its last line; a text without statements stays empty.
    fn query(mut self, query: &Query) -> String {
        stacker::grow(STACK, || self.statements(query));
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn new_line(&mut self) {
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n(' ', self.indent));
    }

    /// Prints something on lines of its own, deeper, between two signs.
    fn block(&mut self, open: &str, close: &str, inner: impl FnOnce(&mut Printer)) {
        self.push(open);
        self.indent += 4;
        self.new_line();
        inner(self);
        self.indent -= 4;
        self.new_line();
        self.push(close);
    }

    /// Prints something on one line of its own to see how it looks.
    fn aside(&self, inner: impl FnOnce(&mut Printer)) -> String {
        let (comments, written) = (self.comments.clone(), self.written.clone());
        let mut aside = Printer { text: String::new(), indent: self.indent, comments, written };
        inner(&mut aside);
        aside.text
    }

    fn width(&self) -> usize {
        self.text.len() - self.text.rfind('\n').map_or(0, |at| at + 1)
    }

    /// Prints what `each` makes of the items with `, ` between them.
    fn list<T>(&mut self, items: &[T], mut each: impl FnMut(&mut Printer, &T)) {
        for (n, item) in items.iter().enumerate() {
            if n > 0 {
                self.push(", ");
            }
            each(self, item);
        }
    }

    /// As [`Printer::list`], an item a line where one line is too short.
    fn broken_list<T: Item>(&mut self, items: &[T], mut each: impl FnMut(&mut Printer, &T)) {
        if items.len() < 2 {
            return self.list(items, each);
        }
        let one_line = self.aside(|aside| aside.list(items, &mut each));
        let fits = self.width() + one_line.len() <= WIDTH && !one_line.contains('\n');
        if fits && !self.is_commented(items) {
            return self.list(items, each);
        }
        if self.text.ends_with(' ') {
            self.text.pop();
        }
        self.indent += 4;
        for (n, item) in items.iter().enumerate() {
            if n > 0 {
                self.push(",");
            }
            self.new_line();
            each(self, item);
        }
        self.indent -= 4;
    }

    /// Tells whether a comment stands between the first item and the last.
    fn is_commented<T: Item>(&self, items: &[T]) -> bool {
        let (Some(first), Some(last)) = (items.first(), items.last()) else { return false };
        self.has_comment(first.span().to(last.span()))
    }

    fn has_comment(&self, span: Span) -> bool {
        self.comments.iter().any(|at| span.start < *at && *at < span.end)
    }

    fn statements(&mut self, query: &Query) {
        for (n, statement) in query.statements.iter().enumerate() {
            if n > 0 {
                self.push(";");
                self.new_line();
            }
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match &statement.kind {
            StatementKind::Let { name, value } => self.assignment("let ", name, value),
            StatementKind::Alias { name, value } => self.assignment("alias database ", name, value),
            StatementKind::Set { name, value: Some(value) } => self.assignment("set ", name, value),
            StatementKind::Set { name, value: None } => {
                self.push("set ");
                self.name(name);
            }
            StatementKind::DeclareParameters { parameters } => {
                self.push("declare query_parameters");
                self.parameters(parameters);
            }
            StatementKind::DeclarePattern { name, pattern } => {
                self.push("declare pattern ");
                self.name(name);
                pattern.iter().for_each(|pattern| self.pattern(pattern));
            }
            StatementKind::Restrict { entities } => {
                self.push("restrict access to (");
                self.list(entities, Printer::expr);
                self.push(")");
            }
            StatementKind::Expr(value) => self.expr(value),
        }
    }

    /// ` = (a: string)[b: string]`, then the cases in braces, each in lines of its own.
    fn pattern(&mut self, pattern: &Pattern) {
        self.push(" = (");
        columns(self, &pattern.parameters);
        self.push(")");
        if let Some(path) = &pattern.path {
            self.push("[");
            clause::column(self, path);
            self.push("]");
        }
        self.block(" {", "}", |printer| {
            for (n, case) in pattern.cases.iter().enumerate() {
                if n > 0 {
                    printer.new_line();
                }
                printer.pattern_case(case);
            }
        });
    }

    fn pattern_case(&mut self, case: &PatternCase) {
        self.push("(");
        self.list(&case.values, Printer::expr);
        self.push(")");
        if let Some(path) = &case.path {
            self.push(".[");
            self.expr(path);
            self.push("]");
        }
        self.push(" = ");
        self.block("{", "};", |printer| printer.statements(&case.body));
    }

    fn assignment(&mut self, start: &str, name: &Name, value: &Expr) {
        self.push(start);
        self.name(name);
        self.push(" = ");
        self.expr(value);
    }

    fn name(&mut self, name: &Name) {
        if !name.quoted {
            return self.push(&name.text);
        }
        let quote = if name.text.contains('\'') { '"' } else { '\'' };
        self.push("[");
        self.quoted(&name.text, quote);
        self.push("]");
    }

    /// Prints a string literal, without escapes where that is possible.
    fn string(&mut self, text: &str) {
        let is_plain = |text: &str| !text.chars().any(|sign| is_unseen(sign) || sign == '"');
        if text.contains('\\') && is_plain(text) {
            self.push("@\"");
            self.push(text);
            return self.push("\"");
        }
        let quote = if text.contains('"') && !text.contains('\'') { '\'' } else { '"' };
        self.quoted(text, quote);
    }

    /// Returns a string as it is written, where that says more than its value.
    fn form_of_its_own(&self, span: Span) -> Option<String> {
        // A comment between two parts of a string has its place behind it.
        let written = self.written.get(span.start..span.end).filter(|_| !self.has_comment(span))?;
        let is_simple = |inner: &str| !inner.contains(['\\', '"', '\'']) && !inner.contains(is_unseen);
        let inner = written.get(1..written.len().saturating_sub(1)).filter(|_| written.starts_with(['"', '\'']));
        (!inner.is_some_and(is_simple) && !written.is_empty()).then(|| written.to_string())
    }

    fn quoted(&mut self, text: &str, quote: char) {
        self.text.push(quote);
        for sign in text.chars() {
            match sign {
                '\\' => self.push("\\\\"),
                '\n' => self.push("\\n"),
                '\r' => self.push("\\r"),
                '\t' => self.push("\\t"),
                _ if sign == quote => {
                    self.text.push('\\');
                    self.text.push(sign);
                }
                _ if is_unseen(sign) => self.push(&format!("\\u{:04x}", u32::from(sign))),
                _ => self.text.push(sign),
            }
        }
        self.text.push(quote);
    }

    fn expr(&mut self, value: &Expr) {
        match &value.kind {
            ExprKind::Literal(Literal::Dynamic(DynamicLiteral::Array(values))) if self.has_comment(value.span) => {
                self.block("dynamic([", "])", |printer| {
                    for (n, value) in values.iter().enumerate() {
                        if n > 0 {
                            printer.push(",");
                            printer.new_line();
                        }
                        printer.dynamic(value);
                    }
                });
            }
            ExprKind::Literal(Literal::String(_)) if let Some(written) = self.form_of_its_own(value.span) => {
                self.text.push_str(&written);
            }
            ExprKind::Literal(literal) => self.literal(literal),
            ExprKind::Name(name) => self.name(name),
            ExprKind::Star => self.push("*"),
            ExprKind::Wildcard(text) => self.push(text),
            ExprKind::Paren(inner) => self.enclosed("(", ")", inner),
            ExprKind::Member { base, member } => {
                self.expr(base);
                self.push(".");
                self.name(member);
            }
            ExprKind::Element { base, index } => {
                self.expr(base);
                self.enclosed("[", "]", index);
            }
            ExprKind::Call { name, arguments } => self.call(name, arguments),
            ExprKind::MethodCall { base, name, arguments } => {
                self.expr(base);
                self.push(".");
                self.callee(name);
                self.arguments(arguments);
            }
            ExprKind::Unary { operator, operand } => {
                self.push(match operator {
                    UnaryOperator::Minus => "-",
                    UnaryOperator::Plus => "+",
                });
                self.expr(operand);
            }
            ExprKind::Binary { operator, left, right } => {
                self.expr(left);
                // `a:"x"`, as people write it.
                let is_search = matches!(operator, BinaryOperator::Text { operator: TextOperator::Search, .. });
                self.push(if is_search { "" } else { " " });
                self.push(binary_sign(*operator));
                self.push(if is_search { "" } else { " " });
                self.expr(right);
            }
            ExprKind::In { operator, left, list } => {
                self.expr(left);
                self.push(" ");
                self.push(in_sign(*operator));
                match list.as_slice() {
                    [only] => self.enclosed(" (", ")", only),
                    _ => {
                        self.push(" (");
                        self.broken_list(list, Printer::expr);
                        self.push(")");
                    }
                }
            }
            ExprKind::Between { negated, left, low, high } => {
                self.expr(left);
                self.push(if *negated { " !between (" } else { " between (" });
                self.expr(low);
                self.push(" .. ");
                self.expr(high);
                self.push(")");
            }
            ExprKind::Pipeline { source, operators } => {
                self.expr(source);
                for operator in operators {
                    self.new_line();
                    self.push("| ");
                    self.operator(operator);
                }
            }
            ExprKind::Leading(operator) => self.operator(operator),
            ExprKind::DataTable { columns: declared, values, parameters } => {
                self.push("datatable");
                parameters_with(self, parameters);
                self.push(" (");
                columns(self, declared);
                self.push(") ");
                self.rows(values, declared.len());
            }
            ExprKind::ExternalData(external) => {
                self.push("externaldata");
                parameters_with(self, &external.parameters);
                self.push(" (");
                columns(self, &external.columns);
                self.push(") [");
                self.list(&external.uris, Printer::expr);
                self.push("]");
                clause::properties(self, &external.properties);
            }
            ExprKind::Function { view, parameters, body } => {
                self.push(if *view { "view " } else { "" });
                self.parameters(parameters);
                if body.statements.is_empty() {
                    return self.push(" {}");
                }
                // A function may have no value, and must then end with the `;` of its last statement.
                let is_open = !matches!(body.statements.last(), Some(Statement { kind: StatementKind::Expr(_), .. }));
                self.block(" {", "}", |printer| {
                    printer.statements(body);
                    printer.push(if is_open { ";" } else { "" });
                });
            }
            ExprKind::EntityGroup(members) => {
                self.push("entity_group [");
                self.list(members, Printer::expr);
                self.push("]");
            }
            ExprKind::Error => {}
        }
    }

    /// Prints an expression in brackets, a pipeline on lines of its own.
    fn enclosed(&mut self, open: &str, close: &str, inner: &Expr) {
        if is_pipeline(inner) {
            return self.block(open, close, |printer| printer.expr(inner));
        }
        self.push(open);
        self.expr(inner);
        self.push(close);
    }

    /// Prints what is called: without a blank behind a type's name it would be a literal.
    fn callee(&mut self, name: &Name) {
        self.name(name);
        if !name.quoted && lexer::is_literal_type(&name.text) {
            self.push(" ");
        }
    }

    fn call(&mut self, name: &Name, arguments: &[Argument]) {
        self.callee(name);
        match arguments {
            [Argument { name: Some(kind), value }, Argument { name: None, value: inner }]
                if matches!(name.text.as_str(), "toscalar" | "totable") && !name.quoted =>
            {
                self.push(" ");
                self.name(kind);
                self.push("=");
                self.expr(value);
                self.enclosed(" (", ")", inner);
            }
            _ if name.text == "typeof" && !name.quoted => {
                self.push("(");
                self.list(arguments, |printer, argument| {
                    if let Some(name) = &argument.name {
                        printer.name(name);
                        printer.push(":");
                    }
                    printer.expr(&argument.value);
                });
                self.push(")");
            }
            _ => self.arguments(arguments),
        }
    }

    fn arguments(&mut self, arguments: &[Argument]) {
        if let [Argument { name: None, value }] = arguments {
            return self.enclosed("(", ")", value);
        }
        self.push("(");
        self.broken_list(arguments, |printer, argument| {
            if let Some(name) = &argument.name {
                printer.name(name);
                printer.push(" = ");
            }
            printer.expr(&argument.value);
        });
        self.push(")");
    }

    /// Prints the values of a `datatable`, a row a line.
    fn rows(&mut self, values: &[Expr], columns: usize) {
        if values.len() <= columns.max(1) {
            self.push("[");
            self.list(values, Printer::expr);
            return self.push("]");
        }
        self.block("[", "]", |printer| {
            for (n, row) in values.chunks(columns.max(1)).enumerate() {
                if n > 0 {
                    printer.push(",");
                    printer.new_line();
                }
                printer.list(row, Printer::expr);
            }
        });
    }

    fn parameters(&mut self, parameters: &[Parameter]) {
        self.push("(");
        self.list(parameters, |printer, parameter| {
            printer.name(&parameter.name);
            printer.push(":");
            match &parameter.kind {
                ParameterKind::Scalar(name) => printer.name(name),
                ParameterKind::AnyTable => printer.push("(*)"),
                ParameterKind::Table(declared) => {
                    printer.push("(");
                    columns(printer, declared);
                    printer.push(")");
                }
            }
            if let Some(value) = &parameter.default {
                printer.push(" = ");
                printer.expr(value);
            }
        });
        self.push(")");
    }

    fn literal(&mut self, literal: &Literal) {
        match literal {
            Literal::String(text) => self.string(text),
            Literal::Typed { text, wrapped: false, .. } => self.push(text),
            Literal::Typed { kind, text, wrapped: true } => {
                self.push(type_word(*kind));
                self.push("(");
                self.push(text);
                self.push(")");
            }
            Literal::Dynamic(value) => {
                self.push("dynamic(");
                self.dynamic(value);
                self.push(")");
            }
            Literal::Null => self.push("null"),
        }
    }

    fn dynamic(&mut self, value: &DynamicLiteral) {
        match value {
            DynamicLiteral::Null => self.push("null"),
            DynamicLiteral::Placeholder(name) => self.push(&name.text),
            DynamicLiteral::Scalar(value) => self.literal(value),
            DynamicLiteral::Array(values) => {
                self.push("[");
                self.list(values, Printer::dynamic);
                self.push("]");
            }
            DynamicLiteral::Bag(pairs) => {
                self.push("{");
                self.list(pairs, |printer, (key, value)| {
                    printer.quoted(key, '"');
                    printer.push(": ");
                    printer.dynamic(value);
                });
                self.push("}");
            }
        }
    }
}

fn is_pipeline(value: &Expr) -> bool {
    matches!(value.kind, ExprKind::Pipeline { .. })
}

/// Tells whether a reader could not see a sign, or take it for another.
fn is_unseen(sign: char) -> bool {
    let is_format = matches!(sign, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(sign, '\u{2060}'..='\u{206f}' | '\u{feff}');
    sign.is_control() || is_format || sign.is_whitespace() && sign != ' '
}

fn type_word(kind: LiteralKind) -> &'static str {
    match kind {
        LiteralKind::Bool => "bool",
        LiteralKind::Int => "int",
        LiteralKind::Long => "long",
        LiteralKind::Real => "real",
        LiteralKind::Decimal => "decimal",
        LiteralKind::DateTime => "datetime",
        LiteralKind::TimeSpan => "timespan",
        LiteralKind::Guid => "guid",
        LiteralKind::String => "string",
    }
}

fn in_sign(operator: InOperator) -> &'static str {
    match operator {
        InOperator::In => "in",
        InOperator::NotIn => "!in",
        InOperator::InTilde => "in~",
        InOperator::NotInTilde => "!in~",
        InOperator::HasAny => "has_any",
        InOperator::HasAll => "has_all",
    }
}

fn binary_sign(operator: BinaryOperator) -> &'static str {
    match operator {
        BinaryOperator::Or => "or",
        BinaryOperator::And => "and",
        BinaryOperator::Equal => "==",
        BinaryOperator::NotEqual => "!=",
        BinaryOperator::EqualTilde => "=~",
        BinaryOperator::NotEqualTilde => "!~",
        BinaryOperator::Less => "<",
        BinaryOperator::LessOrEqual => "<=",
        BinaryOperator::Greater => ">",
        BinaryOperator::GreaterOrEqual => ">=",
        BinaryOperator::Add => "+",
        BinaryOperator::Subtract => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Divide => "/",
        BinaryOperator::Modulo => "%",
        BinaryOperator::Text { operator, negated } => text_sign(operator, negated),
    }
}

fn text_sign(operator: TextOperator, negated: bool) -> &'static str {
    let (plain, not) = match operator {
        TextOperator::Has => ("has", "!has"),
        TextOperator::HasCs => ("has_cs", "!has_cs"),
        TextOperator::HasPrefix => ("hasprefix", "!hasprefix"),
        TextOperator::HasPrefixCs => ("hasprefix_cs", "!hasprefix_cs"),
        TextOperator::HasSuffix => ("hassuffix", "!hassuffix"),
        TextOperator::HasSuffixCs => ("hassuffix_cs", "!hassuffix_cs"),
        TextOperator::Contains => ("contains", "!contains"),
        TextOperator::ContainsCs => ("contains_cs", "!contains_cs"),
        TextOperator::StartsWith => ("startswith", "!startswith"),
        TextOperator::StartsWithCs => ("startswith_cs", "!startswith_cs"),
        TextOperator::EndsWith => ("endswith", "!endswith"),
        TextOperator::EndsWithCs => ("endswith_cs", "!endswith_cs"),
        TextOperator::Like => ("like", "notlike"),
        TextOperator::LikeCs => ("likecs", "notlikecs"),
        TextOperator::MatchesRegex => ("matches regex", "matches regex"),
        TextOperator::Search => (":", ":"),
    };
    if negated { not } else { plain }
}
