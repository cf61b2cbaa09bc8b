//! Walks over a graph, from node to node along the edges of a pattern, and stops at each match.
//!
//! The walk is a stack of steps, each of which goes on to its next possibility when it is asked again: there is no
//! recursion, and nothing is held but one match.

use super::MOST_STEPS;
use super::store::Store;
use crate::engine::operator::OperatorError;
use crate::plan::graph::{Cycles, Direction, Pattern};

/// What single elements must fulfil; None where all do.
pub(super) struct Conditions {
    pub nodes: Vec<Option<Vec<bool>>>,
    pub edges: Vec<Option<Vec<bool>>>,
    pub inner: Vec<Option<Vec<bool>>>,
}

/// Tells whether an element fulfils a condition.
pub(super) fn holds(condition: &Option<Vec<bool>>, element: u32) -> bool {
    condition.as_ref().is_none_or(|holds| holds[element as usize])
}

/// One match: elements by number.
#[derive(Debug, Default)]
pub(super) struct Match {
    /// For each node of the pattern.
    pub nodes: Vec<u32>,
    /// For each edge of the pattern the edges in the order of the text, and the nodes between them.
    pub edges: Vec<Vec<u32>>,
    pub inner: Vec<Vec<u32>>,
}

/// One step of a walk.
#[derive(Debug)]
enum Step {
    Start {
        node: usize,
        candidates: Vec<u32>,
        next: usize,
    },
    /// Along an edge of the pattern, from a node that is known.
    Along(Along),
}

#[derive(Debug)]
struct Along {
    edge: usize,
    from: usize,
    to: usize,
    /// From the second node of the pattern's edge to the first.
    reverse: bool,
    way: Way,
    /// The end is known too: the edge closes a circle.
    closes: bool,
    least: usize,
    most: usize,
    /// How many edges it is at least from a node to where the path may end.
    distance: Option<Vec<u32>>,
    begun: bool,
    edges: Vec<u32>,
    /// Behind each edge.
    nodes: Vec<u32>,
    /// For each node of the path, the first one included, the next neighbour.
    next: Vec<usize>,
}

pub(super) struct Search {
    steps: Vec<Step>,
    /// Which step goes on next.
    at: usize,
    forward: bool,
    done: bool,
    nodes: Vec<u32>,
    used_edges: Option<Vec<bool>>,
    used_nodes: Option<Vec<bool>>,
}

impl Search {
    /// Plans a walk; `range` is that of the one path of a pattern, if it is another than the pattern's.
    pub(super) fn new(store: &Store, pattern: &Pattern, conditions: &Conditions, range: Option<usize>) -> Search {
        let mut steps = Vec::new();
        let count = |node: usize| match &conditions.nodes[node] {
            Some(holds) => holds.iter().filter(|holds| **holds).count(),
            None => store.nodes.num_rows(),
        };
        let counts: Vec<usize> = (0..pattern.nodes).map(count).collect();
        let first = (0..pattern.nodes).min_by_key(|node| counts[*node]).unwrap_or(0);
        let all = 0..store.nodes.num_rows() as u32;
        let candidates = all.filter(|node| holds(&conditions.nodes[first], *node)).collect();
        steps.push(Step::Start { node: first, candidates, next: 0 });
        let mut known = vec![false; pattern.nodes];
        known[first] = true;
        let mut open: Vec<usize> = (0..pattern.edges.len()).collect();
        while !open.is_empty() {
            let cost = |edge: &usize| {
                let edge = &pattern.edges[*edge];
                let other = match (known[edge.from], known[edge.to]) {
                    (true, true) => 0,
                    (true, false) => counts[edge.to],
                    (false, true) => counts[edge.from],
                    (false, false) => return (true, true, usize::MAX),
                };
                (false, edge.range.is_some() && other > 0, other)
            };
            let Some(place) = (0..open.len()).min_by_key(|place| cost(&open[*place])) else { break };
            let edge = open.remove(place);
            let along = along(store, pattern, conditions, edge, &known, range);
            known[along.to] = true;
            steps.push(Step::Along(along));
        }
        let used = |wanted: bool, count: usize| wanted.then(|| vec![false; count]);
        Search {
            steps,
            at: 0,
            forward: true,
            done: false,
            nodes: vec![0; pattern.nodes],
            used_edges: used(pattern.cycles == Cycles::UniqueEdges, store.source.len()),
            used_nodes: used(pattern.cycles == Cycles::None, store.nodes.num_rows()),
        }
    }

    /// Goes on to the next match; false where there is none.
    pub(super) fn next(
        &mut self,
        store: &Store,
        conditions: &Conditions,
        steps: &mut u64,
    ) -> Result<bool, OperatorError> {
        if self.done {
            return Ok(false);
        }
        loop {
            if self.advance(store, conditions, steps)? {
                if self.at + 1 == self.steps.len() {
                    self.forward = false;
                    return Ok(true);
                }
                self.at += 1;
                self.forward = true;
                continue;
            }
            if self.at == 0 {
                self.done = true;
                return Ok(false);
            }
            self.at -= 1;
            self.forward = false;
        }
    }

    /// Copies the match at hand.
    pub(super) fn read(&self, found: &mut Match) {
        found.nodes.clone_from(&self.nodes);
        for step in &self.steps {
            let Step::Along(along) = step else { continue };
            let (edges, inner) = (&mut found.edges[along.edge], &mut found.inner[along.edge]);
            edges.clone_from(&along.edges);
            inner.clear();
            inner.extend(&along.nodes[..along.nodes.len().saturating_sub(1)]);
            if along.reverse {
                edges.reverse();
                inner.reverse();
            }
        }
    }

    /// Takes the step at hand to its next possibility.
    fn advance(&mut self, store: &Store, conditions: &Conditions, steps: &mut u64) -> Result<bool, OperatorError> {
        let fresh = self.forward;
        match &mut self.steps[self.at] {
            Step::Start { node, candidates, next } => {
                if let Some(used) = &mut self.used_nodes
                    && *next > 0
                {
                    used[self.nodes[*node] as usize] = false;
                }
                let Some(candidate) = candidates.get(*next) else { return Ok(false) };
                *next += 1;
                self.nodes[*node] = *candidate;
                if let Some(used) = &mut self.used_nodes {
                    used[*candidate as usize] = true;
                }
                Ok(true)
            }
            Step::Along(along) => {
                if fresh {
                    along.begin();
                }
                let used = (&mut self.used_edges, &mut self.used_nodes);
                along.advance(store, conditions, &mut self.nodes, used, steps)
            }
        }
    }
}

/// Makes the step along an edge of the pattern, one of whose ends is known.
fn along(
    store: &Store,
    pattern: &Pattern,
    conditions: &Conditions,
    edge: usize,
    known: &[bool],
    range: Option<usize>,
) -> Along {
    let own = &pattern.edges[edge];
    let reverse = !known[own.from];
    let (from, to) = if reverse { (own.to, own.from) } else { (own.from, own.to) };
    let (least, most) = match (own.range, range) {
        (None, _) => (1, 1),
        (Some(_), Some(exactly)) => (exactly, exactly),
        (Some(range), None) => range,
    };
    let mut along = Along {
        edge,
        from,
        to,
        reverse,
        way: Way::new(own.direction, reverse),
        closes: known[from] && known[to],
        least,
        most: most.min(longest(store, pattern.cycles)),
        distance: None,
        begun: false,
        edges: Vec::new(),
        nodes: Vec::new(),
        next: Vec::new(),
    };
    if along.most > 1 && conditions.nodes[to].is_some() {
        along.distance = Some(distances(store, conditions, &along));
    }
    along
}

/// Returns how long a path can be at most, for no edge or no node comes twice.
pub(super) fn longest(store: &Store, cycles: Cycles) -> usize {
    match cycles {
        Cycles::All => usize::MAX,
        Cycles::UniqueEdges => store.source.len(),
        Cycles::None => store.nodes.num_rows().saturating_sub(1),
    }
}

/// Counts the edges from each node to the nearest one where a path may end.
fn distances(store: &Store, conditions: &Conditions, along: &Along) -> Vec<u32> {
    let mut distance = vec![u32::MAX; store.nodes.num_rows()];
    let ends = (0..distance.len() as u32).filter(|node| holds(&conditions.nodes[along.to], *node));
    let mut level: Vec<u32> = ends.collect();
    level.iter().for_each(|node| distance[*node as usize] = 0);
    let back = along.way.back();
    let mut length = 0;
    while !level.is_empty() && (length as usize) < along.most {
        let mut next = Vec::new();
        for node in level {
            if length > 0 && !holds(&conditions.inner[along.edge], node) {
                continue;
            }
            for at in 0.. {
                let Some((edge, other)) = back.neighbour(store, node, at) else { break };
                if distance[other as usize] == u32::MAX && holds(&conditions.edges[along.edge], edge) {
                    distance[other as usize] = length + 1;
                    next.push(other);
                }
            }
        }
        level = next;
        length += 1;
    }
    distance
}

/// A way to follow edges.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    /// From target to source.
    against: bool,
    /// Else edges are followed both ways.
    directed: bool,
}

impl Way {
    /// Makes the way along an edge of a pattern, or with `reverse` from its second node to its first.
    pub(super) fn new(direction: Direction, reverse: bool) -> Way {
        let against = reverse != (direction == Direction::Backward);
        Way { against, directed: direction != Direction::Either }
    }

    pub(super) fn back(self) -> Way {
        Way { against: !self.against, ..self }
    }

    /// Returns an edge at a node, by number, and the node at its other end.
    pub(super) fn neighbour(self, store: &Store, node: u32, at: usize) -> Option<(u32, u32)> {
        let (first, second) = if self.against { (&store.into, &store.out) } else { (&store.out, &store.into) };
        let (first_ends, second_ends) =
            if self.against { (&store.source, &store.target) } else { (&store.target, &store.source) };
        let edges = first.of(node);
        if let Some(edge) = edges.get(at) {
            return Some((*edge, first_ends[*edge as usize]));
        }
        if self.directed {
            return None;
        }
        second.of(node).get(at - edges.len()).map(|edge| (*edge, second_ends[*edge as usize]))
    }
}

/// Takes steps off those that may be made: an edge that is followed is one, and so is an element that is told.
pub(super) fn count_steps(steps: &mut u64, made: u64) -> Result<(), OperatorError> {
    match steps.checked_sub(made) {
        Some(left) => {
            *steps = left;
            Ok(())
        }
        None => Err(OperatorError(format!(
            "the search in the graph follows more than {MOST_STEPS} edges: narrow the pattern by conditions on its \
             nodes and edges, or by a shorter range"
        ))),
    }
}

type Used<'a> = (&'a mut Option<Vec<bool>>, &'a mut Option<Vec<bool>>);

impl Along {
    fn begin(&mut self) {
        self.begun = false;
        self.edges.clear();
        self.nodes.clear();
        self.next.clear();
        self.next.push(0);
    }

    fn advance(
        &mut self,
        store: &Store,
        conditions: &Conditions,
        nodes: &mut [u32],
        used: Used,
        steps: &mut u64,
    ) -> Result<bool, OperatorError> {
        let (used_edges, used_nodes) = used;
        let start = nodes[self.from];
        if !self.begun {
            self.begun = true;
            if self.least == 0 && self.ends_at(start, conditions, nodes) {
                nodes[self.to] = start;
                return Ok(true);
            }
        }
        loop {
            let depth = self.edges.len();
            let here = self.nodes.last().copied().unwrap_or(start);
            let goes_on = depth < self.most && (depth == 0 || holds(&conditions.inner[self.edge], here));
            let neighbour = if goes_on { self.way.neighbour(store, here, self.next[depth]) } else { None };
            let Some((edge, node)) = neighbour else {
                if depth == 0 {
                    return Ok(false);
                }
                self.next.pop();
                if let (Some(edge), Some(used)) = (self.edges.pop(), &mut *used_edges) {
                    used[edge as usize] = false;
                }
                if let (Some(node), Some(used)) = (self.nodes.pop(), &mut *used_nodes) {
                    used[node as usize] = false;
                }
                continue;
            };
            self.next[depth] += 1;
            count_steps(steps, 1)?;
            let taken = |used: &Option<Vec<bool>>, element: u32| used.as_ref().is_some_and(|u| u[element as usize]);
            if !holds(&conditions.edges[self.edge], edge) || taken(used_edges, edge) || taken(used_nodes, node) {
                continue;
            }
            if self.distance.as_ref().is_some_and(|d| (self.most - depth - 1) < d[node as usize] as usize) {
                continue;
            }
            if !self.way.directed && node == here {
                return Err(OperatorError(
                    "whether an edge from a node to itself counts twice where its direction does not matter is not \
                     settled: take such edges away before make-graph"
                        .into(),
                ));
            }
            self.edges.push(edge);
            self.nodes.push(node);
            self.next.push(0);
            if let Some(used) = &mut *used_edges {
                used[edge as usize] = true;
            }
            if let Some(used) = &mut *used_nodes {
                used[node as usize] = true;
            }
            if depth + 1 >= self.least && self.ends_at(node, conditions, nodes) {
                nodes[self.to] = node;
                return Ok(true);
            }
        }
    }

    fn ends_at(&self, node: u32, conditions: &Conditions, nodes: &[u32]) -> bool {
        if self.closes { nodes[self.to] == node } else { holds(&conditions.nodes[self.to], node) }
    }
}
