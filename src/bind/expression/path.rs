//! Members and elements of dynamics, and columns of the sides of a join.

use super::{Scalar, to};
use crate::bind::Binder;
use crate::bind::call::constant_text;
use crate::bind::scope::Context;
use crate::bind::seen::{ANY, Seen};
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::plan::{Expr, Step};
use crate::syntax::ast::{self, ExprKind, Literal};
use crate::types::{Column, ScalarType, Value};

impl Binder<'_> {
    /// Binds `base.member`, `base["key"]`, `base[0]` and chains of them.
    pub(super) fn path(&mut self, expr: &ast::Expr, cx: &Context) -> Scalar {
        let mut steps = Vec::new();
        let mut base = expr;
        loop {
            match &base.kind {
                ExprKind::Member { base: inner, member } => {
                    if let Some(property) = self.property_of_entity(inner, member, cx.scope) {
                        return self.finish_path(property, steps);
                    }
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
                    let (step, index) = self.step(index, cx);
                    let span = Span::new(inner.span.end, base.span.end);
                    steps.push(PathStep { step, span, index: Some(index) });
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
            scalar = part.scalar();
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
                    if let Some(remedy) = crate::bind::hidden::remedy(&member.text) {
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

    pub(in crate::bind) fn finish_path(&mut self, base: Scalar, mut steps: Vec<PathStep>) -> Scalar {
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
        let Some(Index { span: index_span, seen: index, key }) = &step.index else {
            if let (true, Step::Key(name)) = (base.is_dynamic(), &step.step) {
                return base.named(name);
            }
            let message = format!("a value {} has no members", base.describe());
            self.problem(no_members("KS142", step.span, message, base));
            return Seen::Unknown;
        };
        if !base.is_dynamic() || matches!(base, Seen::One(_)) {
            let message = format!("a value {} has no elements", base.describe());
            let problem = no_members("KS147", step.span, message, base);
            if !base.is_dynamic() {
                self.problem(problem);
                return Seen::Unknown;
            }
            // The engine looks into any dynamic, and finds nothing.
            self.strict.push(problem);
            return if self.catalog.is_for_checks() { Seen::Unknown } else { ANY };
        }
        let (suits, wanted) = match base {
            Seen::Array(_) => (is_position(index), "a number"),
            Seen::Bag(_) => (is_key(index), "a key, which is a string"),
            _ => (is_position(index) || is_key(index), "a number or a key"),
        };
        if !suits {
            let message = format!("an index here is {wanted}, and this is {}", index.describe());
            // Microsoft's parser takes any dynamic for a key.
            if index.is_dynamic() && !matches!(base, Seen::Array(_)) {
                self.refuse("AQ015", *index_span, message);
            } else if *base == ANY
                || matches!(index, Seen::Array(_) | Seen::Bag(_))
                || !(is_position(index) || is_key(index))
            {
                self.error("KS141", *index_span, message);
            } else {
                // The engine looks for it all the same, and finds nothing.
                self.strict.push(Diagnostic::error("KS141", *index_span, message));
            }
        }
        match (base, key) {
            (Seen::Bag(_), Some(key)) => base.under(key),
            _ => base.element(),
        }
    }

    fn step(&mut self, index: &ast::Expr, cx: &Context) -> (Step, Index) {
        let scalar = self.scalar(index, cx);
        let known = Index { span: index.span, seen: scalar.seen(), key: constant_text(index, &scalar) };
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
        (step, known)
    }
}

/// One step of a path as it is written.
pub(in crate::bind) struct PathStep {
    step: Step,
    /// The member, or the brackets.
    span: Span,
    /// What stands between the brackets.
    index: Option<Index>,
}

struct Index {
    span: Span,
    seen: Seen,
    /// The key, where Microsoft's parser knows it.
    key: Option<String>,
}

fn is_position(index: &Seen) -> bool {
    matches!(
        index,
        Seen::Unknown
            | Seen::One(ScalarType::Long)
            | Seen::Scalar(ScalarType::Int | ScalarType::Long | ScalarType::Dynamic)
    )
}

fn is_key(index: &Seen) -> bool {
    *index == Seen::Unknown || *index == Seen::Scalar(ScalarType::String) || index.is_dynamic()
}

fn no_members(code: &'static str, span: Span, message: String, base: &Seen) -> Diagnostic {
    let problem = Diagnostic::error(code, span, message);
    if *base == Seen::Scalar(ScalarType::String) {
        return problem.help("read the text with parse_json() first");
    }
    problem
}
