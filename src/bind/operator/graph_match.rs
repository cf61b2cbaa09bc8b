//! `graph-match` and `graph-shortest-paths`: a pattern, what must hold of its elements, and what is told of them.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::super::name::Mode;
use super::super::pattern::{Clause, Named, Pattern as Here, Shape};
use super::super::scope::{Context, Scope};
use super::super::{Binder, Table};
use super::graph::Graph;
use super::project::items;
use super::word;
use crate::diagnostic::Span;
use crate::plan::Expr;
use crate::plan::graph::{Cycles, Direction, Element, Fold, Pattern, PatternEdge, PatternValue, Shortest};
use crate::syntax::ast::{self, EdgeDirection, GraphElement, GraphMatch};
use crate::types::{ScalarType, Value};

/// Edges that one path may have at most: more than anybody writes (1000 is accepted, measured), fewer than memory holds.
const LONGEST: usize = 1_000_000;

impl Binder<'_> {
    pub(super) fn graph_match(
        &mut self,
        search: &GraphMatch,
        shortest: bool,
        keyword: Span,
        graph: &Graph,
        scope: &Rc<Scope>,
    ) -> Table {
        let mut elements = Elements::default();
        self.elements(&search.patterns, &mut elements, scope);
        let pattern = self.checked_pattern(search, shortest, keyword, &elements);
        let shape = Shape {
            elements: elements.named,
            edges: graph.edge_columns().to_vec(),
            nodes: graph.node_columns(),
            id: graph.source.scalar_type,
            vanished: graph.vanished.clone(),
        };
        let values = RefCell::new(Vec::new());
        let here = |clause| Context {
            pattern: Some(Here { shape: &shape, values: &values, clause }),
            ..Context::rowless(scope)
        };
        let condition =
            search.predicate.as_ref().map(|predicate| self.match_condition(predicate, &here(Clause::Where)));
        if search.project.is_empty() {
            self.refuse("AQ072", keyword, "a pattern needs `project`: what of its matches to tell");
        }
        let cx = here(Clause::Project);
        let listed = self.listed(&search.project, &cx, Mode::Project);
        let names = self.unique_names(&items(&listed), &[], Mode::Project);
        let values = values.into_inner();
        let Some(mut pattern) = pattern else { return Binder::nothing() };
        if let Some(condition) = condition {
            let span = search.predicate.as_ref().map_or(keyword, |predicate| predicate.span);
            self.part(condition, &values, &mut pattern, span);
        }
        Table::new(self.combine(graph.searched(pattern, values), names, listed))
    }

    /// Binds what stands behind `where`: a bool, and nothing else.
    fn match_condition(&mut self, predicate: &ast::Expr, cx: &Context) -> Expr {
        let scalar = self.scalar(predicate, cx);
        match scalar.scalar_type {
            Some(ScalarType::Bool) => scalar.expr,
            None => Expr::Literal(Value::Bool(true)),
            Some(other) => {
                let message = format!("a condition is of type bool, and this is of type {other}");
                self.error("KS141", predicate.span, message);
                Expr::Literal(Value::Bool(true))
            }
        }
    }

    /// Reads the elements: nodes that have one name are one.
    fn elements(&mut self, sequences: &[Vec<GraphElement>], elements: &mut Elements, scope: &Rc<Scope>) {
        for sequence in sequences {
            let mut last: Option<usize> = None;
            let mut open: Option<(usize, Span)> = None;
            for element in sequence {
                match element {
                    GraphElement::Node { span, name } => {
                        let node = self.node_element(name.as_ref(), elements);
                        match open.take() {
                            Some((edge, _)) => elements.edges[edge].ends.1 = Some(node),
                            None if last.is_some() => {
                                self.error("KS239", *span, "an edge stands between two nodes");
                                elements.broken = true;
                            }
                            None => {}
                        }
                        last = Some(node);
                        elements.last = Some(node);
                        elements.first.get_or_insert(node);
                    }
                    GraphElement::Edge { span, name, direction, range } => {
                        if open.is_some() || last.is_none() {
                            self.error("KS239", *span, "a node stands at each end of an edge");
                            elements.broken = true;
                            continue;
                        }
                        let range =
                            range.as_ref().and_then(|(low, high)| self.range_of_path(low, high, elements, scope));
                        let edge = elements.edges.len();
                        elements.edges.push(EdgeHere { ends: (last, None), direction: *direction, range });
                        open = Some((edge, *span));
                        if let Some(name) = name {
                            let named =
                                Named { name: name.text.clone(), element: Element::Edge(edge), path: range.is_some() };
                            self.declare_element(named, name.span, elements);
                        }
                    }
                }
            }
            if let Some((_, span)) = open {
                self.error("KS238", span, "a node is missing behind this edge");
                elements.broken = true;
            }
        }
    }

    fn node_element(&mut self, name: Option<&ast::Name>, elements: &mut Elements) -> usize {
        if let Some(name) = name
            && let Some(Named { element: Element::Node(number), .. }) =
                elements.named.iter().find(|named| named.name == name.text && matches!(named.element, Element::Node(_)))
        {
            return *number;
        }
        let number = elements.nodes;
        elements.nodes += 1;
        if let Some(name) = name {
            let named = Named { name: name.text.clone(), element: Element::Node(number), path: false };
            self.declare_element(named, name.span, elements);
        }
        number
    }

    fn declare_element(&mut self, named: Named, span: Span, elements: &mut Elements) {
        if elements.named.iter().any(|other| other.name == named.name) {
            self.unsupported(span, format_args!("another element of the name `{}`", named.name));
            elements.broken = true;
        }
        elements.named.push(named);
    }

    /// Reads `low..high`: constants (measured: SEM1013).
    fn range_of_path(
        &mut self,
        low: &ast::Expr,
        high: &ast::Expr,
        elements: &mut Elements,
        scope: &Rc<Scope>,
    ) -> Option<(usize, usize)> {
        let mut bound = |expr: &ast::Expr| {
            let scalar = self.scalar(expr, &Context::rowless(scope));
            let value = match self.constant(&scalar) {
                Some(Value::Long(n)) => usize::try_from(n).ok(),
                Some(Value::Int(n)) => usize::try_from(n).ok(),
                _ => None,
            };
            if value.is_none() && scalar.scalar_type.is_some() {
                self.refuse("AQ072", expr.span, "the number of edges is a constant from 0 on");
            }
            value
        };
        let (from, to) = (bound(low), bound(high));
        let (Some(from), Some(to)) = (from, to) else {
            elements.broken = true;
            return Some((1, 1));
        };
        if from > to || to > LONGEST {
            let message = format!("a path has from {from} to {to} edges here: at least the first, at most {LONGEST}");
            self.refuse("AQ072", low.span.to(high.span), message);
            elements.broken = true;
        }
        Some((from, to))
    }

    /// Makes the pattern that is searched for; None where it has no meaning.
    fn checked_pattern(
        &mut self,
        search: &GraphMatch,
        shortest: bool,
        keyword: Span,
        elements: &Elements,
    ) -> Option<Pattern> {
        let cycles = self.cycles(search, shortest);
        let all = self.all_shortest(search, shortest);
        if elements.broken {
            return None;
        }
        let mut edges = Vec::new();
        for edge in &elements.edges {
            let (Some(first), Some(second)) = edge.ends else { return None };
            let direction = match edge.direction {
                EdgeDirection::Right => Direction::Forward,
                EdgeDirection::Left => Direction::Backward,
                EdgeDirection::Any => Direction::Either,
            };
            edges.push(PatternEdge { from: first, to: second, direction, range: edge.range });
        }
        if !is_connected(elements.nodes, &edges) {
            // Measured: SEM1011.
            self.refuse("AQ072", keyword, "the parts of a pattern must hang together: let them share a node");
            return None;
        }
        let distinct = shortest || cycles == Cycles::None;
        if distinct && edges.len() >= elements.nodes {
            self.unsupported(keyword, "a pattern that closes a circle where no node may come twice");
        }
        if cycles == Cycles::None && !shortest && edges.iter().any(|edge| edge.range.is_some_and(|(low, _)| low == 0)) {
            self.unsupported(keyword, "a path without edges where no node may come twice");
        }
        let mut ends = None;
        if shortest {
            if search.patterns.len() > 1 {
                self.refuse("AQ072", keyword, "the pattern of `graph-shortest-paths` is one sequence");
            }
            match edges.iter().filter(|edge| edge.range.is_some()).count() {
                0 => self.refuse("AQ072", keyword, "`graph-shortest-paths` needs an edge with a range: `-[e*1..5]->`"),
                1 => {}
                _ => self.unsupported(keyword, "several edges with ranges in `graph-shortest-paths`"),
            }
            ends = Some(Shortest { first: elements.first?, last: elements.last?, all });
        }
        let cycles = if shortest { Cycles::None } else { cycles };
        let nodes = elements.nodes;
        Some(Pattern { nodes, edges, cycles, shortest: ends, conditions: Vec::new(), filter: None })
    }

    fn cycles(&mut self, search: &GraphMatch, shortest: bool) -> Cycles {
        match word(&search.parameters, "cycles") {
            None if shortest => Cycles::None,
            None | Some(("unique_edges", _)) => Cycles::UniqueEdges,
            Some(("all", _)) => Cycles::All,
            Some(("none", _)) => Cycles::None,
            Some((other, span)) => {
                self.refuse("AQ072", span, format!("cycles are all, none or unique_edges, not `{other}`"));
                Cycles::UniqueEdges
            }
        }
    }

    fn all_shortest(&mut self, search: &GraphMatch, shortest: bool) -> bool {
        match word(&search.parameters, "output") {
            Some(("all", _)) if shortest => true,
            None | Some(("any", _)) => false,
            Some((other, span)) => {
                self.refuse("AQ072", span, format!("the output is any or all, not `{other}`"));
                false
            }
        }
    }

    /// Parts a condition into what single elements must fulfil, by which the search is led, and the rest.
    fn part(&mut self, condition: Expr, values: &[PatternValue], pattern: &mut Pattern, span: Span) {
        let values: HashMap<&str, &PatternValue> = values.iter().map(|v| (v.column.name.as_str(), v)).collect();
        let mut conjuncts = Vec::new();
        split(condition, &mut conjuncts);
        let mut rest = Vec::new();
        for mut conjunct in conjuncts {
            let read = read_by(&conjunct, &values);
            let paths: HashSet<Place> = read.iter().map(|value| Place::of(value.element)).collect();
            if pattern.shortest.is_some() && paths.len() > 1 {
                // Measured: CRT0001.
                let message = "a condition of `graph-shortest-paths` reads one element of the pattern";
                self.refuse("AQ074", span, message);
            }
            if is_volatile(&conjunct) {
                rest.push(conjunct);
                continue;
            }
            if let Expr::Column(column) = &conjunct
                && let Some(value) = values.get(column.name.as_str())
                && value.fold == Fold::All
            {
                pattern.conditions.push((value.element, value.value.clone()));
                continue;
            }
            match &read[..] {
                [first, others @ ..]
                    if first.fold == Fold::Single
                        && others.iter().all(|v| v.fold == Fold::Single && v.element == first.element) =>
                {
                    let element = first.element;
                    substitute(&mut conjunct, &values);
                    pattern.conditions.push((element, conjunct));
                }
                _ => rest.push(conjunct),
            }
        }
        pattern.filter = match rest.len() {
            0 => None,
            1 => rest.pop(),
            _ => Some(Expr::And(rest)),
        };
    }
}

/// What the sequences of a pattern are made of.
#[derive(Debug, Default)]
struct Elements {
    named: Vec<Named>,
    nodes: usize,
    edges: Vec<EdgeHere>,
    first: Option<usize>,
    last: Option<usize>,
    /// A mistake was told: there is nothing to search for.
    broken: bool,
}

#[derive(Debug)]
struct EdgeHere {
    /// In the order of the text.
    ends: (Option<usize>, Option<usize>),
    direction: EdgeDirection,
    range: Option<(usize, usize)>,
}

/// What a condition may be about: a path and its inner nodes are one thing.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Place {
    Node(usize),
    Edge(usize),
}

impl Place {
    fn of(element: Element) -> Self {
        match element {
            Element::Node(number) => Place::Node(number),
            Element::Edge(number) | Element::InnerNodes(number) => Place::Edge(number),
        }
    }
}

fn is_connected(nodes: usize, edges: &[PatternEdge]) -> bool {
    let mut reached = vec![false; nodes];
    let mut open = vec![0];
    while let Some(node) = open.pop() {
        if reached.get(node).is_none_or(|reached| *reached) {
            continue;
        }
        reached[node] = true;
        for edge in edges {
            match node {
                _ if edge.from == node => open.push(edge.to),
                _ if edge.to == node => open.push(edge.from),
                _ => {}
            }
        }
    }
    reached.into_iter().all(|reached| reached)
}

fn split(condition: Expr, out: &mut Vec<Expr>) {
    match condition {
        Expr::And(operands) => operands.into_iter().for_each(|operand| split(operand, out)),
        other => out.push(other),
    }
}

/// Returns the values that a condition reads.
fn read_by<'a>(condition: &Expr, values: &HashMap<&str, &'a PatternValue>) -> Vec<&'a PatternValue> {
    let mut names = HashSet::new();
    condition.columns_read(&mut names);
    let mut read: Vec<&PatternValue> = names.into_iter().filter_map(|name| values.get(name).copied()).collect();
    read.sort_by(|a, b| a.column.name.cmp(&b.column.name));
    read
}

/// Puts what values are computed of in their places.
fn substitute(expr: &mut Expr, values: &HashMap<&str, &PatternValue>) {
    if let Expr::Column(column) = expr {
        if let Some(value) = values.get(column.name.as_str()) {
            *expr = value.value.clone();
        }
        return;
    }
    expr.for_each_operand_mut(&mut |operand| substitute(operand, values));
}

fn is_volatile(expr: &Expr) -> bool {
    let mut found = matches!(expr, Expr::Call { function, .. } if function.is_volatile());
    expr.for_each_operand(&mut |operand| found = found || is_volatile(operand));
    found
}
