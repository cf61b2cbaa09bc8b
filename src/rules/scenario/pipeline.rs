//! The pipelines of a rule's query, taken apart by the places in its text.

use crate::diagnostic::Span;
use crate::rules::Embedded;
use crate::rules::Rule;
use crate::rules::alert::Results;
use crate::rules::schedule::{Data, Moment, Query};
use crate::syntax::ast::{BinaryOperator, Expr, ExprKind, Operator, OperatorKind, Statement, StatementKind};
use crate::syntax::visit::{Part, parts};
use crate::syntax::{self, ast};

/// The text of a query and its tree.
pub(super) struct Taken<'a> {
    pub(super) query: &'a Embedded,
    tree: ast::Query,
}

/// A table, and the operators that it goes through.
#[derive(Clone, Copy)]
pub(super) struct Pipeline<'a> {
    pub(super) query: &'a Embedded,
    /// The statement that it stands in.
    statement: &'a Statement,
    source: Span,
    pub(super) operators: &'a [Operator],
    /// It gives the result of the query.
    pub(super) is_main: bool,
}

impl<'a> Taken<'a> {
    /// Takes the query of a rule apart; None where it has none that can be read.
    pub(super) fn of(rule: &'a Rule) -> Option<Taken<'a>> {
        let query = rule.query()?;
        let parsed = syntax::parse(&query.text);
        parsed.problems.is_empty().then_some(Taken { query, tree: parsed.query })
    }

    /// Returns the pipeline that gives the result; without operators where it is none.
    pub(super) fn main(&self) -> Option<Pipeline<'_>> {
        let (statement, expression) =
            self.tree.statements.iter().rev().find_map(|statement| match &statement.kind {
                StatementKind::Expr(expression) => Some((statement, expression)),
                _ => None,
            })?;
        Some(self.pipeline(statement, expression, true))
    }

    /// Returns every pipeline that can be looked at by itself, the main one and those of `let`, of joined tables and the
    /// like: not those within functions, which have no meaning before they are called.
    pub(super) fn pipelines(&self) -> Vec<Pipeline<'_>> {
        let main = self.main();
        let mut all = Vec::new();
        for statement in &self.tree.statements {
            let mut functions: Vec<Span> = Vec::new();
            for part in parts(Part::Statement(statement)) {
                let Part::Expr(expression) = part else { continue };
                let inside = |span: &Span| span.start <= expression.span.start && expression.span.end <= span.end;
                match &expression.kind {
                    ExprKind::Function { .. } => functions.push(expression.span),
                    ExprKind::Pipeline { source, .. } if !functions.iter().any(inside) => {
                        let is_main = main.is_some_and(|main| main.is_main && main.source == source.span);
                        all.push(self.pipeline(statement, expression, is_main));
                    }
                    _ => {}
                }
            }
        }
        all
    }

    fn pipeline<'t>(&'t self, statement: &'t Statement, expression: &'t Expr, is_main: bool) -> Pipeline<'t> {
        let (source, operators) = match &expression.kind {
            ExprKind::Pipeline { source, operators } => (source.span, &operators[..]),
            _ => (expression.span, &[][..]),
        };
        Pipeline { query: self.query, statement, source, operators, is_main }
    }
}

impl Pipeline<'_> {
    /// Returns the text of a query that gives what comes to an operator, which is left out with all behind it.
    pub(super) fn before(&self, operator: usize) -> Option<String> {
        let end = match operator.checked_sub(1) {
            Some(previous) => self.operators.get(previous)?.span.end,
            None => self.source.end,
        };
        let text = &self.query.text;
        Some(format!("{}{}", text.get(..self.statement.span.start)?, text.get(self.source.start..end)?))
    }

    /// Returns the conditions of each `where`, with the place of the operator: those that `and` joins, one by one.
    pub(super) fn conditions(&self) -> Vec<(usize, Vec<&Expr>)> {
        let mut found = Vec::new();
        for (place, operator) in self.operators.iter().enumerate() {
            if let OperatorKind::Where { predicate, .. } = &operator.kind {
                let mut all = Vec::new();
                conjuncts(predicate, &mut all);
                found.push((place, all));
            }
        }
        found
    }

    /// Returns the text of a part.
    pub(super) fn text(&self, span: Span) -> &str {
        self.query.text.get(span.start..span.end).unwrap_or_default()
    }
}

/// Takes apart what `and` joins.
fn conjuncts<'a>(expression: &'a Expr, all: &mut Vec<&'a Expr>) {
    let mut left = vec![expression];
    while let Some(expression) = left.pop() {
        match &expression.kind {
            ExprKind::Paren(inner) => left.push(inner),
            ExprKind::Binary { operator: BinaryOperator::And, left: first, right: second } => {
                left.push(second);
                left.push(first);
            }
            _ => all.push(expression),
        }
    }
}

/// Runs a text over what a run sees; None where it does not run.
pub(super) fn ask(text: &str, data: &Data, moment: &Moment) -> Option<Results> {
    let embedded = Embedded::new(text.to_string(), text, Span::new(0, text.len()));
    let query = Query::new(&embedded).ok()?;
    query.run(data, moment).ok().map(|ran| ran.results)
}
