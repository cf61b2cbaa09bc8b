//! Operators: signs, logic, comparisons and arithmetic.

use super::{Scalar, boolean, common_number, to, wide};
use crate::bind::Binder;
use crate::bind::scope::Context;
use crate::bind::seen::{ANY, Seen};
use crate::bind::signature;
use crate::diagnostic::{Diagnostic, Span};
use crate::plan::{Comparison, Expr};
use crate::syntax::ast::{self, BinaryOperator, ExprKind, UnaryOperator};
use crate::types::{ScalarType, Value};

impl Binder<'_> {
    pub(super) fn unary(&mut self, operator: UnaryOperator, operand: &ast::Expr, span: Span, cx: &Context) -> Scalar {
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
                let finer = match value.seen() {
                    held @ Seen::One(
                        ScalarType::Long | ScalarType::Real | ScalarType::DateTime | ScalarType::TimeSpan,
                    ) => held,
                    _ => ANY,
                };
                Scalar::placeholder(ScalarType::Dynamic).with(finer)
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

    pub(super) fn binary(
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

    /// Binds `==` and `!=`.
    pub(super) fn equality(&mut self, negated: bool, l: Scalar, r: Scalar, span: Span) -> Scalar {
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
        let name = format!("dynamic {}", operator.sign());
        let scalar = self.library_call(&name, vec![held, to(number, common)], span);
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
    pub(in crate::bind) fn arithmetic(&mut self, operator: &str, l: Scalar, r: Scalar, span: Span) -> Scalar {
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
                let held = signature::arithmetic(operator, l.seen(), r.seen());
                return Scalar::placeholder(Dynamic).with(held.filter(Seen::is_dynamic).unwrap_or(ANY));
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

    pub(super) fn between(
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
        if vt.is_numeric() && (lt == Dynamic) != (ht == Dynamic) && fits(lt) && fits(ht) {
            // A dynamic bound goes with a dynamic bound.
            if ht == Dynamic {
                self.error("KS107", low.span, format!("a dynamic belongs here, and this is of type {lt}"));
            }
            self.error("KS141", high.span, format!("the lower bound is of type {lt}, and this of {ht}"));
            return boolean();
        }
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
        use ScalarType::{Bool, DateTime, TimeSpan};
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
                if high_type != low_type {
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
}

fn compare(operator: Comparison, left: Expr, right: Expr) -> Scalar {
    Scalar::known(Expr::Compare { operator, left: Box::new(left), right: Box::new(right) })
}
