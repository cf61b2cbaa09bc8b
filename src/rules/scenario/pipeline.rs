//! The main pipeline of a rule's query, taken apart by the places in its text.

use crate::diagnostic::Span;
use crate::rules::Embedded;
use crate::rules::Rule;
use crate::rules::alert::Results;
use crate::rules::schedule::{Data, Moment, Query};
use crate::syntax::ast::{BinaryOperator, Expr, ExprKind, Operator, OperatorKind, StatementKind};
use crate::syntax::{self, ast};

/// The text of a query and the tree of its last statement.
pub(super) struct Pipeline<'a> {
    pub(super) query: &'a Embedded,
    tree: ast::Query,
}

impl<'a> Pipeline<'a> {
    /// Takes the query of a rule apart; None where it has none that can be read.
    pub(super) fn of(rule: &'a Rule) -> Option<Pipeline<'a>> {
        let query = rule.query()?;
        let parsed = syntax::parse(&query.text);
        parsed.problems.is_empty().then_some(Pipeline { query, tree: parsed.query })
    }

    /// Returns the operators of the statement that gives the result; none where it is no pipeline.
    pub(super) fn operators(&self) -> &[Operator] {
        match self.last() {
            Some(Expr { kind: ExprKind::Pipeline { operators, .. }, .. }) => operators,
            _ => &[],
        }
    }

    fn last(&self) -> Option<&Expr> {
        self.tree.statements.iter().rev().find_map(|statement| match &statement.kind {
            StatementKind::Expr(expression) => Some(expression),
            _ => None,
        })
    }

    /// Returns the text up to an operator, which is left out with all behind it.
    pub(super) fn before(&self, operator: usize) -> Option<&str> {
        let end = match operator.checked_sub(1) {
            Some(previous) => self.operators().get(previous)?.span.end,
            None => match &self.last()?.kind {
                ExprKind::Pipeline { source, .. } => source.span.end,
                _ => self.last()?.span.end,
            },
        };
        self.query.text.get(..end)
    }

    /// Returns the conditions of each `where`, with the place of the operator: those that `and` joins, one by one.
    pub(super) fn conditions(&self) -> Vec<(usize, Vec<&Expr>)> {
        let mut found = Vec::new();
        for (place, operator) in self.operators().iter().enumerate() {
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
