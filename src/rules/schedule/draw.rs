//! What an aggregate asks of each row goes into the chain below it: it is computed once, and what it is computed of need
//! not be held.

use std::collections::HashSet;

use super::chain::{Rules, key};
use crate::plan::{Expr, Kind, Node};
use crate::types::{Column, ScalarType};

/// Adds an expression and all that it is made of.
pub(super) fn parts(expression: &Expr, all: &mut HashSet<String>) {
    all.insert(key(expression));
    expression.for_each_operand(&mut |operand| parts(operand, all));
}

impl Rules<'_> {
    /// Gives the chain below an aggregate the columns that the aggregate reads and no others. Conditions that are no part
    /// of the chain may stand between.
    pub(super) fn draw(&self, node: &mut Node) {
        let Kind::Aggregate { input, keys, aggregates } = &mut node.kind else { return };
        self.part_all(input);
        if !self.stands_on_chain(input) {
            return;
        }
        let mut drawn = Drawn { rules: self, columns: Vec::new(), expressions: Vec::new() };
        let calls = aggregates.iter_mut().flat_map(|call| call.arguments.iter_mut().chain(&mut call.filter));
        keys.iter_mut().chain(calls).for_each(|expression| drawn.take(expression));
        self.conditions(input, &mut |condition| drawn.take(condition));
        // Rows that are only counted need no columns, and a relation of none is hard to hold.
        if !drawn.columns.is_empty() {
            self.put(input, &drawn);
        }
    }

    fn part_all(&self, node: &mut Node) {
        if let Kind::Filter { input, .. } = &mut node.kind {
            self.part_all(input);
        }
        self.part(node);
    }

    fn stands_on_chain(&self, node: &Node) -> bool {
        self.is_chain(node) || matches!(&node.kind, Kind::Filter { input, .. } if self.stands_on_chain(input))
    }

    /// Calls `f` with the conditions above the chain.
    fn conditions(&self, node: &mut Node, f: &mut dyn FnMut(&mut Expr)) {
        if self.is_chain(node) {
            return;
        }
        if let Kind::Filter { input, predicate } = &mut node.kind {
            f(predicate);
            self.conditions(input, f);
        }
    }

    /// Puts what was drawn upon the chain, and its columns into what stands above.
    fn put(&self, node: &mut Node, drawn: &Drawn) {
        if self.is_chain(node) {
            if node.columns != drawn.columns {
                let below = std::mem::replace(&mut node.kind, Kind::Unit);
                let below = Node { columns: node.columns.clone(), serialized: node.serialized, kind: below };
                node.kind = Kind::Project { input: Box::new(below), expressions: drawn.expressions.clone() };
            }
        } else if let Kind::Filter { input, .. } = &mut node.kind {
            self.put(input, drawn);
        }
        node.columns.clone_from(&drawn.columns);
    }
}

/// The columns that an aggregate reads.
struct Drawn<'a> {
    rules: &'a Rules<'a>,
    columns: Vec<Column>,
    expressions: Vec<Expr>,
}

impl Drawn<'_> {
    /// Puts a column in place of what follows from the row; what remains reads columns as they are.
    fn take(&mut self, expression: &mut Expr) {
        match expression {
            Expr::Literal(_) => {}
            Expr::Column(column) => {
                if !self.columns.contains(column) {
                    self.columns.push(column.clone());
                    self.expressions.push(expression.clone());
                }
            }
            _ if self.is_worth_it(expression) => {
                let column = self.column(expression);
                *expression = Expr::Column(column);
            }
            _ => expression.for_each_operand_mut(&mut |operand| self.take(operand)),
        }
    }

    /// Tells whether to hold what is made of a row in place of the row's own: of texts, that are long; moments and
    /// numbers stay, so that rules that round them in other ways share what is held.
    fn is_worth_it(&self, expression: &Expr) -> bool {
        reads_text(expression) && self.rules.is_lasting(expression)
    }

    fn column(&mut self, expression: &Expr) -> Column {
        let mut own = expression.clone();
        own.forget_places();
        if let Some(place) = self.expressions.iter().position(|known| key(known) == key(&own)) {
            return self.columns[place].clone();
        }
        // No text can spell it.
        let column = Column::new(format!("\u{1}of row {}", self.columns.len()), expression.scalar_type());
        self.columns.push(column.clone());
        self.expressions.push(own);
        column
    }
}

fn reads_text(expression: &Expr) -> bool {
    match expression {
        Expr::Column(column) => matches!(column.scalar_type, ScalarType::String | ScalarType::Dynamic),
        _ => {
            let mut reads = false;
            expression.for_each_operand(&mut |operand| reads = reads || reads_text(operand));
            reads
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::chain::{Chain, replace};
    use super::*;
    use crate::bind;
    use crate::catalog::Catalog;
    use crate::plan::rewrite;
    use crate::syntax;

    /// Returns the columns of a query's one chain.
    fn columns(text: &str) -> Vec<String> {
        let bound = bind::bind(&syntax::parse(text).query, &Catalog::standard(), &bind::Options::default());
        let mut plan = rewrite::rewrite(bound.plan.unwrap());
        let mut found = Vec::new();
        replace(&mut plan, &Rules { lasting: None, bounds: true }, &mut |Chain { node, .. }| {
            found.push(node.columns.iter().map(|column| column.name.replace('\u{1}', "")).collect::<Vec<_>>());
            Some(Kind::Scan { table: "x".into() })
        });
        assert_eq!(found.len(), 1, "{text}");
        found.remove(0)
    }

    #[test]
    fn what_an_aggregate_makes_of_texts_is_held_and_not_the_texts() {
        let entities = "SecurityAlert | mv-expand Entity = parse_json(Entities) | where Entity.Type == 'ip'";
        assert_eq!(columns(&format!("{entities} | summarize count() by tostring(Entity.Address)")), ["of row 0"]);
        assert_eq!(columns(&format!("{entities} | summarize make_set(Entity)")), ["Entity"]);
        assert_eq!(
            columns("SecurityAlert | summarize countif(AlertName has 'x'), max(strlen(AlertName)) by AlertSeverity"),
            ["AlertSeverity", "of row 1", "of row 2"]
        );
        assert_eq!(
            columns("SecurityAlert | summarize dcount(tolower(AlertName)), max(tolower(AlertName))"),
            ["of row 0"]
        );
    }

    /// A condition that asks another table stays above the chain.
    #[test]
    fn conditions_between_are_read_too() {
        let text = "SecurityAlert | where AlertSeverity == 'High' and TimeGenerated > datetime(2026-01-01)
            | where strlen(AlertName) > toscalar(Syslog | count)
            | summarize count() by tostring(parse_json(Entities)[0].Address)";
        let bound = bind::bind(&syntax::parse(text).query, &Catalog::standard(), &bind::Options::default());
        let mut plan = rewrite::rewrite(bound.plan.unwrap());
        let mut found = Vec::new();
        replace(&mut plan, &Rules { lasting: None, bounds: true }, &mut |Chain { node, bounds }| {
            let columns: Vec<_> = node.columns.iter().map(|column| column.name.replace('\u{1}', "")).collect();
            found.push((columns.join(" "), bounds != super::super::chain::Bounds::NONE));
            Some(Kind::Scan { table: "x".into() })
        });
        found.sort();
        assert_eq!(found.last(), Some(&("of row 0 of row 1".to_string(), true)), "{found:?}");
    }

    #[test]
    fn moments_and_what_is_not_of_the_row_stay() {
        assert_eq!(columns("SecurityAlert | summarize count() by bin(TimeGenerated, 1h)"), ["TimeGenerated"]);
        assert_eq!(columns("SecurityAlert | summarize max(strcat(AlertName, rand()))"), ["AlertName"]);
        assert_eq!(columns("SecurityAlert | where AlertName == 'a' | summarize count()"), ["AlertName"]);
    }
}
