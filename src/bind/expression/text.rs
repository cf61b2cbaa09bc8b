//! Operators over texts.

use super::{Scalar, boolean, to};
use crate::bind::Binder;
use crate::bind::scope::Context;
use crate::bind::seen::ANY;
use crate::diagnostic::{Diagnostic, Span};
use crate::functions;
use crate::plan::Expr;
use crate::syntax::ast::{self, ExprKind, TextOperator};
use crate::types::{ScalarType, Value};

impl Binder<'_> {
    pub(super) fn text(
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

    pub(in crate::bind) fn text_call(
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
    pub(in crate::bind) fn in_any_column(&mut self, name: &str, needle: Expr, span: Span, cx: &Context) -> Scalar {
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
