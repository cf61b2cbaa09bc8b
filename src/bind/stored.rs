//! Saved functions: a workspace's own, solution parsers, ASIM.
//!
//! Measured: a saved function is a macro. Its body is bound where it is called, so that a `let` before the call takes
//! the place of a name in the body; its parameters and its own `let` come first.

use std::cell::Cell;
use std::rc::Rc;

use super::call::UserCall;
use super::scope::{Binding, Context, Function, Scope};
use super::{Binder, Table, expression::Scalar};
use crate::catalog::StoredFunction;
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::syntax::{self, ast};

/// A saved function that has been read.
#[derive(Debug)]
pub(super) struct Stored {
    name: String,
    path: String,
    line: usize,
    /// The text that was read, and where in it the body begins.
    text: String,
    body_at: usize,
    parameters: Vec<ast::Parameter>,
    body: ast::Query,
    problem: Option<Diagnostic>,
    rival: Option<String>,
    /// Whether it gives a table, once that has been looked at.
    is_tabular: Cell<Option<bool>>,
}

impl Stored {
    fn read(function: &StoredFunction) -> Stored {
        let head = format!("let f = ({}) {{\n", function.parameters);
        let text = format!("{head}{}\n}}", function.body);
        let parsed = syntax::parse(&text);
        let mut statements = parsed.query.statements.into_iter();
        let (parameters, body) = match statements.next().map(|statement| statement.kind) {
            Some(ast::StatementKind::Let {
                value: ast::Expr { kind: ast::ExprKind::Function { parameters, body, .. }, .. },
                ..
            }) => (parameters, *body),
            _ => Default::default(),
        };
        let problem = parsed.problems.into_iter().find(Diagnostic::is_error);
        Stored {
            name: function.name.clone(),
            path: function.path.clone(),
            line: function.line,
            body_at: head.len(),
            text,
            parameters,
            body,
            problem,
            rival: function.rival.clone(),
            is_tabular: Cell::new(None),
        }
    }

    /// Tells a problem of the body in the place of the call.
    fn told(&self, problem: Diagnostic, call: Span) -> Diagnostic {
        // It says already in which function it is.
        if problem.code == "AQ035" {
            return Diagnostic { span: call, ..problem };
        }
        let message = format!("in `{}` ({}): {}", self.name, self.place(problem.span), problem.message);
        Diagnostic { message, span: call, labels: Vec::new(), ..problem }
    }

    /// Says in which line of which file a place of the text is.
    fn place(&self, span: Span) -> String {
        let lines = self.text.get(self.body_at..span.start).map_or(0, |text| text.matches('\n').count());
        format!("{}:{}", self.path, self.line + lines)
    }
}

/// The state of the binder before a saved function is bound.
#[derive(PartialEq, Eq)]
pub(super) struct Before {
    problems: usize,
    refusals: usize,
    strict: usize,
}

impl Binder<'_> {
    /// Finds what a name stands for: what has been declared, else a saved function.
    pub(super) fn meaning(&self, name: &str, scope: &Rc<Scope>) -> Option<Binding> {
        scope.find(name).or_else(|| self.stored(name, scope).map(Binding::Function))
    }

    /// Finds a saved function; its body sees what can be seen where it is called.
    pub(super) fn stored(&self, name: &str, scope: &Rc<Scope>) -> Option<Rc<Function>> {
        let known = self.stored.borrow().get(name).cloned();
        let stored = match known {
            Some(stored) => stored,
            None => {
                let stored = Rc::new(Stored::read(self.catalog.function(name)?));
                self.stored.borrow_mut().insert(name.to_string(), stored.clone());
                stored
            }
        };
        Some(Rc::new(Function {
            name: name.to_string(),
            view: false,
            parameters: stored.parameters.clone(),
            body: stored.body.clone(),
            scope: scope.clone(),
            stored: Some(stored),
        }))
    }

    /// Remembers what has been found so far.
    pub(super) fn so_far(&self) -> Before {
        Before { problems: self.problems.len(), refusals: self.refusals.len(), strict: self.strict.len() }
    }

    /// Returns where the query's own text makes a call: within saved functions, where it calls the first of them.
    pub(super) fn place_of_call(&self, span: Span) -> Span {
        self.expanding.first().map_or(span, |(_, call)| *call)
    }

    /// Prepares to bind the body of a function; None where it cannot be.
    pub(super) fn begin(&mut self, function: &Function, span: Span) -> Option<Before> {
        let before = self.so_far();
        let Some(stored) = &function.stored else { return Some(before) };
        if let Some(rival) = &stored.rival {
            let message = format!("`{}` is defined in {} and, differently, in {rival}", stored.name, stored.path);
            self.refusals.push(Diagnostic::error("AQ035", span, message).help("name only one of the two files"));
            return None;
        }
        if let Some(problem) = &stored.problem {
            self.report(stored, problem.clone(), span);
            return None;
        }
        if self.expanding.iter().any(|(name, _)| *name == stored.name) {
            self.refuse("AQ036", span, format!("`{}` calls itself", stored.name));
            return None;
        }
        self.expanding.push((stored.name.clone(), span));
        Some(before)
    }

    /// Settles what is wrong with the body of a function that was called.
    ///
    /// Mistakes in a query's own function were told where it is declared; what goes wrong with these arguments alone
    /// keeps the query from running, and the parser does not see it.
    pub(super) fn end(&mut self, function: &Function, before: &Before, span: Span) {
        if function.stored.is_some() {
            self.expanding.pop();
            return self.settle(function, before, span);
        }
        self.strict.truncate(before.strict);
        for problem in self.problems.split_off(before.problems) {
            if !problem.is_error() || self.problems.contains(&problem) {
                self.problems.push(problem);
            } else {
                self.refusals.push(problem);
            }
        }
    }

    /// Puts what has been found since in the place of the call.
    pub(super) fn settle(&mut self, function: &Function, before: &Before, span: Span) {
        let Some(stored) = &function.stored else { return };
        self.strict.truncate(before.strict);
        let problems = self.problems.split_off(before.problems);
        if let Some(problem) = problems.iter().find(|problem| problem.is_error()) {
            self.refusals.truncate(before.refusals);
            return self.report(stored, problem.clone(), span);
        }
        self.problems.extend(problems.into_iter().map(|problem| stored.told(problem, span)));
        for refusal in self.refusals.split_off(before.refusals) {
            self.refusals.push(stored.told(refusal, span));
        }
    }

    fn report(&mut self, stored: &Stored, problem: Diagnostic, span: Span) {
        let place = stored.place(problem.span);
        let message = match problem.code {
            // It says already in which function it is.
            "AQ035" => problem.message,
            code => format!("`{}` does not bind: {place}: {code}: {}", stored.name, problem.message),
        };
        let mut told = Diagnostic { severity: Severity::Error, ..Diagnostic::error("AQ035", span, message) };
        told.help = problem.help;
        self.refusals.push(told);
    }

    /// Tells whether a saved function gives a table: looked at once, for functions may call each other in a circle.
    pub(super) fn is_tabular_stored(&self, function: &Rc<Function>) -> bool {
        let Some(stored) = &function.stored else { return self.is_tabular_body(function) };
        if let Some(known) = stored.is_tabular.get() {
            return known;
        }
        stored.is_tabular.set(Some(true));
        let is_tabular = self.is_tabular_body(function);
        stored.is_tabular.set(Some(is_tabular));
        is_tabular
    }

    /// Calls a saved function that a name or a call in a place of a table stands for.
    pub(super) fn stored_table(&mut self, name: &ast::Name, call: UserCall, scope: &Rc<Scope>) -> Option<Table> {
        let function = self.stored(&name.text, scope)?;
        let table = self.call_function_table(&function, call, &Context::rowless(scope));
        // Unlike a `let` that only gives a table, it has no name of a table (inferred: it is no alias of one).
        Some(table)
    }

    /// Calls a saved function that gives a value.
    pub(super) fn stored_scalar(&mut self, name: &ast::Name, call: UserCall, cx: &Context) -> Option<Scalar> {
        let function = self.stored(&name.text, cx.scope)?;
        Some(self.call_function_scalar(&function, call, cx))
    }
}
