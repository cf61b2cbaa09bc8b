//! The parts of a query that look at each record by itself: what they give of a record, they give in every run that sees
//! it, so that it can be computed once.

use std::collections::HashSet;
use std::fmt::Debug;

use super::data::TIME;
use super::draw;
use crate::plan::{Comparison, Expr, Kind, Node, Plan};
use crate::types::{Column, ScalarType, Value};

/// The columns that a chain's rows have beyond those of the query: the times of the record that they are made of. No
/// text can spell their names.
pub(super) const ROW_TIME: &str = "\u{1}time of record";
pub(super) const ROW_INGESTED: &str = "\u{1}ingestion of record";

/// A scan with nothing but row-wise operators above it.
pub(super) struct Chain {
    /// Without the conditions that became bounds.
    pub(super) node: Node,
    pub(super) bounds: Bounds,
}

/// What conditions say of the times of records, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) from: i64,
    /// Exclusive.
    pub(super) to: i64,
}

impl Bounds {
    pub(super) const NONE: Bounds = Bounds { from: i64::MIN, to: i64::MAX };

    fn and(self, other: Bounds) -> Bounds {
        Bounds { from: self.from.max(other.from), to: self.to.min(other.to) }
    }
}

/// Which expressions make a chain.
pub(super) struct Rules<'a> {
    /// Where the query reads the clock: the expressions that are the same at other moments. None: all are.
    pub(super) lasting: Option<&'a HashSet<String>>,
    /// Conditions on the times of records are told as bounds.
    pub(super) bounds: bool,
}

/// Tells one chain, or one expression, from every other one.
pub(super) fn key(part: &impl Debug) -> String {
    format!("{part:?}")
}

/// Puts what `f` gives in place of each chain, the longest that it takes.
pub(super) fn replace(plan: &mut Plan, rules: &Rules, f: &mut dyn FnMut(Chain) -> Option<Kind>) {
    let results = plan.results.iter_mut().map(|result| &mut result.node);
    results.chain(&mut plan.shared).for_each(|node| rules.visit(node, f));
}

/// Adds the expressions that stand in row-wise operators.
pub(super) fn expressions(plan: &Plan, all: &mut HashSet<String>) {
    plan.for_each_node(&mut |node| match &node.kind {
        Kind::Filter { predicate, .. } => {
            let mut conditions = Vec::new();
            predicate.conjuncts(&mut conditions);
            all.extend(conditions.into_iter().map(key));
        }
        Kind::Project { .. } | Kind::Parse { .. } | Kind::Expand { .. } => {
            all.extend(node.expressions().into_iter().map(key));
        }
        Kind::Aggregate { .. } => node.expressions().into_iter().for_each(|whole| draw::parts(whole, all)),
        _ => {}
    });
}

impl Rules<'_> {
    fn visit(&self, node: &mut Node, f: &mut dyn FnMut(Chain) -> Option<Kind>) {
        if self.is_chain(node)
            && let Some(kind) = f(self.taken(node.clone()))
        {
            node.kind = kind;
            return;
        }
        self.part(node);
        self.draw(node);
        for expression in node.expressions_mut() {
            queries(expression, &mut |query| self.visit(query, f));
        }
        node.inputs_mut().into_iter().for_each(|input| self.visit(input, f));
    }

    pub(super) fn is_chain(&self, node: &Node) -> bool {
        match &node.kind {
            Kind::Scan { .. } => true,
            Kind::Filter { input, predicate } => {
                let mut conditions = Vec::new();
                predicate.conjuncts(&mut conditions);
                self.is_chain(input) && conditions.iter().all(|condition| self.belongs(condition, input))
            }
            Kind::Project { input, .. } | Kind::Parse { input, .. } | Kind::Expand { input, .. } => {
                self.is_chain(input) && node.expressions().into_iter().all(|expression| self.is_lasting(expression))
            }
            _ => false,
        }
    }

    pub(super) fn is_lasting(&self, expression: &Expr) -> bool {
        expression.is_of_the_row() && self.lasting.is_none_or(|lasting| lasting.contains(&key(expression)))
    }

    /// Tells whether a condition upon a chain can be a part of it.
    fn belongs(&self, condition: &Expr, input: &Node) -> bool {
        self.bounds_of(condition, input).is_some() || self.is_lasting(condition)
    }

    /// Parts a filter upon a chain, so that the conditions that belong to the chain come first.
    pub(super) fn part(&self, node: &mut Node) {
        let Kind::Filter { input, predicate } = &mut node.kind else { return };
        if !self.is_chain(input) {
            return;
        }
        let mut conditions = Vec::new();
        predicate.conjuncts(&mut conditions);
        let (own, rest): (Vec<&Expr>, Vec<&Expr>) = conditions.into_iter().partition(|c| self.belongs(c, input));
        let (Some(own), Some(rest)) = (all_of(own), all_of(rest)) else { return };
        *predicate = rest;
        let below = std::mem::replace(&mut input.kind, Kind::Unit);
        let below = Node { columns: input.columns.clone(), serialized: input.serialized, kind: below };
        input.kind = Kind::Filter { input: Box::new(below), predicate: own };
    }

    /// Takes the bounds out of a chain.
    fn taken(&self, mut node: Node) -> Chain {
        let mut bounds = Bounds::NONE;
        self.take_bounds(&mut node, &mut bounds);
        // Rules that ask the same at other places of their texts share the chain.
        node.for_each_mut(&mut |node| node.expressions_mut().into_iter().for_each(Expr::forget_places));
        Chain { node, bounds }
    }

    fn take_bounds(&self, node: &mut Node, bounds: &mut Bounds) {
        if let Kind::Filter { input, predicate } = &mut node.kind {
            let mut conditions = Vec::new();
            predicate.conjuncts(&mut conditions);
            let mut rest = Vec::new();
            for condition in conditions {
                match self.bounds_of(condition, input) {
                    Some(own) => *bounds = bounds.and(own),
                    None => rest.push(condition),
                }
            }
            match all_of(rest) {
                Some(rest) => *predicate = rest,
                None => {
                    let below = std::mem::replace(&mut **input, empty());
                    *node = below;
                    return self.take_bounds(node, bounds);
                }
            }
        }
        node.inputs_mut().into_iter().for_each(|input| self.take_bounds(input, bounds));
    }

    /// Returns what a condition says of the times of the records right below it.
    fn bounds_of(&self, condition: &Expr, input: &Node) -> Option<Bounds> {
        if !self.bounds || !is_plain(input) {
            return None;
        }
        let Expr::Compare { operator, left, right } = condition else { return None };
        let is_time = |expr: &Expr| matches!(expr, Expr::Column(c) if *c == Column::new(TIME, ScalarType::DateTime));
        let (operator, time) = match (&**left, &**right) {
            (column, Expr::Literal(Value::DateTime(time))) if is_time(column) => (*operator, *time),
            (Expr::Literal(Value::DateTime(time)), column) if is_time(column) => (operator.flipped(), *time),
            _ => return None,
        };
        let after = time.saturating_add(1);
        Some(match operator {
            Comparison::Equal => Bounds { from: time, to: after },
            Comparison::Less => Bounds { to: time, ..Bounds::NONE },
            Comparison::LessOrEqual => Bounds { to: after, ..Bounds::NONE },
            Comparison::Greater => Bounds { from: after, ..Bounds::NONE },
            Comparison::GreaterOrEqual => Bounds { from: time, ..Bounds::NONE },
            Comparison::NotEqual => return None,
        })
    }
}

/// Tells whether the columns are those of a table's records.
fn is_plain(node: &Node) -> bool {
    match &node.kind {
        Kind::Scan { .. } => true,
        Kind::Filter { input, .. } => is_plain(input),
        _ => false,
    }
}

fn empty() -> Node {
    Node { columns: Vec::new(), serialized: false, kind: Kind::Unit }
}

fn all_of(mut conditions: Vec<&Expr>) -> Option<Expr> {
    match conditions.len() {
        0 => None,
        1 => conditions.pop().cloned(),
        _ => Some(Expr::And(conditions.into_iter().cloned().collect())),
    }
}

fn queries(expression: &mut Expr, f: &mut dyn FnMut(&mut Node)) {
    if let Expr::InQuery { query, .. } | Expr::ScalarQuery { query, .. } = expression {
        f(query);
    }
    expression.for_each_operand_mut(&mut |operand| queries(operand, f));
}

/// Returns the table that a chain reads, and which of its columns.
pub(super) fn source(chain: &Node) -> Option<(&str, &[Column])> {
    match &chain.kind {
        Kind::Scan { table } => Some((table, &chain.columns)),
        _ => source(chain.inputs().first()?),
    }
}

/// Makes the chain that keeps the times of each record beside what it makes of it, as the last columns. Each of `times`
/// is the record's column and what it is called in the rows.
pub(super) fn with_times(chain: Node, times: &[(Column, &str)]) -> Node {
    let extra: Vec<Column> = times.iter().map(|(_, name)| Column::new(*name, ScalarType::DateTime)).collect();
    with(chain, times, &extra)
}

fn with(mut node: Node, times: &[(Column, &str)], extra: &[Column]) -> Node {
    let kept = |column: &Column| Expr::Column(column.clone());
    match &mut node.kind {
        Kind::Scan { table } => {
            let mut columns = node.columns.clone();
            columns.extend(times.iter().map(|(column, _)| column).filter(|c| !node.columns.contains(c)).cloned());
            let scan = Node { columns, serialized: node.serialized, kind: Kind::Scan { table: table.clone() } };
            let expressions = node.columns.iter().chain(times.iter().map(|(column, _)| column)).map(kept).collect();
            node.kind = Kind::Project { input: Box::new(scan), expressions };
        }
        Kind::Project { input, expressions } => {
            **input = with(std::mem::replace(&mut **input, empty()), times, extra);
            expressions.extend(extra.iter().map(kept));
        }
        _ => node.inputs_mut().into_iter().for_each(|input| {
            let below = std::mem::replace(input, empty());
            *input = with(below, times, extra);
        }),
    }
    node.columns.extend(extra.iter().cloned());
    node
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bind;
    use crate::catalog::Catalog;
    use crate::plan::rewrite;
    use crate::syntax;

    fn plan(text: &str) -> Plan {
        let bound = bind::bind(&syntax::parse(text).query, &Catalog::standard(), &bind::Options::default());
        rewrite::rewrite(bound.plan.unwrap())
    }

    /// Returns for each chain its table, how many operators it has, and its bounds; and what remains above.
    fn chains(text: &str) -> (Vec<(String, usize, Bounds)>, &'static str) {
        let mut plan = plan(text);
        let mut found = Vec::new();
        replace(&mut plan, &Rules { lasting: None, bounds: true }, &mut |chain| {
            let mut operators = 0;
            chain.node.for_each(&mut |_| operators += 1);
            found.push((source(&chain.node).unwrap().0.to_string(), operators - 1, chain.bounds));
            Some(Kind::Scan { table: "x".into() })
        });
        let top = match plan.results[0].node.kind {
            Kind::Scan { .. } => "nothing",
            Kind::Filter { .. } => "filter",
            _ => "other",
        };
        (found, top)
    }

    #[test]
    fn a_query_of_rows_is_one_chain() {
        let (found, top) =
            chains("Syslog | where Facility == 'a' | extend b = strlen(Computer) | where b > 2 | project b");
        assert_eq!(found.iter().map(|(table, ..)| table.as_str()).collect::<Vec<_>>(), ["Syslog"]);
        assert_eq!(top, "nothing");
        let (found, top) = chains("Syslog | where Facility == 'a' | summarize count() by Computer");
        assert_eq!(found.len(), 1);
        assert_ne!(top, "nothing");
    }

    #[test]
    fn conditions_on_times_are_bounds() {
        let text = "Syslog | where TimeGenerated between (datetime(0001-01-01) .. datetime(0001-01-01 00:00:01)) and Facility == 'a' | project Computer";
        let (found, top) = chains(text);
        assert_eq!((found[0].2, top), (Bounds { from: 0, to: 10_000_001 }, "nothing"));
        let (found, _) = chains(
            "Syslog | where TimeGenerated > datetime(0001-01-01) | where 7tick < TimeGenerated - datetime(0001-01-01)",
        );
        assert_eq!(found[0].2, Bounds { from: 1, ..Bounds::NONE });
    }

    #[test]
    fn what_asks_others_stays_above() {
        let (found, top) =
            chains("Syslog | where Facility == 'a' and Computer in ((Event | where EventID == 1 | project Computer))");
        assert_eq!((found.len(), top), (2, "filter"));
        let (found, _) = chains("Syslog | where rand() > 0.5 and Facility == 'a'");
        assert_eq!(found[0].1, 1);
    }

    #[test]
    fn what_changes_with_the_clock_stays_above() {
        let mut lasting = HashSet::new();
        expressions(&plan("Syslog | where Facility == 'a'"), &mut lasting);
        let mut plan = plan("Syslog | where Facility == 'a' and Computer == 'b' | project Computer");
        let mut operators = 0;
        replace(&mut plan, &Rules { lasting: Some(&lasting), bounds: true }, &mut |chain| {
            chain.node.for_each(&mut |_| operators += 1);
            Some(Kind::Scan { table: "x".into() })
        });
        assert_eq!(operators, 2);
    }

    #[test]
    fn times_are_kept_to_the_end() {
        let text = "Syslog | where Facility == 'a' | extend n = split(Computer, '.') | mv-expand n | project n";
        let mut plan = plan(text);
        let mut kept = None;
        replace(&mut plan, &Rules { lasting: None, bounds: true }, &mut |chain| {
            let times = [(Column::new(TIME, ScalarType::DateTime), ROW_TIME)];
            kept = Some(with_times(chain.node, &times));
            Some(Kind::Unit)
        });
        let columns: Vec<String> = kept.unwrap().columns.into_iter().map(|column| column.name).collect();
        assert_eq!(columns, ["n", ROW_TIME]);
    }
}
