//! `declare pattern`: tables by the texts that a call gives.

use std::rc::Rc;

use super::call::UserCall;
use super::scope::{Binding, Context, Function, Scope};
use super::{Binder, Table};
use crate::diagnostic::{Diagnostic, Span};
use crate::syntax::ast::{self, Argument, ExprKind, Literal};

/// A pattern of the user's.
#[derive(Debug)]
pub(super) struct Cases {
    name: String,
    cases: Vec<Case>,
}

/// What one combination of texts stands for.
#[derive(Debug)]
struct Case {
    values: Vec<String>,
    path: Option<String>,
    body: Rc<Function>,
}

impl Binder<'_> {
    pub(super) fn declare_pattern(&mut self, name: &ast::Name, pattern: Option<&ast::Pattern>, scope: &Rc<Scope>) {
        if scope.declares(&name.text) {
            let message = format!("`{}` has been declared before", name.text);
            self.problem(Diagnostic::error("KS201", name.span, message).help("give one of the two another name"));
        }
        let mut cases = Vec::new();
        if let Some(pattern) = pattern {
            for column in pattern.parameters.iter().chain(&pattern.path) {
                if column.type_name.as_ref().is_some_and(|t| t.text != "string") {
                    self.error("KS141", column.name.span, "a parameter of a pattern is of type string");
                }
            }
            cases = pattern.cases.iter().filter_map(|case| self.case_of_pattern(name, pattern, case, scope)).collect();
        }
        scope.declare(&name.text, Binding::Pattern(Rc::new(Cases { name: name.text.clone(), cases })));
    }

    fn case_of_pattern(
        &mut self,
        name: &ast::Name,
        pattern: &ast::Pattern,
        case: &ast::PatternCase,
        scope: &Rc<Scope>,
    ) -> Option<Case> {
        let values: Option<Vec<String>> = case.values.iter().map(|value| self.literal_text(value)).collect();
        if case.values.len() != pattern.parameters.len() {
            let message = format!("{} values stand for {} parameters", case.values.len(), pattern.parameters.len());
            self.error("KS185", case.span, message);
            return None;
        }
        match (&pattern.path, &case.path) {
            (Some(_), None) => self.error("KS187", case.span, "the case has no path: write (\"a\").[\"b\"]"),
            (None, Some(path)) => self.error("KS186", path.span, format!("`{}` has no path", name.text)),
            _ => {}
        }
        let path = match &case.path {
            Some(path) => Some(self.literal_text(path)?),
            None => None,
        };
        let body = Rc::new(Function {
            name: name.text.clone(),
            view: false,
            parameters: Vec::new(),
            body: case.body.clone(),
            scope: Scope::frozen(scope),
            stored: None,
        });
        self.check_function(&body);
        Some(Case { values: values?, path, body })
    }

    fn literal_text(&mut self, value: &ast::Expr) -> Option<String> {
        match &value.kind {
            ExprKind::Literal(Literal::String(text)) => Some(text.clone()),
            ExprKind::Error => None,
            _ => {
                self.error("KS131", value.span, "a text in quotes belongs here");
                None
            }
        }
    }

    /// Binds `p("a")` and `p("a").b`, unless a restriction hides the pattern.
    pub(super) fn matched_in_sight(
        &mut self,
        pattern: &Cases,
        arguments: &[Argument],
        path: Option<&ast::Name>,
        span: Span,
        scope: &Rc<Scope>,
    ) -> Table {
        if !self.sees_declared(&pattern.name, scope) {
            self.out_of_sight(&pattern.name, span);
            return Binder::nothing();
        }
        self.matched(pattern, arguments, path, span, scope)
    }

    pub(super) fn matched(
        &mut self,
        pattern: &Cases,
        arguments: &[Argument],
        path: Option<&ast::Name>,
        span: Span,
        scope: &Rc<Scope>,
    ) -> Table {
        let values: Option<Vec<String>> = arguments.iter().map(|argument| self.literal_text(&argument.value)).collect();
        let Some(values) = values else { return Binder::nothing() };
        let path = path.map(|name| name.text.as_str());
        let Some(case) = pattern.cases.iter().find(|case| case.values == values && case.path.as_deref() == path) else {
            let problem =
                Diagnostic::error("KS188", span, format!("no case of the pattern `{}` matches this", pattern.name));
            self.problem(match pattern.cases.is_empty() {
                true => problem.help(
                    "the pattern is declared without cases: `declare pattern p = (a:string) { (\"x\") = { T }; }`",
                ),
                false => problem,
            });
            return Binder::nothing();
        };
        let body = case.body.clone();
        let table = self.call_function_table(&body, UserCall::bare(span), &Context::rowless(scope));
        Table { label: None, ..table }
    }
}
