//! A graph in memory: numbered nodes and edges, and which edges begin and end at a node.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch};
use arrow::compute::interleave;
use arrow::row::{RowConverter, SortField};
use hashbrown::HashMap;

use super::components::{renumbered, strong, weak};
use super::{Setup, node_columns};
use crate::engine::operator::OperatorError;
use crate::plan::graph::WithoutRow;
use crate::types::Value;
use crate::types::arrow::{data_type, repeat, schema};

/// The nodes stand in the order in which they come: those of the tables, then those that only edges name.
pub(super) struct Store {
    pub edges: RecordBatch,
    pub nodes: RecordBatch,
    pub source: Vec<u32>,
    pub target: Vec<u32>,
    pub out: Adjacency,
    pub into: Adjacency,
}

/// The edges at each node, in their order.
pub(super) struct Adjacency {
    starts: Vec<u32>,
    edges: Vec<u32>,
}

impl Adjacency {
    fn new(nodes: usize, ends: &[u32]) -> Self {
        let mut starts = vec![0u32; nodes + 1];
        for end in ends {
            starts[*end as usize + 1] += 1;
        }
        for node in 0..nodes {
            starts[node + 1] += starts[node];
        }
        let mut next = starts.clone();
        let mut edges = vec![0u32; ends.len()];
        for (edge, end) in (0u32..).zip(ends) {
            let place = &mut next[*end as usize];
            edges[*place as usize] = edge;
            *place += 1;
        }
        Adjacency { starts, edges }
    }

    pub(super) fn of(&self, node: u32) -> &[u32] {
        &self.edges[self.starts[node as usize] as usize..self.starts[node as usize + 1] as usize]
    }

    fn degrees(&self) -> ArrayRef {
        let degrees = self.starts.windows(2).map(|pair| i64::from(pair[1] - pair[0]));
        Arc::new(Int64Array::from_iter_values(degrees))
    }
}

/// Where the row of a node is: a table and a row, or an edge that names it.
#[derive(Clone, Copy)]
enum Origin {
    Table(usize, usize),
    Source(usize),
    Target(usize),
}

impl Store {
    /// Puts a graph together from its edges and tables of nodes. `graph` is its number among several.
    pub(super) fn new(setup: &Setup, mut tables: Vec<RecordBatch>, graph: usize) -> Result<Store, OperatorError> {
        let edges = tables.remove(0);
        let total: usize = tables.iter().map(RecordBatch::num_rows).sum::<usize>() + 2 * edges.num_rows();
        if u32::try_from(total).is_err() {
            return Err(OperatorError(format!("{}: a graph has fewer than {} elements", setup.name, u32::MAX)));
        }
        let converter = RowConverter::new(vec![SortField::new(data_type(setup.id))])?;
        let mut numbers: HashMap<Box<[u8]>, u32> = HashMap::new();
        let mut origins: Vec<Origin> = Vec::new();
        let mut number = |id: &[u8], origin: Origin| match numbers.get(id) {
            Some(number) => *number,
            None => {
                origins.push(origin);
                let number = numbers.len() as u32;
                numbers.insert(id.into(), number);
                number
            }
        };
        for (index, (table, input)) in tables.iter().zip(&setup.nodes).enumerate() {
            let ids = converter.convert_columns(&[table.column(input.ids[0]).clone()])?;
            for (row, id) in ids.iter().enumerate() {
                number(id.as_ref(), Origin::Table(index, row));
            }
        }
        let [source_ids, target_ids] = [0, 1].map(|end| edges.column(setup.edges.ids[end]).clone());
        let sources = converter.convert_columns(std::slice::from_ref(&source_ids))?;
        let targets = converter.convert_columns(std::slice::from_ref(&target_ids))?;
        let (mut source, mut target) = (Vec::new(), Vec::new());
        for (row, (from, to)) in sources.iter().zip(targets.iter()).enumerate() {
            source.push(number(from.as_ref(), Origin::Source(row)));
            target.push(number(to.as_ref(), Origin::Target(row)));
        }
        let by_identity = (!setup.ordered && !setup.components.is_empty()).then(|| in_order(&numbers));
        let out = Adjacency::new(origins.len(), &source);
        let into = Adjacency::new(origins.len(), &target);
        let mut nodes = node_arrays(
            setup,
            &tables,
            [&source_ids, &target_ids],
            &origins,
            [&source, &target],
            [&into, &out],
            by_identity,
        )?;
        nodes.push(repeat(&Value::Long(graph as i64), origins.len()));
        let columns = node_columns(&setup.properties, &setup.components, setup.id);
        let nodes = RecordBatch::try_new(schema(&columns), nodes)?;
        Ok(Store { edges, nodes, source, target, out, into })
    }

    pub(super) fn size(&self) -> usize {
        self.nodes.get_array_memory_size() + 16 * self.source.len()
    }
}

/// Returns the nodes in the order of their identities.
fn in_order(numbers: &HashMap<Box<[u8]>, u32>) -> Vec<u32> {
    let mut nodes: Vec<(&[u8], u32)> = numbers.iter().map(|(id, number)| (&**id, *number)).collect();
    nodes.sort_unstable();
    nodes.into_iter().map(|(_, number)| number).collect()
}

/// Makes the columns of all nodes that tell of the graph.
fn node_arrays(
    setup: &Setup,
    tables: &[RecordBatch],
    ids: [&ArrayRef; 2],
    origins: &[Origin],
    ends: [&[u32]; 2],
    degrees: [&Adjacency; 2],
    by_identity: Option<Vec<u32>>,
) -> Result<Vec<ArrayRef>, OperatorError> {
    let mut columns: Vec<ArrayRef> = Vec::new();
    for property in &setup.properties {
        let places: Vec<Option<usize>> = setup
            .nodes
            .iter()
            .map(|input| input.columns.iter().position(|column| *column == property.column))
            .collect();
        let identity = property.without_row == WithoutRow::Identity;
        if property.without_row == WithoutRow::Unsettled
            && origins.iter().any(|origin| !matches!(origin, Origin::Table(..)))
        {
            return Err(OperatorError(format!(
                "make-graph: which property identifies a node that no table has is not settled where the tables call it \
                 differently (`{}`); rename one of them",
                property.column.name
            )));
        }
        let missing = repeat(&Value::missing(property.column.scalar_type), 1);
        columns.push(gathered(tables, &places, identity.then_some(ids), missing, origins)?);
    }
    for mark in &setup.components {
        let numbers = match mark.strong {
            true => strong(ends[1], degrees[1], origins.len()),
            false => weak(ends[0], ends[1], origins.len()),
        };
        let numbers = match &by_identity {
            Some(nodes) => renumbered(&numbers, nodes),
            None => numbers,
        };
        columns.push(Arc::new(Int64Array::from(numbers)));
    }
    let places: Vec<Option<usize>> = setup.nodes.iter().map(|input| Some(input.ids[0])).collect();
    let missing = repeat(&Value::missing(setup.id), 1);
    columns.push(gathered(tables, &places, Some(ids), missing, origins)?);
    columns.push(degrees[0].degrees());
    columns.push(degrees[1].degrees());
    Ok(columns)
}

/// Gathers one column: from the tables that have it, from the edges' ids where that is asked for, else `missing`.
fn gathered(
    tables: &[RecordBatch],
    places: &[Option<usize>],
    ids: Option<[&ArrayRef; 2]>,
    missing: ArrayRef,
    origins: &[Origin],
) -> Result<ArrayRef, OperatorError> {
    let mut arrays: Vec<&dyn Array> = vec![missing.as_ref()];
    let mut index_of = Vec::new();
    for (table, place) in tables.iter().zip(places) {
        index_of.push(place.map(|place| {
            arrays.push(table.column(place).as_ref());
            arrays.len() - 1
        }));
    }
    let first_id = arrays.len();
    arrays.extend(ids.iter().flatten().map(|array| array.as_ref()));
    let indices: Vec<(usize, usize)> = origins
        .iter()
        .map(|origin| match *origin {
            Origin::Table(table, row) => index_of[table].map_or((0, 0), |array| (array, row)),
            _ if ids.is_none() => (0, 0),
            Origin::Source(row) => (first_id, row),
            Origin::Target(row) => (first_id + 1, row),
        })
        .collect();
    if indices.is_empty() {
        return Ok(missing.slice(0, 0));
    }
    Ok(interleave(&arrays, &indices)?)
}
