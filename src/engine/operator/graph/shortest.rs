//! Shortest paths from many nodes to many.
//!
//! Where the pattern is one path and nothing is asked of the path as a whole, each start is searched in breadth. Else paths
//! are looked for by length, and between two nodes those of the first length that has any count.

use hashbrown::HashSet;

use super::search::{Conditions, Match, Search, Way, count_steps, holds, longest};
use super::store::Store;
use crate::engine::operator::OperatorError;
use crate::plan::graph::{Pattern, Shortest};

/// The breadth-first search of one path.
pub(super) struct Breadth {
    from: usize,
    to: usize,
    reverse: bool,
    way: Way,
    most: usize,
    with_itself: bool,
    all: bool,
    starts: std::vec::IntoIter<u32>,
    start: u32,
    distance: Vec<u32>,
    reached: Vec<u32>,
    /// Ends of the start at hand.
    ends: std::vec::IntoIter<u32>,
    /// The way back from an end to the start: nodes, each with its next neighbour, and the edges between them.
    back: Vec<(u32, usize)>,
    edges: Vec<u32>,
    candidates: usize,
}

impl Breadth {
    /// Prepares the search; None where the pattern is no single path.
    pub(super) fn new(
        store: &Store,
        pattern: &Pattern,
        shortest: &Shortest,
        conditions: &Conditions,
    ) -> Option<Breadth> {
        let [edge] = &pattern.edges[..] else { return None };
        let (least, most) = edge.range.filter(|(least, _)| *least <= 1)?;
        let nodes = 0..store.nodes.num_rows() as u32;
        let candidates =
            |end: usize| -> Vec<u32> { nodes.clone().filter(|node| holds(&conditions.nodes[end], *node)).collect() };
        let (first, last) = (candidates(edge.from), candidates(edge.to));
        // From where there are fewer.
        let reverse = last.len() < first.len();
        let (from, to) = if reverse { (edge.to, edge.from) } else { (edge.from, edge.to) };
        let (starts, ends) = if reverse { (last, first) } else { (first, last) };
        Some(Breadth {
            from,
            to,
            reverse,
            way: Way::new(edge.direction, reverse),
            most: most.min(longest(store, pattern.cycles)),
            with_itself: least == 0,
            all: shortest.all,
            candidates: ends.len(),
            starts: starts.into_iter(),
            start: 0,
            distance: vec![u32::MAX; store.nodes.num_rows()],
            reached: Vec::new(),
            ends: Vec::new().into_iter(),
            back: Vec::new(),
            edges: Vec::new(),
        })
    }

    /// Goes on to the next path; false where there is none.
    pub(super) fn next(
        &mut self,
        store: &Store,
        conditions: &Conditions,
        found: &mut Match,
        steps: &mut u64,
    ) -> Result<bool, OperatorError> {
        let back = self.way.back();
        loop {
            while let Some((node, at)) = self.back.last_mut() {
                if *node == self.start {
                    self.read(found);
                    self.back.pop();
                    self.edges.pop();
                    if !self.all {
                        self.back.clear();
                        self.edges.clear();
                    }
                    return Ok(true);
                }
                let length = self.distance[*node as usize];
                let Some((edge, before)) = back.neighbour(store, *node, *at) else {
                    self.back.pop();
                    self.edges.pop();
                    continue;
                };
                *at += 1;
                count_steps(steps, 1)?;
                let leads = self.distance[before as usize] == length - 1
                    && holds(&conditions.edges[0], edge)
                    && (before == self.start || holds(&conditions.inner[0], before));
                if leads {
                    self.back.push((before, 0));
                    self.edges.push(edge);
                }
            }
            if let Some(end) = self.ends.next() {
                self.back.push((end, 0));
                continue;
            }
            let Some(start) = self.starts.next() else { return Ok(false) };
            self.spread(start, store, conditions, steps)?;
        }
    }

    /// Measures how far all nodes are from a start.
    fn spread(
        &mut self,
        start: u32,
        store: &Store,
        conditions: &Conditions,
        steps: &mut u64,
    ) -> Result<(), OperatorError> {
        for node in self.reached.drain(..) {
            self.distance[node as usize] = u32::MAX;
        }
        self.start = start;
        self.distance[start as usize] = 0;
        self.reached.push(start);
        let is_end = |node: u32| holds(&conditions.nodes[self.to], node);
        let mut ends: Vec<u32> = if self.with_itself && is_end(start) { vec![start] } else { Vec::new() };
        let mut left = self.candidates - usize::from(is_end(start));
        let mut level = vec![start];
        let mut length = 0;
        while !level.is_empty() && (length as usize) < self.most && left > 0 {
            length += 1;
            let mut next = Vec::new();
            for node in level {
                if node != start && !holds(&conditions.inner[0], node) {
                    continue;
                }
                for at in 0.. {
                    let Some((edge, other)) = self.way.neighbour(store, node, at) else { break };
                    count_steps(steps, 1)?;
                    if self.distance[other as usize] != u32::MAX || !holds(&conditions.edges[0], edge) {
                        continue;
                    }
                    self.distance[other as usize] = length;
                    self.reached.push(other);
                    next.push(other);
                    if is_end(other) {
                        ends.push(other);
                        left -= 1;
                    }
                }
            }
            level = next;
        }
        self.ends = ends.into_iter();
        Ok(())
    }

    fn read(&self, found: &mut Match) {
        let end = self.back[0].0;
        found.nodes[self.from] = self.start;
        found.nodes[self.to] = end;
        // What was found leads from the end back to the start.
        let (edges, inner) = (&mut found.edges[0], &mut found.inner[0]);
        edges.clone_from(&self.edges);
        inner.clear();
        let between = self.back.len().saturating_sub(1);
        inner.extend(self.back[1.min(between)..between].iter().map(|(node, _)| *node));
        if !self.reverse {
            edges.reverse();
            inner.reverse();
        }
    }
}

/// The search by length.
pub(super) struct ByLength {
    search: Search,
    length: usize,
    most: usize,
    shortest: Shortest,
    /// Pairs of nodes that have shorter paths, and those that have one of this length.
    before: HashSet<(u32, u32)>,
    now: HashSet<(u32, u32)>,
}

impl ByLength {
    pub(super) fn new(store: &Store, pattern: &Pattern, shortest: &Shortest, conditions: &Conditions) -> ByLength {
        let range = pattern.edges.iter().find_map(|edge| edge.range);
        let (length, most) = range.unwrap_or((1, 1));
        ByLength {
            search: Search::new(store, pattern, conditions, Some(length)),
            length,
            most: most.min(longest(store, pattern.cycles)),
            shortest: shortest.clone(),
            before: HashSet::new(),
            now: HashSet::new(),
        }
    }

    /// Goes on to the next path; false where there is none of this length.
    pub(super) fn next(
        &mut self,
        store: &Store,
        conditions: &Conditions,
        found: &mut Match,
        steps: &mut u64,
    ) -> Result<bool, OperatorError> {
        while self.search.next(store, conditions, steps)? {
            self.search.read(found);
            if !self.before.contains(&self.pair(found)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Goes on to longer paths; false where there are none.
    pub(super) fn lengthen(&mut self, store: &Store, pattern: &Pattern, conditions: &Conditions) -> bool {
        if self.length >= self.most {
            return false;
        }
        self.before.extend(self.now.drain());
        self.length += 1;
        self.search = Search::new(store, pattern, conditions, Some(self.length));
        true
    }

    /// Tells whether a match counts that fulfils all that is asked.
    pub(super) fn counts(&mut self, first: u32, last: u32) -> bool {
        self.now.insert((first, last)) || self.shortest.all
    }

    pub(super) fn ends(&self) -> (usize, usize) {
        (self.shortest.first, self.shortest.last)
    }

    fn pair(&self, found: &Match) -> (u32, u32) {
        (found.nodes[self.shortest.first], found.nodes[self.shortest.last])
    }
}
