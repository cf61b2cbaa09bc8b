//! Scalar expressions: names, types, operators and the conversions between them.

mod membership;
mod operator;
mod path;
mod text;

use std::rc::Rc;

pub(super) use self::path::PathStep;
use crate::bind::Binder;
use crate::bind::call::UserCall;
use crate::bind::scope::{Binding, Context};
use crate::bind::seen::{ANY, Seen};
use crate::bind::signature;
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::functions::{self, Kind as ParameterKind};
use crate::plan::Expr;
use crate::syntax::ast::{self, DynamicLiteral, ExprKind, Literal, LiteralKind};
use crate::types::{ScalarType, Value, convert, json, ticks};

/// A bound scalar expression.
#[derive(Debug, Clone)]
pub(super) struct Scalar {
    pub expr: Expr,
    /// None after a mistake, or where only the data tell.
    pub scalar_type: Option<ScalarType>,
    /// Written as a literal.
    pub literal: bool,
    /// The columns of a call that gives several; `expr` is the first of them.
    pub parts: Option<Rc<[Part]>>,
    /// What Microsoft's parser knows of a dynamic value beyond its type.
    pub finer: Option<Seen>,
}

/// One column of a call that gives several.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub name: String,
    pub expr: Expr,
    pub seen: Seen,
}

impl Part {
    /// Returns the column as a value of its own.
    pub(super) fn scalar(&self) -> Scalar {
        Scalar::known(self.expr.clone()).with(self.seen.clone())
    }
}

impl Scalar {
    pub(super) fn known(expr: Expr) -> Self {
        Scalar { scalar_type: Some(expr.scalar_type()), expr, literal: false, parts: None, finer: None }
    }

    pub(super) fn literal(value: Value) -> Self {
        Scalar {
            scalar_type: Some(value.scalar_type()),
            expr: Expr::Literal(value),
            literal: true,
            parts: None,
            finer: None,
        }
    }

    /// Makes what stands for an expression that could not be bound.
    pub(super) fn unknown() -> Self {
        let expr = Expr::Literal(Value::Null(ScalarType::Dynamic));
        Scalar { expr, scalar_type: None, literal: false, parts: None, finer: None }
    }

    /// Makes what stands for a value of a type that is not there yet.
    pub(super) fn placeholder(scalar_type: ScalarType) -> Self {
        let expr = Expr::Literal(Value::missing(scalar_type));
        Scalar { expr, scalar_type: Some(scalar_type), literal: false, parts: None, finer: None }
    }

    /// Returns the type that a column of it has.
    pub(super) fn column_type(&self) -> ScalarType {
        self.scalar_type.unwrap_or(ScalarType::Dynamic)
    }

    /// Tells whether a value can't stand beside others of the type: only `int` widens, and a dynamic fits all (measured).
    pub(super) fn is_mixed_with(&self, common: ScalarType) -> bool {
        self.scalar_type.is_some_and(|t| {
            t != common
                && !matches!(
                    (t, common),
                    (ScalarType::Int, ScalarType::Long) | (ScalarType::Dynamic, _) | (_, ScalarType::Dynamic)
                )
        })
    }

    /// Returns the type as Microsoft's parser sees it.
    pub(super) fn seen(&self) -> Seen {
        match (self.scalar_type, &self.finer) {
            (None, _) => Seen::Unknown,
            (Some(ScalarType::Dynamic), Some(finer)) => finer.clone(),
            (Some(scalar_type), _) => Seen::Scalar(scalar_type),
        }
    }

    /// Adds what is known of the column or the query that it reads.
    pub(super) fn knowing(self, known: Option<&Seen>) -> Self {
        match known {
            Some(Seen::Unknown) => Scalar { scalar_type: None, ..self },
            known => Scalar { finer: known.cloned(), ..self },
        }
    }

    /// Adds what is known of a dynamic value.
    pub(super) fn with(self, finer: Seen) -> Self {
        Scalar { finer: Some(finer), ..self }
    }
}

impl Binder<'_> {
    /// Binds a scalar expression of one value; what can be computed now is.
    pub(super) fn scalar(&mut self, expr: &ast::Expr, cx: &Context) -> Scalar {
        let scalar = self.scalar_or_parts(expr, cx);
        if scalar.parts.is_some() {
            self.unsupported(expr.span, "a call that gives several columns, where one value is taken,");
            return Scalar::unknown();
        }
        scalar
    }

    /// Binds a scalar expression which may give several columns.
    pub(super) fn scalar_or_parts(&mut self, expr: &ast::Expr, cx: &Context) -> Scalar {
        let from = self.mark();
        let scalar = self.folded(expr, cx);
        self.trace_type(expr.span, scalar.scalar_type);
        self.note(expr, &scalar, from);
        scalar
    }

    fn folded(&mut self, expr: &ast::Expr, cx: &Context) -> Scalar {
        let scalar = self.unfolded(expr, cx);
        if scalar.scalar_type.is_none() || !crate::plan::fold::is_ready(&scalar.expr) {
            return scalar;
        }
        match crate::plan::fold::fold(&scalar.expr, self.now) {
            Some(value) => Scalar { expr: Expr::Literal(value), ..scalar },
            None => scalar,
        }
    }

    fn unfolded(&mut self, expr: &ast::Expr, cx: &Context) -> Scalar {
        match &expr.kind {
            ExprKind::Literal(literal) => self.literal(literal, expr.span),
            ExprKind::Name(name) => self.name(name, cx),
            ExprKind::Paren(inner) => self.scalar(inner, cx),
            ExprKind::Member { .. } | ExprKind::Element { .. } => self.path(expr, cx),
            ExprKind::Call { name, arguments } => self.call(name, arguments, expr.span, cx),
            ExprKind::Unary { operator, operand } => self.unary(*operator, operand, expr.span, cx),
            ExprKind::Binary { operator, left, right } => self.binary(*operator, left, right, expr, cx),
            ExprKind::In { operator, left, list } => self.membership(*operator, left, list, expr.span, cx),
            ExprKind::Between { negated, left, low, high } => self.between(*negated, left, low, high, expr.span, cx),
            ExprKind::Star => {
                self.error("KS198", expr.span, "`*` has no value here");
                Scalar::unknown()
            }
            ExprKind::Wildcard(pattern) => {
                self.error("KS142", expr.span, format!("`{pattern}` is not the name of one column"));
                Scalar::unknown()
            }
            ExprKind::MethodCall { name, .. } => {
                self.error("KS211", name.span, format!("`{}` is not a function of a value", name.text));
                Scalar::unknown()
            }
            ExprKind::Error => Scalar::unknown(),
            _ => {
                // A table where a value belongs: Microsoft's parser names the place, the engine has no value for it.
                self.table(expr, cx.scope);
                self.error("KS109", expr.span, "a table stands where a value belongs");
                Scalar::unknown()
            }
        }
    }

    pub(super) fn literal(&mut self, literal: &Literal, span: Span) -> Scalar {
        match literal {
            Literal::String(text) => Scalar::literal(Value::String(text.clone())),
            Literal::Typed { kind, text, .. } => {
                let scalar_type = literal_type(*kind);
                let written = convert::read_literal(scalar_type, text);
                match written.or_else(|message| self.moment_by_the_clock(scalar_type, text).ok_or(message)) {
                    Ok(value) => Scalar::literal(value),
                    Err(message) => {
                        self.refuse("AQ013", span, message);
                        Scalar::placeholder(scalar_type)
                    }
                }
            }
            Literal::Dynamic(value) => {
                let mut text = String::new();
                self.dynamic(value, span, &mut text);
                let finer = seen_in(value);
                let value = if text == "null" { Value::Null(ScalarType::Dynamic) } else { Value::Dynamic(text) };
                Scalar::literal(value).with(finer)
            }
            Literal::Null => Scalar::literal(Value::Null(ScalarType::Dynamic)),
        }
    }

    /// Reads a datetime that counts from the clock: `datetime(8:00)`, `datetime()`.
    fn moment_by_the_clock(&mut self, scalar_type: ScalarType, text: &str) -> Option<Value> {
        if scalar_type != ScalarType::DateTime {
            return None;
        }
        let moment = ticks::read_clock_literal(text, self.now)?;
        self.reads_clock = true;
        Some(Value::DateTime(moment))
    }

    /// Writes a dynamic literal as JSON. Measured: timespans are stored as ticks, datetimes as their text.
    fn dynamic(&mut self, literal: &DynamicLiteral, span: Span, out: &mut String) {
        match literal {
            DynamicLiteral::Null => out.push_str("null"),
            DynamicLiteral::Placeholder(name) => {
                self.placeholder(name);
                out.push_str("null");
            }
            DynamicLiteral::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    self.dynamic(item, span, out);
                }
                out.push(']');
            }
            DynamicLiteral::Bag(members) => {
                out.push('{');
                // Of a key that stands twice the last value counts.
                let mut kept: Vec<&(String, DynamicLiteral)> = Vec::new();
                for member in members {
                    match kept.iter_mut().find(|m| m.0 == member.0) {
                        Some(earlier) => *earlier = member,
                        None => kept.push(member),
                    }
                }
                for (i, (key, value)) in kept.into_iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    json::write_string(key, out);
                    out.push(':');
                    self.dynamic(value, span, out);
                }
                out.push('}');
            }
            DynamicLiteral::Scalar(literal) => {
                if let Literal::Typed { kind, text, wrapped: true } = &**literal
                    && (*kind == LiteralKind::Bool || *kind == LiteralKind::DateTime && text == "null")
                {
                    // Measured; the parser lets it pass.
                    self.refuse("AQ015", span, "neither `bool(...)` nor `datetime(null)` stands in a dynamic literal");
                }
                let scalar = self.literal(literal, span);
                if scalar.scalar_type == Some(ScalarType::Decimal) {
                    let problem = Diagnostic::error("KS215", span, "a dynamic literal holds no decimal");
                    self.strict.push(problem.help("write the number, or convert it with todecimal() where it is read"));
                }
                match scalar.expr {
                    Expr::Literal(Value::TimeSpan(ticks)) => out.push_str(&ticks.to_string()),
                    Expr::Literal(value) => out.push_str(&json::from_value(&value)),
                    _ => out.push_str("null"),
                }
            }
        }
    }

    fn name(&mut self, name: &ast::Name, cx: &Context) -> Scalar {
        if name.text.starts_with('{') && !name.quoted {
            self.placeholder(name);
            return Scalar::unknown();
        }
        // Outside of aggregates, where no row is to be read, Microsoft's parser takes the variable of a column's name.
        if cx.aggregates.is_some()
            && let Some(Binding::Scalar(scalar)) = cx.scope.find(&name.text)
        {
            if cx.column(&name.text).is_some() {
                let what = format!("`{}` is a variable, and a column of the rows has the same name", name.text);
                self.refuse("AQ015", name.span, what);
            }
            return scalar;
        }
        if let Some(column) = cx.column(&name.text) {
            let scalar = Scalar::known(Expr::Column(column.clone()));
            return scalar.knowing(cx.known.and_then(|known| known.of(&name.text)));
        }
        if self.is_element(name, cx) {
            return self.whole_element(name, cx);
        }
        match cx.scope.find(&name.text) {
            Some(Binding::Scalar(scalar)) => return scalar,
            Some(Binding::Table(_) | Binding::Pattern(_)) => {
                self.error("KS109", name.span, format!("`{}` is a table, and a value belongs here", name.text));
                return Scalar::unknown();
            }
            Some(Binding::Function(function)) => {
                return self.call_function_scalar(&function, UserCall::bare(name.span), cx);
            }
            Some(Binding::Group(_) | Binding::Place(_) | Binding::Cluster(_)) => {
                self.error("KS108", name.span, format!("`{}` is a place, and a value belongs here", name.text));
                return Scalar::unknown();
            }
            None => {}
        }
        if let Some(scalar) = self.stored_scalar(name, UserCall::bare(name.span), cx) {
            return scalar;
        }
        if cx.open {
            self.refuse(
                "AQ002",
                name.span,
                format!("whether `{}` is a column is known only when the data are", name.text),
            );
            return Scalar::unknown();
        }
        self.unknown_name(name, cx);
        Scalar::unknown()
    }

    fn placeholder(&mut self, name: &ast::Name) {
        self.problem(
            Diagnostic::error("KS213", name.span, format!("`{}` is a placeholder of a workbook", name.text))
                .help("put a value in its place"),
        );
    }

    fn unknown_name(&mut self, name: &ast::Name, cx: &Context) {
        let is_aggregate = cx.aggregates.is_some() && super::aggregate::find(&name.text).is_some();
        if is_aggregate || functions::scalar_function(&name.text).is_some() {
            let problem = format!("`{}` is a function, and its arguments are missing", name.text);
            let remedy = format!("write `{0}()`, or `['{0}']` if a column is meant", name.text);
            return self.problem(Diagnostic::error("KS117", name.span, problem).help(remedy));
        }
        let scope_names = cx.scope.names();
        let candidates = cx.columns.iter().map(|c| c.name.as_str()).chain(scope_names.iter().map(String::as_str));
        let mut problem =
            Diagnostic::error("KS142", name.span, format!("there is no column or variable `{}`", name.text));
        if let Some(remedy) = super::hidden::remedy(&name.text) {
            problem = problem.help(remedy);
        } else if let Some(near) = nearest(&name.text, candidates) {
            problem = problem.help(format!("did you mean `{near}`?"));
        } else if !cx.columns.is_empty() && cx.columns.len() <= 8 {
            let names: Vec<&str> = cx.columns.iter().map(|c| c.name.as_str()).collect();
            problem = problem.help(format!("the columns here are {}", names.join(", ")));
        }
        self.problem(problem);
    }

    /// Calls a function of the library by a name that is surely there, arguments ready.
    pub(super) fn library_call(&mut self, name: &str, arguments: Vec<Expr>, span: Span) -> Scalar {
        let Some(function) = functions::scalar_function(name) else {
            self.unsupported(span, format_args!("`{name}`"));
            return Scalar::unknown();
        };
        let types: Vec<ScalarType> = arguments.iter().map(Expr::scalar_type).collect();
        let exact = function.overloads.iter().position(|overload| {
            let mut expected = overload.parameters.iter().flat_map(|p| std::iter::repeat_n(p.kind, usize::from(p.max)));
            types.iter().all(|t| match expected.next() {
                Some(ParameterKind::Is(wanted)) => wanted == *t,
                Some(ParameterKind::Text | ParameterKind::AsText) => *t == ScalarType::String,
                Some(_) => true,
                None => false,
            }) && expected
                .next()
                .is_none_or(|_| overload.parameters.iter().map(|p| usize::from(p.min)).sum::<usize>() <= types.len())
        });
        let Some(overload) = exact else {
            let types: Vec<&str> = types.iter().map(|t| t.name()).collect();
            self.unsupported(span, format_args!("`{name}` of {}", types.join(" and ")));
            return Scalar::unknown();
        };
        self.built_call(function, overload, arguments, span)
    }
}

/// Returns what the parser makes of a dynamic literal.
fn seen_in(literal: &DynamicLiteral) -> Seen {
    value_in(literal).map_or(ANY, Seen::dynamic_of)
}

/// Returns the type of a value in a dynamic literal; None for null, which goes with every type.
fn value_in(literal: &DynamicLiteral) -> Option<Seen> {
    Some(match literal {
        DynamicLiteral::Null => return None,
        DynamicLiteral::Placeholder(_) => Seen::Unknown,
        DynamicLiteral::Bag(members) => {
            let member = |(name, value): &(String, DynamicLiteral)| (name.clone(), value_in(value).unwrap_or(ANY));
            Seen::bag(members.iter().map(member).collect())
        }
        DynamicLiteral::Scalar(literal) => match &**literal {
            Literal::String(_) => Seen::Scalar(ScalarType::String),
            Literal::Typed { kind, .. } => Seen::Scalar(literal_type(*kind)),
            Literal::Dynamic(inner) => seen_in(inner),
            Literal::Null => return None,
        },
        DynamicLiteral::Array(items) => {
            let mut elements = items.iter().filter_map(value_in);
            let first = elements.next().unwrap_or(ANY);
            let common = elements.try_fold(first, |a, b| signature::common(&a, &b, signature::Conversion::None));
            Seen::array_of(common.unwrap_or(ANY))
        }
    })
}

/// Makes a conversion, unless the expression has the type already. Constants are converted at once.
pub(super) fn to(expr: Expr, scalar_type: ScalarType) -> Expr {
    if expr.scalar_type() == scalar_type {
        return expr;
    }
    match expr {
        Expr::Literal(value) => Expr::Literal(crate::plan::fold::converted(&value, scalar_type)),
        expr => Expr::Convert { value: Box::new(expr), to: scalar_type },
    }
}

/// Makes what stands for a condition that could not be bound.
pub(super) fn boolean() -> Scalar {
    Scalar::placeholder(ScalarType::Bool)
}

/// Arithmetic knows no `int`: it is a `long` (measured).
pub(super) fn wide(scalar_type: ScalarType) -> ScalarType {
    if scalar_type == ScalarType::Int { ScalarType::Long } else { scalar_type }
}

/// Returns the type in which two numbers meet; a bool counts as a number.
pub(super) fn common_number(a: ScalarType, b: ScalarType) -> Option<ScalarType> {
    use ScalarType::*;
    let rank = |t| match t {
        Bool => Some(0),
        Int => Some(1),
        Long => Some(2),
        Real => Some(3),
        Decimal => Some(4),
        _ => None,
    };
    let order = [Bool, Int, Long, Real, Decimal];
    let widest = rank(a)?.max(rank(b)?);
    // Two bools are compared as bools; a bool and a number as numbers.
    Some(if widest == 0 { Bool } else { order[widest] })
}

fn literal_type(kind: LiteralKind) -> ScalarType {
    match kind {
        LiteralKind::Bool => ScalarType::Bool,
        LiteralKind::Int => ScalarType::Int,
        LiteralKind::Long => ScalarType::Long,
        LiteralKind::Real => ScalarType::Real,
        LiteralKind::Decimal => ScalarType::Decimal,
        LiteralKind::DateTime => ScalarType::DateTime,
        LiteralKind::TimeSpan => ScalarType::TimeSpan,
        LiteralKind::Guid => ScalarType::Guid,
        LiteralKind::String => ScalarType::String,
    }
}
