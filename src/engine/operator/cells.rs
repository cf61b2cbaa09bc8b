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

/// Elements of a row: their numbers, and where these stand among all that were chosen.
#[derive(Clone, Copy)]
struct Elements<'a> {
    numbers: &'a [usize],
    from: usize,
}

impl Chosen {
    /// Chooses among the first `count` elements of a row.
    fn choose(&mut self, filter: &Filter, cells: &StringViewArray, row: usize, count: usize) -> Elements<'_> {
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
        Elements { numbers: &self.numbers[from..to], from }
    }
}

/// How many values of a row are remembered.
const FEW: usize = 4;

/// What came of the cells of one path before. Where a file has few different ones they are values of a dictionary, and
/// the same view of the same column is the same text.
struct Seen([Option<Few>; 64]);

#[derive(Clone, Copy)]
struct Few {
    cell: u128,
    from: usize,
    count: usize,
    views: [u128; FEW],
}

impl Seen {
    /// Returns the place for what elements of a cell are.
    fn slot(&mut self, cell: u128, elements: Elements) -> &mut Option<Few> {
        // A view ends with the offset in its buffer.
        let hash = ((cell >> 96) as u32).wrapping_add(elements.from as u32).wrapping_mul(0x9e37_79b1);
        &mut self.0[(hash >> 26) as usize]
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
        let mut seen: Vec<Seen> = cells.iter().map(|_| Seen([None; 64])).collect();
        let mut done = Vec::new();
        let mut origin = Origin::new(&self.outputs);
        let mut chosen = Chosen::default();
        let mut all: Vec<usize> = Vec::new();
        for row in 0..batch.num_rows() {
            // A text that an outer join has none of is empty, and that is one element.
            let count = if counts.is_null(row) { 1 } else { usize::try_from(counts.value(row)).unwrap_or(0) };
            let count = count.min(self.limit);
            let elements = match &self.filter {
                Some(filter) => chosen.choose(filter, cells[filter.path], row, count),
                None => {
                    all.extend(all.len()..count);
                    Elements { numbers: &all[..count], from: 0 }
                }
            };
            if elements.numbers.is_empty() {
                continue;
            }
            origin.extend(row, elements.numbers.iter().copied());
            for (((column, cells), text), seen) in columns.iter_mut().zip(&cells).zip(&self.texts).zip(&mut seen) {
                fill(column, cells, row, elements, *text, seen);
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
fn fill(column: &mut Parts, cells: &StringViewArray, row: usize, elements: Elements, text: bool, seen: &mut Seen) {
    let count = elements.numbers.len();
    let cell = if cells.is_null(row) { None } else { cells.views().get(row).copied() };
    let mut slot = match cell {
        Some(cell) if count <= FEW => Some((cell, seen.slot(cell, elements))),
        _ => None,
    };
    if let Some((cell, Some(few))) = &slot
        && few.cell == *cell
        && (few.from, few.count) == (elements.from, count)
    {
        return column.push_views(&few.views[..count]);
    }
    let start = column.len();
    let mut values = cell.map(|_| shred::cell(cells.value(row)));
    let mut next = 0;
    for number in elements.numbers {
        let value = values.as_mut().and_then(|values| values.nth(number - next));
        next = number + 1;
        match value {
            None | Some("null") if text => column.push(row, ""),
            None | Some("null") => column.push_null(),
            Some(value) if text => column.push(row, &json::as_text(value)),
            Some(value) => column.push(row, value),
        }
    }
    if let Some((cell, slot)) = &mut slot
        && let Some(views) = column.since(start)
    {
        let mut few = Few { cell: *cell, from: elements.from, count, views: [0; FEW] };
        few.views[..count].copy_from_slice(views);
        **slot = Some(few);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::builder::StringViewBuilder;
    use arrow::array::{ArrayRef, Int64Array};
    use rand::{Rng, SeedableRng};

    use super::super::testing::rows;
    use super::*;
    use crate::types::ScalarType;

    const TYPES: [Option<&str>; 4] =
        [Some(r#"["host","process","process"]"#), Some(r#"[null,7,"process"]"#), Some(r#"{"":["process"]}"#), None];
    const VALUES: [Option<&str>; 7] = [
        Some(r#"["a","2","a text that is longer than twelve bytes"]"#),
        Some(r#"[null,"C:\\a path with escapes",{"b" : [1, "]"]}]"#),
        Some(r#"[null,null,"x"]"#),
        Some(r#"["only one of some length, and a null",null]"#),
        Some(r#"{"":[true]}"#),
        Some(r#"["1",-2.50,3,4,"5"]"#),
        None,
    ];

    /// Rows of a number, a count and two cells, of texts that share a view where they are alike, as those of a dictionary.
    fn input(seed: u64) -> RecordBatch {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let count = 300;
        let mut pick = |texts: &[Option<&str>]| -> ArrayRef {
            let mut column = StringViewBuilder::new().with_deduplicate_strings();
            (0..count).for_each(|_| column.append_option(texts[random.random_range(0..texts.len())]));
            Arc::new(column.finish())
        };
        let (types, values) = (pick(&TYPES), pick(&VALUES));
        let counts: Int32Array =
            (0..count).map(|_| (random.random_range(0..9) > 0).then(|| random.random_range(0..7))).collect();
        let numbers: Int64Array = (0..count as i64).collect();
        let columns: [(&str, ArrayRef); 4] =
            [("n", Arc::new(numbers)), ("count", Arc::new(counts)), ("type", types), ("value", values)];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
    }

    fn operator(filter: Option<&'static str>, text: bool, limit: Option<i64>) -> ExpandCells {
        let kind = if text { ScalarType::String } else { ScalarType::Dynamic };
        let outputs = vec![
            (Column::new("n", ScalarType::Long), Output::Input(0)),
            (Column::new("type", ScalarType::String), Output::Element(0)),
            (Column::new("value", kind), Output::Element(1)),
            (Column::new("i", ScalarType::Long), Output::Index),
        ];
        let filter = filter.map(|wanted| (0, Arc::new(move |text: &str| text == wanted) as Wanted));
        ExpandCells::new(outputs, 1, vec![true, text], filter, limit)
    }

    #[test]
    fn rows_of_the_same_texts_give_what_each_gives_alone() {
        for (seed, filter) in [None, Some("process"), Some(""), Some("7"), Some("host")].into_iter().enumerate() {
            for (text, limit) in [(true, None), (false, None), (true, Some(2))] {
                let batch = input(seed as u64);
                let together = rows(&operator(filter, text, limit).push(&batch).unwrap());
                let alone = |row| operator(filter, text, limit).push(&batch.slice(row, 1)).unwrap();
                let alone: Vec<String> = (0..batch.num_rows()).flat_map(|row| rows(&alone(row))).collect();
                assert!(together.len() > 20, "{filter:?}");
                assert_eq!(together, alone, "{filter:?} {text} {limit:?}");
            }
        }
    }

    #[test]
    fn elements_are_those_that_were_found() {
        let batch = RecordBatch::try_from_iter_with_nullable([
            ("n", Arc::new(Int64Array::from_iter_values([1, 2])) as ArrayRef, true),
            ("count", Arc::new(Int32Array::from(vec![Some(3), None])), true),
            ("type", Arc::new(StringViewArray::from(vec![TYPES[0], TYPES[3]])), true),
            ("value", Arc::new(StringViewArray::from(vec![VALUES[1], VALUES[6]])), true),
        ]);
        let batch = batch.unwrap();
        let found = |filter, text| rows(&operator(filter, text, None).push(&batch).unwrap());
        assert_eq!(
            found(None, true),
            ["1|host||0", "1|process|C:\\a path with escapes|1", "1|process|{\"b\":[1,\"]\"]}|2", "2|||0"]
        );
        assert_eq!(
            found(Some("process"), false),
            ["1|process|\"C:\\\\a path with escapes\"|1", "1|process|{\"b\" : [1, \"]\"]}|2"]
        );
    }
}
