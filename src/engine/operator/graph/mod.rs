//! The matches of a pattern in a graph.
//!
//! Edges and tables of nodes come in as one stream, told apart by their first column. When all are there, each graph is
//! put together (`store`), conditions on single elements and values of them are computed once for all elements, and the
//! search walks from node to node (`search`, `shortest`); what it finds is made into rows bit by bit (`rows`).

mod components;
mod rows;
mod search;
mod shortest;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int32Array, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::{concat_batches, filter_record_batch, take_record_batch};
use arrow::datatypes::{Int32Type, SchemaRef};
use arrow::row::{RowConverter, SortField};

use super::{OperatorError, RowOperator};
use crate::plan::graph::{Components, Element, Fold, Pattern, Property};
use crate::types::arrow::{data_type, schema};
use crate::types::{Column, ScalarType};

use rows::Rows;
use store::Store;

/// Computes an expression over a batch.
pub type Evaluate = Arc<dyn Fn(&RecordBatch) -> Result<ArrayRef, OperatorError> + Send + Sync>;

/// Edges that a search may follow, and elements of matches, in all, which takes about a minute. A pattern without bounds ends there.
pub const MOST_STEPS: u64 = 1_000_000_000;

/// What a search needs to know.
pub struct Setup {
    /// KQL's name of the operator, for errors.
    pub name: &'static str,
    pub edges: Input,
    pub nodes: Vec<Input>,
    /// The rows come in an order of their own, by which components count; else they count by the nodes' identities.
    pub ordered: bool,
    pub id: ScalarType,
    pub properties: Vec<Property>,
    pub components: Vec<Components>,
    pub pattern: Pattern,
    pub conditions: Vec<(Element, Evaluate)>,
    pub values: Vec<Value>,
    /// Over the values.
    pub filter: Option<Evaluate>,
    /// The values that come out, by index.
    pub outputs: Vec<usize>,
    /// Rows of a batch.
    pub batch_size: usize,
    /// Edges that may be followed in all: [`MOST_STEPS`].
    pub most_steps: u64,
}

/// A table of edges or nodes; columns are named by index.
pub struct Input {
    pub columns: Vec<Column>,
    /// Source and target, or the identity.
    pub ids: Vec<usize>,
    pub partition: Option<usize>,
}

/// A value of a match.
pub struct Value {
    pub column: Column,
    pub element: Element,
    pub fold: Fold,
    /// Of what type `value` is.
    pub scalar_type: ScalarType,
    pub value: Evaluate,
}

/// Which columns all nodes have besides their properties, in this order: identity, edges in, edges out, graph.
pub fn node_columns(properties: &[Property], components: &[Components], id: ScalarType) -> Vec<Column> {
    use crate::plan::graph::{NODE_DEGREE_IN, NODE_DEGREE_OUT, NODE_GRAPH, NODE_ID};
    let own = properties.iter().map(|property| &property.column);
    let mut columns: Vec<Column> = own.chain(components.iter().map(|mark| &mark.column)).cloned().collect();
    columns.push(Column::new(NODE_ID, id));
    columns.push(Column::new(NODE_DEGREE_IN, ScalarType::Long));
    columns.push(Column::new(NODE_DEGREE_OUT, ScalarType::Long));
    columns.push(Column::new(NODE_GRAPH, ScalarType::Long));
    columns
}

/// `make-graph` and what looks for something in the graph.
pub struct Graph {
    setup: Arc<Setup>,
    schema: SchemaRef,
    /// What came in so far: the edges, then each table of nodes.
    read: Vec<Vec<RecordBatch>>,
    bytes: usize,
    /// Tables of the graphs that are still to be searched.
    waiting: std::iter::Enumerate<std::vec::IntoIter<Vec<RecordBatch>>>,
    searching: Option<Rows>,
    /// Edges that may still be followed.
    steps: u64,
}

impl Graph {
    pub fn new(setup: Arc<Setup>) -> Self {
        let columns: Vec<Column> = setup.outputs.iter().map(|i| setup.values[*i].column.clone()).collect();
        let read = vec![Vec::new(); setup.nodes.len() + 1];
        let waiting = Vec::new().into_iter().enumerate();
        let steps = setup.most_steps;
        Graph { setup, schema: schema(&columns), read, bytes: 0, waiting, searching: None, steps }
    }

    fn inputs(&self) -> impl Iterator<Item = &Input> {
        std::iter::once(&self.setup.edges).chain(&self.setup.nodes)
    }

    /// Parts the tables by the column that makes graphs of their own.
    fn partitions(&self, tables: Vec<RecordBatch>) -> Result<Vec<Vec<RecordBatch>>, OperatorError> {
        let Some(column) = self.setup.edges.partition else { return Ok(vec![tables]) };
        let scalar_type = self.setup.edges.columns[column].scalar_type;
        let converter = RowConverter::new(vec![SortField::new(data_type(scalar_type))])?;
        let mut keys: hashbrown::HashMap<Box<[u8]>, usize> = hashbrown::HashMap::new();
        // For each key and table the rows.
        let mut rows: Vec<Vec<Vec<u32>>> = Vec::new();
        for (number, (input, table)) in self.inputs().zip(&tables).enumerate() {
            let Some(column) = input.partition else { continue };
            let values = converter.convert_columns(&[table.column(column).clone()])?;
            for (row, value) in values.iter().enumerate() {
                let index = match keys.get(value.as_ref()) {
                    Some(index) => *index,
                    None => {
                        keys.insert(value.as_ref().into(), rows.len());
                        rows.push(vec![Vec::new(); tables.len()]);
                        rows.len() - 1
                    }
                };
                rows[index][number].push(row as u32);
            }
        }
        rows.into_iter()
            .map(|rows| {
                let parts = tables.iter().zip(rows);
                parts.map(|(table, rows)| Ok(take_record_batch(table, &UInt32Array::from(rows))?)).collect()
            })
            .collect()
    }
}

impl RowOperator for Graph {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<Vec<RecordBatch>, OperatorError> {
        let tags: &Int32Array = batch.column(0).as_primitive::<Int32Type>();
        let mut first = 1;
        let mut parts = Vec::new();
        for (number, input) in self.inputs().enumerate() {
            let width = input.columns.len();
            let columns = first..first + width;
            first += width;
            let own = |tag: Option<i32>| tag == Some(number as i32);
            if !tags.iter().any(own) {
                continue;
            }
            let arrays = columns.zip(&input.columns).map(|(at, column)| {
                let (array, wanted) = (batch.column(at), data_type(column.scalar_type));
                if *array.data_type() == wanted { Ok(array.clone()) } else { arrow::compute::cast(array, &wanted) }
            });
            let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            let mut part = RecordBatch::try_new_with_options(schema(&input.columns), arrays, &options)?;
            if !tags.iter().all(own) {
                let mask: BooleanArray = tags.iter().map(|tag| Some(own(tag))).collect();
                part = filter_record_batch(&part, &mask)?;
            }
            parts.push((number, part));
        }
        for (number, part) in parts {
            self.bytes += part.get_array_memory_size();
            self.read[number].push(part);
        }
        Ok(Vec::new())
    }

    fn finish(&mut self) -> Result<Vec<RecordBatch>, OperatorError> {
        let read = std::mem::take(&mut self.read);
        let tables = self.inputs().zip(&read).map(|(input, read)| Ok(concat_batches(&schema(&input.columns), read)?));
        let tables = tables.collect::<Result<Vec<_>, OperatorError>>()?;
        self.waiting = self.partitions(tables)?.into_iter().enumerate();
        Ok(Vec::new())
    }

    fn more(&mut self) -> Result<Option<Vec<RecordBatch>>, OperatorError> {
        loop {
            if let Some(rows) = &mut self.searching {
                match rows.next(&mut self.steps)? {
                    Some(batch) if batch.num_rows() == 0 => continue,
                    Some(batch) => return Ok(Some(vec![batch])),
                    None => self.searching = None,
                }
            }
            let Some((number, tables)) = self.waiting.next() else { return Ok(None) };
            let store = Store::new(&self.setup, tables, number)?;
            self.searching = Some(Rows::new(self.setup.clone(), self.schema.clone(), store)?);
        }
    }

    fn size(&self) -> usize {
        // The tables stand beside each other while they are put together; neighbours and identities come on top.
        self.bytes * 2 + self.searching.as_ref().map_or(0, Rows::size)
    }
}
