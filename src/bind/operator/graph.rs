//! `make-graph`, and the operators that mark a graph or make a table of it.
//!
//! A graph is no relation: it is carried along with a table that has no columns, until an operator looks for something
//! in it. Only then there is a node of the plan.

use std::rc::Rc;

use super::super::scope::Scope;
use super::super::{Binder, Table};
use super::{projection, word};
use crate::diagnostic::Span;
use crate::plan::graph::{
    Components, Cycles, Direction, Element, Fold, Graph as Plan, NODE_GRAPH, Pattern, PatternEdge, PatternValue,
    Property, WithoutRow,
};
use crate::plan::{Expr, Kind, Node};
use crate::syntax::ast::{self, ExprKind, GraphOutput, MakeGraph, Operator, OperatorKind, OperatorParameter};
use crate::types::{Column, ScalarType};

/// A graph between operators.
#[derive(Debug, Clone)]
pub(in crate::bind) struct Graph {
    edges: Node,
    pub(super) source: Column,
    target: Column,
    nodes: Vec<(Node, Column)>,
    properties: Vec<Property>,
    /// Properties that two tables have with different types: nobody sees them (measured).
    pub(super) vanished: Vec<String>,
    components: Vec<Components>,
    partitioned_by: Option<Column>,
    /// What a search tells besides, of graphs that are parted: the number of the graph.
    part: Option<Column>,
}

impl Graph {
    pub(super) fn edge_columns(&self) -> &[Column] {
        &self.edges.columns
    }

    /// Returns the properties of nodes.
    pub(super) fn node_columns(&self) -> Vec<Column> {
        let marks = self.components.iter().map(|mark| &mark.column);
        self.properties.iter().map(|property| &property.column).chain(marks).cloned().collect()
    }

    /// Makes the relation of a pattern's matches.
    pub(super) fn searched(&self, pattern: Pattern, mut values: Vec<PatternValue>) -> Node {
        if values.is_empty() {
            // Rows are counted, which takes a column.
            let value = Expr::Literal(crate::types::Value::Bool(true));
            let column = Column::new("\u{1}match", ScalarType::Bool);
            values.push(PatternValue { column, element: Element::Node(0), fold: Fold::Single, value });
        }
        values.extend(self.part.iter().map(|part| PatternValue {
            column: part.clone(),
            element: Element::Node(0),
            fold: Fold::Single,
            value: Expr::Column(Column::new(NODE_GRAPH, ScalarType::Long)),
        }));
        let columns = values.iter().map(|value| value.column.clone()).collect();
        let graph = Plan {
            edges: self.edges.clone(),
            source: self.source.clone(),
            target: self.target.clone(),
            nodes: self.nodes.clone(),
            properties: self.properties.clone(),
            components: self.components.clone(),
            partitioned_by: self.partitioned_by.clone(),
            pattern,
            values,
        };
        Node { columns, serialized: false, kind: Kind::Graph(Box::new(graph)) }
    }
}

/// Tells whether an operator takes a graph.
pub(super) fn takes_graph(kind: &OperatorKind) -> bool {
    matches!(
        kind,
        OperatorKind::GraphMatch(_)
            | OperatorKind::GraphShortestPaths(_)
            | OperatorKind::GraphToTable { .. }
            | OperatorKind::GraphMarkComponents { .. }
            | OperatorKind::GraphWhere { .. }
    )
}

/// Tells whether it makes no difference to an operator which graph a row comes from.
fn is_row_by_row(kind: &OperatorKind) -> bool {
    matches!(
        kind,
        OperatorKind::Where { .. }
            | OperatorKind::Extend { .. }
            | OperatorKind::Project { .. }
            | OperatorKind::ProjectAway { .. }
            | OperatorKind::ProjectKeep { .. }
            | OperatorKind::ProjectRename { .. }
            | OperatorKind::ProjectReorder { .. }
            | OperatorKind::MvExpand { .. }
            | OperatorKind::Error
    )
}

/// Makes what is computed of a search pass on a column that the search tells.
fn passing_on(node: Node, column: &Column) -> Node {
    match node.kind {
        Kind::Project { input, mut expressions } => {
            let mut columns = node.columns;
            columns.push(column.clone());
            expressions.push(Expr::Column(column.clone()));
            projection(passing_on(*input, column), columns, expressions)
        }
        kind => {
            let mut columns = node.columns;
            if !columns.contains(column) {
                columns.push(column.clone());
            }
            Node { columns, serialized: node.serialized, kind }
        }
    }
}

impl Binder<'_> {
    /// Says that a graph stands where a relation belongs (measured: SEM0104).
    pub(in crate::bind) fn only_a_graph(&mut self, span: Span) -> Table {
        self.refuse("AQ070", span, "a graph is no table: look for something in it with graph-match or graph-to-table");
        Binder::nothing()
    }

    pub(super) fn graph_operator(&mut self, operator: &Operator, input: Table, scope: &Rc<Scope>) -> Table {
        let keyword = operator.keyword.span;
        let Some(graph) = &input.graph else {
            if !input.open {
                self.refuse(
                    "AQ070",
                    keyword,
                    format!("`{}` takes a graph: make one with make-graph", operator.keyword.text),
                );
            }
            return Binder::nothing();
        };
        match &operator.kind {
            OperatorKind::GraphMatch(search) => self.graph_match(search, false, keyword, graph, scope),
            OperatorKind::GraphShortestPaths(search) => self.graph_match(search, true, keyword, graph, scope),
            OperatorKind::GraphMarkComponents { parameters } => self.mark_components(parameters, keyword, graph),
            OperatorKind::GraphToTable { outputs } => match &outputs[..] {
                [output] => {
                    let table = self.graph_table(output, graph, keyword);
                    if let Some(name) = &output.as_name {
                        scope.declare(&name.text, super::super::scope::Binding::Table(Rc::new(table.clone())));
                    }
                    table
                }
                _ => {
                    self.unsupported(keyword, "several tables of a graph within a query");
                    Binder::nothing()
                }
            },
            _ => {
                self.unsupported(keyword, format_args!("the operator `{}`", operator.keyword.text));
                Binder::nothing()
            }
        }
    }

    pub(super) fn make_graph(&mut self, make: &MakeGraph, input: Table, scope: &Rc<Scope>) -> Table {
        let source = self.graph_column(&make.source, &input);
        let target = self.graph_column(&make.target, &input);
        let mut nodes = Vec::new();
        for (table, id) in &make.nodes {
            let bound = self.table(table, scope).shown();
            let id_column = self.graph_column(id, &bound);
            if bound.open && id_column.is_some() {
                self.refuse("AQ002", table.span, "the columns of this table are known only when the data are");
            }
            nodes.extend(id_column.map(|column| (bound, column, id.span)));
        }
        if !make.directed {
            self.unsupported(make.source.span.to(make.target.span), "`--` between the columns of `make-graph`");
        }
        let partition = make.partitioned_by.as_ref().and_then(|(column, _)| self.graph_column(column, &input));
        let (Some(source), Some(target)) = (source, target) else { return Binder::nothing() };
        if nodes.len() < make.nodes.len() || make.partitioned_by.is_some() && partition.is_none() {
            return Binder::nothing();
        }
        let mut ids: Vec<(&Column, Span)> = vec![(&source, make.source.span), (&target, make.target.span)];
        ids.extend(nodes.iter().map(|(_, column, span)| (column, *span)));
        self.check_ids(&ids);
        if input.open {
            self.refuse("AQ002", make.source.span, "the columns of this table are known only when the data are");
        }
        if nodes.len() > 2 {
            self.unsupported(make.nodes[2].1.span, "a third table of nodes");
        }
        if let (Some(name), false) = (&make.node_id, nodes.is_empty()) {
            self.unsupported(name.span, "`with_node_id` besides tables of nodes");
        }
        if let Some((column, _)) = &make.partitioned_by {
            for (table, _, span) in &nodes {
                let found = table.node.columns.iter().find(|c| c.name == column.text);
                if found.map(|c| c.scalar_type) != partition.as_ref().map(|c| c.scalar_type) {
                    let message = format!("this table of nodes lacks the column `{}` of the edges", column.text);
                    self.refuse("AQ071", *span, message);
                }
            }
        }
        let nodes: Vec<(Node, Column)> = nodes.into_iter().map(|(table, id, _)| (table.node, id)).collect();
        let (properties, vanished) = properties(&nodes, make.node_id.as_ref(), &source);
        let graph = Graph {
            edges: input.node,
            source,
            target,
            nodes,
            properties,
            vanished,
            components: Vec::new(),
            partitioned_by: partition,
            part: None,
        };
        let table = Table { graph: Some(Rc::new(graph)), ..Binder::nothing() };
        match &make.partitioned_by {
            Some((_, operators)) => self.in_partitions(operators, table, scope),
            None => table,
        }
    }

    /// Finds a column that `make-graph` names.
    fn graph_column(&mut self, name: &ast::Name, table: &Table) -> Option<Column> {
        if table.graph.is_some() {
            self.only_a_graph(name.span);
            return None;
        }
        if let Some(column) = table.node.columns.iter().find(|c| c.name == name.text) {
            return Some(column.clone());
        }
        if table.open {
            let message = format!("whether `{}` is a column is known only when the data are", name.text);
            self.refuse("AQ002", name.span, message);
        } else {
            let near = crate::diagnostic::nearest(&name.text, table.node.columns.iter().map(|c| c.name.as_str()));
            let problem = crate::diagnostic::Diagnostic::error(
                "KS142",
                name.span,
                format!("there is no column or variable `{}`", name.text),
            );
            self.problem(match near {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem,
            });
        }
        None
    }

    /// Identities have one type, which is not dynamic (measured: SEM1019, SEM1079, SEM1006).
    fn check_ids(&mut self, ids: &[(&Column, Span)]) {
        for (column, span) in ids {
            if column.scalar_type == ScalarType::Dynamic {
                self.error("KS240", *span, "an id can't be of type dynamic: convert it with tostring()");
                return;
            }
        }
        let first = ids[0].0.scalar_type;
        for (column, span) in &ids[1..] {
            if column.scalar_type != first {
                let message =
                    format!("this id is of type {}, and that of the source is of type {first}", column.scalar_type);
                self.refuse("AQ071", *span, message);
            }
        }
    }

    /// Binds what stands within `partitioned-by column ( ... )`: it is done for each graph by itself.
    fn in_partitions(&mut self, operators: &[Operator], graph: Table, scope: &Rc<Scope>) -> Table {
        let (of_graph, of_rows) = operators.split_at(operators.iter().take_while(|o| takes_graph(&o.kind)).count());
        let part = of_rows.iter().any(|operator| !is_row_by_row(&operator.kind)).then(|| self.fresh("graph"));
        let part = part.map(|name| Column::new(name, ScalarType::Long));
        let mut table = graph;
        if let (Some(part), Some(graph)) = (&part, &table.graph) {
            table.graph = Some(Rc::new(Graph { part: Some(part.clone()), ..Graph::clone(graph) }));
        }
        for operator in of_graph {
            table = self.operator(operator, table, scope);
        }
        if table.graph.is_some() {
            let span = operators.last().map_or(Span::default(), |operator| operator.span);
            return self.only_a_graph(span);
        }
        if let (Some(part), Some(first)) = (part, of_rows.first()) {
            table.node.columns.retain(|column| *column != part);
            let rows = passing_on(table.node.clone(), &part);
            return self.in_parts(of_rows, table, rows, part, first.span, scope);
        }
        for operator in of_rows {
            table = self.operator(operator, table, scope);
        }
        table
    }

    fn mark_components(&mut self, parameters: &[OperatorParameter], keyword: Span, graph: &Graph) -> Table {
        let strong = match word(parameters, "kind") {
            Some(("strong", _)) => true,
            Some(("weak", _)) | None => false,
            Some((other, span)) => {
                self.error("KS005", span, format!("components are weak or strong, not `{other}`"));
                false
            }
        };
        let (name, span) = word(parameters, "with_component_id").unwrap_or(("ComponentId", keyword));
        if graph.node_columns().iter().any(|c| c.name == name) {
            self.unsupported(span, format_args!("a component's id in place of the property `{name}`"));
        }
        let mut graph = graph.clone();
        graph.properties.retain(|property| property.column.name != name);
        graph.components.push(Components { strong, column: Column::new(name, ScalarType::Long) });
        Table { graph: Some(Rc::new(graph)), ..Binder::nothing() }
    }

    /// Binds one output of `graph-to-table`: the pattern of a single node, or of a single edge.
    fn graph_table(&mut self, output: &GraphOutput, graph: &Graph, keyword: Span) -> Table {
        let own: &[&str] = if output.edges { &["with_source_id", "with_target_id"] } else { &["with_node_id"] };
        for parameter in &output.parameters {
            if !own.contains(&parameter.name.text.as_str()) {
                let what = if output.edges { "edges" } else { "nodes" };
                let message = format!("`{what}` takes {}, not `{}`", own.join(" and "), parameter.name.text);
                self.error("KS005", parameter.name.span, message);
            }
        }
        let mut values: Vec<PatternValue> = Vec::new();
        let id = graph.source.scalar_type;
        for (number, parameter) in own.iter().enumerate() {
            if let Some((name, span)) = word(&output.parameters, parameter) {
                let hash = self.node_hash(id, span);
                let column = Column::new(name, ScalarType::Long);
                values.push(PatternValue {
                    column,
                    element: Element::Node(number),
                    fold: Fold::Single,
                    value: hash.expr,
                });
            }
        }
        let (element, columns) = match output.edges {
            true => (Element::Edge(0), graph.edges.columns.clone()),
            false => (Element::Node(0), graph.node_columns()),
        };
        for column in columns {
            if values.iter().any(|value| value.column.name == column.name) {
                self.unsupported(keyword, format_args!("an id in place of the column `{}`", column.name));
                continue;
            }
            let value = Expr::Column(column.clone());
            values.push(PatternValue { column, element, fold: Fold::Single, value });
        }
        if values.is_empty() {
            self.unsupported(keyword, "a table of nodes that have no properties");
        }
        let edges = match output.edges {
            true => vec![PatternEdge { from: 0, to: 1, direction: Direction::Forward, range: None }],
            false => Vec::new(),
        };
        let pattern = Pattern {
            nodes: edges.len() + 1,
            edges,
            cycles: Cycles::All,
            shortest: None,
            conditions: Vec::new(),
            filter: None,
        };
        let table = Table::new(graph.searched(pattern, values));
        match &output.as_name {
            Some(name) => Table { label: Some(name.text.clone()), named: true, ..table },
            None => table,
        }
    }

    /// Binds a statement that ends with `graph-to-table nodes as N, edges as E`: both tables, with their names.
    pub(in crate::bind) fn graph_tables(
        &mut self,
        expr: &ast::Expr,
        scope: &Rc<Scope>,
    ) -> Option<Vec<(String, Table)>> {
        let ExprKind::Pipeline { source, operators } = &expr.kind else { return None };
        let (last, before) = operators.split_last()?;
        let OperatorKind::GraphToTable { outputs } = &last.kind else { return None };
        if outputs.iter().all(|output| output.as_name.is_none()) && outputs.len() < 2 {
            return None;
        }
        let scope = Scope::child(scope);
        let mut table = self.table_or_graph(source, &scope);
        for operator in before {
            table = self.operator(operator, table, &scope);
        }
        let Some(graph) = &table.graph else {
            self.graph_operator(last, table, &scope);
            return None;
        };
        let mut tables: Vec<(String, Table)> = Vec::new();
        for output in outputs {
            let Some(name) = &output.as_name else {
                self.error("KS273", last.keyword.span, "each of several tables of a graph needs a name: `nodes as N`");
                continue;
            };
            if tables.iter().any(|(other, _)| *other == name.text) {
                self.unsupported(name.span, "two tables of a graph with one name");
            }
            tables.push((name.text.clone(), self.graph_table(output, graph, last.keyword.span)));
        }
        Some(tables)
    }
}

/// Returns what nodes have, and which names vanish because two tables mean different types by them.
fn properties(nodes: &[(Node, Column)], node_id: Option<&ast::Name>, source: &Column) -> (Vec<Property>, Vec<String>) {
    if let Some(name) = node_id {
        let column = Column::new(&name.text, source.scalar_type);
        return (vec![Property { column, without_row: WithoutRow::Identity }], Vec::new());
    }
    let one_id = nodes.windows(2).all(|pair| pair[0].1.name == pair[1].1.name);
    let mut properties: Vec<Property> = Vec::new();
    let mut vanished: Vec<String> = Vec::new();
    for (node, _) in nodes {
        for column in &node.columns {
            match properties.iter().find(|p| p.column.name == column.name) {
                Some(other) if other.column.scalar_type != column.scalar_type => vanished.push(column.name.clone()),
                Some(_) => {}
                None => {
                    let is_id = nodes.iter().any(|(_, id)| id.name == column.name);
                    let without_row = match (is_id, one_id) {
                        (false, _) => WithoutRow::Nothing,
                        (true, true) => WithoutRow::Identity,
                        (true, false) => WithoutRow::Unsettled,
                    };
                    properties.push(Property { column: column.clone(), without_row });
                }
            }
        }
    }
    properties.retain(|property| !vanished.contains(&property.column.name));
    (properties, vanished)
}

#[cfg(test)]
mod tests {
    use crate::bind::{Bound, Options, bind};
    use crate::catalog::Catalog;
    use crate::syntax::parse;

    fn bound(after: &str) -> Bound {
        let text = format!("datatable(s:string, t:string, w:long)[] | make-graph s --> t with_node_id=n {after}");
        bind(&parse(&text).query, &Catalog::standard(), &Options::default())
    }

    /// The columns of each result.
    fn results(after: &str) -> Vec<String> {
        let bound = bound(after);
        let plan = bound.plan.unwrap_or_else(|| panic!("{after}: {:?} {:?}", bound.problems, bound.refusals));
        let names =
            |columns: &[crate::types::Column]| columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>().join(" ");
        plan.results.iter().map(|result| names(&result.node.columns)).collect()
    }

    #[test]
    fn tables_of_a_graph_are_results_unless_a_statement_tells_what_of_them() {
        let both = "| graph-to-table nodes as N with_node_id=h, edges as E";
        assert_eq!(results(both), ["h n", "s t w"]);
        assert_eq!(results(&format!("{both}; E | count; N")), ["Count", "h n"]);
        assert_eq!(results("| graph-to-table edges as E with_target_id=h | project h"), ["h"]);
    }

    #[test]
    fn graphs_that_are_stored_elsewhere_are_refused_by_name() {
        let text = "graph('G') | graph-match (a)-->(b) project a.x";
        let bound = bind(&parse(text).query, &Catalog::standard(), &Options::default());
        assert_eq!((bound.problems, bound.refusals.len()), (Vec::new(), 1));
        assert!(bound.refusals[0].message.contains("graph"), "{:?}", bound.refusals);
    }

    #[test]
    fn filters_of_nodes_and_edges_are_refused_by_name() {
        let bound = bound("| graph-where-nodes n == '' | graph-to-table nodes");
        assert!(bound.refusals[0].message.contains("graph-where-nodes"), "{:?}", bound.refusals);
    }
}
