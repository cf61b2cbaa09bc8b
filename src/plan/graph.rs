//! A graph, and what is looked for in it.
//!
//! A graph is no relation: it stands between `make-graph` and the operator that makes a table of it. So the plan holds
//! both as one relation, whose inputs are the edges and the nodes and whose rows are the matches of a pattern.
//! `graph-to-table` is the pattern of one node, or of one edge.

use super::{Expr, Node};
use crate::types::Column;

/// The column of every node that holds its identity.
pub const NODE_ID: &str = "\u{1}node id";

/// The column of every node that counts the edges that end at it.
pub const NODE_DEGREE_IN: &str = "\u{1}node degree in";

/// The column of every node that counts the edges that begin at it.
pub const NODE_DEGREE_OUT: &str = "\u{1}node degree out";

/// The column of every node that numbers its graph, where there are several.
pub const NODE_GRAPH: &str = "\u{1}node graph";

#[derive(Debug, Clone)]
pub struct Graph {
    /// Each row is an edge.
    pub edges: Node,
    /// The columns that say from where to where an edge goes, of one type.
    pub source: Column,
    pub target: Column,
    /// Rows with properties of nodes, each table with its column of identities. Of several rows the first counts.
    pub nodes: Vec<(Node, Column)>,
    /// What nodes have, besides the columns that all of them have.
    pub properties: Vec<Property>,
    /// `graph-mark-components`, in order; each appends a property.
    pub components: Vec<Components>,
    /// A graph of its own for each value of this column, which edges and nodes have.
    pub partitioned_by: Option<Column>,
    pub pattern: Pattern,
    pub values: Vec<PatternValue>,
}

/// A property of nodes: a column of their tables.
#[derive(Debug, Clone)]
pub struct Property {
    pub column: Column,
    pub without_row: WithoutRow,
}

/// What a node has that only edges name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithoutRow {
    /// Null, or the empty string.
    Nothing,
    Identity,
    /// It is not known which of two columns of identities is filled.
    Unsettled,
}

/// `graph-mark-components`: weak components ignore the direction of edges.
#[derive(Debug, Clone)]
pub struct Components {
    pub strong: bool,
    pub column: Column,
}

/// What is looked for: nodes with edges between them.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// The nodes are numbered from 0.
    pub nodes: usize,
    pub edges: Vec<PatternEdge>,
    pub cycles: Cycles,
    pub shortest: Option<Shortest>,
    /// What single elements must fulfil: each of the edges of a path, each of its inner nodes.
    pub conditions: Vec<(Element, Expr)>,
    /// What a match must fulfil, over [`Graph::values`].
    pub filter: Option<Expr>,
}

/// An edge of a pattern, whose two nodes stand in the order of the text: so do the edges of a path.
#[derive(Debug, Clone)]
pub struct PatternEdge {
    pub from: usize,
    pub to: usize,
    pub direction: Direction,
    /// A path of so many edges, ends included; else one edge.
    pub range: Option<(usize, usize)>,
}

/// Which way an edge of the graph goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Forward,
    Backward,
    Either,
}

/// Which matches count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cycles {
    All,
    /// All nodes of a match are different.
    None,
    /// All edges of a match are different.
    UniqueEdges,
}

/// `graph-shortest-paths`: between each two nodes only the shortest matches count, or one of them.
#[derive(Debug, Clone)]
pub struct Shortest {
    pub first: usize,
    pub last: usize,
    pub all: bool,
}

/// A part of a pattern, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Element {
    Node(usize),
    Edge(usize),
    /// The nodes within the path that an edge with a range stands for, its ends left out.
    InnerNodes(usize),
}

/// A value of a match: computed of the columns of an element.
#[derive(Debug, Clone)]
pub struct PatternValue {
    pub column: Column,
    pub element: Element,
    pub fold: Fold,
    /// Over the columns of edges, or those of nodes.
    pub value: Expr,
}

/// How the values along a path become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// There is one.
    Single,
    /// Whether it is true for each.
    All,
    /// Whether it is true for one.
    Any,
    /// An array of them.
    Map,
}

impl Graph {
    /// Returns the expressions over the columns of edges and of nodes, and that over the values.
    pub fn expressions(&self) -> Vec<&Expr> {
        let conditions = self.pattern.conditions.iter().map(|(_, condition)| condition);
        conditions.chain(self.values.iter().map(|value| &value.value)).chain(&self.pattern.filter).collect()
    }

    /// Returns the expressions, to be changed.
    pub fn expressions_mut(&mut self) -> Vec<&mut Expr> {
        let conditions = self.pattern.conditions.iter_mut().map(|(_, condition)| condition);
        let values = self.values.iter_mut().map(|value| &mut value.value);
        conditions.chain(values).chain(&mut self.pattern.filter).collect()
    }

    /// Returns the columns that say which nodes and edges there are, besides those that expressions read.
    pub fn keys(&self) -> impl Iterator<Item = &Column> {
        let ids = self.nodes.iter().map(|(_, id)| id);
        [&self.source, &self.target].into_iter().chain(ids).chain(&self.partitioned_by)
    }
}
