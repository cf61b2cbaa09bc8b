//! Walks over a plan: every relation, those of subqueries included.

use std::collections::HashSet;

use super::{Expr, Kind, Node, Plan, Sequence, Step, TopNestedLevel};
use crate::functions::Function;
use crate::types::Column;

impl Plan {
    /// Calls `f` on every relation.
    pub fn for_each_node<'a>(&'a self, f: &mut dyn FnMut(&'a Node)) {
        let results = self.results.iter().map(|result| &result.node);
        results.chain(&self.shared).for_each(|node| node.for_each(f));
    }

    /// Returns the tables that are scanned, each with those of its columns whose values matter to some result.
    ///
    /// A column counts by its name, wherever the name occurs: at worst it is read in vain.
    pub fn scans(&self) -> Vec<(&str, Vec<Column>)> {
        let mut used: HashSet<&str> = HashSet::new();
        let roots = self.results.iter().map(|result| &result.node).chain(&self.shared);
        for root in roots {
            used.extend(root.columns.iter().map(|column| column.name.as_str()));
            root.for_each(&mut |node| node.columns_used(&mut used));
        }
        let mut scans: Vec<(&str, Vec<Column>)> = Vec::new();
        self.for_each_node(&mut |node| {
            let Kind::Scan { table } = &node.kind else { return };
            let at = scans.iter().position(|(name, _)| name == table).unwrap_or_else(|| {
                scans.push((table, Vec::new()));
                scans.len() - 1
            });
            for column in node.columns.iter().filter(|column| used.contains(column.name.as_str())) {
                if !scans[at].1.contains(column) {
                    scans[at].1.push(column.clone());
                }
            }
        });
        scans
    }

    /// Calls `f` on every relation, inputs before what is made of them; `f` may put another one in its place.
    pub fn for_each_node_mut(&mut self, f: &mut dyn FnMut(&mut Node)) {
        let results = self.results.iter_mut().map(|result| &mut result.node);
        results.chain(&mut self.shared).for_each(|node| node.for_each_mut(f));
    }
}

impl Node {
    /// Calls `f` on this relation and on every one below.
    pub fn for_each<'a>(&'a self, f: &mut dyn FnMut(&'a Node)) {
        f(self);
        for expression in self.expressions() {
            expression.for_each_query(f);
        }
        for input in self.inputs() {
            input.for_each(f);
        }
    }

    /// Adds the names of the columns that this relation reads of those below.
    fn columns_used<'a>(&'a self, used: &mut HashSet<&'a str>) {
        for expression in self.expressions() {
            expression.columns_used(used);
        }
        if let Kind::Sequence { sequence, .. } = &self.kind {
            used.extend(sequence.states.iter().map(|state| state.of.as_str()));
        }
        if let Kind::Graph(graph) = &self.kind {
            used.extend(graph.keys().map(|column| column.name.as_str()));
        }
        // These take their inputs' columns by place, not by name.
        if matches!(self.kind, Kind::Join { .. } | Kind::Union { .. } | Kind::Series { .. } | Kind::Plugin { .. }) {
            let inputs = self.inputs().into_iter();
            used.extend(inputs.flat_map(|input| &input.columns).map(|column| column.name.as_str()));
        }
    }

    /// Tells whether computing it twice may give other rows.
    pub fn is_volatile(&self) -> bool {
        let mut volatile = false;
        self.for_each(&mut |node| {
            for expression in node.expressions() {
                expression.for_each_call(&mut |function| volatile |= function.is_volatile());
            }
        });
        volatile
    }

    /// Tells whether it or a relation below reads a column that its input does not have: one of rows around it.
    pub fn reads_beyond(&self) -> bool {
        let mut beyond = false;
        self.for_each(&mut |node| {
            let (Kind::Filter { input, .. }
            | Kind::Project { input, .. }
            | Kind::Aggregate { input, .. }
            | Kind::Sort { input, .. }) = &node.kind
            else {
                return;
            };
            let mut read = HashSet::new();
            node.expressions().into_iter().for_each(|expression| expression.columns_read(&mut read));
            beyond |= read.into_iter().any(|name| !input.columns.iter().any(|column| column.name == name));
        });
        beyond
    }

    /// Tells whether its own expressions ask other queries.
    pub fn asks_queries(&self) -> bool {
        let mut asks = false;
        for expression in self.expressions() {
            expression.for_each_query(&mut |_| asks = true);
        }
        asks
    }

    pub fn for_each_mut(&mut self, f: &mut dyn FnMut(&mut Node)) {
        for expression in self.expressions_mut() {
            expression.for_each_query_mut(f);
        }
        for input in self.inputs_mut() {
            input.for_each_mut(f);
        }
        f(self);
    }

    /// Returns the relations that this one is made of.
    pub fn inputs(&self) -> Vec<&Node> {
        match &self.kind {
            Kind::Scan { .. }
            | Kind::Values { .. }
            | Kind::Range { .. }
            | Kind::Unit
            | Kind::Shared { .. }
            | Kind::Materialized { .. } => Vec::new(),
            Kind::Filter { input, .. }
            | Kind::Project { input, .. }
            | Kind::Aggregate { input, .. }
            | Kind::Sort { input, .. }
            | Kind::Limit { input, .. }
            | Kind::Expand { input, .. }
            | Kind::Parse { input, .. }
            | Kind::Window { input, .. }
            | Kind::Series { input, .. }
            | Kind::Serialize { input }
            | Kind::Sequence { input, .. }
            | Kind::TopNested { input, .. } => vec![input],
            Kind::Join { left, right, .. } => vec![left, right],
            Kind::Union { inputs } => inputs.iter().collect(),
            Kind::Plugin { input, tables, .. } => std::iter::once(&**input).chain(tables).collect(),
            Kind::Graph(graph) => {
                std::iter::once(&graph.edges).chain(graph.nodes.iter().map(|(node, _)| node)).collect()
            }
        }
    }

    /// Returns the relations that this one is made of, to be changed.
    pub fn inputs_mut(&mut self) -> Vec<&mut Node> {
        match &mut self.kind {
            Kind::Scan { .. }
            | Kind::Values { .. }
            | Kind::Range { .. }
            | Kind::Unit
            | Kind::Shared { .. }
            | Kind::Materialized { .. } => Vec::new(),
            Kind::Filter { input, .. }
            | Kind::Project { input, .. }
            | Kind::Aggregate { input, .. }
            | Kind::Sort { input, .. }
            | Kind::Limit { input, .. }
            | Kind::Expand { input, .. }
            | Kind::Parse { input, .. }
            | Kind::Window { input, .. }
            | Kind::Series { input, .. }
            | Kind::Serialize { input }
            | Kind::Sequence { input, .. }
            | Kind::TopNested { input, .. } => vec![input],
            Kind::Join { left, right, .. } => vec![left, right],
            Kind::Union { inputs } => inputs.iter_mut().collect(),
            Kind::Plugin { input, tables, .. } => std::iter::once(&mut **input).chain(tables).collect(),
            Kind::Graph(graph) => {
                std::iter::once(&mut graph.edges).chain(graph.nodes.iter_mut().map(|(node, _)| node)).collect()
            }
        }
    }

    /// Returns the expressions that stand in this relation itself.
    pub fn expressions(&self) -> Vec<&Expr> {
        match &self.kind {
            Kind::Scan { .. }
            | Kind::Values { .. }
            | Kind::Unit
            | Kind::Shared { .. }
            | Kind::Limit { .. }
            | Kind::Union { .. }
            | Kind::Plugin { .. }
            | Kind::Materialized { .. }
            | Kind::Serialize { .. } => Vec::new(),
            Kind::Range { start, stop, step } => vec![start, stop, step],
            Kind::Filter { predicate, .. } => vec![predicate],
            Kind::Project { expressions, .. } => expressions.iter().collect(),
            Kind::Aggregate { keys, aggregates, .. } => {
                let calls = aggregates.iter().flat_map(|call| call.arguments.iter().chain(&call.filter));
                keys.iter().chain(calls).collect()
            }
            Kind::Sort { keys, .. } => keys.iter().map(|key| &key.value).collect(),
            Kind::Join { on, .. } => on.iter().flat_map(|(left, right)| [left, right]).collect(),
            Kind::Expand { arrays, .. } => arrays.iter().map(|column| &column.array).collect(),
            Kind::Parse { source, .. } => vec![source],
            Kind::Graph(graph) => graph.expressions(),
            Kind::Window { functions, .. } => functions.iter().flat_map(|call| &call.arguments).collect(),
            Kind::Series { axis, .. } => axis.from.iter().chain(&axis.to).chain([&axis.step]).collect(),
            Kind::Sequence { sequence, .. } => sequence.expressions(),
            Kind::TopNested { levels, .. } => levels.iter().flat_map(TopNestedLevel::expressions).collect(),
        }
    }

    /// Returns the expressions that stand in this relation itself, to be changed.
    pub fn expressions_mut(&mut self) -> Vec<&mut Expr> {
        match &mut self.kind {
            Kind::Scan { .. }
            | Kind::Values { .. }
            | Kind::Unit
            | Kind::Shared { .. }
            | Kind::Limit { .. }
            | Kind::Union { .. }
            | Kind::Plugin { .. }
            | Kind::Materialized { .. }
            | Kind::Serialize { .. } => Vec::new(),
            Kind::Range { start, stop, step } => vec![start, stop, step],
            Kind::Filter { predicate, .. } => vec![predicate],
            Kind::Project { expressions, .. } => expressions.iter_mut().collect(),
            Kind::Aggregate { keys, aggregates, .. } => {
                let calls = aggregates.iter_mut().flat_map(|call| call.arguments.iter_mut().chain(&mut call.filter));
                keys.iter_mut().chain(calls).collect()
            }
            Kind::Sort { keys, .. } => keys.iter_mut().map(|key| &mut key.value).collect(),
            Kind::Join { on, .. } => on.iter_mut().flat_map(|(left, right)| [left, right]).collect(),
            Kind::Expand { arrays, .. } => arrays.iter_mut().map(|column| &mut column.array).collect(),
            Kind::Parse { source, .. } => vec![source],
            Kind::Graph(graph) => graph.expressions_mut(),
            Kind::Window { functions, .. } => functions.iter_mut().flat_map(|call| &mut call.arguments).collect(),
            Kind::Series { axis, .. } => axis.from.iter_mut().chain(&mut axis.to).chain([&mut axis.step]).collect(),
            Kind::Sequence { sequence, .. } => sequence.expressions_mut(),
            Kind::TopNested { levels, .. } => levels.iter_mut().flat_map(TopNestedLevel::expressions_mut).collect(),
        }
    }
}

impl TopNestedLevel {
    pub(super) fn expressions(&self) -> Vec<&Expr> {
        let calls = self.aggregates.iter().flat_map(|call| call.arguments.iter().chain(&call.filter));
        calls.chain([&self.value, &self.measure]).collect()
    }

    pub(super) fn expressions_mut(&mut self) -> Vec<&mut Expr> {
        let calls = self.aggregates.iter_mut().flat_map(|call| call.arguments.iter_mut().chain(&mut call.filter));
        calls.chain([&mut self.value, &mut self.measure]).collect()
    }
}

impl Sequence {
    fn expressions(&self) -> Vec<&Expr> {
        let of_steps = self
            .steps
            .iter()
            .flat_map(|step| std::iter::once(&step.condition).chain(step.assignments.iter().map(|(_, value)| value)));
        self.partition.iter().chain(of_steps).collect()
    }

    fn expressions_mut(&mut self) -> Vec<&mut Expr> {
        let of_steps = self.steps.iter_mut().flat_map(|step| {
            std::iter::once(&mut step.condition).chain(step.assignments.iter_mut().map(|(_, value)| value))
        });
        self.partition.iter_mut().chain(of_steps).collect()
    }
}

impl Expr {
    fn columns_used<'a>(&'a self, used: &mut HashSet<&'a str>) {
        match self {
            Expr::Column(column) => {
                used.insert(&column.name);
            }
            Expr::InQuery { query, .. } | Expr::ScalarQuery { query, .. } => {
                used.extend(query.columns.iter().map(|column| column.name.as_str()));
            }
            _ => {}
        }
        self.for_each_operand(&mut |operand| operand.columns_used(used));
    }

    fn for_each_query<'a>(&'a self, f: &mut dyn FnMut(&'a Node)) {
        if let Expr::InQuery { query, .. } | Expr::ScalarQuery { query, .. } = self {
            query.for_each(f);
        }
        self.for_each_operand(&mut |operand| operand.for_each_query(f));
    }

    /// Tells whether its value follows from the row alone: it asks no query, no clock, and nothing of chance.
    pub fn is_of_the_row(&self) -> bool {
        let mut own = match self {
            Expr::InQuery { .. } | Expr::ScalarQuery { .. } | Expr::Now => false,
            Expr::Call { function, .. } | Expr::Part { function, .. } => {
                !function.is_volatile() && !function.reads_clock()
            }
            _ => true,
        };
        self.for_each_operand(&mut |operand| own = own && operand.is_of_the_row());
        own
    }

    /// Forgets where the query says it, so that it equals what says the same elsewhere.
    pub fn forget_places(&mut self) {
        if let Expr::Call { at, .. } | Expr::Part { at, .. } = self {
            *at = None;
        }
        self.for_each_operand_mut(&mut Expr::forget_places);
    }

    fn for_each_call(&self, f: &mut dyn FnMut(&'static Function)) {
        if let Expr::Call { function, .. } = self {
            f(function);
        }
        self.for_each_operand(&mut |operand| operand.for_each_call(f));
    }

    fn for_each_query_mut(&mut self, f: &mut dyn FnMut(&mut Node)) {
        if let Expr::InQuery { query, .. } | Expr::ScalarQuery { query, .. } = self {
            query.for_each_mut(f);
        }
        self.for_each_operand_mut(&mut |operand| operand.for_each_query_mut(f));
    }

    /// Calls `f` on each direct operand, which it may change; not on subqueries.
    pub fn for_each_operand_mut(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        match self {
            Expr::Column(_) | Expr::Literal(_) | Expr::ScalarQuery { .. } | Expr::Now => {}
            Expr::Call { arguments, .. }
            | Expr::Part { arguments, .. }
            | Expr::And(arguments)
            | Expr::Or(arguments) => arguments.iter_mut().for_each(f),
            Expr::Convert { value, .. }
            | Expr::Not(value)
            | Expr::ParseJson(value)
            | Expr::In { value, .. }
            | Expr::InQuery { value, .. } => f(value),
            Expr::Compare { left, right, .. } => {
                f(left);
                f(right);
            }
            Expr::Path { base, steps } => {
                f(base);
                for step in steps {
                    if let Step::Computed(step) = step {
                        f(step);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::QueryResult;
    use super::*;
    use crate::types::{Column, ScalarType};

    fn scan(table: &str) -> Node {
        let columns = vec![Column::new("a", ScalarType::Long)];
        Node { columns, serialized: false, kind: Kind::Scan { table: table.into() } }
    }

    fn over(input: Node, predicate: Expr) -> Node {
        Node {
            columns: input.columns.clone(),
            serialized: false,
            kind: Kind::Filter { input: Box::new(input), predicate },
        }
    }

    fn tables(plan: &Plan) -> Vec<String> {
        let mut names = Vec::new();
        plan.for_each_node(&mut |node| {
            if let Kind::Scan { table } = &node.kind {
                names.push(table.clone());
            }
        });
        names.sort();
        names
    }

    #[test]
    fn relations_of_subqueries_and_shared_ones_are_found_and_replaced() {
        let value = Box::new(Expr::Column(Column::new("a", ScalarType::Long)));
        let predicate =
            Expr::Not(Box::new(Expr::InQuery { value, query: Box::new(scan("B")), fold_case: false, negated: false }));
        let result = QueryResult { name: "x".into(), node: over(scan("A"), predicate), render: None };
        let mut plan = Plan { results: vec![result], shared: vec![scan("C")], ..Plan::default() };
        assert_eq!(tables(&plan), ["A", "B", "C"]);
        plan.for_each_node_mut(&mut |node| {
            if let Kind::Scan { table } = &mut node.kind {
                table.push('x');
            }
        });
        assert_eq!(tables(&plan), ["Ax", "Bx", "Cx"]);
    }

    #[test]
    fn only_columns_that_matter_are_scanned() {
        let columns = ["a", "b", "c"].map(|name| Column::new(name, ScalarType::Long)).to_vec();
        let wide = Node { columns: columns.clone(), ..scan("A") };
        let filter =
            over(wide, Expr::Convert { value: Box::new(Expr::Column(columns[1].clone())), to: ScalarType::Bool });
        let keys = vec![Expr::Column(columns[0].clone())];
        let kind = Kind::Aggregate { input: Box::new(filter), keys, aggregates: Vec::new() };
        let node = Node { columns: columns[..1].to_vec(), serialized: false, kind };
        let result = QueryResult { name: "x".into(), node, render: None };
        let plan = Plan { results: vec![result], ..Plan::default() };
        assert_eq!(plan.scans(), [("A", columns[..2].to_vec())]);
    }
}
