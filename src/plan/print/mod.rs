//! A plan as text: an indented tree, one relation a line, what it is made of below it.
//!
//! Names that no query can spell begin with a control character; they are shown as `$name`.

mod expr;

use std::fmt::Write as _;

use self::expr::{is_identifier, literal, quoted};
use crate::plan::graph::{Cycles, Direction, Element, Fold, Graph, Shortest};
use crate::plan::{
    AggregateCall, ExpandColumn, Expr, JoinKind, Kind, Node, ParseMode, ParsePart, ParsePattern, Plan, Render,
    Sequence, SeriesAxis, SortKey, TopNestedLevel, WindowCall, WindowFunction,
};
use crate::types::{Column, Value, convert};

/// Prints a plan as an indented tree: shared subplans first, then each result.
///
/// A subquery within an expression is called `$query0`, `$query1` ... and stands below the relation that asks it.
pub fn print(plan: &Plan) -> String {
    let mut printer = Printer { out: String::new(), queries: 0 };
    if let Some(now) = plan.now {
        printer.line(0, &format!("now: {}", convert::text_of(&Value::DateTime(now))));
    }
    if let Some(most) = plan.most_records {
        printer.line(0, &format!("at most {most} records"));
    }
    for (index, node) in plan.shared.iter().enumerate() {
        printer.line(0, &format!("shared {index}:"));
        printer.node(node, 1);
    }
    for result in &plan.results {
        let render = result.render.as_ref().map(render).unwrap_or_default();
        printer.line(0, &format!("{}{render}:", name(&result.name)));
        printer.node(&result.node, 1);
    }
    printer.out
}

struct Printer {
    out: String,
    /// Subqueries named so far.
    queries: usize,
}

impl Printer {
    fn line(&mut self, depth: usize, text: &str) {
        for _ in 0..depth {
            self.out.push_str("  ");
        }
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn node(&mut self, node: &Node, depth: usize) {
        let mut words = Words { out: String::new(), first_query: self.queries, queries: Vec::new() };
        words.node(node);
        let Words { out, queries, .. } = words;
        self.line(depth, &out);
        let first = self.queries;
        self.queries += queries.len();
        for (i, query) in queries.into_iter().enumerate() {
            self.line(depth + 1, &format!("$query{}:", first + i));
            self.node(query, depth + 2);
        }
        for input in node.inputs() {
            self.node(input, depth + 1);
        }
    }
}

/// The line of one relation.
struct Words<'a> {
    out: String,
    first_query: usize,
    queries: Vec<&'a Node>,
}

impl<'a> Words<'a> {
    fn text(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn node(&mut self, node: &'a Node) {
        match &node.kind {
            Kind::Scan { table } => {
                self.text(&format!("Scan {}", name(table)));
                self.columns(&node.columns);
            }
            Kind::Values { rows } => {
                self.text("Values");
                self.columns(&node.columns);
                self.text(&format!(" of {} rows", rows.len()));
            }
            Kind::Range { start, stop, step } => {
                self.text("Range");
                self.columns(&node.columns);
                self.text(" from ");
                self.expr(start);
                self.text(" to ");
                self.expr(stop);
                self.text(" step ");
                self.expr(step);
            }
            Kind::Unit => self.text("Unit"),
            Kind::Shared { index } => {
                self.text(&format!("Shared {index}"));
                self.columns(&node.columns);
            }
            Kind::Filter { predicate, .. } => {
                self.text("Filter ");
                self.expr(predicate);
            }
            Kind::Project { expressions, .. } => {
                self.text("Project ");
                self.list(node.columns.iter().zip(expressions), |words, (column, value)| words.assigned(column, value));
            }
            Kind::Aggregate { keys, aggregates, .. } => self.aggregate(&node.columns, keys, aggregates),
            Kind::Sort { keys, limit, .. } => {
                self.text(if limit.is_some() { "Top " } else { "Sort " });
                if let Some(limit) = limit {
                    self.text(&format!("{limit} "));
                }
                self.text("by ");
                self.list(keys, Words::sort_key);
            }
            Kind::Limit { count, .. } => self.text(&format!("Limit {count}")),
            Kind::Join { left, right, kind, on } => {
                self.text(&format!("Join {} on ", join_kind(*kind)));
                self.list(on, |words, (left, right)| {
                    words.expr(left);
                    words.text(" == ");
                    words.expr(right);
                });
                self.renamed(node, left, right, *kind);
            }
            Kind::Union { .. } => {
                self.text("Union");
                self.columns(&node.columns);
            }
            Kind::Expand { arrays, index, limit, bag_arrays, .. } => {
                self.text("Expand ");
                self.list(arrays, Words::expand_column);
                if let Some(index) = index {
                    self.text(&format!(" index={}", name(index)));
                }
                if let Some(limit) = limit {
                    self.text(&format!(" limit={limit}"));
                }
                if *bag_arrays {
                    self.text(" bags=array");
                }
            }
            Kind::Parse { source, pattern, filter, .. } => self.parse(source, pattern, *filter),
            Kind::Window { functions, .. } => {
                self.text("Window ");
                self.list(functions, Words::window);
            }
            Kind::Series { keys, axis, defaults, non_empty, .. } => {
                self.text("Series");
                self.columns(&node.columns);
                self.series(*keys, axis, defaults, *non_empty);
            }
            Kind::Serialize { .. } => self.text("Serialize"),
            Kind::Sequence { sequence, .. } => self.sequence(sequence),
            Kind::TopNested { levels, definite, .. } => {
                self.text(if *definite { "TopHitters " } else { "TopNested " });
                self.list(levels, Words::top_nested_level);
                self.columns(&node.columns);
            }
            Kind::Plugin { call, .. } => {
                self.text(&format!("Evaluate {}", call.plugin.name));
                self.columns(&node.columns);
            }
            Kind::Materialized { index } => {
                self.text(&format!("Materialized {index}"));
                self.columns(&node.columns);
            }
            Kind::Graph(graph) => self.graph(graph),
        }
    }

    fn list<T>(&mut self, items: impl IntoIterator<Item = T>, mut f: impl FnMut(&mut Self, T)) {
        for (i, item) in items.into_iter().enumerate() {
            if i > 0 {
                self.text(", ");
            }
            f(self, item);
        }
    }

    fn columns(&mut self, columns: &[Column]) {
        self.text(" [");
        self.list(columns, |words, column| words.text(&typed(column)));
        self.text("]");
    }

    /// `name: type = value`, or only name and type where the column keeps its name.
    fn assigned(&mut self, column: &Column, value: &'a Expr) {
        self.text(&typed(column));
        if !matches!(value, Expr::Column(read) if read.name == column.name) {
            self.text(" = ");
            self.expr(value);
        }
    }

    fn aggregate(&mut self, columns: &[Column], keys: &'a [Expr], aggregates: &'a [AggregateCall]) {
        self.text("Aggregate ");
        self.list(aggregates, Words::aggregate_call);
        if !keys.is_empty() {
            self.text(if aggregates.is_empty() { "by " } else { " by " });
            self.list(columns.iter().zip(keys), |words, (column, key)| words.assigned(column, key));
        }
    }

    fn aggregate_call(&mut self, call: &'a AggregateCall) {
        self.list(&call.outputs, |words, column| words.text(&typed(column)));
        self.text(&format!(" = {}(", call.aggregate.name));
        self.list(&call.arguments, Words::expr);
        self.text(")");
        if let Some(filter) = &call.filter {
            self.text(" where ");
            self.expr(filter);
        }
    }

    fn sort_key(&mut self, key: &'a SortKey) {
        self.expr(&key.value);
        self.text(if key.ascending { " asc" } else { " desc" });
        self.text(if key.nulls_first { " nulls first" } else { " nulls last" });
    }

    /// Columns of a join that are called otherwise than in the side that they come from.
    fn renamed(&mut self, node: &Node, left: &Node, right: &Node, kind: JoinKind) {
        let sides: Vec<&Column> = match kind {
            JoinKind::LeftSemi | JoinKind::LeftAnti => left.columns.iter().collect(),
            JoinKind::RightSemi | JoinKind::RightAnti => right.columns.iter().collect(),
            _ => left.columns.iter().chain(&right.columns).collect(),
        };
        let renamed: Vec<_> = node.columns.iter().zip(sides).filter(|(to, from)| to.name != from.name).collect();
        if !renamed.is_empty() {
            self.text(" renaming ");
            self.list(renamed, |words, (to, from)| words.text(&format!("{} = {}", name(&to.name), name(&from.name))));
        }
    }

    fn expand_column(&mut self, column: &'a ExpandColumn) {
        self.text(&format!("{}: {} = ", name(&column.name), column.scalar_type));
        self.expr(&column.array);
        if let Some(replaced) = &column.replaces {
            self.text(&format!(" in place of {}", name(replaced)));
        }
    }

    fn parse(&mut self, source: &'a Expr, pattern: &ParsePattern, filter: bool) {
        self.text(if filter { "ParseWhere " } else { "Parse " });
        self.text(match pattern.mode {
            ParseMode::Simple => "kind=simple ",
            ParseMode::Relaxed => "kind=relaxed ",
            ParseMode::Regex => "kind=regex ",
        });
        if !pattern.flags.is_empty() {
            self.text(&format!("flags={} ", pattern.flags));
        }
        self.expr(source);
        self.text(" with");
        for part in &pattern.parts {
            self.text(" ");
            match part {
                ParsePart::Star => self.text("*"),
                ParsePart::Text(text) => self.text(&quoted(text)),
                ParsePart::Column(column) => self.text(&typed(column)),
            }
        }
    }

    fn window(&mut self, call: &'a WindowCall) {
        self.text(&format!("{} = {}(", typed(&call.output), window_name(call.function)));
        self.list(&call.arguments, Words::expr);
        self.text(")");
    }

    fn top_nested_level(&mut self, level: &'a TopNestedLevel) {
        if let Some(count) = level.count {
            self.text(&format!("{count} "));
        }
        self.text("of ");
        self.expr(&level.value);
        if let Some(others) = &level.others {
            self.text(&format!(" others={}", literal(others)));
        }
        self.text(" by ");
        self.expr(&level.measure);
        self.text(" where ");
        self.list(&level.aggregates, Words::aggregate_call);
        self.text(if level.ascending { " asc" } else { " desc" });
    }

    fn sequence(&mut self, sequence: &'a Sequence) {
        self.text("Sequence");
        if !sequence.partition.is_empty() {
            self.text(" by ");
            self.list(&sequence.partition, Words::expr);
        }
        if !sequence.declared.is_empty() {
            self.text(" declare ");
            self.list(&sequence.declared, |words, (column, value)| {
                words.text(&format!("{} = {}", typed(column), literal(value)));
            });
        }
        if let Some(id) = &sequence.match_id {
            self.text(&format!(" id={}", name(id)));
        }
        for (number, step) in sequence.steps.iter().enumerate() {
            self.text(&format!(" step {number} output={:?}: ", step.output).to_lowercase());
            self.expr(&step.condition);
            if !step.assignments.is_empty() {
                self.text(" => ");
                self.list(&step.assignments, |words, (column, value)| {
                    words.text(&format!("{} = ", name(column)));
                    words.expr(value);
                });
            }
        }
    }

    fn series(&mut self, keys: usize, axis: &'a SeriesAxis, defaults: &[Value], non_empty: bool) {
        self.text(&format!(" keys={keys}"));
        if let Some(from) = &axis.from {
            self.text(" from ");
            self.expr(from);
        }
        if let Some(to) = &axis.to {
            self.text(" to ");
            self.expr(to);
        }
        self.text(" step ");
        self.expr(&axis.step);
        self.text(" default ");
        self.list(defaults, |words, default| words.text(&literal(default)));
        if non_empty {
            self.text(" kind=nonempty");
        }
    }

    fn graph(&mut self, graph: &'a Graph) {
        self.text(&format!("Graph {} --> {}", name(&graph.source.name), name(&graph.target.name)));
        for (_, id) in &graph.nodes {
            self.text(&format!(" with nodes on {}", name(&id.name)));
        }
        if let Some(column) = &graph.partitioned_by {
            self.text(&format!(" partitioned-by {}", name(&column.name)));
        }
        for mark in &graph.components {
            let kind = if mark.strong { "strong" } else { "weak" };
            self.text(&format!(" marking {} {kind}", name(&mark.column.name)));
        }
        let pattern = &graph.pattern;
        self.text(match (&pattern.shortest, pattern.cycles) {
            (Some(Shortest { all: true, .. }), _) => " all shortest",
            (Some(Shortest { all: false, .. }), _) => " any shortest",
            (None, Cycles::All) => " cycles=all",
            (None, Cycles::None) => " cycles=none",
            (None, Cycles::UniqueEdges) => " cycles=unique_edges",
        });
        for (number, edge) in pattern.edges.iter().enumerate() {
            let range = edge.range.map(|(low, high)| format!("*{low}..{high}")).unwrap_or_default();
            let (left, right) = match edge.direction {
                Direction::Forward => ("-", "->"),
                Direction::Backward => ("<-", "-"),
                Direction::Either => ("-", "-"),
            };
            self.text(&format!(" (n{}){left}[e{number}{range}]{right}(n{})", edge.from, edge.to));
        }
        for (element, condition) in &pattern.conditions {
            self.text(&format!(" {} where ", element_name(*element)));
            self.expr(condition);
        }
        if let Some(filter) = &pattern.filter {
            self.text(" where ");
            self.expr(filter);
        }
        self.text(" project ");
        self.list(&graph.values, |words, value| {
            let fold = match value.fold {
                Fold::Single => "of",
                Fold::All => "all of",
                Fold::Any => "any of",
                Fold::Map => "map of",
            };
            words.text(&format!("{} = {fold} {} ", typed(&value.column), element_name(value.element)));
            words.expr(&value.value);
        });
    }
}

fn element_name(element: Element) -> String {
    match element {
        Element::Node(number) => format!("n{number}"),
        Element::Edge(number) => format!("e{number}"),
        Element::InnerNodes(number) => format!("inner_nodes(e{number})"),
    }
}

fn render(render: &Render) -> String {
    let mut out = format!(" render {}", render.chart);
    for (name, value) in &render.properties {
        let _ = write!(out, " {name}={}", quoted(value));
    }
    out
}

fn typed(column: &Column) -> String {
    format!("{}: {}", name(&column.name), column.scalar_type)
}

/// A name as KQL spells it; an internal one with a `$`.
fn name(name: &str) -> String {
    if let Some(internal) = name.strip_prefix(['\u{1}', '\u{2}']) {
        return format!("${internal}");
    }
    if is_identifier(name) { name.to_string() } else { format!("[{}]", quoted(name)) }
}

fn join_kind(kind: JoinKind) -> &'static str {
    match kind {
        JoinKind::InnerUnique => "kind=innerunique",
        JoinKind::Inner => "kind=inner",
        JoinKind::LeftOuter => "kind=leftouter",
        JoinKind::RightOuter => "kind=rightouter",
        JoinKind::FullOuter => "kind=fullouter",
        JoinKind::LeftSemi => "kind=leftsemi",
        JoinKind::LeftAnti => "kind=leftanti",
        JoinKind::RightSemi => "kind=rightsemi",
        JoinKind::RightAnti => "kind=rightanti",
    }
}

fn window_name(function: WindowFunction) -> &'static str {
    match function {
        WindowFunction::RowNumber => "row_number",
        WindowFunction::RowRankMin => "row_rank_min",
        WindowFunction::RowRankDense => "row_rank_dense",
        WindowFunction::RowCumsum => "row_cumsum",
        WindowFunction::RowWindowSession => "row_window_session",
        WindowFunction::Prev => "prev",
        WindowFunction::Next => "next",
    }
}

#[cfg(test)]
mod tests {
    use super::super::QueryResult;
    use super::*;
    use crate::plan::Comparison;
    use crate::types::ScalarType;

    fn long(name: &str) -> Column {
        Column::new(name, ScalarType::Long)
    }

    fn result(node: Node) -> Plan {
        let render = Render { chart: "piechart".into(), properties: vec![("title".into(), "T".into())] };
        let results = vec![QueryResult { name: "PrimaryResult".into(), node, render: Some(render) }];
        Plan { results, ..Plan::default() }
    }

    #[test]
    fn a_relation_is_a_line_and_its_inputs_stand_below() {
        let scan =
            Node { columns: vec![long("a"), long("b c")], serialized: false, kind: Kind::Scan { table: "T".into() } };
        let predicate = Expr::Compare {
            operator: Comparison::NotEqual,
            left: Box::new(Expr::Column(long("b c"))),
            right: Box::new(Expr::Literal(Value::Int(1))),
        };
        let columns = vec![long("a"), long("\u{1}sum1")];
        let filter = Node {
            columns: scan.columns.clone(),
            serialized: false,
            kind: Kind::Filter { input: Box::new(scan), predicate },
        };
        let expressions = vec![Expr::Column(long("a")), Expr::Literal(Value::Null(ScalarType::Long))];
        let project = Node { columns, serialized: false, kind: Kind::Project { input: Box::new(filter), expressions } };
        let expected = "PrimaryResult render piechart title=\"T\":\n  \
                        Project a: long, $sum1: long = long(null)\n    \
                        Filter ([\"b c\"] != int(1))\n      \
                        Scan T [a: long, [\"b c\"]: long]\n";
        assert_eq!(print(&result(project)), expected);
    }

    #[test]
    fn shared_subplans_come_first_and_subqueries_have_names() {
        let unit = || Node { columns: Vec::new(), serialized: false, kind: Kind::Unit };
        let query = || Box::new(Node { columns: vec![long("a")], serialized: false, kind: Kind::Shared { index: 0 } });
        let value = || Expr::ScalarQuery { query: query(), returns: ScalarType::Long };
        let within = Expr::InQuery { value: Box::new(value()), query: query(), fold_case: true, negated: true };
        let node = Node {
            columns: Vec::new(),
            serialized: false,
            kind: Kind::Filter { input: Box::new(unit()), predicate: within },
        };
        let mut plan = result(node);
        plan.results[0].render = None;
        plan.shared.push(unit());
        let expected = "shared 0:\n  Unit\nPrimaryResult:\n  \
                        Filter (toscalar($query0) !in~ ($query1))\n    \
                        $query0:\n      Shared 0 [a: long]\n    \
                        $query1:\n      Shared 0 [a: long]\n    Unit\n";
        assert_eq!(print(&plan), expected);
    }
}
