//! Matches as rows: values of elements were computed for all of them once, a match picks its own.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, RecordBatch, RecordBatchOptions, StringViewBuilder,
    UInt32Array,
};
use arrow::compute::{filter_record_batch, take};
use arrow::datatypes::SchemaRef;

use super::search::{Conditions, Match, Search, count_steps};
use super::shortest::{Breadth, ByLength};
use super::store::Store;
use super::{Setup, Value};
use crate::engine::operator::OperatorError;
use crate::plan::graph::{Element, Fold};
use crate::types::arrow::{schema, value_at};
use crate::types::{Column, json};

/// Elements of paths that are held at once.
const MOST_ITEMS: usize = 1 << 20;

/// A search and what its matches are made into.
pub(super) struct Rows {
    setup: Arc<Setup>,
    schema: SchemaRef,
    values_schema: SchemaRef,
    store: Store,
    conditions: Conditions,
    values: Vec<Computed>,
    finder: Finder,
    found: Match,
    done: bool,
}

enum Finder {
    All(Search),
    Breadth(Breadth),
    ByLength(ByLength),
}

/// The values of all elements, as a match needs them.
enum Computed {
    Single(ArrayRef),
    Truth(BooleanArray),
    /// As JSON.
    Texts(ArrayRef),
}

/// The elements of some matches that values need.
#[derive(Default)]
struct Held {
    rows: usize,
    items: usize,
    /// For each value, the elements of all matches and where those of each end.
    elements: Vec<Vec<u32>>,
    ends: Vec<Vec<usize>>,
    /// First and last node.
    pairs: Vec<(u32, u32)>,
}

impl Rows {
    pub(super) fn new(setup: Arc<Setup>, schema_out: SchemaRef, store: Store) -> Result<Rows, OperatorError> {
        let conditions = conditions(&setup, &store)?;
        let values = setup.values.iter().map(|value| computed(value, &store)).collect::<Result<Vec<_>, _>>()?;
        let pattern = &setup.pattern;
        let finder = match &pattern.shortest {
            None => Finder::All(Search::new(&store, pattern, &conditions, None)),
            Some(shortest) => {
                let breadth = match setup.filter {
                    None => Breadth::new(&store, pattern, shortest, &conditions),
                    Some(_) => None,
                };
                match breadth {
                    Some(breadth) => Finder::Breadth(breadth),
                    None => Finder::ByLength(ByLength::new(&store, pattern, shortest, &conditions)),
                }
            }
        };
        let found = Match {
            nodes: vec![0; pattern.nodes],
            edges: vec![Vec::new(); pattern.edges.len()],
            inner: vec![Vec::new(); pattern.edges.len()],
        };
        let columns: Vec<Column> = setup.values.iter().map(|value| value.column.clone()).collect();
        let values_schema = schema(&columns);
        Ok(Rows { setup, schema: schema_out, values_schema, store, conditions, values, finder, found, done: false })
    }

    pub(super) fn size(&self) -> usize {
        self.store.size()
    }

    /// Gives the next rows; None once there are no more matches.
    pub(super) fn next(&mut self, steps: &mut u64) -> Result<Option<RecordBatch>, OperatorError> {
        if self.done {
            return Ok(None);
        }
        let count = self.values.len();
        let mut held = Held { elements: vec![Vec::new(); count], ends: vec![Vec::new(); count], ..Held::default() };
        while held.rows < self.setup.batch_size && held.items < MOST_ITEMS {
            if self.find(steps)? {
                let before = held.items;
                self.hold(&mut held);
                count_steps(steps, (held.items - before) as u64)?;
                continue;
            }
            if let Finder::ByLength(search) = &mut self.finder {
                // What was found of this length is judged first.
                if held.rows > 0 {
                    break;
                }
                if search.lengthen(&self.store, &self.setup.pattern, &self.conditions) {
                    continue;
                }
            }
            self.done = true;
            break;
        }
        self.batch(held).map(Some)
    }

    fn find(&mut self, steps: &mut u64) -> Result<bool, OperatorError> {
        match &mut self.finder {
            Finder::All(search) => {
                let more = search.next(&self.store, &self.conditions, steps)?;
                if more {
                    search.read(&mut self.found);
                }
                Ok(more)
            }
            Finder::Breadth(search) => search.next(&self.store, &self.conditions, &mut self.found, steps),
            Finder::ByLength(search) => search.next(&self.store, &self.conditions, &mut self.found, steps),
        }
    }

    /// Keeps what the values need of the match at hand.
    fn hold(&self, held: &mut Held) {
        held.rows += 1;
        for (number, value) in self.setup.values.iter().enumerate() {
            let elements = &mut held.elements[number];
            let before = elements.len();
            match value.element {
                Element::Node(node) => elements.push(self.found.nodes[node]),
                Element::Edge(edge) => elements.extend(&self.found.edges[edge]),
                Element::InnerNodes(edge) => elements.extend(&self.found.inner[edge]),
            }
            held.items += elements.len() - before;
            held.ends[number].push(elements.len());
        }
        if let Finder::ByLength(search) = &self.finder {
            let (first, last) = search.ends();
            held.pairs.push((self.found.nodes[first], self.found.nodes[last]));
        }
    }

    fn batch(&mut self, held: Held) -> Result<RecordBatch, OperatorError> {
        let mut columns: Vec<ArrayRef> = Vec::new();
        for (number, value) in self.setup.values.iter().enumerate() {
            columns.push(column(&self.values[number], value.fold, &held.elements[number], &held.ends[number])?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(held.rows));
        let mut batch = RecordBatch::try_new_with_options(self.values_schema.clone(), columns, &options)?;
        if let Some(filter) = &self.setup.filter
            && held.rows > 0
        {
            let mask = truth(&filter(&batch)?);
            let mask = self.shortest(&mask, &held.pairs);
            batch = filter_record_batch(&batch, &mask)?;
        } else if !held.pairs.is_empty() {
            let mask = self.shortest(&BooleanArray::from(vec![true; held.rows]), &held.pairs);
            batch = filter_record_batch(&batch, &mask)?;
        }
        let columns = self.setup.outputs.iter().map(|i| batch.column(*i).clone()).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }

    /// Of matches that fulfil all conditions keeps those that are the shortest between their ends.
    fn shortest(&mut self, mask: &BooleanArray, pairs: &[(u32, u32)]) -> BooleanArray {
        let Finder::ByLength(search) = &mut self.finder else { return mask.clone() };
        let kept = mask.values().iter().zip(pairs).map(|(holds, (first, last))| holds && search.counts(*first, *last));
        kept.map(Some).collect()
    }
}

/// Makes the column of a value out of the elements of the matches.
fn column(computed: &Computed, fold: Fold, elements: &[u32], ends: &[usize]) -> Result<ArrayRef, OperatorError> {
    match computed {
        Computed::Single(values) => {
            // An edge of the pattern that is a path of one edge, or a node: one element each.
            Ok(take(values, &UInt32Array::from(elements.to_vec()), None)?)
        }
        Computed::Truth(values) => {
            let mut builder = BooleanBuilder::with_capacity(ends.len());
            for range in ranges(ends) {
                let mut along = elements[range].iter().map(|element| values.value(*element as usize));
                builder.append_value(if fold == Fold::All { along.all(|t| t) } else { along.any(|t| t) });
            }
            Ok(Arc::new(builder.finish()))
        }
        Computed::Texts(values) => {
            let texts = values.as_string_view();
            let mut builder = StringViewBuilder::with_capacity(ends.len());
            let mut array = String::new();
            for range in ranges(ends) {
                array.clear();
                array.push('[');
                for (at, element) in elements[range].iter().enumerate() {
                    if at > 0 {
                        array.push(',');
                    }
                    array.push_str(texts.value(*element as usize));
                }
                array.push(']');
                builder.append_value(&array);
            }
            Ok(Arc::new(builder.finish()))
        }
    }
}

fn ranges(ends: &[usize]) -> impl Iterator<Item = std::ops::Range<usize>> {
    std::iter::once(0).chain(ends.iter().copied()).zip(ends.iter().copied()).map(|(start, end)| start..end)
}

/// Computes a value for every edge, or for every node.
fn computed(value: &Value, store: &Store) -> Result<Computed, OperatorError> {
    let table = if matches!(value.element, Element::Edge(_)) { &store.edges } else { &store.nodes };
    let array = (value.value)(table)?;
    Ok(match value.fold {
        Fold::Single => Computed::Single(array),
        // A null is as good as false, for both (measured).
        Fold::All | Fold::Any => Computed::Truth(truth(&array)),
        Fold::Map => {
            let mut builder = StringViewBuilder::with_capacity(array.len());
            let mut text = String::new();
            for row in 0..array.len() {
                text.clear();
                json::write_value(&value_at(&array, row, value.scalar_type), &mut text);
                builder.append_value(&text);
            }
            Computed::Texts(Arc::new(builder.finish()))
        }
    })
}

/// Returns a condition's truth: null is false.
fn truth(array: &ArrayRef) -> BooleanArray {
    let array = array.as_boolean();
    (0..array.len()).map(|row| Some(array.is_valid(row) && array.value(row))).collect()
}

/// Computes the conditions on single elements for all of them.
fn conditions(setup: &Setup, store: &Store) -> Result<Conditions, OperatorError> {
    let pattern = &setup.pattern;
    let mut conditions = Conditions {
        nodes: vec![None; pattern.nodes],
        edges: vec![None; pattern.edges.len()],
        inner: vec![None; pattern.edges.len()],
    };
    for (element, condition) in &setup.conditions {
        let (table, place) = match element {
            Element::Node(node) => (&store.nodes, &mut conditions.nodes[*node]),
            Element::Edge(edge) => (&store.edges, &mut conditions.edges[*edge]),
            Element::InnerNodes(edge) => (&store.nodes, &mut conditions.inner[*edge]),
        };
        let holds = truth(&condition(table)?);
        let both = |(row, before): (usize, bool)| before && holds.value(row);
        *place = Some(match place.take() {
            Some(before) => before.into_iter().enumerate().map(both).collect(),
            None => holds.values().iter().collect(),
        });
    }
    Ok(conditions)
}
