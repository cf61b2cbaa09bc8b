//! What binding has found out about places of the text: for lints, and for editors.

use std::collections::HashMap;

use super::{Binder, Table};
use crate::diagnostic::Span;
use crate::types::{Column, ScalarType};

/// What is noted while a query is bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tracing {
    #[default]
    Nothing,
    /// The types of expressions.
    Types,
    /// These, and the columns that reach each operator.
    Columns,
}

/// What was found at places of the text. The body of a function that is bound several times has what was found last.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    types: HashMap<Span, ScalarType>,
    inputs: HashMap<Span, Input>,
}

/// What reaches an operator.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Input {
    pub columns: Vec<Column>,
    /// More columns may come, which only the data tell.
    pub open: bool,
}

impl Trace {
    /// Returns the type of the expression at a place; None where nothing was bound there, or its type is not known.
    pub fn type_at(&self, span: Span) -> Option<ScalarType> {
        self.types.get(&span).copied()
    }

    /// Returns what reaches the operator at a place; None where that was not asked for.
    pub fn input_of(&self, operator: Span) -> Option<&Input> {
        self.inputs.get(&operator)
    }
}

impl Binder<'_> {
    /// Notes the type of an expression; places in saved functions are not those of this text.
    pub(super) fn trace_type(&mut self, span: Span, scalar_type: Option<ScalarType>) {
        if self.tracing < Tracing::Types || !self.expanding.is_empty() {
            return;
        }
        match scalar_type {
            Some(scalar_type) => self.trace.types.insert(span, scalar_type),
            None => self.trace.types.remove(&span),
        };
    }

    /// Notes what reaches an operator.
    pub(super) fn trace_input(&mut self, operator: Span, input: &Table) {
        if self.tracing >= Tracing::Columns && self.expanding.is_empty() {
            let columns = input.node.columns.iter().filter(|column| !input.hidden.contains(&column.name)).cloned();
            self.trace.inputs.insert(operator, Input { columns: columns.collect(), open: input.open });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bind::{Options, bind};
    use crate::catalog::Catalog;
    use crate::syntax::parse;

    fn trace(text: &str) -> Trace {
        let options = Options { tracing: Tracing::Columns, ..Options::default() };
        bind(&parse(text).query, &Catalog::standard(), &options).trace
    }

    #[test]
    fn expressions_have_types_and_operators_have_inputs() {
        let text = "print a = 1, d = dynamic({}) | where d.x == a | project a";
        let trace = trace(text);
        let at = |part: &str| text.find(part).map(|start| Span::new(start, start + part.len()));
        assert_eq!(trace.type_at(at("d.x").unwrap()), Some(ScalarType::Dynamic));
        assert_eq!(trace.type_at(at("d.x == a").unwrap()), Some(ScalarType::Bool));
        let input = trace.input_of(at("project a").unwrap()).unwrap();
        assert_eq!(input.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["a", "d"]);
    }

    #[test]
    fn the_body_of_a_function_is_traced() {
        let text = "let f = (T:(a:string)) { T | where a == 'x' }; f((SecurityAlert | project a = AlertName))";
        let start = text.find("a == ").unwrap();
        assert_eq!(trace(text).type_at(Span::new(start, start + 1)), Some(ScalarType::String));
    }
}
