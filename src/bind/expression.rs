//! Scalar expressions: names, types, operators and the conversions between them.

use std::rc::Rc;

use super::Binder;
use super::scope::{Binding, Context, Scope};
use super::seen::{ANY, Seen};
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::functions::{self, Kind as ParameterKind};
use crate::plan::{Comparison, Expr, Step};
use crate::syntax::ast::{
    self, BinaryOperator, DynamicLiteral, ExprKind, InOperator, Literal, LiteralKind, TextOperator, UnaryOperator,
};
use crate::types::{Column, ScalarType, Value, convert, json};

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
                match convert::read_literal(scalar_type, text) {
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
            Some(Binding::Function(function)) => return self.call_function_scalar(&function, &[], name.span, cx),
            Some(Binding::Other) | None => {}
        }
        if let Some(scalar) = self.stored_scalar(&name.text, &[], name.span, cx) {
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

    /// Binds `base.member`, `base["key"]`, `base[0]` and chains of them.
    fn path(&mut self, expr: &ast::Expr, cx: &Context) -> Scalar {
        let mut steps = Vec::new();
        let mut base = expr;
        loop {
            match &base.kind {
                ExprKind::Member { base: inner, member } => {
                    if let ExprKind::Name(element) = &inner.kind
                        && self.is_element(element, cx)
                    {
                        return self.property(element, member, steps, cx);
                    }
                    if let ExprKind::Name(side) = &inner.kind
                        && let Some(column) = self.side_column(side, member, cx)
                    {
                        return self.finish_path(column, steps);
                    }
                    if let ExprKind::Name(step) = &inner.kind
                        && let Some(column) = self.state_column(step, member, cx)
                    {
                        return self.finish_path(column, steps);
                    }
                    steps.push(PathStep { step: Step::Key(member.text.clone()), span: member.span, index: None });
                    base = inner;
                }
                ExprKind::Element { base: inner, index } => {
                    if let (ExprKind::Name(side), ExprKind::Literal(Literal::String(text))) = (&inner.kind, &index.kind)
                    {
                        let member = ast::Name { span: index.span, text: text.clone(), quoted: true };
                        if self.is_element(side, cx) {
                            return self.property(side, &member, steps, cx);
                        }
                        if let Some(column) = self.side_column(side, &member, cx) {
                            return self.finish_path(column, steps);
                        }
                    }
                    let (step, seen) = self.step(index, cx);
                    let span = Span::new(inner.span.end, base.span.end);
                    steps.push(PathStep { step, span, index: Some((index.span, seen)) });
                    base = inner;
                }
                ExprKind::Paren(inner) if matches!(inner.kind, ExprKind::Member { .. } | ExprKind::Element { .. }) => {
                    base = inner
                }
                _ => break,
            }
        }
        let mut scalar = self.scalar_or_parts(base, cx);
        if let Some(parts) = scalar.parts.take() {
            // The number of a column, measured for `array_sort_asc(a, b)[1]`.
            let part = match steps.pop() {
                Some(PathStep { step: Step::Index(index), .. }) => {
                    usize::try_from(index).ok().and_then(|index| parts.get(index))
                }
                _ => None,
            };
            let Some(part) = part else {
                self.unsupported(expr.span, "taking another than a numbered column of a call that gives several");
                return Scalar::unknown();
            };
            scalar = Scalar::known(part.expr.clone());
        }
        self.finish_path(scalar, steps)
    }

    fn side_column(&mut self, side: &ast::Name, member: &ast::Name, cx: &Context) -> Option<Scalar> {
        let (left, right) = cx.sides?;
        let table = match side.text.as_str() {
            "$left" => left,
            "$right" => right,
            _ => return None,
        };
        let columns = &table.node.columns;
        let found = columns.iter().find(|c| c.name == member.text);
        Some(match found {
            Some(column) => {
                let name = format!("{}.{}", side.text, column.name);
                let scalar = Scalar::known(Expr::Column(Column::new(name, column.scalar_type)));
                scalar.knowing(table.known.of(&column.name))
            }
            None => {
                if !table.open {
                    let mut problem = Diagnostic::error(
                        "KS142",
                        member.span,
                        format!("the {} side has no column `{}`", &side.text[1..], member.text),
                    );
                    if let Some(remedy) = super::hidden::remedy(&member.text) {
                        problem = problem.help(remedy);
                    } else if let Some(near) = nearest(&member.text, columns.iter().map(|c| c.name.as_str())) {
                        problem = problem.help(format!("did you mean `{near}`?"));
                    }
                    self.problem(problem);
                }
                Scalar::unknown()
            }
        })
    }

    pub(super) fn finish_path(&mut self, base: Scalar, mut steps: Vec<PathStep>) -> Scalar {
        if steps.is_empty() {
            return base;
        }
        steps.reverse();
        let mut seen = base.seen();
        for step in &steps {
            seen = self.stepped(&seen, step);
        }
        if base.scalar_type != Some(ScalarType::Dynamic) || seen == Seen::Unknown {
            return Scalar::unknown();
        }
        let steps = steps.into_iter().map(|step| step.step);
        let path = match base.expr {
            Expr::Path { base, steps: inner } => Expr::Path { base, steps: inner.into_iter().chain(steps).collect() },
            base => Expr::Path { base: Box::new(base), steps: steps.collect() },
        };
        Scalar::known(path).with(seen)
    }

    /// Returns what a step into a value gives, and says what is wrong with the step.
    fn stepped(&mut self, base: &Seen, step: &PathStep) -> Seen {
        if *base == Seen::Unknown {
            return Seen::Unknown;
        }
        let Some((index_span, index)) = &step.index else {
            if base.is_dynamic() {
                return ANY;
            }
            let message = format!("a value {} has no members", base.describe());
            self.problem(no_members("KS142", step.span, message, base));
            return Seen::Unknown;
        };
        if !base.is_dynamic() || matches!(base, Seen::One(_)) {
            let message = format!("a value {} has no elements", base.describe());
            self.problem(no_members("KS147", step.span, message, base));
            return Seen::Unknown;
        }
        let (suits, wanted) = match base {
            Seen::Array(_) => (is_position(index), "a number"),
            Seen::Bag => (is_key(index), "a key, which is a string"),
            _ => (is_position(index) || is_key(index), "a number or a key"),
        };
        if !suits {
            let message = format!("an index here is {wanted}, and this is {}", index.describe());
            self.error("KS141", *index_span, message);
        }
        base.element()
    }

    fn step(&mut self, index: &ast::Expr, cx: &Context) -> (Step, Seen) {
        let scalar = self.scalar(index, cx);
        let seen = scalar.seen();
        let step = match self.constant(&scalar) {
            Some(Value::String(key)) => Step::Key(key),
            Some(Value::Long(i)) => Step::Index(i),
            Some(Value::Int(i)) => Step::Index(i.into()),
            _ => match scalar.scalar_type {
                Some(ScalarType::Int) => Step::Computed(Box::new(to(scalar.expr, ScalarType::Long))),
                Some(_) => Step::Computed(Box::new(scalar.expr)),
                None => Step::Index(0),
            },
        };
        (step, seen)
    }

    fn unary(&mut self, operator: UnaryOperator, operand: &ast::Expr, span: Span, cx: &Context) -> Scalar {
        let value = self.scalar(operand, cx);
        let Some(scalar_type) = value.scalar_type else { return value };
        let minus = operator == UnaryOperator::Minus;
        match (&value.expr, scalar_type) {
            (Expr::Literal(Value::Long(v)), _) if minus => Scalar::literal(Value::Long(v.wrapping_neg())),
            (Expr::Literal(Value::Int(v)), _) if minus => Scalar::literal(Value::Int(v.wrapping_neg())),
            (Expr::Literal(Value::Real(v)), _) if minus => Scalar::literal(Value::Real(-v)),
            (Expr::Literal(Value::TimeSpan(v)), _) if minus => Scalar::literal(Value::TimeSpan(v.wrapping_neg())),
            (_, t) if t.is_numeric() || t == ScalarType::TimeSpan => {
                if !minus {
                    return Scalar { literal: false, ..value };
                }
                // 0 - x: arithmetic of ints is of type long (measured), and so is the sign.
                let zero = Scalar::literal(if t == ScalarType::TimeSpan { Value::TimeSpan(0) } else { Value::Long(0) });
                self.arithmetic("-", zero, value, span)
            }
            (_, ScalarType::Dynamic) => {
                // The parser lets it pass; which number comes out of a fraction, nothing tells.
                let message = "the sign of a dynamic value: convert it first, as with tolong() or toreal()";
                self.refuse("AQ015", span, message);
                Scalar::placeholder(ScalarType::Dynamic)
            }
            (_, ScalarType::DateTime) => {
                // Microsoft's parser lets it pass.
                self.refuse("AQ050", span, "a datetime has no sign");
                Scalar::placeholder(ScalarType::DateTime)
            }
            (_, other) => {
                self.error("KS105", span, format!("a value of type {other} has no sign"));
                Scalar::unknown()
            }
        }
    }

    fn binary(
        &mut self,
        operator: BinaryOperator,
        left: &ast::Expr,
        right: &ast::Expr,
        whole: &ast::Expr,
        cx: &Context,
    ) -> Scalar {
        let from = self.problems.len();
        let scalar = self.operation(operator, left, right, whole, cx);
        if !matches!(operator, BinaryOperator::And | BinaryOperator::Or) {
            self.quotes_may_miss(right, from);
        }
        scalar
    }

    /// Adds to the problem of a name that nobody knows, behind an operator, that quotes may have got lost: portals and
    /// shells swallow them.
    fn quotes_may_miss(&mut self, right: &ast::Expr, from: usize) {
        let ExprKind::Name(name) = &right.kind else { return };
        let problems = self.problems.iter_mut().skip(from);
        for problem in problems.filter(|problem| problem.code == "KS142" && problem.span == right.span) {
            let text = format!("if a text is meant, put it in quotes: \"{}\"", name.text);
            problem.help = Some(match problem.help.take() {
                Some(help) if help.starts_with("did you mean") => format!("{help} {text}"),
                _ => text,
            });
        }
    }

    fn operation(
        &mut self,
        operator: BinaryOperator,
        left: &ast::Expr,
        right: &ast::Expr,
        whole: &ast::Expr,
        cx: &Context,
    ) -> Scalar {
        match operator {
            BinaryOperator::And | BinaryOperator::Or => self.logical(operator, whole, cx),
            BinaryOperator::Text { operator, negated } => self.text(operator, negated, left, right, whole.span, cx),
            BinaryOperator::EqualTilde => self.text_call("=~", left, right, whole.span, cx),
            BinaryOperator::Equal if matches!(left.kind, ExprKind::Star) => {
                self.scalar(right, cx);
                // How columns of other types than the value's are compared is not documented.
                self.unsupported(whole.span, "`* ==`");
                boolean()
            }
            BinaryOperator::NotEqualTilde => self.text_call("!~", left, right, whole.span, cx),
            _ => {
                let (l, r) = (self.scalar(left, cx), self.scalar(right, cx));
                let span = whole.span;
                match operator {
                    BinaryOperator::Equal => self.equality(false, l, r, span),
                    BinaryOperator::NotEqual => self.equality(true, l, r, span),
                    BinaryOperator::Less => self.ordering(Comparison::Less, l, r, span),
                    BinaryOperator::LessOrEqual => self.ordering(Comparison::LessOrEqual, l, r, span),
                    BinaryOperator::Greater => self.ordering(Comparison::Greater, l, r, span),
                    BinaryOperator::GreaterOrEqual => self.ordering(Comparison::GreaterOrEqual, l, r, span),
                    BinaryOperator::Add => self.arithmetic("+", l, r, span),
                    BinaryOperator::Subtract => self.arithmetic("-", l, r, span),
                    BinaryOperator::Multiply => self.arithmetic("*", l, r, span),
                    BinaryOperator::Divide => self.arithmetic("/", l, r, span),
                    _ => self.arithmetic("%", l, r, span),
                }
            }
        }
    }

    /// Binds a chain of `and` or of `or`, however long, without recursion along the chain.
    fn logical(&mut self, operator: BinaryOperator, whole: &ast::Expr, cx: &Context) -> Scalar {
        let mut operands = Vec::new();
        let mut rest = whole;
        while let ExprKind::Binary { operator: o, left, right } = &rest.kind
            && *o == operator
        {
            operands.push(&**right);
            rest = left;
        }
        operands.push(rest);
        operands.reverse();
        let word = if operator == BinaryOperator::And { "and" } else { "or" };
        let mut bound = Vec::new();
        for operand in operands {
            let scalar = self.scalar(operand, cx);
            match scalar.scalar_type {
                Some(ScalarType::Bool) => bound.push(scalar.expr),
                Some(ScalarType::Dynamic) => bound.push(to(scalar.expr, ScalarType::Bool)),
                None => bound.push(Expr::Literal(Value::Bool(true))),
                Some(other) => {
                    self.error(
                        "KS106",
                        whole.span,
                        format!("`{word}` takes values of type bool, and this is of type {other}"),
                    );
                    bound.push(Expr::Literal(Value::Bool(true)));
                }
            }
        }
        Scalar::known(if operator == BinaryOperator::And { Expr::And(bound) } else { Expr::Or(bound) })
    }

    fn text(
        &mut self,
        operator: TextOperator,
        negated: bool,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
        cx: &Context,
    ) -> Scalar {
        let name = text_operator_name(operator);
        if operator == TextOperator::Search {
            return self.term_in(left, right, false, span, cx);
        }
        if !negated {
            return self.text_call(name, left, right, span, cx);
        }
        let negated_name = format!("!{name}");
        if functions::scalar_function(&negated_name).is_some() {
            return self.text_call(&negated_name, left, right, span, cx);
        }
        let inner = self.text_call(name, left, right, span, cx);
        match inner.scalar_type {
            Some(_) => Scalar::known(Expr::Not(Box::new(inner.expr))),
            None => inner,
        }
    }

    pub(super) fn text_call(
        &mut self,
        name: &str,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
        cx: &Context,
    ) -> Scalar {
        if matches!(left.kind, ExprKind::Star) {
            return self.any_column(name, right, span, cx);
        }
        let (l, r) = (self.scalar(left, cx), self.scalar(right, cx));
        let (Some(lt), Some(rt)) = (l.scalar_type, r.scalar_type) else { return boolean() };
        let is_text = |t| matches!(t, ScalarType::String | ScalarType::Dynamic);
        // `has` takes no dynamic on its right of which it is known that it is no text (Microsoft's parser: KS106).
        let strict = name.trim_start_matches('!').starts_with("has");
        let known = r.seen() != ANY && rt == ScalarType::Dynamic;
        if !is_text(lt) || !is_text(rt) || strict && known {
            self.problem(
                Diagnostic::error("KS106", span, format!("`{name}` is not defined for {lt} and {rt}"))
                    .help("convert the operand with tostring()"),
            );
            return boolean();
        }
        if strict && rt == ScalarType::Dynamic {
            self.refuse(
                "AQ014",
                right.span,
                format!("`{name}` takes a string on its right: convert it with tostring()"),
            );
        }
        let arguments = vec![to(l.expr, ScalarType::String), to(r.expr, ScalarType::String)];
        self.library_call(name, arguments, span)
    }

    /// `* has "x"`: in the text of any column.
    fn any_column(&mut self, name: &str, right: &ast::Expr, span: Span, cx: &Context) -> Scalar {
        if name.starts_with('!') {
            self.unsupported(span, format_args!("`* {name}`"));
        }
        if cx.open {
            self.refuse("AQ002", span, "the columns of this table are known only when the data are");
        }
        let needle = self.scalar(right, cx);
        match needle.scalar_type {
            Some(ScalarType::String) => {}
            None => return boolean(),
            Some(other) => {
                self.error("KS106", right.span, format!("`{name}` searches for text, and this is of type {other}"));
                return boolean();
            }
        }
        self.in_any_column(name, needle.expr, span, cx)
    }

    /// Calls an operator on the text of each column; one of them must hold.
    pub(super) fn in_any_column(&mut self, name: &str, needle: Expr, span: Span, cx: &Context) -> Scalar {
        let mut found = Vec::new();
        for column in cx.columns {
            let text = to(Expr::Column(column.clone()), ScalarType::String);
            found.push(self.library_call(name, vec![text, needle.clone()], span).expr);
        }
        Scalar::known(match found.len() {
            0 => Expr::Literal(Value::Bool(false)),
            1 => found.remove(0),
            _ => Expr::Or(found),
        })
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

    /// Binds `==` and `!=`.
    fn equality(&mut self, negated: bool, l: Scalar, r: Scalar, span: Span) -> Scalar {
        let operator = if negated { Comparison::NotEqual } else { Comparison::Equal };
        let (Some(lt), Some(rt)) = (l.scalar_type, r.scalar_type) else { return boolean() };
        let Some(common) = self.comparable(&l, &r) else {
            self.refuse(
                "AQ015",
                span,
                format!("values of types {lt} and {rt} can't be compared: convert one of them first"),
            );
            return boolean();
        };
        self.compared(operator, l.expr, r.expr, common, span)
    }

    /// Compares two values as values of a type; a dynamic is held against a number by what it holds.
    fn compared(&mut self, operator: Comparison, l: Expr, r: Expr, common: ScalarType, span: Span) -> Scalar {
        let (operator, held, number) = match (l.scalar_type(), r.scalar_type()) {
            (ScalarType::Dynamic, _) => (operator, l, r),
            (_, ScalarType::Dynamic) => (operator.flipped(), r, l),
            _ => return compare(operator, to(l, common), to(r, common)),
        };
        if !matches!(common, ScalarType::Long | ScalarType::Real) {
            return compare(operator, to(held, common), to(number, common));
        }
        let name = match operator {
            Comparison::Equal => "dynamic ==",
            Comparison::NotEqual => "dynamic !=",
            Comparison::Less => "dynamic <",
            Comparison::LessOrEqual => "dynamic <=",
            Comparison::Greater => "dynamic >",
            Comparison::GreaterOrEqual => "dynamic >=",
        };
        let scalar = self.library_call(name, vec![held, to(number, common)], span);
        match crate::plan::fold::fold(&scalar.expr, self.now) {
            Some(value) => Scalar { expr: Expr::Literal(value), ..scalar },
            None => scalar,
        }
    }

    /// Returns the type in which two values are compared by `==`, None where the engine refuses.
    fn comparable(&self, l: &Scalar, r: &Scalar) -> Option<ScalarType> {
        use ScalarType::*;
        let (lt, rt) = (l.scalar_type?, r.scalar_type?);
        match (lt, rt) {
            (Dynamic, Dynamic) => None,
            _ if lt == rt => Some(lt),
            // Measured: a string literal takes the type of what it is compared with.
            (String, Dynamic) | (Dynamic, String) => Some(String),
            (String, other) if l.literal => Some(other),
            (other, String) if r.literal => Some(other),
            (Dynamic, Int) | (Int, Dynamic) => Some(Long),
            (Dynamic, other) | (other, Dynamic) => Some(other),
            _ => common_number(lt, rt),
        }
    }

    /// Binds `<`, `<=`, `>` and `>=`: numbers (bool counts as one) with numbers, datetimes and timespans with their own.
    fn ordering(&mut self, operator: Comparison, l: Scalar, r: Scalar, span: Span) -> Scalar {
        use ScalarType::*;
        let (Some(lt), Some(rt)) = (l.scalar_type, r.scalar_type) else { return boolean() };
        let common = match (lt, rt) {
            (DateTime, DateTime) | (TimeSpan, TimeSpan) => Some(lt),
            (Dynamic, t) | (t, Dynamic) if t.is_numeric() => Some(if t == Int { Long } else { t }),
            (Dynamic, Dynamic) => {
                self.refuse("AQ015", span, "two dynamic values can't be ordered: convert them first");
                return boolean();
            }
            _ => common_number(lt, rt),
        };
        let Some(common) = common else {
            let mut problem =
                Diagnostic::error("KS106", span, format!("values of types {lt} and {rt} can't be ordered"));
            if [lt, rt].contains(&Dynamic) {
                problem = problem.help("convert the dynamic value first, as with todatetime() or tolong()");
            }
            self.problem(problem);
            return boolean();
        };
        self.compared(operator, l.expr, r.expr, common, span)
    }

    /// Binds `+ - * / %` by the table of types that Microsoft's parser has.
    pub(super) fn arithmetic(&mut self, operator: &str, l: Scalar, r: Scalar, span: Span) -> Scalar {
        use ScalarType::*;
        let (Some(lt), Some(rt)) = (l.scalar_type, r.scalar_type) else { return Scalar::unknown() };
        let pair = match (operator, lt, rt) {
            (_, Dynamic, t) if t.is_numeric() => Some((wide(t), wide(t))),
            (_, t, Dynamic) if t.is_numeric() => Some((wide(t), wide(t))),
            ("+" | "-", Dynamic, DateTime | TimeSpan) | ("+" | "-", DateTime | TimeSpan, Dynamic) => {
                self.refuse(
                    "AQ015",
                    span,
                    format!(
                        "`{operator}` of a dynamic value and a {}: convert it first",
                        if lt == Dynamic { rt } else { lt }
                    ),
                );
                return Scalar::placeholder(if operator == "+" {
                    if lt == Dynamic { rt } else { lt }
                } else {
                    TimeSpan
                });
            }
            (_, Dynamic, Dynamic) => {
                self.refuse("AQ015", span, format!("`{operator}` of two dynamic values: convert them first"));
                return Scalar::placeholder(Dynamic);
            }
            (_, a, b) if a.is_numeric() && b.is_numeric() => common_number(wide(a), wide(b)).map(|c| (c, c)),
            ("+", DateTime, TimeSpan) | ("+", TimeSpan, DateTime | TimeSpan) => Some((lt, rt)),
            ("-", DateTime, DateTime | TimeSpan) | ("-", TimeSpan, TimeSpan) => Some((lt, rt)),
            ("*", TimeSpan, n) if n.is_numeric() => Some((TimeSpan, wide(n))),
            ("*", n, TimeSpan) if n.is_numeric() => Some((wide(n), TimeSpan)),
            ("/", TimeSpan, n) if n.is_numeric() => Some((TimeSpan, wide(n))),
            ("/" | "%", TimeSpan, TimeSpan) => Some((TimeSpan, TimeSpan)),
            // The parser lets these pass, with these types.
            ("+", DateTime, DateTime) => return self.odd(operator, lt, rt, DateTime, span),
            ("-", TimeSpan, DateTime) => return self.odd(operator, lt, rt, DateTime, span),
            ("*", TimeSpan, TimeSpan) => return self.odd(operator, lt, rt, TimeSpan, span),
            ("*" | "/" | "%", DateTime, n) if n.is_numeric() => return self.odd(operator, lt, rt, DateTime, span),
            ("*", n, DateTime) if n.is_numeric() => return self.odd(operator, lt, rt, DateTime, span),
            ("/", DateTime, DateTime | TimeSpan) => return self.odd(operator, lt, rt, Real, span),
            ("%", DateTime, DateTime | TimeSpan) => return self.odd(operator, lt, rt, TimeSpan, span),
            ("%", TimeSpan, n) if n.is_numeric() => return self.odd(operator, lt, rt, TimeSpan, span),
            _ => None,
        };
        let Some((left_type, right_type)) = pair else {
            let mut problem =
                Diagnostic::error("KS106", span, format!("`{operator}` is not defined for {lt} and {rt}"));
            if operator == "+" && [lt, rt].contains(&String) {
                problem = problem.help("join texts with strcat()");
            }
            self.problem(problem);
            return Scalar::unknown();
        };
        self.library_call(operator, vec![to(l.expr, left_type), to(r.expr, right_type)], span)
    }

    fn odd(&mut self, operator: &str, l: ScalarType, r: ScalarType, result: ScalarType, span: Span) -> Scalar {
        self.unsupported(span, format_args!("`{operator}` of {l} and {r}"));
        Scalar::placeholder(result)
    }

    fn between(
        &mut self,
        negated: bool,
        left: &ast::Expr,
        low: &ast::Expr,
        high: &ast::Expr,
        span: Span,
        cx: &Context,
    ) -> Scalar {
        use ScalarType::*;
        let (value, low_value, mut high_value) = (self.scalar(left, cx), self.scalar(low, cx), self.scalar(high, cx));
        let (Some(vt), Some(lt), Some(ht)) = (value.scalar_type, low_value.scalar_type, high_value.scalar_type) else {
            return boolean();
        };
        if vt == Dynamic {
            return self.dynamic_between(left.span, (lt, low.span), (ht, high.span), span);
        }
        let fits = |b: ScalarType| match vt {
            Int | Long | Real | Decimal => b.is_numeric() || b == Dynamic,
            DateTime | TimeSpan => b == vt,
            _ => false,
        };
        if !fits(lt) {
            let (code, place) = if matches!(vt, Bool | String | Guid) { ("KS106", span) } else { ("KS141", low.span) };
            self.error(code, place, format!("a {vt} does not lie between values of type {lt}"));
            return boolean();
        }
        // `datetime between (start .. span)`: the end is start + span.
        if vt == DateTime && ht == TimeSpan {
            high_value = self.arithmetic("+", low_value.clone(), high_value, high.span);
        } else if !fits(ht) {
            self.error("KS141", high.span, format!("a {vt} does not lie between values of type {ht}"));
            return boolean();
        }
        let (below, above) = if negated {
            (Comparison::Less, Comparison::Greater)
        } else {
            (Comparison::GreaterOrEqual, Comparison::LessOrEqual)
        };
        let low = self.ordering(below, value.clone(), low_value, span);
        let high = self.ordering(above, value, high_value, span);
        let both = vec![low.expr, high.expr];
        // A null bound makes the whole null (measured), which `and` alone does not: false and null is false.
        self.library_call(if negated { "!between" } else { "between" }, both, span)
    }

    /// Refuses `dynamic between (low .. high)` (measured, SEM0208); the parser lets numbers pass.
    fn dynamic_between(
        &mut self,
        value: Span,
        (low_type, low): (ScalarType, Span),
        (high_type, high): (ScalarType, Span),
        span: Span,
    ) -> Scalar {
        use ScalarType::{Bool, DateTime, Int, Long, TimeSpan};
        match (low_type, high_type) {
            (DateTime, TimeSpan) => {
                self.error("KS107", value, "a value of type datetime belongs here: convert it with todatetime()");
            }
            (DateTime | TimeSpan, DateTime | TimeSpan) => {
                self.error("KS138", value, format!("a value of type {low_type} belongs here: convert it first"));
            }
            _ => {
                if !low_type.is_numeric() || low_type == Bool {
                    self.error("KS137", low, format!("a number belongs here, and this is of type {low_type}"));
                }
                if high_type != low_type && (low_type, high_type) != (Long, Int) {
                    self.error(
                        "KS141",
                        high,
                        format!("the lower bound is of type {low_type}, and this of {high_type}"),
                    );
                }
            }
        }
        let refusal = Diagnostic::error("AQ015", span, "a dynamic value does not lie between others");
        self.refusals.push(refusal.help("convert it first, as with tolong() or todatetime()"));
        boolean()
    }

    fn membership(
        &mut self,
        operator: InOperator,
        left: &ast::Expr,
        list: &[ast::Expr],
        span: Span,
        cx: &Context,
    ) -> Scalar {
        let value = self.scalar(left, cx);
        if matches!(operator, InOperator::HasAny | InOperator::HasAll) {
            return self.has_any(operator, value, list, span, cx);
        }
        let negated = matches!(operator, InOperator::NotIn | InOperator::NotInTilde);
        let fold_case = matches!(operator, InOperator::InTilde | InOperator::NotInTilde);
        if fold_case
            && let Some(t) = value.scalar_type
            && !matches!(t, ScalarType::String | ScalarType::Dynamic)
        {
            self.error("KS107", left.span, format!("`in~` takes text, and this is of type {t}"));
        }
        let Some(value_type) = value.scalar_type else {
            self.look_at(list, cx);
            return boolean();
        };
        // A dynamic is compared as what the list holds; text is what lists mostly hold.
        if let [single] = list
            && self.is_tabular_operand(single, cx)
        {
            let table = self.table(single, &Scope::of_query(cx.scope));
            return self.in_query(value, table, fold_case, negated, single.span);
        }
        let items = self.list_items(list, cx);
        // A dynamic is searched as what the list holds first; whole numbers and others as numbers.
        let target = if value_type == ScalarType::Dynamic {
            let mut types = items.iter().filter_map(|i| i.scalar_type.filter(|t| *t != ScalarType::Dynamic));
            let first = types.next().unwrap_or(ScalarType::String);
            if first.is_numeric() { types.fold(first, |t, i| common_number(t, i).unwrap_or(t)) } else { first }
        } else {
            value_type
        };
        let target = if value_type.is_numeric() {
            items.iter().filter_map(|i| i.scalar_type).fold(wide(value_type), |t, i| common_number(t, i).unwrap_or(t))
        } else {
            wide(target)
        };
        let mut set = Vec::new();
        let mut others = Vec::new();
        for item in items {
            let Some(item_type) = item.scalar_type else { continue };
            match self.constant(&item) {
                Some(Value::Dynamic(text)) => {
                    // Arrays among the items are flattened (measured).
                    for element in json::flatten(&text) {
                        set.push(convert::convert(&element, target));
                    }
                }
                Some(Value::Null(ScalarType::Dynamic)) => {}
                Some(constant) => {
                    if !self.fits_in_list(item_type, target, item.literal) {
                        self.refuse(
                            "AQ015",
                            span,
                            format!("a {value_type} can't be compared with a {item_type} in the list"),
                        );
                    }
                    set.push(convert::convert(&constant, target));
                }
                None => others.push(item),
            }
        }
        // What does not convert equals nothing.
        set.retain(|v| !v.is_null());
        let folded = match target {
            ScalarType::Long | ScalarType::Real if value_type == ScalarType::Dynamic => {
                self.held_in(value.expr.clone(), &set, target, negated, span)
            }
            _ => Expr::In { value: Box::new(to(value.expr.clone(), target)), set, fold_case, negated },
        };
        if others.is_empty() {
            return Scalar::known(folded);
        }
        let mut all = vec![folded];
        for item in others {
            all.push(self.in_computed(&value, item, fold_case, negated, span).expr);
        }
        Scalar::known(if negated { Expr::And(all) } else { Expr::Or(all) })
    }

    /// Searches the number that a dynamic holds in a list.
    fn held_in(&mut self, held: Expr, set: &[Value], target: ScalarType, negated: bool, span: Span) -> Expr {
        let numbers: Vec<String> = set.iter().map(json::from_value).collect();
        let numbers = Expr::Literal(Value::Dynamic(format!("[{}]", numbers.join(","))));
        let name = if target == ScalarType::Long { "dynamic in whole numbers" } else { "dynamic in numbers" };
        let found = self.library_call(name, vec![held, numbers], span).expr;
        if negated { Expr::Not(Box::new(found)) } else { found }
    }

    fn fits_in_list(&self, item: ScalarType, target: ScalarType, literal: bool) -> bool {
        item == target
            || item == ScalarType::Dynamic
            || target == ScalarType::Dynamic
            || common_number(item, target).is_some()
            || literal && item == ScalarType::String
    }

    /// Binds membership in one item that is not constant: equality, or search in an array.
    fn in_computed(&mut self, value: &Scalar, item: Scalar, fold_case: bool, negated: bool, span: Span) -> Scalar {
        if item.scalar_type == Some(ScalarType::Dynamic) {
            let text = to(value.expr.clone(), ScalarType::String);
            let name = if fold_case { "in~ array" } else { "in array" };
            let value_arg = if fold_case { text } else { value.expr.clone() };
            let found = self.library_call(name, vec![item.expr, value_arg], span);
            return if negated && found.scalar_type.is_some() {
                Scalar::known(Expr::Not(Box::new(found.expr)))
            } else {
                found
            };
        }
        if fold_case {
            let name = if negated { "!~" } else { "=~" };
            let sides = vec![to(value.expr.clone(), ScalarType::String), to(item.expr, ScalarType::String)];
            return self.library_call(name, sides, span);
        }
        self.equality(negated, value.clone(), item, span)
    }

    fn is_tabular_operand(&self, expr: &ast::Expr, cx: &Context) -> bool {
        match &expr.kind {
            // A column beats a `let` of its name (measured).
            ExprKind::Name(name) if cx.column(&name.text).is_some() => false,
            ExprKind::Paren(inner) => self.is_tabular_operand(inner, cx),
            ExprKind::Name(name) => match cx.scope.find(&name.text) {
                Some(_) => self.is_tabular(expr, cx.scope),
                None => match self.stored(&name.text, cx.scope) {
                    Some(function) => self.is_tabular_function(&function),
                    None => name.text == "_GetWatchlistAlias" || self.catalog.table(&name.text).is_some(),
                },
            },
            _ => self.is_tabular(expr, cx.scope),
        }
    }

    fn in_query(&mut self, value: Scalar, table: super::Table, fold_case: bool, negated: bool, span: Span) -> Scalar {
        let value_type = value.column_type();
        let Some(first) = table.node.columns.first().cloned() else {
            if !table.open {
                self.refuse("AQ012", span, "a table without columns holds no values");
            } else {
                self.refuse("AQ002", span, "the columns of this table are known only when the data are");
            }
            return boolean();
        };
        self.not_of_rows_around(&table.node, span);
        let target = match (value_type, first.scalar_type) {
            (ScalarType::Dynamic, ScalarType::Dynamic) => ScalarType::String,
            (ScalarType::Dynamic, other) | (other, ScalarType::Dynamic) => other,
            (a, b) if a == b => a,
            (a, b) => match common_number(a, b) {
                Some(common) => common,
                None => {
                    self.refuse("AQ015", span, format!("a {a} can't be searched in a column of type {b}"));
                    return boolean();
                }
            },
        };
        let columns = vec![Column::new(first.name.clone(), target)];
        let node = crate::plan::Node {
            columns,
            serialized: false,
            kind: crate::plan::Kind::Project {
                input: Box::new(table.node),
                expressions: vec![to(Expr::Column(first), target)],
            },
        };
        let value = match (value_type, target) {
            (ScalarType::Dynamic, ScalarType::Long) => {
                self.library_call("dynamic as long", vec![value.expr], span).expr
            }
            (ScalarType::Dynamic, ScalarType::Real) => {
                self.library_call("dynamic as real", vec![value.expr], span).expr
            }
            _ => to(value.expr, target),
        };
        let value = Box::new(value);
        Scalar::known(Expr::InQuery { value, query: Box::new(node), fold_case, negated })
    }

    /// Binds what stands in a list for its mistakes alone.
    fn look_at(&mut self, list: &[ast::Expr], cx: &Context) {
        for item in list {
            if self.is_tabular_operand(item, cx) {
                self.table(item, cx.scope);
            } else {
                self.scalar(item, cx);
            }
        }
    }

    fn list_items(&mut self, list: &[ast::Expr], cx: &Context) -> Vec<Scalar> {
        list.iter().map(|item| self.scalar(item, cx)).collect()
    }

    fn has_any(&mut self, operator: InOperator, value: Scalar, list: &[ast::Expr], span: Span, cx: &Context) -> Scalar {
        let name = if operator == InOperator::HasAny { "has_any" } else { "has_all" };
        match value.scalar_type {
            Some(ScalarType::String | ScalarType::Dynamic) => {}
            None => {
                self.look_at(list, cx);
                return boolean();
            }
            Some(other) => {
                self.error("KS107", span, format!("`{name}` searches text, and this is of type {other}"));
                return boolean();
            }
        }
        let mut arguments = vec![to(value.expr, ScalarType::String)];
        for item in list {
            if self.is_tabular_operand(item, cx) {
                let table = self.table(item, &Scope::of_query(cx.scope));
                match self.gathered(table, item.span) {
                    Some(array) => arguments.push(array),
                    None => return boolean(),
                }
                continue;
            }
            let needle = self.scalar(item, cx);
            match needle.scalar_type {
                Some(ScalarType::Dynamic | ScalarType::String) => arguments.push(needle.expr),
                Some(_) => arguments.push(to(needle.expr, ScalarType::String)),
                None => return boolean(),
            }
        }
        self.library_call(name, arguments, span)
    }

    /// Makes an array of the first column of a table, computed once per query.
    fn gathered(&mut self, table: super::Table, span: Span) -> Option<Expr> {
        let first = table.node.columns.first()?.clone();
        let aggregate = crate::functions::aggregate::aggregate("make_list")?;
        let output = Column::new("list", ScalarType::Dynamic);
        let call = crate::plan::AggregateCall {
            aggregate,
            overload: 0,
            arguments: vec![to(Expr::Column(first), ScalarType::String)],
            filter: None,
            outputs: vec![output.clone()],
        };
        let node = crate::plan::Node {
            columns: vec![output],
            serialized: false,
            kind: crate::plan::Kind::Aggregate { input: Box::new(table.node), keys: vec![], aggregates: vec![call] },
        };
        let list = self.scalar_query(super::Table::new(node), span);
        Some(list.expr)
    }
}

/// One step of a path as it is written.
pub(super) struct PathStep {
    step: Step,
    /// The member, or the brackets.
    span: Span,
    /// What stands between the brackets.
    index: Option<(Span, Seen)>,
}

fn is_position(index: &Seen) -> bool {
    matches!(
        index,
        Seen::Unknown | Seen::One(_) | Seen::Scalar(ScalarType::Int | ScalarType::Long | ScalarType::Dynamic)
    )
}

fn is_key(index: &Seen) -> bool {
    matches!(index, Seen::Unknown | Seen::One(_) | Seen::Scalar(ScalarType::String | ScalarType::Dynamic))
}

fn no_members(code: &'static str, span: Span, message: String, base: &Seen) -> Diagnostic {
    let problem = Diagnostic::error(code, span, message);
    if *base == Seen::Scalar(ScalarType::String) {
        return problem.help("read the text with parse_json() first");
    }
    problem
}

/// Returns what the parser makes of a dynamic literal.
fn seen_in(literal: &DynamicLiteral) -> Seen {
    match literal {
        DynamicLiteral::Null | DynamicLiteral::Placeholder(_) => ANY,
        DynamicLiteral::Bag(_) => Seen::Bag,
        DynamicLiteral::Scalar(literal) => match &**literal {
            Literal::String(_) => Seen::One(ScalarType::String),
            Literal::Typed { kind, .. } => Seen::One(literal_type(*kind)),
            Literal::Dynamic(inner) => seen_in(inner),
            Literal::Null => ANY,
        },
        DynamicLiteral::Array(items) => {
            let mut elements = items.iter().map(seen_in);
            let first = elements.next().unwrap_or(ANY);
            let same = elements.all(|element| element == first);
            Seen::array_of(match first {
                Seen::One(scalar_type) if same => Seen::Scalar(scalar_type),
                first if same => first,
                _ => ANY,
            })
        }
    }
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

fn compare(operator: Comparison, left: Expr, right: Expr) -> Scalar {
    Scalar::known(Expr::Compare { operator, left: Box::new(left), right: Box::new(right) })
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

fn text_operator_name(operator: TextOperator) -> &'static str {
    match operator {
        TextOperator::Has | TextOperator::Search => "has",
        TextOperator::HasCs => "has_cs",
        TextOperator::HasPrefix => "hasprefix",
        TextOperator::HasPrefixCs => "hasprefix_cs",
        TextOperator::HasSuffix => "hassuffix",
        TextOperator::HasSuffixCs => "hassuffix_cs",
        TextOperator::Contains => "contains",
        TextOperator::ContainsCs => "contains_cs",
        TextOperator::StartsWith => "startswith",
        TextOperator::StartsWithCs => "startswith_cs",
        TextOperator::EndsWith => "endswith",
        TextOperator::EndsWithCs => "endswith_cs",
        TextOperator::Like => "like",
        TextOperator::LikeCs => "likecs",
        TextOperator::MatchesRegex => "matches regex",
    }
}
