//! Calls of functions that a query or the project defines.

use std::rc::Rc;

use super::overload::count;
use crate::bind::expression::Scalar;
use crate::bind::scope::{Binding, Context, Function, Scope};
use crate::bind::statement::Outcome;
use crate::bind::{Binder, MAX_CALLS, MOST_CALLS, Table};
use crate::diagnostic::Span;
use crate::syntax::ast::{Argument, ParameterKind};

/// A call of a function that the query or the project defines, as it is written.
#[derive(Debug, Clone, Copy)]
pub(in crate::bind) struct UserCall<'a> {
    /// Where its name stands: what is marked where the call is at fault as a whole.
    pub name: Span,
    pub arguments: &'a [Argument],
    pub span: Span,
}

impl UserCall<'_> {
    /// Makes a call that is written as a name alone.
    pub(in crate::bind) fn bare(name: Span) -> Self {
        UserCall { name, arguments: &[], span: name }
    }
}

impl Binder<'_> {
    pub(in crate::bind) fn call_function_scalar(
        &mut self,
        function: &Rc<Function>,
        call: UserCall,
        cx: &Context,
    ) -> Scalar {
        // A saved function's body means what its names mean where it is called.
        let constant = function.parameters.is_empty() && call.arguments.is_empty() && function.stored.is_none();
        if constant && let Some((_, scalar)) = self.values.iter().find(|(known, _)| Rc::ptr_eq(known, function)) {
            return scalar.clone();
        }
        let before = self.so_far();
        let span = call.span;
        let Some(scope) = self.enter(function, call, cx) else { return Scalar::unknown() };
        let Some(outcome) = self.function_body(function, &scope, span) else { return Scalar::unknown() };
        match outcome.scalar {
            Some(scalar) => {
                let scalar = Scalar { literal: false, ..scalar };
                // The same expression each time: what `toscalar` computes in it is computed once (documented).
                if constant && self.sketched == 0 && self.so_far() == before {
                    self.values.push((function.clone(), scalar.clone()));
                }
                scalar
            }
            None => {
                self.error("KS109", span, format!("`{}` gives a table, and a value belongs here", function.name));
                Scalar::unknown()
            }
        }
    }

    pub(in crate::bind) fn call_function_table(
        &mut self,
        function: &Rc<Function>,
        call: UserCall,
        cx: &Context,
    ) -> Table {
        let span = call.span;
        let Some(scope) = self.enter(function, call, cx) else { return Binder::nothing() };
        let Some(mut outcome) = self.function_body(function, &scope, span) else { return Binder::nothing() };
        match outcome.results.pop() {
            Some(table) => table,
            None => {
                self.error("KS109", span, format!("`{}` gives a value, and a table belongs here", function.name));
                Binder::nothing()
            }
        }
    }

    /// Binds the arguments of a user's function and makes the scope of its body.
    fn enter(&mut self, function: &Rc<Function>, call: UserCall, cx: &Context) -> Option<Rc<Scope>> {
        let UserCall { name: callee, arguments, span } = call;
        self.calls += 1;
        if self.calls > MOST_CALLS {
            self.refuse("AQ021", span, format!("functions call each other more than {MOST_CALLS} times"));
            return None;
        }
        if self.depth >= MAX_CALLS {
            self.refuse("AQ021", span, format!("calls nest more than {MAX_CALLS} levels deep"));
            return None;
        }
        let scope = Scope::child(&function.scope);
        let required = function.parameters.iter().filter(|p| p.default.is_none()).count();
        if arguments.len() > function.parameters.len() || arguments.len() < required {
            let expected = if required == function.parameters.len() {
                count(required)
            } else {
                format!("{required} to {}", count(function.parameters.len()))
            };
            self.error("KS119", callee, format!("`{}` takes {expected}, not {}", function.name, arguments.len()));
            return None;
        }
        let assigned = self.assigned(function, arguments)?;
        for (parameter, argument) in function.parameters.iter().zip(assigned) {
            let binding = match (&parameter.kind, argument) {
                (ParameterKind::Scalar(type_name), Some(argument)) => {
                    let wanted = Self::declared_type(type_name);
                    let scalar = self.scalar(&argument.value, cx);
                    Binding::Scalar(self.convert(scalar, wanted, argument.value.span))
                }
                (ParameterKind::Scalar(type_name), None) => {
                    let wanted = Self::declared_type(type_name);
                    let Some(default) = &parameter.default else {
                        self.error(
                            "KS197",
                            callee,
                            format!("`{}` of `{}` is missing", parameter.name.text, function.name),
                        );
                        return None;
                    };
                    let before = self.so_far();
                    let scalar = self.scalar(default, &Context::rowless(&function.scope));
                    let scalar = self.convert(scalar, wanted, default.span);
                    self.settle(function, &before, span);
                    Binding::Scalar(scalar)
                }
                (kind, Some(argument)) => {
                    let table = self.table(&argument.value, cx.scope);
                    Binding::Table(Rc::new(self.table_argument(kind, table, argument.value.span)))
                }
                (_, None) => {
                    self.error(
                        "KS197",
                        callee,
                        format!("the table `{}` of `{}` is missing", parameter.name.text, function.name),
                    );
                    return None;
                }
            };
            scope.declare(&parameter.name.text, binding);
        }
        Some(scope)
    }

    /// Finds the argument of each parameter: by its name, or by its place as long as no name has left its own.
    fn assigned<'a>(&mut self, function: &Function, arguments: &'a [Argument]) -> Option<Vec<Option<&'a Argument>>> {
        let mut assigned = vec![None; function.parameters.len()];
        let mut by_name_only = false;
        let mut sound = true;
        for (place, argument) in arguments.iter().enumerate() {
            let index = match &argument.name {
                Some(name) => {
                    let index = function.parameters.iter().position(|parameter| parameter.name.text == name.text);
                    if index.is_none() {
                        let message = format!("`{}` has no parameter `{}`", function.name, name.text);
                        self.error("KS196", name.span, message);
                    }
                    by_name_only |= index != Some(place);
                    index
                }
                None if by_name_only => {
                    self.error(
                        "KS195",
                        argument.value.span,
                        "behind a name out of order every argument needs its name",
                    );
                    None
                }
                None => Some(place),
            };
            match index.and_then(|index| assigned.get_mut(index)) {
                Some(free @ None) => *free = Some(argument),
                Some(Some(_)) => {
                    // Microsoft's parser takes it where nothing else is missing; which one counts is not known.
                    let span = argument.name.as_ref().map_or(argument.value.span, |name| name.span);
                    self.unsupported(span, "a parameter that is given twice");
                }
                None => sound = false,
            }
        }
        sound.then_some(assigned)
    }

    /// Binds the body of a function for a call.
    fn function_body(&mut self, function: &Function, scope: &Rc<Scope>, span: Span) -> Option<Outcome> {
        let before = self.begin(function, span)?;
        self.depth += 1;
        let outcome = self.query(&function.body, scope);
        self.depth -= 1;
        self.end(function, &before, span);
        Some(outcome)
    }

    /// Holds a table against what a parameter declares of it.
    pub(in crate::bind) fn table_argument(&mut self, kind: &ParameterKind, table: Table, span: Span) -> Table {
        let ParameterKind::Table(declared) = kind else { return table };
        let wanted = self.declared_columns(declared);
        for column in &wanted {
            let found = table.node.columns.iter().find(|c| c.name == column.name);
            match found {
                Some(found) if found.scalar_type == column.scalar_type => {}
                Some(found) => self.error(
                    "KS143",
                    span,
                    format!(
                        "`{}` of the table is of type {}, and {} is expected",
                        column.name, found.scalar_type, column.scalar_type
                    ),
                ),
                None if table.open => {}
                None => self.error("KS143", span, format!("the table has no column `{}`", column.name)),
            }
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use crate::bind::{Options, bind};
    use crate::catalog::Catalog;
    use crate::syntax;

    /// What is marked where a call lacks arguments: as Microsoft's parser marks it.
    #[test]
    fn the_name_of_a_call_is_marked_as_it_is_written() {
        for name in ["f", "['f x']", "['é']"] {
            let text = format!("let {name} = (a: long, b: long) {{ a + b }}; print {name}   (1)");
            let bound = bind(&syntax::parse(&text).query, &Catalog::standard(), &Options::default());
            let marked: Vec<_> = bound.problems.iter().map(|p| (p.code, &text[p.span.start..p.span.end])).collect();
            assert_eq!(marked, [("KS119", name)]);
        }
    }
}
