//! `mv-expand` of an array whose elements' paths lie in columns of their own: see [`crate::types::shred`].

use std::fmt::Debug;

use arrow::array::{Array, AsArray, Int32Array, RecordBatch, StringViewArray};
use arrow::datatypes::{Int32Type, SchemaRef};
use hashbrown::HashMap;

use super::expand::{Origin, Output, ROWS, Wanted, row_limit};
use super::views::Parts;
use super::{OperatorError, RowOperator};
use crate::types::arrow::schema;
use crate::types::{Column, json, shred};

/// Makes the rows that [`super::expand::ExpandPaths`] makes of the text.
pub struct ExpandCells {
    schema: SchemaRef,
    outputs: Vec<Output>,
    /// The column that holds how many elements there are; those of the paths follow.
    count: usize,
    /// For each path whether its text is wanted, as `tostring` gives it; else the dynamic.
    texts: Vec<bool>,
    filter: Option<Filter>,
    limit: usize,
}

/// Which elements are wanted, by the text of one path.
struct Filter {
    path: usize,
    wanted: Wanted,
    /// Whether those are that have nothing there.
    missing: bool,
}

impl Debug for ExpandCells {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExpandCells").field("outputs", &self.outputs).field("count", &self.count).finish()
    }
}

impl ExpandCells {
    /// Makes the operator. Of the elements for which `filter` (a path's number and a test of its text) is false no row
    /// is made; `limit` counts them nevertheless.
    pub fn new(
        outputs: Vec<(Column, Output)>,
        count: usize,
        texts: Vec<bool>,
        filter: Option<(usize, Wanted)>,
        limit: Option<i64>,
    ) -> Self {
        let (columns, outputs): (Vec<_>, Vec<_>) = outputs.into_iter().unzip();
        let filter = filter.map(|(path, wanted)| Filter { path, missing: wanted(""), wanted });
        ExpandCells { schema: schema(&columns), outputs, count, texts, filter, limit: row_limit(limit) }
    }
}

/// The numbers of the elements that are wanted, by what was asked for already: files hold few different lists of types.
#[derive(Default)]
struct Chosen {
    numbers: Vec<usize>,
    known: HashMap<(u128, usize), (usize, usize)>,
}

impl Chosen {
    /// Chooses among the first `count` elements of a row.
    fn choose(&mut self, filter: &Filter, cells: &StringViewArray, row: usize, count: usize) -> &[usize] {
        // The same view of the same column is the same text.
        let view = if cells.is_null(row) { None } else { cells.views().get(row).copied() };
        let key = (view.unwrap_or_default(), count);
        let (from, to) = *self.known.entry(key).or_insert_with(|| {
            let from = self.numbers.len();
            let mut values = view.map(|_| shred::cell(cells.value(row)));
            for number in 0..count {
                let wanted = match values.as_mut().and_then(Iterator::next) {
                    None | Some("null") => filter.missing,
                    Some(value) => (filter.wanted)(&json::as_text(value)),
                };
                if wanted {
                    self.numbers.push(number);
                }
            }
            (from, self.numbers.len())
        });
        &self.numbers[from..to]
    }
}

impl RowOperator for ExpandCells {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<Vec<RecordBatch>, OperatorError> {
        let counts: &Int32Array = batch.column(self.count).as_primitive::<Int32Type>();
        let cells: Vec<&StringViewArray> =
            (0..self.texts.len()).map(|path| batch.column(self.count + 1 + path).as_string_view()).collect();
        let mut columns: Vec<Parts> = cells.iter().map(|cells| Parts::new(cells)).collect();
        let mut done = Vec::new();
        let mut origin = Origin::default();
        let mut chosen = Chosen::default();
        let mut all: Vec<usize> = Vec::new();
        for row in 0..batch.num_rows() {
            // A text that an outer join has none of is empty, and that is one element.
            let count = if counts.is_null(row) { 1 } else { usize::try_from(counts.value(row)).unwrap_or(0) };
            let count = count.min(self.limit);
            let numbers = match &self.filter {
                Some(filter) => chosen.choose(filter, cells[filter.path], row, count),
                None => {
                    all.extend(all.len()..count);
                    &all[..count]
                }
            };
            if numbers.is_empty() {
                continue;
            }
            numbers.iter().for_each(|number| origin.push(row, *number as i64));
            for ((column, cells), text) in columns.iter_mut().zip(&cells).zip(&self.texts) {
                fill(column, cells, row, numbers, *text);
            }
            if origin.len() >= ROWS {
                let elements = columns.iter_mut().map(Parts::take).collect::<Result<_, _>>()?;
                done.push(origin.batch(batch, &self.schema, &self.outputs, elements)?);
            }
        }
        if origin.len() > 0 {
            let elements = columns.iter_mut().map(Parts::take).collect::<Result<_, _>>()?;
            done.push(origin.batch(batch, &self.schema, &self.outputs, elements)?);
        }
        Ok(done)
    }
}

/// Appends what one path leads to in some elements of a row, in their order.
fn fill(column: &mut Parts, cells: &StringViewArray, row: usize, numbers: &[usize], text: bool) {
    let mut values = (!cells.is_null(row)).then(|| shred::cell(cells.value(row)));
    let mut next = 0;
    for number in numbers {
        let value = values.as_mut().and_then(|values| values.nth(number - next));
        next = number + 1;
        match value {
            None | Some("null") if text => column.push(row, ""),
            None | Some("null") => column.push_null(),
            Some(value) if text => column.push(row, &json::as_text(value)),
            Some(value) => column.push(row, value),
        }
    }
}
